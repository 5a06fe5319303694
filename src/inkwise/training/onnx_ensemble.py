"""Ensembles: one ONNX graph that averages the probabilities of its members."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from inkwise._util.errors import ModelError
from inkwise._util.files import check_not_a_source, write_bytes
from inkwise.recognition import Model
from inkwise.recognition.model import model_content, model_source
from inkwise.training.onnx_models import set_metadata

_MAX_NAME_LENGTH = 100  # characters of a name that lists the members; longer names only count them


def export_ensemble(sources: Sequence[str], path: Path) -> Model:
    """Write the model that averages the probabilities of others, each with its own temperature.

    Its embedding concatenates those of the members, each scaled to length 1 / √(number of members), so that
    the cosine of two embeddings is the mean of the members' cosines. Its threshold is the mean of theirs, as
    no validation set is unseen by all. It rejects if one of them does; a member that does not gives "not a
    digit" no probability.

    Args:
        sources: two or more .onnx files, run folders, or names of bundled models, ensembles included.
        path: the file to write.

    Returns:
        The model.

    Raises:
        ModelError: there are fewer than two members, one is listed twice or cannot be used, or their labels
            or ONNX opsets differ.
        DataError: the file cannot be written, or is one of the sources.
    """
    if len(sources) < 2:
        raise ModelError("an ensemble needs at least two models")
    check_not_a_source(path, map(model_source, sources))
    members = [_open_member(source) for source in sources]
    first = members[0][0]
    contents = [content for _, _, content in members]
    for number, (source, (model, graph, content)) in enumerate(zip(sources, members, strict=True)):
        if content in contents[:number]:
            twin = sources[contents.index(content)]
            raise ModelError(f"{source}: is the same model as {twin}")
        if set(model.labels) != set(first.labels):
            raise ModelError(
                f"{source}: its labels are {', '.join(model.labels)}, those of {sources[0]}"
                f" {', '.join(first.labels)}"
            )
        if _opset(graph) != _opset(members[0][1]):
            raise ModelError(
                f"{source}: was made for ONNX opset {_opset(graph)}, {sources[0]} for"
                f" {_opset(members[0][1])}: train one of them anew"
            )
    joined = _join([(model, graph) for model, graph, _ in members])
    set_metadata(joined, _metadata([model for model, _, _ in members]))
    content = joined.SerializeToString()
    made = Model(content)
    write_bytes(path, content)
    return made


def _open_member(source: str) -> tuple[Model, onnx.ModelProto, bytes]:
    """A member, its graph, and the content of its file."""
    where = model_source(source)
    model = Model(where)  # raises if it cannot be used
    content = model_content(where)
    return model, onnx.load_model_from_string(content), content


def _opset(graph: onnx.ModelProto) -> int:
    return max(int(imported.version) for imported in graph.opset_import if imported.domain in ("", "ai.onnx"))


def _join(members: list[tuple[Model, onnx.ModelProto]]) -> onnx.ModelProto:
    """One graph of all members, from `glyphs` to `probabilities` (n, k) and `embedding` (n, d1 + d2 + ..)."""
    labels = members[0][0].labels
    nodes: list[onnx.NodeProto] = []
    constants = [
        numpy_helper.from_array(np.array([1], np.int64), "across"),
        numpy_helper.from_array(np.array(1e-12, np.float32), "tiny"),
        numpy_helper.from_array(np.array(len(members) ** 0.5, np.float32), "root"),
    ]
    probabilities, embeddings = [], []
    for number, (model, proto) in enumerate(members):
        name = f"member{number}/"
        graph = compose.add_prefix_graph(proto.graph, name)
        order = np.array([model.labels.index(label) for label in labels])
        constants += [*graph.initializer, numpy_helper.from_array(order, f"{name}order")]
        nodes += [
            helper.make_node("Identity", ["glyphs"], [f"{name}glyphs"]),
            *graph.node,
            helper.make_node("Gather", [f"{name}probabilities", f"{name}order"], [f"{name}ordered"], axis=1),
            helper.make_node("Mul", [f"{name}embedding", f"{name}embedding"], [f"{name}squares"]),
            helper.make_node("ReduceSum", [f"{name}squares", "across"], [f"{name}square"]),
            helper.make_node("Sqrt", [f"{name}square"], [f"{name}length"]),
            helper.make_node("Max", [f"{name}length", "tiny"], [f"{name}divisor"]),
            helper.make_node("Div", [f"{name}embedding", f"{name}divisor"], [f"{name}unit"]),
        ]
        probabilities.append(f"{name}ordered")
        embeddings.append(f"{name}unit")
    nodes += [
        helper.make_node("Mean", probabilities, ["probabilities"]),
        helper.make_node("Concat", embeddings, ["units"], axis=1),
        helper.make_node("Div", ["units", "root"], ["embedding"]),
    ]
    width = sum(_embedding_width(proto) for _, proto in members)
    return helper.make_model(
        helper.make_graph(
            nodes,
            "ensemble",
            [helper.make_tensor_value_info("glyphs", TensorProto.UINT8, ["n", 28, 28])],
            [
                helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", len(labels)]),
                helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", width]),
            ],
            constants,
        ),
        opset_imports=[helper.make_opsetid("", _opset(members[0][1]))],
        ir_version=max(proto.ir_version for _, proto in members),
        producer_name="inkwise",
    )


def _embedding_width(proto: onnx.ModelProto) -> int:
    (embedding,) = (output for output in proto.graph.output if output.name == "embedding")
    return int(embedding.type.tensor_type.shape.dim[1].dim_value)


def _name(model: Model) -> str:
    name = str(model.metadata["name"])
    return f"({name})" if "members" in model.metadata else name


def _metadata(models: list[Model]) -> dict[str, Any]:
    names = ", ".join(dict.fromkeys(_name(model) for model in models))
    count = f"ensemble of {len(models)}"
    facts = ("name", "recipe", "members", "temperature", "threshold", "metrics", "commit", "trained")
    return {
        "format": 1,
        "name": f"{count}: {names}" if len(names) <= _MAX_NAME_LENGTH else count,
        "labels": list(models[0].labels),
        "rejects": any(model.rejects for model in models),
        "temperature": 1.0,  # members divide by their own
        "threshold": round(float(np.mean([model.threshold for model in models])), 4),
        "members": {
            str(number): {fact: model.metadata[fact] for fact in facts if fact in model.metadata}
            for number, model in enumerate(models, start=1)
        },
        "data": list(dict.fromkeys(name for model in models for name in model.metadata.get("data", []))),
        "metrics": {},
        "versions": {name: version(name) for name in ("inkwise", "onnx")},
        "trained": datetime.now(UTC).isoformat(timespec="seconds"),
    }
