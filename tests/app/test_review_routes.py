"""A review over HTTP: queue, crops, answers, corrected table, samples."""

import io
import json
import sys

import cv2
import numpy as np
import openpyxl
import pytest
from starlette.testclient import TestClient

from inkwise.app import ReviewSession, create_review_app
from inkwise.batch import BatchOptions, read_rows
from inkwise.corrections import Learner
from inkwise.review import ReviewedTable, ScanCrops


@pytest.fixture
def folder(tmp_path, seven, number, monkeypatch):
    """A table of readings of 7 and 714, with file names relative to their folder."""
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("seven.png", seven)
    cv2.imwrite("number.png", number)
    rows = read_rows(["seven.png", "number.png"], BatchOptions())
    (tmp_path / "table.jsonl").write_text("".join(json.dumps(row.values) + "\n" for row in rows))
    return tmp_path


@pytest.fixture
def open_review(folder, learner):
    """Open a new review of the table and return its client."""
    opened = []

    def open_review(learner=learner, **settings):
        table = folder / "table.jsonl"
        session = ReviewSession(ReviewedTable(table), ScanCrops(table), 1.0, learner, "stack")
        opened.append(TestClient(create_review_app(session, **settings), "http://127.0.0.1:8420"))
        return opened[-1]

    yield open_review
    learner.close()


@pytest.fixture
def client(open_review):
    return open_review()


def put(client, number, text, before=None):
    return client.put(f"/api/review/{number}", json={"text": text, "before": before})


