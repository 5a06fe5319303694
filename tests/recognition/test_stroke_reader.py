"""Strokes as numbers: lines, wide gaps, single digits, and the strokes of each digit."""

import numpy as np
import pytest

from inkwise import Recognizer
from inkwise.preprocessing import strokes_to_glyph
from inkwise.preprocessing.line_image import strokes_to_line_image
from inkwise.recognition import number_reader
from inkwise.recognition.digit_reader import DigitReader
from inkwise.recognition.number_reader import NumberReader
from inkwise.recognition.reading import NO_INK
from inkwise.recognition.stroke_reader import StrokeReader

SEVEN = np.array([(0.0, 0.0), (55, 0), (25, 75)])
ONE = np.array([(10.0, 0.0), (12, 75)])
ZERO = np.array([(28 + 25 * np.cos(angle), 37 + 37 * np.sin(angle)) for angle in np.linspace(0, 6.3, 30)])


@pytest.fixture(scope="module")
def recognizer():
    return Recognizer(threads=1)


def at(stroke, x, y=0.0):
    return stroke + np.array([x, y])


def labels(reading):
    """Return the labels of each number by line."""
    lines = {}
    for number in reading:
        lines.setdefault(number.line, []).append("".join(digit.label for digit in number.digits))
    return [*lines.values()]


def test_wide_gaps_separate_numbers_and_lines_their_lines(recognizer):
    strokes = [SEVEN, at(ZERO, 70), at(ONE, 300), at(SEVEN, 320), at(ZERO, 0, 120), at(SEVEN, 75, 125)]
    reading = recognizer.read_strokes(strokes)
    assert labels(reading) == [["70", "17"], ["07"]]
    assert [digit.strokes for digit in reading.digits] == [(0,), (1,), (2,), (3,), (4,), (5,)]
    assert recognizer.read_strokes(strokes, "page").text == reading.text


def test_digits_far_apart_are_numbers_of_one_digit(recognizer):
    reading = recognizer.read_strokes([SEVEN, at(ZERO, 250), at(SEVEN, 500)])
    assert (reading.text, reading.accepted) == ("7 0 7", True)


def test_column_of_digits_has_a_line_for_each(recognizer):
    reading = recognizer.read_strokes([at(SEVEN, 0, 220), ZERO, at(SEVEN, 5, 110)])
    assert (reading.text, [digit.strokes for digit in reading.digits]) == ("0\n7\n7", [(1,), (2,), (0,)])


def test_strokes_of_one_digit_are_read_together_though_they_stand_apart(recognizer):
    eight = [ZERO * 0.6, at(ZERO * 0.7, -3, 46)]
    reading = recognizer.read_strokes(eight)
    assert (reading.text, reading.digits[0].strokes) == ("8", (0, 1))
    np.testing.assert_array_equal(reading.digits[0].glyph, strokes_to_glyph(eight))


def test_digits_of_a_number_are_those_of_the_classifier_if_both_readers_agree(recognizer):
    strokes = [SEVEN, at(ZERO, 70)]
    reading = recognizer.read_strokes(strokes)
    assert (reading.text, reading.accepted) == ("70", True)
    for digit, stroke in zip(reading.digits, strokes, strict=True):
        np.testing.assert_array_equal(digit.glyph, strokes_to_glyph([stroke]))
        assert digit.label == recognizer.read_strokes([stroke], "digit").text


