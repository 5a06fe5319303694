"""Regular expressions as automata: the same texts as `re.fullmatch`."""

import re
import warnings
from itertools import product

import pytest

from inkwise._util.errors import InkwiseError
from inkwise._util.text import DIGITS
from inkwise.recognition.ctc.automata import SEPARATORS
from inkwise.recognition.ctc.regex import regex_automaton

SYMBOLS = DIGITS + SEPARATORS
TEXTS = ["".join(text) for length in range(5) for text in product("012.-", repeat=length)]

PATTERNS = [
    "",
    "0",
    r"\d{2}",
    r"\d{2}\.\d{2}",
    r"\d+(\.\d\d)?",
    r"^\d+$",
    r"^0|1$",
    "01|12|",
    "(0|12)*",
    "(?:0?1?){2,3}",
    "(?P<whole>1*)-2",
    "(0*)*",
    "(0|1.){,2}",
    "1{2,}0{0}",
    "(1{0}|2{3}){2}",
    "0*?1+?2??",
    "[0-1]+",
    "[^12]+",
    r"[.\-]\D\d",
    r"[\]0]+",
    r"\W\w*",
    r"\x30[\x31]+",
    "1{",
    "1{a}0",
    "()|(|0)1",
    "x?1",
    r"((0|1){2}\.){1,2}",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_pattern_accepts_same_texts_as_re(pattern):
    automaton = regex_automaton(pattern, SYMBOLS)
    assert [text for text in TEXTS if text in automaton] == [t for t in TEXTS if re.fullmatch(pattern, t)]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_digits_of_matching_text_are_accepted(pattern):
    automaton = regex_automaton(pattern, DIGITS)
    assert all(re.sub(r"\D", "", text) in automaton for text in TEXTS if re.fullmatch(pattern, text))


def test_unknown_separators_are_skipped():
    automaton = regex_automaton(r"\d{2}[.,]\d{2}|\d-\d", "012-")
    assert [text for text in ("1202", "1-2", "12", "12.02", "12-02", "120") if text in automaton] == [
        "1202",
        "1-2",
    ]


LONG = "1{" + 5000 * "9" + "}"


@pytest.mark.parametrize("pattern", ["(", "[", "*", "1{2}{3}", "1{3,2}", "(?P=a)", "1{99999999999}", LONG])
def test_invalid_pattern_raises(pattern):
    with pytest.raises(
        InkwiseError, match=f"^pattern {re.escape(repr(pattern))} is not a regular expression"
    ):
        regex_automaton(pattern, SYMBOLS)


def test_error_for_multiline_pattern_is_one_line():
    with pytest.raises(InkwiseError) as caught:
        regex_automaton("[a-\n]", SYMBOLS)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("pattern", "part"),
    [
        (r"(\d)\1", r"\1"),
        (r"(?P<a>\d)(?P=a)", "(?P="),
        (r"(?=1)\d", "(?="),
        (r"\d(?<!1)", "(?<!"),
        (r"(1)?(?(1)2|3)", "(?("),
        ("(?i)1", "(?i"),
        ("(?>1*)1", "(?>"),
        ("1*+", "+"),
        (r"1\b", r"\b"),
        ("0^1", "^"),
    ],
)
def test_unsupported_syntax_is_named(pattern, part):
    with pytest.raises(InkwiseError, match=re.escape(f"{part!r} is not supported")):
        regex_automaton(pattern, SYMBOLS)


@pytest.mark.parametrize("pattern", [r"(\d{50}){50}", r"((\d{1000}){1000}){1000}", r"\d{0,1001}"])
def test_pattern_with_too_many_positions_raises(pattern):
    with pytest.raises(InkwiseError, match="longer than 1000 characters"):
        regex_automaton(pattern, SYMBOLS)


@pytest.mark.parametrize("pattern", ["[[1]", "[1||]"])
def test_reserved_set_characters_do_not_warn(pattern):
    assert "1" in regex_automaton(pattern, SYMBOLS)


@pytest.mark.parametrize("shape", ["[%s]", "%s", r"1[%s\]"])
def test_sets_match_same_characters_as_re_without_warning(shape):
    for members in product("-[]^&0\\", repeat=3):
        pattern = shape % "".join(members)
        with warnings.catch_warnings(action="ignore"):
            try:
                expected = [text for text in TEXTS[:150] if re.fullmatch(pattern, text)]
            except re.error:
                expected = None
        try:
            automaton = regex_automaton(pattern, SYMBOLS)
        except InkwiseError as error:
            message = str(error)
        else:
            message = ""
            assert [text for text in TEXTS[:150] if text in automaton] == expected, pattern
        assert ("not a regular expression" in message) == (expected is None), pattern


def test_huge_repetition_of_empty_group_is_accepted():
    assert "" in regex_automaton("((0{0}){1000000}){1000000}", SYMBOLS)


def test_deeply_nested_groups_raise():
    with pytest.raises(InkwiseError, match="nested too deep"):
        regex_automaton("(" * 2000 + "1" + ")" * 2000, SYMBOLS)
