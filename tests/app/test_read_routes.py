import base64
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from inkwise.corrections import Learner
from inkwise.preprocessing import strokes_to_glyph

SEVEN = [[[30, 25], [85, 25], [55, 100]]]
ONE = [[[110, 20], [112, 100]]]


def read(client, strokes, **values):
    return client.post("/api/read", json={"writer": "anna", "strokes": strokes, **values})


def test_reading_has_glyphs_and_alternatives(client):
    reading = read(client, SEVEN + ONE).json()
    assert (reading["text"], reading["accepted"]) == ("71", True)
    seven, one = reading["digits"]
    assert (seven["strokes"], one["strokes"]) == ([0], [1])
    assert seven["doubt"] is None
    assert seven["alternatives"][0] == ["7", seven["probability"]]
    assert sorted(label for label, _ in seven["alternatives"]) == [*"0123456789", "not a digit"]
    assert (seven["answer"], round(seven["answer_probability"], 4)) == ("7", seven["probability"])
    assert seven["number_id"] == one["number_id"] is not None
    assert base64.b64decode(seven["glyph"]) == strokes_to_glyph(SEVEN).tobytes()


def test_rejected_drawing_is_answered_as_not_a_digit(client):
    a = [[[0, 100], [40, 0], [80, 100]], [[15, 60], [65, 60]]]
    (digit,) = read(client, a).json()["digits"]
    assert (digit["answer"], digit["doubt"], digit["number_id"]) == ("not a digit", "not a digit", None)
    assert digit["alternatives"][0] == ["not a digit", pytest.approx(digit["answer_probability"], abs=1e-4)]
    assert digit["label"] != "not a digit"


def test_expected_digit_reads_all_strokes_as_one_digit(client):
    (digit,) = read(client, SEVEN + ONE, expect="digit").json()["digits"]
    assert digit["strokes"] == [0, 1]


def test_letters_are_read_if_asked(client, pen):
    a = [[[0, 100], [40, 0], [80, 100]], [[15, 60], [65, 60]]]
    reading = read(client, a, letters=True).json()
    assert reading["text"] == reading["digits"][0]["alternatives"][0][0] == "A"
    assert read(client, a).json()["text"] != "A"
    content = io.BytesIO()
    Image.fromarray(pen([[(x + 20, y + 10) for x, y in stroke] for stroke in a])).save(content, "PNG")
    url = "/api/picture?writer=anna&letters=true"
    assert client.post(url, content=content.getvalue()).json()["text"] == "A"


def test_state_tells_labels_and_whether_letters_can_be_chosen(client, serve, database):
    of_digits = client.get("/api/state?writer=anna").json()
    of_letters = client.get("/api/state?writer=anna&letters=true").json()
    assert (of_digits["labels"], of_digits["letters"]) == ([*"0123456789"], True)
    assert {*"09AZaz"} <= {*of_letters["labels"]}
    assert of_letters["model"].startswith("letters (")
    assert of_letters["digits"] == [*"0123456789"]
    state = serve(Learner(database, "letters")).get("/api/state?writer=anna").json()
    assert state["labels"] == of_letters["labels"]
    assert state["letters"] is False


def test_no_strokes_give_an_empty_reading(client):
    reading = read(client, []).json()
    assert (reading["text"], reading["digits"]) == ("", [])


@pytest.mark.parametrize(
    "strokes", [[[[5, 5]]], [[[1e9, 0], [0, 1e9]]], [[[i, i % 90] for i in range(20_000)]]]
)
def test_unusual_strokes_are_read(client, strokes):
    assert len(read(client, strokes).json()["digits"]) == 1


