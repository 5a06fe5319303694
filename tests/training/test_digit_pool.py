"""Pools of digits, letters and symbols."""

import numpy as np
import pytest

from inkwise._util.errors import DataError
from inkwise.training.synthesis.digit_pool import build_digit_pools


def kinds(samples):
    """The x of each sample's first point: which it is."""
    return {round(float(sample[0][0, 0])) for sample in samples}


@pytest.fixture
def add_others(lines_recipe, save_strokes):
    """add_others(labels) is the recipe with one sample of each by each of 12 writers, told apart by x."""

    def add_others(*labels):
        drawn = [(number, label, writer) for number, label in enumerate(labels) for writer in range(12)]
        samples = [[np.array([(number, 0), (number, 9.0)])] for number, _, _ in drawn]
        _, names, writers = zip(*drawn, strict=True)
        return lines_recipe.set(data={"negatives": (str(save_strokes(samples, names, writers)),)})

    return add_others


def test_pools_hold_every_digit_in_strokes_and_images(lines_recipe):
    for bank in build_digit_pools(lines_recipe):
        assert len(bank.samples_by_writer) >= 2
        assert all(len(hand) == 10 and all(hand) for hand in bank.samples_by_writer)
        assert [len(glyphs) > 0 for glyphs in bank.glyphs] == [True] * 10
        assert {text for _, text in bank.numbers} == {"17"}


def test_pools_share_no_writer(lines_recipe):
    drawn = [
        {
            stroke.tobytes()
            for hand in bank.samples_by_writer
            for samples in hand
            for sample in samples
            for stroke in sample
        }
        for bank in build_digit_pools(lines_recipe)
    ]
    assert not drawn[0] & drawn[1]


def test_symbols_exclude_characters_like_digits(add_others):
    labels = ["$", "#", "O", "l", "S", ".", ",", "-", "(", "1a", ""]
    for bank in build_digit_pools(add_others(*labels)):
        assert kinds(bank.symbols) == {0, 1}, "$ and #"
        assert not bank.numbers
        assert not bank.letters


def test_letters_and_symbols_are_separate(add_others):
    for bank in build_digit_pools(add_others("A", "$", "m", "+", "ab")):
        assert kinds(bank.letters) == {0, 2, 4}
        assert kinds(bank.symbols) == {1, 3}


@pytest.mark.parametrize("letter", [*"hyY"])
def test_letters_exclude_characters_like_an_open_four(add_others, letter):
    for bank in build_digit_pools(add_others("A", letter)):
        assert kinds(bank.letters) == {0}


def test_numbers_keep_digits_only(add_others):
    trained, _ = build_digit_pools(add_others("12.50", "1/2/03", "$5", "5%"))
    assert {text for _, text in trained.numbers} == {"1250", "1203", "5"}
    assert not trained.symbols


def test_blank_glyphs_are_left_out(lines_recipe, tmp_path):
    rows = [f"{label % 10},{','.join(['0'] * 784)}" for label in range(40)]
    head = ",".join(["label", *(f"pixel{number}" for number in range(784))])
    (tmp_path / "blank.csv").write_text("\n".join([head, *rows, ""]))
    trained, _ = build_digit_pools(
        lines_recipe.set(data={"train": (*lines_recipe.data.train, str(tmp_path / "blank.csv"))})
    )
    assert all(glyph.any() for glyphs in trained.glyphs for glyph in glyphs)


@pytest.mark.parametrize("kept", [0, 1], ids=["pictures alone", "strokes alone"])
def test_strokes_and_images_are_both_required(lines_recipe, kept):
    with pytest.raises(DataError, match="each digit is needed in both"):
        build_digit_pools(lines_recipe.set(data={"train": (lines_recipe.data.train[kept],)}))
