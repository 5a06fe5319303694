import numpy as np
import pytest

from inkwise._util.errors import InkwiseError
from inkwise._util.text import NOT_A_DIGIT
from inkwise.app.drawing_session import DrawingSession
from inkwise.recognition import Recognizer

SEVEN = [[30, 25], [85, 25], [55, 100]]
ONE = [[110, 20], [112, 100]]
A = [[[50, 200], [100, 40], [150, 200]], [[70, 140], [130, 140]]]


@pytest.fixture
def session():
    """A session with the reading of 71."""
    session = DrawingSession()
    session.show(Recognizer().read_strokes([SEVEN, ONE]))
    return session


def test_session_corrects_digit_by_digit(session):
    assert (session.labels, session.selected) == (["7", "1"], 0)
    assert session.correct("2") is False
    assert (session.labels, session.selected) == (["2", "1"], 1)
    session.choose(5)
    assert session.selected == 1
    answers = session.answers([SEVEN, ONE])
    assert [(each.label, each.answer, each.strokes) for each in answers] == [
        ("2", "7", [SEVEN]),
        ("1", "1", [ONE]),
    ]


def test_session_corrects_a_number_by_its_text(session):
    assert session.correct_number("2.4") is True
    assert session.labels == ["2", "4"]
    assert session.correct_number("A") is session.correct_number("5") is False
    with pytest.raises(InkwiseError, match="245 has 3 digits, but 2 were read"):
        session.correct_number("245")
    assert session.labels == ["2", "4"]


def test_session_keeps_corrections_of_remaining_strokes(session):
    session.correct("2")
    session.correct("3")
    session.truncate(1)
    assert session.labels == ["2", "1"]


def test_session_joins_strokes(session):
    session.correct("2")
    session.join()
    session.show(Recognizer().read_strokes([SEVEN, ONE], "digit" if session.single else None))
    assert (session.corrections, len(session.digits)) == ({}, 1)
    assert session.correct("4") is True


def test_rejected_drawing_is_kept_as_a_rejection():
    session = DrawingSession()
    session.show(Recognizer().read_strokes(A))
    assert (session.labels, session.reason) == ([NOT_A_DIGIT], "")
    (answer,) = session.answers(A)
    assert (answer.label, answer.answer) == (NOT_A_DIGIT, NOT_A_DIGIT)
    assert answer.probability == pytest.approx(1 - sum(share for _, share in session.digits[0].alternatives))
    session.correct("4")
    assert [(each.label, each.answer) for each in session.answers(A)] == [("4", NOT_A_DIGIT)]


def test_digits_of_a_number_share_its_id(session):
    seven, one = session.answers([SEVEN, ONE])
    assert seven.number_id == one.number_id is not None
    session.show(Recognizer().read_strokes([SEVEN]))
    assert session.answers([SEVEN])[0].number_id is None


def test_digits_that_share_a_stroke_are_kept_as_glyphs():
    zeros = [
        [28 + dx + 25 * np.cos(a), 37 + 37 * np.sin(a)] for dx in (0, 60) for a in np.linspace(0, 6.3, 30)
    ]
    seven = [[160, 0], [215, 0], [185, 75]]
    session = DrawingSession()
    session.show(Recognizer().read_strokes([zeros, seven]))
    session.choose(1)
    session.correct("6")
    assert session.labels == ["0", "6", "7"]
    answers = session.answers([zeros, seven])
    assert [answer.strokes for answer in answers] == [None, None, [seven]]
    np.testing.assert_array_equal(answers[1].glyph, session.digits[1].glyph)
    session.truncate(2)
    assert session.labels == ["0", "0", "7"], "a correction by place may be of another digit now"
