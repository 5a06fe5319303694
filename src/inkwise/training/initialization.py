"""Where a net's first weights come from: chance, or a model file."""

from __future__ import annotations

import json
from collections.abc import Sequence
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
from inkwise.training.config import Recipe
from inkwise.training.models.classifiers import architecture
from inkwise.training.models.network import Net
from inkwise.training.recipes import RECIPES

_ARCHITECTURE_KEYS = (
    "net",
    "channels",
    "standardise",
    "neurons1",
    "neurons2",
)  # what the shapes of weights hang on


def resolve_recipe(recipe: Recipe) -> Recipe:
    """The recipe with its net: where it starts from a model, that model's net, whatever net was asked for.

    Raises:
        ModelError: the model, or a teacher, cannot be read, or is none that `inkwise train` made.
        InkwiseError: there is no net of that name, or the recipe has not the keys that the model's net needs.
    """
    if recipe.init:
        _, metadata = net_from_onnx(model_source(recipe.init))
        theirs = vars(_recipe_of(metadata))
        ours = vars(recipe)
        recipe = recipe.set(
            **{key: theirs[key] for key in _ARCHITECTURE_KEYS if key in theirs and key in ours}
        )
    architecture(recipe.net)
    for teacher in recipe.teachers:
        net_from_onnx(model_source(teacher))  # before the glyphs are drawn, which takes minutes
    return recipe


def initial_net(recipe: Recipe, classes: Sequence[str]) -> Net:
    """The net of a resolved recipe before training, for these classes.

    From a model it takes all weights, and of the head the rows of the classes that it knows; the rows of
    others are fresh.

    Raises:
        ModelError: the model cannot be read, or is none that `inkwise train` made.
        InkwiseError: the recipe has not the keys that its net needs.
    """
    net = architecture(recipe.net)(recipe, len(classes))
    if not recipe.init:
        return net
    trained, metadata = net_from_onnx(model_source(recipe.init))
    _fold_batch_norm(net)
    net.features.load_state_dict(trained.features.state_dict())
    before = head_classes(metadata)
    known = [name for name in classes if name in before]
    ours, theirs = ([names.index(name) for name in known] for names in (list(classes), before))
    with torch.no_grad():
        net.head.weight[ours] = trained.head.weight[theirs]
        net.head.bias[ours] = trained.head.bias[theirs]
    return net


def head_classes(metadata: dict[str, Any]) -> list[str]:
    """What the rows of a model's head stand for: its labels, and last "not a digit" where it rejects."""
    return [*metadata["labels"], *([NOT_A_DIGIT] if has_reject_class(metadata) else [])]


def load_teachers(recipe: Recipe, classes: Sequence[str]) -> list[Net]:
    """The nets that a recipe names as teachers.

    Raises:
        ModelError: one cannot be read, is none that `inkwise train` made, or knows other classes than these.
    """
    nets = []
    for name in recipe.teachers:
        net, metadata = net_from_onnx(model_source(name))
        if head_classes(metadata) != list(classes):
            theirs, ours = (", ".join(known) for known in (head_classes(metadata), classes))
            raise ModelError(f"{name} cannot teach: its classes are {theirs}; those to learn are {ours}")
        nets.append(net)
    return nets


def net_from_onnx(model: str | Path | bytes) -> tuple[Net, dict[str, Any]]:
    """The net inside a model file, in eval mode, and the file's metadata.

    The file holds batch-norms folded into their convolutions, so the net has none: its convolutions have
    biases instead. Nothing but numbers is read, and no other file.

    Args:
        model: the path of a model file, or its bytes.

    Raises:
        ModelError: it cannot be read, or is no model that `inkwise train` made.
    """
    name = "the model" if isinstance(model, bytes) else str(model)
    content = model_content(model)
    try:
        return _parse(content)
    except Exception:  # protobuf, onnx, numpy and torch raise classes of their own, by kind of damage
        raise ModelError(f"{name}: holds no net that can learn") from None


def _parse(content: bytes) -> tuple[Net, dict[str, Any]]:
    proto = onnx.load_model_from_string(content)
    (entry,) = (entry for entry in proto.metadata_props if entry.key == METADATA_KEY)
    metadata: dict[str, Any] = json.loads(entry.value)
    metadata["temperature"] = float(metadata["temperature"])
    recipe = _recipe_of(metadata)
    tensors = {tensor.name: tensor for tensor in proto.graph.initializer}
    layers = [node for node in proto.graph.node if node.op_type in ("Conv", "Gemm")]
    values = [[_tensor_value(tensors[name]) for name in node.input[1:3]] for node in layers]
    # Without memory, until the file is known to hold what its metadata claim.
    with torch.device("meta"):
        net = architecture(recipe.net)(recipe, len(head_classes(metadata)))
        _fold_batch_norm(net)
    linear = [part for part in net.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    for part, (weight, bias) in zip(linear, values, strict=True):
        part.load_state_dict({"weight": weight, "bias": bias}, assign=True)
    return net.eval(), metadata


def _recipe_of(metadata: dict[str, Any]) -> Recipe:
    """The recipe that made a model, as far as its net goes."""
    keys = metadata["recipe"]
    recipe = RECIPES.get(keys.get("recipe"), Recipe)()
    known = {
        key: keys[key] for key in (*_ARCHITECTURE_KEYS, "dropout") if key in keys and hasattr(recipe, key)
    }
    return recipe.set(**known)


def _tensor_value(tensor: onnx.TensorProto) -> Tensor:
    if tensor.data_location != onnx.TensorProto.DEFAULT:
        raise ValueError("lies in another file")
    return torch.from_numpy(numpy_helper.to_array(tensor).astype(np.float32))


def _fold_batch_norm(net: Net) -> None:
    """Convolutions get biases, batch-norms go."""
    assert isinstance(net.features, nn.Sequential)
    for number, part in enumerate(net.features):
        if isinstance(part, nn.Conv2d):
            part.bias = nn.Parameter(torch.empty(part.out_channels))
        elif isinstance(part, nn.BatchNorm2d):
            net.features[number] = nn.Identity()
