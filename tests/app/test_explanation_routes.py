"""The route that explains an answer."""

import base64

import numpy as np
import pytest

from inkwise.corrections.sample import encode_image
from inkwise.preprocessing import strokes_to_glyph

SEVEN = strokes_to_glyph([[(50, 50), (140, 50), (90, 200)]])
A = strokes_to_glyph([[(0, 100), (40, 0), (80, 100)], [(15, 60), (65, 60)]])


@pytest.fixture
def explain(client):
    def explain(glyph, **values):
        return client.post("/api/explain", json={"writer": "anna", "glyph": encode_image(glyph), **values})

    return explain


def test_explanation_names_ink_maps_and_similar_digits(explain, keep):
    keep(label="7", strokes=[[[50, 50], [140, 50], [90, 200]]])
    found = explain(SEVEN, answer="7").json()
    assert (found["answer"], found["runner_up"]) == ("7", "1")
    assert found["lead"] > 2
    influence = np.array(found["influence"]).reshape(28, 28)
    assert not influence[SEVEN == 0].any()
    assert 10 < influence.max() <= 100
    assert -30 < influence.min() < influence.max(), "a sure digit has no red ink"
    shapes = [[16, 14, 14], [32, 14, 14], [48, 7, 7], [64, 7, 7], [64, 7, 7]]
    assert [layer["shape"] for layer in found["maps"]] == shapes
    for layer in found["maps"]:
        data = base64.b64decode(layer["data"])
        assert len(data) == np.prod(layer["shape"])
        assert max(data) == 255
    assert len(found["similar"]) == 8
    first, second = found["similar"][:2]
    assert (first["label"], first["own"]) == ("7", True)
    assert len(base64.b64decode(first["glyph"])) == 784
    assert (second["label"], second["own"]) == ("7", False)


def test_rejection_is_explained(explain):
    found = explain(A, answer="not a digit").json()
    assert found["answer"] == "not a digit"
    assert found["runner_up"] in list("0123456789")
    assert max(found["influence"]) > 50


def test_influence_is_bounded_if_another_answer_is_likelier(explain):
    found = explain(SEVEN, answer="1").json()
    assert found["lead"] < 0
    assert -100 <= min(found["influence"]) < 0


def test_blank_glyph_has_maps_but_no_similar_digits(explain):
    found = explain(np.zeros((28, 28), np.uint8)).json()
    assert not any(found["influence"])
    assert found["similar"] == []
    assert len(found["maps"]) == 5


def test_letters_are_explained_by_their_model(explain):
    found = explain(A, answer="A", letters=True).json()
    assert found["answer"] == "A"
    assert len(found["maps"]) == 5


def test_invalid_requests_are_rejected(explain, client):
    assert explain(SEVEN, answer="Q").status_code == 422
    assert "no label 'Q'" in explain(SEVEN, answer="Q").json()["error"]
    assert explain(SEVEN[:2]).status_code == 422
    assert client.post("/api/explain", json={"writer": "anna"}).status_code == 422
