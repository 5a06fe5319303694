"""Pairs are found by sorting; hostile pages take memory and pairs in proportion to their components."""

import tracemalloc

import cv2
import numpy as np
import pytest

from inkwise.preprocessing import components, frames, layout, pairs, segment_characters
from inkwise.preprocessing.layout import PATTERN, find_regions
from inkwise.preprocessing.pairs import merge_groups, pairs_within
from inkwise.preprocessing.print_filter import _SimilarStrokes

SIDE = 2000
CELLS = 100
STEP = SIDE // CELLS
USERS = [components, frames, layout]


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_pairs_within_are_those_of_a_table_in_chunks(monkeypatch, chunk):
    monkeypatch.setattr(pairs, "CHUNK_PAIRS", chunk)
    rng = np.random.default_rng(0)
    low, values = rng.integers(0, 30, 40), rng.integers(0, 30, 50)
    high = low + rng.integers(-2, 6, 40)
    found = list(pairs_within(low, high, values))
    assert all(len(one) <= chunk or (one == one[0]).all() for one, _ in found)
    expected = (low[:, None] <= values) & (values <= high[:, None])
    table = np.zeros_like(expected)
    for one, other in found:
        assert not table[one, other].any()
        table[one, other] = True
    np.testing.assert_array_equal(table, expected)


def test_pairs_within_nothing():
    none = np.zeros(0)
    assert list(pairs_within(none, none, np.arange(3.0))) == []
    assert [len(one) for one, _ in pairs_within(np.zeros(2), np.ones(2), none)] == [0]


def test_merge_groups_joins_chains_and_numbers_from_zero():
    groups = np.array([4, 4, 1, 0, 3, 2, 7])
    merged = merge_groups(groups, np.array([1, 5, 6]), np.array([4, 3, 4]))
    assert merged.tolist() == [2, 2, 1, 0, 2, 0, 2]
    long = np.arange(500)
    order = np.random.default_rng(0).permutation(499)
    assert not merge_groups(long, order, order + 1).any()


def test_similar_strokes_are_counted_as_in_a_table():
    rng = np.random.default_rng(0)
    heights, strokes, chosen = rng.integers(6, 40, 300), rng.normal(1, 0.4, 300), rng.random(300) < 0.4
    low, high = heights - 3, heights + 1
    table = np.abs(strokes[:, None] - strokes) <= 0.15
    table &= (low[:, None] <= heights) & (heights <= high[:, None])
    np.testing.assert_array_equal(
        _SimilarStrokes(heights, strokes, low, high).count(chosen), table @ chosen.astype(int)
    )


def cells(draw):
    """Draw something on white paper in each of 100x100 cells."""
    page = np.full((SIDE, SIDE), 240, np.uint8)
    for y in range(0, SIDE, STEP):
        for x in range(0, SIDE, STEP):
            draw(page, x, y)
    return page


def dot(page, x, y):
    cv2.circle(page, (x + 10, y + 10), 4, 20, -1)


def square(page, x, y):
    cv2.rectangle(page, (x, y), (x + STEP, y + STEP), 30, 1)


def box_with_stroke(page, x, y):
    cv2.rectangle(page, (x + 1, y + 1), (x + 18, y + 18), 30, 1)
    cv2.line(page, (x + 10, y + 5), (x + 10, y + 14), 30, 2)


def stroke(page, x, y):
    cv2.line(page, (x + 10, y + 2), (x + 6 + (x * 7 + y * 3) % 8, y + 17), 30, 2)


def diagonals():
    page = np.full((SIDE, SIDE), 240, np.uint8)
    for shift in range(-SIDE, SIDE, 6):
        start, end = (
            (max(shift, 0) + 6, max(-shift, 0) + 6),
            (min(SIDE, SIDE + shift), min(SIDE, SIDE - shift)),
        )
        cv2.line(page, start, (end[0] - 6, end[1] - 6), 30, 1)
    return page


