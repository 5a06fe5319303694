"""The recognizer that adapts to each writer, shared by the web app and the window."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import InkwiseError, StoreError
from inkwise.corrections.database import data_folder
from inkwise.corrections.known_glyphs import KnownGlyphs
from inkwise.corrections.sample import Sample
from inkwise.corrections.store import Store
from inkwise.image import ImageSource
from inkwise.preprocessing import Strokes, strokes_to_glyph
from inkwise.recognition import Expect, Reading, Recognizer
from inkwise.recognition.adaptation import Adaptation
from inkwise.recognition.model import LETTERS_MODEL, LineModel

MAX_ADAPTATION_SAMPLES = 500
"""Newest samples that a writer's recognizer adapts to; more would delay the next reading."""

MAX_CACHED_WRITERS = 64
"""Writers whose recognizer stays in memory; each takes some megabytes."""

RETRY_SECONDS = 2.0
"""Seconds before a database that failed is asked again."""

_THREADS = 1  # processor threads of each model; several people are served at once


@dataclass(frozen=True, eq=False)
class LabelledAnswer:
    """The true label of a digit that was read.

    Attributes:
        label: True label, 1 to 32 characters.
        strokes: Strokes of this digit alone; or
        glyph: (28, 28) uint8, if the digit was not drawn.
        line_ink: (48, w) uint8, if the digit was cut from a number.
        answer: Label that the model read, "not a digit" if it rejected the drawing.
        probability: Probability of the answer.
        model: Name of the model.
        number_id: Identifies the number that the digit was read in; None if it stood alone.
        id: Id of the new sample; a repeated id is stored once. None creates an id.
    """

    label: str
    strokes: Strokes | None = None
    glyph: NDArray[np.uint8] | None = None
    line_ink: NDArray[np.uint8] | None = None
    answer: str | None = None
    probability: float | None = None
    model: str | None = None
    number_id: uuid.UUID | None = None
    id: uuid.UUID | None = None

    def to_sample(self, writer: str, source: str) -> Sample:
        """Return a new sample; InkwiseError if a value is invalid, or there are no strokes and no glyph."""
        glyph = self.glyph if self.strokes is None else strokes_to_glyph(self.strokes)
        if glyph is None:
            raise InkwiseError("an answer needs the strokes or the glyph of a digit")
        return Sample.now(**{**vars(self), "glyph": glyph, "writer": writer, "source": source})


class _WriterState:
    """Recognizer of one writer; a thread that changes it holds the lock."""

    def __init__(self, base: Recognizer) -> None:
        self.lock = threading.Lock()
        self.change_marker: tuple[int, ...] = ()
        self.version = 0
        self.damage: str | None = None
        self.line_model: LineModel | None = None
        self.recognizer = base
        self.samples: tuple[NDArray[np.str_], NDArray[np.uint8], NDArray[np.float32]] | None = None
        """Labels, glyphs and embeddings of the samples that the recognizer is adapted to."""
        self.known: KnownGlyphs | None = None
        """Made of these samples when it is first asked for."""
        self.model_outputs: dict[uuid.UUID, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}
        """Probabilities and embedding of each sample, by the model of this version."""


