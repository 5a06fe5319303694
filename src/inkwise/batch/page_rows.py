"""The files of a batch, how their pages are read, and the row of each page."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from inkwise import __version__
from inkwise._util.errors import ImageError, InkwiseError, one_line
from inkwise._util.inputs import MEGABYTE, is_folder
from inkwise._util.text import to_valid_utf8
from inkwise.image import Document, no_pictures_error
from inkwise.recognition import Expect, Reading, Recognizer
from inkwise.recognition.constraints import Constraint
from inkwise.recognition.model import LineModel, line_model_source, model_content, model_source
from inkwise.recognition.reading import NO_INK, SHOWN_ALTERNATIVES

if TYPE_CHECKING:
    from inkwise.forms import FormReading, FormTemplate

Columns = dict[str, type]
"""The columns of a table and their types; an empty cell is None."""

STANDARD_INPUT = "-"

_PAGE_COLUMNS: Columns = {"file": str, "page": int}
_READING_COLUMNS: Columns = {"text": str, "confidence": float, "accepted": bool, "reason": str}
_NUMBER_COLUMNS: Columns = {"text": str, "value": str, **_READING_COLUMNS}
_CONSTRAINED_COLUMNS: Columns = {"text": str, "unconstrained": str, **_NUMBER_COLUMNS}

_MAX_STDIN_BYTES = 256 * MEGABYTE  # held in memory


class PageTask(NamedTuple):
    """A page to read.

    Attributes:
        file: Path of its file.
        content: What to open: the path again, or bytes.
        number: Page number, from 1.
        known: Whether the page count of the file is known.
    """

    file: str
    content: str | bytes
    number: int
    known: bool


class PageRow(NamedTuple):
    """The row of one page.

    Attributes:
        values: Plain values by column, and further keys of the JSON formats.
        failed: Whether the page could not be read; the reason says why.
    """

    values: dict[str, Any]
    failed: bool

    @property
    def accepted(self) -> list[bool]:
        """Whether each number of the page is accepted, of a form each field with ink.

        If the page is rejected as a whole, none of its numbers is.
        """
        if "fit" in self.values:
            fields = self.values.get("fields") or {}
            inked = (name for name, field in fields.items() if field["reason"] != NO_INK)
            return [self.values[f"{name}_accepted"] for name in inked]
        found = [number["accepted"] for number in self.values.get("numbers", ())]
        return found if self.values.get("accepted") or not all(found) else [False] * len(found)


@dataclass(frozen=True)
class BatchOptions:
    """How to read pages, in plain values that can be sent to another process.

    Attributes:
        model: Name of a bundled model, an .onnx file or a run folder.
        expect: What each page holds, as for `Recognizer.read`; for a number the model is a line model.
        constraint: Constraint on the number that each page holds, as `Constraint.from_dict` takes it.
        form: Each page is a filled scan of this form.
        alternatives: Labels of each digit in JSON; None is all.
        decimal: Decimal separator of the writers, as for `Recognizer`.
    """

    model: str = "default"
    expect: Expect | None = None
    constraint: dict[str, Any] | None = None
    form: FormTemplate | None = None
    alternatives: int | None = SHOWN_ALTERNATIVES
    decimal: str | None = None

    @property
    def reads_number(self) -> bool:
        """Whether each page holds exactly one number."""
        return self.expect == "number" or self.constraint is not None

    @property
    def columns(self) -> Columns:
        """The columns of the rows."""
        if self.form is not None:
            return _PAGE_COLUMNS | self.form.columns
        if self.constraint is not None:
            return _PAGE_COLUMNS | _CONSTRAINED_COLUMNS
        return _PAGE_COLUMNS | (_NUMBER_COLUMNS if self.reads_number else _READING_COLUMNS)

    def open(self, threads: int = 0) -> Callable[[NDArray[np.uint8]], Reading | FormReading]:
        """Load the models and return a function that reads a grey (H, W) uint8 page.

        Args:
            threads: Threads of the models; 0 uses one per core.

        Raises:
            ModelError: The model cannot be used.
            InkwiseError: The constraint is invalid, or the reference of the form cannot be read.
        """
        if self.reads_number:
            constraint = None if self.constraint is None else Constraint.from_dict(self.constraint)
            lines = LineModel(line_model_source(self.model), threads=threads)
            recognizer = Recognizer(threads=threads, line_model=lines, decimal=self.decimal)
            return partial(recognizer.read, expect="number", constraint=constraint)
        recognizer = Recognizer(self.model, threads=threads, decimal=self.decimal)
        if self.form is not None:
            from inkwise.forms import FormReader

            return FormReader(self.form, recognizer).read
        return partial(recognizer.read, expect=self.expect)

    def settings(self) -> dict[str, Any]:
        """Return everything besides the pages that determines the rows.

        Raises:
            ModelError, InkwiseError: As for `open`.
        """
        self.open()
        glyphs, lines = ("default", self.model) if self.reads_number else (self.model, "default")
        models = hashlib.sha256()
        for source in (model_source(glyphs), line_model_source(lines)):
            models.update(model_content(source))
        return {
            "version": __version__,
            "model": models.hexdigest(),
            "--expect": self.expect,
            "constraint": self.constraint,
            "--form": None if self.form is None else self.form.digest(),
            "--alternatives": self.alternatives,
            "--decimal": self.decimal,
        }


class TaskReader:
    """Reads pages in this process, with at most one document open."""

    def __init__(self, options: BatchOptions, threads: int = 0) -> None:
        """Load the models, see `BatchOptions.open`."""
        self._read, self._options = options.open(threads), options
        self._document: Document | None = None
        self._file = ""

    def read(self, task: PageTask) -> Iterator[int | PageRow]:
        """Yield the page count of the file, 0 if it cannot be opened, then the row of the page.

        Any exception becomes the row of its page, so that the other pages are still read.
        """
        try:
            document = self._open(task)
        except Exception as error:
            yield 0
            yield error_row(task.file, task.number, self._options.columns, error)
            return
        yield len(document)
        try:
            values = self._read(document.page(task.number)).to_dict(self._options.alternatives)
        except Exception as error:
            yield error_row(task.file, task.number, self._options.columns, error)
        else:
            page: dict[str, Any] = {"file": to_valid_utf8(task.file), "page": task.number}
            if self._options.reads_number:
                page["value"] = next((number["value"] for number in values["numbers"]), None)
            yield PageRow(page | values, failed=False)

    def _open(self, task: PageTask) -> Document:
        """Return the open document of a task.

        Raises:
            ImageError: As for `Document`, or it is a folder without images.
        """
        if self._document is None or self._file != task.file or not task.known:
            self.close()
            source = task.content
            if isinstance(source, bytes) and len(source) > _MAX_STDIN_BYTES:
                size = _MAX_STDIN_BYTES // MEGABYTE
                raise ImageError(f"standard input: is larger than {size} MB; name a file")
            if isinstance(source, str) and is_folder(source):
                raise no_pictures_error(source)
            self._document, self._file = Document(source), task.file
        return self._document

    def close(self) -> None:
        """Close the open document."""
        if self._document is not None:
            self._document.close()
            self._document = None


def error_row(file: str, number: int, columns: Columns, error: Exception) -> PageRow:
    """Return the row of a page that could not be read."""
    if isinstance(error, InkwiseError):
        reason = str(error)
    else:
        words = "not enough memory" if isinstance(error, MemoryError) else f"{type(error).__name__}: {error}"
        reason = f"{file}, page {number}: cannot be read ({' '.join(words.split())})"
    empty = {column: kind() for column, kind in columns.items()}
    page = {"file": to_valid_utf8(file), "page": number, "reason": one_line(reason)}
    return PageRow(empty | page, failed=True)


def file_content(file: str) -> str | bytes:
    """Return the path itself, or the content of standard input up to its limit."""
    return sys.stdin.buffer.read(_MAX_STDIN_BYTES + 1) if file == STANDARD_INPUT else file


def file_fingerprint(file: str) -> str:
    """Return the size and modification time of a file, or an empty text if they are unknown."""
    try:
        status = Path(file).stat()
    except (OSError, ValueError):
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"
