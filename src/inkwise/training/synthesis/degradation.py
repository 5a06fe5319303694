"""Simulated photos of ink: pen, paper, illumination and camera, and the glyphs read from them."""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing import image_to_glyph

Ink = TypeVar("Ink", np.uint8, np.bool_)
InkCoverage = NDArray[np.float32]
"""(h, w), share of ink in each pixel, 0..1, cropped to the ink."""

_MIN_CORRELATION = 0.6  # correlation with the original below which a glyph read from a photo is discarded


def photographed_glyph(
    cover: InkCoverage, original: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The glyph (28, 28) uint8 read from a simulated photo of ink, or the original if that fails."""
    read = image_to_glyph(simulate_photo(cover, rng))
    if read is None or _correlation(read, original) < _MIN_CORRELATION:
        return original
    return read


def simulate_photo(cover: InkCoverage, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A grey image (H, W) uint8 of ink on paper, sometimes inverted; the longer side has 16 to 240 pixels."""
    cover = simulate_pen(_random_resize(cover, rng), rng)
    height, width = cover.shape
    around = rng.uniform(0.04, 0.6, 4) * max(height, width)
    top, bottom, left, right = np.maximum(around, 1).astype(int).tolist()
    cover = cv2.copyMakeBorder(cover, top, bottom, left, right, cv2.BORDER_CONSTANT, value=0)
    if rng.random() < 0.15:
        cover = np.maximum(cover, _neighbour_stroke(cover.shape, rng))
    paper = simulate_illumination(cover.shape, rng) * rng.uniform(140, 255)
    if rng.random() < 0.3:
        paper = paper - ruled_paper(cover.shape, rng) * rng.uniform(8, 60)
    if rng.random() < 0.04:  # a ruled line as dark as the ink
        cover = np.maximum(cover, ruled_paper(cover.shape, rng) * rng.uniform(0.5, 1))
    darkest = rng.uniform(0, 0.75)
    grey = paper * (1 - cover * (1 - darkest))
    return simulate_camera(grey, rng)


def crop_to_ink(image: NDArray[Ink]) -> NDArray[Ink]:
    """Crop an image (h, w) uint8 or bool to its non-zero pixels; empty without any."""
    x, y, w, h = cv2.boundingRect(image.astype(np.uint8, copy=False))
    return image[y : y + h, x : x + w]


def ink_coverage(image: NDArray[Ink]) -> InkCoverage:
    """The ink coverage of a non-empty image (h, w), uint8 in 0..255 or bool."""
    full = 1 if image.dtype == bool else 255
    return np.divide(crop_to_ink(image), full, dtype=np.float32)


def _random_resize(cover: InkCoverage, rng: np.random.Generator) -> InkCoverage:
    """Resize the longer side to 14 to 110 pixels, log-uniform."""
    longer = np.exp(rng.uniform(np.log(14), np.log(110)))
    scale = longer / max(cover.shape)
    size = max(2, round(cover.shape[1] * scale)), max(2, round(cover.shape[0] * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.clip(cv2.resize(cover, size, interpolation=method), 0, 1)


def simulate_pen(cover: InkCoverage, rng: np.random.Generator) -> InkCoverage:
    """Simulate pens: grainy graphite, a pen that runs dry in places, an outline instead of a stroke."""
    kind = rng.random()
    if kind < 0.15:  # pencil on grainy paper
        grain = cv2.resize(
            rng.random((cover.shape[0] // 2 + 1, cover.shape[1] // 2 + 1), np.float32), cover.shape[::-1]
        )
        return cover * np.clip(0.35 + grain, 0, 1)
    if kind < 0.22 and min(cover.shape) >= 10:  # dry in places
        dry = cv2.GaussianBlur(rng.standard_normal(cover.shape, np.float32), (0, 0), cover.shape[0] / 14)
        return cover * (dry < 1.4 * dry.std())
    if kind < 0.26 and min(cover.shape) >= 24:  # outline, as of bubble letters
        solid = (cover > 0.5).astype(np.uint8)
        inner = cv2.erode(solid, np.ones((3, 3), np.uint8), iterations=max(1, cover.shape[0] // 40))
        return (solid - inner).astype(np.float32)
    return cover


def _neighbour_stroke(shape: tuple[int, ...], rng: np.random.Generator) -> InkCoverage:
    """A stroke that reaches in from the border by at most a tenth of the image."""
    height, width = shape
    canvas = np.zeros(shape, np.uint8)
    size = np.array([width, height])
    along = rng.uniform(0, 1, 2)
    side = rng.integers(4)
    along[side % 2] = side // 2
    start = along * size
    inward = (0.5 - along) * 2
    reach = rng.uniform(0.02, 0.12) * size.max()
    end = start + inward * reach + rng.normal(0, 0.5, 2) * reach
    thick = max(1, round(0.04 * height * rng.uniform(0.5, 1.5)))
    cv2.line(canvas, np.rint(start).astype(int).tolist(), np.rint(end).astype(int).tolist(), 1, thick)
    return canvas.astype(np.float32)


def ruled_paper(shape: tuple[int, ...], rng: np.random.Generator) -> InkCoverage:
    """Lines of ruled or squared paper, slightly tilted."""
    height, width = shape
    lines = np.zeros(shape, np.uint8)
    step = rng.uniform(0.3, 1.2) * height
    tilt = rng.normal(0, 0.03) * width
    thick = max(1, height // 90)
    for y in np.arange(rng.uniform(0, step), height, step):
        cv2.line(lines, (0, round(y)), (width, round(y + tilt)), 1, thick)
    if rng.random() < 0.4:
        for x in np.arange(rng.uniform(0, step), width, step):
            cv2.line(lines, (round(x), 0), (round(x - tilt), height), 1, thick)
    return lines.astype(np.float32)


def simulate_illumination(shape: tuple[int, ...], rng: np.random.Generator) -> InkCoverage:
    """Illumination, 0..1: a gradient, vignetting, the soft edge of a shadow."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, side, dtype=np.float32) for side in shape), indexing="ij")
    angle = rng.uniform(0, 2 * np.pi)
    across = np.cos(angle) * x + np.sin(angle) * y
    light = 1 + rng.uniform(0, 0.25) * across
    if rng.random() < 0.3:
        light = light * (1 - rng.uniform(0, 0.2) * (x**2 + y**2))
    if rng.random() < 0.2:
        soft = rng.uniform(0.05, 0.5)
        light = light * (1 - rng.uniform(0.1, 0.45) / (1 + np.exp((across - rng.uniform(-1, 1)) / soft)))
    return np.asarray(light / light.max(), np.float32)


def simulate_camera(grey: InkCoverage, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Blur, noise, JPEG compression and, sometimes, inversion, (H, W) uint8."""
    if rng.random() < 0.5:
        grey = cv2.GaussianBlur(grey, (0, 0), rng.uniform(0.3, 0.8 + min(grey.shape) / 80))
    if rng.random() < 0.6:
        grey = grey + rng.standard_normal(grey.shape, np.float32) * rng.uniform(0, 9)
    picture = np.clip(grey, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        picture = 255 - picture
    if rng.random() < 0.4:
        quality = int(rng.integers(25, 95))
        _, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        picture = cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)
    return picture


def _correlation(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    a, b = (glyph.astype(np.float32).ravel() - float(glyph.mean()) for glyph in (one, other))
    return float(a @ b / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-6))
