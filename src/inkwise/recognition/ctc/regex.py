"""A regular expression as a finite automaton.

Glushkov's construction (The abstract theory of automata, Russian Mathematical Surveys 16, 1961): every
character of the expression is a place, a text is a walk from place to place, and a state is the set of places
where the walk may stand. Sets of places are the bits of an integer. States are found only as they are needed,
so that they can be bounded; libraries (greenery, interegular) build all of them first, and an expression of
fifteen characters can keep these busy for minutes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from inkwise._util.errors import InkwiseError
from inkwise.recognition.ctc.automata import DIGITS, SEPARATORS, Automaton

MAX_POSITIONS = 1000

_TOKEN = re.compile(
    r"""(?P<open>  \((?:\?:|\?P<\w+>|(?!\?)) )
      | (?P<close> \) )
      | (?P<bar>   \| )
      | (?P<times> (?:[*+?] | \{(?:(?P<least>\d+),?|,)(?P<most>\d*)\}) \?? )  # lazy or not is one
      | (?P<edge>  \A\^ | \$\Z )
      | (?P<one>   \[\^?+\]?+(?:\\.|[^\]\\])*\] | \\x[\da-fA-F]{2} | \\[dDsSwW] | \\[^\w] | [^\\()|*+?^$] )
      | (?P<other> \(\?P?<?. | \\. | . )""",
    re.VERBOSE | re.DOTALL,
)

_SET = re.compile(r"(\[\^?)(.*)\]", re.DOTALL)
_MEMBERS = re.compile(r"(\\.|.)(?:-(\\.|.))?", re.DOTALL)  # one character of a set, or a range
_RESERVED = frozenset("[-&~|")
"""Characters of a set about which `re` warns that doubled they may come to mean something else."""


@dataclass(frozen=True)
class _Fragment:
    """A part of the expression that has been laid out.

    Attributes:
        first, last: the places where it can begin and end, as bits.
        empty: whether it can be nothing.
    """

    first: int
    last: int
    empty: bool


_EMPTY = _Fragment(0, 0, True)
_FragmentBuilder = Callable[
    [], _Fragment
]  # lays out its part once more: a part that is repeated needs places of its own


class _PositionGraph:
    """The places of an expression; place 0 is before its first character."""

    def __init__(self, symbols: str) -> None:
        self.follow = [0]
        self.reads = dict.fromkeys(symbols, 0)

    def position(self, readable: set[str], empty: bool) -> _Fragment:
        if len(self.follow) > MAX_POSITIONS:
            raise InkwiseError(
                f"with its repetitions written out it is longer than {MAX_POSITIONS} characters"
            )
        bit = 1 << len(self.follow)
        self.follow.append(0)
        for symbol in readable:
            self.reads[symbol] |= bit
        return _Fragment(bit, bit, empty)

    def link(self, last: int, first: int) -> None:
        for place in _set_bits(last):
            self.follow[place] |= first

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

    def repeat(self, lay: _FragmentBuilder, least: int, most: int | None) -> _Fragment:
        """At least so often; at most so often, or any number of times."""
        whole = _EMPTY
        for _ in range(least):
            if not (piece := lay()).first:
                return piece
            whole = self.concatenate(whole, piece)
        rest = _EMPTY
        if most is None:
            piece = lay()
            self.link(piece.last, piece.first)
            rest = _Fragment(piece.first, piece.last, True)
        else:
            for _ in range(most - least):
                if not (piece := lay()).first:
                    return piece
                piece = self.concatenate(piece, rest)
                rest = _Fragment(piece.first, piece.last, True)
        return self.concatenate(whole, rest)


class _Parser:
    """Recursive descent over an expression that Python has found to be one."""

    def __init__(self, pattern: str, symbols: str) -> None:
        self._graph = _PositionGraph(symbols)
        self._tokens = list(_TOKEN.finditer(pattern))[::-1]
        self._alphabet = dict.fromkeys(DIGITS + SEPARATORS + symbols)

    def automaton(self) -> Automaton:
        layout, whole = self._graph, self._alternation()()
        follow, reads = layout.follow, layout.reads
        follow[0] = whole.first
        ends = whole.last | whole.empty

        def arcs(places: int) -> dict[str, int]:
            after = 0
            for place in _set_bits(places):
                after |= follow[place]
            return {symbol: after & bits for symbol, bits in reads.items() if after & bits}

        return Automaton(1, arcs, lambda places: bool(places & ends))

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

        def lay() -> _Fragment:
            whole = _EMPTY
            for part in parts:
                whole = self._graph.concatenate(whole, part())
            return whole

        return lay

    def _repeated(self, lay: _FragmentBuilder) -> _FragmentBuilder:
        if not (times := self._next("times")):
            return lay
        sign = times[0][0]
        least = int(times["least"] or 0) if sign == "{" else int(sign == "+")
        if sign == "{":
            most = int(times["most"]) if times["most"] else None if "," in times[0] else least
        else:
            most = 1 if sign == "?" else None
        return lambda: self._graph.repeat(lay, least, most)

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
                f"{token[0]!r} is not understood; no lookaround, backreferences, conditions or flags"
            )
        met = {symbol for symbol in self._alphabet if re.fullmatch(token[0], symbol)}
        readable = met & self._graph.reads.keys()
        return lambda: self._graph.position(readable, empty=not met <= readable | set(DIGITS))


def regex_automaton(pattern: str, symbols: str) -> Automaton:
    """What a reader of some symbols sees of the texts that match a regular expression as a whole.

    A separator that is not among the symbols is not seen: with digits alone, 12.50 is seen as 1250.

    Args:
        pattern: in the syntax of Python's `re`, without what is not regular; `^` and `$` only at its ends.
        symbols: the digits and separators that the reader knows.

    Raises:
        InkwiseError: it is no regular expression, uses what is not understood, or is too long.
    """
    try:
        escaped = _TOKEN.sub(_escape_set, pattern)
        re.compile(escaped)
        return _Parser(escaped, symbols).automaton()
    except InkwiseError as error:
        raise InkwiseError(f"pattern {pattern!r}: {error}") from None
    except (re.error, OverflowError, ValueError) as error:  # a ValueError is a number that is absurdly long
        reason = repr(str(error))[1:-1]  # it may hold a line break of the pattern's
        raise InkwiseError(f"pattern {pattern!r} is no regular expression: {reason}") from None
    except RecursionError:
        raise InkwiseError(f"pattern {pattern!r}: its groups are nested too deep") from None


def _escape_set(token: re.Match[str]) -> str:
    """A token; if it is a set, its reserved characters are escaped, so that `re` reads it without a warning.

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
