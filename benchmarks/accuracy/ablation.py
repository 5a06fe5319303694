"""Ablation of the recipe `small`: validation results without each component.

    python -m benchmarks ablation FOLDER [--out FILE.json] [--seeds N] [--ingredients NAME,NAME]
    python -m benchmarks model-card

FOLDER holds unipen_digits, unipen_digits_more, pendigits, swiss_digits, unipen_letters, unipen_nondigits,
unipen_digit_strings and unipen_digit_strings_more as .npz. The runs are small: 11,000 of MNIST's training
digits, two renderings of each stroke sample, four epochs. They are evaluated on 10,000 other training digits
of MNIST, on the digits of UNIPEN's validation writers, on photographs made of both, on the digits of the
validation writers of pendigits and swiss_digits, and on the letters and symbols of UNIPEN's; no test set or
test writer is read. The writers' figures are slightly too good, for all runs alike, because the best epoch is
also chosen by these digits.

Rescans, photographs and stroke augmentation are ablated by replacing them with the plain glyph or stroke, so
that the number of steps stays the same; without negatives or writers there are fewer. FILE is updated after
each run, and its runs are not repeated. The models of whole runs are kept in runs/ingredients, as teachers.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from rich.console import Console
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmarks.accuracy.card_tables import COMPONENTS, Figures, ablation_table
from benchmarks.accuracy.handwriting import negative_figures
from benchmarks.common.handwriting_sets import load_part, load_unipen
from benchmarks.common.reporting import ROOT, argument_parser
from inkwise import datasets
from inkwise._util.errors import DataError, InkwiseError
from inkwise._util.files import make_directory, write_bytes, write_text
from inkwise._util.system import describe_machine
from inkwise.datasets import Dataset
from inkwise.datasets.idx import idx_bytes
from inkwise.evaluation import evaluate_model
from inkwise.recognition import Model
from inkwise.training import Recipe, load_recipe, train
from inkwise.training.config import OptimizationSection
from inkwise.training.recipes import HANDS
from inkwise.training.synthesis.degradation import ink_coverage, photographed_glyph
from inkwise.training.training_data import load_split

TEACHERS = ROOT / "runs" / "ingredients"
TRAINING_DIGITS, HELD_OUT_DIGITS = 11_000, 10_000  # of MNIST's training digits
PHOTOGRAPHED_DIGITS = 2_000  # of those held out
EVALUATION_SEED = 1_000  # of what is measured on; training takes small ones
REDUCED = load_recipe("small").set(
    data={"final": False, "stroke_redraws": 2, "synthetic_negatives": 2_000}, optimization={"epochs": 4}
)
FURTHER = ("pendigits", "swiss_digits")
DIGITS = ("unipen_digits", "unipen_digits_more", *FURTHER)
NON_DIGITS = ("unipen_letters", "unipen_digit_strings", "unipen_digit_strings_more")

_STEP_KEYS = ("optimizer", "lr", "weight_decay")

ABLATIONS: dict[str, dict[str, Any]] = {
    "styles": {"data": {"allographs": 0.0}},
    "letters": {"data": {"negatives": ()}},
    "invented": {"data": {"synthetic_negatives": 0}},
    "others": {"data": {"negatives": (), "synthetic_negatives": 0}},
    "smoothing": {"optimization": {"label_smoothing": 0.0}},
    "averaging": {"callbacks": {"averaging": 0.0}},
    "elastic": {"augmentation": {"elastic": 0.0}},
    # The mean of a one-cycle is half of its highest rate.
    "schedule": {"callbacks": {"schedule": "constant"}, "optimization": {"lr": REDUCED.optimization.lr / 2}},
    "optimizer": {"optimization": {key: vars(HANDS.optimization)[key] for key in _STEP_KEYS}},
}
"""Components that are ablated by keys of the recipe."""


def _undegraded(cover: object, meant: object, rng: object) -> object:
    return meant


def _unchanged(ink: object, rng: object) -> object:
    return ink


def entropic_open_set_loss(logits: Tensor, classes: Tensor, keys: OptimizationSection) -> Tensor:
    """Mean loss without a class for non-digits, the last one: their target is the same for all digits.

    A. R. Dhamija, M. Günther and T. E. Boult, "Reducing network agnostophobia", NeurIPS 2018.
    """
    targets = F.one_hot(classes, logits.shape[1]).to(logits.dtype) * (1 - keys.label_smoothing)
    targets += keys.label_smoothing / (logits.shape[1] - 1)
    targets[classes == logits.shape[1] - 1] = 1 / (logits.shape[1] - 1)
    targets[:, -1] = 0
    return F.cross_entropy(logits, targets)


REPLACEMENTS: dict[str, dict[str, Callable[..., object]]] = {
    # also for printed negatives, which photographs alone would otherwise reveal
    "photographs": {
        "training_data.photographed_glyph": _undegraded,
        "synthesis.negatives.photographed_glyph": _undegraded,
    },
    "rescans": {"training_data.degrade_glyphs": _unchanged},
    "hands": {"training_data.augment_strokes": _unchanged},
    "class": {"glyph_task.classification_loss": entropic_open_set_loss},
}
"""Components that are ablated by replacing a function of `inkwise.training`."""

SYNTHESIS = {place for name in ("photographs", "rescans", "hands") for place in REPLACEMENTS[name]}
"""Those functions that synthesize glyphs."""


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "figures" / "ingredients.json")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--ingredients", default=",".join(COMPONENTS), help="(default: %(default)s)")
    arguments = parser.parse_args(argv)
    names = arguments.ingredients.split(",")
    unknown = [name for name in names if name not in COMPONENTS]
    if unknown:
        parser.error(f"no component {unknown[0]!r}; expected one of {', '.join(COMPONENTS)}")
    try:
        figures = measure(arguments.folder, arguments.out, arguments.seeds, names)
    except (InkwiseError, OSError, KeyError) as error:
        parser.error(str(error))
    print(f"{figures['machine']}.\n\n{ablation_table(figures)}")


def measure(folder: Path, file: Path, seeds: int, names: list[str]) -> Figures:
    """Make the runs missing in the file, seed by seed, and return all figures."""
    with tempfile.TemporaryDirectory() as temporary:
        setting = prepare(folder, Path(temporary))
        make_directory(TEACHERS)
        for seed in range(seeds):
            for name in names:
                if is_measured(name, seed, file, setting):
                    continue
                for other in teachers(seed) if name == "teachers" else []:
                    if not (is_measured("whole", other, file, setting) and teacher(other).exists()):
                        add(run("whole", other, setting), file, setting)
                add(run(name, seed, setting), file, setting)
        return read(file, setting)


@dataclass(frozen=True)
class AblationSetting:
    """The whole recipe with its data, and the evaluation sets."""

    folder: Path
    whole: Recipe
    sets: dict[str, Dataset]


def prepare(folder: Path, temporary: Path) -> AblationSetting:
    """Split MNIST's training digits and photograph some, reproducibly."""
    rng = np.random.default_rng(EVALUATION_SEED)
    mnist = datasets.load_dataset("mnist-train")
    order = rng.permutation(len(mnist))
    few = mnist.select(order[:TRAINING_DIGITS])
    # IDX, because images of an .npz file would be normalized again
    digits = temporary / "mnist"
    make_directory(digits)
    (digits / "images-idx3-ubyte").write_bytes(idx_bytes(few.glyphs))
    (digits / "labels-idx1-ubyte").write_bytes(idx_bytes(few.labels.astype(np.uint8)))
    held_out = mnist.select(order[TRAINING_DIGITS : TRAINING_DIGITS + HELD_OUT_DIGITS])
    drawn = load_unipen(folder / "unipen_digits.npz", "validation").to_dataset()
    inked = drawn.select(np.asarray(drawn.glyphs.any((1, 2))))
    glyphs = np.concatenate([held_out.glyphs[:PHOTOGRAPHED_DIGITS], inked.glyphs])
    labels = np.concatenate([held_out.labels[:PHOTOGRAPHED_DIGITS], inked.labels])
    pictures = np.stack([photographed_glyph(ink_coverage(glyph), glyph, rng) for glyph in glyphs])
    further = [load_part(folder / f"{name}.npz", "validation").to_dataset() for name in FURTHER]
    sets = {
        "mnist": held_out,
        "unipen": drawn,
        "photographed": Dataset("", pictures, labels),
        "further": Dataset(
            "", *(np.concatenate([getattr(one, key) for one in further]) for key in ("glyphs", "labels"))
        ),
    }
    whole = REDUCED.set(
        data={
            "train": (str(digits), *(str(folder / f"{name}.npz") for name in DIGITS)),
            "negatives": tuple(str(folder / f"{name}.npz") for name in NON_DIGITS),
        }
    )
    return AblationSetting(folder, whole, {name: replace(found, name=name) for name, found in sets.items()})


