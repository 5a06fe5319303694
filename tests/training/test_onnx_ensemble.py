"""Ensembles in one ONNX file."""

import io
import json

import numpy as np
import onnx
import pytest
from recipe_keys import with_keys
from rich.console import Console

from inkwise import Recognizer
from inkwise._util.errors import DataError, ModelError
from inkwise.recognition import Model
from inkwise.recognition.model import METADATA_KEY
from inkwise.training import train
from inkwise.training.onnx_ensemble import export_ensemble
from inkwise.training.onnx_models import net_from_onnx


@pytest.fixture(scope="session")
def others(tiny, tmp_path_factory):
    """The folders of two more runs, one of another net and seed."""
    folders = []
    for changes in ({"seed": 1, "channels": (4, 4, 6), "epochs": 1}, {"seed": 2, "epochs": 1}):
        folders.append(tmp_path_factory.mktemp("other"))
        train(with_keys(tiny, **changes), folders[-1], device="cpu", console=Console(file=io.StringIO()))
    return [str(folder) for folder in folders]


@pytest.fixture(scope="session")
def joined(base, others, tmp_path_factory):
    """The sources of three models, and the ensemble of them."""
    sources = [str(base), *others]
    return sources, export_ensemble(sources, tmp_path_factory.mktemp("joined") / "model.onnx")


def members(sources):
    return [Model(source if source.endswith(".onnx") else f"{source}/model.onnx") for source in sources]


def edited(base, path, **changes):
    """A copy of a model file with other metadata."""
    proto = onnx.load(base)
    (entry,) = proto.metadata_props
    entry.value = json.dumps(json.loads(entry.value) | changes)
    path.write_bytes(proto.SerializeToString())
    return str(path)


@pytest.mark.parametrize("n", [0, 1, 65])
def test_ensemble_averages_its_members(joined, shapes, n):
    sources, model = joined
    glyphs = shapes[0][:n]
    said = [member.run(glyphs) for member in members(sources)]

    probabilities, embeddings = model.run(glyphs)

    assert probabilities.shape == (n, 4)
    np.testing.assert_allclose(probabilities, np.mean([p for p, _ in said], axis=0), atol=1e-6)
    assert embeddings.shape == (n, sum(e.shape[1] for _, e in said))


def test_cosine_of_embeddings_is_the_mean_of_the_members(joined, shapes):
    sources, model = joined

    def cosines(model):
        embeddings = model.run(shapes[0][:30])[1]
        unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
        return unit @ unit.T

    np.testing.assert_allclose(
        cosines(model), np.mean([cosines(member) for member in members(sources)], axis=0), atol=1e-5
    )
    np.testing.assert_allclose(np.linalg.norm(model.run(shapes[0])[1], axis=1), 1, atol=1e-5)


def test_metadata_names_the_members(joined):
    sources, model = joined
    parts = members(sources)
    assert model.name.startswith("ensemble of 3: default (")
    assert model.labels == ("0", "1", "4", "7")
    assert model.threshold == pytest.approx(np.mean([part.threshold for part in parts]), abs=1e-4)
    assert list(model.metadata["members"]) == ["1", "2", "3"]
    for member, part in zip(model.metadata["members"].values(), parts, strict=True):
        assert member["recipe"] == part.metadata["recipe"]
        assert member["metrics"] == part.metadata["metrics"]
    assert model.metadata["data"] == parts[0].metadata["data"]


def test_ensemble_reads_adapts_and_can_be_a_member(joined, others, shapes, tmp_path):
    sources, model = joined
    glyphs, labels = shapes
    first = tmp_path / "first.onnx"
    export_ensemble(sources, first)

    both = export_ensemble([str(first), others[0]], tmp_path / "both.onnx")
    onnx.checker.check_model(onnx.load(tmp_path / "both.onnx"), full_check=True)

    one, other = model.run(glyphs), members(others[:1])[0].run(glyphs)
    np.testing.assert_allclose(both.run(glyphs)[0], (one[0] + other[0]) / 2, atol=1e-6)
    assert both.run(glyphs)[1].shape[1] == one[1].shape[1] + other[1].shape[1]
    assert both.metadata["name"] == "ensemble of 2: (ensemble of 3: default), default"
    taught = Recognizer(both).adapt(glyphs[:20], np.array(["×"] * 20))
    assert taught.labels == ("0", "1", "4", "7", "×")
    assert taught.classify(glyphs).shape == (len(labels), 5)


