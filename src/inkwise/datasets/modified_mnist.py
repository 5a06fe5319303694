"""MNIST's test digits as pictures unlike MNIST: turned, smaller, off the middle, lighter or darker."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.datasets.dataset import GLYPH_SHAPE, stack_glyphs
from inkwise.preprocessing import image_to_glyph

MAX_ROTATION = 20.0  # degrees to either side
SCALE_RANGE = (0.55, 0.8)  # of the size
MAX_BRIGHTNESS_SHIFT = 0.4  # of full white, added or taken away
_BOX = 20  # pixels that MNIST fits its ink into: what is left of the frame is room to shift
_SEED = 20  # drawn once and for all


def modify(glyphs: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give each glyph (n, 28, 28) uint8 a turn, size, place and brightness of its own, always the same.

    Hardly any ink leaves the frame. The strengths are fixed so that LeNet, trained on MNIST as it is, reads
    about 28 % of the test digits, as a document has it that does not give its strengths (docs/papers.md).
    """
    rng = np.random.default_rng(_SEED)
    middle = (GLYPH_SHAPE[0] - 1) / 2
    modified = []
    for glyph in glyphs:
        angle, size, across, down, added = rng.uniform(-1, 1, 5).tolist()
        size = SCALE_RANGE[0] + (SCALE_RANGE[1] - SCALE_RANGE[0]) * (size + 1) / 2
        room = (GLYPH_SHAPE[0] - _BOX * size) / 2
        matrix = cv2.getRotationMatrix2D((middle, middle), MAX_ROTATION * angle, size)
        matrix[:, 2] += across * room, down * room
        smaller = cv2.warpAffine(glyph, matrix, GLYPH_SHAPE, flags=cv2.INTER_LINEAR)
        modified.append(
            np.clip(np.rint(smaller + added * MAX_BRIGHTNESS_SHIFT * 255.0), 0, 255).astype(np.uint8)
        )
    return np.stack(modified)


def normalize(glyphs: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The modified pictures (n, 28, 28) uint8 as glyphs, found as in any picture; black without ink."""
    return stack_glyphs(map(image_to_glyph, modify(glyphs)), len(glyphs))
