import base64
import uuid

import numpy as np
import pytest

from inkwise.http.bodies import MAX_POINTS

SEVEN = [[[30, 25], [85, 25], [55, 100]]]


def post(client, *answers, writer="anna", source="canvas"):
    return client.post("/api/samples", json={"writer": writer, "source": source, "answers": answers})


def test_answers_are_kept_and_listed(client):
    glyph = base64.b64encode(bytes(range(196)) * 4).decode()
    response = post(
        client,
        {"label": "7", "strokes": SEVEN, "answer": "7", "probability": 0.9, "model": "m"},
        {"label": "€", "glyph": glyph, "answer": "6", "probability": 0.3, "model": "m"},
        source="picture",
    )
    assert response.status_code == 201
    kept = response.json()
    assert [(each["label"], each["answer"]) for each in kept["samples"]] == [("7", "7"), ("€", "6")]
    assert (kept["accuracy"]["right"], kept["accuracy"]["n"]) == (1, 2)

    listed = client.get("/api/samples").json()
    assert listed["total"] == 2
    assert listed["labels"] == {"7": 1, "€": 1}
    assert {each["id"]: each for each in listed["samples"]} == {each["id"]: each for each in kept["samples"]}
    assert {each["label"]: each["glyph"] for each in listed["samples"]}["€"] == glyph


def test_kept_answers_change_the_next_reading(client):
    rng = np.random.default_rng(0)
    for _ in range(5):
        shape = (np.array([[0, 100], [40, 0], [80, 100]]) + rng.normal(0, 2, (3, 2))).tolist()
        post(client, {"label": "A", "strokes": [shape, [[15, 60], [65, 60]]]})
    strokes = [[[0, 99], [41, 0], [79, 100]], [[14, 60], [66, 61]]]
    reading = client.post("/api/read", json={"writer": "anna", "strokes": strokes}).json()
    assert reading["digits"][0]["label"] == "A"
    assert client.get("/api/state?writer=anna").json()["labels"] == [*"0123456789", "A"]


def test_samples_are_filtered_and_paged(client, keep):
    keep(label="7", probability=0.99)
    keep(label="1", answer="7", probability=0.5)
    keep("ben", label="7", probability=0.95)

    def labels(query):
        listed = client.get(f"/api/samples?{query}").json()
        return listed["total"], [(each["writer"], each["label"]) for each in listed["samples"]]

    assert labels("") == (3, [("ben", "7"), ("anna", "1"), ("anna", "7")])
    assert labels("writer=") == labels("")
    assert labels("writer=anna") == (2, [("anna", "1"), ("anna", "7")])
    assert labels("label=7&limit=1") == (2, [("ben", "7")])
    assert labels("label=7&limit=1&offset=1") == (2, [("anna", "7")])
    assert labels("wrong=1") == (1, [("anna", "1")])
    assert labels("unsure=0.96&wrong=0") == (2, [("ben", "7"), ("anna", "1")])
    assert client.get("/api/samples?writer=ben").json()["labels"] == {"7": 1}


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=x",
        "offset=-1",
        f"offset={10**30}",
        "unsure=nan",
        "unsure=2",
        "wrong=x",
    ],
)
def test_invalid_query_names_its_parameter(client, query):
    response = client.get(f"/api/samples?{query}")
    assert response.status_code == 422
    assert response.json()["error"].startswith(f"{query.partition('=')[0]}: Input should be")


def test_relabelling_is_undone(client, keep):
    sample = keep(label="1")
    changed = client.patch(f"/api/samples/{sample['id']}", json={"label": "7"}).json()
    assert changed == {**sample, "label": "7"}

    undone = client.post("/api/undo", json={"writer": "anna"}).json()
    assert undone["samples"] == [{**sample, "deleted": False}]
    assert undone["accuracy"]["right"] == 0
    undone = client.post("/api/undo", json={"writer": "anna"}).json()
    assert undone["samples"] == [{**sample, "deleted": True}]
    assert (undone["accuracy"]["n"], undone["accuracy"]["numbers"]["n"]) == (0, 0)
    assert client.post("/api/undo", json={"writer": "anna"}).json()["samples"] == []


def test_undo_of_ids_needs_them_to_be_the_last_steps(client, keep):
    first, second, third = (keep(label=label)["id"] for label in "714")
    undo = {"writer": "anna", "ids": [first, second]}
    refused = client.post("/api/undo", json=undo)
    assert (refused.status_code, refused.json()["error"][:23]) == (409, "it cannot be undone: so")
    undone = client.post("/api/undo", json={"writer": "anna", "ids": [second, third]}).json()
    assert [sample["label"] for sample in undone["samples"]] == ["4", "1"]
    assert undone["accuracy"]["n"] == 1
    for ids in ([], "x", ["x"], [1]):
        assert client.post("/api/undo", json={"writer": "anna", "ids": ids}).status_code == 422


