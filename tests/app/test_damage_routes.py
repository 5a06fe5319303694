"""Every route works on a database with a damaged row, for each kind of damage."""

import io
import zipfile

import pytest
from damage import SQLITE, VERSIONS, damage, name_of

from inkwise.corrections import Accuracy, VersionScores

SCORES = VersionScores(mnist=Accuracy(9_965, 10_000), own=Accuracy(27, 33))


@pytest.fixture
def taught(keep):
    """Three samples of Anna; the last one will be damaged."""
    return [keep(label=label, answer="1") for label in "714"]


@pytest.mark.parametrize("kind", SQLITE, ids=name_of)
def test_routes_work_with_a_damaged_sample(client, keep, taught, database, kind):
    whole = client.get("/api/export").content
    damage(database, "samples", *kind, where="label = '4'")
    good, bad = [each["id"] for each in taught[:2]], taught[2]["id"]

    def listed():
        return client.get("/api/samples").json()

    for path in ("/api/state", "/api/progress", "/api/trial", "/api/versions", "/api/versions/compare"):
        assert client.get(f"{path}?writer=anna").status_code == 200, path
    assert (listed()["damaged"], listed()["total"]) == (1, 3)
    assert [each["id"] for each in listed()["samples"]] == good[::-1]

    export = client.get("/api/export")
    assert export.headers["Inkwise-Damaged"].startswith("1: ")
    assert kind[0] == "id" or export.headers["Inkwise-Damaged"] == f"1: {bad}"
    with zipfile.ZipFile(io.BytesIO(export.content)) as archive:
        assert archive.read("samples.jsonl").count(b"\n") == 2

    answers = [{"label": "9", "strokes": [[[30, 25], [85, 25], [55, 100]]]}]
    drawn = {"writer": "anna", "strokes": answers[0]["strokes"], "single": True}
    assert client.post("/api/read", json=drawn).status_code == 200
    response = client.patch(f"/api/samples/{bad}", json={"label": "8"})
    assert response.status_code == 404
    assert "is damaged" in response.json()["error"] or kind[0] == "id"

    for status in (409, 200):
        assert client.post("/api/undo", json={"writer": "anna"}).status_code == status
    assert [each["id"] for each in listed()["samples"]] == good[:1]

    assert client.delete(f"/api/samples/{bad}").status_code == (404 if kind[0] == "id" else 204)
    assert listed()["damaged"] == (kind[0] == "id")
    assert client.post("/api/import?writer=anna", content=export.content).json() == {"added": 1}
    assert client.post("/api/import?writer=anna", content=whole).json() == {"added": 1}
    assert sorted(each["id"] for each in listed()["samples"]) == sorted([*good, bad])
    keep(id=bad)


@pytest.mark.parametrize("kind", [*VERSIONS, ("onnx", "5"), ("onnx", "'text'")], ids=name_of)
def test_routes_work_with_a_damaged_version(client, keep, learner, database, kind):
    keep()
    learner.store.versions.add("anna", b"no model", 67, SCORES, SCORES, promote=True)
    damage(database, "versions", *kind)
    for path in ("/api/state", "/api/progress", "/api/versions"):
        assert client.get(f"{path}?writer=anna").status_code == 200, path
    for path in ("/api/versions/compare?writer=anna", "/api/versions/1/model.onnx"):
        response = client.get(path)
        assert response.status_code in (200, 422), path
    assert client.get("/api/export").status_code == 200


def test_export_without_damage_has_no_header(client, taught):
    assert "Inkwise-Damaged" not in client.get("/api/export").headers
    assert client.get("/api/samples").json()["damaged"] == 0


def test_export_of_damaged_samples_only_is_empty(client, taught, database):
    damage(database, "samples", "glyph", "5")
    response = client.get("/api/export")
    assert (response.status_code, response.json()) == (404, {"error": "there are no samples"})


def test_export_header_names_some_damaged_rows(client, keep, database):
    keep()
    for _ in range(25):
        keep("ben")
    damage(database, "samples", "glyph", "5", "writer = 'ben'")
    count, _, ids = client.get("/api/export").headers["Inkwise-Damaged"].partition(": ")
    assert (count, len(ids.split(", "))) == ("25", 20)
