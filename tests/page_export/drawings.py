"""Drawings for the tests of the exported page, and what Python reads in them."""

import numpy as np
import pytest

from inkwise import Recognizer
from inkwise.recognition import Model
from inkwise.recognition.adaptation import reference_strokes
from inkwise.recognition.digit_reader import DigitReader
from inkwise.recognition.model import model_source

SEVEN = [[(50, 50), (140, 50), (90, 200)]]
ONE = [[(240, 50), (240, 200)]]
A = [[(50, 200), (100, 40), (150, 200)], [(70, 140), (130, 140)]]

READ = """(drawings) => drawings.map(([strokes, expect]) => {
  const reading = customElements.get("inkwise-pad").readStrokes(strokes, expect);
  const digits = reading.digits.map((digit) => ({ ...digit, glyph: [...digit.glyph] }));
  return { ...reading, digits };
})"""


def drawings():
    """Digits with jitter, rows of digits, scribbles, a dot, a blot, and strokes of other sizes."""
    rng = np.random.default_rng(0)

    def digit(number, scale=4.0, x=0.0):
        strokes = [np.asarray(stroke) for stroke in reference_strokes()[number]]
        return [stroke * scale + rng.normal(0, 0.12 * scale, stroke.shape) + [x, 0] for stroke in strokes]

    found = [digit(number, scale) for number in range(10) for scale in (0.01, 4, 300)]
    found += [digit(a) + digit(b, x=80) + digit(c, x=160) for a, b, c in ((1, 2, 3), (4, 5, 6), (7, 8, 9))]
    found += [[rng.uniform(0, 100, (count, 2))] for count in (3, 10, 40)]
    found += [[np.array([[3.0, 4.0]])], [np.array([[0.0, 0.0], [0.0, 0.0]]), np.array([[50.0, 1.0]])]]
    found += [[np.array([[x % 2 * 60, 0.5 * x] for x in range(100)], float)]]  # a blot, which is thinned
    return found


def hinted():
    """Each drawing with both hints, as READ takes them."""
    return [
        ([stroke.tolist() for stroke in strokes], hint)
        for strokes in drawings()
        for hint in ("digit", "number")
    ]


def assert_read_as_python_does(readings):
    """Compare readings of `hinted`, by the model `tiny`, with Python's."""
    model = Model(model_source("tiny"), threads=1)
    reader, recognizer = DigitReader(model), Recognizer(model, threads=1)
    for (strokes, hint), found in zip(hinted(), readings, strict=True):
        wanted = (
            recognizer.read_strokes(strokes, expect="digit")
            if hint == "digit"
            else reader.read_strokes([np.asarray(stroke) for stroke in strokes], single=False)
        )
        assert (found["text"], found["accepted"], found["reason"]) == (
            wanted.text,
            wanted.accepted,
            wanted.reason,
        )
        assert found["confidence"] == pytest.approx(wanted.confidence, abs=1e-4)
        for own, digit in zip(found["digits"], wanted.digits, strict=True):
            assert (own["label"], own["doubt"]) == (digit.label, digit.doubt)
            assert tuple(own["strokes"]) == digit.strokes
            np.testing.assert_array_equal(np.reshape(own["glyph"], (28, 28)), digit.glyph)
