"""Models that decide by known ink, so that explanations can be verified."""

import numpy as np
import pytest
from numpy.typing import NDArray

from inkwise._util.errors import DataError, ModelError
from inkwise.datasets import Dataset
from inkwise.evaluation import (
    Prediction,
    evaluate_model,
    explain_mistakes,
    explain_predictions,
    nearest_neighbours,
    occlusion,
)
from inkwise.evaluation.explanations import _CHUNK

LEFT, RIGHT = np.s_[10:16, 4:9], np.s_[10:16, 19:24]


class TwoBlocks:
    """Ink in the left block supports "a", in the right one "b"; other ink has no effect."""

    labels = ("a", "b", "c")
    threshold = 0.5
    ran = 0

    def run(self, glyphs: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        self.ran += len(glyphs)
        ink = np.stack([glyphs[:, *block].mean(axis=(1, 2)) / 255 for block in (LEFT, RIGHT)], axis=1)
        odds = np.exp(6 * np.column_stack([ink, np.zeros(len(ink))]))
        return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32), ink.astype(np.float32)


@pytest.fixture
def blocks() -> TwoBlocks:
    return TwoBlocks()


def glyph(left: int = 0, right: int = 0) -> NDArray[np.uint8]:
    """Draw both blocks with these amounts of ink, and a bar below that has no effect."""
    drawn = np.zeros((28, 28), np.uint8)
    drawn[LEFT], drawn[RIGHT], drawn[24:26, 4:24] = left, right, 255
    return drawn


def answer(drawn: NDArray[np.uint8], true: str = "", read: str = "a", index: int = 0) -> Prediction:
    return Prediction(index, drawn, true, read, 0.9)


def test_occlusion_finds_deciding_ink_only(blocks: TwoBlocks) -> None:
    influence = occlusion(blocks, glyph(left=255), "a")

    assert (influence.shape, influence.dtype) == ((28, 28), np.float32)
    assert influence[LEFT].min() > 0.1
    assert np.abs(influence[24:26]).max() < 1e-3 * influence.max()
    assert not influence[glyph(left=255) == 0].any()


def test_occlusion_is_antisymmetric_in_two_labels(blocks: TwoBlocks) -> None:
    both = glyph(left=255, right=255)
    influence = occlusion(blocks, both, "a", "b")

    assert influence[LEFT].min() > 0 > influence[RIGHT].max()
    np.testing.assert_allclose(influence, -occlusion(blocks, both, "b", "a"), atol=1e-6)
    np.testing.assert_allclose(
        influence[:24], -influence[:24, ::-1], atol=1e-5
    )  # mirrored except for the bar


def test_occlusion_of_two_labels_ignores_others(blocks: TwoBlocks) -> None:
    both = glyph(left=255, right=255)
    assert occlusion(blocks, both, "b", "c")[LEFT].max() == pytest.approx(0, abs=1e-5)
    assert occlusion(blocks, both, "b")[LEFT].max() < -0.1