class Learner:
    """Reads each writer's drawings with a recognizer that adapts to that writer's samples.

    Threads may share a learner, and learners a database. While the database is unavailable, reading continues
    with the last known samples.

    >>> learner = Learner("sqlite:///corrections.db")  # doctest: +SKIP
    >>> digit = learner.read_strokes("anna", strokes).digits[0]  # doctest: +SKIP
    >>> learner.keep("anna", "canvas", [LabelledAnswer("7", strokes, answer=digit.label)])  # doctest: +SKIP
    """

    def __init__(self, database: str | None = None, model: str | Path | None = None) -> None:
        """Open the model; the database is opened on first use, and again after a failure.

        Args:
            database: URL as for `Store.open`.
            model: Base model, as for `Recognizer`; ModelError if it cannot be used.
        """
        self.base = Recognizer(model, threads=_THREADS)
        self._url = database
        self._opening = threading.Lock()
        self._store: Store | None = None
        self._failed: tuple[float, StoreError | None] = 0.0, None
        self._retry_at = 0.0
        self._writer_states: dict[tuple[str, bool], _WriterState] = {}

    @cached_property
    def letters_base(self) -> Recognizer:
        """The recognizer of letters, opened when it is first needed."""
        return Recognizer(LETTERS_MODEL, threads=_THREADS)

    @property
    def data_folder(self) -> Path:
        """Folder of the database, or the user's data folder if the database is on a server."""
        return data_folder(self._url)

    @property
    def store(self) -> Store:
        """The open store; StoreError if it cannot be opened."""
        with self._opening:
            if self._store is None:
                until, error = self._failed
                if time.monotonic() < until:
                    raise StoreError(
                        str(error)
                    )  # else every waiting thread would wait for the same failure in turn
                try:
                    self._store = Store.open(self._url)
                except StoreError as error:
                    self._failed = time.monotonic() + RETRY_SECONDS, error
                    raise
            return self._store

    def close(self) -> None:
        """Close all connections, those that another thread is opening included; the next use reopens them."""
        with self._opening:
            if self._store is not None:
                self._store.close()
            self._store = None

    def read_strokes(
        self, writer: str, strokes: Strokes, expect: Expect | None = None, *, letters: bool = False
    ) -> Reading:
        """Read a writer's strokes; see `Recognizer.read_strokes`, and `recognizer` for `letters`."""
        return self.recognizer(writer, letters=letters).read_strokes(strokes, expect)

    def read(self, writer: str, picture: ImageSource, *, letters: bool = False) -> Reading:
        """Read an image of a writer's digits; see `Recognizer.read`, and `recognizer` for `letters`."""
        return self.recognizer(writer, letters=letters).read(picture)

    def keep(self, writer: str, source: str, answers: Sequence[LabelledAnswer]) -> list[Sample]:
        """Store answers, all or none; the next reading adapts to them. Errors are those of `Store`."""
        kept = self.store.extend([answer.to_sample(writer, source) for answer in answers])
        self._retry_at = 0.0
        return kept

    def recognizer(self, writer: str, *, letters: bool = False) -> Recognizer:
        """Return the promoted version of a writer's model, adapted to the writer's newest samples.

        With `letters` it is the bundled model of that name, of which there are no versions. Samples that it
        answered do not change how digits are read.
        """
        return self._current_state(writer, letters).recognizer

    def known_glyphs(self, writer: str, *, letters: bool = False) -> KnownGlyphs:
        """Return the samples that `recognizer` is adapted to, and one plain glyph of each digit."""
        state = self._current_state(writer, letters)
        with state.lock:
            state.known = state.known or KnownGlyphs(state.recognizer.model, state.samples)
            return state.known

    def damage(self, writer: str) -> str | None:
        """Return why the base model replaces the writer's version, in one line, or None."""
        return self._current_state(writer, False).damage

    def _current_state(self, writer: str, letters: bool) -> _WriterState:
        """Return the state of a writer, adapted to the newest samples; see `recognizer`."""
        letters = letters and not self.base.model.reads_letters
        base = self.letters_base if letters else self.base
        state = self._writer_states.setdefault((writer, letters), _WriterState(base))
        while len(self._writer_states) > MAX_CACHED_WRITERS:
            self._writer_states.pop(next(iter(self._writer_states)), None)
        with state.lock:  # the first reading after an answer adapts, concurrent ones wait for it
            if self._store is None and self._failed[1]:
                if (
                    not self._opening.locked()
                ):  # another failure may take long, so reading does not wait for it
                    threading.Thread(target=self._open, daemon=True).start()
            elif time.monotonic() >= self._retry_at:
                began = time.monotonic()
                try:
                    marker = self.store.change_marker(writer)
                    if marker != state.change_marker:
                        self._update_adaptation(state, writer, version=0 if letters else marker[-1])
                        state.change_marker = marker
                except StoreError:  # which `keep` reports; at most one reading in four waits for the database
                    now = time.monotonic()
                    self._retry_at = now + RETRY_SECONDS + 3 * (now - began)
            return state

    def _open(self) -> None:
        with suppress(StoreError):
            _ = self.store

    def _update_adaptation(self, state: _WriterState, writer: str, version: int) -> None:
        model, lines = state.recognizer.model, state.line_model
        damage, outputs = state.damage, state.model_outputs
        if version != state.version:
            model, lines, damage = self.store.versions.open_or_base(
                version, self.base.model, threads=_THREADS
            )
            outputs = {}
        of_digits = not model.reads_letters
        ids, labels, glyphs = self.store.newest(writer, MAX_ADAPTATION_SAMPLES, of_digits=of_digits)
        new = [number for number, sample_id in enumerate(ids) if sample_id not in outputs]
        outputs = outputs | dict(
            zip([ids[n] for n in new], zip(*model.run(glyphs[new]), strict=True), strict=True)
        )
        outputs = {sample_id: outputs[sample_id] for sample_id in ids}
        adaptation = samples = None
        if ids:
            probabilities, embeddings = map(np.stack, zip(*outputs.values(), strict=True))
            adaptation = Adaptation(model, labels, probabilities, embeddings)
            samples = labels, glyphs, embeddings
        state.version, state.damage, state.model_outputs = version, damage, outputs
        state.line_model, state.samples, state.known = lines, samples, None
        state.recognizer = Recognizer(model, threads=_THREADS, adaptation=adaptation, line_model=lines)
