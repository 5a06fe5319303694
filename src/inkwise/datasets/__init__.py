"""Loading of data sets: MNIST, UNIPEN, IDX, CSV, image folders and npz, as glyphs with labels."""

from inkwise.datasets.dataset import Dataset, StrokeSet, split_by_writer
from inkwise.datasets.mnist import fetch_mnist, missing_files
from inkwise.datasets.registry import (
    NAMED_DATASETS,
    NamedDataset,
    cache_folder,
    load_dataset,
    load_strokes_or_dataset,
    register_dataset,
)
from inkwise.datasets.unipen import fetch_unipen

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
    "register_dataset",
    "split_by_writer",
]
