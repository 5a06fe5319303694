"""What is searched: texts such as "neurons2=25,50,75" and "lr=1e-4..1e-2" become Optuna's distributions."""

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
"""A value of a recipe key; that of a key that takes a list is its text, such as "8,16,32"."""

SearchSpace = dict[str, BaseDistribution]
"""What each varied key of a recipe may be."""

_RANGE = re.compile(r"([^,/]+)\.\.([^,/]+)")  # not a list, nor a path such as ../model.onnx
_MIN_LOG_RATIO = 10 * (1 - 1e-9)
"""A range whose ends differ by this factor, 10 but for rounding, is searched by orders of magnitude."""
_MAX_COMBINATIONS = 10_000  # combinations of a grid


def parse_space(recipe: Recipe, texts: list[str]) -> SearchSpace:
    """What may be varied of a recipe.

    "key=a,b,c" are choices, of a key that takes a list "key=a,b;c,d"; "key=low..high" is a range, of whole
    numbers where the key takes them, else on a log scale where its ends differ by a factor of 10.

    Raises:
        InkwiseError: not key=values, a key that the recipe lacks (the message names the nearest) or that is
            named twice, no values, an empty range or one of no numbers, a value out of its key's range.
    """
    space: SearchSpace = {}
    for text in texts:
        key, equals, values = text.partition("=")
        if not equals:
            raise InkwiseError(f"--space {text!r}: write key=a,b,c or key=low..high")
        recipe.value(key)  # raises the error of an unknown key
        if key in space:
            raise InkwiseError(f"--space names {key} twice")
        if not values:
            raise InkwiseError(f"--space {text!r}: no values")
        space[key] = _distribution(recipe, key, values)
    return space


def apply_values(recipe: Recipe, values: dict[str, Value]) -> Recipe:
    """The recipe with these values of its keys.

    Raises:
        InkwiseError: they do not go together.
    """
    return recipe.set_text([f"{key}={value}" for key, value in values.items()])


def grid_points(space: SearchSpace) -> Iterator[dict[str, Value]]:
    """All combinations, the last key fastest.

    Raises:
        InkwiseError: a key has a range of which there is no end of values, or there are more than
            10,000 combinations.
    """
    every: list[Sequence[Value]] = []
    count = 1
    for key, distribution in space.items():
        if isinstance(distribution, CategoricalDistribution):
            every.append(distribution.choices)  # type: ignore[arg-type]  # never None
            count *= len(distribution.choices)
        elif isinstance(distribution, IntDistribution):
            every.append(range(distribution.low, distribution.high + 1))
            count *= distribution.high + 1 - distribution.low
        else:
            raise InkwiseError(f"a grid needs choices: write --space {key}=a,b,c")
    if count > _MAX_COMBINATIONS:
        raise InkwiseError(
            f"a grid of more than {_MAX_COMBINATIONS:,} combinations: take fewer values or another --sampler"
        )
    return (dict(zip(space, values, strict=True)) for values in itertools.product(*every))


def suggest_values(trial: Trial, space: SearchSpace) -> dict[str, Value]:
    """The trial's values: drawn by the sampler now, or earlier."""
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
        raise InkwiseError(f"--space {key}={text}: {key} is no number: write choices, {key}=a,b,c")
    if not low < high:  # nor nan
        raise InkwiseError(f"--space {key}={text}: an empty range")
    if isinstance(low, int) and isinstance(high, int):
        return IntDistribution(low, high)
    return FloatDistribution(low, high, log=low > 0 and high / low >= _MIN_LOG_RATIO)


def _parse(recipe: Recipe, key: str, text: str) -> Any:
    return recipe.set_text([f"{key}={text.strip()}"]).value(key)
