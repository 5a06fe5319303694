"""Routes that export samples as a ZIP file and import them."""

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
from inkwise.app.requests import UNPACKED_BYTES, AnyWriter, Writer, store_errors_as
from inkwise.corrections import Damage, Learner, import_samples
from inkwise.corrections.exchange import IMAGES, LABELS, SAMPLES, write_samples
from inkwise.http.bodies import PayloadTooLargeError, RequestError, json_response

_CHUNK_BYTES = 2**20  # bytes moved at once
_COMPRESSION_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_LISTED_DAMAGE = 20  # ids of damaged rows in a response header
_ARCHIVE_ERRORS = (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError)


def routes(learner: Learner, heavy: CapacityLimiter) -> APIRouter:
    """Return the routes, both for the `heavy` threads."""
    router = APIRouter()

    @router.get("/api/export")
    async def export(writer: AnyWriter = None) -> Response:
        return await to_thread.run_sync(_export, learner, writer, limiter=heavy)

    @router.post("/api/import")
    async def import_(request: Request, writer: Writer) -> Response:
        with temporary_space(), tempfile.TemporaryFile() as upload:  # too large for memory
            async for chunk in request.stream():
                upload.write(chunk)
            added = await to_thread.run_sync(_import, learner, writer, upload, limiter=heavy)
        return json_response({"added": added})

    return router


def _export(learner: Learner, writer: str | None) -> Response:
    store = learner.store
    if not store.count(writer=writer):
        raise RequestError(404, "there are no samples" + (f" of {writer}" if writer else ""))
    damaged: list[Damage] = []
    with temporary_space(), ExitStack() as opened:
        packed = opened.enter_context(tempfile.TemporaryFile())
        with tempfile.TemporaryDirectory() as folder:
            with store_errors_as(404):
                write_samples(store, Path(folder), writer, damaged.append)
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                for file in (IMAGES, LABELS, SAMPLES):
                    archive.write(Path(folder) / file, file)
        size = packed.tell()
        packed.seek(0)
        opened.pop_all()  # closed after sending
    headers = {
        "Content-Disposition": 'attachment; filename="inkwise-samples.zip"',
        "Content-Length": str(size),
    }
    if damaged:
        ids = ", ".join(damage.id for damage in damaged[:_LISTED_DAMAGE])
        headers["Inkwise-Damaged"] = f"{len(damaged)}: {ids}"
    return StreamingResponse(_chunks(packed), headers=headers, media_type="application/zip")


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


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
            # Clients need not know the path of the temporary folder.
            raise RequestError(error.status, str(error).replace(f"{folder}/", "")) from None


def _unpack(upload: IO[bytes], folder: Path) -> None:
    """Unpack the files of an export by their known names, so that no path in the archive is used."""
    try:
        with zipfile.ZipFile(_SmallReads(upload)) as archive:
            found = [archive.getinfo(name) for name in {IMAGES, LABELS, SAMPLES} & set(archive.namelist())]
            if not found:
                raise InkwiseError(f"ZIP file: found neither {IMAGES} nor {LABELS} nor {SAMPLES}")
            if any(info.compress_type not in _COMPRESSION_METHODS for info in found):
                raise InkwiseError("ZIP file: the compression method is not supported")
            _check_unpacked(sum(info.file_size for info in found))
            size = 0
            for info in found:
                with archive.open(info) as packed, (folder / info.filename).open("wb") as file:
                    for chunk in _chunks(packed):
                        size += len(chunk)
                        _check_unpacked(size)  # the archive may declare less
                        file.write(chunk)
    except InkwiseError:
        raise
    except _ARCHIVE_ERRORS as error:
        if isinstance(error, OSError) and error.errno in _DISK_FULL:
            raise
        raise InkwiseError("ZIP file: damaged or protected by a password") from None


def _check_unpacked(size: int) -> None:
    if size > UNPACKED_BYTES:
        raise PayloadTooLargeError(f"ZIP file: at most {UNPACKED_BYTES // 2**20} MB are unpacked")


class _SmallReads:
    """A file that rejects large reads: zipfile reads a whole directory at once, and expands each entry."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.tell, self.seekable = file.tell, file.seekable

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size if 0 <= size <= _CHUNK_BYTES else _CHUNK_BYTES + 1)
        if len(data) > _CHUNK_BYTES:
            raise InkwiseError("ZIP file: too many entries")
        return data


@contextmanager
def temporary_space() -> Iterator[None]:
    """Respond with 507 or 503 if temporary files cannot be written."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno or errno.EIO)  # without the path
        status = 507 if error.errno in _DISK_FULL else 503
        raise RequestError(status, f"temporary files cannot be written ({reason})") from None
