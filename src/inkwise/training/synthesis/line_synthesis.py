"""Synthesis of handwritten numbers from single digits, as training data of the line reader."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.line_image import tall_stroke_height
from inkwise.preprocessing.strokes import draw_strokes
from inkwise.training.synthesis.allographs import Stroke
from inkwise.training.synthesis.degradation import (
    InkCoverage,
    ink_coverage,
    ruled_paper,
    simulate_camera,
    simulate_illumination,
    simulate_pen,
)
from inkwise.training.synthesis.line_layout import (
    DIGIT_HEIGHT,
)


def random_pen_width(rng: np.random.Generator) -> float:
    """Width of a pen for digits `DIGIT_HEIGHT` high, pixels."""
    return float(np.clip(np.exp(rng.normal(np.log(0.075), 0.35)), 0.035, 0.2)) * DIGIT_HEIGHT


def slant(canvas: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Shear and stretch a line as a whole, as a writer slants all digits alike."""
    height, width = canvas.shape
    shear, stretch = rng.normal(-0.2, 0.25), np.exp(rng.normal(0.1, 0.2))
    matrix = np.array([[stretch, shear, max(0.0, -shear) * height], [0, 1, 0]])
    size = int(stretch * width + abs(shear) * height), height
    return cv2.warpAffine(canvas, matrix, size)


def whole_number_coverage(strokes: list[Stroke], rng: np.random.Generator) -> InkCoverage:
    """Ink coverage of a whole number with another slant and pen."""
    matrix = np.array([[np.exp(rng.normal(0, 0.12)), rng.normal(0, 0.15)], [rng.normal(0, 0.02), 1]])
    scale = DIGIT_HEIGHT / max(tall_stroke_height(strokes), 1e-6)
    turned = [stroke @ matrix.T * scale for stroke in strokes]
    points = np.concatenate(turned)
    low, (width, height) = points.min(0), np.ptp(points, 0).tolist()
    canvas = np.zeros((int(height) + 41, int(width) + 41), np.uint8)
    draw_strokes(canvas, [stroke - low + 20 for stroke in turned], random_pen_width(rng))
    return ink_coverage(canvas)


def simulate_line_photo(cover: InkCoverage, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A grey image (H, W) uint8 of a line of ink on plain, ruled or printed paper."""
    height = float(np.exp(rng.uniform(np.log(24), np.log(64))))
    scale = height / cover.shape[0]
    size = max(8, round(cover.shape[1] * scale)), max(8, round(height))
    cover = simulate_pen(cv2.resize(cover, size, interpolation=cv2.INTER_AREA), rng)
    top, bottom = (rng.uniform(0.02, 0.5, 2) * height).astype(int).tolist()
    left, right = (rng.uniform(0.02, 0.9, 2) * height).astype(int).tolist()
    cover = cv2.copyMakeBorder(cover, top + 1, bottom + 1, left + 1, right + 1, cv2.BORDER_CONSTANT, value=0)
    paper = simulate_illumination(cover.shape, rng) * rng.uniform(120, 255)
    darkest = rng.uniform(0, 0.65)
    depth = float(paper.mean()) * (1 - darkest)  # grey levels between paper and ink
    if rng.random() < 0.6:
        paper = paper - security_pattern(cover.shape, rng) * rng.uniform(0.05, 0.3) * depth
    if rng.random() < 0.25:
        paper = paper - ruled_paper(cover.shape, rng) * rng.uniform(0.1, 0.9) * depth
    if rng.random() < 0.35:
        cover = np.maximum(cover, _form_line(cover.shape, top, bottom, rng))
    return simulate_camera(paper * (1 - cover * (1 - darkest)), rng)


def security_pattern(shape: tuple[int, ...], rng: np.random.Generator) -> InkCoverage:
    """The security pattern of a cheque: one or two sets of fine waves, (h, w) float32 in 0..1."""
    height, width = shape
    y, x = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    whole = np.zeros(shape, np.float32)
    for _ in range(int(rng.integers(1, 3))):
        angle = rng.normal(np.pi / 2, 0.4) if rng.random() < 0.7 else rng.uniform(0, np.pi)
        along, across = np.cos(angle) * y - np.sin(angle) * x, np.cos(angle) * x + np.sin(angle) * y
        waves = sum(
            rng.uniform(0, 5) * np.sin(2 * np.pi * along / rng.uniform(12, 90) + rng.uniform(0, 6.3))
            for _ in range(2)
        )
        step = rng.uniform(3, 11)
        phase = (across + waves + rng.uniform(0, 30) * (along / max(shape)) ** 2) / step
        sharp = rng.uniform(1, 8)
        whole = np.maximum(whole, ((0.5 + 0.5 * np.cos(2 * np.pi * phase)) ** sharp).astype(np.float32))
    if rng.random() < 0.3:
        grain = cv2.GaussianBlur(rng.standard_normal(shape, np.float32), (0, 0), rng.uniform(0.6, 2))
        whole = whole * rng.uniform(0, 1) + np.clip(grain / (2 * grain.std()), -1, 1)
    return np.asarray(whole, np.float32)


def _form_line(shape: tuple[int, ...], top: int, bottom: int, rng: np.random.Generator) -> InkCoverage:
    """A form line below or above the number, or a side of its box; it may touch the digits."""
    height, width = shape
    lines = np.zeros(shape, np.uint8)
    thick = max(1, round(height * rng.uniform(0.01, 0.05)))
    tilt = rng.normal(0, 0.01) * width
    low = height - bottom * rng.uniform(0, 1.3) - 1
    high = top * rng.uniform(0, 1.2)
    for y in ([low], [high], [low, high])[int(rng.choice(3, p=[0.6, 0.2, 0.2]))]:
        cv2.line(lines, (0, round(y - tilt)), (width, round(y + tilt)), 1, thick)
    if rng.random() < 0.05:
        x = int(rng.choice([rng.uniform(0, 0.02), rng.uniform(0.98, 1)]) * width)
        cv2.line(lines, (x, 0), (x, height), 1, thick)
    return lines.astype(np.float32) * np.float32(rng.uniform(0.4, 1))
