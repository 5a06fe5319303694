"""The forms of the app over HTTP: scans of empty forms, fields, filled scans, the table, deletion."""

import io
import json
import re
import sqlite3
import time
from contextlib import closing
from urllib.parse import quote

import cv2
import numpy as np
import openpyxl
import pytest
from form_paper import empty, filled, turned

from inkwise.app.form_library import FormLibrary

METER = {"name": "meter", "box": [300, 250, 300, 50], "kind": "comb", "cells": 6}
CODE = {"name": "code", "box": [300, 400, 60, 60], "kind": "digit"}


def png(picture):
    return cv2.imencode(".png", picture)[1].tobytes()


@pytest.fixture
def form(client):
    """The path of a form with two fields."""
    answer = client.post("/api/forms", params={"name": "card.png"}, content=png(empty()))
    assert answer.status_code == 201, answer.text
    path = f"/api/forms/{answer.json()['id']}"
    saved = client.put(f"{path}/form", json={"name": "meter card", "fields": [METER, CODE]})
    assert saved.status_code == 200, saved.text
    return path


@pytest.fixture
def send(client, form):
    """Send a filled scan: send("one.png", filled())."""

    def send(name, picture):
        content = picture if isinstance(picture, bytes) else png(picture)
        return client.post(f"{form}/scans", params={"name": name}, content=content)

    return send


@pytest.fixture
def read(client, form):
    """Read the scans and return the state."""

    def read():
        client.post(f"{form}/reading")
        for _ in range(600):
            state = client.get(form).json()
            if not state["reading"]:
                return state
            time.sleep(0.1)
        raise AssertionError("the reading does not end")

    return read


def cells(client, form, state):
    table = client.get(f"{form}/tables/{state['table']}/rows").json()
    rows = {row["file"]: [cell["text"] for cell in row["cells"]] for row in table["rows"]}
    return table["columns"], rows


def test_scans_become_a_table_that_is_checked_and_downloaded(client, form, send, read):
    for name, picture in (("b.png", turned(filled(), 2)), ("a.png", filled("314159", "7", ""))):
        assert send(name, picture).json() == {"name": name}
    assert client.get(form).json()["unread"] == ["a.png", "b.png"]
    state = read()
    assert (state["done"], state["pages"], state["unread"], state["error"]) == (2, 2, [], None)
    read_values = {"a.png": ["314159", "7"], "b.png": ["014752", "3"]}
    assert cells(client, form, state) == (["meter", "code"], read_values)
    review = f"{form}/tables/{state['table']}"
    (first, *_) = client.get(review, params={"threshold": 1}).json()["queue"]
    assert (first["file"], first["place"], first["guess"]) == ("a.png", "meter", "314159")
    assert client.get(f"{review}/{first['number']}").json() == first
    assert client.get(f"{review}/{first['number']}/crop").headers["Content-Type"] == "image/png"
    assert client.put(f"{review}/{first['number']}", json={"text": "314150"}).status_code == 200
    answer = client.get(f"{review}/table.xlsx")
    assert re.fullmatch(
        r'attachment; filename="meter-card-\d{4}-\d\d-\d\d-reviewed\.xlsx"',
        answer.headers["Content-Disposition"],
    )
    head, one, other = openpyxl.load_workbook(io.BytesIO(answer.content)).active.values
    assert (head[0], one[0], one[2], other[2]) == ("file", "a.png", "314150", "014752")
    assert "a.png,1,314150" in client.get(f"{review}/table.csv").text


def test_only_new_scans_are_read_and_answers_stay(client, form, send, read):
    send("one.png", filled())
    review = f"{form}/tables/{read()['table']}"
    client.put(f"{review}/0", json={"text": "999999"})
    assert send("one.png", filled()).json() == {"name": "one.png"}, "the same scan is stored once"
    assert send("one.png", filled("314159")).json() == {"name": "one (2).png"}
    state = read()
    assert (state["done"], state["pages"]) == (2, 2)
    _, rows = cells(client, form, state)
    assert {name: values[0] for name, values in rows.items()} == {
        "one.png": "999999",
        "one (2).png": "314159",
    }
    stale = client.put(f"{review}/0", json={"text": "111111"})
    assert (stale.status_code, "read again meanwhile" in stale.json()["error"]) == (409, True)


def test_changed_fields_are_read_again(client, form, send, read):
    send("one.png", filled())
    read()
    editor = client.get(f"{form}/form").json()
    body = {"name": "meter card", "fields": [METER], "version": editor["version"]}
    assert client.put(f"{form}/form", json=body).status_code == 200
    assert client.get(form).json()["unread"] == ["one.png"]
    assert cells(client, form, read()) == (["meter"], {"one.png": ["014752"]})


