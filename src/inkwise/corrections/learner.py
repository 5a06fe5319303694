"""Reading that learns: what both the web app and the window do, once."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import InkwiseError, StoreError
from inkwise.corrections.models import version_or_base
from inkwise.corrections.sample import Sample
from inkwise.corrections.store import Store
from inkwise.image import ImageSource
from inkwise.preprocessing import Strokes, strokes_to_glyph
from inkwise.recognition import Reading, Recognizer
from inkwise.recognition.adaptation import Adaptation

MAX_ADAPTATION_SAMPLES = 500
"""So many of a writer's samples are in the memory, the newest: more would keep the next reading waiting."""

MAX_CACHED_WRITERS = 64
"""So many writers are known at a time: each takes some megabytes."""

RETRY_SECONDS = 2.0
"""Seconds without asking a database that has just failed."""

_THREADS = 1  # processor threads of each model: several people are served at once


@dataclass(frozen=True, eq=False)
class LabelledAnswer:
    """What somebody said of a digit that was read.

    Attributes:
        label: what it truly is, 1 to 32 characters.
        strokes: of this digit alone; or
        glyph: (28, 28) uint8, where it was no drawing.
        answer: what it was read as, with its probability and the name of the model.
        id: of the sample that it becomes; the same one given again is kept once. None takes a new one.
    """

    label: str
    strokes: Strokes | None = None
    glyph: NDArray[np.uint8] | None = None
    answer: str | None = None
    probability: float | None = None
    model: str | None = None
    id: uuid.UUID | None = None


class _WriterState:
    """What is known of one writer; whoever changes it holds the lock."""

    def __init__(self, base: Recognizer) -> None:
        self.lock = threading.Lock()
        self.change_marker: tuple[int, ...] = ()
        self.version = 0
        self.damage: str | None = None
        self.recognizer = base
        self.model_outputs: dict[uuid.UUID, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}
        """Probabilities and embedding of the samples in the memory, by the model of this version."""


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
            model: what to begin with, as for `Recognizer`.

        Raises:
            ModelError: the file cannot be used.
        """
        self.base = Recognizer(model, threads=_THREADS)
        self._url = database
        self._opening = threading.Lock()
        self._store: Store | None = None
        self._failed: tuple[float, StoreError | None] = 0.0, None
        self._retry_at = 0.0
        self._writer_states: dict[str, _WriterState] = {}

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
                    self._failed = time.monotonic() + RETRY_SECONDS, error
                    raise
            return self._store

    def close(self) -> None:
        """Give back all connections, also those of an opening that is under way."""
        with self._opening:
            if self._store is not None:
                self._store.close()
            self._store = None  # whoever asks again opens it anew

    def read_strokes(self, writer: str, strokes: Strokes, *, single: bool = False) -> Reading:
        """Read what this writer drew; see `Recognizer.read_strokes`."""
        return self.recognizer(writer).read_strokes(strokes, single=single)

    def read(self, writer: str, picture: ImageSource) -> Reading:
        """Read a picture of this writer's digits; see `Recognizer.read`."""
        return self.recognizer(writer).read(picture)

    def keep(self, writer: str, source: str, answers: Sequence[LabelledAnswer]) -> list[Sample]:
        """Keep answers, all or none; on disk when this returns, and learnt by the next reading.

        Raises:
            InkwiseError: a value is not what it should be.
            StoreError: the database cannot keep them.
        """
        samples = [
            Sample.now(
                _answer_glyph(answer),
                id=answer.id,
                writer=writer,
                source=source,
                strokes=answer.strokes,
                answer=answer.answer,
                probability=answer.probability,
                label=answer.label,
                model=answer.model,
            )
            for answer in answers
        ]
        kept = self.store.extend(samples)
        self._retry_at = 0.0
        return kept

    def recognizer(self, writer: str) -> Recognizer:
        """The writer's version of the model, with a memory of the newest samples."""
        known = self._writer_states.setdefault(writer, _WriterState(self.base))
        while len(self._writer_states) > MAX_CACHED_WRITERS:
            self._writer_states.pop(next(iter(self._writer_states)), None)
        # Of several readings after an answer one recalls, the others wait for it.
        with known.lock:
            if self._store is None and self._failed[1]:
                # It may take long to find out that it still cannot be opened: reading does not wait for that.
                if not self._opening.locked():
                    threading.Thread(target=self._open, daemon=True).start()
            elif time.monotonic() >= self._retry_at:
                began = time.monotonic()
                try:
                    mark = self.store.change_marker(writer)
                    if mark != known.change_marker:
                        self._update_adaptation(known, writer, version=mark[-1])
                        known.change_marker = mark
                except StoreError:
                    # Whoever keeps an answer is told; a reading in four, at most, waits for the database.
                    now = time.monotonic()
                    self._retry_at = now + RETRY_SECONDS + 3 * (now - began)
            return known.recognizer

    def damage(self, writer: str) -> str | None:
        """Say in one line why the writer's version cannot be used, or None if it can.

        The base model reads in its place, with the writer's memory.
        """
        self.recognizer(writer)
        known = self._writer_states.get(writer)
        return known.damage if known else None

    def _open(self) -> None:
        with suppress(StoreError):
            _ = self.store

    def _update_adaptation(self, known: _WriterState, writer: str, version: int) -> None:
        model, damage = known.recognizer.model, known.damage
        if version != known.version:
            versions = self.store.versions
            model, damage = version_or_base(versions, version, self.base.model, threads=_THREADS)
            known.model_outputs = {}
        ids, labels, glyphs = self.store.newest(writer, MAX_ADAPTATION_SAMPLES)
        fresh = [n for n, sample_id in enumerate(ids) if sample_id not in known.model_outputs]
        looks = zip(*model.run(glyphs[fresh]), strict=True)
        known.model_outputs |= {ids[n]: look for n, look in zip(fresh, looks, strict=True)}
        known.model_outputs = {sample_id: known.model_outputs[sample_id] for sample_id in ids}
        memory = None
        if ids:
            probabilities, embeddings = map(np.stack, zip(*known.model_outputs.values(), strict=True))
            memory = Adaptation(model, labels, probabilities, embeddings)
        known.version, known.damage = version, damage
        known.recognizer = Recognizer(model, threads=_THREADS, adaptation=memory)


def _answer_glyph(answer: LabelledAnswer) -> NDArray[np.uint8]:
    glyph = answer.glyph if answer.strokes is None else strokes_to_glyph(answer.strokes)
    if glyph is None:
        raise InkwiseError("an answer needs the strokes or the glyph of a digit")
    return glyph
