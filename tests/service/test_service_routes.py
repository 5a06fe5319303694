import json
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from inkwise import Recognizer
from inkwise._util.errors import ModelError
from inkwise.recognition import Model
from inkwise.recognition.adaptation import reference_glyphs
from inkwise.service import Settings, create_app, schema

ROOT = Path(__file__).parents[2]
SEVEN = [[[30, 25], [85, 25], [55, 100]]]
FOUR = [[[125, 20], [110, 65], [165, 65]], [[150, 40], [150, 100]]]
GLYPHS = {"Content-Type": "application/octet-stream"}


def draw(client, strokes, **query):
    return client.post("/v1/strokes", json={"strokes": strokes}, params=query)


def refused(response, status):
    """Check the status of an error response and return its message."""
    assert response.status_code == status, response.text
    return schema.Failure.model_validate(response.json()).error


def digits(reading):
    return [number["digits"] for number in reading["numbers"]]


def without_time(reading):
    return {key: value for key, value in reading.items() if key != "elapsed_ms"}


@pytest.mark.parametrize("expect", [None, "digit", "number", "page"])
def test_service_reads_images_like_the_recognizer(client, read, png, expect):
    response = read(client, **({} if expect is None else {"expect": expect}))
    assert response.status_code == 200
    assert without_time(response.json()) == without_time(Recognizer().read(png, expect).to_dict())
    assert response.json()["text"] == "7"


@pytest.mark.parametrize("kind", ["image/jpeg", "image/x-anything; q=1", "Application/Octet-Stream"])
def test_image_format_is_detected_from_its_bytes(client, read, kind):
    assert read(client, headers={"Content-Type": kind}).json()["text"] == "7"


def test_strokes_are_read(client):
    assert draw(client, SEVEN + FOUR).json()["text"] == "74"
    ((digit,),) = digits(draw(client, SEVEN + FOUR, expect="digit").json())
    assert digit["strokes"] == [0, 1, 2]
    assert draw(client, SEVEN + FOUR, expect="number").json()["text"] == "74"
    assert draw(client, []).json()["reason"] == draw(client, [], expect="number").json()["reason"]


@pytest.mark.parametrize(
    "stroke",
    [
        [[x, y, 10.5] for x, y in SEVEN[0]],
        [{"x": x, "y": y, "time": 1} for x, y in SEVEN[0]],
        {"penColor": "black", "points": [{"x": x, "y": y} for x, y in SEVEN[0]]},
    ],
)
def test_strokes_of_signature_pads_are_read(client, stroke):
    assert draw(client, [stroke]).json()["text"] == "7"


def test_all_alternatives_are_given_on_request(client):
    for query, count in (({}, 3), ({"alternatives": "1"}, 1), ({"alternatives": "99"}, 10)):
        ((digit,),) = digits(draw(client, SEVEN, **query).json())
        assert len(digit["alternatives"]) == count


def test_constraint_selects_the_number(client):
    free = draw(client, SEVEN + FOUR, expect="number").json()
    assert free["unconstrained"] is None
    for query in ({"length": "2"}, {"range": "70-79"}, {"pattern": "7[0-9]"}, {"length": "1-3"}):
        reading = draw(client, SEVEN + FOUR, **query).json()
        assert (reading["text"], reading["unconstrained"]) == ("74", "74")
    other = draw(client, SEVEN + FOUR, range="100-999").json()
    assert not other["accepted"]
    assert other["unconstrained"] == "74"


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"expect": "letters"}, "expect: Input should be"),
        ({"expect": "page", "length": "4"}, "length describes one number, not expect=page"),
        ({"alternatives": "0"}, "alternatives: Input should be greater than or equal to 1"),
        ({"expect": "digit", "check": "luhn"}, "check describes one number, not expect=digit"),
        (
            {"expect": "number", "length": "4-"},
            "length '4-': write a number, or the least and the most, as 4-6",
        ),
        ({"expect": "number", "range": "9-1"}, "range: the minimum, 9, is larger than the maximum, 1"),
        ({"expect": "number", "check": "lun"}, "there is no check 'lun'; did you mean luhn?"),
        ({"expect": "number", "pattern": "("}, "pattern"),
        ({"expect": "number", "length": "3", "pattern": r"\d{5}"}, "length"),
    ],
)
def test_invalid_constraint_is_one_line(client, read, query, error):
    for response in (read(client, **query), draw(client, SEVEN, **query)):
        line = refused(response, 422)
        assert line.startswith(error)
        assert "\n" not in line


