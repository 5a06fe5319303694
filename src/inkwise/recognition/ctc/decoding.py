"""Connectionist temporal classification (CTC): likelihoods, alignments and the best text of a lattice.

A text is given by its columns in the lattice, one for each symbol. Its probability is the sum over its
alignments: a symbol may fill several frames, blanks may lie between symbols and must lie between equal ones
(Graves et al., ICML 2006). Probabilities are plain float64: every factor is at most 1, so that a term that
underflows below 1e-308 could not have added more than that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise
from operator import mul

import numpy as np
from numpy.typing import NDArray

from inkwise.recognition.ctc.automata import StateGraph, any_text, explore

Lattice = NDArray[np.float32]
"""(t, k + 1) log-probabilities of each frame; column 0 is the blank."""

FloatArray = NDArray[np.float64]

_BEAM_WIDTHS = (1, 4, 16)  # prefixes; the first width proves most texts


@dataclass(frozen=True)
class DecodedText:
    """The most likely text among those that are allowed.

    Attributes:
        text: None if no allowed text fits the lattice.
        probability: share of `text` in all allowed texts.
        support: probability of all allowed texts. If it is tiny, the lattice shows another text.
    """

    text: str | None
    probability: float
    support: float


def decode(lattice: Lattice, symbols: str, decoder: BeamSearchDecoder | None = None) -> DecodedText:
    """Find the most likely text of a lattice.

    Args:
        lattice: (t, k + 1) float32, log-probabilities; column 0 is the blank.
        symbols: the k symbols of the other columns.
        decoder: search among the allowed texts of these symbols; None allows every text.
    """
    found = _greedy_text(lattice) if decoder is None else None
    columns, likelihood, support = found or (decoder or _any_text_decoder(symbols)).best(lattice)
    if columns is None:
        return DecodedText(None, 0.0, support)
    text = "".join(symbols[column - 1] for column in columns)
    return DecodedText(text, min(likelihood / support, 1.0), min(support, 1.0))


def text_columns(text: str, symbols: str) -> NDArray[np.int64]:
    """Return the columns (l,) of a text in a lattice of these symbols."""
    return np.array([symbols.index(symbol) + 1 for symbol in text], np.int64)


def text_likelihoods(lattice: Lattice, texts: NDArray[np.int64]) -> FloatArray:
    """Return the probabilities (n,) of texts (n, l) by the forward algorithm, for all texts at once."""
    n, length = texts.shape
    frames = np.exp(lattice.astype(np.float64))
    unequal = np.zeros(texts.shape)  # whether a symbol may follow the one before without a blank
    unequal[:, 1:] = texts[:, 1:] != texts[:, :-1]
    blanks, symbols = np.zeros((2, n, length + 1))  # after each symbol; symbols with padding on the left
    blanks[:, 0] = frames[0, 0]
    symbols[:, 1:2] = frames[0][texts[:, :1]]
    for frame in frames[1:]:
        entered = symbols[:, 1:] + blanks[:, :-1] + unequal * symbols[:, :-1]
        blanks = frame[0] * (blanks + symbols)
        symbols[:, 1:] = frame.take(texts) * entered
    return np.asarray(blanks[:, -1] + symbols[:, -1])


def text_likelihood(lattice: Lattice, text: NDArray[np.int64]) -> float:
    """Return the probability of a text (l,)."""
    return float(text_likelihoods(lattice, text[None])[0])


def fits(text: str, lattice: Lattice) -> bool:
    """Return whether a lattice has enough frames for a text: equal neighbours need a blank between them."""
    return len(text) + sum(left == right for left, right in pairwise(text)) <= len(lattice)


def penalize_blank(lattice: Lattice, penalty: float) -> Lattice:
    """Subtract a penalty from the blank log-probabilities and normalize the frames."""
    penalized = lattice - penalty * (np.arange(lattice.shape[1]) == 0)
    return np.asarray(penalized - np.logaddexp.reduce(penalized, axis=1, keepdims=True), np.float32)


def merge_into_blank(lattice: Lattice, kept: int) -> Lattice:
    """Keep the first columns of a lattice; the blank gets the probability of all others.

    A text of the kept symbols then has the probability of all texts that hold it among other symbols.
    """
    others = np.concatenate([lattice[:, :1], lattice[:, kept + 1 :]], axis=1)
    blank = np.logaddexp.reduce(others, axis=1, keepdims=True)
    return np.asarray(np.concatenate([blank, lattice[:, 1 : kept + 1]], axis=1), np.float32)


def viterbi_alignment(lattice: Lattice, text: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return the first and the last frame of each symbol of a text (l,), l >= 1, on its likeliest alignment.

    The text must fit into the frames, as any text decoded from them does.
    """
    columns, skips = _interleave_blanks(text[None])
    scores = lattice.astype(np.float64)[:, columns[0]]
    skip_costs = np.where(skips[0], 0.0, -np.inf)
    best = np.full((len(scores), scores.shape[1] + 2), -np.inf)  # two padding columns on the left
    best[0, 2:4] = scores[0, :2]
    for frame, before, after in zip(scores[1:], best[:-1], best[1:], strict=True):
        ways = np.maximum(before[2:], before[1:-1])
        after[2:] = np.maximum(ways, before[:-2] + skip_costs) + frame
    *earlier, last = best.tolist()
    path = [scores.shape[1] - 1 - int(last[-2] > last[-1])]
    for before in reversed(earlier):
        state = path[-1]
        stay, step, skip = before[state + 2], before[state + 1], before[state] + skip_costs[state]
        path.append(state if stay >= max(step, skip) else state - 1 if step >= skip else state - 2)
    frames = np.array(path[::-1])
    spans = [np.flatnonzero(frames == 2 * number + 1) for number in range(len(text))]
    return [(int(span[0]), int(span[-1])) for span in spans]


