"""Numbers on synthetic pages: found, read correctly, and falsely detected.

    python -m benchmarks page-reading DIGITS.npz [--part validation|test] [--pages 200]
                                      [--model NAME|FILE] [--lines NAME|FILE] [--sheet PICTURE.png]

The file is UNIPEN's, in the layout of docs/data.md. The pages are synthesized, reproducibly, from digits of
the writers of one part; those of "test" were used neither for training nor for model selection. Digits of a
number are separate, half of them with a dot or comma at the thousands. A written number is found if a number
that was read overlaps it with an IoU of at least 0.5, or has its centre in its box and covers 70 % of it. It
is right if its digits are, accepted or not; its text if the separators are, too. A number that is read where
none is written is false. Time is that of reading on one thread.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy.page_synthesis import KINDS, PageNumber, SyntheticPage, read_writers, synthetic_pages
from benchmarks.common.handwriting_sets import SEEDS
from benchmarks.common.reporting import argument_parser, print_table
from inkwise import Number, Reading, Recognizer
from inkwise._util.errors import InkwiseError
from inkwise._util.intervals import wilson_interval
from inkwise._util.system import describe_machine, use_one_thread
from inkwise._util.text import DIGITS, digits_of
from inkwise.datasets.splits import SPLITS
from inkwise.preprocessing import Box
from inkwise.recognition.model import LineModel, line_model_source

_MIN_FOUND_OVERLAP, _MIN_COVERED = 0.5, 0.7
_SHOWN_PAGES, _SHOWN_WIDTH = 12, 400  # pages of the contact sheet, and their width, pixels
_TRUTH_COLOR, _READING_COLOR = (0, 170, 0), (255, 60, 0)


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("digits", type=Path)
    parser.add_argument("--part", choices=SPLITS[1:], default="validation")
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--model", default="default", help="an .onnx file, a run folder or a bundled name")
    parser.add_argument("--lines", default="default", help="likewise, of the line reader")
    parser.add_argument("--sheet", type=Path, help="write an image of the first pages and the numbers read")
    arguments = parser.parse_args(argv)
    use_one_thread()
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    times: list[float] = []
    shown: list[NDArray[np.uint8]] = []
    try:
        lines = LineModel(line_model_source(arguments.lines), threads=1)
        recognizer = Recognizer(arguments.model, threads=1, line_model=lines)
        hands = read_writers(arguments.digits, arguments.part)
    except (InkwiseError, OSError, KeyError) as error:
        parser.error(str(error))
    for page in synthetic_pages(hands, arguments.pages, SEEDS[arguments.part]):
        began = time.process_time()
        found = found_numbers(recognizer.read(page.grey))
        times.append(1000 * (time.process_time() - began))
        counts[page.kind] += count_matches(page, found)
        if arguments.sheet and len(shown) < _SHOWN_PAGES:
            shown.append(draw_results(page, found))
    print(f"{arguments.pages} pages, writers of {arguments.part}. {describe_machine()}.\n")
    rows = [row(kind, counts[kind]) for kind in KINDS if counts[kind]["pages"]]
    total = sum(counts.values(), Counter())
    shares = "found", "found and right", "text right", "false, accepted", "false, in doubt"
    print_table(("page", "pages", "numbers", *shares), [*rows, row("all", total)])
    print(f"\nReading: {np.median(times):.0f} ms a page (median), {max(times):.0f} ms at most.")
    if arguments.sheet:
        cv2.imwrite(str(arguments.sheet), image_grid(shown))


@dataclass(frozen=True)
class FoundNumber:
    """A number that was read: best guess, whether it is accepted, and box."""

    text: str
    accepted: bool
    box: Box


def found_numbers(reading: Reading) -> list[FoundNumber]:
    """Return the numbers of a reading with their best guesses."""
    return [
        FoundNumber(best_guess(number), "?" not in number.text, number.box)
        for number in reading
        if number.box is not None
    ]


def best_guess(number: Number) -> str:
    """Return the text with the best guess for each digit, accepted or not."""
    labels = iter(digit.label for digit in number.digits)
    return "".join(next(labels) if sign in f"{DIGITS}?" else sign for sign in number.text)


def count_matches(page: SyntheticPage, found: list[FoundNumber]) -> Counter[str]:
    """Count the numbers of a page that are found and right, and false ones."""
    left = [*found]
    count = Counter(pages=1, numbers=len(page.numbers))
    for written in page.numbers:
        number = next((number for number in left if _is_at(number.box, written)), None)
        if number is not None:
            left.remove(number)
            count["found"] += 1
            count["right"] += digits_of(number.text) == digits_of(written.text)
            count["text right"] += number.text == written.text
    count["false"] = sum(number.accepted for number in left)
    count["in doubt"] = len(left) - count["false"]
    return count


def _is_at(box: Box, number: PageNumber) -> bool:
    x, y, w, h = number.box
    left, top, right, bottom = box[0], box[1], box[0] + box[2], box[1] + box[3]
    both = max(0, min(right, x + w) - max(left, x)) * max(0, min(bottom, y + h) - max(top, y))
    within = x <= (left + right) / 2 <= x + w and y <= (top + bottom) / 2 <= y + h
    return both >= _MIN_FOUND_OVERLAP * (w * h + box[2] * box[3] - both) or (
        within and both >= _MIN_COVERED * w * h
    )


def row(name: str, count: Counter[str]) -> tuple[str, ...]:
    def share(what: str) -> str:
        low, high = wilson_interval(count[what], count["numbers"])
        return f"{count[what] / count['numbers']:.1%} ({low:.1%} to {high:.1%})"

    false = (f"{count[what]} ({count[what] / count['numbers']:.1%})" for what in ("false", "in doubt"))
    shares = share("found"), share("right"), share("text right"), *false
    return name, str(count["pages"]), str(count["numbers"]), *shares


def draw_results(page: SyntheticPage, found: list[FoundNumber]) -> NDArray[np.uint8]:
    """Draw the true and the read boxes on a page, (h, 400, 3) uint8."""
    picture = cv2.cvtColor(page.grey, cv2.COLOR_GRAY2BGR)
    boxes = [(number.box, _TRUTH_COLOR, 7) for number in page.numbers]
    boxes += [(number.box, _READING_COLOR, 3) for number in found]
    for (x, y, w, h), colour, thick in boxes:
        cv2.rectangle(picture, (x, y), (x + w, y + h), colour, thick)
    scale = _SHOWN_WIDTH / picture.shape[1]
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def image_grid(pictures: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Arrange images of one size in rows of six."""
    blank = np.zeros_like(pictures[0])
    filled = pictures + [blank] * (-len(pictures) % 6)
    return np.vstack([np.hstack(filled[at : at + 6]) for at in range(0, len(filled), 6)])
