import uuid

import pytest

NO_ANSWERS = {"right": 0, "n": 0, "low": None, "high": None}


def test_state_of_a_new_writer(client, learner):
    state = client.get("/api/state?writer=anna").json()
    assert all("pip install" in command for command in state.pop("install"))
    assert state == {
        "writers": [],
        "labels": list("0123456789"),
        "digits": list("0123456789"),
        "letters": True,
        "model": learner.base.model.name,
        "version": 0,
        "damage": None,
        "accuracy": {**NO_ANSWERS, "numbers": NO_ANSWERS},
        "samples": 0,
        "stored": 0,
        "labelled": 0,
        "learn_from": 10,
        "limits": {"points": 20_000, "upload_bytes": 32 * 2**20},
    }


def test_state_after_answers(client, keep):
    keep(label="7")
    keep("ben", label="1")
    state = client.get("/api/state?writer=ben").json()
    assert (state["writers"], state["samples"], state["accuracy"]["n"]) == (["anna", "ben"], 1, 1)


def test_progress_of_one_writer_and_accuracy_of_all(client, keep):
    keep(label="7")
    keep(label="1")
    keep("ben", label="7")
    progress = client.get("/api/progress?writer=anna").json()
    assert progress["curve"] == [True, False]
    assert progress["confusion"] == {"labels": ["1", "7"], "counts": [[0, 1], [0, 1]]}
    assert (progress["accuracy"]["right"], progress["accuracy"]["n"]) == (1, 2)
    assert progress["accuracy"]["low"] < 0.5 < progress["accuracy"]["high"]
    shares = [
        (each["writer"], each["accuracy"]["right"], each["accuracy"]["n"]) for each in progress["writers"]
    ]
    assert shares == [("anna", 1, 2), ("ben", 1, 1)]


def test_correct_rejection_counts_as_right_everywhere(client, keep):
    keep(label="not a digit", answer="not a digit", source="trial")
    keep(label="7", answer="not a digit", source="trial")
    progress = client.get("/api/progress?writer=anna").json()
    assert (progress["accuracy"]["right"], progress["accuracy"]["n"]) == (1, 2)
    assert progress["curve"] == [True, False]
    assert progress["confusion"] == {"labels": ["7", "not a digit"], "counts": [[0, 1], [0, 1]]}
    query = {"writer": "anna", "since": "2026-01-01T00:00:00Z"}
    trial = client.get("/api/trial", params=query).json()
    assert (trial["right"], trial["n"]) == (1, 2)


def test_score_counts_digits_and_numbers_apart(client, keep):
    one, other = (str(uuid.uuid4()) for _ in range(2))
    for label, number_id in [("7", one), ("7", one), ("1", other), ("7", other), ("7", None)]:
        keep(label=label, number_id=number_id)
    accuracy = client.get("/api/state?writer=anna").json()["accuracy"]
    assert (accuracy["right"], accuracy["n"]) == (4, 5)
    assert (accuracy["numbers"]["right"], accuracy["numbers"]["n"]) == (1, 2)


def test_accuracy_test_begins_without_a_time(client, keep):
    keep(source="trial")
    begun = client.get("/api/trial", params={"writer": "anna"}).json()
    assert begun["n"] == 0
    keep(source="trial")
    assert client.get("/api/trial", params={"writer": "anna", "since": begun["since"]}).json()["n"] == 1


def test_accuracy_test_counts_samples_since_its_start(client, keep):
    keep(source="trial")
    query = {"writer": "anna", "since": "2026-01-01T00:00:00.000Z"}
    trial = client.get("/api/trial", params=query).json()
    assert (trial["right"], trial["n"], trial["done"]) == (1, 1, False)
    assert trial["ask"] in "0123456789"
    assert client.get("/api/trial", params={**query, "width": 0.9}).json()["done"] is True
    assert client.get("/api/trial", params={**query, "since": "2200-01-01T00:00:00Z"}).json()["n"] == 0


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"since": "2026-01-01T00:00:00"}, "the beginning of a trial needs a time zone"),
        ({"since": "soon"}, "since: Input should be a valid datetime"),
        ({"since": "0001-01-01T00:00:00+14:00"}, "since is out of range"),
        ({"since": "9999-12-31T23:59:59-14:00"}, "since is out of range"),
        ({"width": "nan"}, "the width of the interval must be between 0 and 1, not nan"),
        ({"width": "2"}, "the width of the interval must be between 0 and 1, not 2.0"),
        ({"writer": "\x00"}, r"writer '\x00' holds a control character"),
    ],
)
def test_invalid_accuracy_test_is_rejected(client, values, error):
    query = {"writer": "anna", "since": "2026-01-01T00:00:00Z", **values}
    response = client.get("/api/trial", params=query)
    assert response.status_code == 422
    assert response.json()["error"].startswith(error)
