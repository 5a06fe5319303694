"""Constraints on numbers as deterministic finite automata over the symbols of a reader."""

from __future__ import annotations

import string
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import InkwiseError
from inkwise._util.text import DIGITS

SEPARATORS = string.punctuation + " "

State = Hashable


@dataclass(frozen=True)
class Automaton:
    """A language of texts whose states are computed on demand.

    Attributes:
        start: state before the first symbol.
        transitions: maps a state to its next states by symbol; a missing symbol is rejected.
        accepts: whether a text may end in a state.
    """

    start: State
    transitions: Callable[[Any], Mapping[str, State]]
    accepts: Callable[[Any], bool]

    def __contains__(self, text: str) -> bool:
        """Return whether the automaton accepts a text."""
        state: State | None = self.start
        for symbol in text:
            if (state := self.transitions(state).get(symbol)) is None:
                return False
        return self.accepts(state)


def intersection(automata: Sequence[Automaton]) -> Automaton:
    """Return the product of one or more automata: it accepts what all of them accept."""

    def transitions(states: tuple[State, ...]) -> dict[str, State]:
        ways = [automaton.transitions(state) for automaton, state in zip(automata, states, strict=True)]
        return {symbol: tuple(way[symbol] for way in ways) for symbol in set(ways[0]).intersection(*ways)}

    def accepts(states: tuple[State, ...]) -> bool:
        return all(automaton.accepts(state) for automaton, state in zip(automata, states, strict=True))

    return Automaton(tuple(automaton.start for automaton in automata), cache(transitions), accepts)


def _digit_automaton(
    symbols: str,
    start: State,
    step: Callable[[Any, int], State | None],
    accepts: Callable[[Any], bool],
) -> Automaton:
    """Return an automaton over the digits of a text; any other symbol keeps its state."""

    def transitions(state: State) -> dict[str, State]:
        after = {symbol: step(state, int(symbol)) if symbol in DIGITS else state for symbol in symbols}
        return {symbol: way for symbol, way in after.items() if way is not None}

    return Automaton(start, transitions, accepts)


def any_text(symbols: str) -> Automaton:
    """Accept all texts, including the empty one."""
    return _digit_automaton(symbols, 0, lambda state, digit: state, lambda state: True)


def digit_count(symbols: str, lengths: Sequence[int]) -> Automaton:
    """Accept texts whose number of digits is one of `lengths`, which ascend."""
    return _digit_automaton(
        symbols, 0, lambda count, digit: count + 1 if count < lengths[-1] else None, lengths.__contains__
    )


def integer_range(symbols: str, least: int, most: int) -> Automaton:
    """Accept texts whose digits are an integer between 0 <= least <= most; leading zeros do not count.

    A state is the number of digits after the leading zeros and the comparison, -1, 0 or 1, of these digits
    with equally many first digits of either bound.
    """
    low, high = (str(bound).lstrip("0") for bound in (least, most))

    def compare(order: int, digit: int, bound: str, place: int) -> int:
        return 0 if place >= len(bound) else order or int(np.sign(digit - int(bound[place])))

    def step(state: tuple[int, int, int] | str, digit: int) -> State | None:
        place, over_low, over_high = (0, 0, 0) if isinstance(state, str) else state
        if place == digit == 0:
            return (0, 0, 0)
        if place == len(high):
            return None
        return (place + 1, compare(over_low, digit, low, place), compare(over_high, digit, high, place))

    def accepts(state: tuple[int, int, int] | str) -> bool:
        if isinstance(state, str):
            return False
        place, over_low, over_high = state
        return (place, over_low) >= (len(low), 0) and (place, over_high) <= (len(high), 0)

    return _digit_automaton(symbols, "no digit yet", step, accepts)


def _alternating_checksum(symbols: str, heavy: Callable[[int], int]) -> Automaton:
    """Accept texts whose digit sum is 0 modulo 10, every second digit from the right replaced by `heavy`.

    A state holds two sums: for an odd and for an even number of digits that follow.
    """
    return _digit_automaton(
        symbols,
        (0, 0),
        lambda sums, digit: ((sums[1] + digit) % 10, (sums[0] + heavy(digit)) % 10),
        lambda sums: bool(sums[0] == 0),
    )


def luhn(symbols: str) -> Automaton:
    """Accept payment cards, IMEI and many account numbers (ISO/IEC 7812-1, annex B); two digits or more."""
    return intersection(
        [_alternating_checksum(symbols, lambda digit: sum(divmod(2 * digit, 10))), _min_digits(symbols, 2)]
    )