def test_labels_follow_the_order_of_the_first_member(base, others, shapes, tmp_path):
    turned = edited(base, tmp_path / "turned.onnx", labels=["7", "4", "1", "0"])
    model = export_ensemble([others[0], turned], tmp_path / "model.onnx")
    first, second = members([others[0], str(base)])
    expected = (first.run(shapes[0])[0] + second.run(shapes[0])[0][:, ::-1]) / 2
    np.testing.assert_allclose(model.run(shapes[0])[0], expected, atol=1e-6)


def test_long_name_counts_the_members(base, others, tmp_path):
    long = edited(base, tmp_path / "long.onnx", name="learnt " * 20)
    assert export_ensemble([long, others[0]], tmp_path / "model.onnx").metadata["name"] == "ensemble of 2"


def test_ensemble_cannot_be_fine_tuned(joined, tmp_path):
    sources, _ = joined
    export_ensemble(sources, tmp_path / "model.onnx")
    with pytest.raises(ModelError, match=r"model\.onnx: holds no net that can learn$"):
        net_from_onnx(tmp_path / "model.onnx")


def test_export_ensemble_rejects_incompatible_members(base, others, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    foreign = edited(base, tmp_path / "foreign.onnx", labels=["A", "1", "4", "7"])
    (tmp_path / "letter.onnx").write_text("Dear Anna,")
    path, source = tmp_path / "model.onnx", str(base)
    for sources, reason in (
        ([source], "^an ensemble needs at least two models$"),
        ([source, others[0], str(base.parent)], "is the same model as .*model.onnx$"),
        ([source, foreign], r"foreign.onnx: its labels are A, 1, 4, 7, those of .* 0, 1, 4, 7$"),
        ([source, "letter.onnx"], "^letter.onnx: is not an ONNX model that can be run$"),
        ([source, "none.onnx"], r"^none.onnx: cannot be opened \(No such file or directory\)$"),
    ):
        with pytest.raises(ModelError, match=reason):
            export_ensemble(sources, path)
    assert not path.exists()


def test_export_ensemble_rejects_another_opset(base, others, tmp_path):
    proto = onnx.load(base)
    proto.opset_import[0].version -= 1
    (tmp_path / "older.onnx").write_bytes(proto.SerializeToString())
    with pytest.raises(ModelError, match=r"older\.onnx: was made for ONNX opset \d+, .* for \d+"):
        export_ensemble([others[0], str(tmp_path / "older.onnx")], tmp_path / "model.onnx")


def test_export_ensemble_rejects_other_files(base, tmp_path):
    proto = onnx.load(base)
    del proto.metadata_props[:]
    (tmp_path / "alien.onnx").write_bytes(proto.SerializeToString())
    assert METADATA_KEY == "inkwise"
    with pytest.raises(ModelError, match=r"alien\.onnx: is an ONNX model but not one of Inkwise's"):
        export_ensemble(["default", str(tmp_path / "alien.onnx")], tmp_path / "model.onnx")


def test_export_ensemble_rejects_unwritable_path(joined, tmp_path):
    with pytest.raises(DataError, match=r"model\.onnx: cannot be written \(No such file or directory\)"):
        export_ensemble(joined[0], tmp_path / "none" / "model.onnx")


def test_export_ensemble_does_not_overwrite_a_member(base, others):
    content = base.read_bytes()
    for source in (base, base.parent):  # a file, and its run folder
        with pytest.raises(DataError, match=r"model\.onnx: is read, and would be replaced"):
            export_ensemble([str(source), others[0]], base)
    assert base.read_bytes() == content


@pytest.mark.parametrize("turned", [False, True])
def test_ensemble_rejects_if_a_member_does(base, rejecting, others, shapes, stripes, tmp_path, turned):
    sources = [str(base), str(rejecting)][:: -1 if turned else 1]
    glyphs = np.concatenate([shapes[0], stripes])

    model = export_ensemble(sources, tmp_path / "model.onnx")

    expected = np.mean([member.run(glyphs)[0] for member in members(sources)], axis=0)
    np.testing.assert_allclose(model.run(glyphs)[0], expected, atol=1e-6)
    assert model.rejects
    assert model.run(stripes)[0].sum(1).max() < 0.8
    assert not export_ensemble([str(base), others[0]], tmp_path / "plain.onnx").rejects
