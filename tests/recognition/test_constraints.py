"""Constraints: decoding against brute force over all alignments, and invalid values."""

import re
from itertools import groupby, product

import numpy as np
import pytest

from inkwise._util.errors import InkwiseError
from inkwise._util.text import DIGITS
from inkwise.recognition.constraints import Constraint
from inkwise.recognition.ctc.decoding import decode, merge_into_blank, text_columns

SYMBOLS = "018."


def lattice_of(rng, frames=6, symbols=SYMBOLS):
    logits = rng.normal(0, 2, (frames, len(symbols) + 1))
    return (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)


def all_texts(lattice, symbols=SYMBOLS):
    """Return the probability of every text by brute force: repeats merge, then blanks are removed."""
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
def test_decode_agrees_with_brute_force(given, satisfies, brute_force):
    constraint = Constraint(**given)
    for lattice, everything in brute_force:
        chances = {text: chance for text, chance in everything.items() if satisfies(text)}
        read = constraint.decode(lattice, SYMBOLS)
        support = sum(chances.values())
        assert read.support == pytest.approx(support, rel=1e-6)
        assert read.text == max(chances, key=chances.__getitem__)
        assert read.probability == pytest.approx(chances[read.text] / support, rel=1e-6)


def test_integers_of_numpy_are_integers():
    known = Constraint(length=np.int64(2), vocabulary=[*np.array([12, 34])])
    assert known == Constraint(length=2, vocabulary=[12, 34])
    assert Constraint(range=tuple(np.array([1, 31]))).range == (1, 31)


def test_ean_corrects_doubtful_digit():
    number, symbols = "73513537", "0123456789"
    lattice = np.full((16, 11), np.log(0.001), np.float32)
    lattice[1::2, 0] = np.log(0.99)
    for place, digit in enumerate(number):
        lattice[2 * place, int(digit) + 1] = np.log(0.99)
    lattice[6, [2, 8]] = np.log([0.4, 0.59])  # the 1 looks like a 7
    assert decode(lattice, symbols).text == "73573537"
    read = Constraint(check="ean").decode(lattice, symbols)
    assert read.text == number
    assert read.probability > 0.9
    assert 0.3 < read.support < 0.45


def test_forced_text_has_tiny_support():
    lattice = np.full((8, 11), np.log(1e-6), np.float32)
    lattice[::2, 6] = lattice[1::2, 0] = np.log(1 - 1e-5)  # 5555, clearly
    read = Constraint(vocabulary=["1234", "1235", "5678"]).decode(lattice, "0123456789")
    assert read.text == "5678"
    assert read.support < 1e-12


def test_text_that_does_not_fit_is_none():
    lattice = lattice_of(np.random.default_rng(0), frames=3)
    read = Constraint(length=4).decode(lattice, SYMBOLS)
    assert (read.text, read.probability, read.support) == (None, 0.0, 0.0)


@pytest.mark.parametrize(
    "given",
    [
        {"pattern": r"\d{2}\.\d{2}"},
        {"vocabulary": ["10.18", "1.8", "80.88"], "length": 4},
        {"vocabulary": ["10.18", "1018", "1.8"], "pattern": r"\d\d\.\d\d"},
    ],
)
def test_digits_only_reader_skips_separators(given):
    lattice = lattice_of(np.random.default_rng(3), 6, "018")
    read = Constraint(**given).decode(lattice, "018")
    assert re.fullmatch(r"\d{4}", read.text)


def test_vocabulary_must_satisfy_pattern_with_separators():
    with pytest.raises(InkwiseError, match="no number that satisfies"):
        Constraint(vocabulary=["1-2"], pattern=r"\d\.\d")


def test_from_dict_accepts_plain_values():
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
        ({"length": (4, 3)}, "length: the minimum, 4, is larger than the maximum, 3"),
        (
            {"length": -1},
            "length: expected a number, or a minimum and a maximum, integers of 0",
        ),
        ({"length": True}, "got (True, True)"),
        (
            {"length": "3"},
            "a minimum and a maximum, integers of 0 or more, got '3'",
        ),
        ({"range": (9, 1)}, "range: the minimum, 9, is larger than the maximum, 1"),
        ({"range": (1,)}, "range: expected a minimum and a maximum, integers of 0 or more, got (1,)"),
        ({"range": (0, 1.5)}, "range: expected a minimum and a maximum, integers of 0 or more, got (0, 1.5)"),
        ({"check": "lunh"}, "there is no check 'lunh'; did you mean luhn"),
        ({"check": 11}, "there is no check 11; did you mean mod11"),
        ({"check": ["ean"]}, "there is no check ['ean']"),
        ({"vocabulary": []}, "the vocabulary is empty"),
        ({"vocabulary": "123"}, "vocabulary: expected a list of numbers, got '123'"),
        ({"vocabulary": ["12", "1O"]}, "vocabulary: expected digits and separators, got '1O'"),
        ({"vocabulary": [1.5]}, "vocabulary: expected digits and separators, got 1.5"),
        ({"vocabulary": [["12"]]}, "vocabulary: expected digits and separators, got ['12']"),
        ({"pattern": 5}, "pattern 5 is not text"),
        ({"pattern": "("}, "pattern '(' is not a regular expression"),
        ({"pattern": r"(\d)\1"}, "is not supported"),
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
def test_invalid_constraint_raises(given, message):
    with pytest.raises(InkwiseError, match=re.escape(message)):
        Constraint.from_dict(given)


