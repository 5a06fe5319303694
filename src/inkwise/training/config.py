"""Recipes: every choice of a training run, in sections."""

from __future__ import annotations

import difflib
import math
import typing
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

from inkwise._util.errors import InkwiseError

OptimizerName = Literal["adamw", "adam", "rmsprop", "adadelta", "ftrl", "muon"]


def within(interval: str, default: Any) -> Any:
    """A dataclass field whose value must lie in an interval such as "[0, 1)"."""
    return field(default=default, metadata={"interval": interval})


def _check_values(owner: Section | Recipe, prefix: str) -> None:
    hints = typing.get_type_hints(type(owner))
    for key in fields(owner):
        value, kind, name = getattr(owner, key.name), hints[key.name], f"recipe key {prefix}{key.name}"
        if not _has_type(kind, value):
            raise _wrong_type(kind, f"{prefix}{key.name}", value)
        if kind is float and not math.isfinite(value):
            raise InkwiseError(f"{name} must be finite, not {value}")
        interval = key.metadata.get("interval")
        if interval and not _contains(interval, value):
            raise InkwiseError(f"{name} must be in {interval}, not {value}")


def _contains(interval: str, value: float) -> bool:
    low, high = map(float, interval[1:-1].split(","))
    above = value > low or (value == low and interval[0] == "[")
    return above and (value < high or (value == high and interval[-1] == "]"))


def _parse(kind: Any, key: str, text: str) -> Any:
    """The value of a key from its text."""
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


@dataclass(frozen=True)
class Section:
    """Keys of a recipe that belong together.

    Lengths are in glyph pixels unless stated otherwise; a range r means uniform in [-r, r].
    """

    section: ClassVar[str]

    def __post_init__(self) -> None:
        """Check types and intervals of the values.

        Raises:
            InkwiseError: a value is of the wrong type or out of its interval.
        """
        _check_values(self, f"{self.section}.")


@dataclass(frozen=True)
class DataSection(Section):
    """Data sets, and what is synthesized from them."""

    section = "data"

    train: tuple[str, ...] = ("mnist-train",)
    """Data sets to train on: names or paths."""
    test: tuple[str, ...] = ("mnist-test",)
    """Data sets that are read once, at the end."""
    validation: float = within("(0, 1)", 1 / 12)
    """Share split off the training data to choose by, stratified, or of the writers of MNIST."""
    mnist_writers: str = ""
    """File of MNIST's writers, `train_writer`, so that none is in training and validation; "" for none."""
    final: bool = False
    """Of sets of known writers, validate by the share `validation` of them and train on all others, but of
    UNIPEN the test third; else by the validation third, and the test third is left out."""
    stroke_redraws: int = within("[1, inf)", 1)
    """Mean number of renderings of each sample of a known writer, more if the writer has few, each with other
    augmentation and pen, some photographed."""
    allographs: float = 0.0
    """Share of the rendered 0, 1, 4 and 7 that get a slash, bar, dot, base, nose or roof."""
    scan_augmentation: int = within("[0, inf)", 0)
    """Number of rescanned or photographed copies of each image whose writer is unknown."""
    negatives: tuple[str, ...] = ()
    """Data sets of non-digits, such as letters, which the model learns to reject."""
    synthetic_negatives: int = within("[0, inf)", 0)
    """Number of synthetic non-digits: scribbles, print, touching or cropped digits."""

    def __post_init__(self) -> None:
        """Check the values; see `Section`."""
        super().__post_init__()
        if not self.train:
            raise InkwiseError("recipe key data.train must name at least one data set")


@dataclass(frozen=True)
class AugmentationSection(Section):
    """Random changes of each glyph in each epoch."""

    section = "augmentation"

    rotate: float = 15.0
    """Degrees."""
    scale: float = 0.12
    """Share of the size."""
    aspect: float = 0.0
    """Share by which width grows and height shrinks, or the reverse."""
    shear: float = 0.2
    """Horizontal pixels per vertical pixel."""
    shift: float = 0.1
    """Share of the glyph's side."""
    elastic: float = 0.0
    """Standard deviation of a smooth displacement field, pixels."""
    stroke_width_jitter: float = 0.0
    """Pixels by which strokes are dilated or eroded, on each side."""
    brightness: float = 0.0
    """Share of full white added or subtracted."""
    contrast: float = 0.0
    """Share of the contrast added or removed."""
    noise: float = 0.0
    """Maximum standard deviation of Gaussian noise, share of full white."""
    occlusion: float = 0.0
    """Maximum side of one square set to black, pixels."""


@dataclass(frozen=True)
class ModelSection(Section):
    """The network and its first weights."""

    section = "model"

    net: str = "compact"
    channels: tuple[int, ...] = (24, 32, 64)
    dropout: float = within("[0, 1)", 0.0)
    standardize: bool = False
    """Subtract MNIST's mean and divide by its standard deviation, inside the network."""
    init: str = ""
    """Model to start from, with its architecture: an .onnx file, a run folder or "default"; "" for none."""


