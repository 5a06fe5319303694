"""Routes that take samples out as a zip file, and in again."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from inkwise._util.errors import InkwiseError
from inkwise.app.limits import UNPACKED_BYTES
from inkwise.app.requests import store_errors_as
from inkwise.corrections import Damage, Learner, import_samples
from inkwise.corrections.exchange import IMAGES, LABELS, SAMPLES, write_samples
from inkwise.corrections.sample import validate_field
from inkwise.http.bodies import PayloadTooLargeError, RequestError, json_response

_CHUNK_BYTES = 2**20  # bytes that are moved at once

_COMPRESSION_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

_FULL = (errno.ENOSPC, errno.EDQUOT)

_NAMED = 20  # damaged rows in a header

_ARCHIVE_ERRORS = (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError)


def routes(learner: Learner, heavy: CapacityLimiter) -> APIRouter:
    """Export and import, both `heavy`."""
    router = APIRouter()

    @router.get("/api/export")
    async def export(writer: str = "") -> Response:
        return await to_thread.run_sync(_export, learner, writer, limiter=heavy)

    @router.post("/api/import")
    async def import_(request: Request, writer: str) -> Response:
        name = validate_field("writer", writer)
        # To disk as it comes: it may be large.
        with _temporary_space(), tempfile.TemporaryFile() as upload:
            async for piece in request.stream():
                upload.write(piece)
            added = await to_thread.run_sync(_import, learner, name, upload, limiter=heavy)
        return json_response({"added": added})

    return router


def _export(learner: Learner, writer: str) -> Response:
    name = validate_field("writer", writer) if writer else None
    store = learner.store
    if not store.count(writer=name):
        raise RequestError(404, "there are no samples" + (f" of {name}" if name else ""))
    damaged = _Damaged()
    with _temporary_space(), ExitStack() as opened:
        packed = opened.enter_context(tempfile.TemporaryFile())
        with tempfile.TemporaryDirectory() as folder:
            with store_errors_as(404):
                write_samples(store, Path(folder), name, damaged.add)
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                for file in (IMAGES, LABELS, SAMPLES):
                    archive.write(Path(folder) / file, file)
        size = packed.tell()
        packed.seek(0)
        opened.pop_all()  # closed when it was sent
    headers = {
        "Content-Disposition": 'attachment; filename="inkwise-samples.zip"',
        "Content-Length": str(size),
        **damaged.header(),
    }
    return StreamingResponse(_chunks(packed), headers=headers, media_type="application/zip")


class _Damaged:
    """Rows that an export leaves out, for a header: how many, and the ids of the first."""

    def __init__(self) -> None:
        self._count = 0
        self._ids: list[str] = []

    def add(self, damage: Damage) -> None:
        self._count += 1
        if self._count <= _NAMED:
            self._ids.append(damage.id)

    def header(self) -> dict[str, str]:
        return {"Inkwise-Damaged": f"{self._count}: {', '.join(self._ids)}"} if self._count else {}


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_CHUNK_BYTES):
            yield piece


def _import(learner: Learner, writer: str, upload: IO[bytes]) -> int:
    store = learner.store
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder)
        if zipfile.is_zipfile(upload):
            _unpack(upload, source)
        else:
            source /= SAMPLES
            upload.seek(0)
            with source.open("wb") as file:
                shutil.copyfileobj(upload, file, _CHUNK_BYTES)
        pair = source.is_dir() and not (source / SAMPLES).exists()
        try:
            with store_errors_as(422):
                return import_samples(store, source, writer if pair else None)
        except RequestError as error:
            # Where it was unpacked is nobody's business.
            raise RequestError(error.status, str(error).replace(f"{folder}/", "")) from None


def _unpack(upload: IO[bytes], folder: Path) -> None:
    """The files of an export, by their names and no others, so that no path in the archive is used."""
    try:
        with zipfile.ZipFile(_SmallReads(upload)) as archive:
            known = {IMAGES, LABELS, SAMPLES} & set(archive.namelist())
            found = [archive.getinfo(name) for name in known]
            if not found:
                raise InkwiseError(f"the zip file holds none of {IMAGES}, {LABELS} and {SAMPLES}")
            if any(info.compress_type not in _COMPRESSION_METHODS for info in found):
                raise InkwiseError("the zip file is packed in a way that is not read here")
            left = UNPACKED_BYTES
            if sum(info.file_size for info in found) > left:
                raise _too_large_error()
            for info in found:
                with archive.open(info) as packed, (folder / info.filename).open("wb") as file:
                    for piece in _chunks(packed):
                        left -= len(piece)
                        if left < 0:  # the archive said less
                            raise _too_large_error()
                        file.write(piece)
    except InkwiseError:
        raise
    except _ARCHIVE_ERRORS as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            raise
        raise InkwiseError("the zip file is damaged, or needs a password") from None


class _SmallReads:
    """A file whose zip directory is not read where it is too large: each entry takes some hundred bytes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.tell, self.seekable = file.tell, file.seekable

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size if 0 <= size <= _CHUNK_BYTES else _CHUNK_BYTES + 1)
        if len(data) > _CHUNK_BYTES:
            raise InkwiseError("the zip file holds too many files")
        return data


@contextmanager
def _temporary_space() -> Iterator[None]:
    """Answer with 507 or 503 where temporary files cannot be written."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno or errno.EIO)  # without the path
        status = 507 if error.errno in _FULL else 503
        raise RequestError(status, f"temporary files cannot be written here ({reason})") from None


def _too_large_error() -> PayloadTooLargeError:
    return PayloadTooLargeError(f"too large: at most {UNPACKED_BYTES // 2**20} MB can be unpacked")
