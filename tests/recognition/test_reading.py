import json

import numpy as np
import pytest

from inkwise import Digit, InkwiseError, Reading
from inkwise.recognition.reading import Number

GLYPH = np.zeros((28, 28), np.uint8)
SURE = Digit("4", 0.98, True, None, (("4", 0.98), ("9", 0.02)), (10, 20, 30, 40), None, GLYPH)
UNSURE = Digit("9", 0.5, False, "9 or 4", (("9", 0.5), ("4", 0.4)), (60, 20, 30, 40), None, GLYPH)


def reading(*digits, picture=None):
    return Reading("4?", 0.49, False, digits, "1 of 2 not sure", "default", 1.234, picture)


def test_to_json_is_one_line_with_every_field():
    line = reading(SURE, UNSURE).to_json()
    assert "\n" not in line
    plain = json.loads(line)
    assert plain == {
        "text": "4?",
        "confidence": 0.49,
        "accepted": False,
        "digits": [
            {
                "label": "4",
                "probability": 0.98,
                "accepted": True,
                "doubt": None,
                "alternatives": [["4", 0.98], ["9", 0.02]],
                "box": [10, 20, 30, 40],
                "strokes": None,
            },
            {
                "label": "9",
                "probability": 0.5,
                "accepted": False,
                "doubt": "9 or 4",
                "alternatives": [["9", 0.5], ["4", 0.4]],
                "box": [60, 20, 30, 40],
                "strokes": None,
            },
        ],
        "reason": "1 of 2 not sure",
        "unconstrained": None,
        "model": "default",
        "elapsed_ms": 1.23,
    }


def test_overlay_draws_accepted_digits_green_and_rejected_red():
    image = np.asarray(reading(SURE, UNSURE, picture=np.full((80, 120), 255, np.uint8)).overlay()).astype(int)
    assert image.shape == (80, 120, 3)
    red, green, _ = image[40, 9]
    assert green > red, "left edge of the first box"
    red, green, _ = image[40, 59]
    assert red > green, "left edge of the second box"
    assert (image[40, 25] == 255).all(), "the inside stays as it is"


def test_overlay_of_strokes_raises():
    with pytest.raises(InkwiseError, match="strokes were read"):
        reading(SURE).overlay()


def test_from_numbers_joins_numbers_and_lines():
    numbers = [
        Number.from_digits((SURE,)),
        Number.from_digits((UNSURE, SURE)),
        Number.from_digits((SURE,), 1),
    ]
    reading = Reading.from_numbers(numbers, model="default", reason="1 of 4 not sure")
    assert (reading.text, reading.accepted, reading.elapsed_ms) == ("4 ?4\n4", False, 0)
    assert reading.confidence == pytest.approx(0.98**3 * 0.5)
    assert reading.digits == (SURE, UNSURE, SURE, SURE)


def test_from_numbers_of_nothing_has_confidence_zero():
    reading = Reading.from_numbers([], model="default", reason="no ink")
    assert (reading.text, reading.confidence, reading.digits) == ("", 0, ())


@pytest.mark.parametrize(
    ("digits", "reason"),
    [
        ((SURE, SURE), None),
        ((UNSURE,), "not sure: 9 or 4"),
        ((SURE, UNSURE), "1 of 2 not sure enough to be accepted"),
    ],
)
def test_number_of_single_digits_is_rejected_by_its_digits(digits, reason):
    assert Number.from_digits(digits).reason == reason
