import time
import uuid

import cv2
import pytest

from inkwise._util.errors import missing_module_message
from inkwise.corrections import Accuracy, VersionScores
from inkwise.corrections import learning_jobs as learning
from inkwise.recognition import Model

ANNA = {"writer": "anna"}
SCORES = VersionScores(Accuracy(9_950, 10_000), Accuracy(3, 4))


@pytest.fixture
def version(client, learner, default_weights):
    """The first version of Anna, not promoted."""
    return learner.store.versions.add("anna", default_weights, 8, SCORES, SCORES)


def test_learning_is_idle_at_first(client):
    idle = {"status": "idle", "writer": "", "step": "", "share": 0.0, "error": None, "version": None}
    idle |= {"seconds": 0, "seconds_left": None}
    assert client.get("/api/learn").json() == idle
    assert client.delete("/api/learn").json() == idle


def test_learning_runs_one_job_and_fails_with_too_few_samples(client, keep, monkeypatch):
    monkeypatch.setattr(learning, "missing_dependencies", lambda: None)
    started = client.post("/api/learn", json=ANNA)
    assert (started.status_code, started.json()["status"]) == (202, "running")
    again = client.post("/api/learn", json={"writer": "ben"})
    assert (again.status_code, again.json()["error"][:6]) == (409, "anna's")
    for _ in range(600):
        state = client.get("/api/learn").json()
        if state["status"] != "running":
            break
        time.sleep(0.1)
    assert state["status"] == "failed"
    assert state["error"] == "anna has 0 labelled samples; learning needs 10 more, 10 in all"


def test_learning_can_be_cancelled(client, monkeypatch):
    monkeypatch.setattr(learning, "missing_dependencies", lambda: None)
    client.post("/api/learn", json=ANNA)
    assert client.delete("/api/learn").json()["status"] == "cancelled"
    assert client.get("/api/learn").json()["status"] == "cancelled"


def test_learning_without_torch_names_the_extra(client, monkeypatch):
    line = missing_module_message("learning", "torch", "train")
    monkeypatch.setattr(learning, "find_spec", lambda name: None)
    assert len(client.get("/api/state?writer=anna").json()["install"]) == 2
    response = client.post("/api/learn", json=ANNA)
    assert (response.status_code, response.json()) == (422, {"error": line})


def test_versions_are_listed_promoted_and_rolled_back(client, version):
    first = client.get("/api/versions?writer=anna").json()
    assert first["current"] == 0
    (listed,) = first["versions"]
    assert (listed["number"], listed["samples"], listed["promoted"]) == (version.number, 8, False)
    assert listed["time"] == version.time.isoformat()
    assert listed["before"]["mnist"] == SCORES.mnist.to_dict()
    assert listed["after"]["own"] == SCORES.own.to_dict()

    def promote(number):
        return client.post("/api/versions/promote", json={**ANNA, "number": number}).json()

    assert promote(version.number)["current"] == version.number
    assert client.get("/api/state?writer=anna").json()["version"] == version.number
    assert promote(0) == first


@pytest.mark.parametrize(
    ("number", "status"), [(7, 404), (-1, 422), (10**30, 422), (True, 422), ("1", 422), (None, 422)]
)
def test_unknown_version_is_not_promoted(client, version, number, status):
    response = client.post("/api/versions/promote", json={**ANNA, "number": number})
    assert response.status_code == status
    assert client.get("/api/versions?writer=anna").json()["current"] == 0


def test_version_of_another_writer_is_not_promoted(client, version):
    response = client.post("/api/versions/promote", json={"writer": "ben", "number": version.number})
    assert (response.status_code, response.json()) == (
        404,
        {"error": f"there is no version {version.number} of ben"},
    )


def test_version_can_be_downloaded(client, version, tmp_path):
    response = client.get(f"/api/versions/{version.number}/model.onnx")
    name = f'attachment; filename="inkwise-version-{version.number}.onnx"'
    assert response.headers["Content-Disposition"] == name
    assert Model(response.content).labels == tuple("0123456789")
    assert client.get("/api/versions/9/model.onnx").status_code == 404
    assert client.get(f"/api/versions/{10**30}/model.onnx").status_code == 422


def test_versions_are_compared_on_held_out_samples(client, keep, version):
    held = [learning.is_held_out(uuid.UUID(keep()["id"])) for _ in range(12)]
    keep("ben")
    keep("ben", label="€")
    compared = client.get("/api/versions/compare?writer=anna").json()
    assert compared["versions"] == [0, version.number]
    assert compared["writers"] == ["anna", "ben"]
    rows = [[(cell["right"], cell["n"]) for cell in row] for row in compared["accuracy"]]
    assert rows == [[(sum(held), sum(held)), (1, 2)]] * 2


def test_comparison_without_samples_is_empty(client):
    assert client.get("/api/versions/compare?writer=anna").json() == {
        "versions": [0],
        "writers": [],
        "accuracy": [[]],
        "damaged": [],
    }


def test_damaged_promoted_version_falls_back_to_the_base_model(
    client, learner, keep, damaged_weights, default_weights, seven
):
    sound = learner.store.versions.add("anna", default_weights, 8, SCORES, SCORES).number
    number = learner.store.versions.add("anna", damaged_weights, 8, SCORES, SCORES, promote=True).number
    state = client.get("/api/state?writer=anna").json()
    assert state["version"] == number
    assert state["model"] == learner.base.model.name
    assert state["damage"].startswith(f"version {number} is damaged (")
    assert client.get("/api/state?writer=ben").json()["damage"] is None
    body = {**ANNA, "strokes": [[[30, 25], [85, 25], [55, 100]]]}
    assert client.post("/api/read", json=body).json()["text"] == "7"
    png = cv2.imencode(".png", seven)[1].tobytes()
    assert client.post("/api/picture?writer=anna", content=png).json()["text"] == "7"
    keep("anna")
    keep("ben")
    compared = client.get("/api/versions/compare?writer=anna").json()
    assert compared["versions"] == [0, sound]
    assert [f"{line}: the base model is used instead" for line in compared["damaged"]] == [state["damage"]]
    listed = client.get("/api/versions?writer=anna").json()
    assert (listed["current"], listed["damage"], len(listed["versions"])) == (number, state["damage"], 2)
    promoted = client.post("/api/versions/promote", json={**ANNA, "number": sound}).json()
    assert (promoted["current"], promoted["damage"]) == (sound, None)
    assert client.get("/api/state?writer=anna").json()["damage"] is None


def test_damaged_version_is_not_promoted(client, learner, version, damaged_weights):
    client.post("/api/versions/promote", json={**ANNA, "number": version.number})
    number = learner.store.versions.add("anna", damaged_weights, 8, SCORES, SCORES).number
    response = client.post("/api/versions/promote", json={**ANNA, "number": number})
    assert response.status_code == 422
    assert response.json()["error"].startswith(f"version {number} is damaged (")
    assert client.get("/api/versions?writer=anna").json()["current"] == version.number
