"""`mnist-modified`: MNIST's test digits rotated, reduced, shifted, and made lighter or darker."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.datasets import Dataset, NamedDataset, missing_files, register_dataset
from inkwise.datasets.dataset import GLYPH_SHAPE, stack_glyphs
from inkwise.datasets.mnist import load_mnist
from inkwise.preprocessing import image_to_glyph

MAX_ROTATION = 20.0  # degrees to either side
SCALE_RANGE = (0.55, 0.8)  # factor of the size
MAX_BRIGHTNESS_SHIFT = 0.4  # fraction of full white, added or subtracted
_INK_BOX = 20  # pixels per side into which MNIST fits its ink; the rest of the frame is room to shift
_SEED = 20


def modify(glyphs: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Modify each glyph (n, 28, 28) uint8 in its own way, the same in every call.

    Hardly any ink leaves the frame. The strengths are fixed so that LeNet, trained on plain MNIST, reads
    about 28 % of the test digits, as stated in a document that gives no strengths (docs/papers.md).
    """
    rng = np.random.default_rng(_SEED)
    center = (GLYPH_SHAPE[0] - 1) / 2
    modified = []
    for glyph in glyphs:
        angle, size, across, down, brightness = rng.uniform(-1, 1, 5).tolist()
        size = SCALE_RANGE[0] + (SCALE_RANGE[1] - SCALE_RANGE[0]) * (size + 1) / 2
        room = (GLYPH_SHAPE[0] - _INK_BOX * size) / 2
        matrix = cv2.getRotationMatrix2D((center, center), MAX_ROTATION * angle, size)
        matrix[:, 2] += across * room, down * room
        smaller = cv2.warpAffine(glyph, matrix, GLYPH_SHAPE, flags=cv2.INTER_LINEAR)
        shifted = np.rint(smaller + brightness * MAX_BRIGHTNESS_SHIFT * 255.0)
        modified.append(np.clip(shifted, 0, 255).astype(np.uint8))
    return np.stack(modified)


def normalize(glyphs: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Modify glyphs (n, 28, 28) uint8 and find the digits in them as in any image; black without ink."""
    return stack_glyphs(map(image_to_glyph, modify(glyphs)), len(glyphs))


def _register(name: str, change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]], description: str) -> None:
    def load() -> Dataset:
        digits = load_mnist("t10k")
        return replace(digits, glyphs=change(digits.glyphs))

    is_cached = lambda: not missing_files("t10k")  # noqa: E731
    register_dataset(name, NamedDataset(description, 10_000, "mnist", is_cached, load))


_register("mnist-modified", modify, "MNIST test digits, rotated, smaller, shifted, lighter")
_register("mnist-modified-read", normalize, "the same, with the digit found in the image first")
