"""What a training run consists of: a recipe is a short diff from defaults."""

from __future__ import annotations

import math
import typing
from dataclasses import asdict, dataclass, fields, replace
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

from inkwise._util.errors import InkwiseError
from inkwise._util.text import did_you_mean

_FRACTION_KEYS = (
    "validation",
    "dropout",
    "averaging",
    "label_smoothing",
    "warmup",
    "scale",
    "aspect",
    "taught",
)

OptimizerName = Literal["adamw", "adam", "rmsprop", "adadelta", "ftrl", "muon"]


@dataclass(frozen=True)
class Recipe:
    """Every choice of a training run; subclasses override what differs.

    Lengths are glyph pixels unless said otherwise; a range of r means uniform in [-r, r].
    """

    name: ClassVar[str] = ""

    # data
    data: tuple[str, ...] = ("mnist-train",)
    """Data sets to train on: names or paths."""
    variants: int = 1
    """How often each stroke sample is drawn, each time by another hand and pen, some photographed."""
    styles: float = 0.0
    """Share of the drawn 0, 1, 4 and 7 that get a slash, bar, dot, base, nose or roof."""
    rescans: int = 0
    """How often each picture is read again as another picture, scanned or photographed."""
    others: tuple[str, ...] = ()
    """Data sets of what is no digit, such as letters: the net learns to answer none of them."""
    invented: int = 0
    """How many more such glyphs are made: scribbles, print, digits run together or cut off."""
    strips: int = 0
    """How many numbers are composed of single digits, to learn to read lines; 0 learns single glyphs."""
    validation: float = 1 / 12
    """Share split off the training data to choose by, stratified; stroke files split by writer instead."""
    test: tuple[str, ...] = ("mnist-test",)
    """Data sets that are read once, at the end."""

    # net
    net: str = "compact"
    channels: tuple[int, ...] = (24, 32, 64)
    dropout: float = 0.0
    standardise: bool = False
    """Take MNIST's mean off the pixels and divide by its standard deviation, inside the net."""
    init: str = ""
    """Model to start from, its net and weights: an .onnx file, a run folder or "default"; "" for none."""

    teachers: tuple[str, ...] = ()
    """Models to learn from as well, from the mean of what they say: .onnx files, run folders, "default"."""
    taught: float = 0.7
    """Share of the loss that is the distance to what the teachers say."""

    # optimisation
    epochs: int = 24
    batch: int = 256
    optimizer: OptimizerName = "adamw"
    loss: Literal["cross-entropy", "mae", "mse"] = "cross-entropy"
    """mae, mse: of the probabilities against 1 for the right class and 0 for the others."""
    lr: float = 8e-3
    layer_decay: float = 1.0
    """What the rate is multiplied by for each layer further from the head; 0 trains the head alone."""
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    schedule: Literal["one-cycle", "step", "plateau", "constant"] = "one-cycle"
    warmup: float = 0.3
    """one-cycle: share of the steps in which the rate rises."""
    step_epochs: int = 10
    """step: epochs after which the rate is multiplied by `factor`."""
    factor: float = 0.5
    """step, plateau: what the rate is multiplied by."""
    patience: int = 3
    """plateau: epochs without a better validation loss before the rate falls."""
    early_stopping: int = 0
    """Epochs without a better validation loss before training stops; 0 never stops early."""
    averaging: float = 0.04
    """Share of all steps that the weights' moving average reaches back; 0 keeps the weights themselves."""

    # augmentation, one draw a sample
    rotate: float = 15.0
    """Degrees."""
    scale: float = 0.12
    """Share of the size."""
    aspect: float = 0.0
    """Share by which width grows and height shrinks, or the other way round."""
    shear: float = 0.2
    """Pixels sideways per pixel down."""
    shift: float = 0.1
    """Share of the glyph's side."""
    elastic: float = 0.0
    """Standard deviation of a smooth displacement field, pixels."""
    stroke: float = 0.0
    """Pixels by which strokes are thickened or thinned, on each side."""
    brightness: float = 0.0
    """Share of full white added or taken away."""
    contrast: float = 0.0
    """Share of the contrast added or taken away."""
    noise: float = 0.0
    """Largest standard deviation of Gaussian noise, share of full white."""
    occlusion: float = 0.0
    """Longest side of one square set to black, pixels."""

    # run
    seed: int = 0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """bfloat16 computes convolutions in 16 bits; auto does where the device has the instructions for it."""

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InkwiseError: a value is of the wrong type or out of its range.
        """
        hints = typing.get_type_hints(type(self))
        for key in self._keys():
            if not _has_type(hints[key], getattr(self, key)):
                raise _wrong_type(hints[key], key, getattr(self, key))
            if hints[key] is float and not math.isfinite(getattr(self, key)):
                raise InkwiseError(f"recipe key {key} must be finite, not {getattr(self, key)}")
        for key in ("epochs", "batch", "variants", "step_epochs", "patience"):
            if getattr(self, key) < 1:
                raise InkwiseError(f"recipe key {key} must be at least 1, not {getattr(self, key)}")
        for key in ("rescans", "invented", "strips", "early_stopping", "weight_decay", "seed"):
            if getattr(self, key) < 0:
                raise InkwiseError(f"recipe key {key} must not be below 0: {getattr(self, key)}")
        for key in _FRACTION_KEYS:
            if not 0 <= getattr(self, key) < 1:
                raise InkwiseError(f"recipe key {key} must be in [0, 1), not {getattr(self, key)}")
        if not 0 <= self.layer_decay <= 1:
            raise InkwiseError(f"recipe key layer_decay must be in [0, 1], not {self.layer_decay}")
        if self.validation == 0:
            raise InkwiseError("recipe key validation must be above 0: without it nothing can be chosen")
        if self.lr <= 0:
            raise InkwiseError(f"recipe key lr must be above 0, not {self.lr}")
        if not self.data:
            raise InkwiseError("recipe key data must name at least one data set")

    def set(self, /, **changes: Any) -> Self:
        """A copy with some keys changed.

        Raises:
            InkwiseError: a key is unknown (the message names the nearest), or a value is of the wrong type or
                out of its range.
        """
        for key, value in changes.items():
            if key not in self._keys():
                raise self._unknown(key)
            changes[key] = tuple(value) if isinstance(value, list) else value
        return replace(self, **changes)

    def set_text(self, assignments: list[str]) -> Self:
        """A copy with keys changed by texts such as "epochs=3" or "data=mnist-train,mine.csv".

        Raises:
            InkwiseError: not key=value, an unknown key, or a value of the wrong type.
        """
        hints = typing.get_type_hints(type(self))
        known = self._keys()
        changes = {}
        for assignment in assignments:
            key, equals, text = assignment.partition("=")
            if not equals:
                raise InkwiseError(f"--set {assignment!r}: write key=value")
            if key not in known:
                raise self._unknown(key)
            changes[key] = _parse(hints[key], key, text)
        return self.set(**changes)

    def _keys(self) -> list[str]:
        return [field.name for field in fields(self)]

    def _unknown(self, key: str) -> InkwiseError:
        return InkwiseError(f"recipe {self.name} has no key {key!r}{did_you_mean(key, self._keys())}")

    def to_dict(self) -> dict[str, Any]:
        """All keys with their values, and the recipe's name first."""
        return {"recipe": self.name, **asdict(self)}