@pytest.mark.parametrize(
    ("strokes", "error"),
    [
        ("[[]]", "stroke 1 has shape"),
        ("[[[NaN, 1]]]", "stroke 1 holds a coordinate that is not a finite number"),
        ("[[[1, 1]], [[-Infinity, 1]]]", "stroke 2 holds a coordinate that is not a finite number"),
        ("[[[null, 1]]]", "stroke 1 holds a coordinate that is not a finite number"),
        ("[[[1e999, 1]]]", "stroke 1 holds a coordinate that is not a finite number"),
        (f"[[[{10**400}, 1]]]", "stroke 1 is not a list of"),
        (f"[[[{'9' * 5000}, 1]]]", "the body is not JSON"),
        ('[[["a", "b"]]]', "stroke 1 is not a list of"),
        ('[[{"x": 1}]]', "stroke 1 is not a list of"),
        ("[[[[1, 2]]]]", "stroke 1 has shape"),
        ("[[1]]", "stroke 1 has shape"),
        ("[1, 2]", "strokes: expected a list of lists of points"),
        ('["ab"]', "strokes: expected a list of lists of points"),
        ('"ab"', "strokes: expected a list of lists of points"),
        ("{}", "strokes: expected a list of lists of points"),
        ("null", "strokes: expected a list of lists of points"),
        ("[{}]", "strokes: expected a list of lists of points"),
        ("[" * 900 + "]" * 900, "stroke 1 is not a list of"),
    ],
)
def test_invalid_strokes_are_rejected(client, strokes, error):
    body = f'{{"writer": "anna", "strokes": {strokes}}}'.encode()
    response = client.post("/api/read", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 422
    assert response.json()["error"].startswith(error)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "the body is not JSON in UTF-8"),
        (b"seven", "the body is not JSON in UTF-8"),
        (b'{"writer": "\xff"}', "the body is not JSON in UTF-8"),
        ('{"strokes": []}'.encode("utf-16"), "the body is not JSON in UTF-8"),
        (b"[" * 1_000_000, "the body is not JSON in UTF-8"),
        (b"[]", "the body is not a JSON object"),
        (b'{"strokes": []}', "writer: Field required"),
        (b'{"writer": 5, "strokes": []}', "writer is int, not text"),
        (b'{"writer": " ", "strokes": []}', "writer is empty"),
        (b'{"writer": "\\ud800", "strokes": []}', "writer '\\ud800' holds a control character"),
        (
            b'{"writer": "anna", "strokes": [], "expect": "no"}',
            "expect: Input should be 'digit', 'number' or 'page'",
        ),
    ],
)
def test_invalid_bodies_are_rejected(client, body, error):
    response = client.post("/api/read", content=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()) == (422, {"error": error})


@pytest.mark.parametrize(
    ("strokes", "error"),
    [
        ([[[1, 2]] * 100_000], "100,000 points; at most 20,000 are accepted"),
        ([[[1, 2]]] * 501, "501 strokes; at most 500 are accepted"),
    ],
)
def test_too_many_strokes_and_points_are_rejected(client, strokes, error):
    response = read(client, strokes)
    assert (response.status_code, response.json()) == (413, {"error": error})


def send(client, data):
    return client.post("/api/picture?writer=anna", content=data)


def test_image_is_read_with_boxes(client, seven):
    # Rotated by its EXIF orientation, as phones store photos.
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    side = Image.fromarray(np.pad(seven, ((0, 0), (0, 40)), constant_values=230)).transpose(
        Image.Transpose.ROTATE_90
    )
    side.save(file, "PNG", exif=exif)
    reading = send(client, file.getvalue()).json()

    assert (reading["text"], reading["width"], reading["height"]) == ("7", 160, 120)
    (digit,) = reading["digits"]
    x, y, w, h = digit["box"]
    assert 20 < x < x + w < 95
    assert 15 < y < y + h < 110
    assert digit["strokes"] is None
    assert len(base64.b64decode(digit["glyph"])) == 784


def _bomb(side=100_000):
    """A PNG of a few bytes that declares `side` x `side` pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"0"))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"I am text", "is not a picture that can be read"),
        (b"/etc/passwd", "is not a picture that can be read"),
        (b"", "is empty"),
        (_bomb(), "shrink it first"),
    ],
)
def test_unreadable_image_is_rejected(client, data, error):
    response = send(client, data)
    assert response.status_code == 422
    assert error in response.json()["error"]


def test_image_of_too_many_pixels_is_rejected(client):
    response = send(client, _bomb(4001))
    error = "4001 x 4001 pixels; at most 16,000,000 are accepted: make the picture smaller"
    assert (response.status_code, response.json()) == (413, {"error": error})
