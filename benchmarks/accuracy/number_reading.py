"""Cheque amounts, digit strings and made amounts, read by Inkwise, tesseract and rapidocr.

    python -m benchmarks number-reading FOLDER [--part test|validation|train] [--model FILE]
                                        [--readers NAME,..] [--misses PICTURE.png]

FOLDER holds cheque_amounts.npz and the sets of UNIPEN and pendigits. Cheques are split into thirds by a
hash of their number, strings by writer, as digits are; amounts with a point or a comma are composed of
the pen strokes of the part's writers. The readers are inkwise, inkwise-digits (with the constraint that
only digits are asked for, whose probability is then the confidence) and, if installed, tesseract (digits
only, one line) and rapidocr 3 (recognition only, of all characters or of digits and separators). "Whole
numbers" are right if their digits are, "texts" if their separators are, too, spaces aside; labels of
cheques hold digits only. A point is lost if the digits are right, the text has fewer points and commas
than the label, and the reading is accepted.
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

from benchmarks.accuracy.page_reading import best_guess
from benchmarks.common.handwriting_sets import load_strokes
from benchmarks.common.reporting import argument_parser, markdown_table
from inkwise import Constraint, Recognizer, datasets
from inkwise._util.intervals import wilson_interval
from inkwise._util.system import describe_machine
from inkwise._util.text import digits_of
from inkwise.datasets.splits import SPLITS
from inkwise.image import load_image
from inkwise.preprocessing import Strokes
from inkwise.preprocessing.strokes import draw_strokes
from inkwise.recognition.model import LineModel

GreyImage = NDArray[np.uint8]
ReaderOutput = tuple[str, float, bool]
"""The text that was read, the confidence, and whether it is accepted."""
ReadSample = Callable[[GreyImage | Strokes], ReaderOutput]

SEPARATORS = ".,-/:=()#–—_ "
POINTS = {*".,"}
MADE_AMOUNTS = 400
TARGET_ACCURACY = 0.99  # for the column of coverage


@dataclass(frozen=True)
class NumberSet:
    """Images or strokes of numbers, and what is written."""

    name: str
    samples: Sequence[GreyImage | Strokes]
    texts: list[str]


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", choices=SPLITS, default="test")
    parser.add_argument("--model", type=Path, help="the .onnx file of a line model, or its run folder")
    parser.add_argument("--readers", default="inkwise", help=", ".join(READERS))
    parser.add_argument("--misses", type=Path, help="write an image of inkwise's misses among the cheques")
    arguments = parser.parse_args(argv)
    sets = [cheques(arguments.folder / "cheque_amounts.npz", arguments.part)]
    sets += strings(arguments.folder / "unipen_digit_strings.npz", arguments.part)
    sets.append(made_amounts(arguments.folder, arguments.part))
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
    shares = ("whole numbers right", "texts right", "read at 99 %", "wrong and accepted", "points lost")
    head = ("reader", "set", "n", *shares, "ms each")
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
        texts = [str(whole.labels[number]).replace(" ", "") for number in kept]
        samples = [whole.samples[number] for number in kept]
        sets.append(NumberSet(f"unipen_digit_strings, {part} writers, {name}", samples, texts))
    return sets


def made_amounts(folder: Path, part: str) -> NumberSet:
    """Compose pictures of amounts, each with a point or a comma, by the hands of the part's writers."""
    from inkwise.training.synthesis.number_layout import Hand, lay_out_number
    from inkwise.training.synthesis.number_pool import build_number_pool
    from inkwise.training.synthesis.number_texts import random_amount

    pool = build_number_pool(folder, part)
    pool.scans = []  # MNIST's and Swiss scans have no test writers
    rng = np.random.default_rng(SPLITS.index(part))
    pictures: list[GreyImage] = []
    texts: list[str] = []
    while len(texts) < MADE_AMOUNTS:
        text = random_amount(rng)
        if POINTS & {*text}:
            ink = lay_out_number(text, Hand(pool, float(rng.uniform(3, 8)), rng))
            pictures.append(np.asarray(255 - np.pad(ink, 40), np.uint8))
            texts.append(text.replace(" ", ""))
    return NumberSet(f"made amounts, {part} writers", pictures, texts)


