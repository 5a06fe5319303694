"""What the documents claim: a row a training, with what was reported for it."""

from __future__ import annotations

from dataclasses import dataclass

from inkwise._util.errors import InkwiseError, did_you_mean
from inkwise.training import Recipe, load_recipe


@dataclass(frozen=True)
class Claim:
    """One figure of a document, and which of ours stands against it.

    Attributes:
        what: the figure's name in the table.
        value: as reported; shares in percent; None where the document only names the row.
        figure: ours: the name of a set, or of a figure in `runs.Measured`.
        note: why they differ, or what to know of it.
    """

    description: str
    value: float | None
    figure: str
    note: str = ""


@dataclass(frozen=True)
class Experiment:
    """One training of a document, repeated over seeds.

    Attributes:
        name: also of the run folders, with the seed behind it.
        document: its number; 0 for our own.
        recipe: what is trained.
        claims: what the document reports for it.
        seeds: how many, from 0 on.
        corrections: how many saved corrections are trained on beside MNIST.
        floor: what one epoch must reach on MNIST test, a share; 0 where one epoch tells nothing.
    """

    name: str
    document: int
    recipe: Recipe
    claims: tuple[Claim, ...] = ()
    seeds: int = 3
    corrections: int = 0
    floor: float = 0.0


_NOTE_ONE_WRITER = "The document's is one hand at one window, 500 trials (± 4 points); ours are many hands."
_NOTE_NO_DIFFERENCE = "No size of the second layer differs from another by more than the seeds do."
_NOTE_LONGER = "No lower than after 200 epochs."
_NOTE_RISES = "Rises with the corrections as there, less far: they come from 135 hands, not from one."
_NOTE_LOWER = "Lower than without dropout, says the document."
_NOTE_EIGHT_EPOCHS = "8 epochs of 200, still rising: at 1e-3, Keras' default, Adadelta hardly moves."
_NOTE_SMALL_GRADIENT = (
    "8 epochs of 200; the gradient of this loss on a softmax is small at first, the rate smaller."
)


def _mlp(
    name: str, claim: float | None, corrections: int = 0, note: str = "", **changes: object
) -> Experiment:
    chosen = load_recipe("mlp-50").set(**changes)
    return Experiment(f"mlp-50-{name}", 5, chosen, (Claim("canvas", claim, "canvas", note),), 3, corrections)


def _cnn(name: str, claim: float | None, note: str = "", floor: float = 0.0, **changes: object) -> Experiment:
    chosen = load_recipe("cnn-adadelta").set(optimization={"epochs": 8}).set(**changes)
    claims = (Claim("canvas", claim, "canvas", note),)
    return Experiment(f"cnn-adadelta-{name}", 5, chosen, claims, seeds=1, floor=floor)


EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment("default", 0, load_recipe("default"), seeds=1, floor=0.97),
    Experiment(
        "lenet-dropout",
        1,
        load_recipe("lenet-dropout"),
        (
            Claim("parameters", 72_968, "parameters"),
            Claim(
                "test",
                99.32,
                "mnist-test",
                "The document also writes 1 - 0.9932 = 0.97 % error; it is 0.68 %.",
            ),
            Claim("train", 98.67, "train", "Mean of an epoch under dropout and rotation."),
            Claim("loss", 0.0475, "loss", "The document does not say of which set."),
            Claim("train, epoch 2", 95.64, "train 2", "The range of the rotation is ours."),
            Claim("test, epoch 2", 98.20, "validation 2", "Ours on validation: the test set is read once."),
        ),
        floor=0.93,
    ),
    Experiment(
        "cnn-batchnorm",
        2,
        load_recipe("cnn-batchnorm"),
        (
            Claim("best validation", 99.49, "validation", "The sizes of the layers are ours."),
            Claim("last epoch", 23, "epochs", "Stopped early, as there."),
            Claim("train, epoch 1", 94.95, "train 1", "The ranges of rotation, zoom and shift are ours."),
            Claim(
                "validation, epoch 1",
                35.67,
                "validation 1",
                "Keras' batch-norm averages over some 100 steps, ours over 10: theirs lags behind at first.",
            ),
        ),
        floor=0.95,
    ),
    Experiment(
        "cnn-small",
        3,
        load_recipe("cnn-small"),
        (Claim("train", 98.9, "mnist-train", "Without dropout, validation digits included."),),
        floor=0.93,
    ),
    Experiment(
        "lenet-robust",
        4,
        load_recipe("lenet-robust"),
        (
            Claim("test", 99.21, "mnist-test"),
            Claim("modified test", 27.76, "mnist-modified", "Its strength was fixed to land here."),
        ),
        floor=0.95,
    ),
    Experiment(
        "lenet-robust-augmented",
        4,
        load_recipe("lenet-robust-augmented"),
        (Claim("modified test", 93.7, "mnist-modified", "93.47 to 93.7 in the document."),),
        floor=0.7,
    ),
    Experiment(
        "mlp-50",
        5,
        load_recipe("mlp-50"),
        (Claim("test", 97.5, "mnist-test"), Claim("canvas", 69.4, "canvas", _NOTE_ONE_WRITER)),
        floor=0.88,
    ),
    _mlp("second-25", 59.0, note=_NOTE_NO_DIFFERENCE, model={"neurons2": 25}),
    _mlp("second-75", 57.0, note=_NOTE_NO_DIFFERENCE, model={"neurons2": 75}),
    _mlp("dropout-0.2", None, note=_NOTE_LOWER, model={"dropout": 0.2}),
    _mlp("dropout-0.5", None, note=_NOTE_LOWER, model={"dropout": 0.5}),
    _mlp("dropout-0.8", None, note=_NOTE_LOWER, model={"dropout": 0.8}),
    _mlp("400-epochs", 58.8, note=_NOTE_LONGER, optimization={"epochs": 400}),
    _mlp("corrections-200", 83.6, 200, _NOTE_RISES, optimization={"epochs": 60}),
    _mlp("corrections-400", 92.4, 400, _NOTE_RISES, optimization={"epochs": 60}),
    _mlp("corrections-600", 92.4, 600, _NOTE_RISES, optimization={"epochs": 60}),
    _mlp("corrections-800", 96.6, 800, _NOTE_RISES, optimization={"epochs": 60}),
    _mlp("corrections-1000", 93.4, 1000, _NOTE_RISES, optimization={"epochs": 60}),
    _cnn("cross-entropy", 55.0, _NOTE_EIGHT_EPOCHS),
    _cnn("mae", 58.5, _NOTE_SMALL_GRADIENT, optimization={"loss": "mae"}),
    _cnn("mse", 62.0, _NOTE_SMALL_GRADIENT, optimization={"loss": "mse"}),
    _cnn("adam", 83.0, _NOTE_ONE_WRITER, optimization={"optimizer": "adam"}, floor=0.95),
    _cnn(
        "ftrl",
        10.0,
        "Ftrl's state begins at zero and takes the first weights away.",
        optimization={"optimizer": "ftrl"},
    ),
    _cnn("rate-1", None, "Adadelta at its authors' rate of 1: what 1e-3 costs.", optimization={"lr": 1.0}),
)


def select_experiments(names: list[str]) -> list[Experiment]:
    """The rows of these names, all rows of a recipe that no row is named after, or all of "all".

    Raises:
        InkwiseError: there is none of a name; the message names the nearest.
    """
    known = dict.fromkeys([row.name for row in EXPERIMENTS] + [row.recipe.name for row in EXPERIMENTS])
    chosen = set()
    for name in names:
        own = [row for row in EXPERIMENTS if name in (row.name, "all")] or [
            r for r in EXPERIMENTS if r.recipe.name == name
        ]
        if not own:
            raise InkwiseError(
                f"nothing to reproduce by the name {name!r}{did_you_mean(name, [*known, 'all'])}"
            )
        chosen |= {row.name for row in own}
    return [row for row in EXPERIMENTS if row.name in chosen]
