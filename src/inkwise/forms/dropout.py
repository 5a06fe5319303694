"""What is printed in a field is taken out, so that only what was written remains."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.segmentation import Box

_KERNEL = np.ones((3, 3), np.uint8)
_MIN_PRINT_DARKNESS = 0.06  # darkness from which on a pixel of the template is print
_STRONG_PRINT_DARKNESS = 0.2  # and from which on it tells how dark print is
_INK_OVER_PRINT = 0.15  # what is darker than print by so much is ink on it
_MIN_INK_DARKNESS = 0.1  # darkness from which on there is ink
_MAX_SPECK_HEIGHT = 0.25  # of the field's height: smaller ink is a speck
_MAX_CELL_INK_WIDTH = 1.3  # times as wide as a cell, ink is of more than one
_CELL_OVERHANG = 0.3  # of a cell's width, to which ink may reach beyond it
_PADDING = 0.3  # of the field's height, white paper added around
_MIN_PADDING = 4  # pixels of it at least


def print_contrast(dark: NDArray[np.float32], printed: NDArray[np.float32]) -> float:
    """How dark the print is in a scan, for 1 in the template; both (h, w) float32 darkness."""
    strong = printed > _STRONG_PRINT_DARKNESS
    if not strong.any():
        return 1.0
    # A thin line may lie between two pixels in the one, and on one in the other.
    ours, theirs = (cv2.dilate(side, _KERNEL)[strong] for side in (printed, dark))
    return float(np.median(theirs / ours))


def align_patch(dark: NDArray[np.float32], printed: NDArray[np.float32]) -> NDArray[np.float32]:
    """The part of a scan that lies as the template does.

    Args:
        dark: (h + 2 r, w + 2 r) float32, darkness of the scan, r further on each side.
        printed: (h, w) float32, darkness of the template.
    """
    height, width = printed.shape
    x, y = (dark.shape[1] - width) // 2, (dark.shape[0] - height) // 2
    if (printed > _STRONG_PRINT_DARKNESS).sum() > height:  # else there is nothing to hold on to
        _, _, _, (x, y) = cv2.minMaxLoc(cv2.matchTemplate(dark, printed, cv2.TM_CCORR_NORMED))
    return dark[y : y + height, x : x + width]


def remove_print(
    dark: NDArray[np.float32], printed: NDArray[np.float32], faintness: float
) -> NDArray[np.float32]:
    """The ink of a field: what is no darker than the print at its place is filled in from around it.

    So a stroke goes on across a printed line, as ink that is darker than the print does by itself.

    Args:
        dark: (h, w) float32, darkness of the scan.
        printed: (h, w) float32, darkness of the template at the same place.
        faintness: as of `print_contrast`.
    """
    wide = cv2.dilate(printed, _KERNEL)
    hidden = (wide > _MIN_PRINT_DARKNESS) & (dark < np.clip(faintness * wide, 0, 1) + _INK_OVER_PRINT)
    if not hidden.any():
        return dark
    whole = np.asarray(np.rint(255 * dark), np.uint8)
    filled = cv2.inpaint(whole, hidden.astype(np.uint8), 3, cv2.INPAINT_TELEA)
    return np.asarray(filled / np.float32(255), np.float32)


def extract_cells(dark: NDArray[np.float32], inside: Box, cells: int = 1) -> list[NDArray[np.uint8] | None]:
    """The ink of each cell of a field as a picture (h, w) uint8, dark on white, or None where it is empty.

    Specks, and what lies in the margin only, are left out: that was written for a neighbour. A piece of ink
    belongs to the cell in which most of it is; one that is wider than a cell is cut.

    Args:
        dark: (H, W) float32, the field's darkness with some margin, print taken out.
        inside: x, y, width, height of the field in it.
        cells: how many of the same width.
    """
    x, y, w, h = inside
    mask = (cv2.GaussianBlur(dark, (0, 0), 1) > _MIN_INK_DARKNESS).astype(np.uint8)
    _, labels, stats, middles = cv2.connectedComponentsWithStats(mask, connectivity=8)
    widths, heights = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    own = np.zeros(len(stats), np.bool_)
    own[np.unique(labels[y : y + h, x : x + w])] = True
    own &= np.maximum(widths, heights) >= _MAX_SPECK_HEIGHT * h
    own[0] = False
    step = w / cells
    of_column = np.clip((np.arange(dark.shape[1]) - x) / step, 0, cells - 1).astype(int)
    middle = np.nan_to_num(middles[:, 0])  # of no paper at all there is none
    of_piece = np.clip((middle - x) / step, 0, cells - 1).astype(int)
    wide = widths > _MAX_CELL_INK_WIDTH * step
    cell = np.where(wide[labels], of_column, of_piece[labels]) if cells > 1 else np.zeros_like(labels)
    pictures: list[NDArray[np.uint8] | None] = []
    for number in range(cells):
        kept = (own[labels] & (cell == number)).astype(np.uint8)
        ink = np.where(cv2.dilate(kept, _KERNEL) > 0, dark, 0)
        reach = step * (_CELL_OVERHANG if cells > 1 else 1)
        left, right = round(x + number * step - reach), round(x + (number + 1) * step + reach)
        part = 255 - np.rint(255 * ink[:, max(left, 0) : right])
        paper = np.pad(part, max(round(_PADDING * h), _MIN_PADDING), constant_values=255)
        pictures.append(np.asarray(paper, np.uint8) if kept.any() else None)
    return pictures
