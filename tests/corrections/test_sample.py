import json
import uuid
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from inkwise._util.errors import InkwiseError
from inkwise.corrections import Sample

COLUMNS = "not (48, 1 to 480) uint8"


def sample(**values):
    made = {
        "id": uuid.UUID(int=7),
        "writer": "anna",
        "source": "canvas",
        "time": datetime(2026, 3, 1, 12, tzinfo=UTC),
        "glyph": np.arange(784, dtype=np.uint16).astype(np.uint8).reshape(28, 28),
    }
    return Sample(**{**made, **values})


def test_json_round_trip_is_exact():
    columns = np.arange(48 * 5, dtype=np.uint8).reshape(48, 5)
    before = sample(
        label="ø€",
        answer="0",
        probability=1 / 3,
        model="hands",
        strokes=[[[0.1, 2], [1e-9, 3]]],
        line_ink=columns,
        number_id=uuid.uuid4(),
    )
    after = Sample.from_dict(json.loads(json.dumps(before.to_dict())))

    assert after.to_dict() == before.to_dict()
    assert (after.id, after.time, after.probability) == (before.id, before.time, 1 / 3)
    assert after.number_id == before.number_id
    assert after.strokes == [[[0.1, 2.0], [1e-9, 3.0]]]
    np.testing.assert_array_equal(after.glyph, before.glyph)
    np.testing.assert_array_equal(after.line_ink, columns)
    assert Sample.from_dict(sample().to_dict()).line_ink is None


@pytest.mark.parametrize("label", ["7", "A", "€", "+", "5/27", "x" * 32, "=1+1", "שבע", "👍🏽"])
def test_label_accepts_short_text(label):
    assert sample(label=label).label == label


def test_text_is_stripped():
    assert sample(label=" 7 ").label == "7"


def test_time_is_converted_to_utc():
    noon = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert sample(time=noon).time.isoformat() == "2026-03-01T10:00:00+00:00"


def test_empty_strokes_become_none():
    assert sample(strokes=[]).strokes is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"label": "x" * 10_000}, "label has 10,000 characters; at most 32 are possible"),
        ({"label": "7\x00"}, r"label '7\x00' holds a control character"),
        ({"label": "\t=1+1"}, r"label '\t=1+1' holds a control character"),
        ({"label": "7\u00ad"}, r"label '7\xad' holds a control character"),
        ({"label": "\u202e7"}, r"label '\u202e7' holds a control character"),
        ({"label": "\ud800"}, r"label '\ud800' holds a control character"),
        ({"label": "  "}, "label is empty"),
        ({"label": 7}, "label is int, not text"),
        ({"answer": "x" * 33}, "answer has 33 characters; at most 32 are possible"),
        ({"writer": None}, "writer is NoneType, not text"),
        ({"writer": "x" * 65}, "writer has 65 characters; at most 64 are possible"),
        ({"source": ""}, "source is empty"),
        ({"model": ["hands"]}, "model is list, not text"),
        ({"probability": 1.01}, "probability is not a number 0 to 1"),
        ({"probability": float("nan")}, "probability is not a number 0 to 1"),
        ({"probability": "0.9"}, "probability is not a number 0 to 1"),
        ({"time": datetime(2026, 3, 1)}, "time has no zone"),
        ({"glyph": np.zeros((28, 27), np.uint8)}, "glyph is (28, 27) uint8, not (28, 28) uint8"),
        ({"glyph": np.zeros((28, 28))}, "glyph is (28, 28) float64, not (28, 28) uint8"),
        ({"line_ink": np.zeros((28, 9), np.uint8)}, f"line_ink is (28, 9) uint8, {COLUMNS}"),
        ({"line_ink": np.zeros((48, 0), np.uint8)}, f"line_ink is (48, 0) uint8, {COLUMNS}"),
        ({"line_ink": np.zeros((48, 481), np.uint8)}, f"line_ink is (48, 481) uint8, {COLUMNS}"),
        ({"line_ink": np.zeros((48, 9))}, f"line_ink is (48, 9) float64, {COLUMNS}"),
        ({"strokes": 5}, "strokes is not a list of strokes"),
        ({"strokes": [[[0, 0]]] * 501}, "strokes has 501 strokes; at most 500 are possible"),
        ({"strokes": [[[0, 0]] * 20_001]}, "strokes has 20,001 points; at most 20,000 are possible"),
        ({"strokes": [5]}, "stroke 1 has shape (); (k, 2) with k >= 1 is expected"),
        ({"strokes": [[]]}, "stroke 1 has shape (0,); (k, 2) with k >= 1 is expected"),
        (
            {"strokes": [[[0, float("nan")]]]},
            "stroke 1 holds a coordinate that is not a finite number, or too large",
        ),
        ({"strokes": [[[0, 10**400]]]}, "stroke 1 is not a list of (x, y) points"),
        ({"strokes": [[[0, -1e10]]]}, "strokes holds a coordinate beyond 1e+09"),
    ],
)
def test_invalid_value_is_named(wrong, message):
    with pytest.raises(InkwiseError) as caught:
        sample(**wrong)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "seven"}, "id cannot be understood"),
        ({"id": 7}, "id is int, not text"),
        ({"number_id": "seven"}, "number_id cannot be understood"),
        ({"time": "noon"}, "time cannot be understood"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "time 0001-01-01 00:00:00+14:00 is out of range"),
        ({"glyph": "AAAA"}, "glyph is not 784 bytes in base64"),
        ({"glyph": "ø" * 784}, "glyph is not 784 bytes in base64"),
        ({"line_ink": "AAAA"}, "line_ink is not columns of 48 bytes in base64"),
        ({"line_ink": ""}, "line_ink is not columns of 48 bytes in base64"),
        ({"line_ink": 7}, "line_ink is not columns of 48 bytes in base64"),
        ({"deleted": True}, "'deleted' is unknown"),
    ],
)
def test_from_dict_rejects_invalid_json(change, message):
    with pytest.raises(InkwiseError) as caught:
        Sample.from_dict({**sample().to_dict(), **change})
    assert str(caught.value) == message


def test_from_dict_rejects_a_missing_value():
    plain = sample().to_dict()
    del plain["writer"]
    with pytest.raises(InkwiseError, match="'writer' is missing"):
        Sample.from_dict(plain)
