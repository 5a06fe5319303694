"""Accuracy, calibration and rejection on real handwriting, corrupted digits and non-digits.

    python -m benchmarks handwriting FOLDER [--model NAME|FILE] [--part test|validation] [--json FILE]
                                     [--misses PICTURE.png]

FOLDER holds own_hand, own_hand_more, european_pen_digits_jpeg, femnist_digits, crohme_digits, usps_train,
semeion, hwd1000, mnist_corrupted, omniglot_nondigits, crohme_nondigits, unipen_digits and unipen_nondigits
as .npz, in the layouts of docs/data.md. Of UNIPEN only the writers of one part are read: those of "test" were
used neither for training nor for model selection. "validation" is for choosing between models; it reads
neither the test writers nor the other files. Pictures and strokes are read with `expect="digit"`, arrays of
images become glyphs as in `inkwise evaluate`; a sample without ink is a miss and never accepted. All figures
except the speed are reproducible.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto
from PIL import Image, ImageDraw, ImageOps
from sklearn.metrics import roc_auc_score

from benchmarks.accuracy.card_tables import HEADINGS, tables
from benchmarks.accuracy.non_digits import KINDS, non_digit_images, non_digit_strokes
from benchmarks.common.handwriting_sets import (
    SEEDS,
    load_pictures,
    load_plain_symbols,
    load_strokes,
    load_unipen,
    read_glyphs,
    suspect_labels,
)
from benchmarks.common.reporting import argument_parser
from benchmarks.speed.throughput import throughput
from inkwise import Reading, Recognizer, datasets
from inkwise._util.errors import InkwiseError
from inkwise._util.intervals import wilson_interval
from inkwise._util.system import describe_machine
from inkwise.datasets import Dataset, StrokeSet
from inkwise.datasets.dataset import stack_glyphs
from inkwise.datasets.splits import SPLITS
from inkwise.evaluation import evaluate_model
from inkwise.evaluation.metrics import Evaluation, json_safe
from inkwise.preprocessing import strokes_to_glyph
from inkwise.recognition import Model
from inkwise.recognition.model import model_source
from inkwise.training.synthesis import allographs as styles
from inkwise.training.synthesis.negatives import LOOK_ALIKES

PEN_WIDTHS = {"thin pen": 1.5, "thick pen": 4.5}  # glyph pixels; the default is 2.6
NON_DIGITS_PER_KIND = 100
FILES = "usps_train", "semeion", "hwd1000", "femnist_digits"
PICTURES = {"own_hand": None, "own_hand_more": None, "european_pen_digits_jpeg": 2500}  # count, None is all
CROHME_DIGITS = 3000  # the first of its file
RESAMPLES = 1000
TOP_COVERAGE = 0.95
MISSES_PER_ROW = 12
Figures = dict[str, Any]


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="default", help="an .onnx file, a run folder or a bundled name")
    parser.add_argument("--part", choices=SPLITS[1:], default="test")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--misses", type=Path, help="write an image of every miss of own_hand")
    arguments = parser.parse_args(argv)
    try:
        figures = measure(arguments.model, arguments.folder, arguments.part)
    except (InkwiseError, OSError, KeyError) as error:
        parser.error(str(error))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    print(f"Model {figures['model']['name']}, {arguments.part}. {figures['machine']}.")
    for name, text in tables(figures).items():
        print(f"\n### {HEADINGS[name]}\n\n{text}")
    if arguments.misses:
        misses_image(Recognizer(arguments.model), arguments.folder / "own_hand.npz").save(arguments.misses)


def measure(name: str, folder: Path, part: str) -> Figures:
    """Return all figures of a model as JSON values."""
    source = model_source(name)
    model = Model(source)
    drawn = load_unipen(folder / "unipen_digits.npz", part)
    digits = drawn.to_dataset()
    sure = ~suspect_labels(folder / "unipen_digits.npz", part)
    sets = [
        replace(digits, name=f"unipen_digits, {part} writers"),
        replace(digits.select(sure), name="the same without suspect and knn_disagree"),
    ]
    figures: Figures = {
        "model": facts(model, source if isinstance(source, bytes) else source.read_bytes()),
        "part": part,
        "machine": describe_machine(),
    }
    if part == "test":
        files = [datasets.load_dataset(folder / f"{name}.npz") for name in FILES]
        recognizer = Recognizer(model)
        pictures = [
            picture_dataset(recognizer, folder / f"{name}.npz", count) for name, count in PICTURES.items()
        ]
        formulas = load_strokes(folder / "crohme_digits.npz")[0].select(np.s_[:CROHME_DIGITS])
        modified = [datasets.load_dataset(name) for name in ("mnist-modified", "mnist-modified-read")]
        sets = [
            datasets.load_dataset("mnist-test"),
            *sets,
            *pictures,
            *files,
            formulas.to_dataset(),
            *modified,
        ]
        figures["corrupted"] = corruption_figures(recognizer, folder / "mnist_corrupted.npz")
    evaluated = {result.name: result.evaluation for result in evaluate_model(model, sets)}
    figures["sets"] = [{"set": name, **miss_figures(found)} for name, found in evaluated.items()]
    figures["sureness"] = calibration_figures(evaluated[f"unipen_digits, {part} writers"])
    figures["styles"] = allograph_figures(model, drawn.select(sure), SEEDS[part])
    figures["others"] = negative_figures(model, digits, folder, part)
    figures["nothing"] = non_digit_figures(Recognizer(model), SEEDS[part])
    result: Figures = json_safe(figures)
    return result


def facts(model: Model, content: bytes) -> Figures:
    kinds = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT8, TensorProto.INT32)
    weights = [
        part
        for part in onnx.load_model_from_string(content).graph.initializer
        if part.dims and part.data_type in kinds and not part.name.endswith(("_scale", "_zero_point"))
    ]
    return {
        "name": model.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "parameters": sum(int(np.prod(part.dims)) for part in weights),
        "glyphs_per_second": float(np.median(throughput(Model(content, threads=1)))),
        "threshold": model.threshold,
        "temperature": model.metadata.get("temperature"),
        "rejects": model.metadata.get("rejects", False),
    }


def miss_figures(found: Evaluation) -> Figures:
    return {"n": found.n, "misses": found.misses, "accuracy": found.accuracy, "interval": found.interval}


def share(hits: int, n: int) -> Figures:
    return {"n": n, "hits": hits, "share": hits / n, "interval": wilson_interval(hits, n)}


def calibration_figures(found: Evaluation) -> Figures:
    """Return the calibration error and the accuracy on the most confident answers."""
    n = round(TOP_COVERAGE * found.n)
    (point,) = (point for point in found.coverage_curve if point.coverage == TOP_COVERAGE)
    surest = share(round(point.accuracy * n), n)
    return {"n": found.n, "calibration_error": found.calibration_error, "surest": surest}


def picture_dataset(recognizer: Recognizer, path: Path, count: int | None) -> Dataset:
    pictures, labels = load_pictures(path, count)
    return Dataset(path.stem, read_glyphs(recognizer, pictures), labels)


def corruption_figures(recognizer: Recognizer, path: Path) -> list[Figures]:
    """Evaluate each corruption as a picture and with its raw pixels as a glyph; "identity" is none."""
    rows = []
    with np.load(path, allow_pickle=False) as archive:
        labels = archive["labels"].astype(str)
        for name in sorted(set(archive.files) - {"labels", "mnist_test_index"}):
            pixels = archive[name]
            glyphs = read_glyphs(recognizer, pixels)
            read, raw = evaluate_model(
                recognizer.model, [Dataset("read", glyphs, labels), Dataset("raw", pixels, labels)]
            )
            rows.append(
                {
                    "corruption": name,
                    **miss_figures(read.evaluation),
                    "raw": miss_figures(raw.evaluation),
                }
            )
    return rows


def allograph_figures(model: Model, drawn: StrokeSet, seed: int) -> list[Figures]:
    """Evaluate digits with an allograph mark that is rare in MNIST, and with other pen widths."""
    sets = [
        Dataset(
            name,
            stack_glyphs((strokes_to_glyph(sample, pen) for sample in drawn.samples), len(drawn)),
            drawn.labels,
        )
        for name, pen in PEN_WIDTHS.items()
    ]
    for label, marks in styles._MARKS.items():
        plain = drawn.select(drawn.labels == label)
        for mark in marks:
            rng = np.random.default_rng(seed)
            with patch.dict(styles._MARKS, {label: (mark,)}):
                samples = [styles.add_allograph_mark(sample, label, rng) for sample in plain.samples]
            name = f"{label}, {mark.__name__.strip('_')}"
            sets.append(replace(plain, name=name, samples=samples).to_dataset())
    return [{"style": found.name, **miss_figures(found.evaluation)} for found in evaluate_model(model, sets)]


def negative_figures(model: Model, digits: Dataset, folder: Path, part: str) -> Figures:
    """Evaluate how well the highest probability separates UNIPEN's digits from non-digits."""
    letters = load_unipen(folder / "unipen_nondigits.npz", part).to_dataset()
    letters = letters.select(~np.isin(letters.labels, sorted(LOOK_ALIKES)))
    sets = [letters]
    if part == "test":
        sets.append(datasets.load_dataset(folder / "omniglot_nondigits.npz"))
        sets.append(load_plain_symbols(folder / "crohme_nondigits.npz"))
    accepted = top_probabilities(model, digits)
    threshold = float(np.quantile(accepted, 0.01, method="lower"))  # at least 99 % reach it
    rows = []
    for other in sets:
        found = top_probabilities(model, other)
        # without writers, each sample counts as one
        writers = other.writers if other.writers is not None else -1 - np.arange(len(other))
        assert digits.writers is not None
        area, interval = auroc(accepted, found, digits.writers, writers)
        rows.append(
            {
                "set": other.name,
                "auroc": area,
                "auroc_interval": interval,
                "rejected_at_99": share(int((found < threshold).sum()), len(other)),
                "rejected": share(int((found < model.threshold).sum()), len(other)),
            }
        )
    taken = Counter(letters.labels[top_probabilities(model, letters) >= model.threshold].tolist())
    return {
        "left_out": sorted(LOOK_ALIKES),
        "threshold_at_99": threshold,
        "digits_accepted": share(int((accepted >= model.threshold).sum()), len(digits)),
        "rows": rows,
        "accepted_most": [
            {"label": label, "accepted": count, "n": int((letters.labels == label).sum())}
            for label, count in sorted(taken.items(), key=lambda item: (-item[1], item[0]))[:MISSES_PER_ROW]
        ],
    }


