"""Dynamic batching: glyphs of simultaneous requests go through the model together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inkwise.recognition import Model

_MAX_BATCH_SIZE = 64  # glyphs per batch; larger ones are no faster, and others would wait longer

_Glyphs = NDArray[np.uint8]
_Outputs = tuple[NDArray[np.float32], NDArray[np.float32]]


class BatchedModel(Model):
    """A model for many threads: the thread that runs it also classifies the glyphs of those that wait.

    No thread waits for a batch to fill; glyphs that arrive while one runs form the next batch. A request with
    many glyphs is split, so that others wait for a part of it only.
    """

    def __init__(
        self,
        source: str | Path | bytes,
        *,
        observe: Callable[[int, int], None] = lambda requests, glyphs: None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Open a model for one processor thread.

        Args:
            source: As for `Model`.
            observe: Called for each batch with its numbers of requests and glyphs.
            check: Called before each part of a request; its exceptions end the request.
        """
        super().__init__(source, threads=1)
        self._observe, self._check = observe, check
        self._waiting: deque[_PendingGlyphs] = deque()
        self._running = threading.Lock()

    def run(self, glyphs: _Glyphs) -> _Outputs:
        """Classify glyphs, see `Model.run`."""
        if glyphs.shape[1:] != (28, 28) or glyphs.dtype != np.uint8 or not len(glyphs):
            return super().run(glyphs)  # raises an error for this request only
        parts = [
            self._part(glyphs[start : start + _MAX_BATCH_SIZE])
            for start in range(0, len(glyphs), _MAX_BATCH_SIZE)
        ]
        probabilities, embeddings = zip(*parts, strict=True)
        return np.concatenate(probabilities), np.concatenate(embeddings)

    def _part(self, glyphs: _Glyphs) -> _Outputs:
        self._check()
        part = _PendingGlyphs(glyphs)
        self._waiting.append(part)
        with self._running:  # its owner also serves earlier requests
            while part.outputs is None and part.error is None:
                self._run_batch()
        if part.outputs is None:
            assert part.error is not None
            raise part.error
        return part.outputs

    def _run_batch(self) -> None:
        batch = [self._waiting.popleft()]
        size = len(batch[0].glyphs)
        while self._waiting and size + len(self._waiting[0].glyphs) <= _MAX_BATCH_SIZE:
            batch.append(self._waiting.popleft())
            size += len(batch[-1].glyphs)
        self._observe(len(batch), size)
        try:
            probabilities, embeddings = super().run(np.concatenate([part.glyphs for part in batch]))
        except Exception as error:
            if len(batch) == 1:
                batch[0].error = error
                return
            for part in batch:  # one by one, so that only the cause of the error fails
                part.run(super().run)
            return
        end = 0
        for part in batch:
            begin, end = end, end + len(part.glyphs)
            part.outputs = probabilities[begin:end], embeddings[begin:end]


class _PendingGlyphs:
    """Glyphs of one request, and then their outputs or the error."""

    def __init__(self, glyphs: _Glyphs) -> None:
        self.glyphs = glyphs
        self.outputs: _Outputs | None = None
        self.error: Exception | None = None

    def run(self, model: Callable[[_Glyphs], _Outputs]) -> None:
        try:
            self.outputs = model(self.glyphs)
        except Exception as error:
            self.error = error
