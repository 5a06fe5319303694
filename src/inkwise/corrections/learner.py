"""Reading that learns: what both the web app and the window do, once."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inkwise.corrections.sample import Sample
from inkwise.corrections.store import Store
from inkwise.errors import InkwiseError, StoreError
from inkwise.ink import Picture, Strokes, stroke_glyph
from inkwise.recognition import Model, Reading, Recognizer

REMEMBERED = 500
"""So many of a writer's samples are in the memory, the newest: more would keep the next reading waiting."""

REST = 2.0
"""Seconds without asking a database that has just failed."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What somebody said of a digit that was read.

    Attributes:
        label: what it truly is, 1 to 32 characters.
        strokes: of this digit alone; or
        glyph: (28, 28) uint8, where it was no drawing.
        answer: what it was read as, with its probability and the name of the model.
    """

    label: str
    strokes: Strokes | None = None
    glyph: NDArray[np.uint8] | None = None
    answer: str | None = None
    probability: float | None = None
    model: str | None = None


class Learner:
    """Reads each writer's hand with what that writer taught, and keeps what is taught from then on.

    It may be used by several threads, and several of them may share a database. Where the database cannot be
    used, reading goes on with what was last known.

    >>> learner = Learner("sqlite:///taught.db")  # doctest: +SKIP
    >>> digit = learner.read_strokes("anna", strokes).digits[0]  # doctest: +SKIP
    >>> learner.keep("anna", "canvas", [Answer("7", strokes, answer=digit.label)])  # doctest: +SKIP
    """

    def __init__(self, database: str | None = None, model: str | Path | None = None) -> None:
        """Open the model; the database is opened when it is first needed, and again after it failed.

        Args:
            database: as for `Store.open`.
            model: the .onnx file to begin with; None takes the bundled weights.

        Raises:
            ModelError: the file cannot be used.
        """
        # One thread each: several people are served at once.
        self.base = Recognizer(model, threads=1)
        self._url = database
        self._opening = threading.Lock()
        self._store: Store | None = None
        self._failed: tuple[float, StoreError | None] = 0.0, None
        self._resting = 0.0
        self._recalling: dict[str, threading.Lock] = {}
        self._known: dict[str, tuple[tuple[int, ...], Recognizer]] = {}

    @property
    def store(self) -> Store:
        """The open store.

        Raises:
            StoreError: it cannot be opened.
        """
        with self._opening:
            if self._store is None:
                until, error = self._failed
                if time.monotonic() < until:
                    raise StoreError(str(error))  # all who wait would wait for it in turn
                try:
                    self._store = Store.open(self._url)
                except StoreError as error:
                    self._failed = time.monotonic() + REST, error
                    raise
            return self._store

    def close(self) -> None:
        """Give back all connections."""
        if self._store is not None:
            self._store.close()

    def read_strokes(self, writer: str, strokes: Strokes, *, single: bool = False) -> Reading:
        """Read what this writer drew; see `Recognizer.read_strokes`."""
        return self.recognizer(writer).read_strokes(strokes, single=single)

    def read(self, writer: str, picture: Picture) -> Reading:
        """Read a picture of this writer's digits; see `Recognizer.read`."""
        return self.recognizer(writer).read(picture)

    def keep(self, writer: str, source: str, answers: Sequence[Answer]) -> list[Sample]:
        """Keep answers, all or none; on disk when this returns, and learnt by the next reading.

        Raises:
            InkwiseError: a value is not what it should be.
            StoreError: the database cannot keep them.
        """
        samples = [
            Sample(
                id=uuid.uuid4(),
                time=datetime.now(UTC),
                writer=writer,
                source=source,
                glyph=_glyph(answer),
                strokes=answer.strokes,  # type: ignore[arg-type]  # lists are made of it there
                answer=answer.answer,
                probability=answer.probability,
                label=answer.label,
                model=answer.model,
            )
            for answer in answers
        ]
        self.store.extend(samples)
        self._resting = 0.0
        return samples

    def recognizer(self, writer: str) -> Recognizer:
        """The writer's version of the model, with a memory of the newest samples."""
        # Of several readings after an answer one recalls, the others wait for it.
        with self._recalling.setdefault(writer, threading.Lock()):
            mark, known = self._known.get(writer, ((), self.base))
            if time.monotonic() < self._resting:
                return known
            try:
                now = self.store.mark(writer)
                if now != mark:
                    known = self._recall(writer, version=now[-1])
                    self._known[writer] = now, known
            except StoreError:
                # Whoever keeps an answer is told; reading goes on, and does not wait for the database again.
                self._resting = time.monotonic() + REST
            return known

    def _recall(self, writer: str, version: int) -> Recognizer:
        known = Recognizer(Model(self.store.versions.weights(version), threads=1)) if version else self.base
        newest = self.store.samples(writer=writer, limit=REMEMBERED)
        labelled = [sample for sample in newest if sample.label is not None]
        if not labelled:
            return known
        labels = np.array([sample.label for sample in labelled], np.str_)
        return known.remember(np.stack([sample.glyph for sample in labelled]), labels)


def _glyph(answer: Answer) -> NDArray[np.uint8]:
    glyph = answer.glyph if answer.strokes is None else stroke_glyph(answer.strokes)
    if glyph is None:
        raise InkwiseError("an answer needs the strokes or the glyph of a digit")
    return glyph
