"""Augmentation of a batch: affine, elastic, stroke width, brightness, contrast, noise, occlusion."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from inkwise.training.config import AugmentationSection

_ELASTIC_GRID_SIDE = 6  # points per side of the elastic field before it is interpolated


def augment(glyphs: Tensor, ranges: AugmentationSection, generator: torch.Generator) -> Tensor:
    """Change each glyph at random.

    Affine and elastic displacement (Simard, Steinkraus & Platt, ICDAR 2003) are composed into one sampling
    grid, so that a glyph is resampled once and not blurred twice.

    Args:
        glyphs: (n, 1, 28, 28) float in 0..1, or line images of another size.
        ranges: of the changes; shares of the side are shares of the height.
        generator: of the glyphs' device.

    Returns:
        Of the shape of `glyphs`.
    """
    draw = _RandomDraws(len(glyphs), generator, glyphs.device)
    if ranges.rotate or ranges.scale or ranges.aspect or ranges.shear or ranges.shift or ranges.elastic:
        glyphs = F.grid_sample(glyphs, _grid(glyphs, ranges, draw), align_corners=False)
    if ranges.stroke_width_jitter:
        pixels = draw.uniform(ranges.stroke_width_jitter)
        # dilation and erosion by a share of a pixel: a blend with a 3x3 maximum or minimum
        wider = glyphs.lerp(F.max_pool2d(glyphs, 3, 1, 1), pixels)
        glyphs = torch.where(pixels > 0, wider, glyphs.lerp(-F.max_pool2d(-glyphs, 3, 1, 1), -pixels))
    if ranges.brightness or ranges.contrast:
        glyphs = glyphs * (1 + draw.uniform(ranges.contrast)) + draw.uniform(ranges.brightness)
    if ranges.noise:
        noise = torch.randn(glyphs.shape, generator=generator, device=glyphs.device)
        glyphs = glyphs + noise * draw.uniform(ranges.noise).abs()
    if ranges.occlusion:
        glyphs = glyphs * _occlusion(glyphs, ranges.occlusion, draw)
    return glyphs.clamp_(0, 1)


class _RandomDraws:
    """Random numbers, one per glyph, that broadcast over (n, 1, 28, 28)."""

    def __init__(self, n: int, generator: torch.Generator, device: torch.device) -> None:
        self.n, self.generator, self.device = n, generator, device

    def uniform(self, reach: float) -> Tensor:
        """Uniform in [-reach, reach], (n, 1, 1, 1)."""
        drawn = torch.rand(self.n, 1, 1, 1, generator=self.generator, device=self.device)
        return (2 * drawn - 1) * reach


def _grid(glyphs: Tensor, ranges: AugmentationSection, draw: _RandomDraws) -> Tensor:
    """Source positions of the target pixels, (n, h, w, 2), in -1..1."""
    height, width = glyphs.shape[2:]
    flat = height / width  # vertical units per horizontal unit
    angle = draw.uniform(math.radians(ranges.rotate)).flatten()
    # a target larger by s is sampled in steps smaller by s
    size = 1 / (1 + draw.uniform(ranges.scale).flatten())
    aspect = 1 + draw.uniform(ranges.aspect).flatten()
    shear = draw.uniform(ranges.shear).flatten()
    cos, sin = angle.cos() * size, angle.sin() * size
    shift_x, shift_y = draw.uniform(2 * ranges.shift).flatten(), draw.uniform(2 * ranges.shift).flatten()
    rows = [
        torch.stack([cos / aspect, (shear * cos - sin) * aspect * flat, shift_x * flat], 1),
        torch.stack([sin / aspect / flat, (shear * sin + cos) * aspect, shift_y], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), list(glyphs.shape), align_corners=False)
    if ranges.elastic:
        shape = len(glyphs), 2, _ELASTIC_GRID_SIDE, round(_ELASTIC_GRID_SIDE / flat)
        knots = torch.randn(shape, generator=draw.generator, device=glyphs.device)
        field = F.interpolate(knots, size=(height, width), mode="bicubic", align_corners=True)
        share = 2 * ranges.elastic / torch.tensor([width, height], device=glyphs.device)
        grid = grid + field.permute(0, 2, 3, 1) * share
    return grid


def _occlusion(glyphs: Tensor, longest: float, draw: _RandomDraws) -> Tensor:
    """A mask (n, 1, 28, 28) that is zero in one square per glyph."""
    axis = torch.arange(glyphs.shape[3], device=glyphs.device) + 0.5
    half = draw.uniform(longest / 2).abs()
    middle = glyphs.shape[3] / 2
    x, y = draw.uniform(middle) + middle, draw.uniform(middle) + middle
    inside = ((axis - x).abs() < half) & ((axis[:, None] - y).abs() < half)
    return (~inside).to(glyphs.dtype)