def rings():
    page = np.full((SIDE, SIDE), 240, np.uint8)
    for radius in range(8, SIDE // 2, 10):
        cv2.circle(page, (SIDE // 2, SIDE // 2), radius, 30, 1)
    return page


def flat_boxes():
    page, rng = np.full((SIDE, SIDE), 240, np.uint8), np.random.default_rng(0)
    for y in range(8, SIDE - STEP, STEP):
        cv2.rectangle(page, (8, y), (SIDE - 9, y + STEP - 4), 30, 1)
        page[y : y + STEP - 3, rng.integers(8, SIDE - 9, 120)] = 30
    return page


def checkerboard():
    y, x = np.indices((SIDE, SIDE)) // STEP
    return np.where((x + y) % 2, 20, 240).astype(np.uint8)


def noise():
    return np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), dtype=np.uint8)


def halftone():
    rough = cv2.GaussianBlur(np.random.default_rng(0).normal(0, 1, (SIDE, SIDE)), (0, 0), 2)
    return np.where(rough > rough.std(), 30, 240).astype(np.uint8)


HOSTILE = {draw.__name__: (lambda draw=draw: cells(draw)) for draw in (dot, square, box_with_stroke, stroke)}
HOSTILE |= {make.__name__: make for make in (checkerboard, noise, halftone, diagonals, rings, flat_boxes)}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_page_takes_pairs_and_memory_in_proportion(monkeypatch, name):
    page, counted = HOSTILE[name](), []

    def counting(*arguments):
        for one, other in pairs_within(*arguments):
            counted.append(len(one))
            yield one, other

    for user in USERS:
        monkeypatch.setattr(user, "pairs_within", counting)
    tracemalloc.start()
    find_regions(page)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(counted) <= 2000 * CELLS * CELLS  # a table of 10,000 components has 100 million pairs
    assert peak <= 100 * page.size


def test_frames_are_limited_to_the_largest(monkeypatch):
    monkeypatch.setattr(frames, "_MAX_FRAMES", 3)
    ink = np.zeros((200, 400), np.uint8)
    for place in range(6):
        cv2.rectangle(ink, (10 + 60 * place, 20), (40 + 60 * place + 2 * (place % 2), 60), 1, 2)
    assert sorted(frames.find_frames(ink)[1][:, 0].tolist()) == [72, 192, 312]


def write(page, x, y):
    """Draw a one of its own size and slope, which is no print."""
    across, down = np.random.default_rng([x, y]).integers([-6, 26], [7, 40]).tolist()
    cv2.line(page, (x, y), (x + across, y + down), 30, 3, cv2.LINE_AA)


def test_page_of_too_many_numbers_is_one_pattern(monkeypatch):
    page = np.full((600, 600), 240, np.uint8)
    for y in range(40, 600, 240):
        for x in range(40, 600, 240):
            write(page, x, y)
    assert [region.reason for region in find_regions(page)] == [None] * 9
    monkeypatch.setattr(layout, "_MAX_NUMBERS", 8)
    (pattern,) = find_regions(page)
    assert pattern.reason == PATTERN
    assert pattern.box[2] > 450
    assert pattern.box[3] > 450


def test_too_many_high_components_are_one_pattern(monkeypatch):
    page = np.full((300, 300), 240, np.uint8)
    for x in range(40, 280, 80):
        cv2.line(page, (x, 100), (x + 3, 150), 30, 3)
    for user in (components, layout):
        monkeypatch.setattr(user, "MAX_COMPONENTS", 3)
    assert [region.reason for region in find_regions(page)] == [PATTERN]


def test_number_of_too_many_components_is_a_pattern(monkeypatch):
    page = np.full((200, 400), 240, np.uint8)
    for x in range(60, 340, 28):
        write(page, x, 80)
    assert [region.reason for region in find_regions(page)] == [None]
    monkeypatch.setattr(layout, "_MAX_MEMBERS", 9)
    assert [region.reason for region in find_regions(page)] == [PATTERN]


def test_characters_are_limited_to_the_largest():
    ink = np.zeros((600, 1200), np.uint8)
    for shift in range(8):
        ink[4 + shift :: 20, 4::20] = 255
    ink[100:140, 611:615] = 255
    characters = [character for line in segment_characters(ink) for character in line]
    assert any(character.box == (611, 100, 4, 40) for character in characters)
    assert len(characters) <= 1000
