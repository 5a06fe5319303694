"""Networks from model files, and first weights."""

import json

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from inkwise._util.errors import InkwiseError, ModelError
from inkwise._util.text import NOT_A_DIGIT
from inkwise.recognition import Model
from inkwise.recognition.model import METADATA_KEY, model_source
from inkwise.reproduction.document_systems import DOCUMENT_RECIPES
from inkwise.training import load_recipe, resumed_recipe, train
from inkwise.training.callbacks import build_callbacks
from inkwise.training.glyph_task import GlyphLoop, glyph_logits
from inkwise.training.models import build_net
from inkwise.training.onnx_models import (
    classifier_to_onnx,
    initial_net,
    load_teachers,
    net_from_onnx,
    resolve_recipe,
)


def equal(one, other):
    """Whether two modules hold the same bits."""
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_net_from_onnx_restores_the_network(base, shapes):
    model = Model(base)
    for source in (base, base.read_bytes()):
        net, metadata = net_from_onnx(source)
        assert metadata == model.metadata
        said = (glyph_logits(net, torch.from_numpy(shapes[0])) / metadata["temperature"]).softmax(1)
        np.testing.assert_allclose(
            said.detach().numpy(), model.run(shapes[0])[0], atol=5e-5
        )  # the metadata round the temperature


def test_net_from_onnx_reads_bundled_weights(shapes):
    net, metadata = net_from_onnx(model_source("default"))
    said = (glyph_logits(net, torch.from_numpy(shapes[0])) / metadata["temperature"]).softmax(1)
    np.testing.assert_allclose(
        said[:, :-1].detach().numpy(), Model.bundled().run(shapes[0])[0], atol=5e-5
    )  # the metadata round the temperature; the last column is no digit


@pytest.mark.parametrize("name", ["default", "sprint-99", *(recipe.name for recipe in DOCUMENT_RECIPES)])
def test_net_from_onnx_restores_every_architecture(name, shapes, tmp_path):
    torch.manual_seed(0)
    chosen = load_recipe(name)
    if name == "mlp-50":
        chosen = chosen.set(model={"neurons1": 12, "neurons2": 8})
    net = build_net(chosen.model, 3)
    with torch.no_grad():
        net(torch.rand(64, 1, 28, 28))  # batch-norms have seen something
    metadata = {"name": name, "labels": ["a", "b", "c"], "threshold": 0.5, "temperature": 1.0}
    exported = classifier_to_onnx(net.eval(), 1.0, metadata | {"recipe": chosen.to_dict()})

    again, _ = net_from_onnx(exported.SerializeToString())

    glyphs = torch.from_numpy(shapes[0][:20])
    torch.testing.assert_close(glyph_logits(again, glyphs), glyph_logits(net, glyphs), atol=1e-4, rtol=1e-4)


def test_initial_net_without_a_model_depends_on_the_seed(tiny):
    torch.manual_seed(3)
    one = build_net(tiny.model, 4)
    torch.manual_seed(3)
    assert equal(initial_net(resolve_recipe(tiny).model, ["0", "1", "4", "7"]), one)


def test_initial_net_keeps_rows_of_known_labels(tiny, base):
    before, metadata = net_from_onnx(base)
    assert metadata["labels"] == ["0", "1", "4", "7"]

    net = initial_net(resolve_recipe(tiny.set(model={"init": str(base)})).model, ["4", "A", "0"])

    assert equal(net.features, before.features)
    assert torch.equal(net.head.weight[[0, 2]], before.head.weight[[2, 0]])
    assert torch.equal(net.head.bias[[0, 2]], before.head.bias[[2, 0]])
    assert not (net.head.weight[1] == before.head.weight).any()


