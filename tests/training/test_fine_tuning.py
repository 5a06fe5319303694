"""Fine-tuning of a model file for one writer."""

import numpy as np
import pytest

from inkwise._util.errors import DataError, ModelError
from inkwise._util.text import NOT_A_DIGIT
from inkwise.datasets import Dataset, StrokeSet
from inkwise.preprocessing import strokes_to_glyph
from inkwise.recognition import Model
from inkwise.training.fine_tuning import fine_tune
from inkwise.training.recipes import FINE_TUNING

CROSS = [np.array([(0, 0), (60, 80)]), np.array([(60, 0), (0, 80)])]
QUICK = FINE_TUNING.set(
    own_samples={"glyph_count": 1200}, optimization={"batch": 32, "lr": 3e-3, "precision": "float32"}
)


@pytest.fixture(scope="session")
def replay(shapes):
    return Dataset("shapes", *shapes)


@pytest.fixture
def crosses():
    """Twelve crosses by an unsteady hand, as strokes."""
    rng = np.random.default_rng(1)
    samples = [
        [(stroke + rng.normal(0, 4, stroke.shape)).astype(np.float32) for stroke in CROSS] for _ in range(12)
    ]
    return StrokeSet("drawn", samples, np.array(["×"] * 12))


@pytest.fixture
def learn(base, replay, tmp_path):
    """learn(drawn, found) gives the model that was learnt."""

    def learn(drawn=None, found=None, base=base, **more):
        path = tmp_path / "learnt.onnx"
        drawn = StrokeSet("drawn", [], np.array([], str)) if drawn is None else drawn
        found = replay.select(slice(0)) if found is None else found
        fine_tune(base, path, "anna", drawn, found, replay, **{"recipe": QUICK, **more})
        return Model(path)

    return learn


def read(model, glyphs):
    return np.array(model.labels)[model.run(glyphs)[0].argmax(1)]


def test_fine_tune_adds_a_class_and_forgets_nothing(learn, base, crosses, shapes):
    held = crosses.select(slice(8, None))

    model = learn(crosses.select(slice(8)))

    assert model.labels == ("0", "1", "4", "7", "×")
    assert read(model, held.to_dataset().glyphs).tolist() == ["×"] * 4
    before, after = ((read(each, shapes[0]) != shapes[1]).sum() for each in (Model(base), model))
    assert after <= before + 4, "of 200"


def test_fine_tune_corrects_misread_samples(learn, base):
    """Ones that lean as a slash does."""
    rng = np.random.default_rng(2)
    glyphs = [strokes_to_glyph([np.array([(70, 0), (0, 70)]) + rng.normal(0, 4, (2, 2))]) for _ in range(20)]
    ones = Dataset("found", np.stack(glyphs), np.array(["1"] * 20))
    unseen = ones.select(slice(12, None)).glyphs

    model = learn(found=ones.select(slice(12)))

    assert not (read(Model(base), unseen) == "1").all()
    assert (read(model, unseen) == "1").all()


def test_metadata_describes_the_fine_tuning(learn, base, crosses, replay):
    before = Model(base)
    model = learn(crosses, replay.select(slice(4)))

    assert model.name == f"{before.name}, learnt from 16 of anna"
    assert model.threshold == before.threshold
    assert model.metadata["recipe"] == before.metadata["recipe"]
    assert model.metadata["learnt"]["writer"] == "anna"
    assert model.metadata["learnt"]["samples"] == 16
    assert 0.3 < model.metadata["temperature"] / before.metadata["temperature"] < 3


def test_fine_tuned_model_can_be_fine_tuned(learn, crosses, replay, tmp_path):
    learn(crosses)
    path = tmp_path / "more.onnx"
    fine_tune(tmp_path / "learnt.onnx", path, "ben", crosses, replay.select(slice(4)), replay, recipe=QUICK)
    assert Model(path).labels == ("0", "1", "4", "7", "×")


def test_fine_tune_reports_progress(learn, crosses):
    told = []
    learn(crosses, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1
    assert len(told) > 10


def test_fine_tune_is_deterministic(learn, crosses):
    first, second = (learn(crosses).run(crosses.to_dataset().glyphs)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_fine_tune_rejects_replay_of_unknown_labels(learn, base, crosses, tmp_path):
    with pytest.raises(ModelError, match="knows no label of the replay"):
        fine_tune(base, tmp_path / "a.onnx", "anna", crosses, crosses.to_dataset(), crosses.to_dataset())


def test_fine_tune_rejects_unwritable_path(base, crosses, replay, tmp_path):
    path = tmp_path / "none" / "a.onnx"
    with pytest.raises(DataError, match=r"a\.onnx: cannot be written \(No such file or directory\)"):
        fine_tune(base, path, "anna", crosses, replay.select(slice(0)), replay, recipe=QUICK)


def test_fine_tune_keeps_rejecting_non_digits(learn, rejecting, crosses, shapes, stripes):
    model = learn(crosses.select(slice(8)), base=rejecting)

    assert (model.labels, model.rejects) == (("0", "1", "4", "7", "×"), True)
    assert read(model, crosses.select(slice(8, None)).to_dataset().glyphs).tolist() == ["×"] * 4
    assert (read(model, shapes[0]) != shapes[1]).sum() <= 8, "of 200"
    assert (model.run(stripes)[0].max(1) < model.threshold).mean() > 0.9
    assert Model(rejecting).threshold == model.threshold


def test_fine_tune_learns_non_digits(learn, rejecting, crosses):
    glyphs = crosses.to_dataset().glyphs
    taught = Dataset("found", glyphs[:8], np.array([NOT_A_DIGIT] * 8))

    model = learn(found=taught, base=rejecting)

    assert model.labels == ("0", "1", "4", "7")
    before, after = (each.run(glyphs[8:])[0].sum(1).mean() for each in (Model(rejecting), model))
    assert after < before / 2
