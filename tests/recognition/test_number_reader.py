"""Numbers: boxes in the picture, strokes of each digit, and reasons for rejection."""

import numpy as np
import pytest

from inkwise import Constraint, ImageError, Recognizer
from inkwise._util.errors import InkwiseError
from inkwise.recognition import number_reader
from inkwise.recognition.model import LineModel
from inkwise.recognition.number_reader import NumberReader

SEVEN, ONE = (10, 4, 14, 24), (40, 6, 6, 20)  # bars, the ink of a line image
PAPER = np.full((80, 140), 230, np.uint8)


@pytest.fixture
def read(scripted, line, monkeypatch):
    """read(*digits, constraint=None) reads a line image of two bars with a scripted model."""
    monkeypatch.setattr(number_reader, "to_line_image", lambda ink: line(SEVEN, ONE))

    def read(*digits, constraint=None):
        return NumberReader(scripted(*digits)).read_image(PAPER, constraint)

    return read


@pytest.fixture(scope="module")
def recognizer(bars_reader):
    """A recognizer that reads every upright bar as a 1, or else as a 7."""
    return Recognizer(line_model=LineModel(bars_reader, threads=1))


def upright(count, step=20.0, height=40.0):
    return [np.array([(number * step, 0.0), (number * step, height)]) for number in range(count)]


def test_confident_number_is_accepted(read):
    reading = read((16, {"7": 0.9}), (42, {"1": 0.8, "7": 0.15}))
    assert (reading.text, reading.accepted, reading.reason) == ("71", True, None)
    assert reading.confidence == pytest.approx(0.9 * 0.8, abs=1e-4)
    assert (reading.model, reading.unconstrained) == ("scripted", None)
    seven, one = reading.digits
    assert (one.label, one.accepted, one.doubt) == ("1", True, None)
    assert one.probability == pytest.approx(0.8, abs=0.02)
    assert [label for label, _ in one.alternatives[:2]] == ["1", "7"]
    assert len(one.alternatives) == 10
    assert seven.strokes is None
    assert seven.glyph.shape == (28, 28)
    assert seven.glyph.any()


def test_boxes_are_in_picture_pixels(read):
    # The line image starts at (100, 50) of the picture and has twice its scale.
    reading = read((16, {"7": 0.9}), (42, {"1": 0.8}))
    assert [digit.box for digit in reading.digits] == [(105, 52, 7, 12), (120, 53, 3, 10)]


def test_boxes_are_clipped_to_picture(read):
    for digit in read((-8, {"7": 0.9}), (100, {"1": 0.8})).digits:
        x, y, w, h = digit.box
        assert 0 <= x < x + w <= 140
        assert 0 <= y < y + h <= 80


def test_doubtful_digits_of_rejected_number_are_marked(read):
    reading = read((16, {"7": 0.9}), (42, {"1": 0.46, "7": 0.34, "4": 0.1}))
    assert (reading.text, reading.accepted) == ("7?", False)
    assert reading.reason == "not sure of the whole: 71 with 41.4%, below 50.0%"
    assert [digit.doubt for digit in reading.digits] == [None, "1 or 7"]
    assert [digit.label for digit in reading.digits] == ["7", "1"]


def test_number_may_be_rejected_although_each_digit_is_accepted(read):
    reading = read((16, {"7": 0.69}), (42, {"1": 0.69}))
    assert (reading.text, reading.accepted) == ("71", False)
    assert reading.reason == "not sure of the whole: 71 with 47.6%, below 50.0%"


def test_unlikely_digit_of_rejected_number_is_not_a_digit(read):
    reading = read((16, {"7": 1}), (42, {"1": 0.3, "7": 0.1}), constraint=Constraint(length=2))
    one = reading.digits[1]
    assert (reading.text, reading.accepted) == ("71", True), "the constraint says that there are two"
    assert (one.accepted, one.doubt) == (True, None)
    assert one.probability == pytest.approx(0.3, abs=1e-4)
    assert reading.confidence == pytest.approx(0.75, abs=1e-3)
    unsure = read((16, {"7": 1}), (42, {"1": 0.21, "7": 0.2, "4": 0.05}), constraint=Constraint(length=2))
    assert unsure.text == "7?"
    assert unsure.digits[1].doubt == "not a digit"


def test_unconstrained_text_is_kept(read):
    reading = read((16, {"7": 0.9}), (42, {"1": 0.6, "7": 0.3}), constraint=Constraint(range=(72, 79)))
    assert (reading.text, reading.unconstrained, reading.accepted) == ("77", "71", True)
    assert reading.to_dict()["unconstrained"] == "71"


