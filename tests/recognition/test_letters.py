"""The bundled model `letters`, and how a model that reads letters reads each kind of input."""

import pickle
from importlib import resources

import numpy as np
import pytest

from inkwise import Recognizer
from inkwise.recognition import Model
from inkwise.recognition.model import bundled_models, model_source
from inkwise.training.letters import LETTERS_AND_DIGITS, SYMBOLS

H = [[(30, 20), (30, 100)], [(30, 60), (80, 60)], [(80, 20), (80, 100)]]
E = [[(80, 20), (30, 20), (30, 100), (80, 100)], [(30, 60), (70, 60)]]
SEVEN, ONE = [[(30, 25), (85, 25), (55, 100)]], [[(60, 20), (60, 100)]]


def beside(*characters, step=90):
    """The strokes of characters side by side."""
    return [
        [(x + step * place, y) for x, y in stroke]
        for place, strokes in enumerate(characters)
        for stroke in strokes
    ]


@pytest.fixture(scope="module")
def letters():
    return Recognizer("letters", threads=1)


def test_letters_is_bundled_and_small():
    assert "letters" in bundled_models()
    assert (resources.files("inkwise.recognition") / "weights" / "letters.onnx").stat().st_size <= 1_000_000


def test_letters_knows_digits_letters_and_symbols(letters):
    assert letters.labels == (*sorted(LETTERS_AND_DIGITS + SYMBOLS),)
    assert letters.model.rejects


@pytest.mark.parametrize(
    ("labels", "reads_letters"),
    [("0123456789", False), ("0123456789AB", False), ("ABCDEFGHIJKLMNOPQRSTUVWXYZ", True)],
)
def test_model_with_an_alphabet_reads_letters(labels, reads_letters):
    model = Model(model_source("tiny"), threads=1)
    model.labels = (*labels,)
    assert model.reads_letters is reads_letters


@pytest.mark.parametrize(("strokes", "text"), [(H, "H"), (E, "E"), (SEVEN, "7")])
@pytest.mark.parametrize("expect", [None, "digit"])
def test_letters_reads_one_character(letters, pen, strokes, text, expect):
    drawn, seen = letters.read_strokes(strokes, expect), letters.read(pen(strokes), expect)
    assert (drawn.text, seen.text) == (text, text)
    assert drawn.model == seen.model == letters.model.name
    assert len(drawn.digits[0].alternatives) == len(letters.labels)


def test_letters_reads_a_word_character_by_character(letters, pen):
    strokes = beside(H, E, H)
    assert letters.read_strokes(strokes).text == "HEH"
    assert letters.read(pen(strokes, size=(120, 300))).text == "HEH"


def test_letters_reads_numbers_like_the_digits_model_if_asked(letters, number):
    plain = Recognizer(threads=1)
    for expect in ("number", "page"):
        assert letters.read(number, expect).text == plain.read(number, expect).text == "714"
    strokes = beside(SEVEN, ONE)
    read, expected = (each.read_strokes(strokes, "number") for each in (letters, plain))
    assert (read.text, read.confidence, read.model) == (expected.text, expected.confidence, expected.model)


def test_letters_reads_cells_like_the_digits_model(letters, pen):
    cells = [pen(SEVEN), pen(ONE), None]
    assert (
        letters.read_cells(cells).to_dict()["numbers"] == Recognizer().read_cells(cells).to_dict()["numbers"]
    )


def test_letters_adapts(letters):
    glyphs = np.stack([letters.read_strokes(H).digits[0].glyph] * 5)
    adapted = letters.adapt(glyphs, np.array(["Ж"] * 5))
    assert adapted.read_strokes(H).digits[0].label == "Ж"
    assert adapted.read_strokes(E).text == "E"


def test_letters_pickles(letters):
    again = pickle.loads(pickle.dumps(letters))
    assert again.read_strokes(beside(H, E)).text == "HE"
