"""Loading of data sets: MNIST, UNIPEN, IDX, CSV, image folders and npz, as glyphs with labels."""

from inkwise.datasets.dataset import Dataset, StrokeSet
from inkwise.datasets.mnist import fetch_mnist, missing_files
from inkwise.datasets.registry import (
    NamedDataset,
    cache_folder,
    load_dataset,
    load_strokes_or_dataset,
    named_datasets,
    register_dataset,
)
from inkwise.datasets.splits import choose_writers, split_by_writer
from inkwise.datasets.unipen import fetch_unipen

__all__ = [
    "Dataset",
    "NamedDataset",
    "StrokeSet",
    "cache_folder",
    "choose_writers",
    "fetch_mnist",
    "fetch_unipen",
    "load_dataset",
    "load_strokes_or_dataset",
    "missing_files",
    "named_datasets",
    "register_dataset",
    "split_by_writer",
]