def ean(symbols: str) -> Automaton:
    """Accept EAN-8, UPC-A and EAN-13 (GS1): 8, 12 or 13 digits, weights 1, 3, 1, 3, ... from the right."""
    return intersection(
        [_alternating_checksum(symbols, lambda digit: 3 * digit), digit_count(symbols, (8, 12, 13))]
    )


def mod11(symbols: str) -> Automaton:
    """Accept ISBN-10 and NHS numbers: weights 1, 2, 3, ... from the right, sum 0 modulo 11; two digits up.

    Numbers whose check digit is 10, written X, are rejected.
    """

    def step(state: tuple[int, int], digit: int) -> State:
        plain = (state[0] + digit) % 11  # each digit raises the weights of all digits before it by one
        return (plain, (state[1] + plain) % 11)

    weighted = _digit_automaton(symbols, (0, 0), step, lambda state: bool(state[1] == 0))
    return intersection([weighted, _min_digits(symbols, 2)])


def mod97(symbols: str) -> Automaton:
    """Accept ISO 7064 MOD 97-10: the digits as one integer are 1 modulo 97; three digits or more."""
    remainder = _digit_automaton(
        symbols, 0, lambda state, digit: (10 * state + digit) % 97, lambda state: bool(state == 1)
    )
    return intersection([remainder, _min_digits(symbols, 3)])


def _min_digits(symbols: str, least: int) -> Automaton:
    return _digit_automaton(
        symbols, 0, lambda count, digit: min(count + 1, least), lambda count: bool(count == least)
    )


CHECKS = {"luhn": luhn, "mod11": mod11, "mod97": mod97, "ean": ean}


def vocabulary(words: Collection[str], symbols: str) -> Automaton:
    """Return the trie of a list of words; separators that are not among the symbols are left out."""
    children: list[dict[str, State]] = [{}]
    ends = set()
    unknown = str.maketrans(dict.fromkeys(set(SEPARATORS) - set(symbols)))
    for word in (word.translate(unknown) for word in words):
        if not set(word) <= set(symbols):
            continue
        node: Any = 0
        for symbol in word:
            if symbol not in children[node]:
                children[node][symbol] = len(children)
                children.append({})
            node = children[node][symbol]
        ends.add(node)
    return Automaton(0, children.__getitem__, ends.__contains__)


@dataclass(frozen=True, eq=False)
class StateGraph:
    """The states of an automaton from which an accepted text can be completed; the start is state 0.

    Attributes:
        accepts: (q,) bool, whether a text may end in a state.
        sources: (a,) int64, the state that an arc leaves; ascending.
        columns: (a,) int64, the column in a lattice of the arc's symbol, from 1.
        targets: (a,) int64, the state that the arc leads to.
    """

    accepts: NDArray[np.bool_]
    sources: NDArray[np.int64]
    columns: NDArray[np.int64]
    targets: NDArray[np.int64]


def explore(automaton: Automaton, symbols: str, limit: int) -> StateGraph | None:
    """Return the graph of an automaton, or None if it accepts nothing.

    Raises:
        InkwiseError: the automaton has more states than `limit`.
    """
    column = {symbol: number for number, symbol in enumerate(symbols, start=1)}
    number: dict[State, int] = {automaton.start: 0}
    queue = [automaton.start]
    arcs: list[tuple[int, int, int]] = []
    for source, state in enumerate(queue):  # grows as it is walked
        for symbol, target in automaton.transitions(state).items():
            if target not in number:
                number[target] = len(queue)
                queue.append(target)
            arcs.append((source, column[symbol], number[target]))
        if len(queue) > limit:
            raise InkwiseError(f"needs more than {limit} states")
    accepts = np.array([automaton.accepts(state) for state in queue])
    sources, columns, targets = np.array(arcs, np.int64).reshape(-1, 3).T
    into: list[list[int]] = [[] for _ in queue]
    for source, _, after in arcs:
        into[after].append(source)
    alive, todo = accepts.copy(), np.flatnonzero(accepts).tolist()
    while todo:  # one step per arc, so that deep graphs take linear time
        for source in into[todo.pop()]:
            if not alive[source]:
                alive[source] = True
                todo.append(source)
    if not alive[0]:
        return None
    kept = alive[sources] & alive[targets]
    renumbered = np.cumsum(alive) - 1
    return StateGraph(accepts[alive], renumbered[sources[kept]], columns[kept], renumbered[targets[kept]])
