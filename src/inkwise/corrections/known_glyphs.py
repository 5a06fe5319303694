"""The labelled glyphs that a writer's model knows, and which of them are most similar to a drawing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkwise._util.text import DIGITS
from inkwise.recognition import Model
from inkwise.recognition.adaptation import l2_normalize, reference_glyphs


@dataclass(frozen=True, eq=False)
class SimilarGlyph:
    """A labelled glyph (28, 28) uint8 that is similar to another one.

    Attributes:
        own: Whether it is a sample of the writer, not a plain digit.
        similarity: Cosine similarity of the embeddings, -1 to 1.
    """

    label: str
    glyph: NDArray[np.uint8]
    own: bool
    similarity: float


class KnownGlyphs:
    """A writer's samples, and one plain glyph of each digit, with their embeddings."""

    def __init__(
        self,
        model: Model,
        samples: tuple[NDArray[np.str_], NDArray[np.uint8], NDArray[np.float32]] | None = None,
    ) -> None:
        """Keep samples: their labels (n,), glyphs (n, 28, 28), and embeddings (n, d) by this model."""
        plain = reference_glyphs()
        parts = [(np.array([*DIGITS]), plain, model.run(plain)[1])]
        if samples is not None:
            parts.insert(0, samples)
        self._model = model
        self._labels, self._glyphs, embeddings = (np.concatenate(part) for part in zip(*parts, strict=True))
        self._embeddings = l2_normalize(embeddings)

    def most_similar(self, glyph: NDArray[np.uint8], count: int) -> list[SimilarGlyph]:
        """Return those whose embeddings have the smallest angle to that of a glyph (28, 28) uint8."""
        cosines = self._embeddings @ l2_normalize(self._model.run(glyph[None])[1])[0]
        own = len(self._labels) - len(DIGITS)
        return [
            SimilarGlyph(str(self._labels[i]), self._glyphs[i], i < own, float(cosines[i]))
            for i in np.argsort(-cosines, kind="stable")[:count].tolist()
        ]
