"""The alignment of scans to a reference."""

import cv2
import numpy as np
import pytest
from form_paper import BOXES, empty, filled

from inkwise.forms.registration import MIN_FIT, Reference, is_plausible, print_correlation
from inkwise.preprocessing.background import relative_darkness

CORNERS = np.array([[0, 0], [840, 0], [840, 1188], [0, 1188]], np.float64)


@pytest.fixture(scope="module")
def reference():
    return Reference(empty())


@pytest.mark.parametrize(
    "seen",
    [
        [(120, 40), (1010, 190), (830, 1320), (20, 1180)],  # askew, in perspective
        [(880, 1220), (60, 1230), (30, 20), (900, 50)],  # upside down
        [(20, 700), (25, 80), (900, 60), (880, 720)],  # on its side, smaller
    ],
)
def test_align_maps_points_within_two_pixels(reference, seen):
    matrix = cv2.getPerspectiveTransform(CORNERS.astype(np.float32), np.array(seen, np.float32))
    size = (np.max(seen, 0) + 30).tolist()
    scan = cv2.warpPerspective(filled(), matrix, size, flags=cv2.INTER_AREA, borderValue=250)
    aligned = reference.align(scan)
    assert aligned.fit > 0.9
    assert aligned.dark.shape == reference.dark.shape
    fields = np.array([box[:2] for box in BOXES.values()], np.float64)
    meant = cv2.perspectiveTransform(fields[None], matrix)[0]
    assert np.linalg.norm(aligned.to_scan(fields) - meant, axis=1).max() < 1.5


def test_align_rectifies_strong_perspective(reference):
    seen = np.array([(270, 60), (590, 90), (860, 1150), (30, 1050)], np.float32)
    matrix = cv2.getPerspectiveTransform(CORNERS.astype(np.float32), seen)
    scan = cv2.warpPerspective(filled(), matrix, (900, 1200), flags=cv2.INTER_AREA, borderValue=60)
    aligned = reference.align(scan)
    assert aligned.fit > 0.8
    assert np.linalg.norm(aligned.to_scan(CORNERS) - seen, axis=1).max() < 6


def test_align_rejects_another_form(reference):
    aligned = reference.align(empty(words=False))
    assert aligned is None or aligned.fit < MIN_FIT


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_align_rejects_blank_pages(reference, shade):
    assert reference.align(np.full((1188, 840), shade, np.uint8)) is None


def test_relative_darkness_is_the_same_in_shadow():
    page = filled()
    lit = page * np.where(np.arange(840) < 400, 0.5, 1)
    difference = np.abs(relative_darkness(lit.astype(np.uint8)) - relative_darkness(page))
    assert np.median(difference) < 0.01
    assert np.quantile(difference, 0.98) < 0.05


def test_print_correlation_ignores_added_ink_but_not_a_shift():
    printed, dark = relative_darkness(empty()), relative_darkness(filled())
    assert print_correlation(printed, printed) == pytest.approx(1)
    assert print_correlation(printed, dark) > 0.9
    assert print_correlation(printed, np.roll(dark, 25, (0, 1))) < 0.3
    assert print_correlation(np.zeros_like(printed), dark) is None


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([(0, 0), (800, 20), (810, 1100), (10, 1200)], True),
        ([(800, 0), (0, 20), (10, 1100), (810, 1200)], False),  # mirrored
        ([(0, 0), (800, 20), (100, 100), (10, 1200)], False),  # folded
        ([(0, 0), (800, 0), (800, 90), (0, 90)], False),  # from the side
    ],
)
def test_is_plausible_rejects_mirrored_folded_and_edge_on_pages(seen, expected):
    matrix = cv2.getPerspectiveTransform(CORNERS.astype(np.float32), np.array(seen, np.float32))
    assert is_plausible(matrix, (840, 1188)) is expected
