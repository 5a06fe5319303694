"""Automata of digit counts, ranges, check digits and vocabularies."""

import string
import time
from itertools import product

import pytest

from inkwise._util.errors import InkwiseError
from inkwise.recognition.ctc.automata import (
    CHECKS,
    any_text,
    digit_count,
    explore,
    integer_range,
    intersection,
    vocabulary,
)

DIGITS = string.digits


def texts(symbols, longest):
    return ["".join(text) for length in range(longest + 1) for text in product(symbols, repeat=length)]


def test_digit_count_ignores_separators():
    two_or_three = digit_count("01.", range(2, 4))
    assert [text for text in texts("1.", 3) if text in two_or_three] == ["11", "111", "11.", "1.1", ".11"]


@pytest.mark.parametrize(
    ("least", "most"),
    [(0, 0), (0, 7), (5, 5), (7, 12), (10, 10), (98, 203), (99, 100), (0, 999), (120, 1119)],
)
def test_integer_range_ignores_leading_zeros(least, most):
    inside = integer_range(DIGITS, least, most)
    assert [number for number in range(1500) if str(number) in inside] == list(range(least, most + 1))
    assert [number for number in range(1500) if f"000{number}" in inside] == list(range(least, most + 1))
    assert "" not in inside


@pytest.mark.parametrize(
    ("check", "number"),
    [
        ("luhn", "79927398713"),
        ("luhn", "4539 1488 0343 6467"),
        ("ean", "73513537"),
        ("ean", "036000291452"),
        ("ean", "4006381333931"),
        ("ean", "978-3-16-148410-0"),
        ("mod11", "0-306-40615-2"),
        ("mod11", "943 476 5919"),
        ("mod97", "777"),
        ("mod97", "3214282912345698765432161182"),
    ],
)
def test_check_accepts_valid_numbers_and_detects_wrong_digits(check, number):
    valid = CHECKS[check](DIGITS + " -")
    assert number in valid
    for place, symbol in enumerate(number):
        if symbol in DIGITS:
            others = [number[:place] + digit + number[place + 1 :] for digit in DIGITS if digit != symbol]
            assert not [wrong for wrong in others if wrong in valid]


def weighted(number, weights, modulus):
    return (
        sum(weight * int(digit) for weight, digit in zip(weights, reversed(number), strict=False)) % modulus
    )


def test_checks_agree_with_definitions_on_four_digits():
    numbers = [f"{number:04}" for number in range(10_000)]
    doubled = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]

    def valid(check):
        automaton = CHECKS[check](DIGITS)
        return [number for number in numbers if number in automaton]

    assert valid("luhn") == [
        n for n in numbers if (int(n[3]) + doubled[int(n[2])] + int(n[1]) + doubled[int(n[0])]) % 10 == 0
    ]
    assert valid("mod11") == [n for n in numbers if weighted(n, (1, 2, 3, 4), 11) == 0]
    assert valid("mod97") == [n for n in numbers if int(n) % 97 == 1]
    assert valid("ean") == []


@pytest.mark.parametrize(
    ("check", "short"), [("luhn", "0"), ("mod11", "0"), ("mod97", "01"), ("ean", "0000")]
)
def test_check_rejects_numbers_that_are_too_short(check, short):
    automaton = CHECKS[check](DIGITS)
    assert "" not in automaton
    assert short not in automaton


def test_vocabulary_skips_unknown_separators():
    words = ["10", "1.0", "0", "00.1"]
    assert {text for text in texts("01.", 4) if text in vocabulary(words, "01.")} == set(words)
    assert {text for text in texts("01", 4) if text in vocabulary(words, "01")} == {"10", "0", "001"}


def test_intersection_accepts_common_texts():
    both = intersection([digit_count(DIGITS, (2,)), integer_range(DIGITS, 5, 11)])
    assert [text for text in texts(DIGITS, 3) if text in both] == ["05", "06", "07", "08", "09", "10", "11"]


def test_explore_keeps_only_states_that_reach_acceptance():
    graph = explore(
        intersection([digit_count("01", (3,)), vocabulary(["000", "0101", "011"], "01")]), "01", 100
    )
    assert len(graph.accepts) == 6  # the start, 0, 00 and 01, and the two ends
    assert graph.accepts.sum() == 2
    assert sorted(graph.columns.tolist()) == [1, 1, 1, 2, 2]


def test_explore_takes_linear_time_for_long_words():
    began = time.process_time()
    graph = explore(vocabulary(["1" * 30_000], "01"), "01", 100_000)
    assert len(graph.accepts) == 30_001
    assert time.process_time() - began < 1  # quadratic time would be some seconds


def test_explore_of_empty_language_is_none_and_too_many_states_raise():
    assert explore(intersection([digit_count("01", (3,)), vocabulary(["01"], "01")]), "01", 100) is None
    assert len(explore(any_text("01"), "01", 1).accepts) == 1
    with pytest.raises(InkwiseError, match="more than 100 states"):
        explore(digit_count("01", (100,)), "01", 100)
