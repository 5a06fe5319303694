"""Drawings read without a hint: digits, numbers, and several of them on one canvas.

    python -m benchmarks drawing-reading FOLDER [--part test|validation] [--count N]

FOLDER holds unipen_digits.npz and unipen_digit_strings.npz and, for the test part, crohme_digits.npz and
crohme_digit_strings.npz, whose first 3,000 digits are read. Of UNIPEN the writers of one part are read,
without labels that may be wrong. Made drawings put digits of one writer together: two numbers side by side
with a gap of 1.4 to 4 digit heights, two lines with a gap of 0.3 to 1.5, a column of digits, and digits 1.5
to 4 heights apart, on a canvas tilted by about 2 degrees. A drawing is right if lines, numbers and digits
are; separators are removed from labels. Beside it stand the parts of a drawing, read with the right hint
for each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.common.handwriting_sets import SEEDS, load_strokes, load_unipen, suspect_labels
from benchmarks.common.reporting import argument_parser, markdown_table
from inkwise import Reading, Recognizer
from inkwise._util.intervals import wilson_interval
from inkwise._util.system import describe_machine
from inkwise._util.text import digits_of
from inkwise.datasets import StrokeSet
from inkwise.recognition import Expect

Strokes = list[NDArray[np.floating]]
Writer = list[tuple[Strokes, str]]
"""Digits of one writer, and their labels."""

CROHME_DIGITS = 3000  # the first ones
MIN_WRITER_DIGITS = 8  # of a writer whose digits are put together
HEIGHT_RANGE = 0.65, 1.5  # heights of these digits, in medians of the writer
SLOPE = 2.0  # standard deviation of the tilt of a made drawing, degrees


@dataclass(frozen=True)
class Drawing:
    """Strokes, the text that they spell, and the parts that hold one number each, with their texts."""

    strokes: Strokes
    text: str
    parts: list[tuple[Strokes, str]]


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", choices=("test", "validation"), default="test")
    parser.add_argument("--count", type=int, default=300, help="made drawings of each kind")
    arguments = parser.parse_args(argv)
    folder, part = arguments.folder, arguments.part
    digits = load_unipen(folder / "unipen_digits.npz", part)
    digits = digits.select(~suspect_labels(folder / "unipen_digits.npz", part))
    numbers = load_unipen(folder / "unipen_digit_strings.npz", part)
    sets = {"unipen_digits": whole(digits), "unipen_digit_strings": whole(numbers)}
    if part == "test":
        crohme, _ = load_strokes(folder / "crohme_digits.npz")
        sets["crohme_digits"] = whole(crohme.select(slice(CROHME_DIGITS)))
        sets["crohme_digit_strings"] = whole(load_strokes(folder / "crohme_digit_strings.npz")[0])
    writers = digits_by_writer(digits)
    for name, make in MADE.items():
        rng = np.random.default_rng(SEEDS[part])
        sets[f"made: {name}"] = [tilted(make(rng, writers), rng) for _ in range(arguments.count)]
    recognizer = Recognizer(threads=1)
    rows = [row(name, drawings, recognizer) for name, drawings in sets.items()]
    print(f"{part} part; {describe_machine()}.\n")
    head = ("drawings", "n", "right without a hint", "wrong and accepted", "parts right with hints")
    print(markdown_table(head, rows))


def whole(strokes: StrokeSet) -> list[Drawing]:
    """Return drawings of one number each; those without a digit in their label are left out."""
    texts = [digits_of(str(label)) for label in strokes.labels]
    return [
        Drawing([*sample], text, [([*sample], text)])
        for sample, text in zip(strokes.samples, texts, strict=True)
        if text
    ]


def digits_by_writer(digits: StrokeSet) -> list[Writer]:
    """Return the digits of each writer who has enough, of usual height, in units of the median height."""
    assert digits.writers is not None
    writers = []
    for writer in np.unique(digits.writers):
        own = digits.select(digits.writers == writer)
        heights = np.array([np.ptp(np.concatenate(sample)[:, 1]) for sample in own.samples])
        median = np.median(heights)
        usual = (heights > HEIGHT_RANGE[0] * median) & (heights < HEIGHT_RANGE[1] * median)
        found = own.select(usual)
        if len(found) >= MIN_WRITER_DIGITS:
            samples = [[stroke / median for stroke in sample] for sample in found.samples]
            writers.append([*zip(samples, map(str, found.labels), strict=True)])
    return writers


def digit(rng: np.random.Generator, writer: Writer) -> tuple[Strokes, str]:
    """Return a digit that stands on y = 0 with its left edge on x = 0."""
    strokes, label = writer[rng.integers(len(writer))]
    points = np.concatenate(strokes)
    return moved(strokes, -points[:, 0].min(), -points[:, 1].max()), label


def number(rng: np.random.Generator, writer: Writer) -> tuple[Strokes, str]:
    """Return one to four digits in a row, 0.1 to 0.5 heights apart."""
    strokes: Strokes = []
    text, right = "", 0.0
    for _ in range(rng.integers(1, 5)):
        one, label = digit(rng, writer)
        strokes += moved(one, right, rng.normal(0, 0.05))
        text, right = text + label, size(strokes)[0] + rng.uniform(0.1, 0.5)
    return strokes, text


def two_numbers(rng: np.random.Generator, writers: list[Writer]) -> Drawing:
    writer = writers[rng.integers(len(writers))]
    (left, first), (right, second) = number(rng, writer), number(rng, writer)
    moved_right = moved(right, size(left)[0] + rng.uniform(1.4, 4), rng.normal(0, 0.1))
    return Drawing(left + moved_right, f"{first} {second}", [(left, first), (right, second)])


def two_lines(rng: np.random.Generator, writers: list[Writer]) -> Drawing:
    writer = writers[rng.integers(len(writers))]
    (upper, first), (lower, second) = number(rng, writer), number(rng, writer)
    low = np.concatenate(upper)[:, 1].max() + size(lower)[1] + rng.uniform(0.3, 1.5)
    moved_lower = moved(lower, rng.uniform(-1, 1), low)
    return Drawing(upper + moved_lower, f"{first}\n{second}", [(upper, first), (lower, second)])


def column(rng: np.random.Generator, writers: list[Writer]) -> Drawing:
    writer = writers[rng.integers(len(writers))]
    parts = [digit(rng, writer) for _ in range(rng.integers(2, 5))]
    strokes: Strokes = []
    low = 0.0
    for one, _ in parts:
        low += size(one)[1] + rng.uniform(0.3, 1)
        strokes += moved(one, rng.normal(0, 0.15), low)
    return Drawing(strokes, "\n".join(label for _, label in parts), parts)


def far_apart(rng: np.random.Generator, writers: list[Writer]) -> Drawing:
    writer = writers[rng.integers(len(writers))]
    parts = [digit(rng, writer) for _ in range(rng.integers(2, 5))]
    strokes: Strokes = []
    left = 0.0
    for one, _ in parts:
        strokes += moved(one, left, rng.normal(0, 0.1))
        left = size(strokes)[0] + rng.uniform(1.5, 4)
    return Drawing(strokes, " ".join(label for _, label in parts), parts)


MADE: dict[str, Callable[[np.random.Generator, list[Writer]], Drawing]] = {
    "two numbers on a line": two_numbers,
    "two lines": two_lines,
    "a column of digits": column,
    "digits far apart": far_apart,
}


def moved(strokes: Strokes, x: float, y: float) -> Strokes:
    return [stroke + np.array([x, y]) for stroke in strokes]


def size(strokes: Strokes) -> tuple[float, float]:
    """Return the right edge and the height of strokes."""
    points = np.concatenate(strokes)
    return float(points[:, 0].max()), float(np.ptp(points[:, 1]))


def tilted(drawing: Drawing, rng: np.random.Generator) -> Drawing:
    angle = np.radians(rng.normal(0, SLOPE))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return Drawing([stroke @ turn for stroke in drawing.strokes], drawing.text, drawing.parts)


def row(name: str, drawings: list[Drawing], recognizer: Recognizer) -> tuple[str, ...]:
    readings = [recognizer.read_strokes(drawing.strokes) for drawing in drawings]
    right = [labels(reading) == drawing.text for reading, drawing in zip(readings, drawings, strict=True)]
    accepted = sum(reading.accepted and not ok for reading, ok in zip(readings, right, strict=True))
    hinted = sum(
        all(labels(recognizer.read_strokes(part, hint(text))) == text for part, text in drawing.parts)
        for drawing in drawings
    )
    low, high = wilson_interval(sum(right), len(right))
    return (
        name,
        f"{len(drawings):,}",
        f"{np.mean(right):.1%} ({low:.1%} to {high:.1%})",
        f"{accepted / len(drawings):.1%}",
        f"{hinted / len(drawings):.1%}",
    )


def hint(text: str) -> Expect:
    return "digit" if len(text) == 1 else "number"


def labels(reading: Reading) -> str:
    """Return the best guesses, with a space between numbers and a newline between lines."""
    lines = groupby(reading, key=lambda number: number.line)
    return "\n".join(
        " ".join("".join(digit.label for digit in number.digits) for number in line) for _, line in lines
    )
