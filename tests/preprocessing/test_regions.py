"""Numbers are found on pages with their boxes, in reading order; print and rules are excluded."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from inkwise.preprocessing.components import join_neighbours
from inkwise.preprocessing.layout import FRAME, LINE, PRINT, find_regions
from inkwise.preprocessing.rectification import RectifiedPage, rectify

WIDTH, HEIGHT = 900, 1200
SEVEN = ((0, 0), (24, -2), (8, 40))
FOUR = ((14, -2), (0, 24), (26, 22)), ((20, 10), (15, 42))
SKEWED = (60, 40), (850, 120), (750, 1120), (-40, 1040)  # corners of the page in the image
AWAY = (140, 120), (800, 90), (850, 1120), (60, 1080)
PLACES = [(150, 200), (520, 205), (160, 460), (150, 800), (560, 790)]


def write(page, x, y, digits="747", ink=60, pen=4):
    """Draw digits about 40 pixels high, each with a random shape, and return their box x, y, w, h."""
    rng = np.random.default_rng([x, y])
    drawn = np.zeros_like(page)
    for place, digit in enumerate(digits):
        for stroke in (SEVEN,) if digit == "7" else FOUR:
            points = np.array(stroke) * rng.uniform(0.85, 1.15, 2) + rng.normal(0, 1.5, (len(stroke), 2))
            fixed = np.rint((points + np.array([x + 36 * place, y])) * 16).astype(np.int32)[:, None]
            cv2.polylines(drawn, [fixed], False, 255, pen, cv2.LINE_AA, 4)
    page[:] = (page * (1 - drawn / 255) + ink * (drawn / 255)).astype(np.uint8)
    return cv2.boundingRect(drawn)


def print_line(page, x, y, text, size=22):
    picture = Image.fromarray(page)
    ImageDraw.Draw(picture).text((x, y), text, 30, ImageFont.load_default(size))
    page[:] = np.asarray(picture)


def overlap(one, other):
    """Intersection over union of two boxes."""
    low = np.maximum(one[:2], other[:2])
    high = np.minimum(np.add(one[:2], one[2:]), np.add(other[:2], other[2:]))
    both = np.prod(np.maximum(high - low, 0))
    return both / (one[2] * one[3] + other[2] * other[3] - both)


def written(page):
    return [region for region in find_regions(page) if region.reason is None]


@pytest.fixture
def page():
    rng = np.random.default_rng(0)
    return np.clip(rng.normal(235, 2, (HEIGHT, WIDTH)), 0, 255).astype(np.uint8)


def assert_found(page, boxes, least=0.7):
    found = written(page)
    assert len(found) == len(boxes)
    assert all(overlap(region.box, box) > least for region, box in zip(found, boxes, strict=True))
    return found


def test_find_regions_in_reading_order(page):
    boxes = [write(page, x, y) for x, y in PLACES]
    for region in assert_found(page, boxes):
        assert set(np.unique(region.ink)) >= {0, 255}


def test_find_regions_on_empty_page(page):
    assert find_regions(page) == []


def test_find_regions_on_uniform_page():
    assert find_regions(np.full((300, 200), 200, np.uint8)) == []


@pytest.mark.parametrize(("dark", "step"), [(215, None), (170, None), (60, None), (215, 40), (170, 40)])
def test_find_regions_ignores_rules_and_squares(page, dark, step):
    for y in range(44, HEIGHT, step or 66):
        cv2.line(page, (0, y), (WIDTH, y), dark, 2)
    for x in range(20, WIDTH, step) if step else ():
        cv2.line(page, (x, 0), (x, HEIGHT), dark, 2)
    assert_found(page, [write(page, x, y) for x, y in PLACES])


def test_find_regions_separates_table_cells(page):
    for y in range(100, 500, 80):
        cv2.line(page, (100, y), (800, y), 40, 3)
    for x in range(100, 801, 140):
        cv2.line(page, (x, 100), (x, 420), 40, 3)
    boxes = [write(page, x + 20, y + 22) for y in (100, 180, 260) for x in (100, 240, 380)]
    assert_found(page, boxes)


@pytest.mark.parametrize("degrees", [-14, -5, 3, 12])
def test_rectify_removes_skew(page, degrees):
    for x, y in PLACES:
        write(page, x, y)
    for y in range(100, 1100, 66):
        cv2.line(page, (100, y), (800, y), 120, 2)
    turn = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), degrees, 0.8)
    askew = cv2.warpAffine(page, turn, (WIDTH, HEIGHT), borderValue=235)
    flat = rectify(askew)
    assert flat.skew == pytest.approx(-degrees, abs=0.3)
    middles = [turn @ (x + 50, y + 20, 1) for x, y in PLACES]
    found = written(askew)
    assert len(found) == len(PLACES)
    for region, middle in zip(found, middles, strict=True):
        x, y, w, h = region.box
        assert np.abs(middle - (x + w / 2, y + h / 2)).max() < 12


def test_rectify_removes_perspective(page):
    boxes = [write(page, x, y) for x, y in PLACES]
    corners = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], np.float32)
    seen = np.array(AWAY, np.float32)
    matrix = cv2.getPerspectiveTransform(corners, seen)
    photo = cv2.warpPerspective(page, matrix, (WIDTH, HEIGHT), borderValue=70)
    photo = (photo * np.linspace(0.6, 1, WIDTH)).astype(np.uint8)  # light from the right
    flat = rectify(photo)
    assert flat.sheet
    np.testing.assert_allclose(flat.to_image(np.zeros((1, 2))), seen[:1], atol=8)
    there = [cv2.boundingRect(cv2.perspectiveTransform(_corners(box), matrix)) for box in boxes]
    assert_found(photo, there, 0.6)


def _corners(box):
    x, y, w, h = box
    return np.array([[[x, y], [x + w, y], [x + w, y + h], [x, y + h]]], np.float32)


@pytest.mark.parametrize("seen", [SKEWED, AWAY], ids=["skewed", "away"])
def test_region_maps_box_to_image(page, seen):
    for y in range(100, 1100, 66):
        cv2.line(page, (100, y), (800, y), 150, 2)
    for x, y in PLACES:
        write(page, x, y)
    corners = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, np.array(seen, np.float32))
    photo = cv2.warpPerspective(page, matrix, (WIDTH, HEIGHT), borderValue=70)
    found = written(photo)
    assert len(found) == len(PLACES)
    for region, (x, y) in zip(found, PLACES, strict=True):
        digits = np.asarray(cv2.connectedComponentsWithStats((region.ink > 127).astype(np.uint8))[2][1:, :4])
        first = digits[digits[:, 0].argmin()].tolist()
        alone = write(np.full_like(page, 235), x, y, "7")
        there = cv2.boundingRect(cv2.perspectiveTransform(_corners(alone), matrix))
        assert overlap(region.to_image(first), there) > 0.75


def test_region_of_level_page_maps_pixels_one_to_one(page):
    write(page, 12, 12)
    (region,) = written(page)
    left, top, *size = region.to_image((0, 0, 1, 1))
    assert size == [1, 1]
    x, y, w, h = region.box
    assert region.to_image((x - left, y - top, w, h)) == region.box
    assert region.to_image((-left - 50, -top - 60, 90, 80)) == (0, 0, 40, 20)


def test_rectify_keeps_level_page_without_ground(page):
    write(page, 200, 300)
    flat = rectify(page)
    assert not flat.sheet
    np.testing.assert_allclose(flat.to_image(np.array([[10.0, 20.0]])), [[10, 20]], atol=1)


def test_find_regions_classifies_print(page):
    for line, y in enumerate(range(80, 400, 40)):
        print_line(page, 80, y, f"Please write the meter reading of {2019 + line} below this line here")
    boxes = [write(page, 150, 560), write(page, 500, 700)]
    assert_found(page, boxes)
    assert any(region.reason == PRINT for region in find_regions(page))


def test_find_regions_finds_only_print_on_printed_page(page):
    for line, y in enumerate(range(80, 1100, 40)):
        print_line(page, 80, y, f"Article {line}: the tenant pays {480 + 7 * line} each month to the owner")
    regions = find_regions(page)
    assert regions
    assert all(region.reason == PRINT for region in regions)


def test_find_regions_finds_pencil_beside_print(page):
    for y in range(80, 400, 40):
        print_line(page, 80, y, "Please write the reading of the meter below this line here")
    assert_found(page, [write(page, 150, 560, ink=185), write(page, 500, 700, ink=185)])


@pytest.mark.parametrize("shadow", [1.0, 0.4])
def test_find_regions_on_dark_board(page, shadow):
    boxes = [write(page, x, y) for x, y in PLACES]
    board = (255 - page + 40) * np.linspace(shadow, 1, WIDTH)
    assert_found(board.astype(np.uint8), boxes)


def test_find_regions_of_bold_ink(page):
    box = write(page, 200, 300, pen=16)
    assert_found(page, [box])


def test_find_regions_ignores_frames(page):
    for x, y in PLACES:
        cv2.rectangle(page, (x - 14, y - 16), (x + 280, y + 62), 40, 2)
    assert_found(page, [write(page, x, y) for x, y in PLACES])


def test_find_regions_ignores_a_ring_around_one_of_several_numbers(page):
    boxes = [write(page, x, y) for x, y in PLACES]
    x, y, w, h = boxes[2]
    cv2.ellipse(page, (x + w // 2, y + h // 2), (w, 2 * h), 0, 0, 360, 60, 3, cv2.LINE_AA)
    assert_found(page, boxes)
    assert [region.reason for region in find_regions(page)].count(FRAME) == 1


def test_find_regions_ignores_rules_joined_by_bar(page):
    for y in range(44, HEIGHT, 66):
        cv2.line(page, (0, y), (WIDTH, y), 60, 3)
    cv2.rectangle(page, (760, 440), (808, 506), 60, -1)
    boxes = [write(page, x, y) for x, y in PLACES]
    found = written(page)
    assert all(max(overlap(region.box, box) for region in found) > 0.7 for box in boxes)


DIGITS = np.array([[0, 0, 30, 40], [50, 0, 30, 40]])
CELL = [40, -100, 2, 400]
COMB = [[-10, -5, 2, 50], [40, -5, 2, 50], [90, -5, 2, 50]]
ELSEWHERE = [90, 200, 2, 60]  # a short wall further down the page


def test_join_neighbours_keeps_stains_apart_from_writing():
    walls = np.zeros((0, 4), np.int32)
    for darkness, groups in ((100.0, 1), (60.0, 2)):
        parts = SimpleNamespace(boxes=DIGITS, darkness=np.array([200.0, darkness]))
        joined = join_neighbours(parts, np.arange(2), np.zeros(2, int), walls, gap=1.0)
        assert len(np.unique(joined)) == groups


@pytest.mark.parametrize(
    ("walls", "groups"), [([], 1), ([CELL], 2), (COMB, 1), ([CELL, ELSEWHERE], 2)], ids=str
)
def test_join_neighbours_separates_at_cell_walls_but_not_in_combs(walls, groups):
    walls = np.array(walls, np.int32).reshape(-1, 4)
    parts = SimpleNamespace(boxes=DIGITS, darkness=np.array([200.0, 200.0]))
    assert len(np.unique(join_neighbours(parts, np.arange(2), np.zeros(2, int), walls, gap=1.0))) == groups


def test_find_regions_finds_small_number_below_large_one(page):
    picture = np.full((600, 600), 235, np.uint8)
    large, small = page_digits(picture, 60, 60, 150), page_digits(picture, 200, 420, 36)
    assert [
        overlap(region.box, box) > 0.7 for region, box in zip(written(picture), (large, small), strict=True)
    ]


def page_digits(picture, x, y, height):
    """Draw two sevens of this height; their box."""
    for shift in (0, height):
        points = np.array([(0, 0), (0.6, 0), (0.2, 1)]) * height + np.array([x + shift, y])
        cv2.polylines(picture, [np.rint(points).astype(np.int32)], False, 60, 4)
    return x, y, round(1.6 * height), height


def test_find_regions_tells_frame_from_digit_with_specks():
    picture = np.full((400, 400), 235, np.uint8)
    cv2.polylines(picture, [np.array([(60, 80), (300, 80), (160, 340)])], False, 60, 8)
    for x, y in ((100, 150), (120, 220), (90, 300)):
        cv2.circle(picture, (x, y), 8, 60, -1)
    assert max((region.box[3] for region in written(picture)), default=0) > 250


@pytest.mark.parametrize("height", [300, 150])
def test_find_regions_tells_side_of_open_frame_from_digit(height):
    picture = np.full((340, 300), 235, np.uint8)
    cv2.line(picture, (25, 20), (25, 20 + height), 60, 6)
    box = page_digits(picture, 90, 90, 100)
    (region,) = written(picture)
    assert overlap(region.box, box if height == 300 else (22, 20, 230, 170)) > 0.8


def test_words_of_a_region_are_apart_by_a_wide_gap(page):
    write(page, 200, 300)
    write(page, 345, 300)
    (region,) = written(page)
    one, other = region.words()
    assert one.box[0] + one.box[2] < other.box[0]
    for word in (one, other):
        x, y, w, h = word.box
        assert (page[y : y + h, x : x + w] < 128).sum() > 0.9 * (word.ink >= 128).sum()
        assert overlap(word.box, (*word.polygon[0], *(word.polygon[2] - word.polygon[0]))) > 0.8


def test_find_regions_beside_edge_of_a_sheet(page):
    boxes = [write(page, 60 + 250 * column, 150 + 100 * row) for row in range(4) for column in range(2)]
    cv2.fillPoly(page, [np.array([(0, 80), (10, 80), (40, 1100), (640, 1104), (0, 1112)])], 70)
    assert_found(page, boxes)


def test_find_regions_finds_writing_beside_equal_marks_along_the_border(page):
    boxes = [write(page, 200, 150 + 100 * row) for row in range(6)]
    for y in range(40, 1160, 24):
        page[y : y + 10, :14] = 70
    assert_found(page, boxes)


def test_rectify_removes_skew_of_squared_paper():
    picture = np.full((900, 700), 235, np.uint8)
    for at in range(-900, 1800, 40):
        cv2.line(picture, (0, at), (700, at + 98), 150, 2)
        cv2.line(picture, (at, 0), (at - 126, 900), 150, 2)
    assert abs(abs(rectify(picture).skew) - 8) < 0.3


def test_rest_of_the_edge_of_a_sheet_is_a_line():
    picture = np.full((1000, 800), 230, np.uint8)
    cv2.putText(picture, "47", (300, 500), cv2.FONT_HERSHEY_SIMPLEX, 4, 30, 6)
    picture[300:370, 794:796] = 60
    sheet = RectifiedPage(picture, (800, 1000), np.eye(3), 0.0, sheet=True)
    assert [region.reason for region in find_regions(sheet)] == [None, LINE]
