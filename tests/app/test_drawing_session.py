import numpy as np
import pytest

from inkwise.app.drawing_session import DrawingSession, undo_message
from inkwise.corrections import Sample
from inkwise.recognition import Recognizer

SEVEN = [[30, 25], [85, 25], [55, 100]]
ONE = [[160, 20], [160, 100]]


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
