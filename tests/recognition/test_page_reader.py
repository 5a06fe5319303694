"""Pages: lines, numbers, boxes, and reasons for pages without numbers."""

import cv2
import numpy as np
import pytest

from inkwise import Recognizer
from inkwise.recognition import page_reader as pages
from inkwise.recognition.model import LineModel
from inkwise.recognition.number_reader import NumberReader
from inkwise.recognition.page_reader import PageReader

HEIGHT, WIDTH = 900, 700


@pytest.fixture(scope="module")
def recognizer(bars_reader):
    """A recognizer that reads every upright bar of a number as a 1."""
    return Recognizer(line_model=LineModel(bars_reader, threads=1))


def bar(page, x, y, rng):
    """Draw an upright stroke, 40 high, with the jitter of handwriting."""
    points = np.stack([x + rng.normal(0, 1, 9).cumsum() * 0.7, np.linspace(y, y + 40, 9)], 1)
    points[:, 1] += rng.uniform(-4, 4)
    cv2.polylines(page, [np.rint(16 * points).astype(np.int32)], False, 40, 5, cv2.LINE_AA, 4)


def written(*rows):
    """Draw a page with numbers of `count` bars at these (x, y, count)."""
    page, rng = np.full((HEIGHT, WIDTH), 235, np.uint8), np.random.default_rng(0)
    for x, y, count in rows:
        for number in range(count):
            bar(page, x + 22 * number, y, rng)
    return page


def test_read_joins_numbers_by_spaces_and_lines_by_newlines(recognizer):
    reading = recognizer.read(written((100, 200, 3), (400, 200, 2), (100, 400, 4)))
    assert reading.text == "111 11\n1111"
    assert (reading.accepted, reading.reason) == (True, None)
    assert 0 < reading.confidence <= 1
    assert reading.model == "bars (2026-01-01)"


def test_boxes_are_in_pixels_of_the_original_page(recognizer):
    page = written((100, 200, 3), (400, 400, 2))
    turned = cv2.warpAffine(
        page, cv2.getRotationMatrix2D((350, 450), 4, 1), (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE
    )
    for picture in (page, turned):
        reading = recognizer.read(picture)
        assert reading.text == "111\n11"
        for digit in reading.digits:
            x, y, w, h = digit.box
            assert h > 30
            inside = np.zeros_like(picture, bool)
            inside[y : y + h, x : x + w] = True
            assert picture[inside].min() < 100
        dark = np.argwhere(picture < 120)
        boxes = np.array([digit.box for digit in reading.digits])
        covered = [
            ((boxes[:, :2] <= (x, y)) & ((x, y) < boxes[:, :2] + boxes[:, 2:])).all(1).any() for y, x in dark
        ]
        assert np.mean(covered) > 0.95


def test_single_digit_is_read_by_digit_classifier(recognizer):
    digits = recognizer.read(written((100, 200, 3), (500, 200, 1))).digits
    assert [digit.label for digit in digits] == ["1"] * 4
    assert digits[3].probability != pytest.approx(digits[0].probability), "read by another model"


def test_separate_digits_are_also_read_as_single_digits(recognizer, monkeypatch):
    counts, read_line = [], NumberReader.read_line

    def spy(self, image, *, singles):
        counts.append(len(singles))
        return read_line(self, image, singles=singles)

    monkeypatch.setattr(NumberReader, "read_line", spy)
    recognizer.read(written((100, 200, 3), (400, 200, 2), (100, 400, 4)))
    assert counts == [3, 2, 4]


def test_large_digit_in_large_picture_is_not_a_page(recognizer):
    page = np.full((HEIGHT, WIDTH), 235, np.uint8)
    cv2.line(page, (350, 200), (340, 700), 40, 40, cv2.LINE_AA)
    assert recognizer.read(page).text == "1"
    assert PageReader(None, None).read(page) is None


def test_small_picture_is_not_a_page(recognizer):
    reading = recognizer.read(written((100, 200, 3))[:590])
    assert reading.model == recognizer.model.name, "read by the digit classifier"


def test_page_of_print_alone_is_rejected(recognizer):
    page = np.full((HEIGHT, WIDTH), 235, np.uint8)
    for y in range(100, 800, 50):
        cv2.putText(page, "Invoice 2471 of 13 May", (60, y), cv2.FONT_HERSHEY_SIMPLEX, 1, 40, 2, cv2.LINE_AA)
    reading = recognizer.read(page)
    assert (reading.text, reading.accepted, reading.reason) == ("", False, pages.ONLY_PRINT)


def test_page_without_number_is_rejected(recognizer, monkeypatch):
    monkeypatch.setattr(pages, "_MAX_LINE_WIDTH", 10)
    reading = recognizer.read(written((100, 200, 3), (100, 400, 3)))
    assert (reading.text, reading.accepted, reading.reason) == ("", False, pages.NO_NUMBER)


def test_upside_down_page_is_read_rotated_and_rejected(recognizer, monkeypatch):
    page = written((100, 100, 3), (400, 200, 2), (100, 400, 4))
    upright = recognizer.read(page)
    probabilities = iter([0.3, 0.9, 0.3])
    monkeypatch.setattr(pages, "_mean_probability", lambda numbers: next(probabilities))
    rotated = recognizer.read(np.ascontiguousarray(page[::-1, ::-1]))
    assert rotated.reason == pages.UPSIDE_DOWN
    assert not rotated.accepted
    assert rotated.text == upright.text
    for one, other in zip(rotated.digits, upright.digits, strict=True):
        x, y, w, h = other.box
        assert np.abs(np.array(one.box) - (WIDTH - x - w, HEIGHT - y - h, w, h)).max() <= 2
