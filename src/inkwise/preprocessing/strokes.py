"""Rasterization of pen strokes to glyphs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from inkwise._util.errors import InkwiseError
from inkwise._util.text import parse_json
from inkwise.preprocessing.normalization import (
    INK_BOX_SIDE,
    SUPERSAMPLED_SIDE,
    SUPERSAMPLING,
    shapes_to_glyphs,
)

PEN_WIDTH = 2.6
"""Default pen width in glyph pixels, near the median of MNIST; independent of the screen."""

MAX_COORDINATE = 1e150
"""Maximum absolute value of a coordinate; larger ones would overflow."""

MIN_STROKE_OVERLAP = 0.3
"""Minimum horizontal overlap of strokes of a digit, as a share of the narrower one's width."""

_SUBPIXEL_BITS = 4  # fractional bits of coordinates in cv2.polylines: 1/16 pixel

Strokes = Sequence[ArrayLike]
"""Strokes of one digit or more: a list of (k, 2) arrays, x right, y down, in any unit."""


StrokeSource = Strokes | Iterable[Any] | Mapping[str, Any] | str | bytes
"""Strokes in any form that `to_stroke_arrays` takes."""

_MAX_COLUMNS = 4  # of a point: x, y, time, pressure


def to_stroke_arrays(strokes: StrokeSource) -> list[NDArray[np.float64]]:
    """Convert strokes to float64 arrays (k, 2).

    A point is [x, y], [x, y, time], [x, y, time, pressure] or {"x": x, "y": y}, with further keys. A stroke
    is a list or array of points, {"points": [..]} as signature_pad has it, or {"x": [..], "y": [..]}. Strokes
    are a list of strokes, {"strokes": [..]}, one stroke alone, or the JSON of these.

    Raises:
        InkwiseError: A stroke is not (k, 2), is empty, or holds a value that is not finite or beyond 1e150.
    """
    if isinstance(strokes, str | bytes | bytearray):
        try:
            strokes = parse_json(bytes(strokes) if isinstance(strokes, bytearray) else strokes)
        except ValueError:
            raise InkwiseError("strokes are a list of strokes or its JSON, not other text") from None
    if isinstance(strokes, Mapping):
        strokes = strokes.get("strokes", [strokes])
    if not isinstance(strokes, Iterable) or isinstance(strokes, str | bytes):
        raise InkwiseError(f"strokes are a list of strokes, not {type(strokes).__name__}")
    listed = list(strokes)
    if listed and _is_point(listed[0]):
        listed = [listed]
    checked = []
    for number, stroke in enumerate(listed, 1):
        try:
            points = np.asarray(_point_list(stroke), np.float64)
        except (TypeError, ValueError, LookupError, OverflowError):
            raise InkwiseError(f"stroke {number} is not a list of (x, y) points") from None
        if points.ndim != 2 or not 2 <= points.shape[1] <= _MAX_COLUMNS or len(points) == 0:
            raise InkwiseError(f"stroke {number} has shape {points.shape}; (k, 2) with k >= 1 is expected")
        points = points[:, :2]
        if not (np.abs(points) <= MAX_COORDINATE).all():
            raise InkwiseError(
                f"stroke {number} holds a coordinate that is not a finite number, or too large"
            )
        checked.append(points)
    return checked


def _is_point(value: Any) -> bool:
    if isinstance(value, Mapping):
        return isinstance(value.get("x"), int | float | np.number)
    is_list = isinstance(value, list | tuple | np.ndarray) and 2 <= len(value) <= _MAX_COLUMNS
    return is_list and all(isinstance(number, int | float | np.number) for number in value[:2])


def _point_list(stroke: Any) -> Any:
    """Return the points of a stroke without their keys."""
    if isinstance(stroke, Mapping):
        if "points" not in stroke:
            return list(zip(stroke["x"], stroke["y"], strict=True))
        stroke = stroke["points"]
    if isinstance(stroke, list | tuple) and stroke and isinstance(stroke[0], Mapping):
        return [(point["x"], point["y"]) for point in stroke]
    return stroke


def strokes_to_glyph(strokes: Strokes, pen: float = PEN_WIDTH) -> NDArray[np.uint8] | None:
    """Draw the strokes of one digit as a glyph (28, 28) uint8; None without strokes.

    Args:
        strokes: list of (k, 2) arrays, x right, y down, in any unit.
        pen: stroke width in glyph pixels.

    Raises:
        InkwiseError: A stroke is malformed.
    """
    checked = to_stroke_arrays(strokes)
    if not checked:
        return None
    return shapes_to_glyphs(strokes_to_shape(checked, pen)[None])[0]


def strokes_to_glyphs(digits: Sequence[list[NDArray[np.float64]]]) -> NDArray[np.uint8]:
    """Draw the strokes of one digit or more, arrays of `to_stroke_arrays`, as glyphs (n, 28, 28) uint8."""
    return shapes_to_glyphs(np.stack([strokes_to_shape(strokes) for strokes in digits]))


def group_strokes(strokes: Strokes) -> list[list[int]]:
    """Group strokes into digits: strokes that overlap horizontally, such as the bar of a 7, are one digit.

    Returns:
        Indices of the strokes of each digit, digits and strokes from left to right.

    Raises:
        InkwiseError: A stroke is malformed.
    """
    edges = [(float(points[:, 0].min()), float(points[:, 0].max())) for points in to_stroke_arrays(strokes)]
    groups: list[list[int]] = []
    begin = end = 0.0  # horizontal extent of the last group
    for number in sorted(range(len(edges)), key=lambda number: edges[number][0]):
        left, right = edges[number]
        if groups and min(right, end) - left >= MIN_STROKE_OVERLAP * min(right - left, end - begin):
            groups[-1].append(number)
            end = max(end, right)
        else:
            groups.append([number])
            begin, end = left, right
    return groups


def strokes_to_shape(strokes: list[NDArray[np.float64]], pen: float = PEN_WIDTH) -> NDArray[np.bool_]:
    """Draw strokes of `to_stroke_arrays` as one supersampled shape (112, 112) bool, its longer side 80."""
    width = max(round(pen * SUPERSAMPLING), 1)
    points = np.concatenate(strokes)
    low, high = points.min(0), points.max(0)
    extent = float((high - low).max())
    # A dot is not enlarged.
    scale = (INK_BOX_SIDE * SUPERSAMPLING - width) / extent if extent > 1 / MAX_COORDINATE else 0.0
    canvas = np.zeros((SUPERSAMPLED_SIDE, SUPERSAMPLED_SIDE), np.uint8)
    fine = [(stroke - (low + high) / 2) * scale + SUPERSAMPLED_SIDE / 2 - 0.5 for stroke in strokes]
    draw_strokes(canvas, fine, width, ink=1, line_type=cv2.LINE_8)
    return canvas.astype(bool)


def draw_strokes(
    canvas: NDArray[np.uint8],
    strokes: Sequence[NDArray[np.floating]],
    pen: float,
    *,
    ink: int = 255,
    line_type: int = cv2.LINE_AA,
) -> None:
    """Draw strokes (k, 2) in pixels on the canvas, by default white and anti-aliased, `pen` pixels wide."""
    for stroke in strokes:
        fixed = np.rint(stroke * 2**_SUBPIXEL_BITS).astype(np.int32)[:, None]
        # A single point is drawn only as a closed polyline.
        cv2.polylines(canvas, [fixed], len(fixed) == 1, ink, max(1, round(pen)), line_type, _SUBPIXEL_BITS)
