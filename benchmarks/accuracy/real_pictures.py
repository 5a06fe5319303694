"""Real pictures of handwritten digits: cells, photos, scans, cheques, pen strings, sheets, reported cases."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy.number_reading import NumberSet, cheques, strings, stroke_image
from benchmarks.accuracy.picture_readers import Answer, ReadableImage
from inkwise import Reading
from inkwise._util.text import digits_of
from inkwise.image import load_image
from inkwise.recognition.recognizer import Expect

GreyImage = NDArray[np.uint8]

_BLOCK = 20  # neighbouring cells and scans, often of one hand, that stay in one half

CASES = {
    "big_150px_over_small_55px_1200x900.png": "8630383615",
    "big_110px_over_small_55px_1200x900.png": "8630383615",
    "chalkboard_9171_1200x900.png": "9171",
    "paint_pencil_1_200px_a.png": "1",
    "paint_pencil_1_200px_b.png": "1",
    "paint_pencil_5_200px.png": "5",
    "paint_pencil_3_300px.png": "3",
    "digit2_hairline_1000.png": "2",
    "digit3_hairline_1000.png": "3",
    "row_5002_gap8px.png": "5002",
    "digit1_in_frame.png": "1",
    "digit3_border_inset_black4.png": "3",
    "digit3_half_border.png": "3",
    "date_110871_separate_boxes_small.png": "110871",
    "date_110871_joined_boxes_small.png": "110871",
    "page_a4_boxed_digits.png": "86303836157077758790677",
    "page_graph_paper_grey_54.png": "2355857043631989042813107",
    "digit3_ruled_grey_dark.png": "3",
    "digit3_ruled_blue_ink_blue.png": "3",
    "digit3_shadow_half.png": "3",
    "digit3_very_thick_marker.png": "3",
    "4071.gif": "4071",
    "4071__avif.avif": "4071",
    "4071_int32_0to255.tif": "4071",
    "4071__png16_8bit_range.png": "4071",
}
"""The digits of pictures from reports of readers that failed, by file name."""


@dataclass(frozen=True)
class RealSet:
    """Pictures of one file.

    Attributes:
        name: of the file and what was chosen from it.
        expect: the hint that fits.
        pictures: images and their digits, "" if a reading must not be accepted as one digit.
    """

    name: str
    expect: Expect
    pictures: Callable[[], Iterator[tuple[ReadableImage, str]]]


def real_sets(folder: Path, part: str) -> list[RealSet]:
    """Return the sets whose files are in the folder; "validation" and "test" share no picture."""

    def half(
        name: str, expect: Expect, load: Callable[[Path, str], Iterator[tuple[GreyImage, str]]]
    ) -> RealSet:
        return RealSet(name, expect, lambda: load(folder / f"{name.partition(',')[0]}.npz", part))

    sets = [
        half("exam_mark_cells, digits", "digit", lambda path, part: _exam_marks(path, part, digits=True)),
        half("exam_mark_cells, halves", "digit", lambda path, part: _exam_marks(path, part, digits=False)),
        half("own_hand", "digit", _own_hand),
        half("own_hand_more", "digit", _own_hand),
        half("european_pen_digits_jpeg", "digit", _jpeg_digits),
        half("cheque_amounts", "number", _cheques),
        half("unipen_digit_strings", "number", _strings),
    ]
    return [found for found in sets if (folder / f"{found.name.partition(',')[0]}.npz").exists()]


def is_right(truth: str, answer: Answer) -> bool:
    """Whether the digits are those written; without any, whether no digit is accepted alone (2½ is none)."""
    if truth:
        return answer.digits == truth
    text = answer.digits if answer.reading is None else answer.reading.text
    return not (answer.accepted and len(answer.digits) == 1 and text == answer.digits)


def cases(folder: Path) -> list[tuple[Path, str]]:
    """Return the files of reported cases in a folder and their digits."""
    return [(folder / name, digits) for name, digits in CASES.items()]


def _in_part(block: int, part: str) -> bool:
    """Return whether a block of pictures, or the pictures of a person, is in a half."""
    return hashlib.sha256(f"pictures {block}".encode()).digest()[0] % 2 == (part == "test")


def _images(path: Path) -> tuple[dict[str, NDArray[np.generic]], Callable[[int], GreyImage]]:
    """Return the arrays of a file and a function that returns one of its images."""
    with np.load(path, allow_pickle=False) as archive:
        arrays = dict(archive)

    def image(at: int) -> GreyImage:
        shape = arrays["shapes"][at]
        return np.asarray(arrays["pixels"][arrays["offsets"][at] :][: shape.prod()].reshape(shape), np.uint8)

    return arrays, image


def _exam_marks(path: Path, part: str, *, digits: bool) -> Iterator[tuple[GreyImage, str]]:
    arrays, image = _images(path)
    for at in np.flatnonzero(arrays["digit"] == digits).tolist():
        if _in_part(at // _BLOCK, part):
            yield image(at), str(arrays["labels"][at]) if digits else ""


def _own_hand(path: Path, part: str) -> Iterator[tuple[GreyImage, str]]:
    arrays, image = _images(path)
    for at, person in enumerate(arrays["person"].tolist()):
        if _in_part(person, part):
            yield image(at), str(arrays["labels"][at])


def _jpeg_digits(path: Path, part: str) -> Iterator[tuple[GreyImage, str]]:
    with np.load(path, allow_pickle=False) as archive:
        content, offsets, labels = archive["jpeg"], archive["offsets"], archive["labels"].tolist()
    for at, label in enumerate(labels):
        if _in_part(at // _BLOCK, part):
            yield load_image(content[offsets[at] : offsets[at + 1]].tobytes()), str(label)


def _cheques(path: Path, part: str) -> Iterator[tuple[GreyImage, str]]:
    for third in ("test",) if part == "test" else ("train", "validation"):
        yield from _numbers(cheques(path, third))


def _strings(path: Path, part: str) -> Iterator[tuple[GreyImage, str]]:
    for numbers in strings(path, part):
        yield from _numbers(numbers)


def _numbers(numbers: NumberSet) -> Iterator[tuple[GreyImage, str]]:
    pairs = zip(numbers.samples, numbers.texts, strict=True)
    return ((stroke_image(sample), digits_of(text)) for sample, text in pairs)


# ---- sheets of cells


def sheets(path: Path, part: str) -> Iterator[tuple[GreyImage, str, tuple[int, int]]]:
    """Yield two of the four sheets: image, the digit of every cell, and the numbers of rows and columns."""
    with np.load(path, allow_pickle=False) as archive:
        content, offsets = archive["jpeg"], archive["offsets"]
        labels, rows, columns = archive["labels"], archive["rows"], archive["cols"]
    for at in (2, 3) if part == "test" else (0, 1):
        image = load_image(content[offsets[at] : offsets[at + 1]].tobytes())
        yield image, str(labels[at]), (int(rows[at]), int(columns[at]))


def count_cells(image: GreyImage, label: str, shape: tuple[int, int], reading: Reading) -> Counter[str]:
    """Count the cells of a sheet that hold the right digit, and accepted digits that are not written.

    A digit is in the cell in which the centre of its box lies. False are accepted digits outside the grid,
    wrong ones, and all but one of a cell.
    """
    left, top, right, bottom = _grid_box(image)
    count: Counter[str] = Counter(n=shape[0] * shape[1])
    found: Counter[tuple[int, int]] = Counter()
    for digit in reading.digits:
        assert digit.box
        x, y = digit.box[0] + digit.box[2] / 2, digit.box[1] + digit.box[3] / 2
        row = int((y - top) / (bottom - top) * shape[0] // 1)
        column = int((x - left) / (right - left) * shape[1] // 1)
        inside = 0 <= row < shape[0] and 0 <= column < shape[1]
        found[row, column] += 1
        right_digit = inside and digit.label == label and found[row, column] == 1
        count["right"] += right_digit
        count["wrong, accepted"] += digit.accepted and not right_digit
    return count


def _grid_box(image: GreyImage) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of the ruled grid: its first and last long dark lines."""
    dark = image < 128
    columns, rows = np.flatnonzero(dark.mean(0) > 0.3), np.flatnonzero(dark.mean(1) > 0.3)
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])
