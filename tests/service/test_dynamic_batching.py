import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from inkwise._util.errors import InkwiseError
from inkwise.recognition import Model
from inkwise.recognition.adaptation import reference_glyphs
from inkwise.recognition.model import model_source
from inkwise.service.dynamic_batching import BatchedModel


@pytest.fixture
def batches():
    """Numbers of requests and glyphs of each batch."""
    return []


@pytest.fixture
def model(batches):
    return BatchedModel(model_source("default"), observe=lambda *sizes: batches.append(sizes))


@pytest.fixture
def held(model, monkeypatch):
    """Pause the model until `count` more requests wait: held(count)."""
    run, waits = Model.run, {"for": 0}

    def patient(each, glyphs):
        while len(model._waiting) < waits["for"]:
            time.sleep(0.001)
        waits["for"] = 0
        return run(each, glyphs)

    monkeypatch.setattr(Model, "run", patient)
    return lambda count: waits.update({"for": count})


def test_batched_model_returns_the_outputs_of_the_model(model):
    glyphs = np.concatenate([reference_glyphs()] * 13)  # more than one part
    for batched, alone in zip(model.run(glyphs), Model.bundled(threads=1).run(glyphs), strict=True):
        assert np.allclose(batched, alone, atol=1e-6)


def test_waiting_requests_share_a_batch(model, batches, held):
    held(9)
    with ThreadPoolExecutor(10) as pool:
        found = list(pool.map(lambda glyph: model.run(glyph[None])[0], reference_glyphs()))
    assert [model.labels[row.argmax()] for (row,) in found] == list("0123456789")
    assert batches == [(1, 1), (9, 9)]


def test_many_glyphs_are_split_into_parts(model, batches, held):
    held(1)
    many = np.concatenate([reference_glyphs()] * 16)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(model.run, many)
        while not batches:
            time.sleep(0.001)
        pool.submit(model.run, reference_glyphs()[:1]).result()
        assert len(first.result()[0]) == 160
    assert sum(glyphs for _, glyphs in batches) == 161
    assert batches[0] == (1, 64)
    assert max(glyphs for _, glyphs in batches) <= 64


def test_error_of_one_request_does_not_affect_others(model, held, monkeypatch):
    run = Model.run

    def picky(each, glyphs):
        if (glyphs == 255).all((1, 2)).any():
            raise RuntimeError("a blot")
        return run(each, glyphs)

    held(3)
    monkeypatch.setattr(Model, "run", picky)
    blot = np.full((1, 28, 28), 255, np.uint8)
    requests = [reference_glyphs()[:1], blot, reference_glyphs()[7:8], reference_glyphs()[:2]]
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(model.run, glyphs) for glyphs in requests]
    assert isinstance(futures[1].exception(), RuntimeError)
    assert [len(future.result()[0]) for number, future in enumerate(futures) if number != 1] == [1, 1, 2]


@pytest.mark.parametrize("glyphs", [np.zeros((1, 28, 27), np.uint8), np.zeros((1, 28, 28), np.float32)])
def test_batched_model_rejects_other_shapes(model, batches, glyphs):
    with pytest.raises(InkwiseError, match="glyphs must be"):
        model.run(glyphs)
    assert batches == []


def test_batched_model_without_glyphs(model, batches):
    assert model.run(np.zeros((0, 28, 28), np.uint8))[0].shape == (0, 10)
    assert batches == []


def test_abandoned_request_stops_before_its_next_part(batches):
    def check():
        if batches:
            raise TimeoutError

    model = BatchedModel(model_source("default"), observe=lambda *sizes: batches.append(sizes), check=check)
    with pytest.raises(TimeoutError):
        model.run(np.zeros((500, 28, 28), np.uint8))
    assert batches == [(1, 64)]
