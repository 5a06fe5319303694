"""Colour and transparency to grey."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import ImageError

_NEIGHBOURHOOD = 0.125  # side of the window whose lightest colour is paper, as a share of the longer side
_INK_SHARE = 0.999  # quantile of darkness and chroma; a hair line covers 0.1 % of a picture
_MAX_DARKNESS = 0.5  # of pale ink, as a share of the paper's brightness; black, blue and red are darker
_MIN_CHROMA = 0.15  # of coloured ink: difference of the channels, as a share of the paper's
_PAPER_SHARE = 0.9  # quantile of each channel that becomes white


def to_grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Convert grey (H, W), colour (H, W, 3) or colour with alpha (H, W, 4) to grey (H, W), all uint8.

    Raises:
        ImageError: there are no pixels.
    """
    if pixels.size == 0:
        raise ImageError("the picture has no pixels")
    if pixels.ndim == 2:
        return pixels
    colour = np.ascontiguousarray(pixels[..., :3])
    if pixels.shape[2] == 4 and pixels[..., 3].min() < 255:
        colour = _composite_on_paper(colour, pixels[..., 3])
    sample = _sample(colour)
    if _is_grey(sample) and _is_grey(colour):
        return np.ascontiguousarray(colour[..., 0])
    paper = _paper_of_pale_ink(sample)
    return _project_to_principal_axis(colour) if paper is None else _darkest_channel(colour, paper)


def _composite_on_paper(colour: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Composite colours (H, W, 3) with an alpha channel on white if they are dark, else on black."""
    cover = cv2.merge([alpha] * 3)
    composite = cv2.multiply(colour, cover, scale=1 / 255)
    if composite.sum() < 128 * max(cover.sum() / 255, 1):
        composite = cv2.add(composite, 255 - cover)
    return np.asarray(composite, np.uint8)


def _is_grey(colour: NDArray[np.uint8]) -> bool:
    """Return whether the three channels are equal."""
    red, green, blue = np.moveaxis(colour, 2, 0)
    return np.array_equal(red, green) and np.array_equal(green, blue)


def _paper_of_pale_ink(sample: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """Return the colour (3,) of the paper if all ink on it is coloured and pale, such as yellow; else None.

    Along the axis of largest variance, shadows and other pens would hide such ink.
    """
    side = max(3, round(max(sample.shape[:2]) * _NEIGHBOURHOOD) | 1)
    lightest = cv2.dilate(sample, np.ones((side, side), np.uint8))
    red, green, blue = cv2.split(np.divide(sample, np.maximum(lightest, 1), dtype=np.float32))
    chroma = cv2.max(cv2.max(red, green), blue) - cv2.min(cv2.min(red, green), blue)
    darkness = 1 - (red + green + blue) / 3
    if _quantile(darkness, _INK_SHARE) > _MAX_DARKNESS or _quantile(chroma, _INK_SHARE) < _MIN_CHROMA:
        return None
    paper = [max(_quantile(channel, _PAPER_SHARE), 1) for channel in np.moveaxis(sample, 2, 0)]
    return np.array(paper, np.float32)


def _quantile(values: NDArray[Any], share: float) -> float:
    """Return the value that a share of all does not exceed; faster than np.quantile, which interpolates."""
    index = int(share * (values.size - 1))
    return float(np.partition(values, index, axis=None)[index])


def _darkest_channel(colour: NDArray[np.uint8], paper: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the smallest channel of each pixel (H, W, 3), after the paper is made white."""
    tables = np.clip(np.arange(256)[:, None] / paper * 255, 0, 255).astype(np.uint8)
    red, green, blue = cv2.split(cv2.LUT(colour, tables[None]))
    return np.asarray(cv2.min(cv2.min(red, green), blue), np.uint8)


def _sample(colour: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return about 65,000 pixels (h, w, 3) of a larger picture (H, W, 3)."""
    step = max(1, round((colour.shape[0] * colour.shape[1] / 65536) ** 0.5))
    return np.ascontiguousarray(colour[::step, ::step])


def _project_to_principal_axis(colour: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Project colours (H, W, 3) on their first principal axis, scaled to 0..255 with light staying light."""
    sample = _sample(colour).reshape(-1, 3)
    # A small weight of the mean decides where nothing varies: a uniform page, or one that is already grey.
    axis = np.linalg.eigh(np.cov(sample.T, bias=True) + 1e-3 * np.ones((3, 3)))[1][:, -1]
    axis = axis / np.abs(axis).sum() * (1 if axis.sum() >= 0 else -1)
    # cv2.transform needs no floating-point copy of the picture, which would be four times as large.
    grey = cv2.transform(colour, np.array([[*axis, -255 * np.minimum(axis, 0).sum()]]))
    return np.asarray(grey, np.uint8)
