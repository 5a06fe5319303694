import base64
import json
import re
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from inkwise import Digit, IgnoredRegion, InkwiseError, Number, Reading

GLYPH = np.zeros((28, 28), np.uint8)
SURE = Digit("4", 0.98, True, None, (("4", 0.98), ("9", 0.02)), (10, 20, 30, 40), None, GLYPH)
UNSURE = Digit("9", 0.5, False, "9 or 4", (("9", 0.5), ("4", 0.4)), (60, 20, 30, 40), None, GLYPH)
MARGIN = IgnoredRegion((2, 60, 20, 10), "touches <the> margin")


def reading(*digits, picture=None):
    numbers = (Number.from_digits(digits),)
    return Reading("4?", 0.49, numbers, "1 of 2 not sure", "default", 1.234, (MARGIN,), picture)


def test_to_json_is_one_line_with_every_field():
    line = reading(SURE, UNSURE, picture=np.zeros((80, 120), np.uint8)).to_json()
    assert "\n" not in line
    assert json.loads(line) == {
        "schema": 1,
        "text": "4?",
        "confidence": 0.49,
        "accepted": False,
        "reason": "1 of 2 not sure",
        "numbers": [
            {
                "text": "4?",
                "value": None,
                "confidence": 0.49,
                "accepted": False,
                "reason": "1 of 2 not sure enough to be accepted",
                "line": 0,
                "box": [10, 20, 80, 40],
                "polygon": [[10, 20], [90, 20], [90, 60], [10, 60]],
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
            }
        ],
        "ignored": [{"box": [2, 60, 20, 10], "reason": "touches <the> margin"}],
        "unconstrained": None,
        "width": 120,
        "height": 80,
        "model": "default",
        "elapsed_ms": 1.23,
    }


def test_dict_has_as_many_alternatives_as_asked_for():
    many = replace(SURE, alternatives=tuple((label, 0.1) for label in "0123456789"))
    counts = [
        len(reading(many).to_dict(*asked)["numbers"][0]["digits"][0]["alternatives"])
        for asked in ((), (1,), (None,))
    ]
    assert counts == [3, 1, 10]
    assert json.loads(reading(many).to_json(1))["numbers"][0]["digits"][0]["alternatives"] == [["0", 0.1]]


def test_dict_of_strokes_has_no_places():
    plain = reading(replace(SURE, box=None, strokes=(0, 2))).to_dict()
    (number,) = plain["numbers"]
    assert (plain["width"], plain["height"], number["box"], number["polygon"]) == (None, None, None, None)
    assert number["digits"][0]["strokes"] == [0, 2]


def test_overlay_draws_accepted_digits_green_and_rejected_red():
    image = np.asarray(reading(SURE, UNSURE, picture=np.full((80, 120), 255, np.uint8)).overlay()).astype(int)
    assert image.shape == (80, 120, 3)
    red, green, _ = image[40, 9]
    assert green > red, "left edge of the first box"
    red, green, _ = image[40, 59]
    assert red > green, "left edge of the second box"
    assert (image[40, 25] == 255).all(), "the inside stays as it is"


def test_overlay_draws_ignored_regions_in_another_color():
    image = np.asarray(reading(SURE, picture=np.full((80, 120), 255, np.uint8)).overlay()).astype(int)
    red, green, blue = image[65, 1]
    assert blue > red == green, "left edge of the ignored region"


def test_html_holds_escaped_text_and_overlay_but_no_request():
    shown = reading(SURE, UNSURE, picture=np.full((80, 120), 255, np.uint8))
    page = replace(shown, reason="<b> & more")._repr_html_()
    assert "<pre>4?</pre><p>49.0%, &lt;b&gt; &amp; more</p>" in page
    (source,) = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    image = Image.open(BytesIO(base64.b64decode(source)))
    np.testing.assert_array_equal(np.asarray(image), np.asarray(shown.overlay()))
    assert "http" not in page


def test_html_shrinks_large_pictures_and_shows_strokes_as_text():
    page = Reading.from_numbers(
        [], model="m", reason=None, picture=np.zeros((3000, 20), np.uint8)
    )._repr_html_()
    (source,) = re.findall(r"base64,([^\"]+)", page)
    assert max(Image.open(BytesIO(base64.b64decode(source))).size) == 1600
    assert "<img" not in Reading.from_numbers([], model="m", reason=None)._repr_html_()


def test_repr_is_short():
    shown = reading(SURE, UNSURE, picture=np.zeros((80, 120), np.uint8))
    assert repr(shown) == "Reading(text='4?', confidence=0.4900, accepted=False, reason='1 of 2 not sure')"
    assert repr(Number.from_digits((SURE,))) == "Number(text='4', confidence=0.9800, accepted=True)"
    assert repr(UNSURE) == "Digit(label='9', probability=0.5000, accepted=False, doubt='9 or 4')"


def test_number_is_outlined_by_its_digits_unless_its_reader_gives_a_polygon():
    number = Number.from_digits((SURE, UNSURE))
    assert number.polygon == ((10, 20), (90, 20), (90, 60), (10, 60))
    assert number.box == (10, 20, 80, 40)
    tilted = Number("4", 0.9, None, (SURE,), polygon=((10.5, 20), (90, 30), (80, 70.2), (0, 60)))
    assert tilted.box == (0, 20, 90, 51)
    drawn = Number.from_digits((replace(SURE, box=None, strokes=(0,)),))
    assert (drawn.box, drawn.polygon) == (None, None)


def test_reading_has_length_and_iterates_over_numbers():
    numbers = [Number.from_digits((SURE,)), Number.from_digits((UNSURE, SURE))]
    reading = Reading.from_numbers(numbers, model="default", reason=None, ignored=[MARGIN])
    assert (len(reading), list(reading), reading.ignored) == (2, numbers, (MARGIN,))
    assert [number.accepted for number in reading] == [True, False]


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
