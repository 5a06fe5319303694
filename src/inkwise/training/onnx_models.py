"""Networks to and from ONNX files that carry all metadata, and first weights from such files."""

from __future__ import annotations

import json
import logging
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from inkwise._util.errors import ModelError
from inkwise._util.text import NOT_A_DIGIT
from inkwise.recognition.model import METADATA_KEY, has_reject_class, model_content, model_source
from inkwise.training.config import ModelSection, Recipe
from inkwise.training.models import Net, build_net
from inkwise.training.recipes import RECIPES, load_plugins

_EXPORTING = threading.Lock()  # because `_quiet_exporter` changes settings of the whole process
_FROM_RECIPE = ("dropout", "init")  # keys of the model section that do not change the shapes of weights


class _ExportedClassifier(nn.Module):
    """uint8 glyphs (n, 28, 28) to probabilities (n, labels) and embedding (n, d), scaling inside."""

    def __init__(self, net: Net, temperature: float, rejects: bool) -> None:
        super().__init__()
        self.net, self.temperature, self.rejects = net, temperature, rejects

    def forward(self, glyphs: Tensor) -> tuple[Tensor, Tensor]:
        embedding = self.net.features(glyphs[:, None].float() / 255)
        probabilities = (self.net.head(embedding) / self.temperature).softmax(1)
        return (probabilities[:, :-1] if self.rejects else probabilities), embedding


def classifier_to_onnx(net: Net, temperature: float, metadata: dict[str, Any]) -> onnx.ModelProto:
    """A classifier as an ONNX model.

    Args:
        net: on the CPU, in eval mode.
        temperature: divisor of the logits before the softmax.
        metadata: see `recognition.model`, JSON values only. If the model rejects, the last class,
            "not a digit", gets no column in the probabilities.
    """
    exported = _ExportedClassifier(net, temperature, has_reject_class(metadata))
    sizes = {0: torch.export.Dim("n")}
    return module_to_onnx(exported, {"glyphs": (2, 28, 28)}, ["probabilities", "embedding"], sizes, metadata)


def module_to_onnx(
    module: nn.Module,
    inputs: dict[str, tuple[int, ...]],
    outputs: list[str],
    sizes: dict[int, Any],
    metadata: dict[str, Any],
) -> onnx.ModelProto:
    """A module as an ONNX model.

    Args:
        module: takes and returns tensors by position.
        inputs: names and shapes of its uint8 inputs.
        outputs: names of its outputs.
        sizes: sizes of the dimensions that vary, by number.
        metadata: JSON values only.
    """
    with _quiet_exporter():
        program = torch.onnx.export(
            module.eval(),
            tuple(torch.zeros(shape, dtype=torch.uint8) for shape in inputs.values()),
            input_names=[*inputs],
            output_names=outputs,
            dynamic_shapes=dict.fromkeys(inputs, sizes),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    graph = model.graph
    for part in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer, graph):
        # the exporter's notes contain paths of this machine
        del part.metadata_props[:]
        part.ClearField("doc_string")
    set_metadata(model, metadata)
    return model


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Hide log lines and warnings of torch's exporter about its own parts; one thread at a time."""
    logger = logging.getLogger("torch.onnx")
    with _EXPORTING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        level = logger.level
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)


def store_as_float16(model: onnx.ModelProto) -> None:
    """Store the weights as float16; they are cast to float32 when the model is opened."""
    casts = []
    for weight in model.graph.initializer:
        if weight.data_type == onnx.TensorProto.FLOAT and weight.dims:
            name = weight.name
            halves = numpy_helper.to_array(weight).astype(np.float16)
            weight.CopyFrom(numpy_helper.from_array(halves, f"{name}/half"))
            casts.append(onnx.helper.make_node("Cast", [weight.name], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def set_metadata(model: onnx.ModelProto, metadata: dict[str, Any]) -> None:
    """Replace the metadata of a model."""
    onnx.helper.set_model_props(model, {METADATA_KEY: json.dumps(metadata, allow_nan=False)})


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
    if tensor.data_location != onnx.TensorProto.DEFAULT:
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
    with torch.device("meta"):
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