def test_answer_with_known_id_is_kept_once(client):
    strokes, name = [[[0, 0], [50, 0], [20, 90]]], str(uuid.uuid4())
    body = {"writer": "anna", "source": "canvas", "answers": [{"label": "7", "strokes": strokes, "id": name}]}
    first, again = (client.post("/api/samples", json=body) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["samples"] == again.json()["samples"]
    assert client.get("/api/samples?writer=anna").json()["total"] == 1
    body["answers"][0]["id"] = "7"
    assert client.post("/api/samples", json=body).status_code == 422


def test_sample_is_deleted(client, keep):
    path = f"/api/samples/{keep()['id']}"
    response = client.delete(path)
    assert (response.status_code, response.content) == (204, b"")
    assert client.get("/api/samples").json()["total"] == 0
    for again in (client.delete(path), client.patch(path, json={"label": "1"})):
        assert again.status_code == 404
        assert again.json()["error"].startswith("there is no sample ")


def test_samples_of_a_writer_are_erased(client, keep):
    keep()
    assert client.delete("/api/samples").status_code == 422
    assert client.delete("/api/samples?writer=nobody").json() == {"erased": 0}
    (writer,) = client.get("/api/state?writer=me").json()["writers"]
    assert client.delete(f"/api/samples?writer={writer}").json() == {"erased": 1}
    assert client.get("/api/samples").json()["total"] == 0


@pytest.mark.parametrize("name", ["x", "..%2f..%2fetc", str(uuid.UUID(int=1))])
def test_unknown_sample_id_is_rejected(client, name):
    response = client.delete(f"/api/samples/{name}")
    assert response.status_code in (404, 422)
    assert response.json()["error"]


@pytest.mark.parametrize(
    ("label", "error"),
    [
        ("x" * 10_000, "label has 10,000 characters; at most 32 are possible"),
        ("a\x07", r"label 'a\x07' holds a control character"),
        ("\x00", r"label '\x00' holds a control character"),
        (" ", "label is empty"),
        (None, "label is NoneType, not text"),
        (7, "label is int, not text"),
    ],
)
def test_invalid_label_is_rejected(client, keep, label, error):
    sample = keep()
    for response in (
        post(client, {"label": label, "strokes": SEVEN}),
        client.patch(f"/api/samples/{sample['id']}", json={"label": label}),
    ):
        assert (response.status_code, response.json()) == (422, {"error": error})
    assert client.get("/api/samples").json()["samples"] == [sample]


def test_label_like_a_formula_is_kept(keep):
    assert keep(label="=1+1")["label"] == "=1+1"


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"strokes": []}, "an answer needs the strokes or the glyph of a digit"),
        ({}, "an answer needs the strokes or the glyph of a digit"),
        ({"strokes": "ab"}, "strokes: expected a list of lists of points"),
        ({"strokes": [[[1e10, 0]]]}, "strokes holds a coordinate beyond 1e+09"),
        ({"glyph": "AAAA"}, "glyph is not 784 bytes in base64"),
        ({"glyph": "ä"}, "glyph is not 784 bytes in base64"),
        ({"glyph": 5}, "glyph is not 784 bytes in base64"),
        ({"strokes": SEVEN, "probability": 2}, "probability is not a number 0 to 1"),
        ({"strokes": SEVEN, "answer": 7}, "answer is int, not text"),
        ({"strokes": SEVEN, "answer": "\x00"}, r"answer '\x00' holds a control character"),
        ({"strokes": SEVEN, "model": "m" * 201}, "model has 201 characters; at most 200 are possible"),
    ],
)
def test_one_invalid_answer_keeps_nothing(client, values, error):
    response = post(client, {"label": "7", "strokes": SEVEN}, {"label": "7", **values})
    assert (response.status_code, response.json()) == (422, {"error": error})
    assert client.get("/api/samples").json()["total"] == 0


@pytest.mark.parametrize("answers", [None, [], {}, "7", ["7"], [{"label": "7"}, None]])
def test_invalid_answer_lists_are_rejected(client, answers):
    body = {"writer": "anna", "source": "canvas", "answers": answers}
    assert client.post("/api/samples", json=body).status_code == 422


def test_unknown_source_is_rejected(client):
    assert post(client, {"label": "7", "strokes": SEVEN}, source="file").json() == {
        "error": "source: Input should be 'canvas', 'trial' or 'picture'"
    }


def test_too_many_answers_are_rejected(client):
    half = {"label": "7", "strokes": [[[1, 2]] * (MAX_POINTS // 2 + 1)]}
    assert post(client, half).status_code == 201
    assert post(client, half, half).status_code == 413
    assert post(client, *[{"label": "7"}] * 501).status_code == 413