def test_glyphs_are_classified(client):
    glyphs = np.concatenate([reference_glyphs(), np.zeros((1, 28, 28), np.uint8)])
    found = client.post("/v1/classify", content=glyphs.tobytes(), headers=GLYPHS).json()
    assert found["labels"][:10] == found["classes"] == list("0123456789")
    assert found["accepted"] == [True] * 10 + [False]
    assert np.allclose(found["probabilities"], Recognizer().classify(glyphs), atol=1e-4)
    schema.Classes.model_validate(found)


def test_responses_match_the_schema(client, read):
    assert schema.ReadingSchema.model_validate(read(client).json()).numbers[0].digits[0].box is not None
    assert schema.ReadingSchema.model_validate(draw(client, SEVEN).json()).numbers[0].digits[0].strokes == [0]
    assert schema.ReadingSchema.model_validate(draw(client, []).json()).numbers == []
    assert schema.Health.model_validate(client.get("/healthz").json())


@pytest.mark.parametrize(
    ("path", "content", "kind", "status", "error"),
    [
        ("/v1/read", b"", "image/png", 422, "the picture: is empty"),
        ("/v1/read", b"I am text", "image/png", 422, "the picture: is not a picture that can be read"),
        ("/v1/read", b"/etc/passwd", "image/png", 422, "the picture: is not a picture that can be read"),
        ("/v1/read", b"a=b", "application/x-www-form-urlencoded", 415, "the body must be image/..."),
        ("/v1/read", b"a=b", "", 415, "the body must be image/..."),
        ("/v1/strokes", b"{}", "text/plain", 415, "the body must be application/json"),
        ("/v1/strokes", b"{}", "application/json", 422, "strokes: expected a list of lists of points"),
        (
            "/v1/strokes",
            b'{"strokes": [], "expect": "digit"}',
            "application/json",
            422,
            "the body has strokes alone, not 'expect'; hints are query parameters",
        ),
        ("/v1/strokes", b"[[]]", "application/json", 422, "the body is not a JSON object"),
        ("/v1/strokes", b"[" * 100_000, "application/json", 422, "the body is not JSON"),
        ("/v1/strokes", b'{"strokes": [[[NaN, 1]]]}', "application/json", 422, "stroke 1 holds"),
        ("/v1/classify", b"", "application/octet-stream", 422, "body: expected n times 784 bytes, got 0"),
        (
            "/v1/classify",
            b"0" * 785,
            "application/octet-stream",
            422,
            "body: expected n times 784 bytes",
        ),
        ("/v1/classify", b"0" * 784, "application/json", 415, "the body must be application/octet-stream"),
    ],
)
def test_invalid_bodies_are_one_line(client, path, content, kind, status, error):
    response = client.post(path, content=content, headers={"Content-Type": kind})
    assert refused(response, status).startswith(error)


