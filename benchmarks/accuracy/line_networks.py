"""Networks of the line reader under training, on lines of validation writers, by the best path.

    python -m benchmarks.accuracy.line_networks WEIGHTS.onnx DATA [CHECKPOINT.pt ..] [--mix SHARE,..]
                                                [--misses PICTURE.png] [--sets NAME,..]

Each checkpoint's averaged weights are read, and, with --mix, means with the untuned ones (WiSE-FT,
M. Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022): with a share of 1 the checkpoint.
Sets: composed lines and drawn strings of validation writers; and two thirds of the cheques, for information
only: nothing is chosen by them. Spaces are left out of all texts.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.accuracy.number_reading import cheques
from benchmarks.common.reporting import markdown_table
from inkwise._util.text import digits_of
from inkwise.preprocessing.strokes import draw_strokes
from inkwise.training.number_training import batches, best_path, pretrained, to_input
from inkwise.training.svtr_lcnet import SvtrLcnet
from inkwise.training.synthesis.number_pool import build_number_pool
from inkwise.training.synthesis.number_synthesis import compose_number, to_width
from inkwise.training.synthesis.number_texts import OTHER

Line = tuple[NDArray[np.uint8], str]
State = dict[str, torch.Tensor]

_COMPOSED = 600
_SEED = 20261130
_DRAWN_HEIGHT = 40  # of tall strokes, pixels
_MARGIN = 12  # pixels
_PEN = 3.5  # pixels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("checkpoints", type=Path, nargs="*")
    parser.add_argument("--mix", default="1")
    parser.add_argument("--misses", type=Path)
    parser.add_argument("--sets", help="of the misses")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sets = line_sets(arguments.data)
    net = pretrained(arguments.weights).eval()
    untuned = {name: value.clone() for name, value in net.state_dict().items()}
    rows = []
    for path in arguments.checkpoints or [None]:
        own = torch.load(path, weights_only=True)["average"] if path else untuned
        for share in map(float, arguments.mix.split(",")) if path else [0.0]:
            net.load_state_dict(mixed(untuned, own, share))
            answers = {name: read(net, lines) for name, lines in sets.items()}
            label = f"{path.parent.name}/{path.stem} {share:g}" if path else "untuned"
            rows.append((label, *scores(sets, answers)))
    head = ("network", *(f"{name}: {what}" for name in sets for what in ("digits", "text")))
    print(markdown_table(head, rows))
    if arguments.misses:
        names = arguments.sets.split(",") if arguments.sets else sets
        misses = [
            (*line, answer) for name in names for line, answer in zip(sets[name], answers[name], strict=True)
        ]
        misses_sheet([miss for miss in misses if plain(miss[1]) != plain(miss[2])]).save(arguments.misses)


def line_sets(data: Path) -> dict[str, list[Line]]:
    """Lines of each set, with what is written on them."""
    pool = build_number_pool(data, "validation")
    rng = np.random.default_rng(_SEED)
    composed = [compose_number(pool, rng) for _ in range(_COMPOSED)]
    drawn = [(draw(strokes), text) for strokes, text in pool.numbers]
    photos = [
        (to_width(np.asarray(grey)), text)
        for part in ("train", "validation")
        for numbers in [cheques(data / "cheque_amounts.npz", part)]
        for grey, text in zip(numbers.samples, numbers.texts, strict=True)
    ]
    return {
        "composed": composed,
        "drawn digits": [line for line in drawn if line[1].isdigit()],
        "drawn with separators": [line for line in drawn if not line[1].isdigit()],
        "cheques": [(picture, text) for picture, text in photos if picture is not None],
    }


def draw(strokes: list[NDArray[np.floating]]) -> NDArray[np.uint8]:
    """A picture (48, w) uint8 of strokes."""
    points = np.concatenate(strokes)
    tall = max(float(np.quantile([np.ptp(stroke[:, 1]) for stroke in strokes], 0.75)), 1e-6)
    scale = min(_DRAWN_HEIGHT / tall, 1600 / max(float(np.ptp(points[:, 0])), 1))
    low = points.min(0)
    width, height = (np.ptp(points, 0) * scale).astype(int) + 2 * _MARGIN
    canvas = np.zeros((height, width), np.uint8)
    draw_strokes(canvas, [(stroke - low) * scale + _MARGIN for stroke in strokes], _PEN)
    picture = to_width(255 - canvas)
    assert picture is not None
    return picture


def mixed(one: State, other: State, share: float) -> State:
    return {name: value.lerp(other[name], share) for name, value in one.items()}


@torch.no_grad()
def read(net: SvtrLcnet, lines: list[Line]) -> list[str]:
    """The text of each line."""
    numbered = [(picture, str(number)) for number, (picture, _) in enumerate(lines)]
    answers = [""] * len(lines)
    for pictures, numbers in batches(numbered):
        for number, text in zip(numbers, best_path(net(to_input(pictures))), strict=True):
            answers[int(number)] = text
    return answers


def plain(text: str) -> str:
    return text.replace(" ", "").replace(OTHER, "")


def scores(sets: dict[str, list[Line]], answers: dict[str, list[str]]) -> Iterable[str]:
    for name, lines in sets.items():
        pairs = [(text, answer) for (_, text), answer in zip(lines, answers[name], strict=True)]
        yield f"{np.mean([digits_of(text) == digits_of(answer) for text, answer in pairs]):.1%}"
        yield f"{np.mean([plain(text) == plain(answer) for text, answer in pairs]):.1%}"


def misses_sheet(misses: list[tuple[NDArray[np.uint8], str, str]]) -> Image.Image:
    """Pictures with what is written, in green, and what was read, in red."""
    sheet, x, y = Image.new("RGB", (1600, 2000), "white"), 0, 0
    canvas, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for picture, text, answer in misses:
        width = max(picture.shape[1], 8 * max(len(text), len(answer)))
        if x + width > sheet.width:
            x, y = 0, y + 84
        sheet.paste(Image.fromarray(picture), (x, y))
        canvas.text((x, y + 49), text.replace(OTHER, "?"), fill="green", font=font)
        canvas.text((x, y + 64), answer.replace(OTHER, "?"), fill="red", font=font)
        x += width + 8
    return sheet


if __name__ == "__main__":
    main()