def run(name: str, seed: int, setting: AblationSetting) -> Figures:
    """Train without a component and evaluate."""
    start = time.perf_counter()
    whole = setting.whole.set(seed=seed)
    chosen = whole.set(**ABLATIONS.get(name, {}))
    if name == "writers":
        chosen = chosen.set(data={"train": chosen.data.train[:2]})
    if name == "teachers":
        chosen = chosen.set(optimization={"teachers": tuple(str(teacher(other)) for other in teachers(seed))})
    replaced = REPLACEMENTS.get(name, {})
    same_data = chosen.data == whole.data and not any(place in SYNTHESIS for place in replaced)
    split = load_whole_split(whole) if same_data else None
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        for place, stand_in in replaced.items():
            stack.enter_context(patch(f"inkwise.training.{place}", stand_in))
        content = train(chosen, Path(folder), split=split, console=Console(quiet=True)).read_bytes()
    seconds = time.perf_counter() - start
    if name == "whole":
        write_bytes(teacher(seed), content)
    model = Model(content)
    found = {result.name: result.evaluation for result in evaluate_model(model, setting.sets.values())}
    (rejection,) = negative_figures(model, setting.sets["unipen"], setting.folder, "validation")["rows"]
    row = {
        "ingredient": name,
        "seed": seed,
        "seconds": round(seconds, 1),
        **{key: evaluation.misses for key, evaluation in found.items()},
        "auroc": rejection["auroc"],
        "rejected_at_99": rejection["rejected_at_99"]["share"],
    }
    print(row, file=sys.stderr)
    return row


