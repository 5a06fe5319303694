"""Digits cut from a corrected number, kept with their samples."""

import cv2
import numpy as np
import pytest

from inkwise import Recognizer
from inkwise.corrections import LabelledAnswer, Learner, Sample
from inkwise.corrections.number_learning import cut_number, learn_numbers
from inkwise.datasets import Dataset
from inkwise.preprocessing.strokes import draw_strokes
from inkwise.training import number_fine_tuning

SHAPES = {"1": [[0, 0], [0, 90]], "7": [[0, 0], [60, 0], [20, 90]], "0": [[0, 0], [50, 0], [50, 80], [0, 80]]}


@pytest.fixture(scope="module")
def recognizer():
    return Recognizer(threads=1)


def picture(text, scale=1.0):
    ink = np.zeros((170, 60 + 90 * len(text)), np.uint8)
    for place, digit in enumerate(text):
        points = np.array(SHAPES[digit] + SHAPES[digit][:1] * (digit == "0"), float)
        draw_strokes(ink, [points + np.array([40 + 90 * place, 40])], 7)
    return cv2.resize(255 - ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("scale", [1.0, 0.35, 3.0])
def test_each_digit_has_its_own_columns_of_the_line(recognizer, scale):
    cut = cut_number(recognizer, picture("7017", scale), "7017")
    assert [digit.label for digit, _ in cut] == [*"7017"]
    assert all(ink.shape[0] == 48 and ink.dtype == np.uint8 for _, ink in cut)
    seven, zero, one, last = ((ink >= 128).any(0).sum() for _, ink in cut)
    assert one < 9 < zero < 30
    assert abs(int(seven) - int(last)) <= 1
    assert 15 < seven < 30


def test_a_picture_without_ink_has_no_digits(recognizer):
    assert cut_number(recognizer, np.full((50, 90), 255, np.uint8), "71") == []


def test_columns_are_kept_with_their_sample(tmp_path, recognizer):
    learner = Learner(f"sqlite:///{tmp_path / 'kept.db'}")
    answers = [
        LabelledAnswer(digit.label, glyph=digit.glyph, line_ink=ink)
        for digit, ink in cut_number(recognizer, picture("70"), "70")
    ]
    kept = learner.keep("anna", "review", answers)
    for sample, answer in zip(kept, answers, strict=True):
        np.testing.assert_array_equal(learner.store.get(sample.id).line_ink, answer.line_ink)
    learner.close()


def test_line_reader_learns_from_the_columns_that_were_kept(monkeypatch):
    seen = []

    def fine_tune(base, digits, replay, *, progress):
        seen.append([ink.shape[1] for ink in digits.inks[7]])
        return base

    monkeypatch.setattr(number_fine_tuning, "fine_tune_numbers", fine_tune)
    glyph, columns = np.zeros((28, 28), np.uint8), np.zeros((48, 24), np.uint8)
    glyph[4:24, 12:16], columns[10:40, 2:23] = 255, 255
    samples = [
        Sample.now(glyph, writer="anna", source="review", label="7", line_ink=ink) for ink in (columns, None)
    ]
    nobody = Dataset("none", np.empty((0, 28, 28), np.uint8), np.empty(0, np.str_))

    model, before, after = learn_numbers(None, samples, samples, nobody, lambda share: None)

    assert seen == [[21, 6]]
    assert model is None, "the base reads as much"
    assert (before, before.n) == (after, 100)