WRITTEN = f"{DIGITS}.,-/:()#+*=%€$£'½^"


def satisfies(constraint, text):
    return constraint.decoder(WRITTEN).accepts(text_columns(text, WRITTEN))


@pytest.mark.parametrize(
    ("constraint", "right", "wrong"),
    [
        (
            Constraint.amount(),
            ["12.50", "1250", "1'250,-", "$12", "#300#", "12^50", "-7.00", "12=", "€1.250,00"],
            ["12/5", "1.2.3", "12:50", "12.5"],
        ),
        (Constraint.amount(","), ["12,50", "1.250", "1.250,00"], ["12.50"]),
        (Constraint.amount("."), ["12.50", "1,250.00"], ["12,50"]),
        (Constraint.date(), ["31/12/26", "1.2.2026", "01-02-99"], ["32/1/26", "1/2", "31/13/26", "1/2-26"]),
        (Constraint.date("dm"), ["31/12", "1.2"], ["31/12/26"]),
        (Constraint.date("ymd"), ["2026-12-31", "26/1/1"], ["31-12-2026"]),
        (Constraint.time(), ["7:30", "19.45", "23:59:59"], ["24:00", "7:60", "730"]),
        (Constraint(pattern="amount"), ["12.50", "1250", "12,50"], ["12/5"]),
        (Constraint(pattern="date"), ["31/12/26"], ["12/31/26"]),
        (Constraint(pattern="date-mdy"), ["12/31/26"], ["31/12/26"]),
        (Constraint(pattern="date-ymd"), ["2026-12-31"], ["31-12-2026"]),
        (Constraint(pattern="time"), ["7:30"], ["730"]),
        (Constraint(pattern="phone"), ["079-123-4567"], ["1:2345"]),
        (Constraint(pattern="phone", length=(3, 4)), ["12-34"], ["079-123-4567"]),
        (Constraint.phone(), ["079-123-4567", "(079)123-45-67", "+41791234567", "0791/23"], ["12", "1:2345"]),
    ],
)
def test_ready_constraints(constraint, right, wrong):
    assert [text for text in right if not satisfies(constraint, text)] == []
    assert [text for text in wrong if satisfies(constraint, text)] == []


def test_unknown_name_of_a_pattern_is_rejected_with_the_nearest():
    with pytest.raises(InkwiseError, match="there is no pattern 'dates'; did you mean date"):
        Constraint(pattern="dates")


def test_ready_constraints_reject_unknown_arguments():
    for order in ("", "d", "dd", "dmyx"):
        with pytest.raises(InkwiseError, match="date: expected an order such as 'dmy'"):
            Constraint.date(order)
    with pytest.raises(InkwiseError, match=r"decimal: expected '\.' or ',', got ';'"):
        Constraint.amount(";")


@pytest.mark.parametrize(
    ("keys", "of_digits"),
    [
        ({"pattern": r"[1-9]\d{3}"}, True),
        ({"pattern": r"\d.\d[^0]"}, True),
        ({"vocabulary": [12, "0800"]}, True),
        ({"pattern": r"\d+\.\d\d"}, False),
        ({"pattern": r"\d+[ -]\d"}, False),
        ({"vocabulary": ["12.50", "99"]}, False),
        ({"pattern": r"\d-\d", "vocabulary": ["1-2"]}, False),
        ({"length": 3}, False),
    ],
)
def test_pattern_or_vocabulary_without_separators_is_of_digits(keys, of_digits):
    assert Constraint(**keys).is_of_digits == of_digits


def test_merged_lattice_gives_digits_the_probability_of_all_their_texts(brute_force):
    for lattice, chances in brute_force:
        merged = merge_into_blank(lattice, 3)
        found = decode(merged, SYMBOLS[:3])
        expected = sum(chance for text, chance in chances.items() if digits(text) == found.text)
        assert found.probability == pytest.approx(expected, rel=1e-4)
