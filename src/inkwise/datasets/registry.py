"""Data sets by name or path."""

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs

from inkwise._util.errors import DataError
from inkwise._util.inputs import clear_read_errors, is_file
from inkwise._util.text import did_you_mean
from inkwise.datasets import pendigits
from inkwise.datasets.array_sets import read_npy
from inkwise.datasets.csv_glyphs import read_csv
from inkwise.datasets.dataset import Dataset, StrokeSet
from inkwise.datasets.folder import read_image_folder
from inkwise.datasets.idx import idx_parts, read_idx_folder
from inkwise.datasets.npz import read_npz


@dataclass(frozen=True)
class NamedDataset:
    """A data set that is loaded by name.

    Attributes:
        samples: number of samples, None if it depends on the source that was parsed.
        source: name for `inkwise data get`, and of the folder in the cache.
        is_cached: returns whether the cache contains it.
        load: loads it; the name of what it returns is replaced.
    """

    description: str
    samples: int | None
    source: str
    is_cached: Callable[[], bool]
    load: Callable[[], Dataset | StrokeSet]


_PLUGINS = ("inkwise.reproduction.modified_mnist",)  # modules that register further data sets
_registered: dict[str, NamedDataset] = {}


def register_dataset(name: str, dataset: NamedDataset) -> None:
    """Make a data set loadable by name."""
    _registered[name] = dataset


def named_datasets() -> dict[str, NamedDataset]:
    """Return the registered data sets by name."""
    for module in _PLUGINS:
        importlib.import_module(module)
    return _registered


def cache_folder(source: str) -> Path:
    """Return the cache folder of a source, under $INKWISE_DATA or else the user's cache folder."""
    return Path(os.environ.get("INKWISE_DATA") or platformdirs.user_cache_dir("inkwise")) / source


def load_dataset(source: str | Path) -> Dataset:
    """Load the glyphs of a known name (``mnist-train``, fetched if needed) or of a path.

    A path is a folder of IDX files (``FOLDER/train`` selects one of several pairs), a folder of images, a CSV
    of 784 pixels a line, an ``.npz`` of images or strokes (``mnist.npz/train`` selects one of several parts),
    an ``.npy`` of images, or a file of PenDigits (``.tra``, ``.tes``). IDX and CSV contain glyphs as they
    are, and so do arrays of 28x28 named as in Keras; other images, and strokes, are normalized to glyphs,
    black if there is no ink.

    Raises:
        DataError: there is no such name or path, or its content is damaged or of another type.
    """
    return load_strokes_or_dataset(source).to_dataset()


def load_strokes_or_dataset(source: str | Path) -> Dataset | StrokeSet:
    """Load like `load_dataset`, but keep strokes as strokes, which training distorts before drawing them."""
    with clear_read_errors(source):
        if isinstance(source, str) and source in named_datasets():
            return replace(named_datasets()[source].load(), name=source)
        return _read_path(Path(source))


def _read_path(path: Path) -> Dataset | StrokeSet:
    if path.is_dir():
        return read_idx_folder(path) if idx_parts(path) else read_image_folder(path)
    if path.exists():
        if path.name.lower().endswith((".csv", ".csv.gz", ".tsv", ".tsv.gz")):
            return read_csv(path)
        if path.suffix.lower() == ".npz":
            return read_npz(path)
        if path.suffix.lower() == ".npy":
            return read_npy(path)
        if path.suffix.lower() in pendigits.SUFFIXES:
            return pendigits.read_pendigits(path)
        raise DataError(f"{path}: expected a folder or a .csv, .csv.gz, .tsv, .npy, .npz, .tra or .tes file")
    if path.parent.suffix.lower() == ".npz" and is_file(path.parent):
        return read_npz(path.parent, path.name)
    parts = idx_parts(path.parent) if path.parent.is_dir() else []
    if path.name in parts:
        return read_idx_folder(path.parent, path.name)
    known = [*named_datasets(), *(str(path.parent / part) for part in parts)]
    raise DataError(f"{path}: no such data set or path{did_you_mean(str(path), known)}")