def test_net_from_onnx_restores_the_reject_class(rejecting, shapes, stripes):
    net, metadata = net_from_onnx(rejecting)
    glyphs = np.concatenate([shapes[0], stripes])
    said = (glyph_logits(net, torch.from_numpy(glyphs)) / metadata["temperature"]).softmax(1).detach().numpy()
    assert said.shape == (240, 5)
    np.testing.assert_allclose(said[:, :4], Model(rejecting).run(glyphs)[0], atol=5e-5)
    assert (said[200:].argmax(1) == 4).all()


def test_initial_net_keeps_the_row_of_non_digits(tiny, base, rejecting):
    knows, _ = net_from_onnx(rejecting)
    recipe = resolve_recipe(tiny.set(model={"init": str(rejecting)}))

    assert equal(initial_net(recipe.model, ["0", "1", "4", "7", NOT_A_DIGIT]).head, knows.head)
    assert torch.equal(initial_net(recipe.model, ["0", "4"]).head.weight, knows.head.weight[[0, 2]])

    net = initial_net(
        resolve_recipe(tiny.set(model={"init": str(base)})).model, ["0", "1", "4", "7", NOT_A_DIGIT]
    )
    assert torch.equal(net.head.weight[:4], net_from_onnx(base)[0].head.weight)


def test_resolve_recipe_takes_the_architecture_of_the_model(tiny, base):
    asked = load_recipe("cnn-small").set(model={"init": str(base)}, optimization={"epochs": 2})
    assert asked.model.net == "cnn-small"

    resolved = resolve_recipe(asked)

    assert (resolved.model.net, resolved.model.channels, resolved.model.standardize) == (
        "compact",
        (8, 8, 8),
        False,
    )
    assert resolved == asked.set(model={"net": "compact", "channels": (8, 8, 8)})
    assert (resolved.model.dropout, resolved.name) == (asked.model.dropout, "cnn-small")
    assert resolve_recipe(resolved) == resolved
    initial_net(resolved.model, ["0", "1"])


def test_perceptron_needs_its_own_recipe(tiny, tmp_path):
    chosen = load_recipe("mlp-50").set(
        model={"neurons1": 12, "neurons2": 8},
        optimization={"epochs": 1},
        data={"train": tiny.data.train, "test": ()},
    )
    path = train(chosen, tmp_path / "run", device="cpu")

    assert resolve_recipe(load_recipe("mlp-50").set(model={"init": str(path)})).model.neurons1 == 12
    with pytest.raises(InkwiseError, match=r"^net mlp-50 needs the recipe mlp-50"):
        initial_net(resolve_recipe(load_recipe("default").set(model={"init": str(path)})).model, ["0", "1"])


@pytest.mark.parametrize("averaging", [0.0, 0.04])
def test_frozen_features_stay_bit_for_bit(tiny, base, samples, averaging):
    chosen = resolve_recipe(
        tiny.set(
            model={"init": str(base)},
            optimization={"layer_decay": 0.0, "lr": 0.05, "weight_decay": 0.1},
            callbacks={"averaging": averaging},
        )
    )
    net = initial_net(chosen.model, ["0", "1", "4", "7"])
    before, head = net_from_onnx(base)[0], net.head.weight.clone()

    trained = GlyphLoop(net, chosen, *samples, build_callbacks(chosen.callbacks)).fit()

    assert equal(trained.features, before.features)
    assert not torch.equal(trained.head.weight, head)


def test_run_from_a_model_resumes(tiny, base, shapes, tmp_path):
    asked = tiny.set(
        model={"init": str(base.parent), "channels": (16, 16, 16)},
        optimization={"layer_decay": 0.5, "epochs": 1},
    )
    path = train(asked, tmp_path / "run", device="cpu")

    assert resumed_recipe(tmp_path / "run") == resolve_recipe(asked)
    assert Model(path).metadata["recipe"]["model"]["init"] == str(base.parent)
    train(asked, tmp_path / "run", device="cpu")  # the same recipe, so it goes on
    net, _ = net_from_onnx(path)
    assert sum(parameter.numel() for parameter in net.features.parameters()) < 5_000


