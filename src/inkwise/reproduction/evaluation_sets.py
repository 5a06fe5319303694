"""Real handwriting to measure the systems on: reduced naively, and read with preprocessing."""

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

_HANDWRITING_FILES = _STROKES, _IMAGES = "unipen_digits.npz", "hwd1000.npz"

_CANVAS_SIDE = 280  # pixels, ten times a glyph
_PEN_WIDTH = 16  # pixels
_DIGIT_SIZE_RANGE = (0.6, 0.8)  # longer side of a digit, fraction of the canvas
_MAX_OFFSET = 0.07  # of a digit from the centre in each direction, fraction of the canvas
_SEED = 5  # for sizes and places


def prepare_sets(folder: Path, handwriting: Path | None) -> list[Path]:
    """Write each set as a folder of IDX files unless it exists, and return the folders.

    The sets are mnist-modified-read, and with real handwriting: canvas, the last third of every UNIPEN
    writer's digits drawn on a canvas that is reduced to a glyph as it is; canvas-read, the same digits
    normalized; hwd1000-naive and hwd1000-read, images of a drawing program in the same two ways.

    Args:
        handwriting: folder of unipen_digits.npz and hwd1000.npz, or None.

    Raises:
        DataError: handwriting is missing, damaged, or differs from that of existing sets, or a file cannot be
            written.
    """
    make_directory(folder)
    makers: dict[str, Callable[[], Dataset]] = {
        "mnist-modified-read": lambda: datasets.load_dataset("mnist-modified-read")
    }
    with locked(folder, wait=-1):  # another process may be writing the same sets
        if handwriting is not None:
            _check_same_handwriting(folder, handwriting)
            strokes, images = handwriting / _STROKES, handwriting / _IMAGES
            makers |= {
                "canvas": lambda: _canvas_dataset(strokes, later=True),
                "canvas-read": lambda: _split_in_time(strokes, later=True).to_dataset(),
                "hwd1000-naive": lambda: _inverted(images),
                "hwd1000-read": lambda: datasets.load_dataset(images),
            }
        for name, make in makers.items():
            if not (folder / name).exists():
                _save(make(), folder / name)
    return [folder / name for name in makers]


def save_corrections(folder: Path, handwriting: Path, model: Model, count: int) -> Path:
    """Write the first `count` digits on the canvas that a model misreads, as a user would correct them.

    They come from the first two thirds of every UNIPEN writer's digits, in the order of time: every writer's
    first, every writer's second, and so on.

    Raises:
        DataError: there are fewer, handwriting is missing or damaged, or nothing can be written.
    """
    path = folder / f"corrections-{count}"
    with locked(folder, wait=-1):
        if not path.exists():
            drawn = _canvas_dataset(handwriting / _STROKES, later=False)
            read = np.array(model.labels)[model.run(drawn.glyphs)[0].argmax(1)]
            wrong = np.flatnonzero(read != drawn.labels)
            if len(wrong) < count:
                raise DataError(f"{handwriting}: expected {count} misread digits, got {len(wrong)}")
            _save(drawn.select(wrong[:count]), path)
    return path


def canvas_glyph(strokes: StrokeArrays, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw strokes at a random place and size on a canvas of 280 pixels, and reduce it to (28, 28) uint8."""
    points = np.concatenate(strokes)
    low, high = points.min(0), points.max(0)
    scale = _CANVAS_SIDE * rng.uniform(*_DIGIT_SIZE_RANGE) / max(float((high - low).max()), 1.0)
    center = _CANVAS_SIDE * (0.5 + rng.uniform(-_MAX_OFFSET, _MAX_OFFSET, 2))
    canvas = np.zeros((_CANVAS_SIDE, _CANVAS_SIDE), np.uint8)
    for stroke in strokes:
        placed = np.rint((stroke - (low + high) / 2) * scale + center).astype(np.int32)
        cv2.polylines(canvas, [placed[:, None]], len(placed) == 1, 255, _PEN_WIDTH, cv2.LINE_AA)
    return cv2.resize(canvas, (28, 28), interpolation=cv2.INTER_AREA)


def _canvas_dataset(strokes: Path, *, later: bool) -> Dataset:
    chosen = _split_in_time(strokes, later=later)
    rng = np.random.default_rng(_SEED)
    glyphs = np.stack([canvas_glyph(sample, rng) for sample in chosen.samples])
    return Dataset("canvas", glyphs, chosen.labels, chosen.writers)


def _split_in_time(strokes: Path, *, later: bool) -> StrokeSet:
    """Return the last third of every writer's digits, or the first two thirds, in the order of time."""
    whole = datasets.load_strokes_or_dataset(strokes)
    if not isinstance(whole, StrokeSet) or whole.writers is None:
        raise DataError(f"{strokes}: expected strokes with their writers")
    _, writers, counts = np.unique(whole.writers, return_inverse=True, return_counts=True)
    turn = np.zeros(len(whole), int)
    for writer in range(len(counts)):
        turn[writers == writer] = np.arange(counts[writer])
    chosen = np.flatnonzero((turn >= counts[writers] * 2 / 3) == later)
    return whole.select(chosen[np.argsort(turn[chosen], kind="stable")])


def _check_same_handwriting(folder: Path, handwriting: Path) -> None:
    """Record the hashes of the handwriting, or check that they are those of the existing sets."""
    lines = []
    for name in _HANDWRITING_FILES:
        path = handwriting / name
        with open_input(path) as file, clear_read_errors(path):
            digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
        lines.append(f"{digest}  {name}\n")
    record = folder / "hands.sha256"
    if not is_there(record):
        write_text(record, "".join(lines))
    elif read_input(record, MEGABYTE) != "".join(lines).encode():
        raise DataError(f"{folder}: made from other handwriting than {handwriting}; delete it, and the runs")


def _inverted(path: Path) -> Dataset:
    """Load the dark-on-white 28x28 images of a drawing program with black and white swapped."""
    dataset = datasets.load_dataset(path)
    images = load_arrays(path).get("images", np.zeros(0, np.uint8))
    if images.shape != dataset.glyphs.shape:
        raise DataError(f"{path}: expected images of 28x28, got {images.shape}")
    return Dataset("hwd1000", 255 - images, dataset.labels)


def _save(dataset: Dataset, path: Path) -> None:
    """Write a data set as a folder of IDX files, which keep glyphs unchanged."""
    if not np.isin(dataset.labels, list("0123456789")).all():
        raise DataError(f"{dataset.name}: contains labels other than digits")
    with new_folder(path) as part:
        (part / "images-idx3-ubyte").write_bytes(idx_bytes(dataset.glyphs))
        (part / "labels-idx1-ubyte").write_bytes(idx_bytes(dataset.labels.astype(np.uint8)))
