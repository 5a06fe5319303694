"""The line reader from its file and back, and fine-tuned on the digits of one writer."""

import numpy as np
import pytest
import torch

from inkwise._util.errors import ModelError
from inkwise._util.text import digits_of
from inkwise.datasets import Dataset, StrokeSet
from inkwise.preprocessing import strokes_to_glyph
from inkwise.recognition.ctc.decoding import decode
from inkwise.recognition.model import LineModel, line_model_source
from inkwise.training import number_fine_tuning
from inkwise.training.number_fine_tuning import compose_numbers, digit_pool, fine_tune_numbers
from inkwise.training.number_models import number_net_from_onnx, number_net_to_onnx

SHAPES = {
    "1": [[0, 0], [0, 90]],
    "7": [[0, 0], [60, 0], [20, 90]],
    "0": [[0, 0], [50, 0], [50, 80], [0, 80], [0, 0]],
}
LOOP = [[0, 80], [60, 0], [0, 0], [60, 80]]  # how this writer writes a 7
NOBODY = Dataset("none", np.empty((0, 28, 28), np.uint8), np.empty(0, np.str_))


@pytest.fixture(scope="module")
def bundled():
    return line_model_source("default")


def drawn(labels, shapes, rng):
    samples = [[np.array(shapes[label]) + rng.normal(0, 4, (len(shapes[label]), 2))] for label in labels]
    return StrokeSet("drawn", samples, np.array(labels))


def test_a_line_reader_survives_its_file(bundled):
    net, metadata = number_net_from_onnx(bundled)
    again = number_net_to_onnx(net, metadata).SerializeToString()
    picture = np.random.default_rng(0).integers(0, 256, (48, 96)).astype(np.uint8)
    one, other = (LineModel(content, threads=1).run(picture) for content in (bundled, again))
    np.testing.assert_allclose(one, other, atol=2e-3)


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x07"])
def test_other_content_is_rejected(content):
    with pytest.raises(ModelError, match="holds no net that can learn"):
        number_net_from_onnx(content)


def test_numbers_hold_the_digits_of_the_pool_alone():
    rng = np.random.default_rng(0)
    strokes = drawn([*"1177"], SHAPES, rng)
    glyphs = np.stack([strokes_to_glyph(sample) for sample in strokes.samples])
    empty = np.zeros((1, 28, 28), np.uint8)
    found = Dataset("found", np.concatenate([glyphs, empty]), np.array([*"1177", "5"]))
    for pool in (digit_pool(strokes, NOBODY), digit_pool(None, found), digit_pool(strokes, found)):
        lines = compose_numbers(pool, 20, rng)
        assert {*digits_of("".join(text for _, text in lines))} == {"1", "7"}
        assert any(text != digits_of(text) for _, text in lines)
        assert all(ink.shape[0] == 48 and ink.max() > 128 for ink, _ in lines)


def test_samples_that_are_no_digits_are_left_out():
    rng = np.random.default_rng(0)
    letters = drawn([*"11"], SHAPES, rng)
    letters = StrokeSet("letters", letters.samples, np.array(["A", "A"]))
    glyph = strokes_to_glyph(letters.samples[0])
    found = Dataset("found", glyph[None], np.array(["1"]))
    assert all(
        {*digits_of(text)} <= {"1"} for _, text in compose_numbers(digit_pool(letters, found), 20, rng)
    )
    empty = Dataset("empty", np.zeros((1, 28, 28), np.uint8), np.array(["1"]))
    pool = digit_pool(letters, empty)
    assert not pool.hands
    assert not pool.scans


def test_a_strange_7_is_learnt(bundled, monkeypatch):
    for name, value in {"_OWN_LINES": 60, "_REPLAY_LINES": 30, "_HELD_OUT_LINES": 10, "_STEPS": 60}.items():
        monkeypatch.setattr(number_fine_tuning, name, value)
    rng = np.random.default_rng(1)
    others = drawn([*"017"] * 20, SHAPES, rng)
    glyphs = np.stack([strokes_to_glyph(sample) for sample in others.samples])
    own = drawn([*"017"] * 8, SHAPES | {"7": LOOP}, rng)
    told = []

    learnt = fine_tune_numbers(
        bundled, own, NOBODY, Dataset("others", glyphs, others.labels), progress=told.append
    )

    numbers = compose_numbers(digit_pool(drawn([*"017"] * 8, SHAPES | {"7": LOOP}, rng), NOBODY), 40, rng)
    before, after = (right(LineModel(content, threads=1), numbers) for content in (bundled, learnt))
    assert before < 20
    assert after > before + 8
    assert told == sorted(told)
    assert told[-1] == 1
    _, metadata = number_net_from_onnx(learnt)
    assert metadata["learnt"]["samples"] == 24


def right(model, numbers):
    answers = [decode(model.run(ink), model.symbols).text for ink, _ in numbers]
    return sum(answer == text.replace(" ", "") for answer, (_, text) in zip(answers, numbers, strict=True))


def test_the_same_seed_learns_the_same(bundled, monkeypatch):
    for name in ("_OWN_LINES", "_REPLAY_LINES", "_HELD_OUT_LINES", "_STEPS"):
        monkeypatch.setattr(number_fine_tuning, name, 3)
    own = drawn([*"017"] * 4, SHAPES, np.random.default_rng(1))
    glyphs = np.stack([strokes_to_glyph(sample) for sample in own.samples])
    state = torch.random.get_rng_state()
    one, other = (
        fine_tune_numbers(bundled, own, NOBODY, Dataset("others", glyphs, own.labels)) for _ in "ab"
    )
    assert one == other
    assert torch.equal(torch.random.get_rng_state(), state)
