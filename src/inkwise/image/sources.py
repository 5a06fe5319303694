"""What a picture may be given as: a path, the bytes of a file, a file object, a PIL image or an array."""

from __future__ import annotations

import errno
import io
import os
import re
from collections.abc import Iterable
from typing import IO, Any, Protocol

from numpy.typing import NDArray
from PIL import Image

from inkwise._util.errors import ImageError
from inkwise._util.inputs import open_input

_MAX_FILE_BYTES = 1_000_000_000  # pdfium searches the whole of a damaged file, which takes 5 s for this size
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/|data:")
_ACCEPTED = "give a path, the bytes of a file, a file object, a PIL image or an array"


class ArrayLike(Protocol):
    """Anything that numpy converts, such as a tensor of PyTorch."""

    def __array__(self) -> NDArray[Any]:
        """Return the values as an array."""


FileSource = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]
"""A path, the bytes of a file, or a file object that is opened in binary mode."""

ImageSource = FileSource | Image.Image | ArrayLike
"""A file, a PIL image, or an array or tensor (h, w), (h, w, 1|3|4), of any real dtype."""


class ImageNotFoundError(ImageError, FileNotFoundError):
    """The file of an image does not exist."""


def is_array(source: object) -> bool:
    """Return whether numpy converts an object; PIL images count as pictures, lists and texts do not count."""
    if isinstance(source, str | bytes):  # those of numpy, too
        return False
    return hasattr(source, "__array__") or hasattr(source, "__array_interface__")


def open_source(source: FileSource) -> tuple[IO[bytes], str]:
    """Open a file and return it, seekable, with its name for messages.

    Raises:
        ImageError: it cannot be opened, is empty or too large, or is not a file.
    """
    if isinstance(source, str | os.PathLike):
        file, name = _open_path(os.fsdecode(source))
        size = os.fstat(file.fileno()).st_size
    else:
        if isinstance(source, bytes | bytearray | memoryview):
            content, name = bytes(source), "the picture"
        else:
            content, name = _read_file_object(source)
        file, size = io.BytesIO(content), len(content)
    if size == 0:
        file.close()
        raise ImageError(f"{name}: is empty (0 bytes)")
    return file, name


def _open_path(path: str) -> tuple[IO[bytes], str]:
    try:
        return open_input(path, _MAX_FILE_BYTES, ImageError), path
    except ImageError as error:
        text, reason = str(error), error.__context__
    if isinstance(reason, IsADirectoryError):
        raise ImageError(f"{text}; read_many reads the pictures in it")
    if not isinstance(reason, FileNotFoundError):
        raise ImageError(text)
    if _URL.match(path):
        raise ImageError(
            f"{path[:100]}: is a URL, and Inkwise downloads nothing; save the picture, or give its bytes"
        )
    missing = ImageNotFoundError(text)
    missing.errno = errno.ENOENT
    raise missing


def _read_file_object(source: Any) -> tuple[bytes, str]:
    """Read all of a file object, from its start if it can seek; return its bytes and its name."""
    if not hasattr(source, "read"):
        raise wrong_type_error(source)
    name = getattr(source, "name", None)
    name = name if isinstance(name, str) else "the file object"
    try:
        if hasattr(source, "seekable") and source.seekable():
            source.seek(0)
        content = source.read(_MAX_FILE_BYTES + 1)
    except Exception as error:  # of any library
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(f"{name}: cannot be read ({reason})") from None
    if isinstance(content, str):
        raise ImageError(f"{name}: is opened as text; open it in binary mode, 'rb'")
    if not isinstance(content, bytes):
        raise ImageError(f"{name}: read() returns {type(content).__name__}, not bytes")
    if len(content) > _MAX_FILE_BYTES:
        raise ImageError(f"{name}: is larger than {_MAX_FILE_BYTES // 1_000_000:,} MB")
    return content, name


def wrong_type_error(source: object) -> ImageError:
    """Return the error for what is not a picture; it says what to do."""
    if source is None:
        return ImageError(
            f"None is not a picture (cv2.imread returns it for a file it cannot read); {_ACCEPTED}"
        )
    kind = type(source).__name__
    if isinstance(source, Iterable):
        return ImageError(
            f"{kind} is not one picture: read_many reads several pictures, read_strokes reads strokes, and"
            " numpy.asarray makes an array of numbers"
        )
    return ImageError(f"{kind} is not a picture; {_ACCEPTED}")