def test_text_forced_by_constraint_is_rejected(read):
    digits = (16, {"7": 0.99}), (42, {"1": 0.99})
    reading = read(*digits, constraint=Constraint(vocabulary=["25", "64"]))
    assert not reading.accepted
    assert reading.reason == "the ink says 71, which the constraint rules out"
    assert reading.text == "??"
    assert reading.unconstrained == "71"


def test_constraint_that_nothing_fits_gives_empty_text(read):
    reading = read((16, {"7": 1}), constraint=Constraint(length=70))
    assert (reading.text, reading.digits, reading.confidence, reading.accepted) == ("", (), 0, False)
    assert reading.reason == "the ink says 7, which the constraint rules out"


def test_ink_without_digits_is_rejected(read):
    reading = read()
    assert (reading.text, reading.digits, reading.accepted) == ("", (), False)
    assert reading.reason == read(constraint=Constraint(length=1)).reason == "not a digit"


@pytest.mark.parametrize(("constraint", "unconstrained"), [(None, None), (Constraint(length=2), "")])
def test_empty_picture_has_no_ink(scripted, constraint, unconstrained):
    reading = NumberReader(scripted()).read_image(PAPER, constraint)
    assert (reading.text, reading.confidence, reading.accepted) == ("", 0, False)
    assert reading.reason.startswith("no ink")
    assert reading.unconstrained == unconstrained


def bars_picture(count, step=40, size=(100, 300)):
    picture = np.full(size, 230, np.uint8)
    for number in range(count):
        picture[20:80, 50 + step * number : 58 + step * number] = 30
    return picture


def test_number_reader_reads_picture(recognizer):
    picture = bars_picture(4)
    reading = recognizer.read(picture, "number")
    assert (reading.text, reading.accepted) == ("1111", True)
    assert reading.model == "bars (2026-01-01)"
    for number, digit in enumerate(reading.digits):
        assert digit.box == pytest.approx((50 + 40 * number, 20, 8, 60), abs=3)
    np.testing.assert_array_equal(reading.picture, picture)
    assert reading.overlay().size == (300, 100)


def test_number_reader_reads_cropped_and_wide_pictures(recognizer):
    assert recognizer.read(bars_picture(3)[20:80, 50:138], "number").text == "111"
    assert recognizer.read(bars_picture(30, size=(100, 1400)), "number").text == "1" * 30


def test_number_reader_reads_strokes(recognizer):
    reading = recognizer.read_strokes(upright(3), "number")
    assert reading.text == "111"
    assert [digit.strokes for digit in reading.digits] == [(0,), (1,), (2,)]
    assert reading.picture is None


def test_separate_strokes_are_also_read_as_single_digits(scripted):
    unsure = scripted((16, {"1": 0.6, "7": 0.3}))
    seven = np.array([(0, 0), (55, 0), (25, 75)])
    assert Recognizer(line_model=unsure).read_strokes([seven], "number").digits[0].label == "7"


def test_number_reader_applies_constraint(recognizer):
    reading = recognizer.read(bars_picture(2), constraint=Constraint(length=(1, 2)))
    assert (reading.text, reading.unconstrained, reading.accepted) == ("11", "11", True)
    reading = recognizer.read_strokes(upright(2), constraint=Constraint(length=3))
    assert (reading.unconstrained, reading.accepted) == ("11", False)
    assert reading.reason == "the ink says 11, which the constraint rules out"


@pytest.mark.parametrize("empty", [np.full((60, 200), 240, np.uint8), [], [[(0, 0), (9, 0)]]])
def test_number_reader_rejects_empty_input(recognizer, empty):
    read = recognizer.read_strokes if isinstance(empty, list) else recognizer.read
    reading = read(empty, "number")
    assert (reading.text, reading.accepted, reading.reason[:6]) == ("", False, "no ink")


def test_number_reader_raises_on_invalid_input(recognizer):
    with pytest.raises(ImageError, match=r"none\.png: cannot be opened \(No such file or directory\)"):
        recognizer.read("none.png", "number")
    with pytest.raises(InkwiseError, match="stroke 1 holds a coordinate"):
        recognizer.read_strokes([[(0, float("nan"))]], "number")


def test_adapted_recognizer_keeps_line_model(recognizer):
    adapted = recognizer.adapt(np.zeros((1, 28, 28), np.uint8), np.array(["1"]))
    assert adapted.read_strokes(upright(2), "number").text == "11"
