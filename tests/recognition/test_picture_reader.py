"""Pages: lines, numbers, boxes, and reasons for pages without numbers."""

import cv2
import numpy as np
import pytest

from inkwise import Recognizer
from inkwise._util.text import NOT_A_DIGIT
from inkwise.recognition import picture_reader as pages
from inkwise.recognition import region_reader
from inkwise.recognition.model import LineModel
from inkwise.recognition.number_reader import SKIPPED, NumberReader
from inkwise.recognition.picture_reader import PictureReader
from inkwise.recognition.reading import Number
from inkwise.recognition.region_reader import RegionReader

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


def test_parts_of_a_broken_digit_are_read_together(recognizer):
    picture = np.full((140, 90), 240, np.uint8)
    cv2.polylines(picture, [np.array([(25, 40), (60, 38), (64, 58), (40, 68)])], False, 90, 3, cv2.LINE_AA)
    cv2.polylines(picture, [np.array([(46, 76), (62, 88), (56, 112), (26, 116)])], False, 90, 3, cv2.LINE_AA)
    cv2.line(picture, (88, 0), (88, 140), 60, 3)  # the edge of the cell
    reading = recognizer.read(picture, "digit")
    assert (reading.text, reading.accepted) == ("3", True)


def test_large_digit_in_large_picture_is_read_as_digit(recognizer):
    page = np.full((HEIGHT, WIDTH), 235, np.uint8)
    cv2.line(page, (350, 200), (340, 700), 40, 40, cv2.LINE_AA)
    reading = recognizer.read(page)
    assert (reading.text, reading.accepted) == ("1", True)


@pytest.mark.parametrize("scale", [0.25, 1, 3])
def test_picture_is_read_alike_in_any_size(recognizer, scale):
    page = written((100, 200, 3), (400, 200, 2), (100, 400, 4))
    seen = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    assert [len(number.digits) for number in recognizer.read(seen)] == [3, 2, 4]


def test_page_of_print_alone_is_rejected(recognizer):
    page = np.full((HEIGHT, WIDTH), 235, np.uint8)
    for y in range(100, 800, 50):
        cv2.putText(page, "Invoice 2471 of 13 May", (60, y), cv2.FONT_HERSHEY_SIMPLEX, 1, 40, 2, cv2.LINE_AA)
    reading = recognizer.read(page)
    assert (reading.text, reading.accepted, reading.reason) == ("", False, pages.ONLY_PRINT)


def test_page_without_number_is_rejected(recognizer, monkeypatch):
    monkeypatch.setattr(region_reader, "_MAX_LINE_WIDTH", 10)
    reading = recognizer.read(written((100, 200, 3), (100, 400, 3)))
    assert (reading.text, reading.accepted, reading.reason) == ("", False, pages.NO_NUMBER)


@pytest.mark.parametrize("sample", [1, 6])
@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_picture_that_is_not_upright_is_read_turned_and_rejected(recognizer, monkeypatch, quarters, sample):
    page = written((100, 100, 3), (400, 200, 2), (100, 400, 4))
    upright, read_regions, find_regions = (
        recognizer.read(page),
        PictureReader._read_regions,
        pages.find_regions,
    )
    unsure = pages._Contents([Number("1", 0.1, "not sure", upright.digits[:1])], [])
    orientations = []

    def find(grey):
        orientations.append(np.array_equal(grey, page))
        return find_regions(grey)

    monkeypatch.setattr(pages, "_TURN_SAMPLE", sample)
    monkeypatch.setattr(pages, "find_regions", find)
    monkeypatch.setattr(
        PictureReader,
        "_read_regions",
        lambda self, regions: read_regions(self, regions) if orientations[-1] else unsure,
    )
    seen = np.ascontiguousarray(np.rot90(page, -quarters))
    reading = recognizer.read(seen)
    assert (reading.text, reading.accepted, reading.reason) == (upright.text, False, pages.TURNED)
    for one, other in zip(reading.digits, upright.digits, strict=True):
        (x, y, w, h), (left, top, width, height) = one.box, other.box
        assert {w, h} == {width, height}
        turned_back = np.rot90(seen[y : y + h, x : x + w], quarters)
        np.testing.assert_array_equal(turned_back, page[top : top + height, left : left + width])