def test_review_queue_and_crops(client):
    answer = client.get("/api/review").json()
    assert (answer["table"], answer["threshold"], answer["numbers"]) == ("table.jsonl", 1.0, 2)
    assert [(item["guess"], item["single"], item["settled"]) for item in answer["queue"]] == [
        ("7", True, None),
        ("714", False, None),
    ]
    assert client.get("/api/review", params={"threshold": 0}).json()["queue"] == []
    crop = client.get("/api/review/1/crop")
    picture = cv2.imdecode(np.frombuffer(crop.content, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture.min() < 60 < 200 < picture.max()
    assert "<title>Inkwise: review</title>" in client.get("/").text


def test_confirmed_readings_are_kept_and_exported(client, open_review):
    assert put(client, 1, "774").json() == {"settled": "774", "note": None}
    again = open_review()
    assert [item["settled"] for item in again.get("/api/review").json()["queue"]] == [None, "774"]
    table = again.get("/api/review/table.csv")
    assert table.headers["Content-Disposition"] == 'attachment; filename="table-reviewed.csv"'
    assert table.text.splitlines()[0] == "file,page,text,confidence,accepted,reason,reviewed"
    assert table.text.splitlines()[2] == "number.png,1,774,1.0,True,,1"
    lines = [json.loads(line) for line in io.StringIO(again.get("/api/review/table.jsonl").text)]
    assert [(row["text"], row["reviewed"]) for row in lines] == [("7", {}), ("774", {"1": "714"})]


def test_corrected_table_as_xlsx(client, monkeypatch):
    put(client, 1, "774")
    answer = client.get("/api/review/table.xlsx")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="table-reviewed.xlsx"'
    head, one, other = openpyxl.load_workbook(io.BytesIO(answer.content)).active.values
    assert (head[2:4], head[-3:]) == (("text", "text guess"), ("reviewed", "confidence", "accepted"))
    assert (one[2], other[2], other[-3]) == (7, 774, "1")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    missing = client.get("/api/review/table.xlsx")
    assert (missing.status_code, "pip install" in missing.json()["error"]) == (409, True)


def test_two_reviews_see_each_others_answers(open_review, learner):
    one, other = open_review(), open_review()
    assert put(one, 0, "1").status_code == 200
    refused = put(other, 0, "7")
    line = "seven.png, page 1, 1: somebody else answered 1 meanwhile"
    assert (refused.status_code, refused.json()["error"]) == (409, line)
    assert put(other, 1, "774").status_code == 200
    for client in (one, other):
        assert [item["settled"] for item in client.get("/api/review").json()["queue"]] == ["1", "774"]
        assert ",774," in client.get("/api/review/table.csv").text
    assert [sample.label for sample in learner.store.samples(writer="stack") if sample.answer] == ["1"]
    assert put(other, 0, "7", before="1").status_code == 200


def test_single_digit_becomes_one_sample_with_the_last_answer(client, learner):
    for before, text in ((None, "7"), ("7", "1"), ("1", "")):
        assert put(client, 0, text, before).json()["note"] is None
        (sample,) = learner.store.samples(writer="stack")
        assert (sample.source, sample.answer, sample.label) == ("review", "7", text or "not a digit")


@pytest.mark.parametrize(
    ("changes", "answer"), [({"doubt": "not a digit", "accepted": False}, "not a digit"), ({}, "7")]
)
def test_sample_of_a_table_has_what_the_ink_says_as_its_answer(folder, open_review, changes, answer):
    row, other = [json.loads(line) for line in (folder / "table.jsonl").read_text().splitlines()]
    row["numbers"][0]["digits"][0] |= changes
    if changes:
        row["numbers"][0]["text"] = row["text"] = "?"
    (folder / "table.jsonl").write_text("".join(json.dumps(each) + "\n" for each in (row, other)))
    learner = Learner(f"sqlite:///{folder / 'taught.db'}")
    assert put(open_review(learner), 0, "7").json()["note"] is None
    (sample,) = learner.store.samples(writer="stack")
    assert (sample.label, sample.answer) == ("7", answer)
    assert learner.store.accuracy("stack").n == 0
    learner.close()


def test_digits_of_a_number_become_samples_of_the_last_answer(client, learner):
    for before, text in ((None, "774"), ("774", "714"), ("714", "774"), ("774", "")):
        assert put(client, 1, text, before).json()["note"] is None
        samples = learner.store.samples(writer="stack")
        assert sorted(sample.label for sample in samples) == sorted(text)
        assert {(sample.source, sample.answer, bool(sample.glyph.any())) for sample in samples} <= {
            ("review", None, True)
        }
        assert all(sample.line_ink.shape[1] < 40 and (sample.line_ink > 128).any() for sample in samples)


def test_text_that_is_no_number_becomes_no_samples(client, learner):
    assert put(client, 1, "a12").json()["note"] is None
    assert learner.store.count() == 0


def test_review_continues_without_database(open_review, tmp_path):
    client = open_review(Learner(f"sqlite:///{tmp_path / 'no' / 'taught.db'}"))
    answer = put(client, 0, "1").json()
    assert answer["settled"] == "1"
    assert "unable to open database file" in answer["note"]


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("/api/review/9", {"text": "1"}, 404, "there is no reading 9"),
        ("/api/review/-1", {"text": "1"}, 404, "there is no reading -1"),
        ("/api/review/x", {"text": "1"}, 422, "number: "),
        ("/api/review/0", {}, 422, "text: Field required"),
        ("/api/review/0", {"text": 7}, 422, "text: Input should be a valid string"),
        ("/api/review/0", {"text": "1 2"}, 422, "is not a number"),
        ("/api/review/0", ["1"], 422, "the body is not a JSON object"),
    ],
)
def test_invalid_answers_are_rejected(client, folder, path, body, status, error):
    response = client.put(path, json=body)
    assert (response.status_code, error in response.json()["error"]) == (status, True)
    assert not (folder / "table.jsonl.review").exists()


def test_review_of_missing_scan_and_changed_table(client, folder):
    (folder / "seven.png").unlink()
    gone = client.get("/api/review/0/crop")
    assert (gone.status_code, gone.json()["error"][:22]) == (404, "seven.png: is missing;")
    assert "seven.png" in put(client, 0, "1").json()["note"]
    (folder / "table.jsonl").write_text("{}\n")
    for name in ("table.csv", "table.jsonl", "table.xlsx"):
        assert client.get(f"/api/review/{name}").status_code == 409


def test_review_rejects_other_sites_and_missing_tokens(client, open_review):
    foreign = {"Origin": "http://elsewhere.example"}
    assert client.put("/api/review/0", json={"text": "1"}, headers=foreign).status_code == 403
    with pytest.raises(ValueError, match="a token is required"):
        open_review(host="0.0.0.0")
    guarded = open_review(token="secret")
    assert guarded.get("/api/review/0/crop").status_code == 401
    assert guarded.get("/?token=secret").status_code == 200
    assert guarded.get("/api/review/0/crop").status_code == 200  # by the cookie
