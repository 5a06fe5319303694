"""Networks to and from ONNX files that carry all metadata, and first weights from such files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from inkwise._util.errors import ModelError
from inkwise._util.text import NOT_A_DIGIT
from inkwise.recognition.model import METADATA_KEY, has_reject_class, model_content, model_source
from inkwise.training.config import ModelSection, Recipe
from inkwise.training.models import Crop, Net, Standardize, build_net
from inkwise.training.recipes import RECIPES, load_plugins

_FROM_RECIPE = ("dropout", "init")  # keys of the model section that do not change the shapes of weights
_OPSET, _IR_VERSION = 20, 10  # of the bundled weights; an ensemble joins members of one opset only


class _Graph:
    """A chain of ONNX nodes, each of which takes the output of the one before it."""

    def __init__(self, start: str) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.end = start

    def add(self, kind: str, *constants: Tensor, name: str = "", **attributes: Any) -> None:
        """Add an operator with constant operands; `name` is that of its output."""
        place = f"{kind.lower()}_{len(self.nodes)}"
        names = [f"{place}.{number}" for number in range(len(constants))]
        self.constants += map(numpy_helper.from_array, (one.numpy() for one in constants), names)
        self.nodes.append(helper.make_node(kind, [self.end, *names], [name or place], **attributes))
        self.end = name or place

    def add_layer(self, layer: nn.Module) -> None:
        """Add a layer in eval mode, as the networks of `models` and `reproduction` have."""
        if isinstance(layer, Crop):
            corner = torch.tensor([layer.border, layer.border])
            self.add("Slice", corner, -corner, torch.tensor([2, 3]))
        elif isinstance(layer, Standardize):
            self.add("Sub", torch.tensor(layer.mean))
            self.add("Div", torch.tensor(layer.deviation))
        elif isinstance(layer, nn.Conv2d):
            assert layer.bias is not None
            self.add("Conv", layer.weight, layer.bias, strides=layer.stride, pads=[*layer.padding] * 2)
        elif isinstance(layer, nn.MaxPool2d):
            side, step, ceil = [layer.kernel_size] * 2, [layer.stride] * 2, int(layer.ceil_mode)
            self.add("MaxPool", kernel_shape=side, strides=step, ceil_mode=ceil)
        elif isinstance(layer, nn.ReLU):
            self.add("Relu")
        elif isinstance(layer, nn.Flatten):
            self.add("Flatten")
        elif isinstance(layer, nn.Linear):
            self.add("Gemm", layer.weight, layer.bias, transB=1)
        else:
            assert isinstance(layer, nn.Dropout | nn.Identity), layer


@torch.no_grad()
def classifier_to_onnx(net: Net, temperature: float, metadata: dict[str, Any]) -> onnx.ModelProto:
    """A classifier as an ONNX model: uint8 glyphs in, probabilities (n, labels) and embedding (n, d) out.

    The graph is built layer by layer in milliseconds; importing torch's exporter takes seconds.

    Args:
        net: on the CPU, in eval mode.
        temperature: divisor of the logits before the softmax.
        metadata: see `recognition.model`, JSON values only. If the model rejects, the last class,
            "not a digit", gets no column in the probabilities.
    """
    graph = _Graph("glyphs")
    graph.add("Unsqueeze", torch.tensor([1]))
    graph.add("Cast", to=TensorProto.FLOAT)
    graph.add("Div", torch.tensor(255.0))
    for layer in _without_batch_norm(net):
        graph.add_layer(layer)
    graph.nodes[-1].output[0] = graph.end = "embedding"
    graph.add_layer(net.head)
    graph.add("Div", torch.tensor(temperature))
    labels = net.head.out_features
    if has_reject_class(metadata):
        labels -= 1
        graph.add("Softmax", axis=1)
        graph.add("Slice", *(torch.tensor([number]) for number in (0, labels, 1)), name="probabilities")
    else:
        graph.add("Softmax", axis=1, name="probabilities")
    outputs = {"probabilities": labels, "embedding": net.head.in_features}
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "classifier",
            [helper.make_tensor_value_info("glyphs", TensorProto.UINT8, ["n", 28, 28])],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", d]) for name, d in outputs.items()],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="inkwise",
    )
    set_metadata(model, metadata)
    return model


def _without_batch_norm(net: Net) -> list[nn.Module]:
    """The layers of the features, with batch-norms folded into the convolutions before them."""
    assert isinstance(net.features, nn.Sequential)
    layers: list[nn.Module] = []
    for layer in net.features:
        if isinstance(layer, nn.BatchNorm2d):
            convolution = layers[-1]
            assert isinstance(convolution, nn.Conv2d)
            layers[-1] = fuse_conv_bn_eval(convolution, layer)
        else:
            layers.append(layer)
    return layers


def store_as_float16(model: onnx.ModelProto) -> None:
    """Store the weights as float16; they are cast to float32 when the model is opened."""
    casts = []
    for weight in model.graph.initializer:
        if weight.data_type == TensorProto.FLOAT and weight.dims:
            name = weight.name
            halves = numpy_helper.to_array(weight).astype(np.float16)
            weight.CopyFrom(numpy_helper.from_array(halves, f"{name}/half"))
            casts.append(helper.make_node("Cast", [weight.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def set_metadata(model: onnx.ModelProto, metadata: dict[str, Any]) -> None:
    """Replace the metadata of a model."""
    helper.set_model_props(model, {METADATA_KEY: json.dumps(metadata, allow_nan=False)})


def get_metadata(model: onnx.ModelProto) -> dict[str, Any]:
    """The metadata of a model."""
    (entry,) = (entry for entry in model.metadata_props if entry.key == METADATA_KEY)
    metadata: dict[str, Any] = json.loads(entry.value)
    return metadata


def net_from_onnx(model: str | Path | bytes) -> tuple[Net, dict[str, Any]]:
    """The network of a model file, in eval mode, and the file's metadata.

    The file holds batch-norms folded into their convolutions, so the network has biases instead. Only numbers
    are read, and no other file.

    Args:
        model: the path of a model file, or its bytes.

    Raises:
        ModelError: it cannot be read, or is no model that `inkwise train` made.
    """
    name = "the model" if isinstance(model, bytes) else str(model)
    content = model_content(model)
    try:
        return _parse(content)
    except Exception:  # protobuf, onnx, numpy and torch raise different classes by kind of damage
        raise ModelError(f"{name}: holds no net that can learn") from None


def _parse(content: bytes) -> tuple[Net, dict[str, Any]]:
    proto = onnx.load_model_from_string(content)
    metadata = get_metadata(proto)
    metadata["temperature"] = float(metadata["temperature"])
    tensors = {tensor.name: tensor for tensor in proto.graph.initializer}
    casts = [node for node in proto.graph.node if node.op_type == "Cast" and node.input[0] in tensors]
    tensors |= {node.output[0]: tensors[node.input[0]] for node in casts}  # of `store_as_float16`
    layers = [node for node in proto.graph.node if node.op_type in ("Conv", "Gemm")]
    values = [[_tensor_value(tensors[name]) for name in node.input[1:3]] for node in layers]
    # without memory, until the file is known to hold what its metadata claim
    with torch.device("meta"):
        net = build_net(_model_section(metadata), len(head_classes(metadata)))
        _fold_batch_norm(net)
    linear = [part for part in net.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    for part, (weight, bias) in zip(linear, values, strict=True):
        part.load_state_dict({"weight": weight, "bias": bias}, assign=True)
    return net.eval(), metadata


def _model_section(metadata: dict[str, Any]) -> ModelSection:
    """The architecture in a model's metadata."""
    keys = metadata["recipe"]
    if keys["recipe"] not in RECIPES:
        load_plugins()
    model = RECIPES.get(keys["recipe"], Recipe()).model
    stored = dict(keys.get("model", keys))  # in the bundled weights the keys have no sections
    stored["standardize"] = stored.pop("standardise", stored.get("standardize", False))
    known = {key: value for key, value in stored.items() if key != "init" and hasattr(model, key)}
    return Recipe(model=model).set(model=known).model