def test_rejected_fields_keep_the_readings(client, form, send, read):
    send("one.png", filled())
    read()
    body = {"name": "meter card", "fields": [METER], "version": "of another tab"}
    assert client.put(f"{form}/form", json=body).status_code == 409
    assert client.get(form).json()["unread"] == []


@pytest.mark.parametrize("stem", ["字" * 300, "\U0001f600" * 100, "é" * 250])
def test_long_names_are_stored_by_their_bytes(client, send, stem):
    for picture in (filled(), filled("314159")):
        answer = send(f"{stem}.tiff", picture)
        assert answer.status_code == 201, answer.text
        assert len(answer.json()["name"].encode()) <= 220


def test_scans_are_read_again_by_another_version(client, form, send, read, tmp_path):
    send("one.png", filled())
    read()
    (journal,) = (tmp_path / "forms").rglob("table.jsonl.part")
    with closing(sqlite3.connect(journal)) as database, database:
        database.execute("UPDATE settings SET text = ?", (json.dumps({"version": "0"}),))
    send("two.png", filled("314159"))
    state = read()
    assert (state["error"], [*cells(client, form, state)[1]]) == (None, ["one.png", "two.png"])


def test_page_with_too_little_print_begins_no_form(client):
    plain = np.full((1188, 840), 250, np.uint8)
    refused = client.post("/api/forms", params={"name": "plain.png"}, content=png(plain))
    message = "plain.png: too little is printed on it to be found again; print more text or lines"
    assert (refused.status_code, refused.json()["error"]) == (422, message)
    assert client.get("/api/forms").json()["forms"] == []


def test_pages_that_cannot_be_read_are_named_and_typed_in(client, form, send, read):
    send("blank.png", np.full((600, 500), 240, np.uint8))
    send("damaged.png", b"nothing")
    refused = send("notes.txt", b"x")
    assert (refused.status_code, refused.json()["error"]) == (422, "notes.txt: is not a picture or a PDF")
    state = read()
    review = f"{form}/tables/{state['table']}"
    queue = client.get(review).json()["queue"]
    places = [(item["file"], item["place"], item["whole"]) for item in queue]
    assert places == [
        (file, field, True) for file in ("blank.png", "damaged.png") for field in ("meter", "code")
    ]
    assert queue[0]["reason"] == "does not match the form 'meter card'"
    assert queue[2]["reason"].startswith("damaged.png: is not a picture")
    assert client.get(f"{review}/0/crop").status_code == 200
    missing = client.get(f"{review}/2/crop")
    assert (missing.status_code, missing.json()["error"][:12]) == (404, "damaged.png:")
    for number, text in enumerate(("014752", "3")):
        assert client.put(f"{review}/{number}", json={"text": text}).json() == {"settled": text, "note": None}
    rows = [json.loads(line) for line in client.get(f"{review}/table.jsonl").text.splitlines()]
    typed = rows[0]
    assert (typed["meter"], typed["meter_accepted"], typed["code"], typed["reason"]) == (
        "014752",
        True,
        "3",
        None,
    )
    assert rows[1]["reason"] == queue[2]["reason"]
    assert client.get("/api/samples", params={"writer": "meter card"}).json()["total"] == 0


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("../../up.png", "up.png"),
        ("..\\..\\up.PNG", "up.png"),
        ("/etc/.png.png", "png.png"),
        ("a<b>:c|d?.png", "a-b--c-d-.png"),
        ("Zähler 7 (1).jpg", "Zähler 7 (1).jpg"),
        (". .png", "scan.png"),
        ("x" * 300 + ".png", "x" * 200 + ".png"),
    ],
)
def test_names_of_scans_are_safe(send, tmp_path, name, stored):
    assert send(name, filled()).json() == {"name": stored}
    written = [
        path for path in tmp_path.rglob("*") if path.suffix in (".png", ".jpg") and path.stem != "card"
    ]
    assert [(path.parent.name, path.name) for path in written] == [("scans", stored)]


@pytest.mark.parametrize("form_id", ["..", "%2e%2e", "forms", "0" * 12, "0" * 11 + "/", "A" * 12])
def test_other_ids_are_not_found(client, form, form_id):
    for method, path in (
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/form"),
        ("DELETE", "/scans"),
        ("POST", "/reading"),
    ):
        assert client.request(method, f"/api/forms/{form_id}{path}").status_code in (404, 405)
    assert client.get(form).status_code == 200


