"""Limits on the size of pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inkwise._util.errors import ImageError

MIN_SIDE = 8
"""Minimum of the longer side of a picture, pixels; smaller ones cannot hold a digit."""


def check_pixel_count(width: float, height: float, name: str) -> None:
    """Check the size of a picture before it is decoded.

    Raises:
        ImageError: it has more pixels than Pillow's limit.
    """
    if Image.MAX_IMAGE_PIXELS and width * height > Image.MAX_IMAGE_PIXELS:
        raise too_large_error(name)


def check_min_size(grey: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """Return a picture (H, W) unchanged.

    Raises:
        ImageError: it is too small.
    """
    height, width = grey.shape
    if min(height, width) < 2 or max(height, width) < MIN_SIDE:
        raise ImageError(f"{name}: {width} x {height} pixels is too small to hold a digit")
    return grey


def too_large_error(name: str) -> ImageError:
    """Return the error for a picture of too many pixels."""
    return ImageError(f"{name}: has more than {Image.MAX_IMAGE_PIXELS:,} pixels; shrink it first")