@dataclass(frozen=True)
class OptimizationSection(Section):
    """Loss, optimizer and length of the training."""

    section = "optimization"

    epochs: int = within("[1, inf)", 24)
    batch: int = within("[1, inf)", 256)
    optimizer: OptimizerName = "adamw"
    lr: float = within("(0, inf)", 8e-3)
    layer_decay: float = within("[0, 1]", 1.0)
    """Factor of the learning rate per layer below the head; 0 trains the head alone."""
    weight_decay: float = within("[0, inf)", 0.05)
    loss: Literal["cross-entropy", "mae", "mse"] = "cross-entropy"
    """mae, mse: of the probabilities against 1 for the right class and 0 for the others."""
    label_smoothing: float = within("[0, 1)", 0.1)
    teachers: tuple[str, ...] = ()
    """Models to distill, as the mean of their probabilities: .onnx files, run folders, "default"."""
    distillation_weight: float = within("[0, 1)", 0.7)
    """Share of the loss that is the divergence from the teachers."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """auto computes convolutions in bfloat16 where the device has instructions for it."""


@dataclass(frozen=True)
class CallbacksSection(Section):
    """Learning-rate schedule, early stopping and weight averaging."""

    section = "callbacks"

    schedule: Literal["one-cycle", "step", "plateau", "constant"] = "one-cycle"
    warmup: float = within("[0, 1)", 0.3)
    """one-cycle: share of the steps in which the rate rises."""
    step_epochs: int = within("[1, inf)", 10)
    """step: epochs after which the rate is multiplied by `lr_factor`."""
    lr_factor: float = 0.5
    """step, plateau: factor of the learning rate."""
    patience: int = within("[1, inf)", 3)
    """plateau: epochs without a lower validation loss before the rate falls."""
    early_stopping: int = within("[0, inf)", 0)
    """Epochs without a lower validation loss before training stops; 0 never stops early."""
    averaging: float = within("[0, 1)", 0.04)
    """Span of the weights' moving average, as a share of all steps; 0 keeps the weights themselves."""


@dataclass(frozen=True)
class Recipe:
    """Every choice of a training run. Keys of sections are written `optimization.lr`."""

    name: str = ""
    seed: int = within("[0, inf)", 0)
    """Seed of split, first weights, order and augmentation."""
    data: DataSection = DataSection()
    augmentation: AugmentationSection = AugmentationSection()
    model: ModelSection = ModelSection()
    optimization: OptimizationSection = OptimizationSection()
    callbacks: CallbacksSection = CallbacksSection()

    def __post_init__(self) -> None:
        """Check the values; see `Section`."""
        _check_values(self, "")

    def set(self, /, **changes: Any) -> Self:
        """A copy with changed keys, for example `set(seed=1, optimization={"lr": 0.01})`.

        Raises:
            InkwiseError: a key is unknown (the message names the nearest), or a value is of the wrong type or
                out of its interval.
        """
        known = self.values()
        replaced = {}
        for name, value in changes.items():
            section = getattr(self, name, None)
            if not isinstance(section, Section):
                if name not in known:
                    raise self._unknown(name)
                replaced[name] = value
            elif isinstance(value, Mapping):
                for key in value:
                    if f"{name}.{key}" not in known:
                        raise self._unknown(f"{name}.{key}")
                lists = {key: tuple(item) if isinstance(item, list) else item for key, item in value.items()}
                replaced[name] = replace(section, **lists)
            else:
                raise InkwiseError(f"recipe section {name} takes keys and values, not {value!r}")
        return replace(self, **replaced)

    def set_text(self, assignments: list[str]) -> Self:
        """A copy with keys changed by texts such as "optimization.epochs=3" or "data.train=a.csv,b.npz".

        Raises:
            InkwiseError: not key=value, an unknown key, or a value of the wrong type.
        """
        changed = self
        for assignment in assignments:
            key, equals, text = assignment.partition("=")
            if not equals:
                raise InkwiseError(f"--set {assignment!r}: write key=value")
            self.value(key)  # raises the error of an unknown key
            section, _, name = key.rpartition(".")
            kind = typing.get_type_hints(type(getattr(self, section) if section else self))[name]
            value = _parse(kind, key, text)
            changed = changed.set(**({section: {name: value}} if section else {name: value}))
        return changed

    def values(self) -> dict[str, Any]:
        """All values by their keys, such as "optimization.lr"."""
        values: dict[str, Any] = {}
        for part in fields(self):
            value = getattr(self, part.name)
            if isinstance(value, Section):
                values |= {f"{part.name}.{key.name}": getattr(value, key.name) for key in fields(value)}
            elif part.name != "name":
                values[part.name] = value
        return values

    def value(self, key: str) -> Any:
        """The value of a key.

        Raises:
            InkwiseError: the key is unknown; the message names the nearest.
        """
        values = self.values()
        if key not in values:
            raise self._unknown(key)
        return values[key]

    def to_dict(self) -> dict[str, Any]:
        """The name as "recipe", then the sections with all keys."""
        sections = asdict(self)
        return {"recipe": sections.pop("name"), **sections}

    def _unknown(self, key: str) -> InkwiseError:
        full = {known.rpartition(".")[2]: known for known in self.values()}
        close = difflib.get_close_matches(key.rpartition(".")[2], full, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(full[name] for name in close)}?" if close else ""
        return InkwiseError(
            f"recipe {self.name} has no key {key!r}; {hint or 'there are: ' + ', '.join(full.values())}"
        )