def test_missing_model_is_rejected(tiny, tmp_path):
    for init, reason in (("none.onnx", "none.onnx: cannot"), (str(tmp_path), "model.onnx: cannot")):
        with pytest.raises(ModelError, match=rf"{reason} be opened \(No such file or directory\)$"):
            train(tiny.set(model={"init": init}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_load_teachers_reads_model_files(tiny, base, rejecting):
    (one, two) = load_teachers(
        tiny.set(optimization={"teachers": (str(base), str(base.parent))}), ["0", "1", "4", "7"]
    )
    assert equal(one, net_from_onnx(base)[0])
    assert equal(two, one)
    (knows,) = load_teachers(
        tiny.set(optimization={"teachers": (str(rejecting),)}), ["0", "1", "4", "7", NOT_A_DIGIT]
    )
    assert knows.head.out_features == 5
    assert load_teachers(tiny, ["0", "1"]) == []


@pytest.mark.parametrize(
    "classes", [["0", "1", "4"], ["1", "0", "4", "7"], ["0", "1", "4", "7", NOT_A_DIGIT]]
)
def test_teacher_of_other_classes_is_rejected(tiny, base, classes):
    reason = rf"{base} cannot teach: its classes are 0, 1, 4, 7; those to learn are {', '.join(classes)}"
    with pytest.raises(ModelError, match=f"^{reason}$"):
        load_teachers(tiny.set(optimization={"teachers": (str(base),)}), classes)


def test_missing_teacher_is_rejected_before_synthesis(tiny, tmp_path):
    with pytest.raises(ModelError, match=r"none\.onnx: cannot be opened \(No such file or directory\)$"):
        train(
            tiny.set(optimization={"teachers": ("none.onnx",)}, data={"train": ("none.npz",)}),
            tmp_path / "run",
        )
    assert not (tmp_path / "run").exists()


def broken(base, how):
    """The bytes of a model file that was tampered with."""
    proto = onnx.load(base)
    (entry,) = (entry for entry in proto.metadata_props if entry.key == METADATA_KEY)
    metadata = json.loads(entry.value)
    how(proto.graph, metadata)
    entry.value = json.dumps(metadata)
    return proto.SerializeToString()


def weights(graph, kind):
    """The weights of the first node of a kind."""
    name = next(node.input[1] for node in graph.node if node.op_type == kind)
    return next(tensor for tensor in graph.initializer if tensor.name == name)


def elsewhere(graph, metadata):
    tensor = weights(graph, "Conv")
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def other_shape(graph, metadata):
    head = weights(graph, "Gemm")
    head.CopyFrom(numpy_helper.from_array(np.zeros((5, 7), np.float32), head.name))


def other_net(graph, metadata):
    metadata["recipe"]["model"]["net"] = "wide"


def huge(graph, metadata):
    metadata["recipe"]["model"]["channels"] = [10**6] * 3


def no_recipe(graph, metadata):
    del metadata["recipe"]


def one_label_more(graph, metadata):
    metadata["labels"].append("9")


def one_class_more(graph, metadata):
    metadata["rejects"] = True


@pytest.mark.parametrize(
    "how", [elsewhere, other_shape, other_net, huge, no_recipe, one_label_more, one_class_more]
)
def test_net_from_onnx_rejects_modified_files(base, how):
    with pytest.raises(ModelError, match=r"^the model: holds no net that can learn$"):
        net_from_onnx(broken(base, how))


def test_net_from_onnx_rejects_other_files(tmp_path):
    (tmp_path / "letter.onnx").write_text("Dear Anna,")
    with pytest.raises(ModelError, match=r"letter\.onnx: holds no net that can learn"):
        net_from_onnx(tmp_path / "letter.onnx")
    with pytest.raises(ModelError, match=r"none\.onnx: cannot be opened \(No such file or directory\)"):
        net_from_onnx(tmp_path / "none.onnx")
