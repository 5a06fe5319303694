"""MNIST in the cache, fetched from the first source that has it and verified by SHA-256."""

import hashlib
import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from inkwise._util.errors import DataError
from inkwise._util.files import make_directory, write_bytes
from inkwise._util.inputs import open_input
from inkwise.datasets.dataset import Dataset
from inkwise.datasets.idx import read_idx_folder
from inkwise.datasets.mnist_sources import MAX_FILE_BYTES, SOURCES, Source, SourceError, folder_files
from inkwise.datasets.registry import NamedDataset, cache_folder, register_dataset

FILES = {  # SHA-256 of the raw files
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

_log = logging.getLogger(__name__)


def missing_files(part: str = "") -> list[str]:
    """List the MNIST files (of the part "train" or "t10k") that the cache lacks or has damaged."""
    folder, names = cache_folder("mnist"), [name for name in FILES if name.startswith(part)]
    return [name for name in names if _file_sha256(folder / name) != FILES[name]]


def fetch_mnist(
    from_dir: Path | None = None,
    report: Callable[[str], None] = _log.info,
    sources: Mapping[str, Source] = SOURCES,
) -> Path:
    """Fetch the MNIST files that the cache lacks, from `from_dir` and then from `sources` in order.

    Args:
        report: receives a line for each source that is asked.
        sources: by the name in messages.

    Returns:
        The cache folder.

    Raises:
        DataError: no source has all missing files, or a file cannot be written.
    """
    folder = cache_folder("mnist")
    missing = missing_files()
    reasons = [f"{folder} (cache): {len(missing)} of {len(FILES)} files missing or damaged"]
    if from_dir is not None:
        sources = {str(from_dir): partial(folder_files, from_dir), **sources}
    for source, files in sources.items():
        if not missing:
            break
        report(f"MNIST: asking {source}")
        try:
            for name, data in files(tuple(missing)):
                if hashlib.sha256(data).hexdigest() != FILES[name]:
                    raise SourceError(f"{name} has a different SHA-256")
                make_directory(folder)
                write_bytes(folder / name, data)
                missing.remove(name)
        except SourceError as error:
            reasons.append(f"{source}: {error}")
    if missing:
        raise DataError(
            f"MNIST is not available: {'; '.join(reasons)}."
            " With its files in a folder DIR: inkwise data get mnist --from DIR"
        )
    return folder


def load_mnist(part: str) -> Dataset:
    """Load the "train" or "t10k" digits of MNIST, fetched if needed; raises DataError as `fetch_mnist`."""
    return read_idx_folder(fetch_mnist(), part)


def _file_sha256(path: Path) -> str | None:
    try:
        with open_input(path, MAX_FILE_BYTES) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    except (DataError, OSError):
        return None


def _register(name: str, part: str, samples: int, description: str) -> None:
    loader = partial(load_mnist, part)
    register_dataset(
        name, NamedDataset(description, samples, "mnist", lambda: not missing_files(part), loader)
    )


_register("mnist-train", "train", 60_000, "MNIST, training digits")
_register("mnist-test", "t10k", 10_000, "MNIST, test digits")
