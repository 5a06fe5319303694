"""Explanations of a recognizer's answers, and the feature maps of its model."""

import numpy as np
import onnx
import pytest

from inkwise._util.errors import ModelError
from inkwise._util.text import NOT_A_DIGIT
from inkwise.preprocessing import strokes_to_glyph
from inkwise.recognition import Model, Recognizer
from inkwise.recognition.explanation import explain_answer, occlusion
from inkwise.recognition.model import model_source
from inkwise.recognition.runtime import onnxruntime

STROKES = [[(50, 50), (140, 50), (90, 200)]]
SEVEN = strokes_to_glyph(STROKES)
A = strokes_to_glyph([[(0, 100), (40, 0), (80, 100)], [(15, 60), (65, 60)]])


@pytest.fixture(scope="module")
def recognizer():
    return Recognizer(threads=1)


def test_sure_digit_is_explained_against_the_second_answer(recognizer):
    found = explain_answer(recognizer, SEVEN)
    assert (found.answer, found.runner_up) == ("7", "1")
    ranked = recognizer.read_strokes(STROKES, "digit").digits[0].alternatives
    assert found.lead == pytest.approx(np.log(ranked[0][1] / ranked[1][1]), abs=0.01)
    assert (found.influence.shape, found.influence.dtype) == ((28, 28), np.float32)
    assert not found.influence[SEVEN == 0].any()
    left_of_bar = found.influence[4:12, :10]
    assert left_of_bar.max() > 1, "without the bar it would be a 1"
    assert found.influence.min() > -found.lead / 2, "no ink makes a sure digit doubtful"


def test_rejection_is_explained_as_not_a_digit(recognizer):
    found = explain_answer(recognizer, A, NOT_A_DIGIT)
    assert found.answer == NOT_A_DIGIT
    assert found.runner_up in recognizer.labels
    assert found.lead > 1
    assert found.influence.max() > 1


def test_other_answer_than_the_likeliest_has_a_negative_lead(recognizer):
    found = explain_answer(recognizer, SEVEN, "1")
    assert (found.answer, found.runner_up) == ("1", "7")
    assert found.lead < -2


def test_explanation_follows_the_adaptation(recognizer):
    adapted = recognizer.adapt(np.stack([SEVEN] * 5), np.array(["x"] * 5))
    assert explain_answer(adapted, SEVEN).answer == "x"


def test_model_without_non_digits_may_have_learnt_them():
    class Plain(Model):
        rejects = property(lambda self: False, lambda self, value: None)

    plain = Recognizer(Plain(model_source("tiny"), threads=1))
    assert explain_answer(plain, SEVEN).answer == "7"
    taught = plain.adapt(np.stack([A] * 5), np.array([NOT_A_DIGIT] * 5))
    assert explain_answer(taught, A).answer == NOT_A_DIGIT
    assert explain_answer(taught, SEVEN).answer == "7"


def test_blank_glyph_has_no_influence(recognizer):
    assert not explain_answer(recognizer, np.zeros((28, 28), np.uint8)).influence.any()


def test_explanation_rejects_unknown_label(recognizer):
    with pytest.raises(ModelError, match="no label 'Q'"):
        explain_answer(recognizer, SEVEN, "Q")


@pytest.mark.parametrize("drawn", [SEVEN, A, np.where(np.eye(28) > 0, 255, 0).astype(np.uint8)])
def test_occlusion_with_a_stride_differs_little_and_runs_fewer_glyphs(recognizer, drawn):
    class Counting:
        labels, threshold, ran = recognizer.labels, 0.5, 0

        def run(self, glyphs):
            self.ran += len(glyphs)
            return recognizer.model.run(glyphs)

    model = Counting()
    every = occlusion(model, drawn, "7", "1")
    all_patches, model.ran = model.ran, 0
    some = occlusion(model, drawn, "7", "1", stride=2)
    assert model.ran < 0.55 * all_patches
    assert np.corrcoef(every[drawn > 0], some[drawn > 0])[0, 1] > 0.8


def test_ink_off_the_grid_of_the_stride_is_measured(recognizer):
    odd = np.zeros((28, 28), np.uint8)
    odd[5:23, 13] = 255
    odd[4::2, 13] = 0
    influence = occlusion(recognizer.model, odd, "1", "7", stride=2)
    assert influence[odd > 0].all()


@pytest.mark.parametrize("name", ["default", "tiny", "letters", "int8", "max"])
def test_feature_maps_are_the_outputs_of_the_convolutional_layers(name):
    model = Model(model_source(name), threads=1)
    maps = model.feature_maps(SEVEN)

    graph = onnx.load_model_from_string(model_source(name))
    names = [node.output[0] for node in graph.graph.node if node.op_type == "Relu"]
    graph.graph.output.extend(onnx.ValueInfoProto(name=each) for each in names)
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    expected = session.run(names, {"glyphs": SEVEN[None]})
    assert [layer.shape for layer in maps] == [layer.shape[1:] for layer in expected]
    for layer, wanted in zip(maps, expected, strict=True):
        np.testing.assert_allclose(layer, wanted[0], atol=1e-5)


def test_model_without_layers_has_no_feature_maps(tmp_path):
    glyphs = onnx.helper.make_tensor_value_info("glyphs", onnx.TensorProto.UINT8, ["n", 28, 28])
    outputs = [
        onnx.helper.make_tensor_value_info(each, onnx.TensorProto.FLOAT, ["n", 28, 1])
        for each in ("probabilities", "embedding")
    ]
    nodes = [
        onnx.helper.make_node("Cast", ["glyphs"], ["probabilities"], to=onnx.TensorProto.FLOAT),
        onnx.helper.make_node("Relu", ["probabilities"], ["embedding"]),  # an output already
    ]
    graph = onnx.helper.make_graph(nodes, "graph", [glyphs], outputs)
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    onnx.helper.set_model_props(made, {"inkwise": '{"name": "x", "labels": ["a"], "threshold": 0.5}'})
    onnx.save(made, tmp_path / "plain.onnx")
    assert Model(tmp_path / "plain.onnx").feature_maps(SEVEN) == []
