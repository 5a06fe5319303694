import re
from itertools import groupby, product

import numpy as np
import pytest

from inkwise._util.errors import InkwiseError
from inkwise.recognition.constraints import Constraint, decode_best, decode_constrained

SYMBOLS = "018."


def lattice_of(rng, frames=6, symbols=SYMBOLS):
    logits = rng.normal(0, 2, (frames, len(symbols) + 1))
    return (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)


def all_texts(lattice, symbols=SYMBOLS):
    """P of every text, from every alignment: repeats merge, then blanks vanish."""
    chances = {}
    for path in product(range(len(symbols) + 1), repeat=len(lattice)):
        text = "".join(symbols[column - 1] for column, _ in groupby(path) if column)
        chance = np.exp(sum(float(lattice[i, column]) for i, column in enumerate(path)))
        chances[text] = chances.get(text, 0.0) + chance
    return chances


@pytest.fixture(scope="module")
def brute_force():
    lattices = [lattice_of(np.random.default_rng(seed)) for seed in range(4)]
    return [(lattice, all_texts(lattice)) for lattice in lattices]


def digits(text):
    return text.replace(".", "")


def value(text):
    return int(digits(text) or -1)


def luhn(text):
    total = 0
    for place, digit in enumerate(reversed(digits(text))):
        total += sum(map(int, str(int(digit) * (1 + place % 2))))
    return len(digits(text)) > 1 and total % 10 == 0


def mod11(text):
    numbers = [int(digit) for digit in reversed(digits(text))]
    return len(numbers) > 1 and sum((i + 1) * number for i, number in enumerate(numbers)) % 11 == 0


CASES = [
    ({}, lambda text: True),
    ({"length": 2}, lambda text: len(digits(text)) == 2),
    ({"length": (0, 1)}, lambda text: len(digits(text)) <= 1),
    ({"pattern": r"\d+\.\d{1,2}"}, lambda text: re.fullmatch(r"\d+\.\d{1,2}", text)),
    ({"pattern": r"1|8\.?0*|(11)+"}, lambda text: re.fullmatch(r"1|8\.?0*|(11)+", text)),
    ({"range": (8, 110)}, lambda text: 8 <= value(text) <= 110),
    ({"range": (0, 0)}, lambda text: value(text) == 0),
    ({"check": "luhn"}, luhn),
    ({"check": "mod11"}, mod11),
    ({"check": "mod97"}, lambda text: len(digits(text)) > 2 and value(text) % 97 == 1),
    ({"vocabulary": ["1", "1.0", "88", "1108", "7"]}, lambda text: text in ("1", "1.0", "88", "1108")),
    ({"length": 3, "check": "luhn"}, lambda text: len(digits(text)) == 3 and luhn(text)),
    (
        {"length": (1, 3), "pattern": r"\d\.?\d+", "range": (1, 100), "check": "luhn"},
        lambda text: re.fullmatch(r"\d\.?\d{1,2}", text) and 1 <= value(text) <= 100 and luhn(text),
    ),
    (
        {"vocabulary": ["18", "1.8", "81", "0.18"], "range": (10, 20), "pattern": ".*8"},
        lambda text: text in ("18", "1.8", "0.18"),
    ),
]


@pytest.mark.parametrize(("given", "satisfies"), CASES, ids=[" ".join(given) for given, _ in CASES])
def test_the_best_text_and_all_sums_are_those_of_all_alignments(given, satisfies, brute_force):
    constraint = Constraint(**given)
    for lattice, everything in brute_force:
        chances = {text: chance for text, chance in everything.items() if satisfies(text)}
        read = decode_constrained(lattice, SYMBOLS, constraint)
        support = sum(chances.values())
        assert read.support == pytest.approx(support, rel=1e-6)
        assert read.text == max(chances, key=chances.__getitem__)
        assert read.probability == pytest.approx(chances[read.text] / support, rel=1e-6)


def test_ean_in_a_line_with_one_doubtful_digit():
    number, symbols = "73513537", "0123456789"
    lattice = np.full((16, 11), np.log(0.001), np.float32)
    lattice[1::2, 0] = np.log(0.99)
    for place, digit in enumerate(number):
        lattice[2 * place, int(digit) + 1] = np.log(0.99)
    lattice[6, [2, 8]] = np.log([0.4, 0.59])  # the 1 looks like a 7
    assert decode_best(lattice, symbols).text == "73573537"
    read = decode_constrained(lattice, symbols, Constraint(check="ean"))
    assert read.text == number
    assert read.probability > 0.9
    assert 0.3 < read.support < 0.45