def symbol_posteriors(lattice: Lattice, text: NDArray[np.int64]) -> FloatArray:
    """Return the probability (l, k) of each symbol at each position of a text (l,), given all others.

    A row sums to 1 minus the probability that there is no symbol at that position.
    """
    length, symbols = len(text), lattice.shape[1] - 1
    swapped = np.tile(text, (length, symbols, 1))
    swapped[np.arange(length), :, np.arange(length)] = np.arange(1, symbols + 1)
    scores = text_likelihoods(lattice, swapped.reshape(-1, length)).reshape(length, symbols)
    none = text_likelihoods(lattice, np.stack([np.delete(text, place) for place in range(length)]))
    # The likelihood of a text that a constraint forces on the lattice may underflow.
    return scores / np.maximum(scores.sum(1) + none, np.finfo(np.float64).tiny)[:, None]


def _interleave_blanks(texts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Put blanks around the symbols of texts (n, l): (n, 2 l + 1), and where the blank before is optional."""
    n, length = texts.shape
    columns = np.zeros((n, 2 * length + 1), np.int64)
    columns[:, 1::2] = texts
    skips = np.zeros(columns.shape, bool)
    skips[:, 3::2] = texts[:, 1:] != texts[:, :-1]
    return columns, skips


def _greedy_text(lattice: Lattice) -> tuple[tuple[int, ...], float, float] | None:
    """Return the text of the likeliest path as `BeamSearchDecoder.best` does, if it has the majority."""
    path = lattice.argmax(1)
    columns = path[(path > 0) & (path != np.concatenate([[0], path[:-1]]))]
    likelihood = float(text_likelihoods(lattice, columns[None])[0])
    return (tuple(columns.tolist()), likelihood, 1.0) if likelihood > 0.5 else None


@dataclass(frozen=True, slots=True)
class _Prefix:
    """The start of a text, with P(the first i frames are exactly this prefix), i = 0 to t.

    Attributes:
        columns: its symbols.
        blank: (t + 1) where the last of these frames is blank.
        nonblank: (t + 1) where it is the last symbol.
    """

    columns: tuple[int, ...]
    blank: list[float]
    nonblank: list[float]

    def extended(self, column: int, rows: list[list[float]]) -> _Prefix:
        """Return the prefix with one more symbol; rows are the t frames."""
        again = column == self.columns[-1] if self.columns else False
        blank, nonblank = [0.0], [0.0]
        for row, before, touching in zip(rows, self.blank, self.nonblank, strict=False):
            begun = before if again else before + touching  # an equal symbol needs a blank first
            blank.append(row[0] * (blank[-1] + nonblank[-1]))
            nonblank.append(row[column] * (begun + nonblank[-1]))
        return _Prefix((*self.columns, column), blank, nonblank)


class BeamSearchDecoder:
    """Prefix beam search among the texts of a graph."""

    def __init__(self, graph: StateGraph) -> None:
        """Number the cells: a cell is a state with a symbol that leads to it.

        Every state gets as many cells as the state with the most, w; the states of a trie have one each.
        """
        self._graph = graph
        states, arcs, width = len(graph.accepts), len(graph.columns), int(graph.columns.max(initial=0)) + 1
        keys, of_arc = np.unique(graph.targets * width + graph.columns, return_inverse=True)
        state, column = np.divmod(keys, width)
        rank = np.arange(len(keys)) - np.searchsorted(state, state)
        # (q, w) the columns of the cells, 0 where there is none; (a,) the cell that an arc leads to.
        self._columns = np.zeros((states, int(rank.max(initial=0)) + 1), np.int64)
        self._columns[state, rank] = column
        self._cell = (state * self._columns.shape[1] + rank)[of_arc]
        # Arcs that read the symbol of a cell again: (d,) their states, (d, w) the cell that each cell's own
        # symbol leads to, q * w where there is none. And all other arcs.
        arc_of = np.full((states, width), arcs)
        arc_of[graph.sources, graph.columns] = np.arange(arcs)
        equal = np.take_along_axis(arc_of, self._columns, axis=1)
        self._doubling = np.flatnonzero((equal < arcs).any(axis=1))
        self._doubled = np.append(self._cell, self._columns.size)[equal[self._doubling]]
        self._unequal = np.flatnonzero(~np.isin(np.arange(arcs), equal))

    def best(self, lattice: Lattice) -> tuple[tuple[int, ...] | None, float, float]:
        """Find the most likely text with a beam of prefixes that widens until the text is proven.

        The score of a prefix is the sum over all texts of the graph that start with it, as in the prefix
        search of Graves (2006): none of them can be more likely. Prefixes whose score does not exceed that of
        the best text are dropped; a search that dropped nothing else has found the most likely text. The
        widest beam is the last, proven or not; it is not only for very poor ink.

        Args:
            lattice: (t, k + 1) float32, log-probabilities; column 0 is the blank.

        Returns:
            The text as columns, or None if none fits into t frames; its probability; and that of all texts
            of the graph.
        """
        frames = np.exp(lattice.astype(np.float64))
        rows = frames.tolist()
        completions, support = self._backward_sums(frames)
        silence = list(accumulate((row[0] for row in rows), mul, initial=1.0))
        start = _Prefix((), silence, [0.0] * len(silence))
        found, likelihood = None, 0.0
        for width in _BEAM_WIDTHS:
            beam, lost = [(start, 0)], 0.0
            while beam:
                ways = []
                for prefix, state in beam:
                    whole = prefix.blank[-1] + prefix.nonblank[-1] if self._graph.accepts[state] else 0.0
                    if whole > likelihood:
                        found, likelihood = prefix.columns, whole
                    ways += self._extensions(prefix, state, frames, completions)
                ways = sorted((way for way in ways if way[0] > likelihood), key=lambda way: -way[0])
                lost = max([lost, *(score for score, *_ in ways[width:])])
                beam = [(prefix.extended(column, rows), state) for _, prefix, column, state in ways[:width]]
            if lost <= likelihood:
                break
        return found, likelihood, support

    def accepts(self, columns: Iterable[int]) -> bool:
        """Return whether a text, as columns, is one of the graph."""
        graph, state = self._graph, 0
        for column in columns:
            first, last = np.searchsorted(graph.sources, [state, state + 1])
            ways = np.flatnonzero(graph.columns[first:last] == column)
            if not len(ways):
                return False
            state = int(graph.targets[first + ways[0]])
        return bool(graph.accepts[state])

    def _extensions(
        self, prefix: _Prefix, state: int, frames: FloatArray, completions: FloatArray
    ) -> list[tuple[float, _Prefix, int, int]]:
        """Return each possible next symbol as (score of the extended prefix, prefix, column, next state)."""
        arcs = slice(*np.searchsorted(self._graph.sources, [state, state + 1]))
        columns = self._graph.columns[arcs]
        begun = frames[:, columns] * completions[1:, self._cell[arcs]]
        blank, nonblank = np.array([prefix.blank[:-1], prefix.nonblank[:-1]])
        scores = (blank + nonblank) @ begun
        if prefix.columns:
            scores = np.where(columns == prefix.columns[-1], blank @ begun, scores)
        ways = zip(scores.tolist(), columns.tolist(), self._graph.targets[arcs].tolist(), strict=True)
        return [(score, prefix, column, target) for score, column, target in ways]

    def _backward_sums(self, frames: FloatArray) -> tuple[FloatArray, float]:
        """Compute the backward sums of CTC over the graph.

        Returns:
            (t + 1, q * w) float64, P(the frames from i on complete a text of the graph), given its state and
            that frame i - 1 was its last symbol; and P(all texts of the graph).
        """
        graph, (states, width) = self._graph, self._columns.shape
        sources, cells = graph.sources[self._unequal], self._cell[self._unequal]
        others = 1 - np.eye(width)
        sums = np.empty((len(frames) + 1, states, width))
        sums[-1] = graph.accepts[:, None]
        blank = graph.accepts.astype(np.float64)
        here = np.zeros(states * width + 1)  # where frame i is the cell's symbol; the last stays 0
        for i in reversed(range(len(frames))):
            here[:-1] = (frames[i].take(self._columns) * sums[i + 1]).ravel()
            equal = here.take(self._doubled)
            blank = frames[i, 0] * blank + np.bincount(sources, here.take(cells), states)
            sums[i] = blank[:, None] + here[:-1].reshape(states, width)
            # Equal symbols need a blank between them. Summing the others is exact, subtracting one is not.
            sums[i, self._doubling] += equal @ others
            blank[self._doubling] += equal.sum(axis=1)
        return sums.reshape(len(sums), -1), float(blank[0])


@cache
def _any_text_decoder(symbols: str) -> BeamSearchDecoder:
    """Return the search among all texts of some symbols."""
    graph = explore(any_text(symbols), symbols, limit=1)
    assert graph is not None  # the empty text is always accepted
    return BeamSearchDecoder(graph)
