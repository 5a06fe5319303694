"""Exported ONNX files: outputs, metadata, side effects."""

import json
import logging
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

import inkwise
from inkwise.recognition.model import METADATA_KEY
from inkwise.recognition.runtime import onnxruntime
from inkwise.training.glyph_task import glyph_logits
from inkwise.training.models import compact
from inkwise.training.onnx_models import classifier_to_onnx, get_metadata, set_metadata

METADATA = {"labels": ["0", "1", "4", "7"], "temperature": 1.7, "name": "naïve", "metrics": {"misses": 0}}
TEMPERATURE = 1.7


@pytest.fixture(scope="session")
def net(tiny, shapes):
    """A net whose batch-norms have seen some glyphs."""
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        net = compact(tiny.model, 4)
    with torch.no_grad():
        for _ in range(20):
            net(torch.from_numpy(shapes[0])[:, None].float() / 255)
    with torch.no_grad():
        features = net.eval().features(torch.from_numpy(shapes[0])[:, None].float() / 255)
        # A fresh head answers the same for all: let it see how the glyphs differ.
        net.head.weight *= 10 / features.std()
        net.head.bias -= net.head(features).mean(0)
    return net.eval()


@pytest.fixture(scope="session")
def exported(net, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    path.write_bytes(classifier_to_onnx(net, TEMPERATURE, METADATA).SerializeToString())
    return path


@pytest.fixture(scope="session")
def session(exported):
    return onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("n", [1, 7, 200])
def test_onnx_matches_torch(session, net, shapes, n):
    glyphs = shapes[0][:n]
    probabilities, embedding = session.run(["probabilities", "embedding"], {"glyphs": glyphs})
    logits = glyph_logits(net, torch.from_numpy(glyphs))
    expected = (logits / TEMPERATURE).softmax(1)
    with torch.no_grad():
        features = net.features(torch.from_numpy(glyphs)[:, None].float() / 255)
    np.testing.assert_allclose(probabilities, expected.numpy(), atol=1e-5)
    np.testing.assert_allclose(embedding, features.numpy(), atol=1e-4)
    assert probabilities.dtype == embedding.dtype == np.float32
    assert probabilities.shape == (n, 4)


def test_exported_probabilities_differ_between_glyphs(session, shapes):
    """Else the comparison above would mean little."""
    probabilities = session.run(["probabilities"], {"glyphs": shapes[0]})[0]
    assert probabilities.std(0).min() > 0.02
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)


def test_input_is_uint8_glyphs(session):
    (glyphs,) = session.get_inputs()
    assert (glyphs.name, glyphs.type) == ("glyphs", "tensor(uint8)")
    assert glyphs.shape[1:] == [28, 28]
    assert [output.name for output in session.get_outputs()] == ["probabilities", "embedding"]


def test_model_is_one_valid_file(exported):
    onnx.checker.check_model(onnx.load(exported), full_check=True)
    assert [path.name for path in exported.parent.iterdir()] == ["model.onnx"]
    assert exported.stat().st_size < 100_000, "3,000 parameters, all inside"


def test_metadata_is_stored(session):
    properties = session.get_modelmeta().custom_metadata_map
    assert json.loads(properties[METADATA_KEY]) == METADATA


def test_set_metadata_keeps_the_graph(exported):
    model = onnx.load(exported)
    assert get_metadata(model) == METADATA
    set_metadata(model, METADATA | {"metrics": {"misses": 3}})
    assert get_metadata(model) == METADATA | {"metrics": {"misses": 3}}
    assert model.graph == onnx.load(exported).graph


def test_exporter_prints_nothing(net, capfd):
    classifier_to_onnx(net, 1.0, METADATA)
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("exported")  # the first export imports what adds filters of its own
def test_concurrent_exports_restore_process_settings(net, together):
    logger = logging.getLogger("torch.onnx")
    before = list(warnings.filters), logger.level
    together(lambda: classifier_to_onnx(net, 1.0, METADATA), 1)
    assert (list(warnings.filters), logger.level) == before


def test_file_contains_no_path_of_the_machine(exported):
    content = exported.read_bytes()
    assert b"stack_trace" not in content
    assert str(Path(inkwise.__file__).parent).encode() not in content


def test_reject_class_has_no_column(tiny, shapes, tmp_path):
    torch.manual_seed(0)
    net = compact(tiny.model, 5).eval()
    path = tmp_path / "model.onnx"
    path.write_bytes(classifier_to_onnx(net, TEMPERATURE, METADATA | {"rejects": True}).SerializeToString())
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    (probabilities,) = session.run(["probabilities"], {"glyphs": shapes[0]})

    expected = (glyph_logits(net, torch.from_numpy(shapes[0])) / TEMPERATURE).softmax(1)
    assert probabilities.shape == (200, 4)
    np.testing.assert_allclose(probabilities, expected[:, :4].numpy(), atol=1e-5)
    onnx.checker.check_model(onnx.load(path), full_check=True)