def bomb(width, height):
    """A PNG of a few bytes that declares this size."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("path", "content", "kind", "error"),
    [
        ("/v1/read", b"0" * 200_001, "image/png", "the body is too large: at most 200,000 bytes"),
        (
            "/v1/read",
            bomb(200, 200),
            "image/png",
            "200 x 200 pixels; at most 20,000 are accepted: make the picture smaller",
        ),
        (
            "/v1/strokes",
            json.dumps({"strokes": [[[1, 2]]] * 501}),
            "application/json",
            "501 strokes; at most",
        ),
        ("/v1/strokes", json.dumps({"strokes": [[[1, 2]] * 20_001]}), "application/json", "20,001 points;"),
    ],
)
def test_large_requests_are_rejected(serve, path, content, kind, error):
    response = serve(body_bytes=200_000, pixels=20_000).post(
        path, content=content, headers={"Content-Type": kind}
    )
    assert refused(response, 413).startswith(error)


@pytest.mark.parametrize(("limit", "most"), [(16 * 2**20, "3,211,264"), (1000, "1,000")])
def test_too_many_glyphs_are_rejected(serve, limit, most):
    response = serve(body_bytes=limit).post("/v1/classify", content=bytes(784 * 4097), headers=GLYPHS)
    assert refused(response, 413) == f"the body is too large: at most {most} bytes are accepted"


def test_undeclared_large_body_is_rejected_while_streaming(serve):
    def body():
        for _ in range(1000):
            yield b"0" * 1000

    response = serve(body_bytes=2000).post("/v1/read", content=body(), headers={"Content-Type": "image/png"})
    assert refused(response, 413) == "the body is too large: at most 2,000 bytes are accepted"


def no_numbers(model, glyphs):
    return np.full((len(glyphs), 10), np.nan), np.zeros((len(glyphs), 8))


def no_memory(model, glyphs):
    raise RuntimeError("onnxruntime could not allocate")


@pytest.mark.parametrize("run", [no_numbers, no_memory])
def test_health_reports_an_unusable_model(client, monkeypatch, run):
    assert client.get("/healthz").status_code == 200
    monkeypatch.setattr(Model, "run", run)
    assert "the model cannot be used" in refused(client.get("/healthz"), 503)
    with pytest.raises(ModelError, match="the model cannot be used"):
        create_app(Settings())


@pytest.mark.parametrize("path", ["/docs/", "/redoc", "/v1/read/", "/v2/read"])
def test_unknown_path_is_rejected(client, path):
    assert refused(client.get(path), 404).endswith("Not Found")


def test_wrong_method_is_405(client):
    response = client.get("/v1/read")
    assert refused(response, 405).endswith("Method Not Allowed")
    assert response.headers["Allow"] == "POST"


def test_openapi_describes_all_routes(client):
    found = client.get("/openapi.json").json()
    posted = {"/v1/read", "/v1/batch", "/v1/strokes", "/v1/classify"}
    assert {*found["paths"]} == posted | {"/healthz", "/metrics"}
    for path in posted:
        post = found["paths"][path]["post"]
        assert post["requestBody"]["required"]
        assert {*post["responses"]} == {"200", *["401", "403", "413", "415", "422", "429", "500", "503"]}
        for status, response in post["responses"].items():
            ref = response["content"]["application/json"]["schema"]["$ref"]
            assert status == "200" or ref == "#/components/schemas/Failure"
    assert "security" not in found


def test_service_reads_letters_with_their_model(serve):
    a = [[[0, 100], [40, 0], [80, 100]], [[15, 60], [65, 60]]]
    client = serve(model="letters")
    assert draw(client, a).json()["text"] == "A"
    assert draw(client, SEVEN + FOUR, expect="number").json()["text"] == "74"
    answer = client.post("/v1/classify", content=reference_glyphs().tobytes(), headers=GLYPHS).json()
    assert len(answer["classes"]) == len(answer["probabilities"][0]) == 79


def test_openapi_file_of_the_docs_is_current(client):
    described = (ROOT / "docs" / "openapi.json").read_text()
    current = json.dumps(client.get("/openapi.json").json(), indent=1) + "\n"
    assert described == current, "the description of the service has changed: python docs/openapi.py"


def test_operations_are_summarized_in_sentences(client):
    paths = client.get("/openapi.json").json()["paths"]
    summaries = [operation["summary"] for path in paths.values() for operation in path.values()]
    assert [summary for summary in summaries if " " not in summary or not summary.endswith(".")] == []


def test_root_leads_to_the_docs_page(client):
    answer = client.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (307, "docs")
    assert "Inkwise API" in client.get("/").text


@pytest.mark.parametrize("path", ["read", "batch", "strokes", "classify"])
def test_unknown_parameter_is_rejected(client, path):
    answer = client.post(f"/v1/{path}", params={"lenght": "4"})
    hint = "/v1/classify takes none" if path == "classify" else "did you mean length?"
    assert refused(answer, 422) == f"no parameter 'lenght'; {hint}"


def test_docs_page_loads_nothing_from_elsewhere(client):
    page = client.get("/docs")
    assert page.status_code == 200
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    linked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert [link for link in linked if "//" in link] == []
    for link in linked:
        assert link == "data:," or client.get(f"/{link}").status_code == 200
    assert "openapi.json" in client.get("/docs/start.js").text