def test_a_reading_that_is_forced_has_hardly_any_support():
    lattice = np.full((8, 11), np.log(1e-6), np.float32)
    lattice[::2, 6] = lattice[1::2, 0] = np.log(1 - 1e-5)  # 5555, clearly
    read = decode_constrained(lattice, "0123456789", Constraint(vocabulary=["1234", "1235", "5678"]))
    assert read.text == "5678"
    assert read.support < 1e-12


def test_a_text_for_which_there_is_no_room_is_none():
    lattice = lattice_of(np.random.default_rng(0), frames=3)
    read = decode_constrained(lattice, SYMBOLS, Constraint(length=4))
    assert (read.text, read.probability, read.support) == (None, 0.0, 0.0)


@pytest.mark.parametrize(
    "given",
    [
        {"pattern": r"\d{2}\.\d{2}"},
        {"vocabulary": ["10.18", "1.8", "80.88"], "length": 4},
        {"vocabulary": ["10.18", "1018", "1.8"], "pattern": r"\d\d\.\d\d"},
    ],
)
def test_a_reader_of_digits_alone_does_not_miss_the_separators(given):
    lattice = lattice_of(np.random.default_rng(3), 6, "018")
    read = decode_constrained(lattice, "018", Constraint(**given))
    assert re.fullmatch(r"\d{4}", read.text)


def test_a_word_must_satisfy_the_rest_before_its_separators_are_left_out():
    with pytest.raises(InkwiseError, match="no number that satisfies"):
        Constraint(vocabulary=["1-2"], pattern=r"\d\.\d")


def test_it_is_built_from_the_plain_values_of_a_form():
    given = {"length": [4, 6], "range": [0, 999999], "vocabulary": [8001, "0800"]}
    assert Constraint.from_dict(given) == Constraint(
        length=(4, 6), range=(0, 999999), vocabulary=("8001", "0800")
    )
    assert Constraint.from_dict({"length": 4}) == Constraint(length=(4, 4))
    assert len({Constraint(length=4), Constraint(length=(4, 4))}) == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lenght": 3}, "has no key 'lenght'; did you mean length"),
        ({"length": (4, 3)}, "length: the least, 4, is more than the most, 3"),
        ({"length": -1}, "length (-1, -1) is not a least and a most"),
        ({"length": True}, "is not a least and a most"),
        ({"length": "3"}, "length '3' is not a least and a most"),
        ({"range": (9, 1)}, "range: the least, 9, is more than the most, 1"),
        ({"range": (1,)}, "range (1,) is not a least and a most"),
        ({"range": (0, 1.5)}, "range (0, 1.5) is not a least and a most, integers of 0 or more"),
        ({"check": "lunh"}, "there is no check 'lunh'; did you mean luhn"),
        ({"check": 11}, "there is no check 11; did you mean mod11"),
        ({"check": ["ean"]}, "there is no check ['ean']"),
        ({"vocabulary": []}, "the vocabulary is empty"),
        ({"vocabulary": "123"}, "vocabulary '123' is not a list of numbers"),
        ({"vocabulary": ["12", "1O"]}, "the vocabulary holds '1O'"),
        ({"vocabulary": [1.5]}, "the vocabulary holds 1.5"),
        ({"vocabulary": [["12"]]}, "the vocabulary holds ['12']"),
        ({"pattern": 5}, "pattern 5 is not text"),
        ({"pattern": "("}, "pattern '(' is no regular expression"),
        ({"pattern": r"(\d)\1"}, "is not understood"),
        ({"pattern": "A1"}, "pattern 'A1': there is no number that satisfies this"),
        ({"pattern": "^$"}, "pattern '^$': there is no number that satisfies this"),
        ({"length": 0}, "length (0, 0): there is no number that satisfies this"),
        ({"pattern": r"\d*1\d{20}"}, "more than 10000 states"),
        ({"length": (1, 10**9)}, "more than 10000 states"),
        ({"length": 3, "pattern": r"\d{5}"}, r"length (3, 3) and pattern '\\d{5}': there is no number that"),
        ({"length": 9, "check": "ean"}, "length (9, 9) and check 'ean': there is no number that"),
        (
            {"vocabulary": ["12", "14"], "range": (15, 20)},
            "range (15, 20) and a vocabulary of 2: there is no",
        ),
    ],
)
def test_what_cannot_be_is_told(given, message):
    with pytest.raises(InkwiseError, match=re.escape(message)):
        Constraint.from_dict(given)
