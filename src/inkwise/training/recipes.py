"""The recipes. Each opens with what it last produced."""

from __future__ import annotations

from dataclasses import dataclass

from inkwise.errors import InkwiseError
from inkwise.training.papers import PAPERS
from inkwise.training.recipe import Recipe, nearest


@dataclass(frozen=True)
class Default(Recipe):
    """33 ± 5 misses of 10,000 on MNIST test (3 seeds: 35, 37, 27; 230 seconds on two cores).

    MNIST alone.
    """

    name = "default"


@dataclass(frozen=True)
class Hands(Recipe):
    """33 misses of 10,000 on MNIST test, 28 of 1,806 on UNIPEN's test writers (seed 0, 37 minutes).

    MNIST and pen strokes (UNIPEN): the recipe of the bundled weights.

    Give it the strokes: `--set data=mnist-train,unipen_digits.npz`.
    """

    name = "hands"

    channels: tuple[int, ...] = (32, 32, 96)
    dropout: float = 0.2
    variants: int = 10
    styles: float = 0.25
    rescans: int = 1
    epochs: int = 36
    rotate: float = 12.0
    shear: float = 0.15
    shift: float = 0.07
    aspect: float = 0.1
    elastic: float = 0.5
    stroke: float = 0.4


@dataclass(frozen=True)
class Learn(Recipe):
    """40 % fewer misses after 40 answers of 34 UNIPEN writers, from MNIST alone (see docs/learning.md).

    What `inkwise learn` follows, from weights that another recipe made; net, channels and dropout are theirs.
    """

    name = "learn"

    epochs: int = 1
    batch: int = 64
    lr: float = 2e-3
    weight_decay: float = 0.0
    averaging: float = 0.0
    warmup: float = 0.1
    rotate: float = 8.0
    scale: float = 0.06
    shear: float = 0.1
    shift: float = 0.04
    elastic: float = 0.4
    stroke: float = 0.3

    glyphs: int = 6_400
    """How many glyphs of the person's samples are drawn to learn from, in all."""
    plain: float = 0.1
    """Share of them that are drawn as they are, before augmentation."""
    share: float = 1 / 3
    """Share of them in all that is learnt from; the rest is replay."""


_ALL: tuple[type[Recipe], ...] = (Default, Hands, *PAPERS)

RECIPES: dict[str, type[Recipe]] = {recipe.name: recipe for recipe in _ALL}


def recipe(name: str) -> Recipe:
    """The recipe of a name.

    Raises:
        InkwiseError: there is none; the message names the nearest.
    """
    if name not in RECIPES:
        raise InkwiseError(f"no recipe {name!r}{nearest(name, list(RECIPES))}")
    return RECIPES[name]()
