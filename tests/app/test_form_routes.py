"""The form editor over HTTP: scan, fields, problems, YAML file."""

import cv2
import numpy as np
import pytest
from form_paper import BOXES, empty, save
from PIL import Image
from starlette.testclient import TestClient

from inkwise._util.errors import DataError, ImageError
from inkwise.app import FormEditor, create_editor_app
from inkwise.forms import FormTemplate

METER = {"name": "meter", "box": [300, 250, 300, 50], "kind": "comb", "cells": 6}
CODE = {"name": "code", "box": [300, 400, 60, 60], "kind": "digit", "range": [1, 5]}


@pytest.fixture
def scan(tmp_path):
    Image.fromarray(empty()).save(tmp_path / "card.png")
    return tmp_path / "card.png"


@pytest.fixture
def client(scan):
    return TestClient(create_editor_app(FormEditor(scan)), "http://127.0.0.1:8420")


def problems(client, *fields, name="card"):
    response = client.post("/api/form/check", json={"name": name, "fields": list(fields)})
    assert response.status_code == 200
    return response.json()["problems"]


def test_editor_of_an_empty_form(client):
    state = client.get("/api/form").json()
    assert (state["file"], state["name"], state["size"]) == ("card.yaml", "card", [840, 1188])
    assert (state["fields"], state["kinds"]) == ([], ["number", "digit", "comb"])
    picture = cv2.imdecode(np.frombuffer(client.get("/api/form/scan").content, np.uint8), 0)
    np.testing.assert_array_equal(picture, empty())
    assert "<title>Inkwise: form</title>" in client.get("/").text


def test_form_is_written_beside_the_scan_and_reopened(client, scan):
    response = client.put("/api/form", json={"name": "meter card", "fields": [METER, CODE]})
    assert response.status_code == 200
    form = FormTemplate.read(scan.with_name("card.yaml"))
    assert (form.name, form.reference, form.size) == ("meter card", scan, (840, 1188))
    assert [field.box for field in form.fields] == [BOXES["meter"], BOXES["code"]]
    state = FormEditor(scan).state()
    assert response.json() == {"file": "card.yaml", "version": state["version"]}
    assert state["fields"] == [METER, CODE]


def save_fields(client, version, *fields):
    return client.put("/api/form", json={"name": "card", "fields": [*fields], "version": version})


def test_form_saved_by_another_editor_is_not_replaced(client, scan):
    other = TestClient(create_editor_app(FormEditor(scan)), "http://127.0.0.1:8420")
    assert client.get("/api/form").json()["version"] is other.get("/api/form").json()["version"] is None
    first = save_fields(client, None, METER).json()
    for late in (other, client):  # another process, and another tab of the same one
        refused = save_fields(late, None, CODE)
        assert (refused.status_code, refused.json()["error"]) == (
            409,
            "card.yaml: has changed since this page read it; "
            "reload the page, or move the file away and save again",
        )
        assert FormTemplate.read(scan.with_name("card.yaml")).fields[0].name == "meter"
    assert save_fields(other, None, METER).json() == first, "the same again is no conflict"
    state = other.get("/api/form").json()
    assert (state["version"], state["fields"]) == (first["version"], [METER])
    assert save_fields(other, first["version"], METER, CODE).status_code == 200
    assert save_fields(client, first["version"], METER).status_code == 409
    assert sorted(path.name for path in scan.parent.iterdir()) == ["card.png", "card.yaml"]


def test_form_edited_by_hand_is_not_replaced(client, scan):
    path = scan.with_name("card.yaml")
    version = save_fields(client, None, METER).json()["version"]
    edited = path.read_text() + "# a note\n"
    path.write_text(edited)
    assert save_fields(client, version, METER, CODE).status_code == 409
    assert path.read_text() == edited
    path.rename(scan.with_name("aside.yaml"))
    assert save_fields(client, version, METER, CODE).status_code == 200
    path.write_text("name: [")
    damaged = client.get("/api/form")
    assert (damaged.status_code, damaged.json()["error"][: len(str(path))]) == (422, str(path))


def test_editor_opens_the_first_pdf_page(scan, tmp_path):
    Image.open(scan).save(tmp_path / "form.pdf", resolution=100)
    editor = FormEditor(tmp_path / "form.pdf")
    editor.write(editor.form("card", [METER]), None)
    form = FormTemplate.read(tmp_path / "form.yaml")
    assert (form.reference, form.size) == (tmp_path / "form.pdf", (840, 1188))


def test_check_reports_all_problems(client, scan):
    assert problems(client, METER, CODE) == []
    assert problems(client) == ["it has no fields"]
    assert problems(client, METER, {**METER, "name": "other"}) == [
        "field 'meter': the box overlaps that of field 'other'"
    ]
    wrong = problems(client, {**METER, "box": [700, 0, 300, 50]}, {**CODE, "kind": "digits"})
    assert wrong == [
        "field 'code': unknown kind 'digits'; did you mean digit?",
        "field 'meter': the box leaves the page: from 700, 0 to 1000, 50 on a page of 840 x 1188",
    ]
    assert "got 'many'" in problems(client, {**CODE, "length": "many"})[0]
    refused = client.put("/api/form", json={"name": "", "fields": [METER]})
    assert (refused.status_code, refused.json()["error"]) == (422, "name is empty")
    assert not scan.with_name("card.yaml").exists()


def test_editor_reads_no_other_file(client, tmp_path):
    (tmp_path / "secret.txt").write_text("4711\n")
    body = {"name": "card", "fields": [{**METER, "vocabulary": "secret.txt"}]}
    for method, path in (("POST", "/api/form/check"), ("PUT", "/api/form")):
        response = client.request(method, path, json=body)
        assert response.status_code == 422
        assert response.json()["error"] == "vocabulary: expected a list of numbers"
    assert problems(client, METER, {**CODE, "reference": "secret.txt"})[0].startswith(
        "field 'code': unknown key"
    )
    assert client.get("/api/form/../form/scan/secret.txt").status_code == 404


def test_editor_limits_bodies_and_rejects_other_sites(client):
    many = [{**METER, "name": f"f{number}"} for number in range(501)]
    assert problems(client, *many) == ["fields: expected at most 500, got 501"]
    foreign = {"Origin": "http://elsewhere.example"}
    body = {"name": "card", "fields": [METER]}
    assert client.put("/api/form", json=body, headers=foreign).status_code == 403
    assert client.put("/api/form", content="x").status_code == 415
    assert (
        problems(client, 7, name=None)[0] == "field 1: expected keys with values, such as `name: meter card`"
    )


def test_editor_rejects_unreadable_scan_and_form_of_another_scan(tmp_path, scan):
    with pytest.raises(ImageError, match="No such file"):
        FormEditor(tmp_path / "no.png")
    save(tmp_path)
    with pytest.raises(DataError, match=r"card.yaml: is not the form of card.png"):
        FormEditor(scan)


def test_editor_keeps_size_and_marks(tmp_path):
    path = save(tmp_path)
    path.rename(tmp_path / "empty.yaml")
    text = (tmp_path / "empty.yaml").read_text().replace("reference", "size: [1680, 2376]\nreference")
    (tmp_path / "empty.yaml").write_text(text)
    editor = FormEditor(tmp_path / "empty.png")
    state = editor.state()
    editor.write(editor.form("twice", state["fields"]), state["version"])
    form = FormTemplate.read(tmp_path / "empty.yaml")
    assert (form.name, form.size, len(form.fields)) == ("twice", (1680, 2376), 3)