load_whole_split = lru_cache(maxsize=3)(load_split)
"""`load_split`, which synthesizes the same glyphs for all runs of a seed that do not change them."""


def teachers(seed: int) -> list[int]:
    """Return the other two seeds of each group of three."""
    return [seed - seed % 3 + (seed + step) % 3 for step in (1, 2)]


def teacher(seed: int) -> Path:
    return TEACHERS / f"{seed}.onnx"


def is_measured(name: str, seed: int, file: Path, setting: AblationSetting) -> bool:
    return (name, seed) in map(name_and_seed, read(file, setting)["runs"])


def name_and_seed(row: Figures) -> tuple[str, int]:
    return row["ingredient"], row["seed"]


def add(row: Figures, file: Path, setting: AblationSetting) -> None:
    """Add a run to the current content of the file, to which other processes may have added theirs."""
    figures = read(file, setting)
    kept = [old for old in figures["runs"] if name_and_seed(old) != name_and_seed(row)]
    text = json.dumps(figures | {"runs": [*kept, row]}, indent=1, ensure_ascii=False) + "\n"
    write_text(file, text)


def read(file: Path, setting: AblationSetting) -> Figures:
    """Return the figures of the file, or empty figures.

    Raises:
        DataError: the file holds runs of another recipe.
    """
    own = ("data.train", "data.negatives", "data.test", "seed")
    keys = {"recipe": setting.whole.name}
    keys |= {key: value for key, value in setting.whole.values().items() if key not in own}
    empty: Figures = {
        "machine": describe_machine(),
        "recipe": json.loads(json.dumps(keys)),
        "n": {name: len(found) for name, found in setting.sets.items()},
        "runs": [],
    }
    if not file.exists():
        return empty
    figures: Figures = json.loads(file.read_text())
    if figures["recipe"] != empty["recipe"] or figures["n"] != empty["n"]:
        raise DataError(f"{file}: holds runs of another recipe or other data; name another file")
    return figures
