"""What is known about a number, as deterministic finite automata over the symbols that a reader knows."""

from __future__ import annotations

import string
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import InkwiseError

DIGITS = string.digits
SEPARATORS = string.punctuation + " "

State = Hashable


@dataclass(frozen=True)
class Automaton:
    """A language of texts, its states found only when they are asked for.

    Attributes:
        start: the state before the first symbol.
        arcs: the states that follow a state, by symbol; a symbol that is missing leads nowhere.
        accepts: whether a text may end in a state.
    """

    start: State
    transitions: Callable[[Any], Mapping[str, State]]
    accepts: Callable[[Any], bool]

    def __contains__(self, text: str) -> bool:
        """Whether it accepts a text."""
        state: State | None = self.start
        for symbol in text:
            if (state := self.transitions(state).get(symbol)) is None:
                return False
        return self.accepts(state)


def intersection(automata: Sequence[Automaton]) -> Automaton:
    """The texts that all of one or more automata accept: their product."""

    def arcs(states: tuple[State, ...]) -> dict[str, State]:
        ways = [automaton.transitions(state) for automaton, state in zip(automata, states, strict=True)]
        return {symbol: tuple(way[symbol] for way in ways) for symbol in set(ways[0]).intersection(*ways)}

    def accepts(states: tuple[State, ...]) -> bool:
        return all(automaton.accepts(state) for automaton, state in zip(automata, states, strict=True))

    return Automaton(tuple(automaton.start for automaton in automata), cache(arcs), accepts)


def _digit_automaton(
    symbols: str,
    start: State,
    step: Callable[[Any, int], State | None],
    accepts: Callable[[Any], bool],
) -> Automaton:
    """An automaton that sees only the digits: any other symbol leaves it where it is."""

    def arcs(state: State) -> dict[str, State]:
        after = {symbol: step(state, int(symbol)) if symbol in DIGITS else state for symbol in symbols}
        return {symbol: way for symbol, way in after.items() if way is not None}

    return Automaton(start, arcs, accepts)


def any_text(symbols: str) -> Automaton:
    """All texts, the empty one too."""
    return _digit_automaton(symbols, 0, lambda state, digit: state, lambda state: True)


def digit_count(symbols: str, lengths: Sequence[int]) -> Automaton:
    """Texts whose number of digits is one of some lengths, given in ascending order."""
    return _digit_automaton(
        symbols, 0, lambda count, digit: count + 1 if count < lengths[-1] else None, lengths.__contains__
    )


def integer_range(symbols: str, least: int, most: int) -> Automaton:
    """Texts whose digits are an integer of 0 <= least <= most, with any number of leading zeros.

    A state is the number of digits after the leading zeros and how these compare with as many first digits
    of either bound: -1, 0 or 1.
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
    """Every second digit from the right, from the second on, counts as `heavy` says; the sum is 0 modulo 10.

    A state holds the sum if the next digit is not, and if it is, one that counts as it stands.
    """
    return _digit_automaton(
        symbols,
        (0, 0),
        lambda sums, digit: ((sums[1] + digit) % 10, (sums[0] + heavy(digit)) % 10),
        lambda sums: bool(sums[0] == 0),
    )


def luhn(symbols: str) -> Automaton:
    """Cards, IMEI, and many account numbers (ISO/IEC 7812-1, annex B); two digits or more."""
    return intersection(
        [_alternating_checksum(symbols, lambda digit: sum(divmod(2 * digit, 10))), _min_digits(symbols, 2)]
    )


def ean(symbols: str) -> Automaton:
    """EAN-8, UPC-A and EAN-13 (GS1): 8, 12 or 13 digits, weights 1, 3, 1, 3, ... from the right."""
    return intersection(
        [_alternating_checksum(symbols, lambda digit: 3 * digit), digit_count(symbols, (8, 12, 13))]
    )


def mod11(symbols: str) -> Automaton:
    """ISBN-10, NHS numbers: weights 1, 2, 3, ... from the right, the sum is 0 modulo 11; two digits or more.

    A check of 10, written X, is no digit: such numbers are never accepted.
    """

    def step(state: tuple[int, int], digit: int) -> State:
        plain = (state[0] + digit) % 11  # one more digit raises the weight of all before it by one
        return (plain, (state[1] + plain) % 11)

    weighted = _digit_automaton(symbols, (0, 0), step, lambda state: bool(state[1] == 0))
    return intersection([weighted, _min_digits(symbols, 2)])


def mod97(symbols: str) -> Automaton:
    """ISO 7064 MOD 97-10: the digits as one integer are 1 modulo 97; three digits or more."""
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
    """What a reader of some symbols sees of the texts of a list: their trie."""
    children: list[dict[str, State]] = [{}]
    ends = set()
    unseen = str.maketrans(dict.fromkeys(set(SEPARATORS) - set(symbols)))
    for word in (word.translate(unseen) for word in words):
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
    """All states of an automaton from which a text can still end well, numbered from the start, which is 0.

    Attributes:
        accepts: (q,) bool, whether a text may end in a state.
        sources, columns, targets: (a,) int64, an arc each: from a state, by a symbol, to a state. A symbol is
            its column in a lattice, from 1.
    """

    accepts: NDArray[np.bool_]
    sources: NDArray[np.int64]
    columns: NDArray[np.int64]
    targets: NDArray[np.int64]


def explore(automaton: Automaton, symbols: str, limit: int) -> StateGraph | None:
    """The graph of an automaton, or None if it accepts nothing.

    Raises:
        InkwiseError: it has more states than the limit.
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
            raise InkwiseError(f"more than {limit} states are needed to tell what satisfies it")
    accepts = np.array([automaton.accepts(state) for state in queue])
    sources, columns, targets = np.array(arcs, np.int64).reshape(-1, 3).T
    into: list[list[int]] = [[] for _ in queue]
    for source, _, after in arcs:
        into[after].append(source)
    alive, todo = accepts.copy(), np.flatnonzero(accepts).tolist()
    while todo:  # a step for each arc: one for each depth of the graph, of all arcs, would be their product
        for source in into[todo.pop()]:
            if not alive[source]:
                alive[source] = True
                todo.append(source)
    if not alive[0]:
        return None
    kept = alive[sources] & alive[targets]
    renumbered = np.cumsum(alive) - 1
    return StateGraph(accepts[alive], renumbered[sources[kept]], columns[kept], renumbered[targets[kept]])