def test_few_regions_of_a_doubtful_page_are_read_in_the_other_orientations(recognizer, monkeypatch):
    page = written(*((100 + 300 * column, 80 + 90 * row, 3) for row in range(8) for column in range(2)))
    read = []
    unsure = Number("1", 0.1, "not sure", recognizer.read(page).digits[:1])
    monkeypatch.setattr(RegionReader, "read", lambda self, region: read.append(region) or unsure)
    assert not recognizer.read(page).accepted
    assert len(read) <= 16 + 3 * pages._TURN_SAMPLE


def test_small_picture_of_one_component_is_read_as_a_digit(recognizer, monkeypatch):
    picture = np.full((60, 50), 235, np.uint8)
    cv2.polylines(picture, [np.array([(12, 12), (36, 12), (22, 48)])], False, 40, 4, cv2.LINE_AA)
    whole = recognizer.read(cv2.copyMakeBorder(picture, 60, 60, 60, 60, cv2.BORDER_REPLICATE))
    monkeypatch.setattr(pages, "find_regions", None)
    alone = recognizer.read(picture)
    assert (alone.text, alone.accepted) == (whole.text, True) == ("7", True)
    x, y, w, h = alone.digits[0].box
    assert abs(x - 10) <= 2
    assert abs(y - 10) <= 2
    assert abs(w - 28) <= 3
    assert abs(h - 40) <= 3


def test_ink_that_touches_the_border_is_not_read_alone(recognizer):
    picture = np.full((60, 50), 235, np.uint8)
    cv2.polylines(picture, [np.array([(12, 0), (36, 12), (22, 48)])], False, 40, 4, cv2.LINE_AA)
    assert recognizer._pictures._read_alone(picture) is None


def test_ignored_ink_is_listed_and_ink_beside_a_number_prevents_acceptance(recognizer):
    page = written((100, 200, 3), (100, 400, 3))
    assert recognizer.read(page).accepted
    far = page.copy()
    cv2.ellipse(far, (500, 700), (60, 40), 0, 0, 300, 40, 6)
    cv2.line(far, (450, 650), (560, 760), 40, 6)
    assert [region.reason for region in recognizer.read(far).ignored] == [NOT_A_DIGIT]
    cut = page.copy()
    cv2.ellipse(cut, (0, 220), (40, 30), 0, 0, 360, 40, 6)
    cv2.line(cut, (0, 180), (60, 260), 40, 6)
    reading = recognizer.read(cut)
    assert pages.CUT in {region.reason for region in reading.ignored}
    assert (reading.accepted, reading.reason) == (False, pages.UNREAD_NEIGHBOUR)


def test_pale_digits_beside_dark_ones_prevent_acceptance(recognizer):
    page = written((100, 200, 4), (300, 400, 1))
    pale = page[380:460, 280:330]
    pale[pale < 200] = 175
    reading = recognizer.read(page)
    assert reading.text == "1111"
    assert not reading.accepted
    assert [region.reason for region in reading.ignored] == [pages.PALE]


def test_high_ink_that_the_line_reader_skips_prevents_acceptance(recognizer):
    page = written((100, 200, 3))
    cv2.line(page, (162, 200), (210, 240), 40, 3)
    reading = recognizer.read(page)
    assert (reading.text, reading.reason) == ("111", SKIPPED)


def test_ignored_ink_in_the_frame_of_a_number_prevents_acceptance(recognizer):
    page = written((300, 300, 3))
    cv2.ellipse(page, (330, 330), (200, 250), 0, 0, 360, 40, 4)
    assert recognizer.read(page).accepted
    cv2.ellipse(page, (330, 460), (60, 40), 0, 0, 180, 40, 4)
    reading = recognizer.read(page)
    assert reading.text == "111"
    assert reading.reason == pages.UNREAD_NEIGHBOUR


def test_row_of_boxes_is_one_number(recognizer):
    page = written((100, 200, 1), (220, 200, 1), (340, 200, 1))
    assert len(recognizer.read(page)) == 3
    for x in (60, 180, 300):
        cv2.rectangle(page, (x, 180), (x + 90, 270), 40, 2)
    assert recognizer.read(page).text == "111"


@pytest.mark.parametrize("size", [(28, 28), (64, 64), (160, 120), (400, 400), (800, 600)])
@pytest.mark.parametrize("slope", [0, 0.2])
@pytest.mark.parametrize("noise", [0, 3])
def test_blank_picture_has_no_number(recognizer, size, slope, noise):
    light = 1 - slope * np.linspace(0, 1, size[1])
    paper = 230 * light + np.random.default_rng(0).normal(0, noise, size)
    reading = recognizer.read(paper.clip(0, 255).astype(np.uint8))
    assert not reading.accepted
