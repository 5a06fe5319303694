"""Cheque amounts and digit strings, read by Inkwise, tesseract and rapidocr.

    python -m benchmarks number-reading FOLDER [--part test|validation|train] [--model FILE]
                                        [--readers NAME,..] [--misses PICTURE.png]

FOLDER holds cheque_amounts.npz and unipen_digit_strings.npz. Cheques are split into thirds by a hash of their
number, strings by writer, as digits are. The readers are inkwise and, if installed, tesseract (digits only,
one line) and rapidocr 3 (recognition only, of all characters or of digits and separators). Only digits are
compared: dots, commas, dashes and spaces are removed from answers and labels.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.common.handwriting_sets import load_strokes
from benchmarks.common.reporting import argument_parser, markdown_table
from inkwise import Recognizer, datasets
from inkwise._util.intervals import wilson_interval
from inkwise._util.system import describe_machine
from inkwise.datasets.dataset import SPLITS
from inkwise.image import load_image
from inkwise.preprocessing import Strokes
from inkwise.preprocessing.strokes import draw_strokes
from inkwise.recognition.model import LineModel

GreyImage = NDArray[np.uint8]
ReaderOutput = tuple[str, float]
"""The digits that were read, and the confidence."""
ReadSample = Callable[[GreyImage | Strokes], ReaderOutput]

SEPARATORS = ".,-/:=()#–—_ "
TARGET_ACCURACY = 0.99  # for the column of coverage


@dataclass(frozen=True)
class NumberSet:
    """Images or strokes of numbers, and their digits."""

    name: str
    samples: Sequence[GreyImage | Strokes]
    texts: list[str]


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", choices=SPLITS, default="test")
    parser.add_argument("--model", type=Path, help="the .onnx file of a line model, or its run folder")
    parser.add_argument("--readers", default="inkwise", help="inkwise, tesseract, rapidocr, rapidocr-digits")
    parser.add_argument("--misses", type=Path, help="write an image of inkwise's misses among the cheques")
    arguments = parser.parse_args(argv)
    sets = [cheques(arguments.folder / "cheque_amounts.npz", arguments.part)]
    sets += strings(arguments.folder / "unipen_digit_strings.npz", arguments.part)
    rows = []
    for name in arguments.readers.split(","):
        read = READERS[name](arguments.model)
        for numbers in sets:
            start = time.perf_counter()
            answers = [read(sample) for sample in numbers.samples]
            seconds = time.perf_counter() - start
            rows.append((name, *row(numbers, answers, seconds)))
            if arguments.misses and name == "inkwise" and numbers is sets[0]:
                misses_image(numbers, answers).save(arguments.misses)
    print(f"{arguments.part}; {describe_machine()}.\n")
    head = ("reader", "set", "n", "whole numbers right", "digits right", "read at 99 %", "ms each")
    print(markdown_table(head, rows))


def cheques(path: Path, part: str) -> NumberSet:
    """Load the photographed amounts of a third."""
    with np.load(path, allow_pickle=False) as file:
        content, offsets, labels = file["jpeg"], file["offsets"], file["labels"].tolist()
    chosen = [number for number in range(len(labels)) if cheque_split(number) == part]
    pictures = [load_image(content[offsets[number] : offsets[number + 1]].tobytes()) for number in chosen]
    return NumberSet(f"cheque_amounts, {part} third", pictures, [labels[number] for number in chosen])


def cheque_split(number: int) -> str:
    """Return the third of a cheque, by a hash of its number."""
    return SPLITS[hashlib.sha256(f"cheque {number}".encode()).digest()[0] % 3]


def strings(path: Path, part: str) -> list[NumberSet]:
    """Load the strings of the part's writers: digits only, and with separators."""
    whole, writers = load_strokes(path)
    with np.load(path, allow_pickle=False) as file:
        plain = file["digits_only"].astype(bool)
    own = datasets.split_by_writer(writers) == part
    sets = []
    for name, chosen in (("digits only", own & plain), ("with separators", own & ~plain)):
        kept = [number for number in np.flatnonzero(chosen) if digits_of(str(whole.labels[number]))]
        texts = [digits_of(str(whole.labels[number])) for number in kept]
        samples = [whole.samples[number] for number in kept]
        sets.append(NumberSet(f"unipen_digit_strings, {part} writers, {name}", samples, texts))
    return sets


def digits_of(text: str) -> str:
    return "".join(sign for sign in text if sign.isascii() and sign.isdigit())


def row(numbers: NumberSet, answers: list[ReaderOutput], seconds: float) -> tuple[str, ...]:
    right = np.array([text == truth for (text, _), truth in zip(answers, numbers.texts, strict=True)])
    low, high = wilson_interval(int(right.sum()), len(right))
    edits = sum(edit_distance(text, truth) for (text, _), truth in zip(answers, numbers.texts, strict=True))
    digits = sum(map(len, numbers.texts))
    return (
        numbers.name,
        f"{len(right):,}",
        f"{right.mean():.1%}, {int((~right).sum())} misses ({low:.1%} to {high:.1%})",
        f"{1 - edits / digits:.2%} of {digits:,}",
        coverage(np.array([sure for _, sure in answers]), right),
        f"{1000 * seconds / len(right):.1f}",
    )


