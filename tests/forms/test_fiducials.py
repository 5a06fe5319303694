"""The pose of a page by four fiducials."""

import cv2
import numpy as np
import pytest
from form_paper import MARKS, SIZE, empty, turned

from inkwise.forms.fiducials import find_poses

BOXES = np.array(MARKS, np.float64)


@pytest.mark.parametrize("turn", range(4))
def test_find_poses_finds_the_orientation_by_the_larger_mark(turn):
    page = np.rot90(turned(cv2.copyMakeBorder(empty(marks=True), *[80] * 4, 0, value=250), 6), turn).copy()
    best, *others = find_poses(page, BOXES, SIZE)
    assert best.fit > 0.8
    assert all(pose.fit < best.fit - 0.1 for pose in others)
    middle = cv2.perspectiveTransform(np.array([[[60.0, 60.0]]]), best.matrix)[0, 0].round().astype(int)
    assert page[middle[1], middle[0]] < 60


def test_find_poses_is_ambiguous_for_marks_of_one_size():
    alike = np.array([(x, y, 40, 40) for x, y, _, _ in MARKS], np.float64)
    page = empty()
    for x, y, w, h in alike.astype(int).tolist():
        page[y : y + h, x : x + w] = 20
    one, other, *_ = find_poses(page, alike, SIZE)
    assert one.fit == pytest.approx(other.fit, abs=0.05)


def test_find_poses_finds_none_without_all_marks():
    page = empty(marks=True)
    page[1100:, 700:] = 250
    assert find_poses(page, BOXES, SIZE) == []
