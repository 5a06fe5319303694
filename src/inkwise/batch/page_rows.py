"""How the pages of a stack are read, and what comes of one."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from inkwise import __version__
from inkwise._util.errors import ImageError, InkwiseError, one_line
from inkwise._util.inputs import MEGABYTE, is_folder
from inkwise.image import DOCUMENT_SUFFIXES, Document
from inkwise.recognition import Recognizer
from inkwise.recognition.constraints import Constraint
from inkwise.recognition.model import LineModel, line_model_source, model_content, model_source

if TYPE_CHECKING:
    from inkwise.forms import FormTemplate

Columns = dict[str, type]
"""The columns of a table and their types; what has no value is empty."""

_PAGE_COLUMNS: Columns = {"file": str, "page": int}
_READING_COLUMNS: Columns = {"text": str, "confidence": float, "accepted": bool, "reason": str}
_CONSTRAINED_COLUMNS: Columns = {"text": str, "unconstrained": str, **_READING_COLUMNS}

STANDARD_INPUT = "-"

_LARGEST = 256 * MEGABYTE  # of standard input, which is held in memory; in bytes

ReadPage = Callable[[NDArray[np.uint8]], dict[str, Any]]


class PageRow(NamedTuple):
    """What came of one page.

    Attributes:
        values: plain values by column, and what else JSON is to hold.
        failed: whether the page could not be read; the reason says why.
    """

    values: dict[str, Any]
    failed: bool


@dataclass(frozen=True)
class BatchOptions:
    """How pages are read: plain values, so that another process can open the same.

    Attributes:
        model: a bundled model by its name, an .onnx file, or a run folder.
        digit: each page holds exactly one digit.
        number: each page holds exactly one number; the model is then one that reads lines.
        constraint: what is known about the number, as `Constraint.from_dict` takes it.
        form: each page is a scan of this form, filled in.
    """

    model: str = "default"
    digit: bool = False
    number: bool = False
    constraint: dict[str, Any] | None = None
    form: FormTemplate | None = None

    @property
    def columns(self) -> Columns:
        """The columns of its rows."""
        if self.form is not None:
            return _PAGE_COLUMNS | self.form.columns
        return _PAGE_COLUMNS | (_READING_COLUMNS if self.constraint is None else _CONSTRAINED_COLUMNS)

    def open(self, threads: int = 0) -> ReadPage:
        """A function from a grey (H, W) uint8 page to plain values; 0 threads are one a core.

        Raises:
            ModelError: the model cannot be used.
            InkwiseError: the constraint is not possible, or the form's reference cannot be read.
        """
        if self.number:
            known = None if self.constraint is None else Constraint.from_dict(self.constraint)
            numbers = Recognizer(
                threads=threads, line_model=LineModel(line_model_source(self.model), threads=threads)
            )
            return lambda page: numbers.read_number(page, known).to_dict()
        recognizer = Recognizer(self.model, threads=threads)
        if self.form is not None:
            from inkwise.forms import FormReader

            sheets = FormReader(self.form, recognizer)
            return lambda page: sheets.read(page).to_dict()
        read = recognizer.read_digit if self.digit else recognizer.read
        return lambda page: read(page).to_dict()

    def settings(self) -> dict[str, Any]:
        """What rows depend on besides their pages.

        Raises:
            ModelError: the model cannot be used.
            InkwiseError: the constraint is not possible, or the form's reference cannot be read.
        """
        self.open()
        glyphs, lines = ("default", self.model) if self.number else (self.model, "default")
        models = hashlib.sha256()
        for source in (model_source(glyphs), line_model_source(lines)):
            models.update(model_content(source))
        return {
            "version": __version__,
            "model": models.hexdigest(),
            "--digit": self.digit,
            "--number": self.number,
            "constraint": self.constraint,
            "--form": None if self.form is None else self.form.digest(),
        }


def read_rows(
    file: str, read: ReadPage, columns: Columns, counted: Callable[[int], None]
) -> Iterator[PageRow]:
    """The rows of the pages of a file, each read when it is asked for; `counted` is told first how many."""
    try:
        document = open_document(file_content(file))
    except Exception as error:  # whatever it is, the other files can do nothing for it
        counted(1)
        yield error_row(file, 1, columns, error)
        return
    with document:
        counted(len(document))
        for number in range(1, len(document) + 1):
            yield read_row(file, document, number, read, columns)


def open_document(source: str | bytes) -> Document:
    """The document at a path, or of bytes.

    Raises:
        PictureError: as for `Document`, or it is a folder in which nothing was found.
    """
    if isinstance(source, bytes):
        if len(source) > _LARGEST:
            raise ImageError(f"standard input: is larger than {_LARGEST // MEGABYTE} MB; name a file")
    elif is_folder(source):
        closed = not os.access(source, os.R_OK | os.X_OK)
        why = "Permission denied" if closed else ", ".join(DOCUMENT_SUFFIXES)
        raise ImageError(f"{source}: no pictures in this folder ({why})")
    return Document(source)


def read_row(file: str, document: Document, number: int, read: ReadPage, columns: Columns) -> PageRow:
    """The row of one page of an open file."""
    try:
        values = read(document.page(number).grey)
    except Exception as error:  # whatever it is, the other pages can do nothing for it
        return error_row(file, number, columns, error)
    return PageRow({"file": to_valid_utf8(file), "page": number, **values}, failed=False)


def error_row(file: str, number: int, columns: Columns, error: Exception) -> PageRow:
    """The row of a page that could not be read."""
    if isinstance(error, InkwiseError):
        reason = str(error)
    else:
        words = "not enough memory" if isinstance(error, MemoryError) else f"{type(error).__name__}: {error}"
        reason = f"{file}, page {number}: cannot be read ({' '.join(words.split())})"
    empty = {column: kind() for column, kind in columns.items()}
    told = {"file": to_valid_utf8(file), "page": number, "reason": one_line(reason)}
    return PageRow(empty | told, failed=True)


def file_content(file: str) -> str | bytes:
    """The path itself, or what comes from standard input, as far as it can be read."""
    return sys.stdin.buffer.read(_LARGEST + 1) if file == STANDARD_INPUT else file


def to_valid_utf8(text: str) -> str:
    """The text as UTF-8 can hold it: a file's name need not be UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
