"""A name becomes arrays: MNIST, IDX folders, CSV, pictures and strokes as glyphs with labels."""

from __future__ import annotations

from pathlib import Path

from inkwise._util.errors import DataError
from inkwise._util.text import did_you_mean
from inkwise.datasets.dataset import Dataset, StrokeSet, split_by_writer
from inkwise.datasets.folder import read_image_folder
from inkwise.datasets.idx import idx_parts, read_idx_folder
from inkwise.datasets.kaggle import read_kaggle
from inkwise.datasets.mnist import fetch_mnist, load_mnist, missing_files, mnist_folder
from inkwise.datasets.npz import read_npz
from inkwise.datasets.registry import NAMED_DATASETS, NamedDataset, cache_folder
from inkwise.datasets.unipen import fetch_unipen, load_unipen, unipen_file

__all__ = [
    "NAMED_DATASETS",
    "Dataset",
    "NamedDataset",
    "StrokeSet",
    "cache_folder",
    "fetch_mnist",
    "fetch_unipen",
    "load_dataset",
    "load_strokes_or_dataset",
    "missing_files",
    "mnist_folder",
    "split_by_writer",
    "unipen_file",
]


def load_dataset(source: str | Path) -> Dataset:
    """The data set behind a known name (``mnist-train``, fetched if need be; ``unipen-digits``) or a path.

    A path is a folder of IDX files (``FOLDER/train`` picks one of several pairs), a folder of pictures, a
    Kaggle CSV (``.csv``, ``.csv.gz``) or an ``.npz`` of pictures or strokes. What IDX and CSV hold are glyphs
    as they are; pictures and strokes are normalised to glyphs, an empty one to black.
    Raises DataError if there is no such name or path, or if it does not hold what it should.
    """
    return load_strokes_or_dataset(source).to_dataset()


def load_strokes_or_dataset(source: str | Path) -> Dataset | StrokeSet:
    """Like ``load_dataset``, but strokes stay strokes, for training to bend them; raises DataError alike."""
    try:
        return _read_source(source)
    except OSError as error:
        raise DataError(f"{error.filename or source}: {error.strerror or error}") from error


def _read_source(source: str | Path) -> Dataset | StrokeSet:
    if isinstance(source, str) and source in NAMED_DATASETS:
        return load_mnist(source) if NAMED_DATASETS[source].source == "mnist" else load_unipen(source)
    path = Path(source)
    if path.is_dir():
        return read_idx_folder(path) if idx_parts(path) else read_image_folder(path)
    if path.name.endswith((".csv", ".csv.gz")) and path.exists():
        return read_kaggle(path)
    if path.suffix == ".npz" and path.exists():
        return read_npz(path)
    if path.exists():
        raise DataError(f"{path}: is neither a folder nor a .csv, .csv.gz or .npz file")
    parts = idx_parts(path.parent) if path.parent.is_dir() else []
    if path.name in parts:
        return read_idx_folder(path.parent, path.name)
    names = [*NAMED_DATASETS, *(str(path.parent / part) for part in parts)]
    raise DataError(f"{source}: no such data set or path{did_you_mean(str(source), names)}")
