"""The documents' claims: an experiment per training, with the figures reported for it."""

from dataclasses import dataclass
from typing import Any

from inkwise._util.errors import InkwiseError
from inkwise._util.text import did_you_mean
from inkwise.training import Recipe, load_recipe


@dataclass(frozen=True)
class Claim:
    """A figure of a document, and the figure of ours to compare it with.

    Attributes:
        description: name of the figure in the table.
        value: as reported, rates in percent; None if the document only names the experiment.
        figure: name of a set, or of a figure in `RunResult`.
        note: reason for a difference, or another remark.
    """

    description: str
    value: float | None
    figure: str
    note: str = ""


@dataclass(frozen=True)
class Experiment:
    """One training of a document, repeated over seeds.

    Attributes:
        name: also the name of the run folders, followed by the seed.
        document: its number; 0 for our own.
        seeds: their number, from 0.
        corrections: number of saved corrections to train on together with MNIST.
        floor: accuracy that one epoch must reach on MNIST test, a fraction; 0 if one epoch shows nothing.
    """

    name: str
    document: int
    recipe: Recipe
    claims: tuple[Claim, ...] = ()
    seeds: int = 3
    corrections: int = 0
    floor: float = 0.0


_NOTE_ONE_WRITER = "One writer at one window there, 500 trials (± 4 points); many writers here."
_NOTE_NO_DIFFERENCE = "The sizes of the second layer differ by no more than the seeds."
_NOTE_LONGER = "No lower than after 200 epochs."
_NOTE_RISES = "Rises with the corrections as there, but less: they come from 135 writers, not from one."
_NOTE_LOWER = "Lower than without dropout, according to the document."
_NOTE_EIGHT_EPOCHS = "8 epochs of 200, still rising: at 1e-3, Keras' default, Adadelta hardly moves."
_NOTE_SMALL_GRADIENT = (
    "8 epochs of 200; the gradient of this loss on a softmax starts small, and the rate is low."
)


def _document(number: int, name: str, *claims: Claim, **options: Any) -> Experiment:
    return Experiment(name, number, load_recipe(name), claims, **options)


def _mlp(name: str, claim: float | None, note: str, corrections: int = 0, **changes: object) -> Experiment:
    recipe = load_recipe("mlp-50").set(**changes)
    claims = (Claim("canvas", claim, "canvas", note),)
    return Experiment(f"mlp-50-{name}", 5, recipe, claims, corrections=corrections)


def _cnn(name: str, claim: float | None, note: str, floor: float = 0.0, **changes: object) -> Experiment:
    recipe = load_recipe("cnn-adadelta").set(optimization={"epochs": 8}).set(**changes)
    claims = (Claim("canvas", claim, "canvas", note),)
    return Experiment(f"cnn-adadelta-{name}", 5, recipe, claims, seeds=1, floor=floor)


EXPERIMENTS: tuple[Experiment, ...] = (
    _document(0, "default", seeds=1, floor=0.97),
    _document(
        1,
        "lenet-dropout",
        Claim("parameters", 72_968, "parameters"),
        Claim("test", 99.32, "mnist-test", "It also states 1 - 0.9932 = 0.97 % error; it is 0.68 %."),
        Claim("train", 98.67, "train", "Mean of an epoch with dropout and rotation."),
        Claim("loss", 0.0475, "loss", "The document does not name the set."),
        Claim("train, epoch 2", 95.64, "train 2", "The range of the rotation is ours."),
        Claim("test, epoch 2", 98.20, "validation 2", "Ours on validation: the test set is read once."),
        floor=0.93,
    ),
    _document(
        2,
        "cnn-batchnorm",
        Claim("best validation", 99.49, "validation", "The sizes of the layers are ours."),
        Claim("last epoch", 23, "epochs", "Stopped early, as in the document."),
        Claim("train, epoch 1", 94.95, "train 1", "The ranges of rotation, zoom and shift are ours."),
        Claim(
            "validation, epoch 1",
            35.67,
            "validation 1",
            "Keras' batch-norm averages over some 100 steps, ours over 10: theirs lags behind at first.",
        ),
        floor=0.95,
    ),
    _document(
        3,
        "cnn-small",
        Claim("train", 98.9, "mnist-train", "Without dropout, validation digits included."),
        floor=0.93,
    ),
    _document(
        4,
        "lenet-robust",
        Claim("test", 99.21, "mnist-test"),
        Claim("modified test", 27.76, "mnist-modified", "The strength of the set was fixed to reach this."),
        floor=0.95,
    ),
    _document(
        4,
        "lenet-robust-augmented",
        Claim("modified test", 93.7, "mnist-modified", "93.47 to 93.7 in the document."),
        floor=0.7,
    ),
    _document(
        5,
        "mlp-50",
        Claim("test", 97.5, "mnist-test"),
        Claim("canvas", 69.4, "canvas", _NOTE_ONE_WRITER),
        floor=0.88,
    ),
    _mlp("second-25", 59.0, _NOTE_NO_DIFFERENCE, model={"neurons2": 25}),
    _mlp("second-75", 57.0, _NOTE_NO_DIFFERENCE, model={"neurons2": 75}),
    _mlp("dropout-0.2", None, _NOTE_LOWER, model={"dropout": 0.2}),
    _mlp("dropout-0.5", None, _NOTE_LOWER, model={"dropout": 0.5}),
    _mlp("dropout-0.8", None, _NOTE_LOWER, model={"dropout": 0.8}),
    _mlp("400-epochs", 58.8, _NOTE_LONGER, optimization={"epochs": 400}),
    _mlp("corrections-200", 83.6, _NOTE_RISES, 200, optimization={"epochs": 60}),
    _mlp("corrections-400", 92.4, _NOTE_RISES, 400, optimization={"epochs": 60}),
    _mlp("corrections-600", 92.4, _NOTE_RISES, 600, optimization={"epochs": 60}),
    _mlp("corrections-800", 96.6, _NOTE_RISES, 800, optimization={"epochs": 60}),
    _mlp("corrections-1000", 93.4, _NOTE_RISES, 1000, optimization={"epochs": 60}),
    _cnn("cross-entropy", 55.0, _NOTE_EIGHT_EPOCHS),
    _cnn("mae", 58.5, _NOTE_SMALL_GRADIENT, optimization={"loss": "mae"}),
    _cnn("mse", 62.0, _NOTE_SMALL_GRADIENT, optimization={"loss": "mse"}),
    _cnn("adam", 83.0, _NOTE_ONE_WRITER, optimization={"optimizer": "adam"}, floor=0.95),
    _cnn(
        "ftrl",
        10.0,
        "Ftrl's state starts at zero and discards the initial weights.",
        optimization={"optimizer": "ftrl"},
    ),
    _cnn("rate-1", None, "Adadelta at its authors' rate of 1: the cost of 1e-3.", optimization={"lr": 1.0}),
)


def select_experiments(names: list[str]) -> list[Experiment]:
    """Select experiments by name, all of a recipe by the recipe's name, or all of them by "all".

    Raises:
        InkwiseError: a name is unknown; the message suggests others.
    """
    chosen = set()
    for name in names:
        found = [row.name for row in EXPERIMENTS if name in (row.name, "all")]
        found = found or [row.name for row in EXPERIMENTS if row.recipe.name == name]
        if not found:
            known = dict.fromkeys(
                [row.name for row in EXPERIMENTS] + [row.recipe.name for row in EXPERIMENTS]
            )
            raise InkwiseError(f"no experiment {name!r}{did_you_mean(name, [*known, 'all'])}")
        chosen |= {*found}
    return [row for row in EXPERIMENTS if row.name in chosen]
