"""What is known about a number before it is read, and the best reading that agrees with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import InkwiseError
from inkwise._util.text import did_you_mean
from inkwise.recognition.ctc.alignment import text_likelihoods
from inkwise.recognition.ctc.automata import (
    CHECKS,
    DIGITS,
    SEPARATORS,
    Automaton,
    StateGraph,
    any_text,
    digit_count,
    explore,
    integer_range,
    intersection,
    vocabulary,
)
from inkwise.recognition.ctc.beam_search import BeamSearchDecoder
from inkwise.recognition.ctc.regex import regex_automaton

MAX_STATES = 10_000
MAX_PREFIXES = 250_000


@dataclass(frozen=True, kw_only=True)
class Constraint:
    r"""What is known about a number; all that is given must hold.

    `length`, `range` and `check` see the digits only: 12.50 has 4 digits and is 1250. Separators are any
    other printable ASCII characters but letters; those that a reader does not know are not seen by it, so
    that the pattern `\d\d\.\d\d` is met by 1250 where the reader knows digits only.

    Attributes:
        length: the number of digits, or the least and the most.
        pattern: a regular expression that the whole text matches, see `recognition.patterns`.
        range: the least and the most as integers, 0 or more; leading zeros do not count.
        check: the rule of its check digits: "luhn", "mod11", "mod97" or "ean", see `recognition.automata`.
        vocabulary: the numbers that there are; integers are taken as written without leading zeros.

    Raises:
        InkwiseError: a value is not possible, or nothing satisfies all of them.
    """

    length: int | tuple[int, int] | None = None
    pattern: str | None = None
    range: tuple[int, int] | None = None
    check: str | None = None
    vocabulary: Collection[str | int] | None = None
    _decoders: dict[str, BeamSearchDecoder] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """Check the values, and that something satisfies them."""
        if self.length is not None:
            pair = (self.length, self.length) if isinstance(self.length, int) else self.length
            object.__setattr__(self, "length", _check_bounds("length", pair))
        if self.range is not None:
            object.__setattr__(self, "range", _check_bounds("range", self.range))
        if self.pattern is not None and not isinstance(self.pattern, str):
            raise InkwiseError(f"pattern {self.pattern!r} is not text")
        if self.check is not None and self.check not in [*CHECKS]:  # a form may hold what has no hash
            raise InkwiseError(f"there is no check {self.check!r}{did_you_mean(str(self.check), [*CHECKS])}")
        if self.vocabulary is not None:
            object.__setattr__(self, "vocabulary", _vocabulary_texts(self.vocabulary))
        self.decoder(DIGITS)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """From plain values, as a form has them.

        Raises:
            InkwiseError: a key is unknown (the message names the nearest), or as for the class.
        """
        known = [item.name for item in fields(cls) if item.init]
        for key in values:
            if key not in known:
                raise InkwiseError(f"a constraint has no key {key!r}{did_you_mean(str(key), known)}")
        return cls(**values)

    def decoder(self, symbols: str) -> BeamSearchDecoder:
        """The search among the texts that satisfy this, for a reader of some symbols; built once.

        Raises:
            InkwiseError: as for the class.
        """
        if symbols not in self._decoders:
            self._decoders[symbols] = BeamSearchDecoder(self._graph(symbols))
        return self._decoders[symbols]

    def _graph(self, symbols: str) -> StateGraph:
        given = [item.name for item in fields(self) if item.init and getattr(self, item.name) is not None]
        told = " and ".join(
            f"a vocabulary of {len(self.vocabulary)}"
            if name == "vocabulary" and self.vocabulary
            else f"{name} {getattr(self, name)!r}"
            for name in given
        )
        if self.vocabulary is None:
            automaton, limit = self._rules(symbols), MAX_STATES
        else:
            # Whole words are held against the rules, before a reader leaves out what it does not see.
            rules = self._rules(DIGITS + SEPARATORS)
            words = [word for word in self.vocabulary if isinstance(word, str) and word in rules]
            automaton, limit = vocabulary(words, symbols), MAX_PREFIXES
        try:
            graph = explore(automaton, symbols, limit)
        except InkwiseError as error:
            raise InkwiseError(f"{told}: {error}") from None
        if graph is None or not len(graph.columns):  # the empty text is no number
            raise InkwiseError(f"{told}: there is no number that satisfies this")
        return graph

    def _rules(self, symbols: str) -> Automaton:
        """All but the vocabulary."""
        rules = []
        if isinstance(self.length, tuple):
            rules.append(digit_count(symbols, range(self.length[0], self.length[1] + 1)))
        if self.pattern is not None:
            rules.append(regex_automaton(self.pattern, symbols))
        if self.range is not None:
            rules.append(integer_range(symbols, *self.range))
        if self.check is not None:
            rules.append(CHECKS[self.check](symbols))
        return intersection(rules or [any_text(symbols)])


@dataclass(frozen=True)
class DecodedText:
    """The best text that satisfies a constraint.

    Attributes:
        text: it, or None if no text that satisfies the constraint fits the ink at all.
        probability: P(it | the constraint holds): its share of all texts that satisfy the constraint.
        support: P(the constraint holds), by the ink alone. Where this is tiny, the text is forced on the ink.
    """

    text: str | None
    probability: float
    support: float


def decode_constrained(lattice: NDArray[np.float32], symbols: str, constraint: Constraint) -> DecodedText:
    """The likeliest text that satisfies a constraint.

    Args:
        lattice: (t, k + 1) float32, log-probabilities of a CTC reader; column 0 is the blank.
        symbols: the k different symbols of the other columns.
        constraint: what is known.
    """
    found = _majority_text(lattice) if constraint == UNCONSTRAINED else None
    columns, likeliest, support = found or constraint.decoder(symbols).best(lattice)
    if columns is None:
        return DecodedText(None, 0.0, support)
    text = "".join(symbols[column - 1] for column in columns)
    return DecodedText(text, min(likeliest / support, 1.0), min(support, 1.0))


def decode_best(lattice: NDArray[np.float32], symbols: str) -> DecodedText:
    """The likeliest text of all; arguments as for `decode_constrained`."""
    return decode_constrained(lattice, symbols, UNCONSTRAINED)


def _majority_text(lattice: NDArray[np.float32]) -> tuple[tuple[int, ...], float, float] | None:
    """As `BeamSearchDecoder.best` of any text, if its likeliest path leaves no room for another."""
    path = lattice.argmax(1)
    columns = path[(path > 0) & (path != np.concatenate([[0], path[:-1]]))]
    likeliest = float(text_likelihoods(lattice, columns[None])[0])
    return (tuple(columns.tolist()), likeliest, 1.0) if likeliest > 0.5 else None


def _check_bounds(name: str, pair: Any) -> tuple[int, int]:
    """The least and the most of a length or range."""
    if (
        not isinstance(pair, list | tuple)
        or len(pair) != 2
        or not all(type(bound) is int for bound in pair)
        or pair[0] < 0
    ):
        raise InkwiseError(f"{name} {pair!r} is not a least and a most, integers of 0 or more")
    if pair[0] > pair[1]:
        raise InkwiseError(f"{name}: the least, {pair[0]}, is more than the most, {pair[1]}")
    return pair[0], pair[1]


def _vocabulary_texts(numbers: Any) -> tuple[str, ...]:
    """The numbers of a vocabulary as texts, each once."""
    if isinstance(numbers, str | bytes | Mapping) or not isinstance(numbers, Collection):
        raise InkwiseError(f"vocabulary {numbers!r} is not a list of numbers")
    words = [str(number) if type(number) is int else number for number in numbers]
    if not words:
        raise InkwiseError("the vocabulary is empty")
    for word in words:
        if not isinstance(word, str) or not word or not set(word) <= set(DIGITS + SEPARATORS):
            raise InkwiseError(f"the vocabulary holds {word!r}, which is no number of digits and separators")
    return tuple(dict.fromkeys(words))


UNCONSTRAINED = Constraint()
