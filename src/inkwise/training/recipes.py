"""Named recipes. The string below each begins with its latest result."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from inkwise._util.errors import DataError, InkwiseError
from inkwise._util.inputs import MEGABYTE, read_input
from inkwise._util.text import did_you_mean, parse_json
from inkwise.training.config import Recipe, Section

RECIPES: dict[str, Recipe] = {}
"""Recipes by name; see `define_recipe` and `load_plugins`."""

_PLUGINS = ("inkwise.reproduction.document_systems",)  # modules that register recipes, networks, optimizers


def define_recipe(base: Recipe, name: str, **changes: Any) -> Recipe:
    """Make a base with changes, as of `Recipe.set`, available by a name."""
    RECIPES[name] = replace(base, name=name).set(**changes)
    return RECIPES[name]


@cache
def load_plugins() -> None:
    """Import the modules that register further recipes, networks and optimizers."""
    for module in _PLUGINS:
        importlib.import_module(module)


DEFAULT = define_recipe(Recipe(), "default")
"""33 ± 5 misses of 10,000 on MNIST test (3 seeds: 35, 37, 27; 230 seconds on two cores).

MNIST alone.
"""

HANDS = define_recipe(
    DEFAULT,
    "hands",
    data={"stroke_redraws": 10, "allographs": 0.25, "scan_augmentation": 1, "synthetic_negatives": 12_000},
    augmentation={
        "rotate": 12.0,
        "shear": 0.15,
        "shift": 0.07,
        "aspect": 0.1,
        "elastic": 0.5,
        "stroke_width_jitter": 0.4,
    },
    model={"channels": (32, 32, 96), "dropout": 0.2},
    optimization={"label_smoothing": 0.05, "epochs": 28},
)
"""53 misses of 6,933 digits, and 206 of 2,489 non-digits accepted, on validation (seed 1, 43 minutes).

MNIST, pen strokes (UNIPEN) and non-digits. Strokes and letters are given as data sets:
`--set data.train=mnist-train,unipen_digits.npz`,
`--set data.negatives=unipen_nondigits.npz,unipen_digit_strings.npz`.
"""

DISTILLED = define_recipe(
    HANDS, "distilled", optimization={"epochs": 10, "lr": 1.5e-3}, callbacks={"warmup": 0.1}
)
"""34 misses of 10,000 on MNIST test, 31 of 1,806 on UNIPEN's test writers: a teacher of `small`.

Continues a run of `hands` (`--init`) on newly synthesized glyphs, with several teachers
(`--set optimization.teachers=RUN,RUN`).
"""

TINY = define_recipe(
    HANDS, "tiny", model={"channels": (12, 16, 20), "dropout": 0.0}, optimization={"epochs": 32}
)
"""60 misses of 10,000 on MNIST test, 43 of 1,806 on UNIPEN's test writers, with 14,511 parameters.

Distilled from a run of `hands` (`--set optimization.teachers=RUN`).
"""

LARGE = define_recipe(
    HANDS,
    "large",
    data={"final": True},
    model={"net": "deep", "channels": (32, 64, 128, 128, 128)},
    optimization={"epochs": 12, "optimizer": "muon", "lr": 8.5e-3, "weight_decay": 0.02},
)
"""35 misses of 10,000 on MNIST test, 24 of 1,806 on UNIPEN's test writers, in the mean with `distilled`.

That mean is the bundled `max`. Trained on the writers of further sets: see `make weights`.
"""

SMALL = define_recipe(
    LARGE,
    "small",
    data={"synthetic_negatives": 36_000},
    model={"channels": (16, 32, 48, 64, 64), "dropout": 0.0},
    optimization={"lr": 0.01},
)
"""41 misses of 10,000 on MNIST test, 33 of 1,806 on UNIPEN's test writers: the bundled weights.

Distilled from runs of `large` and `distilled` (`--set optimization.teachers=RUN,RUN`), with MNIST twice among
the training data. The bundled weights saw 12,000 synthetic non-digits, each three times.
"""

LETTERS = define_recipe(
    HANDS,
    "letters",
    data={
        "train": (
            *("unipen_letters.npz", "unipen_digits.npz", "unipen_digits_more.npz"),
            *("pendigits.npz", "swiss_digits.npz", "mnist-train"),
        ),
        "final": True,
        "stroke_redraws": 1,
        "allographs": 0.0,
        "scan_augmentation": 0,
        "synthetic_negatives": 0,
    },
    model={"net": "deep", "channels": (32, 48, 80, 80, 112)},
    optimization={"epochs": 16, "lr": 6e-3},
)
"""3,963 misses of 16,856 digits and letters of UNIPEN's test writers, 1,824 with case and look-alikes as one.