def test_unusable_scans_make_no_form(client, tmp_path):
    for name, content in (
        ("card.png", b"x"),
        ("card.docx", png(empty())),
        ("card.png", b""),
        ("", png(empty())),
    ):
        refused = client.post("/api/forms", params={"name": name}, content=content)
        assert refused.status_code == 422
        assert str(tmp_path) not in refused.json()["error"]
        assert refused.json()["error"].startswith(name or ":")
    assert client.get("/api/forms").json()["forms"] == []


def test_form_without_fields_is_not_read(client):
    answer = client.post("/api/forms", params={"name": "card.png"}, content=png(empty())).json()
    assert (answer["name"], answer["fields"], answer["scans"]) == ("card", 0, 0)
    path = f"/api/forms/{answer['id']}"
    client.post(f"{path}/scans", params={"name": "one.png"}, content=png(filled()))
    client.post(f"{path}/reading")
    for _ in range(100):
        state = client.get(path).json()
        if state["error"]:
            break
        time.sleep(0.1)
    assert state["error"] == "the form has no fields yet"


def test_removed_scan_leaves_the_table_and_its_name_is_not_used_again(client, form, send, read):
    send("one.png", filled())
    send("two.png", filled("314159"))
    review = f"{form}/tables/{read()['table']}"
    number = client.get(review, params={"threshold": 1}).json()["queue"][-1]["number"]
    client.put(f"{review}/{number}", json={"text": "1"})
    for name in ("../form.yaml", "no.png"):
        assert client.delete(f"{form}/scans", params={"name": name}).status_code == 422
    assert client.delete(f"{form}/scans", params={"name": "two.png"}).status_code == 204
    assert [*cells(client, form, read())[1]] == ["one.png"]
    assert send("two.png", filled("271828")).json() == {"name": "two (2).png"}


def test_deleted_batch_leaves_the_fields_alone(client, form, send, read, tmp_path):
    send("one.png", filled())
    read()
    assert client.delete(f"{form}/scans").status_code == 204
    state = client.get(form).json()
    assert (state["scans"], state["fields"], state["table"]) == ([], 2, None)
    assert sorted(path.name for path in (tmp_path / "forms").rglob("*.*")) == ["card.png", "card.yaml"]


def test_deleted_form_leaves_nothing(client, form, send, read, tmp_path):
    send("one.png", filled())
    read()
    assert client.delete(form).status_code == 204
    assert client.get(form).status_code == 404
    assert client.get("/api/forms").json()["forms"] == []
    assert [*(tmp_path / "forms").iterdir()] == []


def test_new_server_continues_where_the_last_one_ended(client, form, send, read, learner, tmp_path):
    send("one.png", filled())
    state = read()
    client.put(f"{form}/tables/{state['table']}/0", json={"text": "1"})
    send("two.png", filled("314159"))
    library = FormLibrary(tmp_path / "forms", learner)
    (again,) = library.forms()
    assert again.state()["unread"] == ["two.png"]
    assert again.state()["table"] == state["table"]
    assert again.session(state["table"]).entry(0)["settled"] == "1"


def test_stopped_reading_keeps_what_was_read(client, form, send, tmp_path):
    for number in range(6):
        send(f"{number}.png", filled(f"{number}14752"))
    client.post(f"{form}/reading")
    while not client.get(form).json()["done"]:
        time.sleep(0.02)
    state = client.delete(f"{form}/reading").json()
    assert (state["reading"], state["stopped"], state["table"]) == (False, True, None)
    assert 0 < state["done"] < 6
    (journal,) = (tmp_path / "forms").rglob("table.jsonl.part")
    assert journal.stat().st_size > 0


def test_closed_library_reads_no_further(client, form, send, learner, tmp_path):
    for number in range(6):
        send(f"{number}.png", filled(f"{number}14752"))
    library = FormLibrary(tmp_path / "forms", learner)
    (stored,) = library.forms()
    stored.batch.job.start()
    library.close()
    state = stored.state()
    assert (state["reading"], state["stopped"], state["table"]) == (False, False, None)


def test_pages_of_forms_are_served(client, form):
    form_id = form.rpartition("/")[2]
    for path, title in (
        ("/forms", "forms"),
        (f"/forms/{form_id}", "scans"),
        (f"/forms/{form_id}/fields", "form"),
    ):
        assert f"<title>Inkwise: {title}</title>" in client.get(path).text
    assert client.get(f"/forms/{quote('../x')}/y").status_code == 404