def row(numbers: NumberSet, answers: list[ReaderOutput], seconds: float) -> tuple[str, ...]:
    pairs = [*zip(answers, numbers.texts, strict=True)]
    right = np.array([digits_of(text) == digits_of(truth) for (text, _, _), truth in pairs])
    exact = np.array([text == truth for (text, _, _), truth in pairs])
    accepted = np.array([sure for _, _, sure in answers])
    lost = np.array([points(text) < points(truth) for (text, _, _), truth in pairs]) & right & accepted
    read = [text for text, _, _ in answers]  # a reader of digits alone is judged by them
    separated = all(any(text != digits_of(text) for text in texts) for texts in (read, numbers.texts))
    return (
        numbers.name,
        f"{len(right):,}",
        share(right),
        share(exact) if separated else "–",
        coverage(np.array([sure for _, sure, _ in answers]), right),
        f"{(accepted & ~(exact if separated else right)).mean():.1%}",
        f"{lost.mean():.1%}" if separated else "–",
        f"{1000 * seconds / len(right):.1f}",
    )


def share(right: NDArray[np.bool_]) -> str:
    low, high = wilson_interval(int(right.sum()), len(right))
    return f"{right.mean():.1%}, {int((~right).sum())} misses ({low:.1%} to {high:.1%})"


def points(text: str) -> int:
    """Return the number of points and commas."""
    return sum(character in POINTS for character in text)


def coverage(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> str:
    """Return the largest share of the most confident numbers with an accuracy of 99 %."""
    if np.isnan(sure).any():
        return "–"
    shares = np.cumsum(right[np.argsort(-sure, kind="stable")]) / np.arange(1, len(right) + 1)
    enough = np.flatnonzero(shares >= TARGET_ACCURACY)
    return f"{(enough[-1] + 1 if len(enough) else 0) / len(right):.1%}"


def inkwise(model: Path | None) -> ReadSample:
    return _inkwise(model, None)


def inkwise_digits(model: Path | None) -> ReadSample:
    return _inkwise(model, Constraint(pattern=r"\d+"))


def _inkwise(model: Path | None, constraint: Constraint | None) -> ReadSample:
    lines = None if model is None else LineModel(model / "model.onnx" if model.is_dir() else model, threads=1)
    recognizer = Recognizer(threads=1, line_model=lines)

    def read(sample: GreyImage | Strokes) -> ReaderOutput:
        if isinstance(sample, np.ndarray):
            reading = recognizer.read(sample, "number", constraint)
        else:
            reading = recognizer.read_strokes(sample, "number", constraint)
        return "".join(map(best_guess, reading)), reading.confidence, reading.accepted

    return read


def tesseract(_: Path | None) -> ReadSample:
    program = shutil.which("tesseract")
    if program is None:
        raise SystemExit("tesseract is not installed")
    command = [program, "stdin", "stdout", "--psm", "7", "-c", "tessedit_char_whitelist=0123456789"]

    def read(sample: GreyImage | Strokes) -> ReaderOutput:
        _, content = cv2.imencode(".png", stroke_image(sample))
        done = subprocess.run(command, input=content.tobytes(), capture_output=True, check=True)
        return digits_of(done.stdout.decode()), float("nan"), True

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
        return (
            (found.txts[0].replace(" ", ""), float(found.scores[0]), True) if found.txts else ("", 0.0, False)
        )

    if characters is not None:
        read(np.full((48, 160), 255, np.uint8))  # the recognizer is created at its first use
        recognizer, session = engine.text_rec, engine.text_rec.session
        kept = np.isin(np.array(recognizer.postprocess_op.character), list(characters))
        kept[0] = True  # the blank
        recognizer.session = lambda pictures: np.where(kept, session(pictures), 0)
    return read


READERS: dict[str, Callable[[Path | None], ReadSample]] = {
    "inkwise": inkwise,
    "inkwise-digits": inkwise_digits,
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
    wrong = [at for at, truth in enumerate(numbers.texts) if digits_of(answers[at][0]) != digits_of(truth)]
    sheet = Image.new("L", (5 * 260, max(1, -(-len(wrong) // 5)) * 90), 255)
    draw = ImageDraw.Draw(sheet)
    for number, at in enumerate(wrong):
        x, y = number % 5 * 260, number // 5 * 90
        shown = Image.fromarray(stroke_image(numbers.samples[at]))
        shown.thumbnail((250, 64))
        sheet.paste(shown, (x, y))
        draw.text((x, y + 68), f"{numbers.texts[at]} read {answers[at][0]} ({answers[at][1]:.0%})", fill=0)
    return sheet
