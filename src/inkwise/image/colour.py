"""Colour and transparency to grey."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import ImageError


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
    return _project_to_principal_axis(colour)


def _composite_on_paper(colour: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Composite colours (H, W, 3) with an alpha channel on white if they are dark, else on black."""
    cover = cv2.merge([alpha] * 3)
    composite = cv2.multiply(colour, cover, scale=1 / 255)
    if composite.sum() < 128 * max(cover.sum() / 255, 1):
        composite = cv2.add(composite, 255 - cover)
    return np.asarray(composite, np.uint8)


def _project_to_principal_axis(colour: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Project colours (H, W, 3) on their first principal axis, scaled to 0..255 with light staying light."""
    step = max(1, round((colour.shape[0] * colour.shape[1] / 65536) ** 0.5))
    sample = colour[::step, ::step].reshape(-1, 3)
    # A small weight of the mean decides where nothing varies: a uniform page, or one that is already grey.
    axis = np.linalg.eigh(np.cov(sample.T, bias=True) + 1e-3 * np.ones((3, 3)))[1][:, -1]
    axis = axis / np.abs(axis).sum() * (1 if axis.sum() >= 0 else -1)
    # cv2.transform needs no floating-point copy of the picture, which would be four times as large.
    grey = cv2.transform(colour, np.array([[*axis, -255 * np.minimum(axis, 0).sum()]]))
    return np.asarray(grey, np.uint8)
