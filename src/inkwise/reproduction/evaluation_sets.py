"""What the nets are shown beside MNIST: real hands, shrunk naively and read with care."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise import datasets
from inkwise._util.errors import DataError
from inkwise._util.files import locked, make_directory, new_folder, write_text
from inkwise._util.inputs import MEGABYTE, clear_read_errors, is_there, open_input, read_input
from inkwise.datasets import Dataset, StrokeSet
from inkwise.datasets.dataset import StrokeArrays
from inkwise.datasets.idx import idx_bytes
from inkwise.datasets.npz import load_arrays
from inkwise.recognition import Model

_HANDWRITING_FILES = ("unipen_digits.npz", "hwd1000.npz")

_CANVAS_SIDE = 280  # pixels a side, ten times a glyph's
_PEN_WIDTH = 16  # pixels
_DIGIT_SIZE_RANGE = (0.6, 0.8)  # of the canvas, what the longer side of a digit takes
_MAX_OFFSET = 0.07  # of the canvas, how far off its middle, each way
_SEED = 5  # sizes and places are drawn once and for all


def prepare_sets(folder: Path, handwriting: Path | None) -> list[Path]:
    """Write what every net is measured on, each as a folder of IDX files, unless it is there.

    mnist-modified-read, and where there is real handwriting: canvas, the last third of every UNIPEN writer's
    digits drawn on a canvas that is shrunk to a glyph as it is; canvas-read, the same digits normalised;
    hwd1000-naive and hwd1000-read, pictures of a drawing program likewise.

    Args:
        folder: where to.
        handwriting: the folder of unipen_digits.npz and hwd1000.npz, or None.

    Returns:
        The sets' folders.

    Raises:
        DataError: handwriting is missing, damaged, or another than the sets were made of; or nothing can be
            written.
    """
    make_directory(folder)
    with locked(folder, wait=-1):  # Another process may be writing the same sets.
        return _prepare(folder, handwriting)


def _prepare(folder: Path, hands: Path | None) -> list[Path]:
    if hands is not None:
        _check_same_handwriting(folder, hands)
    made: dict[str, Callable[[], Dataset]] = {
        "mnist-modified-read": lambda: datasets.load_dataset("mnist-modified-read")
    }
    if hands is not None:
        made |= {
            "canvas": lambda: _canvas_dataset(hands, later=True),
            "canvas-read": lambda: _unipen(hands, later=True).to_dataset(),
            "hwd1000-naive": lambda: _inverted(hands / "hwd1000.npz"),
            "hwd1000-read": lambda: datasets.load_dataset(hands / "hwd1000.npz"),
        }
    for name, make in made.items():
        if not (folder / name).exists():
            _save(make(), folder / name)
    return [folder / name for name in made]


def save_corrections(folder: Path, handwriting: Path, model: Model, count: int) -> Path:
    """Write what people at the canvas corrected first: the first `count` digits that a model misreads.

    They come from the first two thirds of every UNIPEN writer's digits, in the order of time: every writer's
    first, every writer's second, and so on.

    Raises:
        DataError: there are fewer, handwriting is missing or damaged, or nothing can be written.
    """
    path = folder / f"corrections-{count}"
    with locked(folder, wait=-1):
        if not path.exists():
            drawn = _canvas_dataset(handwriting, later=False)
            read = np.array(model.labels)[model.run(drawn.glyphs)[0].argmax(1)]
            wrong = np.flatnonzero(read != drawn.labels)
            if len(wrong) < count:
                raise DataError(
                    f"{handwriting}: {len(wrong)} digits are misread, {count} corrections are needed"
                )
            _save(drawn.select(wrong[:count]), path)
    return path


def canvas_glyph(strokes: StrokeArrays, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Strokes on a canvas of 280 pixels, somewhere and of some size, shrunk to (28, 28) uint8 as they are."""
    points = np.concatenate(strokes)
    low, high = points.min(0), points.max(0)
    scale = _CANVAS_SIDE * rng.uniform(*_DIGIT_SIZE_RANGE) / max(float((high - low).max()), 1.0)
    middle = _CANVAS_SIDE * (0.5 + rng.uniform(-_MAX_OFFSET, _MAX_OFFSET, 2))
    canvas = np.zeros((_CANVAS_SIDE, _CANVAS_SIDE), np.uint8)
    for stroke in strokes:
        placed = np.rint((stroke - (low + high) / 2) * scale + middle).astype(np.int32)
        cv2.polylines(canvas, [placed[:, None]], len(placed) == 1, 255, _PEN_WIDTH, cv2.LINE_AA)
    return cv2.resize(canvas, (28, 28), interpolation=cv2.INTER_AREA)


def _canvas_dataset(handwriting: Path, *, later: bool) -> Dataset:
    chosen = _unipen(handwriting, later=later)
    rng = np.random.default_rng(_SEED)
    glyphs = np.stack([canvas_glyph(strokes, rng) for strokes in chosen.samples])
    return Dataset("canvas", glyphs, chosen.labels, chosen.writers)


def _unipen(handwriting: Path, *, later: bool) -> StrokeSet:
    """The last third of every writer's digits, or the first two thirds, in the order of time."""
    whole = datasets.load_strokes_or_dataset(handwriting / "unipen_digits.npz")
    if not isinstance(whole, StrokeSet) or whole.writers is None:
        raise DataError(f"{handwriting / 'unipen_digits.npz'}: holds no strokes with their writers")
    _, writers, counts = np.unique(whole.writers, return_inverse=True, return_counts=True)
    turn = np.zeros(len(whole), int)
    for writer in range(len(counts)):
        turn[writers == writer] = np.arange(counts[writer])
    chosen = np.flatnonzero((turn >= counts[writers] * 2 / 3) == later)
    return whole.select(chosen[np.argsort(turn[chosen], kind="stable")])


def _check_same_handwriting(folder: Path, handwriting: Path) -> None:
    """Note what handwriting the sets are made of, or see that it is still the same."""
    said = "".join(f"{_sha256(handwriting / name)}  {name}\n" for name in _HANDWRITING_FILES)
    note = folder / "hands.sha256"
    if not is_there(note):
        write_text(note, said)
    elif read_input(note, MEGABYTE) != said.encode():
        raise DataError(
            f"{folder}: made of other handwriting than {handwriting} holds; delete it, and the runs"
        )


def _sha256(path: Path) -> str:
    with open_input(path) as file, clear_read_errors(path):
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def _inverted(path: Path) -> Dataset:
    """Dark on white, 28x28, as a drawing program saved them: nothing but black and white changed places."""
    dataset = datasets.load_dataset(path)
    pictures = load_arrays(path).get("images", np.zeros(0, np.uint8))
    if pictures.shape != dataset.glyphs.shape:
        raise DataError(f"{path}: its pictures are not all 28x28 and cannot be taken as they are")
    return Dataset("hwd1000", 255 - pictures, dataset.labels)


def _save(dataset: Dataset, path: Path) -> None:
    """Write a data set as a folder of IDX files, which keep glyphs unchanged."""
    if not np.isin(dataset.labels, list("0123456789")).all():
        raise DataError(f"{dataset.name}: holds labels other than digits")
    with new_folder(path) as part:
        (part / "images-idx3-ubyte").write_bytes(idx_bytes(dataset.glyphs))
        (part / "labels-idx1-ubyte").write_bytes(idx_bytes(dataset.labels.astype(np.uint8)))
