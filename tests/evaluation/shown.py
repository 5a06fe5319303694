"""What a picture shows, by its pixels."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def pixels(png: bytes) -> NDArray[np.int16]:
    """(h, w, 3) of a PNG."""
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB")).astype(np.int16)


def red(picture: NDArray[np.int16]) -> int:
    """The number of red pixels."""
    return int((picture[..., 0] - picture[..., 1:].max(axis=-1) > 60).sum())
