import numpy as np
import pytest

from inkwise.app.drawing_session import DrawingSession, undo_message
from inkwise.corrections import Sample
from inkwise.recognition import Recognizer

SEVEN = [[30, 25], [85, 25], [55, 100]]
ONE = [[110, 20], [112, 100]]


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


@pytest.mark.parametrize(
    ("labels", "deleted", "message"),
    [
        ("", True, "nothing left to undo"),
        ("71", True, "removed the answer 71"),
        ("7", False, "undone: the label is 7 again"),
    ],
)
def test_undo_message(labels, deleted, message):
    glyph = np.zeros((28, 28), np.uint8)
    samples = [
        Sample.now(glyph, writer="anna", source="canvas", label=label, deleted=deleted) for label in labels
    ]
    assert undo_message(samples) == message


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
