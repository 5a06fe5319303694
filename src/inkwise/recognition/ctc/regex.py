"""Regular expressions as finite automata.

Glushkov's construction (The abstract theory of automata, Russian Mathematical Surveys 16, 1961): every
character of the expression is a position, and a state is a set of positions, held as the bits of an integer.
States are computed on demand, so that their number can be limited; libraries (greenery, interegular) build
all of them first, which takes minutes for some expressions of fifteen characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce

from inkwise._util.errors import InkwiseError
from inkwise._util.text import DIGITS
from inkwise.recognition.ctc.automata import SEPARATORS, Automaton

MAX_POSITIONS = 1000

_TOKEN = re.compile(
    r"""(?P<open>  \((?:\?:|\?P<\w+>|(?!\?)) )
      | (?P<close> \) )
      | (?P<bar>   \| )
      | (?P<times> (?:[*+?] | \{(?:(?P<least>\d+),?|,)(?P<most>\d*)\}) \?? )  # lazy or greedy
      | (?P<edge>  \A\^ | \$\Z )
      | (?P<one>   \[\^?+\]?+(?:\\.|[^\]\\])*\] | \\x[\da-fA-F]{2} | \\[dDsSwW] | \\[^\w] | [^\\()|*+?^$] )
      | (?P<other> \(\?P?<?. | \\. | . )""",
    re.VERBOSE | re.DOTALL,
)

_SET = re.compile(r"(\[\^?)(.*)\]", re.DOTALL)
_MEMBERS = re.compile(r"(\\.|.)(?:-(\\.|.))?", re.DOTALL)  # one character of a set, or a range
_RESERVED = frozenset("[-&~|")  # characters of a set that `re` warns about where they are doubled


@dataclass(frozen=True)
class _Fragment:
    """A part of the expression whose positions have been numbered.

    Attributes:
        first: positions where it can start, as bits.
        last: positions where it can end, as bits.
        empty: whether it matches the empty text.
    """

    first: int
    last: int
    empty: bool


_EMPTY = _Fragment(0, 0, True)
_FragmentBuilder = Callable[[], _Fragment]  # called once for each repetition, which needs its own positions


class _PositionGraph:
    """The positions of an expression; position 0 is before its first character."""

    def __init__(self, symbols: str) -> None:
        self.follow = [0]
        self.reads = dict.fromkeys(symbols, 0)

    def position(self, readable: set[str], empty: bool) -> _Fragment:
        if len(self.follow) > MAX_POSITIONS:
            raise InkwiseError(f"is longer than {MAX_POSITIONS} characters when its repetitions are expanded")
        bit = 1 << len(self.follow)
        self.follow.append(0)
        for symbol in readable:
            self.reads[symbol] |= bit
        return _Fragment(bit, bit, empty)

    def link(self, last: int, first: int) -> None:
        for position in _set_bits(last):
            self.follow[position] |= first

    def concatenate(self, left: _Fragment, right: _Fragment) -> _Fragment:
        self.link(left.last, right.first)
        return _Fragment(
            left.first | (right.first if left.empty else 0),
            right.last | (left.last if right.empty else 0),
            left.empty and right.empty,
        )

    def alternate(self, ways: list[_Fragment]) -> _Fragment:
        first = last = 0
        for way in ways:
            first, last = first | way.first, last | way.last
        return _Fragment(first, last, any(way.empty for way in ways))

    def repeat(self, build: _FragmentBuilder, least: int, most: int | None) -> _Fragment:
        """Repeat a part `least` to `most` times; None is any number of times."""
        whole = _EMPTY
        for _ in range(least):
            if not (part := build()).first:
                return part
            whole = self.concatenate(whole, part)
        rest = _EMPTY
        if most is None:
            part = build()
            self.link(part.last, part.first)
            rest = _Fragment(part.first, part.last, True)
        else:
            for _ in range(most - least):
                if not (part := build()).first:
                    return part
                part = self.concatenate(part, rest)
                rest = _Fragment(part.first, part.last, True)
        return self.concatenate(whole, rest)


class _Parser:
    """Recursive descent over an expression that `re` has accepted."""

    def __init__(self, pattern: str, symbols: str) -> None:
        self._graph = _PositionGraph(symbols)
        self._tokens = list(_TOKEN.finditer(pattern))[::-1]
        self._alphabet = dict.fromkeys(DIGITS + SEPARATORS + symbols)

    def automaton(self) -> Automaton:
        whole = self._alternation()()
        follow, reads = self._graph.follow, self._graph.reads
        follow[0] = whole.first
        ends = whole.last | whole.empty

        def transitions(positions: int) -> dict[str, int]:
            after = 0
            for position in _set_bits(positions):
                after |= follow[position]
            return {symbol: after & bits for symbol, bits in reads.items() if after & bits}

        return Automaton(1, transitions, lambda positions: bool(positions & ends))

    def _next(self, *kinds: str) -> re.Match[str] | None:
        if self._tokens and self._tokens[-1].lastgroup in kinds:
            return self._tokens.pop()
        return None

    def _alternation(self) -> _FragmentBuilder:
        ways = [self._sequence()]
        while self._next("bar"):
            ways.append(self._sequence())
        return lambda: self._graph.alternate([way() for way in ways])

    def _sequence(self) -> _FragmentBuilder:
        parts: list[_FragmentBuilder] = []
        while self._tokens and self._tokens[-1].lastgroup not in ("bar", "close"):
            parts.append(self._repeated(self._atom()))
        return lambda: reduce(self._graph.concatenate, (part() for part in parts), _EMPTY)

    def _repeated(self, build: _FragmentBuilder) -> _FragmentBuilder:
        if not (times := self._next("times")):
            return build
        sign = times[0][0]
        least = int(times["least"] or 0) if sign == "{" else int(sign == "+")
        if sign == "{":
            most = int(times["most"]) if times["most"] else None if "," in times[0] else least
        else:
            most = 1 if sign == "?" else None
        return lambda: self._graph.repeat(build, least, most)

    def _atom(self) -> _FragmentBuilder:
        token = self._tokens.pop()
        if token.lastgroup == "open":
            inner = self._alternation()
            self._next("close")
            return inner
        if token.lastgroup == "edge":
            return lambda: _EMPTY
        if token.lastgroup != "one":
            raise InkwiseError(
                f"{token[0]!r} is not supported; no lookaround, backreferences, conditions or flags"
            )
        matched = {symbol for symbol in self._alphabet if re.fullmatch(token[0], symbol)}
        readable = matched & self._graph.reads.keys()
        return lambda: self._graph.position(readable, empty=not matched <= readable | set(DIGITS))


def regex_automaton(pattern: str, symbols: str) -> Automaton:
    """Return the automaton of the texts that a regular expression matches as a whole.

    Separators that are not among the symbols are left out: with digits alone, 12.50 becomes 1250.

    Args:
        pattern: in the regular part of the syntax of Python's `re`; `^` and `$` only at its ends.
        symbols: the digits and separators of the reader.

    Raises:
        InkwiseError: the pattern is not a regular expression, uses unsupported syntax, or is too long.
    """
    try:
        escaped = _TOKEN.sub(_escape_set, pattern)
        re.compile(escaped)
        return _Parser(escaped, symbols).automaton()
    except InkwiseError as error:
        raise InkwiseError(f"pattern {pattern!r}: {error}") from None
    except (re.error, OverflowError, ValueError) as error:  # a ValueError is a number with too many digits
        reason = repr(str(error))[1:-1]  # escapes line breaks of the pattern
        raise InkwiseError(f"pattern {pattern!r} is not a regular expression: {reason}") from None
    except RecursionError:
        raise InkwiseError(f"pattern {pattern!r}: its groups are nested too deep") from None


def names_separators(pattern: str) -> bool:
    """Return whether a valid expression has a character or a set that holds a separator.

    The wildcard and sets of excluded characters do not count.
    """
    parts = (token[0] for token in _TOKEN.finditer(_TOKEN.sub(_escape_set, pattern)) if token["one"])
    return any(
        re.fullmatch(part, separator)
        for part in parts
        if part != "." and not part.startswith("[^")
        for separator in SEPARATORS
    )


def _escape_set(token: re.Match[str]) -> str:
    """Return a token, the reserved characters of a set escaped, so that `re` does not warn about them.

    Raises:
        re.error: the token opens a set that does not end.
    """
    if token[0] == "[":
        raise re.error("unterminated character set", token.string, token.start())
    if not (parts := _SET.fullmatch(token[0])):
        return token[0]

    def escape(member: re.Match[str]) -> str:
        return "-".join(f"\\{part}" if part in _RESERVED else part for part in member.groups() if part)

    return f"{parts[1]}{_MEMBERS.sub(escape, parts[2])}]"


def _set_bits(number: int) -> Iterator[int]:
    while number:
        low = number & -number
        yield low.bit_length() - 1
        number ^= low