def _parse(kind: Any, key: str, text: str) -> Any:
    """A value of a recipe key from its text."""
    try:
        if typing.get_origin(kind) is Literal:
            return text
        if typing.get_origin(kind) is tuple:
            item = typing.get_args(kind)[0]
            return tuple(item(part) for part in text.split(",") if part)
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        return kind(text)
    except (ValueError, KeyError):
        raise _wrong_type(kind, key, text) from None


def _has_type(kind: Any, value: object) -> bool:
    """Whether a value is of a kind: a type, a Literal or tuple[type, ...]."""
    if typing.get_origin(kind) is Literal:
        return value in typing.get_args(kind)
    if typing.get_origin(kind) is tuple:
        return isinstance(value, tuple) and all(_has_type(typing.get_args(kind)[0], item) for item in value)
    numbers = {int: Integral, float: Real}
    return isinstance(value, numbers.get(kind, kind)) and (kind is bool or not isinstance(value, bool))


def _wrong_type(kind: Any, key: str, value: object) -> InkwiseError:
    names = {Literal: "one of {}", tuple: "list of {}"}
    inner = ", ".join(getattr(item, "__name__", item) for item in typing.get_args(kind) if item is not ...)
    name = names[typing.get_origin(kind)].format(inner) if inner else kind.__name__
    return InkwiseError(f"recipe key {key} takes {name}, not {value!r}")
