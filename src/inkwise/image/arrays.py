"""Arrays and tensors of any dtype and usual shape become uint8 pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import ImageError

_CHANNELS = (1, 3, 4)  # grey, colour, colour with alpha

_WHITES = (1, 16, 255, 1023, 4095, 16383, 65535)
"""Values of white: of masks and fractions, of scikit-learn's digits, and of 8 to 16 bits."""


def to_pixels(picture: Any) -> NDArray[np.uint8]:
    """Convert an array or a tensor to (H, W) or (H, W, 3|4) uint8.

    Accepted are (h, w), (h, w, 1|3|4), (1, h, w) and a batch of one; a tensor may have its channels first.

    Raises:
        ImageError: it has another shape, or holds no real numbers.
    """
    array = _to_array(picture)
    shape = array.shape
    if array.dtype.kind not in "biuf":
        raise ImageError(f"an array must hold real numbers, not {array.dtype}")
    while array.ndim > 3 and len(array) == 1:
        array = array[0]
    if array.ndim == 3 and array.shape[2] not in _CHANNELS:
        if len(array) == 1:
            array = array[0]
        elif len(array) in _CHANNELS and not isinstance(picture, np.ndarray):  # as PyTorch has it
            array = np.moveaxis(array, 0, 2)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in _CHANNELS):
        raise ImageError(
            f"an array must be (h, w) or (h, w, 1|3|4), not {shape}; transpose or reshape it, or give several"
            " pictures to read_many"
        )
    return array * np.uint8(255) if _is_mask(array) else scale_to_8_bits(array)


def scale_to_8_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale real numbers to 0..255; uint8 is returned as it is.

    White is the smallest of 1, 16, 255, 1023, 4095, 16383 and 65535 that no value exceeds, so that files of
    16 and 32 bits may hold 8, and otherwise the largest value. If there are negative values, the smallest one
    is black and the largest one white. A value that is not finite is black.
    """
    if values.dtype == np.uint8:
        return values
    with np.errstate(over="ignore", invalid="ignore"):
        pixels = values.astype(np.float32)
    np.nan_to_num(pixels, copy=False, nan=0, posinf=0, neginf=0)
    low, high = min(float(pixels.min(initial=0)), 0.0), float(pixels.max(initial=0))
    # Fractions slightly above 1 come from interpolation.
    white = high - low if low < 0 or 1 < high < 2 else next((w for w in _WHITES if high <= w), high)
    pixels -= low
    pixels *= 255 / white
    return np.rint(pixels, out=pixels).astype(np.uint8)


def _to_array(picture: Any) -> NDArray[Any]:
    try:
        if hasattr(picture, "detach"):  # PyTorch converts only what is in main memory and has no gradient
            picture = picture.detach().cpu()
            picture = picture.float() if picture.is_floating_point() else picture  # numpy has no bfloat16
        return np.asarray(picture)
    except Exception as error:  # of any library
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(f"{type(picture).__name__}: cannot be converted to an array ({reason})") from None


def _is_mask(array: NDArray[Any]) -> bool:
    """Return whether an array of 8 bits holds 0 and 1 only."""
    return array.dtype == np.bool_ or (array.dtype == np.uint8 and array.max(initial=0) == 1)