def top_probabilities(model: Model, dataset: Dataset) -> NDArray[np.float32]:
    """Return the highest probability of each glyph, (n,); 0 without ink."""
    return np.where(dataset.glyphs.any(axis=(1, 2)), model.run(dataset.glyphs)[0].max(axis=1), 0)


def auroc(
    digits: NDArray[np.float32],
    others: NDArray[np.float32],
    digit_writers: NDArray[np.int64],
    other_writers: NDArray[np.int64],
) -> tuple[float, tuple[float, float]]:
    """Return the area under the ROC curve and its 95 % interval from a bootstrap of the writers."""
    scores = np.concatenate([digits, others])
    truth = np.arange(len(scores)) < len(digits)
    names, writer = np.unique(np.concatenate([digit_writers, other_writers]), return_inverse=True)
    rng = np.random.default_rng(0)
    drawn = [
        np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names)) for _ in range(RESAMPLES)
    ]
    areas = [roc_auc_score(truth, scores, sample_weight=count[writer]) for count in drawn]
    low, high = np.quantile(areas, [0.025, 0.975])
    return float(roc_auc_score(truth, scores)), (float(low), float(high))


def non_digit_figures(recognizer: Recognizer, seed: int) -> list[Figures]:
    """Count images and strokes without a digit in which one is accepted."""
    rows = []
    for kind in KINDS:
        made, lines = (
            list(non_digit_images(kind, NON_DIGITS_PER_KIND, seed)),
            list(non_digit_strokes(kind, NON_DIGITS_PER_KIND, seed)),
        )
        rows.append(
            {
                "kind": kind,
                "pictures": len(made),
                "expect_digit": sum(accepts(recognizer.read(picture, "digit")) for picture in made),
                "read": sum(accepts(recognizer.read(picture)) for picture in made),
                "strokes": len(lines),
                "read_strokes": sum(
                    accepts(recognizer.read_strokes(line)) or accepts(recognizer.read_strokes(line, "digit"))
                    for line in lines
                ),
            }
        )
    return rows


def accepts(reading: Reading) -> bool:
    return any(digit.accepted for digit in reading.digits)


def misses_image(recognizer: Recognizer, path: Path) -> Image.Image:
    """Return an image of each misread sample, its glyph, and the answer."""
    readings = [
        (label, recognizer.read(picture, "digit"))
        for picture, label in zip(*load_pictures(path), strict=True)
    ]
    missed = [pair for pair in readings if not pair[1].digits or pair[1].digits[0].label != pair[0]]
    image = Image.new("L", (130 * max(len(missed), 1), 280), 255)
    for number, (label, reading) in enumerate(missed):
        assert reading.picture is not None
        picture = ImageOps.contain(Image.fromarray(reading.picture), (120, 120))
        image.paste(picture, (130 * number + 5, 5))
        if reading.digits:
            glyph = Image.fromarray(np.asarray(reading.digits[0].glyph))
            image.paste(glyph.resize((112, 112)), (130 * number + 5, 130))
        text = f"{label} read as {reading.digits[0].label if reading.digits else 'nothing'}"
        ImageDraw.Draw(image).text((130 * number + 5, 250), text, fill=0)
    return image