def coverage(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> str:
    """Return the largest share of the most confident numbers with an accuracy of 99 %."""
    if np.isnan(sure).any():
        return "–"
    shares = np.cumsum(right[np.argsort(-sure, kind="stable")]) / np.arange(1, len(right) + 1)
    enough = np.flatnonzero(shares >= TARGET_ACCURACY)
    return f"{(enough[-1] + 1 if len(enough) else 0) / len(right):.1%}"


def edit_distance(one: str, other: str) -> int:
    """Return the Levenshtein distance."""
    before = list(range(len(other) + 1))
    for place, sign in enumerate(one, 1):
        now = [place]
        for at, beside in enumerate(other, 1):
            now.append(min(now[-1] + 1, before[at] + 1, before[at - 1] + (sign != beside)))
        before = now
    return before[-1]


def inkwise(model: Path | None) -> ReadSample:
    lines = None if model is None else LineModel(model / "model.onnx" if model.is_dir() else model, threads=1)
    recognizer = Recognizer(threads=1, line_model=lines)

    def read(sample: GreyImage | Strokes) -> ReaderOutput:
        if isinstance(sample, np.ndarray):
            reading = recognizer.read(sample, "number")
        else:
            reading = recognizer.read_strokes(sample, "number")
        return "".join(digit.label for digit in reading.digits), reading.confidence

    return read


def tesseract(_: Path | None) -> ReadSample:
    program = shutil.which("tesseract")
    if program is None:
        raise SystemExit("tesseract is not installed")
    command = [program, "stdin", "stdout", "--psm", "7", "-c", "tessedit_char_whitelist=0123456789"]

    def read(sample: GreyImage | Strokes) -> ReaderOutput:
        _, content = cv2.imencode(".png", stroke_image(sample))
        done = subprocess.run(command, input=content.tobytes(), capture_output=True, check=True)
        return digits_of(done.stdout.decode()), float("nan")

    return read


def rapidocr(_: Path | None) -> ReadSample:
    return _rapidocr(None)


def rapidocr_digits(_: Path | None) -> ReadSample:
    return _rapidocr("0123456789" + SEPARATORS)


def _rapidocr(characters: str | None) -> ReadSample:
    """Recognition without detection, restricted to these characters if given."""
    from rapidocr import RapidOCR

    engine = RapidOCR()

    def read(sample: GreyImage | Strokes) -> ReaderOutput:
        shown = cv2.cvtColor(stroke_image(sample), cv2.COLOR_GRAY2BGR)
        found = engine(shown, use_det=False, use_cls=False, use_rec=True)
        return (digits_of(found.txts[0]), float(found.scores[0])) if found.txts else ("", 0.0)

    if characters is not None:
        read(np.full((48, 160), 255, np.uint8))  # the recognizer is created at its first use
        recognizer, session = engine.text_rec, engine.text_rec.session
        kept = np.isin(np.array(recognizer.postprocess_op.character), list(characters))
        kept[0] = True  # the blank
        recognizer.session = lambda pictures: np.where(kept, session(pictures), 0)
    return read


READERS: dict[str, Callable[[Path | None], ReadSample]] = {
    "inkwise": inkwise,
    "tesseract": tesseract,
    "rapidocr": rapidocr,
    "rapidocr-digits": rapidocr_digits,
}


def stroke_image(sample: GreyImage | Strokes) -> GreyImage:
    """Draw strokes for image readers: black on white, 48 pixels high."""
    if isinstance(sample, np.ndarray):
        return sample
    points = np.concatenate(sample)
    low, extent = points.min(0), np.ptp(points, 0)
    scale = 48 / max(float(extent[1]), 0.05 * float(extent[0]), 1.0)
    width, height = (extent * scale).astype(int) + 32
    ink = np.zeros((int(height), int(width)), np.uint8)
    draw_strokes(ink, [(stroke - low) * scale + 16 for stroke in sample], 3)
    return 255 - ink


def misses_image(numbers: NumberSet, answers: list[ReaderOutput]) -> Image.Image:
    """Return an image of every misread number with label, answer and confidence."""
    wrong = [at for at, truth in enumerate(numbers.texts) if answers[at][0] != truth]
    sheet = Image.new("L", (5 * 260, max(1, -(-len(wrong) // 5)) * 90), 255)
    draw = ImageDraw.Draw(sheet)
    for number, at in enumerate(wrong):
        x, y = number % 5 * 260, number // 5 * 90
        shown = Image.fromarray(stroke_image(numbers.samples[at]))
        shown.thumbnail((250, 64))
        sheet.paste(shown, (x, y))
        draw.text((x, y + 68), f"{numbers.texts[at]} read {answers[at][0]} ({answers[at][1]:.0%})", fill=0)
    return sheet
