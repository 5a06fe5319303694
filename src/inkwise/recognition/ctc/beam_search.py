"""The best text of an automaton in the lattice of a CTC reader, and how likely all of its texts are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from operator import mul

import numpy as np
from numpy.typing import NDArray

from inkwise.recognition.ctc.automata import StateGraph

_BEAM_WIDTHS = (1, 4, 16)  # of the beam; most texts are proven by the first

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Prefix:
    """What a text begins with: P(the first i frames are exactly that), i = 0 to t.

    Attributes:
        columns: its symbols.
        blank: (t + 1) where the last of these frames is blank.
        inked: (t + 1) where it is the last symbol.
    """

    columns: tuple[int, ...]
    blank: list[float]
    nonblank: list[float]

    def extended(self, column: int, rows: list[list[float]]) -> _Prefix:
        """The prefix with one symbol more, from rows of t frames."""
        again = column == self.columns[-1] if self.columns else False
        blank, inked = [0.0], [0.0]
        for row, before, touching in zip(rows, self.blank, self.nonblank, strict=False):
            begun = before if again else before + touching  # an equal symbol needs a blank first
            blank.append(row[0] * (blank[-1] + inked[-1]))
            inked.append(row[column] * (begun + inked[-1]))
        return _Prefix((*self.columns, column), blank, inked)


class BeamSearchDecoder:
    """Connectionist temporal classification (Graves et al., ICML 2006) over the texts of a graph.

    A text's probability is the sum over its alignments: a symbol may fill several frames, blanks may lie
    between symbols and must lie between equal ones. Probabilities are plain float64: every factor is at most
    1, so that what is lost below 1e-308 on the way could not have added more than that.
    """

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
        # Arcs that read a symbol by which one can have come: (d,) their states, (d, w) the cell that each
        # cell's own symbol leads to, q * w where there is none. And all other arcs.
        arc_of = np.full((states, width), arcs)
        arc_of[graph.sources, graph.columns] = np.arange(arcs)
        equal = np.take_along_axis(arc_of, self._columns, axis=1)
        self._doubling = np.flatnonzero((equal < arcs).any(axis=1))
        self._doubled = np.append(self._cell, self._columns.size)[equal[self._doubling]]
        self._unequal = np.flatnonzero(~np.isin(np.arange(arcs), equal))

    def best(self, lattice: NDArray[np.float32]) -> tuple[tuple[int, ...] | None, float, float]:
        """The likeliest text: a beam of prefixes that grow by a symbol a step, ever wider until it is proven.

        A prefix is worth the sum over all texts of the graph that begin with it, as in the prefix search of
        Graves (2006): none of them can be likelier. So what is worth no more than a text already found is
        left out, and a beam that has left out nothing else has found the best text. The widest beam is the
        last, proven or not; only where the ink is very poor it is not.

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
        found, likeliest = None, 0.0
        for width in _BEAM_WIDTHS:
            beam, lost = [(start, 0)], 0.0
            while beam:
                ways = []
                for prefix, state in beam:
                    whole = prefix.blank[-1] + prefix.nonblank[-1] if self._graph.accepts[state] else 0.0
                    if whole > likeliest:
                        found, likeliest = prefix.columns, whole
                    ways += self._extensions(prefix, state, frames, completions)
                ways = sorted((way for way in ways if way[0] > likeliest), key=lambda way: -way[0])
                lost = max([lost, *(worth for worth, *_ in ways[width:])])
                beam = [(prefix.extended(column, rows), state) for _, prefix, column, state in ways[:width]]
            if lost <= likeliest:
                break
        return found, likeliest, support

    def accepts(self, columns: Iterable[int]) -> bool:
        """Whether a text, as columns, is one of the graph."""
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
        """Of each symbol that may follow: what the text is worth then, the prefix, the column, the state."""
        arcs = slice(*np.searchsorted(self._graph.sources, [state, state + 1]))
        columns = self._graph.columns[arcs]
        begun = frames[:, columns] * completions[1:, self._cell[arcs]]
        blank, inked = np.array([prefix.blank[:-1], prefix.nonblank[:-1]])
        worths = (blank + inked) @ begun
        if prefix.columns:
            worths = np.where(columns == prefix.columns[-1], blank @ begun, worths)
        ways = zip(worths.tolist(), columns.tolist(), self._graph.targets[arcs].tolist(), strict=True)
        return [(worth, prefix, column, target) for worth, column, target in ways]

    def _backward_sums(self, frames: FloatArray) -> tuple[FloatArray, float]:
        """The backward sums of CTC over the graph.

        Returns:
            (t + 1, q * w) float64, P(the frames from i on complete a text of the graph), given its state and
            that frame i - 1 was its last symbol; and P(all texts of the graph).
        """
        graph, (states, width) = self._graph, self._columns.shape
        sources, cells = graph.sources[self._unequal], self._cell[self._unequal]
        others = 1 - np.eye(width)
        inked = np.empty((len(frames) + 1, states, width))
        inked[-1] = graph.accepts[:, None]
        blank = graph.accepts.astype(np.float64)
        here = np.zeros(states * width + 1)  # where frame i is the cell's symbol; the last stays 0
        for i in reversed(range(len(frames))):
            here[:-1] = (frames[i].take(self._columns) * inked[i + 1]).ravel()
            equal = here.take(self._doubled)
            blank = frames[i, 0] * blank + np.bincount(sources, here.take(cells), states)
            inked[i] = blank[:, None] + here[:-1].reshape(states, width)
            # Equal symbols need a blank between them. Summing the others is exact, subtracting one is not.
            inked[i, self._doubling] += equal @ others
            blank[self._doubling] += equal.sum(axis=1)
        return inked.reshape(len(inked), -1), float(blank[0])
