import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from inkwise._util.errors import InkwiseError, ModelError
from inkwise.recognition import Model, Recognizer
from inkwise.recognition import model as model_module
from inkwise.recognition.model import bundled_models, model_source


@pytest.fixture
def write_onnx(tmp_path):
    """Write a valid graph with the given metadata."""

    def write(metadata, output="probabilities"):
        glyphs = helper.make_tensor_value_info("glyphs", TensorProto.FLOAT, ["n"])
        outputs = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in (output, "embedding")
        ]
        nodes = [helper.make_node("Identity", ["glyphs"], [value.name]) for value in outputs]
        graph = helper.make_graph(nodes, "graph", [glyphs], outputs)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        if metadata is not None:
            helper.set_model_props(model, {"inkwise": metadata})
        onnx.save(model, tmp_path / "some.onnx")
        return tmp_path / "some.onnx"

    return write


VALID = json.dumps({"name": "x", "labels": ["a", "b"], "threshold": 0.5})


def test_bundled_model_has_complete_metadata():
    model = Model.bundled()
    assert model.labels == tuple("0123456789")
    assert 0 < model.threshold < 1
    assert model.metadata.keys() >= {"temperature", "recipe", "data", "metrics", "versions", "trained"}
    assert not any("/" in name for name in model.metadata["data"]), "no path of the machine that trained"


def test_run_accepts_any_number_of_glyphs():
    model = Model.bundled()
    glyphs = np.random.default_rng(0).integers(0, 256, (130, 28, 28), np.uint8)
    probabilities, embeddings = model.run(glyphs)
    assert probabilities.shape == (130, 10)
    assert probabilities.dtype == embeddings.dtype == np.float32
    assert model.rejects
    assert probabilities.min() >= 0
    assert probabilities.sum(1).max() <= 1 + 1e-5, "the rest to 1 is the probability of a non-digit"
    alone, _ = model.run(glyphs[129:])
    np.testing.assert_allclose(alone[0], probabilities[129], atol=1e-5)
    assert model.run(glyphs[:0])[0].shape == (0, 10)


@pytest.mark.parametrize(
    "glyphs", [np.zeros((1, 28, 28)), np.zeros((28, 28), np.uint8), np.zeros((1, 27, 28), np.uint8)]
)
def test_run_rejects_other_shapes_and_dtypes(glyphs):
    with pytest.raises(InkwiseError, match=r"glyphs must be \(n, 28, 28\) uint8, not"):
        Model.bundled().run(glyphs)


def test_model_may_have_other_labels(write_onnx):
    model = Model(write_onnx(VALID))
    assert (model.name, model.labels, model.threshold) == ("x", ("a", "b"), 0.5)
    assert not model.rejects


@pytest.mark.parametrize(("value", "rejects"), [(True, True), (False, False), (None, False), ("no", False)])
def test_rejects_is_read_from_metadata(write_onnx, value, rejects):
    assert Model(write_onnx(json.dumps(json.loads(VALID) | {"rejects": value}))).rejects is rejects


@pytest.fixture
def weights(tmp_path, write_onnx, monkeypatch):
    """A folder of two bundled models, `default` and `tiny`."""
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "default.onnx").write_bytes(model_source("default"))
    (folder / "tiny.onnx").write_bytes(write_onnx(VALID).read_bytes())
    (folder / "notes.txt").write_text("")
    monkeypatch.setattr(model_module, "_WEIGHTS", folder)
    monkeypatch.chdir(tmp_path)
    return folder


def test_bundled_models_are_opened_by_name(weights):
    assert bundled_models() == ["default", "tiny"]
    assert model_source("tiny") == (weights / "tiny.onnx").read_bytes()
    assert Recognizer("tiny").labels == ("a", "b")
    assert Recognizer("default").labels == Recognizer().labels == tuple("0123456789")


def test_run_folder_with_name_of_bundled_model_needs_path(weights, tmp_path):
    for name in ("mine", "tiny"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.onnx").write_bytes(model_source("default"))
    assert len(Recognizer("mine").labels) == len(Recognizer("./tiny").labels) == 10
    assert len(Recognizer("tiny").labels) == 2


def test_unknown_name_lists_bundled_models(weights):
    reason = r"^huge: cannot be opened \(no such file; bundled models: default, tiny\)$"
    with pytest.raises(ModelError, match=reason):
        Recognizer("huge")


def test_missing_file_raises(tmp_path):
    with pytest.raises(ModelError, match=r"none\.onnx: cannot be opened \(No such file or directory\)"):
        Model(tmp_path / "none.onnx")


@pytest.mark.parametrize("content", [b"", b"text", b"\x08\x07" * 50])
def test_file_that_is_not_onnx_raises(tmp_path, content):
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"bad\.onnx: is not an ONNX model that can be run$"):
        Model(path)


def test_onnx_without_metadata_raises(write_onnx):
    with pytest.raises(
        ModelError, match=r"some\.onnx: is an ONNX model but not one of Inkwise's \(no metadata\)"
    ):
        Model(write_onnx(None))


@pytest.mark.parametrize(
    "metadata", ["{", "[]", "{}", json.dumps({"name": "x", "labels": 3, "threshold": 0.5})]
)
def test_invalid_metadata_raises(write_onnx, metadata):
    with pytest.raises(ModelError, match="not those of an Inkwise model"):
        Model(write_onnx(metadata))


@pytest.mark.parametrize("text", [b"\xff\xfe{}", b"[" * 100_000])
def test_metadata_that_are_not_utf8_or_nested_too_deep_raise(write_onnx, text):
    path = write_onnx("#" * len(text))
    path.write_bytes(path.read_bytes().replace(b"#" * len(text), text))
    with pytest.raises(ModelError, match="not those of an Inkwise model"):
        Model(path)


@pytest.mark.parametrize("labels", [[], ["a"], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]])
def test_labels_must_be_texts_one_for_each_probability(labels):
    model = onnx.load_from_string(model_source("default"))
    metadata = json.loads(model.metadata_props[0].value) | {"labels": labels}
    helper.set_model_props(model, {"inkwise": json.dumps(metadata)})
    with pytest.raises(ModelError, match="its labels are not texts, one for each probability"):
        Model(model.SerializeToString())


def test_other_output_names_raise(write_onnx):
    with pytest.raises(ModelError, match="not those of an Inkwise model"):
        Model(write_onnx(VALID, output="logits"))