Digits, letters and symbols; the glyphs are those of `inkwise.training.letters`.
"""

SPRINT_99 = define_recipe(
    DEFAULT,
    "sprint-99",
    data={"validation": 0.625},
    augmentation={"rotate": 0.0, "scale": 0.0, "shear": 0.0, "shift": 0.0},
    model={"net": "sprint", "channels": (32, 32, 48, 48), "standardize": True},
    optimization={"epochs": 1, "batch": 128, "optimizer": "muon", "lr": 0.03, "weight_decay": 0.02},
    callbacks={"warmup": 0.2, "averaging": 0.0},
)
"""95 ± 5 misses of 10,000 on MNIST test (10 seeds; 2.9 seconds on two cores).

Chosen on validation: 1,558 misses of 150,004 (4 seeds). For 99.0 %: three of eight digits, each seen once,
unaugmented. `examples/sprint.py` is the same in one file.
"""

SPRINT_993 = define_recipe(
    SPRINT_99,
    "sprint-993",
    data={"validation": 1 / 12},
    augmentation={"rotate": 3.0, "scale": 0.03, "shear": 0.045, "shift": 0.015},
    model={"channels": (32, 48, 64, 64)},
)
"""59 ± 5 misses of 10,000 on MNIST test (10 seeds; 9.6 seconds on two cores).

Chosen on validation: 149 misses of 20,004 (4 seeds). For 99.35 %: all digits, each seen once, slightly
augmented, and more channels.
"""

SPRINT_995 = define_recipe(
    SPRINT_993,
    "sprint-995",
    augmentation={"rotate": 10.0, "scale": 0.1, "shear": 0.15, "shift": 0.05},
    optimization={"epochs": 2, "batch": 192, "lr": 0.027},
)
"""47 ± 4 misses of 10,000 on MNIST test (10 seeds; 22 seconds on two cores).

Chosen on validation: 115 misses of 20,004 (4 seeds). For 99.5 %: all digits twice, augmented.
"""


@dataclass(frozen=True)
class OwnSamplesSection(Section):
    """Samples of one writer in fine-tuning."""

    section = "own_samples"

    glyph_count: int = 6_400
    """Number of glyphs rendered from the writer's samples, in all."""
    unaugmented_share: float = 0.1
    """Share of them that are rendered without augmentation."""
    own_share: float = 1 / 3
    """Share of them in the training set; the rest is replay."""


@dataclass(frozen=True)
class FineTuningRecipe(Recipe):
    """A recipe for `fine_tune`, with the section of the writer's own samples."""

    own_samples: OwnSamplesSection = OwnSamplesSection()


FINE_TUNING = FineTuningRecipe("learn").set(
    augmentation={
        "rotate": 8.0,
        "scale": 0.06,
        "shear": 0.1,
        "shift": 0.04,
        "elastic": 0.4,
        "stroke_width_jitter": 0.3,
    },
    optimization={"epochs": 1, "batch": 64, "lr": 2e-3, "layer_decay": 0.0, "weight_decay": 0.0},
    callbacks={"averaging": 0.0, "warmup": 0.1},
)
"""40 % fewer misses after 40 corrections of 34 UNIPEN writers, from MNIST alone (see docs/learning.md).

The recipe of `inkwise learn`; the architecture is that of the base model.
"""


def load_recipe(name: str) -> Recipe:
    """The recipe of a name, or of a .json file that holds `Recipe.to_dict`, alone or as "recipe".

    Raises:
        InkwiseError: the name is unknown, and the message names the nearest; or a key of the file is unknown,
            or its value of the wrong type.
        DataError: the file cannot be read, or holds no recipe.
    """
    if not name.endswith(".json"):
        return _named_recipe(name)
    content = read_input(Path(name), MEGABYTE)
    try:
        keys: Any = parse_json(content.decode("utf-8"))
    except ValueError:
        raise DataError(f"{name}: is not JSON") from None
    if isinstance(keys, dict) and isinstance(keys.get("recipe"), dict):  # the recipe.json of a run
        keys = keys["recipe"]
    if not isinstance(keys, dict) or not isinstance(keys.get("recipe"), str):
        raise DataError(
            f'{name}: holds no recipe, such as {{"recipe": "default", "optimization": {{"epochs": 3}}}}'
        )
    try:
        return _named_recipe(keys.pop("recipe")).set(**keys)
    except InkwiseError as error:
        raise InkwiseError(f"{name}: {error}") from None


def _named_recipe(name: str) -> Recipe:
    if name not in RECIPES:
        load_plugins()
    if name not in RECIPES:
        raise InkwiseError(f"no recipe {name!r}{did_you_mean(name, list(RECIPES))}")
    return RECIPES[name]
