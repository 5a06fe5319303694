"""Parsing of search spaces: "neurons2=25,50,75" and "lr=1e-4..1e-2" become Optuna distributions."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

from optuna import Trial
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from inkwise._util.errors import InkwiseError
from inkwise.training import Recipe

Value = bool | int | float | str
"""Value of a recipe key; a list is given as text, such as "8,16,32"."""

SearchSpace = dict[str, BaseDistribution]
"""Distribution of each varied recipe key."""

_RANGE = re.compile(r"([^,/]+)\.\.([^,/]+)")  # excludes lists and paths such as ../model.onnx
_MIN_LOG_RATIO = 10 * (1 - 1e-9)
"""Ratio of the ends, 10 up to rounding, from which a range of floats has a log scale."""
_MAX_COMBINATIONS = 10_000  # of a grid, all of which are enqueued at the start


def parse_space(recipe: Recipe, texts: list[str]) -> SearchSpace:
    """Parse the keys to vary.

    "key=a,b,c" lists choices; for a key that takes a list, "key=a,b;c,d". "key=low..high" is a range: of
    integers if the key takes them, else of floats, on a log scale if its ends differ by a factor of 10.

    Raises:
        InkwiseError: the text is not key=values, the key is unknown (the message names the nearest) or given
            twice, there are no values, the range is empty or not numeric, or a value is out of range.
    """
    space: SearchSpace = {}
    for text in texts:
        key, equals, values = text.partition("=")
        if not equals:
            raise InkwiseError(f"--space {text!r}: expected key=a,b,c or key=low..high")
        recipe.value(key)  # raises if the key is unknown
        if key in space:
            raise InkwiseError(f"--space names {key} twice")
        if not values:
            raise InkwiseError(f"--space {text!r}: no values")
        space[key] = _distribution(recipe, key, values)
    return space


def apply_values(recipe: Recipe, values: dict[str, Value]) -> Recipe:
    """Return the recipe with these values.

    Raises:
        InkwiseError: the values do not fit together.
    """
    return recipe.set_text([f"{key}={value}" for key, value in values.items()])


def grid_points(space: SearchSpace) -> Iterator[dict[str, Value]]:
    """Return all combinations, varying the last key fastest.

    Raises:
        InkwiseError: a key has a range of floats, or there are more than 10,000 combinations.
    """
    axes: list[Sequence[Value]] = []
    count = 1
    for key, distribution in space.items():
        if isinstance(distribution, CategoricalDistribution):
            axes.append(distribution.choices)  # type: ignore[arg-type]  # never None
            count *= len(distribution.choices)
        elif isinstance(distribution, IntDistribution):
            axes.append(range(distribution.low, distribution.high + 1))
            count *= distribution.high + 1 - distribution.low
        else:
            raise InkwiseError(f"a grid needs choices: write --space {key}=a,b,c")
    if count > _MAX_COMBINATIONS:
        raise InkwiseError(
            f"a grid of more than {_MAX_COMBINATIONS:,} combinations: take fewer values or another --sampler"
        )
    return (dict(zip(space, values, strict=True)) for values in itertools.product(*axes))


def suggest_values(trial: Trial, space: SearchSpace) -> dict[str, Value]:
    """Return the trial's values, sampled now or by an earlier attempt."""
    values: dict[str, Value] = {}
    for key, distribution in space.items():
        if isinstance(distribution, IntDistribution):
            values[key] = trial.suggest_int(key, distribution.low, distribution.high)
        elif isinstance(distribution, FloatDistribution):
            log = distribution.log
            values[key] = trial.suggest_float(key, distribution.low, distribution.high, log=log)
        elif isinstance(distribution, CategoricalDistribution):
            values[key] = trial.suggest_categorical(key, distribution.choices)  # type: ignore[assignment]
    return values


def _distribution(recipe: Recipe, key: str, text: str) -> BaseDistribution:
    if isinstance(recipe.value(key), tuple):
        choices = dict.fromkeys(part.strip() for part in text.split(";"))
        for choice in choices:
            _parse(recipe, key, choice)
        return CategoricalDistribution([*choices])
    ends = _RANGE.fullmatch(text)
    if ends is None:
        return CategoricalDistribution(
            [*dict.fromkeys(_parse(recipe, key, part) for part in text.split(","))]
        )
    low, high = (_parse(recipe, key, end) for end in ends.groups())
    if isinstance(low, (bool, str)) or isinstance(high, (bool, str)):
        raise InkwiseError(f"--space {key}={text}: {key} is not a number; write choices, {key}=a,b,c")
    if not low < high:  # also rejects NaN
        raise InkwiseError(f"--space {key}={text}: an empty range")
    if isinstance(low, int) and isinstance(high, int):
        return IntDistribution(low, high)
    return FloatDistribution(low, high, log=low > 0 and high / low >= _MIN_LOG_RATIO)


def _parse(recipe: Recipe, key: str, text: str) -> Any:
    return recipe.set_text([f"{key}={text.strip()}"]).value(key)
