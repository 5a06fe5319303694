"""Constraints: what is known about a number before it is read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from numbers import Integral
from typing import Any, Literal, Self

from inkwise._util.errors import InkwiseError
from inkwise._util.text import DIGITS, did_you_mean
from inkwise.recognition.ctc.automata import (
    CHECKS,
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
from inkwise.recognition.ctc.decoding import BeamSearchDecoder, DecodedText, Lattice, decode
from inkwise.recognition.ctc.regex import names_separators, regex_automaton
from inkwise.recognition.number_patterns import (
    NAMED_PATTERNS,
    PHONE_PATTERN,
    TIME_PATTERN,
    amount_pattern,
    date_pattern,
)

MAX_STATES = 10_000
MAX_PREFIXES = 250_000


@dataclass(frozen=True, kw_only=True)
class Constraint:
    r"""What is known about a number; a number must satisfy all keys that are given.

    `length`, `range` and `check` apply to the digits only: 12.50 has 4 digits and is 1250. A pattern or a
    vocabulary without separators does, too, and the text is then digits alone. Separators are all printable
    ASCII characters that are neither letters nor digits. A reader skips separators that are not among its
    symbols: where single cells are read, 1250 satisfies the pattern `\d\d\.\d\d`.

    Attributes:
        length: number of digits, or its minimum and maximum.
        pattern: regular expression that the whole text matches, or one of the names amount, date (day, month,
            year), date-mdy, date-ymd, time and phone.
        range: minimum and maximum as integers, 0 or more; leading zeros do not count.
        check: rule of the check digits: "luhn", "mod11", "mod97" or "ean".
        vocabulary: the possible numbers; integers stand for their digits without leading zeros.

    Raises:
        InkwiseError: a value is invalid, or no number satisfies all of them.
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
        """Check the values, and that some number satisfies them."""
        if self.length is not None:
            pair = (self.length, self.length) if isinstance(self.length, Integral) else self.length
            object.__setattr__(self, "length", _check_bounds("length", pair))
        if self.range is not None:
            object.__setattr__(self, "range", _check_bounds("range", self.range))
        if self.pattern is not None and not isinstance(self.pattern, str):
            raise InkwiseError(f"pattern {self.pattern!r} is not text")
        if self.pattern and self.pattern.isalpha() and self.pattern not in NAMED_PATTERNS:
            near = did_you_mean(self.pattern, [*NAMED_PATTERNS])
            raise InkwiseError(f"there is no pattern {self.pattern!r}{near}")
        if self.check is not None and self.check not in [*CHECKS]:  # may be unhashable
            raise InkwiseError(f"there is no check {self.check!r}{did_you_mean(str(self.check), [*CHECKS])}")
        if self.vocabulary is not None:
            object.__setattr__(self, "vocabulary", _vocabulary_texts(self.vocabulary))
        self.decoder(DIGITS)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Create a constraint from plain values.

        Raises:
            InkwiseError: a key is unknown, or as for the class.
        """
        known = [item.name for item in fields(cls) if item.init]
        for key in values:
            if key not in known:
                raise InkwiseError(f"a constraint has no key {key!r}{did_you_mean(str(key), known)}")
        return cls(**values)

    @classmethod
    def amount(cls, decimal: Literal[".", ","] | None = None) -> Self:
        """Return the constraint of an amount of money: 12.50, 1'250,-, $ 12, #300#.

        Args:
            decimal: the decimal separator; by default a point or a comma.
        """
        return cls(pattern=amount_pattern(decimal))

    @classmethod
    def date(cls, order: str = "dmy") -> Self:
        """Return the constraint of a date, its parts separated by points, slashes or dashes.

        Args:
            order: of day, month and year: "dmy", "mdy" or "ymd", for example; "dm" has no year.
        """
        return cls(pattern=date_pattern(order))

    @classmethod
    def time(cls) -> Self:
        """Return the constraint of a time of the day: 7:30, 19.45, 23:59:59."""
        return cls(pattern=TIME_PATTERN)

    @classmethod
    def phone(cls) -> Self:
        """Return the constraint of a phone number: 5 to 15 digits, with brackets, dashes, slashes, points."""
        return cls(length=(5, 15), pattern=PHONE_PATTERN)

    @cached_property
    def is_of_digits(self) -> bool:
        """Whether the whole text is digits: a pattern or a vocabulary is given, and names no separator."""
        words = "".join(map(str, self.vocabulary or ()))
        given = self.pattern is not None or self.vocabulary is not None
        return given and not {*words} & {*SEPARATORS} and not names_separators(self._regex or "")

    @property
    def _regex(self) -> str | None:
        return None if self.pattern is None else NAMED_PATTERNS.get(self.pattern, self.pattern)

    def decode(self, lattice: Lattice, symbols: str) -> DecodedText:
        """Find the most likely text that satisfies the constraint; arguments as for `ctc.decoding.decode`."""
        return decode(lattice, symbols, self.decoder(symbols))

    def decoder(self, symbols: str) -> BeamSearchDecoder:
        """Return the search among the texts that satisfy the constraint; built once for each set of symbols.

        Raises:
            InkwiseError: as for the class.
        """
        if symbols not in self._decoders:
            self._decoders[symbols] = BeamSearchDecoder(self._graph(symbols))
        return self._decoders[symbols]

    def _graph(self, symbols: str) -> StateGraph:
        if self.vocabulary is None:
            automaton, limit = self._rules(symbols), MAX_STATES
        else:
            # Whole words must satisfy the rules, before unknown separators are left out.
            rules = self._rules(DIGITS + SEPARATORS)
            words = [word for word in self.vocabulary if isinstance(word, str) and word in rules]
            automaton, limit = vocabulary(words, symbols), MAX_PREFIXES
        try:
            graph = explore(automaton, symbols, limit)
        except InkwiseError as error:
            raise InkwiseError(f"{self._describe()}: {error}") from None
        if graph is None or not len(graph.columns):  # the empty text is not a number
            raise InkwiseError(f"{self._describe()}: there is no number that satisfies this")
        return graph

    def _describe(self) -> str:
        """Name the keys that are given, for messages."""
        given = {item.name: getattr(self, item.name) for item in fields(self) if item.init}
        return " and ".join(
            f"a vocabulary of {len(value)}" if name == "vocabulary" else f"{name} {value!r}"
            for name, value in given.items()
            if value is not None
        )

    def _rules(self, symbols: str) -> Automaton:
        """Return the automaton of all keys but the vocabulary."""
        rules = []
        if isinstance(self.length, tuple):
            rules.append(digit_count(symbols, range(self.length[0], self.length[1] + 1)))
        if self._regex is not None:
            rules.append(regex_automaton(self._regex, symbols))
        if self.range is not None:
            rules.append(integer_range(symbols, *self.range))
        if self.check is not None:
            rules.append(CHECKS[self.check](symbols))
        return intersection(rules or [any_text(symbols)])


def _plain_integer(value: Any) -> Any:
    """Return an integer of NumPy as one of Python, and anything else as it is."""
    return int(value) if isinstance(value, Integral) and not isinstance(value, bool) else value


def _check_bounds(name: str, pair: Any) -> tuple[int, int]:
    """Check the minimum and the maximum of a length or range."""
    if isinstance(pair, list | tuple):
        pair = tuple(map(_plain_integer, pair))
    valid = isinstance(pair, tuple) and len(pair) == 2 and all(type(bound) is int for bound in pair)
    if not valid or pair[0] < 0:
        wanted = "a number, or a minimum" if name == "length" else "a minimum"
        raise InkwiseError(f"{name}: expected {wanted} and a maximum, integers of 0 or more, got {pair!r}")
    if pair[0] > pair[1]:
        raise InkwiseError(f"{name}: the minimum, {pair[0]}, is larger than the maximum, {pair[1]}")
    return pair[0], pair[1]


def _vocabulary_texts(numbers: Any) -> tuple[str, ...]:
    """Return the numbers of a vocabulary as texts, without duplicates."""
    if isinstance(numbers, str | bytes | Mapping) or not isinstance(numbers, Collection):
        raise InkwiseError(f"vocabulary: expected a list of numbers, got {numbers!r}")
    words = [str(number) if type(number) is int else number for number in map(_plain_integer, numbers)]
    if not words:
        raise InkwiseError("the vocabulary is empty")
    for word in words:
        if not isinstance(word, str) or not word or not set(word) <= set(DIGITS + SEPARATORS):
            raise InkwiseError(f"vocabulary: expected digits and separators, got {word!r}")
    return tuple(dict.fromkeys(words))
