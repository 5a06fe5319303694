"""The removal of print from fields, and the extraction of cells."""

import cv2
import numpy as np
import pytest

from inkwise.forms.form_reader import align_patch, extract_cells, print_contrast, remove_print


def box(level=0.8, size=(60, 160)):
    """Return the darkness (60, 160) of a printed box with a line in the middle."""
    dark = np.zeros(size, np.float32)
    cv2.rectangle(dark, (10, 10), (150, 50), level, 2)
    cv2.line(dark, (80, 10), (80, 50), level, 2)
    return dark


def test_remove_print_removes_a_fainter_copy_of_the_print():
    scan = cv2.GaussianBlur(0.6 * box(), (0, 0), 0.6)
    assert remove_print(scan, box(), print_contrast(scan, box())).max() < 0.1


def test_remove_print_keeps_a_stroke_across_a_line_whole():
    scan = box()
    cv2.line(scan, (50, 30), (110, 32), 0.8, 4)
    left = remove_print(scan, box(), 1.0)
    assert left[30:32, 52:108].min() > 0.4
    assert left[10:25].max() < 0.1


def test_remove_print_keeps_ink_darker_than_the_print():
    scan = box(0.3)
    cv2.line(scan, (80, 15), (80, 45), 0.9, 3)
    assert remove_print(scan, box(0.3), 1.0)[20:40, 80].min() > 0.8


def test_align_patch_shifts_a_displaced_scan():
    wide = np.zeros((68, 168), np.float32)
    wide[7:67, 2:162] = box()
    assert np.array_equal(align_patch(wide, box()), box())
    assert np.array_equal(align_patch(wide, np.zeros((60, 160), np.float32)), wide[4:64, 4:164])


def cells(*strokes, count=2):
    """Return the cells of a field of 80 x 40 with a margin of 10."""
    dark = np.zeros((60, 100), np.float32)
    for start, end in strokes:
        cv2.line(dark, start, end, 0.8, 3)
    return extract_cells(dark, (10, 10, 80, 40), count)


@pytest.mark.parametrize(
    ("strokes", "found"),
    [
        ([], [False, False]),
        ([((30, 15), (30, 45))], [True, False]),
        ([((30, 15), (30, 45)), ((70, 15), (70, 45))], [True, True]),
        ([((30, 15), (56, 45))], [True, False]),  # mostly in the first cell
        ([((15, 30), (85, 32))], [True, True]),  # wider than a cell: cut
        ([((30, 30), (31, 30))], [False, False]),  # a speck
        ([((20, 3), (60, 3))], [False, False]),  # in the margin alone
        ([((70, 2), (70, 30))], [False, True]),  # from the margin into the field
    ],
)
def test_extract_cells_assigns_each_component_to_one_cell(strokes, found):
    assert [cell is not None for cell in cells(*strokes)] == found


def test_extract_cells_keeps_all_ink_of_a_single_cell():
    (picture,) = cells(((15, 20), (15, 45)), ((60, 20), (60, 45)), count=1)
    assert (picture < 128).any(0).nonzero()[0].size >= 4
    assert (picture[0] == 255).all()


def test_extract_cells_accepts_a_field_of_one_inked_pixel():
    (picture,) = extract_cells(np.ones((1, 1), np.float32), (0, 0, 1, 1))
    assert picture.shape == (9, 9)
