"""A page of numbers becomes one reading: lines, numbers, boxes, and words for what is no number."""

import cv2
import numpy as np
import pytest

from inkwise import Recognizer
from inkwise.recognition import page_reader as pages
from inkwise.recognition.line_reader import LineModel

HEIGHT, WIDTH = 900, 700


@pytest.fixture(scope="module")
def recognizer(bars_reader):
    """Reads every upright bar of a number as a 1."""
    return Recognizer(line_model=LineModel(bars_reader, threads=1))


def bar(page, x, y, rng):
    """An upright stroke 40 high, as unsteady as a hand draws it."""
    points = np.stack([x + rng.normal(0, 1, 9).cumsum() * 0.7, np.linspace(y, y + 40, 9)], 1)
    points[:, 1] += rng.uniform(-4, 4)
    cv2.polylines(page, [np.rint(16 * points).astype(np.int32)], False, 40, 5, cv2.LINE_AA, 4)


def written(*rows):
    """A page with numbers of so many bars at these (x, y, count)."""
    page, rng = np.full((HEIGHT, WIDTH), 235, np.uint8), np.random.default_rng(0)
    for x, y, count in rows:
        for number in range(count):
            bar(page, x + 22 * number, y, rng)
    return page


def test_numbers_of_a_line_have_blanks_between_and_lines_stand_below_one_another(recognizer):
    reading = recognizer.read(written((100, 200, 3), (400, 200, 2), (100, 400, 4)))
    assert reading.text == "111 11\n1111"
    assert (reading.accepted, reading.reason) == (True, None)
    assert 0 < reading.confidence <= 1
    assert reading.model == "bars (2026-01-01)"


def test_digits_tell_where_they_stand_on_the_page_as_it_lies(recognizer):
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


def test_a_single_digit_is_read_as_a_digit_that_may_be_none(recognizer):
    digits = recognizer.read(written((100, 200, 3), (500, 200, 1))).digits
    assert [digit.label for digit in digits] == ["1"] * 4
    assert digits[3].probability != pytest.approx(digits[0].probability), "another model read it"


def test_digits_that_stand_apart_are_read_one_by_one_too(recognizer, monkeypatch):
    apart, read_strip = [], pages.read_line_image

    def spy(*arguments, singles):
        apart.append(len(singles))
        return read_strip(*arguments, singles=singles)

    monkeypatch.setattr(pages, "read_line_image", spy)
    recognizer.read(written((100, 200, 3), (400, 200, 2), (100, 400, 4)))
    assert apart == [3, 2, 4]


def test_a_large_digit_in_a_large_picture_is_no_page(recognizer):
    page = np.full((HEIGHT, WIDTH), 235, np.uint8)
    cv2.line(page, (350, 200), (340, 700), 40, 40, cv2.LINE_AA)
    assert recognizer.read(page).text == "1"
    assert pages.read_page(page, pytest.fail, pytest.fail, pytest.fail, 0.0) is None


def test_a_small_picture_is_no_page():
    assert pages.read_page(written((100, 200, 3))[:590], pytest.fail, pytest.fail, pytest.fail, 0.0) is None


def test_print_alone_is_passed_over_with_a_word(recognizer):
    page = np.full((HEIGHT, WIDTH), 235, np.uint8)
    for y in range(100, 800, 50):
        cv2.putText(page, "Invoice 2471 of 13 May", (60, y), cv2.FONT_HERSHEY_SIMPLEX, 1, 40, 2, cv2.LINE_AA)
    reading = recognizer.read(page)
    assert (reading.text, reading.accepted, reading.reason) == ("", False, pages.ONLY_PRINT)


def test_writing_without_a_number_is_told(recognizer, monkeypatch):
    monkeypatch.setattr(pages, "_MAX_LINE_COLUMNS", 10)
    reading = recognizer.read(written((100, 200, 3), (100, 400, 3)))
    assert (reading.text, reading.accepted, reading.reason) == ("", False, pages.NO_NUMBER)


def test_a_page_that_stands_on_its_head_is_read_turned_and_not_accepted(recognizer, monkeypatch):
    page = written((100, 100, 3), (400, 200, 2), (100, 400, 4))
    upright = recognizer.read(page)
    clear = iter([0.3, 0.9, 0.3])
    monkeypatch.setattr(pages, "_mean_probability", lambda found: next(clear))
    turned = recognizer.read(np.ascontiguousarray(page[::-1, ::-1]))
    assert turned.reason == pages.UPSIDE_DOWN
    assert not turned.accepted
    assert turned.text == upright.text
    for one, other in zip(turned.digits, upright.digits, strict=True):
        x, y, w, h = other.box
        assert np.abs(np.array(one.box) - (WIDTH - x - w, HEIGHT - y - h, w, h)).max() <= 2
