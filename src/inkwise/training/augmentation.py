"""Augmentation of a whole batch at once: affine and elastic in one resampling, then pen and camera."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from inkwise.training.config import Recipe

_ELASTIC_GRID_SIDE = 6  # points a side of the elastic field before it is smoothed up to the glyph


def augment(glyphs: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Draw one change for each glyph.

    Affine and elastic displacement (Simard, Steinkraus & Platt, ICDAR 2003) are composed into one sampling
    grid, so that a glyph is resampled once and not blurred twice.

    Args:
        glyphs: (n, 1, 28, 28) float in 0..1, or strips of another size.
        recipe: the ranges; shares of the side are shares of the height.
        generator: of the glyphs' device.

    Returns:
        As `glyphs`.
    """
    draw = _RandomDraws(len(glyphs), generator, glyphs.device)
    if any(getattr(recipe, key) for key in ("rotate", "scale", "aspect", "shear", "shift", "elastic")):
        glyphs = F.grid_sample(glyphs, _grid(glyphs, recipe, draw), align_corners=False)
    if recipe.stroke:
        glyphs = _change_stroke(glyphs, draw.uniform(recipe.stroke))
    if recipe.brightness or recipe.contrast:
        glyphs = glyphs * (1 + draw.uniform(recipe.contrast)) + draw.uniform(recipe.brightness)
    if recipe.noise:
        noise = torch.randn(glyphs.shape, generator=generator, device=glyphs.device)
        glyphs = glyphs + noise * draw.uniform(recipe.noise).abs()
    if recipe.occlusion:
        glyphs = glyphs * _occlusion(glyphs, recipe.occlusion, draw)
    return glyphs.clamp_(0, 1)


class _RandomDraws:
    """Random numbers, one a glyph, shaped to broadcast over (n, 1, 28, 28)."""

    def __init__(self, n: int, generator: torch.Generator, device: torch.device) -> None:
        self.n, self.generator, self.device = n, generator, device

    def uniform(self, reach: float) -> Tensor:
        """Uniform in [-reach, reach], (n, 1, 1, 1)."""
        drawn = torch.rand(self.n, 1, 1, 1, generator=self.generator, device=self.device)
        return (2 * drawn - 1) * reach

    def normal(self, *shape: int) -> Tensor:
        """Standard normal, (n, *shape)."""
        return torch.randn(self.n, *shape, generator=self.generator, device=self.device)


def _grid(glyphs: Tensor, recipe: Recipe, draw: _RandomDraws) -> Tensor:
    """Where each target pixel is taken from, (n, h, w, 2), in -1..1."""
    height, width = glyphs.shape[2:]
    flat = height / width  # one across is as much as so many down
    angle = draw.uniform(math.radians(recipe.rotate)).flatten()
    # A target that is larger by s is sampled in steps smaller by s.
    size = 1 / (1 + draw.uniform(recipe.scale).flatten())
    aspect = 1 + draw.uniform(recipe.aspect).flatten()
    shear = draw.uniform(recipe.shear).flatten()
    cos, sin = angle.cos() * size, angle.sin() * size
    shift_x, shift_y = draw.uniform(2 * recipe.shift).flatten(), draw.uniform(2 * recipe.shift).flatten()
    rows = [
        torch.stack([cos / aspect, (shear * cos - sin) * aspect * flat, shift_x * flat], 1),
        torch.stack([sin / aspect / flat, (shear * sin + cos) * aspect, shift_y], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), list(glyphs.shape), align_corners=False)
    if recipe.elastic:
        knots = draw.normal(2, _ELASTIC_GRID_SIDE, round(_ELASTIC_GRID_SIDE / flat))
        field = F.interpolate(knots, size=(height, width), mode="bicubic", align_corners=True)
        share = 2 * recipe.elastic / torch.tensor([width, height], device=glyphs.device)
        grid = grid + field.permute(0, 2, 3, 1) * share
    return grid


def _change_stroke(glyphs: Tensor, pixels: Tensor) -> Tensor:
    """Grow ink by `pixels` on each side, shrink it where negative: a blend with a 3x3 maximum or minimum."""
    wider = F.max_pool2d(glyphs, 3, 1, 1)
    thinner = -F.max_pool2d(-glyphs, 3, 1, 1)
    return torch.where(pixels > 0, torch.lerp(glyphs, wider, pixels), torch.lerp(glyphs, thinner, -pixels))


def _occlusion(glyphs: Tensor, longest: float, draw: _RandomDraws) -> Tensor:
    """A mask that is zero in one square a glyph, (n, 1, 28, 28)."""
    axis = torch.arange(glyphs.shape[3], device=glyphs.device) + 0.5
    half = draw.uniform(longest / 2).abs()
    middle = glyphs.shape[3] / 2
    x, y = draw.uniform(middle) + middle, draw.uniform(middle) + middle
    inside = ((axis - x).abs() < half) & ((axis[:, None] - y).abs() < half)
    return (~inside).to(glyphs.dtype)