def test_agreement_of_both_readers_raises_the_confidence(recognizer, scripted):
    digits = DigitReader(recognizer.model)
    strokes = [SEVEN, at(ZERO, 70)]
    image = strokes_to_line_image(strokes)
    columns = [int((x - image.left) * image.scale) // 2 * 2 for x in (27, 98)]
    either = {"7": 0.6, "1": 0.4}, {"0": 0.6, "6": 0.4}
    unsure = scripted(*zip(columns, either, strict=True), width=image.ink.shape[1])
    reading = StrokeReader(digits, NumberReader(unsure)).read_number(strokes)
    spelled = digits.read_strokes(strokes, single=False)
    assert (reading.text, reading.accepted) == ("70", True)
    line, single = (probability / (1 - probability) for probability in (0.36, spelled.confidence))
    assert reading.confidence / (1 - reading.confidence) == pytest.approx(line * single**0.5, rel=0.1)


def test_groups_of_strokes_belong_to_the_digit_that_holds_them(recognizer, scripted, monkeypatch):
    bar = np.array([(-5.0, 20.0), (5.0, 20.0)])  # through the first
    dash = np.array([(56.0, 20.0), (64.0, 20.0)])  # between the second and the third
    one, two, three = (np.array([(x, 0.0), (x, 40.0)]) for x in (0.0, 40.0, 80.0))
    strokes = [three, bar, dash, one, two]
    image = strokes_to_line_image(strokes)
    columns = [int((x - image.left) * image.scale) // 2 * 2 for x in (0, 40, 80)]
    model = scripted(*((column, {"1": 1}) for column in columns), width=image.ink.shape[1])
    digits = DigitReader(recognizer.model)
    monkeypatch.setattr(number_reader, "_spell", lambda _: None)
    reading = StrokeReader(digits, NumberReader(model)).read_number(strokes)
    assert [digit.strokes for digit in reading.digits] == [(1, 3), (4,), (0,)]
    assert [digit.box for digit in reading.digits] == [None] * 3


def test_digits_that_share_a_stroke_have_none(recognizer):
    joined = np.concatenate([ZERO, at(ZERO, 60)])
    reading = recognizer.read_strokes([joined, at(SEVEN, 130)])
    assert labels(reading) == [["007"]]
    assert [digit.strokes for digit in reading.digits] == [(), (), (1,)]
    assert all(digit.glyph.any() for digit in reading.digits)


def test_each_character_of_a_number_is_classified_once(recognizer, monkeypatch):
    counts, run = [], type(recognizer.model).run

    def spy(self, glyphs):
        counts.append(len(glyphs))
        return run(self, glyphs)

    monkeypatch.setattr(type(recognizer.model), "run", spy)
    recognizer.read_strokes([SEVEN, at(ZERO, 70)], "number")
    assert counts == [2]


def test_nothing_and_a_dot_are_not_numbers(recognizer):
    assert recognizer.read_strokes([]).reason == NO_INK
    dot = recognizer.read_strokes([[(5, 5)]])
    assert len(dot.digits) == 1


def test_rejected_numbers_are_counted(recognizer):
    scribble = np.random.default_rng(0).uniform(0, 75, (40, 2))
    reading = recognizer.read_strokes([SEVEN, at(scribble, 300), at(SEVEN, 600)])
    assert (reading.text, reading.accepted) == ("7 ? 7", False)
    assert reading.reason == "1 of 3 numbers not sure enough to be accepted"


@pytest.mark.parametrize("place", range(3))
def test_letter_in_a_number_is_in_its_text(recognizer, place):
    h = [np.array([(0.0, 0), (0, 75)]), np.array([(35.0, 0), (35, 75)]), np.array([(0.0, 37), (35, 37)])]
    characters = [[SEVEN], [ZERO]]
    characters.insert(place, h)
    strokes = [at(stroke, 80 * i) for i, character in enumerate(characters) for stroke in character]
    reading = recognizer.read_strokes(strokes)
    assert (reading.text, reading.accepted) == (("?70", "7?0", "70?")[place], False)


def test_added_labels_are_read_beside_digits(recognizer):
    a = [np.array([(0.0, 75), (28, 0), (55, 75)]), np.array([(10.0, 50), (45, 50)])]
    glyphs = np.stack([strokes_to_glyph([stroke * scale for stroke in a]) for scale in (1.0, 1.1, 1.2)])
    adapted = recognizer.adapt(glyphs, np.array(["A"] * 3))
    reading = adapted.read_strokes([*a, at(SEVEN, 80)])
    assert labels(reading) == [["A7"]]
