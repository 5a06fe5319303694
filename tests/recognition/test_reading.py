import json

import numpy as np
import pytest

from inkwise import Digit, InkwiseError, Reading

GLYPH = np.zeros((28, 28), np.uint8)
SURE = Digit("4", 0.98, True, None, (("4", 0.98), ("9", 0.02)), (10, 20, 30, 40), None, GLYPH)
UNSURE = Digit("9", 0.5, False, "9 or 4", (("9", 0.5), ("4", 0.4)), (60, 20, 30, 40), None, GLYPH)


def reading(*digits, picture=None):
    return Reading("4?", 0.49, False, digits, "1 of 2 not sure", "default", 1.234, picture)


def test_json_is_one_line_with_every_field():
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


def test_overlay_boxes_are_green_where_accepted_and_red_where_not():
    image = np.asarray(reading(SURE, UNSURE, picture=np.full((80, 120), 255, np.uint8)).overlay()).astype(int)
    assert image.shape == (80, 120, 3)
    red, green, _ = image[40, 9]
    assert green > red, "left edge of the first box"
    red, green, _ = image[40, 59]
    assert red > green, "left edge of the second box"
    assert (image[40, 25] == 255).all(), "the inside stays as it is"


def test_overlay_of_strokes_has_no_picture():
    with pytest.raises(InkwiseError, match="strokes were read"):
        reading(SURE).overlay()