def test_occlusion_works_at_probability_one() -> None:
    class Sure(TwoBlocks):
        def run(self, glyphs: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            probabilities, embeddings = super().run(glyphs)
            surer = probabilities.astype(np.float64) ** 8
            return (surer / surer.sum(axis=1, keepdims=True)).astype(np.float32), embeddings

    assert Sure().run(glyph(left=255)[None])[0][0, 0] == 1
    assert occlusion(Sure(), glyph(left=255), "a")[LEFT].min() > 1


def test_occlusion_without_ink_is_zero(blocks: TwoBlocks) -> None:
    assert not occlusion(blocks, np.zeros((28, 28), np.uint8), "a").any()


@pytest.mark.parametrize("labels", [("x",), ("a", "x")])
def test_occlusion_rejects_unknown_label(blocks: TwoBlocks, labels: tuple[str, ...]) -> None:
    with pytest.raises(ModelError, match="no label 'x'; it has a, b, c"):
        occlusion(blocks, glyph(), *labels)


def test_nearest_neighbours_start_with_same_sample(blocks: TwoBlocks) -> None:
    drawn = [glyph(255, 20), glyph(20, 255), glyph(255, 255), glyph(255, 20), glyph(255, 60)]
    among = Dataset("five", np.stack(drawn), np.array(list("abcad")))

    first, second = nearest_neighbours(blocks, among.glyphs[:2], among, k=3)

    assert [(near.index, near.label) for near in first] == [(0, "a"), (3, "a"), (4, "d")]
    assert [near.similarity for near in first[:2]] == pytest.approx([1, 1])
    assert second[0].index == 1
    np.testing.assert_array_equal(first[2].glyph, drawn[4])
    assert [near.similarity for near in second] == sorted((near.similarity for near in second), reverse=True)


def test_nearest_neighbours_ignore_embedding_length(blocks: TwoBlocks) -> None:
    among = Dataset("two", np.stack([glyph(100, 10), glyph(255, 90)]), np.array(["faint", "bold"]))
    ((near, _),) = nearest_neighbours(blocks, glyph(250, 25)[None], among, k=2)
    assert (near.label, near.similarity) == ("faint", pytest.approx(1, abs=1e-3))


def test_nearest_neighbours_run_set_once_in_chunks(blocks: TwoBlocks) -> None:
    n = 2 * _CHUNK + 10
    glyphs = np.broadcast_to(glyph(20, 255), (n, 28, 28)).copy()
    labels = np.full(n, "b")
    glyphs[[5, _CHUNK, n - 1]] = glyph(255, 20)
    labels[7] = ""

    found = nearest_neighbours(
        blocks, np.stack([glyph(255, 20), glyph(20, 255)]), Dataset("long", glyphs, labels), k=4
    )

    assert [near.index for near in found[0]] == [5, _CHUNK, n - 1, 0]
    assert [near.index for near in found[1]] == [0, 1, 2, 3]
    assert blocks.ran == 2 + n - 1


def test_nearest_neighbours_need_labels(blocks: TwoBlocks) -> None:
    among = Dataset("two", np.stack([glyph(255), glyph(255)]), np.array(["", "a"]))
    assert [near.index for near in nearest_neighbours(blocks, glyph(255)[None], among, k=8)[0]] == [1]
    with pytest.raises(DataError, match="two: nothing to compare with"):
        nearest_neighbours(blocks, glyph(255)[None], among.select(slice(1)), k=8)


def test_explain_predictions_compares_mistake_with_true_label(blocks: TwoBlocks) -> None:
    both = glyph(255, 255)
    mistake, right, foreign, unknown = explain_predictions(
        blocks, [answer(both, "b"), answer(both, "a"), answer(both, "ø"), answer(both)]
    )

    assert [each.against for each in (mistake, right, foreign, unknown)] == ["b", None, None, None]
    np.testing.assert_array_equal(mistake.influence, occlusion(blocks, both, "a", "b"))
    np.testing.assert_array_equal(unknown.influence, occlusion(blocks, both, "a"))
    assert mistake.neighbours == ()


def test_explain_mistakes_explains_most_confident_of_each_set(blocks: TwoBlocks) -> None:
    drawn = np.stack([glyph(10 * i) for i in range(25, 5, -2)] + [np.zeros((28, 28), np.uint8)])
    wrong = Dataset("wrong", drawn, np.full(len(drawn), "b"))
    right = Dataset("right", drawn[:2], np.full(2, "a"))
    results = evaluate_model(blocks, [wrong, right, wrong])

    first, none, again = explain_mistakes(blocks, results, right)

    assert [each.answer.index for each in first.explained] == list(range(8))
    assert [near.label for near in first.explained[0].neighbours] == ["a", "a"]
    assert none.explained == ()
    assert len(again.explained) == 8
    assert first.mistakes == results[0].mistakes
    assert not any(each.neighbours for each in explain_mistakes(blocks, results)[0].explained)


class Unsure(TwoBlocks):
    """Half of its probability is non-digit where the left block has no ink."""

    def run(self, glyphs: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        probabilities, embeddings = super().run(glyphs)
        empty = 1 - glyphs[:, *LEFT].mean(axis=(1, 2)) / 255
        return (probabilities * (1 - empty[:, None] / 2)).astype(np.float32), embeddings


def test_occlusion_counts_non_digit_among_others(blocks: TwoBlocks) -> None:
    drawn = glyph(left=255)
    plain, unsure = (occlusion(model, drawn, "a")[LEFT] for model in (blocks, Unsure()))
    assert (unsure > plain + 0.1).all()
