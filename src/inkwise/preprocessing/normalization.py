"""Normalization of ink to glyphs.

A glyph is 28x28 uint8, white ink on black. The ink is scaled into 20x20 with its aspect ratio, and its centre
of mass is centred: the protocol of MNIST (LeCun, Cortes & Burges, http://yann.lecun.com/exdb/mnist/), which
downsampled the binary scans of NIST. Likewise, ink first becomes a supersampled binary shape, whose stroke
width is clamped to the range of handwriting on paper, and which is then averaged down to grey.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

GLYPH_SIDE = 28
"""Width and height of a glyph, pixels."""

INK_BOX_SIDE = 20
"""The longer side of the ink in a glyph, pixels."""

GLYPH_CENTRE = 14.5
"""Coordinate of the centre of mass in both directions, measured on MNIST (14.50 +- 0.3)."""

SUPERSAMPLING = 4
"""Pixels of a shape per glyph pixel, in each direction."""

SUPERSAMPLED_SIDE = SUPERSAMPLING * GLYPH_SIDE

MIN_STROKE_WIDTH, MAX_STROKE_WIDTH = 2.2, 3.4
"""Range of stroke widths in glyph pixels that are not changed; 58 % of MNIST's digits lie within.

Chosen on validation writers, whose digits were drawn with thin and thick pens: a wider range misses more.
"""

_CHUNK_SIZE = 1024  # images per batch; bounds the memory to about 100 MB


def to_glyphs(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Normalize a batch of ink images of one size.

    Args:
        ink: (n, h, w) uint8, 0 background, 255 ink, 128 the edge of ink; any h and w.

    Returns:
        (n, 28, 28) uint8 glyphs; all zero for images without ink.
    """
    glyphs = np.zeros((len(ink), GLYPH_SIDE, GLYPH_SIDE), np.uint8)
    for start in range(0, len(ink), _CHUNK_SIZE):
        chunk = ink[start : start + _CHUNK_SIZE]
        glyphs[start : start + _CHUNK_SIZE] = shapes_to_glyphs(_to_supersampled_shapes(chunk))
    return glyphs


