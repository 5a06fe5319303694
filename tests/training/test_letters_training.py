"""Which samples the training of `letters` draws, and how it sets the threshold."""

from collections import Counter

import numpy as np
import onnx
import pytest

from inkwise._util.text import NOT_A_DIGIT
from inkwise.datasets import Dataset, StrokeSet, split_by_writer
from inkwise.recognition import Model
from inkwise.recognition.model import model_source
from inkwise.training import letters
from inkwise.training.onnx_models import net_from_onnx
from inkwise.training.training_data import Split

GLYPHS = np.random.default_rng(0).integers(0, 255, (6, 28, 28), np.uint8)
BAR = [np.array([[0.0, 0.0], [10.0, 100.0]])]


def strokes(labels, writers):
    return StrokeSet("own", [BAR] * len(labels), np.array(labels), np.array(writers))


def drawn(sets, counts, count=4_000):
    """The labels drawn, without the cost of rendering."""
    rng = np.random.default_rng(0)
    return Counter(letters._draw(sets, counts, count, rng)[1].tolist())


@pytest.fixture
def no_rendering(monkeypatch):
    monkeypatch.setattr(
        letters, "redraw_strokes", lambda part, marks, rng: np.zeros((len(part), 28, 28), np.uint8)
    )


@pytest.mark.usefixtures("no_rendering")
def test_rare_classes_are_drawn_more_often_than_they_are():
    many = strokes(["e"] * 900 + ["Q"] * 100, [1] * 1000)
    found = drawn([many], Counter(e=900, Q=100))
    assert found["e"] / found["Q"] == pytest.approx(3, rel=0.1)
    assert 0.9 < drawn([many], None)["e"] / drawn([many], None)["Q"] < 1.1


def test_writers_of_few_samples_are_drawn_more_often(monkeypatch):
    seen = []

    def keep(part, marks, rng):
        seen.extend(part.writers.tolist())
        return np.zeros((len(part), 28, 28), np.uint8)

    monkeypatch.setattr(letters, "redraw_strokes", keep)
    drawn([strokes(["e"] * 500, [1] * 400 + [2] * 100)], Counter(e=500))
    assert seen.count(1) / seen.count(2) == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize(
    ("probabilities", "right", "threshold"),
    [
        ([0.9, 0.8, 0.7, 0.2], [True, True, True, True], 0.2),
        ([0.9, 0.8, 0.7, 0.2], [True, True, True, False], 0.7),
        ([0.9, 0.8], [False, False], 1.0),
    ],
)
def test_threshold_accepts_as_much_as_its_precision_allows(probabilities, right, threshold):
    found = letters.threshold_of(np.array(probabilities, np.float32), np.array(right))
    assert found == pytest.approx(threshold, abs=1e-4)


@pytest.fixture
def finished():
    """The bundled `tiny` before and after it was finished, where 7 was drawn three times as often."""
    model = onnx.load_model_from_string(model_source("tiny"))
    before = model.SerializeToString()
    labels, held = np.array([*"012345677789", NOT_A_DIGIT]), np.array([*"01234", NOT_A_DIGIT])
    drawn = np.zeros((len(labels), 28, 28), np.uint8)
    letters.finish(model, Split(drawn, labels, GLYPHS, held, labels != NOT_A_DIGIT))
    return before, model.SerializeToString()


def test_finished_model_has_half_the_size_and_still_learns(finished):
    before, after = finished
    assert len(after) < 0.7 * len(before)
    weights = [net_from_onnx(each)[0].head.weight.detach().numpy() for each in finished]
    np.testing.assert_allclose(*weights, rtol=1e-3, atol=1e-4)


def test_finished_model_has_the_prior_of_the_data_sets(finished):
    before, after = (Model(each, threads=1).run(GLYPHS)[0] for each in finished)
    np.testing.assert_allclose(after[:, 7] / after[:, 2], 3 * before[:, 7] / before[:, 2], rtol=0.05)
    np.testing.assert_allclose(after[:, 1] / after[:, 2], before[:, 1] / before[:, 2], rtol=0.05)
    metrics = Model(finished[1], threads=1).metadata["metrics"]["validation"]
    misses = (after.argmax(1)[:5] != np.arange(5)).sum()
    assert (metrics["misses"], metrics["others_rejected"]) == (misses, 1)


def save_strokes(path, labels, writers):
    bar = np.array([[0, 0], [10, 100]], np.int32)
    ends = np.arange(len(labels) + 1)
    arrays = {"points": np.tile(bar, (len(labels), 1)), "stroke_offsets": 2 * ends, "sample_offsets": ends}
    if path.name.startswith("unipen_digits"):
        arrays |= {"suspect": np.array(labels) == "5", "knn_disagree": np.zeros(len(labels), bool)}
    np.savez(path, labels=np.array(labels), writer=np.array(writers), **arrays)


def written(of_test, of_others):
    """Labels and writers: 40 writers, with these labels by the part that they belong to."""
    parts = split_by_writer(np.arange(40)).tolist()
    labels = [of_test if part == "test" else of_others for part in parts]
    return [*"".join(labels)], np.repeat(np.arange(40), [*map(len, labels)])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Data sets of bars. All samples of UNIPEN's test writers are Z or 9, all doubtful ones 5."""
    save_strokes(tmp_path / "unipen_letters.npz", *written("Z", "ab?#"))
    for name in ("unipen_digits", "unipen_digits_more"):
        save_strokes(tmp_path / f"{name}.npz", *written("9", "015"))
    save_strokes(tmp_path / "pendigits.npz", ["0", "1"] * 20, [*range(40)])
    pictures = np.full((40, 20, 20), 255, np.uint8)
    pictures[:, 4:16, 9:12] = 0
    marks = {name: np.zeros(40, bool) for name in ("suspect", "cut")}
    labels = np.array(["0", "1"] * 20)
    np.savez(tmp_path / "swiss_digits.npz", images=pictures, labels=labels, writer=np.arange(40), **marks)
    plain = np.zeros((40, 28, 28), np.uint8)
    plain[:, 4:24, 12:16] = 255
    files, mnist = letters.datasets.load_dataset, Dataset("mnist-train", plain, labels)
    load = {"mnist-train": mnist}
    monkeypatch.setattr(letters.datasets, "load_dataset", lambda name: load.get(name) or files(name))
    monkeypatch.setattr(letters, "_GLYPHS", 300)
    monkeypatch.setattr(letters, "_NEGATIVES", 8)
    return tmp_path


@pytest.mark.parametrize("final", [True, False])
def test_split_holds_no_test_writer_and_no_doubtful_label(folder, final):
    split = letters.build_split(folder, letters.LETTERS.set(data={"final": final}))
    assert split.classes == (*"01?ab", NOT_A_DIGIT)
    assert (len(split.training), int(split.originals.sum())) == (308, 300)
    assert {*split.training_labels.tolist()} == {*split.validation_labels.tolist()} == {*split.classes}
    assert (len(split.validation) < 60) is final
