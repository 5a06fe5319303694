import numpy as np
import pytest

from inkwise._util.text import NOT_A_DIGIT
from inkwise.app.answers import answer_of, labels_text, ranked_answers, undo_message
from inkwise.corrections import Sample
from inkwise.recognition import Digit


def digit(doubt, *alternatives):
    (label, probability), *_ = alternatives
    glyph = np.zeros((28, 28), np.uint8)
    return Digit(label, probability, doubt is None, doubt, alternatives, None, None, glyph)


def test_rejected_digit_answers_with_the_rest_of_the_probability():
    rejected = digit(NOT_A_DIGIT, ("4", 0.2), ("9", 0.1))
    label, probability = answer_of(rejected)
    assert (label, probability) == (NOT_A_DIGIT, pytest.approx(0.7))
    assert [name for name, _ in ranked_answers(rejected)] == [NOT_A_DIGIT, "4", "9"]


@pytest.mark.parametrize("doubt", [None, "4 or 9"])
def test_digit_answers_with_its_label(doubt):
    assert answer_of(digit(doubt, ("4", 0.6), ("9", 0.4))) == ("4", 0.6)


def test_learnt_class_of_non_digits_keeps_its_probability():
    rejected = digit(NOT_A_DIGIT, (NOT_A_DIGIT, 0.4), ("4", 0.35), ("9", 0.25))
    assert answer_of(rejected) == (NOT_A_DIGIT, 0.4)
    assert len(ranked_answers(rejected)) == 3


@pytest.mark.parametrize(
    ("labels", "text"), [([NOT_A_DIGIT], NOT_A_DIGIT), (["7", NOT_A_DIGIT, "4"], "7?4"), (["seven"], "seven")]
)
def test_labels_text(labels, text):
    assert labels_text(labels) == text


@pytest.mark.parametrize(
    ("labels", "deleted", "message"),
    [
        ([], True, "nothing left to undo"),
        (["7", "1"], True, "removed the answer 71"),
        (["7", NOT_A_DIGIT], True, "removed the answer 7?"),
        ([NOT_A_DIGIT], True, "removed the answer not a digit"),
        (["7"], False, "undone: the label is 7 again"),
    ],
)
def test_undo_message(labels, deleted, message):
    glyph = np.zeros((28, 28), np.uint8)
    samples = [
        Sample.now(glyph, writer="anna", source="canvas", label=label, deleted=deleted) for label in labels
    ]
    assert undo_message(samples) == message
