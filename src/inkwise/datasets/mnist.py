"""MNIST in the cache: fetched once from whichever source answers, trusted only by its SHA-256."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from inkwise._util.errors import DataError
from inkwise._util.files import make_directory, write_bytes
from inkwise._util.inputs import open_input
from inkwise.datasets.dataset import Dataset
from inkwise.datasets.idx import read_idx_pair
from inkwise.datasets.mnist_sources import LARGEST, SOURCES, FolderSource, Source, SourceError
from inkwise.datasets.registry import NAMED_DATASETS, cache_folder

FILES = {  # the raw files and their SHA-256
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


_log = logging.getLogger(__name__)


def mnist_folder() -> Path:
    """Where the cache keeps MNIST: under $INKWISE_DATA, else under the user's cache folder."""
    return cache_folder("mnist")


def missing_files() -> list[str]:
    """The names of those of MNIST's files that the cache lacks or holds damaged; [] when all is there."""
    return [name for name, sha256 in FILES.items() if _file_sha256(mnist_folder() / name) != sha256]


def fetch_mnist(
    from_dir: Path | None = None,
    report: Callable[[str], None] = _log.info,
    sources: Sequence[Source] = SOURCES,
) -> Path:
    """See to it that the cache holds MNIST's four raw IDX files, and say in which folder.

    Asks the cache, then ``from_dir``, then ``sources`` in their order, for the files still missing;
    ``report`` is told which. Raises DataError, naming every source with its reason, if files are still
    missing at the end, and at once if a file cannot be written.
    """
    folder = mnist_folder()
    missing = missing_files()
    reasons = [f"{folder} (cache): {len(missing)} of {len(FILES)} files missing or damaged"]
    for source in [FolderSource(from_dir), *sources] if from_dir else sources:
        if not missing:
            break
        report(f"MNIST: asking {source}")
        try:
            for name, data in source.files(tuple(missing)):
                if hashlib.sha256(data).hexdigest() != FILES[name]:
                    raise SourceError(f"{name} has another SHA-256 than MNIST's")
                make_directory(folder)
                write_bytes(folder / name, data)
                missing.remove(name)
        except SourceError as error:
            reasons.append(f"{source}: {error}")
    if missing:
        raise DataError(
            f"MNIST cannot be had: {'; '.join(reasons)}."
            " With its files in a folder DIR: inkwise data get mnist --from DIR"
        )
    return folder


def load_mnist(name: str) -> Dataset:
    """MNIST by a name of `NAMED_DATASETS`, such as "mnist-train", fetched if need be.

    Raises DataError if it can be had nowhere.
    """
    folder, known = fetch_mnist(), NAMED_DATASETS[name]
    stem = folder / known.part
    digits = read_idx_pair(Path(f"{stem}-images-idx3-ubyte"), Path(f"{stem}-labels-idx1-ubyte"), name)
    return digits if known.change is None else replace(digits, glyphs=known.change(digits.glyphs))


def _file_sha256(path: Path) -> str | None:
    try:
        with open_input(path, LARGEST) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    except (DataError, OSError):
        return None
