"""Where the digits of a text stand in the lattice of a CTC reader, and what else they might be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Lattice = NDArray[np.float32]
"""(t, k + 1) log-probabilities of each frame; column 0 is the blank."""


def text_likelihoods(lattice: Lattice, texts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The probabilities (n,) of texts (n, l), columns of the lattice: sums over their alignments.

    The forward algorithm of Graves et al., ICML 2006, for all texts at once, in plain float64 as in
    `recognition.decoding`.
    """
    columns, skips = _interleave_blanks(texts)
    frames = np.exp(lattice.astype(np.float64))
    reached = np.zeros((len(texts), columns.shape[1] + 2))  # two more on the left, from where nothing comes
    reached[:, 2:4] = frames[0][columns[:, :2]]  # a text begins with a blank or with its first symbol
    for frame in frames[1:]:
        reached[:, 2:] = frame[columns] * (reached[:, 2:] + reached[:, 1:-1] + skips * reached[:, :-2])
    return np.asarray(reached[:, -1] + reached[:, -2])


def viterbi_alignment(lattice: Lattice, text: NDArray[np.int64]) -> list[tuple[int, int]]:
    """The first and the last frame of each symbol of a text (l,), l >= 1, on its likeliest alignment.

    The text must fit into the frames, as any text that was read from them does.
    """
    columns, skips = _interleave_blanks(text[None])
    places = np.arange(columns.shape[1])
    scores = lattice.astype(np.float64)[:, columns[0]]
    reached = np.where(places < 2, scores[0], -np.inf)
    back = np.zeros(scores.shape, np.int64)
    for number, frame in enumerate(scores[1:], 1):
        before = np.concatenate([[-np.inf, -np.inf], reached])
        ways = np.stack([before[2:], before[1:-1], np.where(skips[0], before[:-2], -np.inf)])
        back[number] = ways.argmax(0)
        reached = ways.max(0) + frame
    place = len(places) - 1 - int(reached[-2] > reached[-1])
    path = [place]
    for steps in back[:0:-1]:
        path.append(path[-1] - int(steps[path[-1]]))
    frames = np.array(path[::-1])
    spans = [np.flatnonzero(frames == 2 * number + 1) for number in range(len(text))]
    return [(int(span[0]), int(span[-1])) for span in spans]


def symbol_posteriors(lattice: Lattice, text: NDArray[np.int64]) -> NDArray[np.float64]:
    """The probability of each symbol at each place of a text (l,), l >= 1, given all others: (l, k).

    What a row lacks to 1 is the probability that there is no symbol at that place.
    """
    length, symbols = len(text), lattice.shape[1] - 1
    swapped = np.tile(text, (length, symbols, 1))
    swapped[np.arange(length), :, np.arange(length)] = np.arange(1, symbols + 1)
    scores = text_likelihoods(lattice, swapped.reshape(-1, length)).reshape(length, symbols)
    none = text_likelihoods(lattice, np.stack([np.delete(text, place) for place in range(length)]))
    # A text that was forced on the ink may be less likely than a float64 can tell.
    return np.asarray(scores / np.maximum(scores.sum(1) + none, np.finfo(np.float64).tiny)[:, None])


def _interleave_blanks(texts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Texts (n, l) with blanks around symbols, (n, 2l + 1), and where the blank before may be left out."""
    n, length = texts.shape
    columns = np.zeros((n, 2 * length + 1), np.int64)
    columns[:, 1::2] = texts
    skips = np.zeros(columns.shape, bool)
    skips[:, 3::2] = texts[:, 1:] != texts[:, :-1]
    return columns, skips