def _tensor_value(tensor: onnx.TensorProto) -> Tensor:
    if tensor.data_location != TensorProto.DEFAULT:
        raise ValueError("lies in another file")
    return torch.from_numpy(numpy_helper.to_array(tensor).astype(np.float32))


def _fold_batch_norm(net: Net) -> None:
    """Give convolutions biases and remove batch-norms."""
    assert isinstance(net.features, nn.Sequential)
    for number, part in enumerate(net.features):
        if isinstance(part, nn.Conv2d):
            part.bias = nn.Parameter(torch.empty(part.out_channels))
        elif isinstance(part, nn.BatchNorm2d):
            net.features[number] = nn.Identity()


def head_classes(metadata: dict[str, Any]) -> list[str]:
    """The classes of a model's head: its labels, and last "not a digit" if it rejects."""
    return [*metadata["labels"], *([NOT_A_DIGIT] if has_reject_class(metadata) else [])]


def resolve_recipe(recipe: Recipe) -> Recipe:
    """The recipe with the architecture of the model that it starts from, if any.

    Raises:
        ModelError: the model, or a teacher, cannot be read, or is none that `inkwise train` made.
        InkwiseError: the architecture is unknown or does not fit the other keys.
    """
    if recipe.model.init:
        _, metadata = net_from_onnx(model_source(recipe.model.init))
        ours = vars(recipe.model)
        theirs = vars(_model_section(metadata)).items()
        recipe = recipe.set(
            model={key: value for key, value in theirs if key in ours and key not in _FROM_RECIPE}
        )
    with torch.random.fork_rng([]):  # on the CPU: with "meta", torch would import its compiler for seconds
        build_net(recipe.model, 1)
    for teacher in recipe.optimization.teachers:
        net_from_onnx(model_source(teacher))  # before the glyphs are synthesized, which takes minutes
    return recipe


def initial_net(model: ModelSection, classes: Sequence[str]) -> Net:
    """The untrained network of a resolved recipe.

    With `init`, all weights are that model's, except the head's rows of classes that it does not know.
    """
    net = build_net(model, len(classes))
    if not model.init:
        return net
    trained, metadata = net_from_onnx(model_source(model.init))
    _fold_batch_norm(net)
    net.features.load_state_dict(trained.features.state_dict())
    before = head_classes(metadata)
    known = [name for name in classes if name in before]
    ours, theirs = ([names.index(name) for name in known] for names in (list(classes), before))
    with torch.no_grad():
        net.head.weight[ours] = trained.head.weight[theirs]
        net.head.bias[ours] = trained.head.bias[theirs]
    return net


def load_teachers(recipe: Recipe, classes: Sequence[str]) -> list[Net]:
    """The networks that a recipe names as teachers."""
    nets = []
    for name in recipe.optimization.teachers:
        net, metadata = net_from_onnx(model_source(name))
        if head_classes(metadata) != list(classes):
            theirs, ours = (", ".join(known) for known in (head_classes(metadata), classes))
            raise ModelError(f"{name} cannot teach: its classes are {theirs}; those to learn are {ours}")
        nets.append(net)
    return nets
