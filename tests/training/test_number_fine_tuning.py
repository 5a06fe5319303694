"""The line reader from its file and back, and fine-tuned on the digits of one writer."""

import numpy as np
import pytest
import torch

from inkwise._util.errors import ModelError
from inkwise._util.text import digits_of
from inkwise.datasets import Dataset, StrokeSet
from inkwise.preprocessing import strokes_to_glyph
from inkwise.preprocessing.line_image import strokes_to_line_image
from inkwise.recognition.ctc.decoding import decode
from inkwise.recognition.model import LineModel, line_model_source
from inkwise.training import number_fine_tuning
from inkwise.training.number_fine_tuning import fine_tune_numbers
from inkwise.training.number_models import number_net_from_onnx, number_net_to_onnx
from inkwise.training.synthesis.writer_numbers import WriterDigits, compose_lines

SHAPES = {
    "1": [[0, 0], [0, 90]],
    "7": [[0, 0], [60, 0], [20, 90]],
    "0": [[0, 0], [50, 0], [50, 80], [0, 80], [0, 0]],
}
LOOP = [[0, 80], [60, 0], [0, 0], [60, 80]]  # how this writer writes a 7


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


def test_composed_lines_hold_the_digits_of_the_writer_alone():
    rng = np.random.default_rng(0)
    strokes = drawn([*"1177"], SHAPES, rng)
    found = [(strokes_to_glyph(sample), label) for sample, label in zip(strokes.samples, "1177", strict=True)]
    columns = [(strokes_to_line_image(strokes.samples[0]).ink, "1")]
    strange = [(np.zeros((28, 28), np.uint8), "5"), (np.zeros((48, 9), np.uint8), "5"), (found[0][0], "A")]
    letter = StrokeSet("letter", strokes.samples[:1], np.array(["A"]))
    for digits, count in (
        (WriterDigits.of(strokes, ()), 4),
        (WriterDigits.of(None, found), 4),
        (WriterDigits.of(strokes, [*found, *columns]), 9),
        (WriterDigits.of(letter, [*found, *strange]), 4),
    ):
        assert len(digits) == count
        lines = compose_lines(digits, 20, rng)
        assert {*digits_of("".join(text for _, text in lines))} == {"1", "7"}
        assert any(text != digits_of(text) for _, text in lines)
        assert all(ink.shape[0] == 48 and ink.max() > 128 for ink, _ in lines)


def test_composed_lines_can_be_read(bundled):
    rng = np.random.default_rng(0)
    samples = drawn([*"0177"], SHAPES, rng)
    glyphs = [strokes_to_glyph(sample) for sample in samples.samples]
    columns = [strokes_to_line_image(sample).ink for sample in samples.samples]
    model = LineModel(bundled, threads=1)
    for digits in (
        WriterDigits.of(samples, ()),
        WriterDigits.of(None, zip(glyphs, "0177", strict=True)),
        WriterDigits.of(None, zip(columns, "0177", strict=True)),
    ):
        assert right(model, compose_lines(digits, 40, rng)) >= 20


def test_a_strange_7_is_learnt(bundled, monkeypatch):
    for name, value in {
        "_OWN_LINES": 60,
        "_REPLAY_LINES": 20,
        "_HELD_OUT_LINES": 10,
        "_STEPS": 40,
        "_REPLAY_DIGITS": 60,
    }.items():
        monkeypatch.setattr(number_fine_tuning, name, value)
    rng = np.random.default_rng(1)
    others = drawn([*"017"] * 20, SHAPES, rng)
    glyphs = np.stack([strokes_to_glyph(sample) for sample in others.samples])
    own, same = (WriterDigits.of(drawn([*"017"] * 8, SHAPES | {"7": LOOP}, rng), ()) for _ in "ab")
    told = []

    learnt = fine_tune_numbers(bundled, own, Dataset("others", glyphs, others.labels), progress=told.append)

    numbers = compose_lines(same, 40, rng)
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
        fine_tune_numbers(bundled, WriterDigits.of(own, ()), Dataset("others", glyphs, own.labels))
        for _ in "ab"
    )
    assert one == other
    assert torch.equal(torch.random.get_rng_state(), state)