def inks_to_glyphs(inks: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Normalize a batch of ink images (h, w) uint8 of different sizes; see `to_glyphs`."""
    if not inks:
        return np.zeros((0, GLYPH_SIDE, GLYPH_SIDE), np.uint8)
    height, width = (max(ink.shape[axis] for ink in inks) for axis in (0, 1))
    together = np.zeros((len(inks), height, width), np.uint8)
    for space, ink in zip(together, inks, strict=True):
        space[: ink.shape[0], : ink.shape[1]] = ink
    return to_glyphs(together)


def shapes_to_glyphs(shapes: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Clamp the stroke width of supersampled shapes and average them down to glyphs.

    Args:
        shapes: (n, 112, 112) bool, the ink's longer side about 80 pixels, away from the border.

    Returns:
        (n, 28, 28) uint8 glyphs; all zero for empty shapes.
    """
    shapes = _clamp_stroke_width(shapes)
    top, bottom, left, right = _true_bounds(shapes)
    scale = INK_BOX_SIDE / np.maximum(np.maximum(bottom - top, right - left), 1)
    rows, columns = shapes.sum(2), shapes.sum(1)
    mass = np.maximum(rows.sum(1), 1)
    axis = np.arange(SUPERSAMPLED_SIDE) + 0.5
    centre_y = rows @ axis / mass
    centre_x = columns @ axis / mass
    # Centre the mass, unless that would push ink over the border.
    shift_y = np.clip(GLYPH_CENTRE - centre_y * scale, -top * scale, GLYPH_SIDE - bottom * scale)
    shift_x = np.clip(GLYPH_CENTRE - centre_x * scale, -left * scale, GLYPH_SIDE - right * scale)
    grey = _resample(shapes.astype(np.float32), scale, shift_y, shift_x, GLYPH_SIDE)
    return np.rint(255 * np.clip(grey, 0, 1)).astype(np.uint8)


def stroke_width(shapes: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean stroke width of supersampled shapes in glyph pixels, (n,).

    Across a stroke of width w the distance to the background rises from 0 to w/2, so its mean is w/4.
    """
    inside = _distance_transform(shapes)
    mean = inside.sum((1, 2), dtype=np.float64) / np.maximum(shapes.sum((1, 2)), 1)
    return 4 * np.maximum(mean - 0.5, 0.25) / SUPERSAMPLING


def _to_supersampled_shapes(ink: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Scale the ink of each image to a shape and threshold it at the edge of ink, (n, 112, 112) bool."""
    top, bottom, left, right = _true_bounds(ink >= 128)
    scale = SUPERSAMPLING * INK_BOX_SIDE / np.maximum(np.maximum(bottom - top, right - left), 1)
    shift_y = SUPERSAMPLED_SIDE / 2 - (top + bottom) / 2 * scale
    shift_x = SUPERSAMPLED_SIDE / 2 - (left + right) / 2 * scale
    return _resample(ink.astype(np.float32), scale, shift_y, shift_x, SUPERSAMPLED_SIDE) >= 127.5


def _clamp_stroke_width(shapes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Thicken strokes below MIN_STROKE_WIDTH and thin those above MAX_STROKE_WIDTH."""
    width = stroke_width(shapes)
    grow = SUPERSAMPLING * np.maximum(MIN_STROKE_WIDTH - width, 0) / 2
    shrink = SUPERSAMPLING * np.maximum(width - MAX_STROKE_WIDTH, 0) / 2
    if grow.any():
        shapes = shapes | (_distance_transform(~shapes) <= grow[:, None, None]) & (grow > 0)[:, None, None]
    if shrink.any():
        shapes = shapes & (_distance_transform(shapes) > shrink[:, None, None])
    return shapes


def _distance_transform(shapes: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Distance of each pixel to the nearest False, pixels, same shape; the batch is one tall image."""
    n, height, width = shapes.shape
    tall = shapes.reshape(n * height, width).astype(np.uint8)
    return cv2.distanceTransform(tall, cv2.DIST_L2, 5).reshape(n, height, width)


def _true_bounds(mask: NDArray[np.bool_]) -> tuple[NDArray[np.intp], ...]:
    """Top, bottom, left, right of the True pixels, (n,) each, ends exclusive; the whole mask if all False."""
    rows, columns = np.any(mask, axis=2), np.any(mask, axis=1)
    top, left = rows.argmax(1), columns.argmax(1)
    bottom = rows.shape[1] - rows[:, ::-1].argmax(1)
    right = columns.shape[1] - columns[:, ::-1].argmax(1)
    return top, bottom, left, right


def _resample(
    images: NDArray[np.float32],
    scale: NDArray[np.float64],
    shift_y: NDArray[np.float64],
    shift_x: NDArray[np.float64],
    size: int,
) -> NDArray[np.float32]:
    """Scale and shift each image into a square: area average when shrinking, linear when enlarging.

    Target coordinate = source coordinate * scale + shift, as a matrix product on either side of an image.
    """
    rows = _resampling_weights(scale, shift_y, images.shape[1], size)
    columns = _resampling_weights(scale, shift_x, images.shape[2], size)
    return np.matmul(np.matmul(rows, images), columns.transpose(0, 2, 1))


def _resampling_weights(
    scale: NDArray[np.float64], shift: NDArray[np.float64], n: int, size: int
) -> NDArray[np.float32]:
    """Weights of n source pixels for each target pixel, (batch, size, n).

    A target pixel averages its footprint in the source, which is at least one pixel wide; a box of one pixel
    is linear interpolation.
    """
    extent = np.maximum(1 / scale, 1)[:, None, None]
    middle = ((np.arange(size) + 0.5 - shift[:, None]) / scale[:, None])[:, :, None]
    apart = np.abs(middle - (np.arange(n) + 0.5))
    return (np.clip((extent + 1) / 2 - apart, 0, 1) / extent).astype(np.float32)
