"""A classifier's ONNX graph as the plain values that static/network.js runs."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from inkwise._util.errors import ModelError

_INPUT, _OUTPUT = "glyphs", "probabilities"

_OPERATORS: dict[str, dict[str, tuple[Any, ...]]] = {
    "Add": {},
    "Cast": {"to": (TensorProto.FLOAT,)},
    "Conv": {"group": (1,), "dilations": ([1, 1],), "auto_pad": (b"NOTSET",)},
    "Div": {},
    "Flatten": {"axis": (1,)},
    "Gemm": {"alpha": (1.0,), "beta": (1.0,), "transA": (0,)},
    "Identity": {},
    "MatMul": {},
    "MaxPool": {"dilations": ([1, 1],), "storage_order": (0,), "auto_pad": (b"NOTSET",)},
    "Mul": {},
    "Relu": {},
    "Reshape": {},
    "Slice": {},
    "Softmax": {"axis": (1, -1)},
    "Sub": {},
    "Unsqueeze": {},
}
"""The operators that static/network.js knows, and the values of attributes to which it is limited."""

_ELEMENTWISE = {"Add", "Div", "Mul", "Sub"}
_MAX_OPERAND_DIMENSIONS = 1  # of elementwise operators: a number, or one for each place of the last axis


def network_to_dict(content: bytes, name: str) -> dict[str, Any]:
    """Convert the nodes that lead to the probabilities, and their constants, to JSON values.

    Weights are stored as float16 if this changes none, as in models that store them so, else as float32.

    Args:
        content: the model file.
        name: of the model, for messages.

    Returns:
        The keys `input`, `output`, `nodes`, `constants`, `halves` (whether weights are float16) and `weights`
        (base64, little-endian, in the order of the constants without `values`).

    Raises:
        ModelError: an operator, or its use, is not known to static/network.js.
    """
    graph = onnx.load_model_from_string(content).graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    nodes = []
    for node in _nodes_of(graph, _OUTPUT):
        if node.op_type == "Cast" and node.input[0] in constants:  # weights that are stored as float16
            constants[node.output[0]] = constants[node.input[0]].astype(np.float32)
        else:
            nodes.append(node)
    used = {operand for node in nodes for operand in node.input}
    constants = {operand: array for operand, array in constants.items() if operand in used}
    for node in nodes:
        _check(node, constants, name)
    weights = [array for array in constants.values() if _is_weight(array)]
    halves = all(np.array_equal(array.astype(np.float16), array) for array in weights)
    stored = [array.astype("<f2" if halves else "<f4").tobytes() for array in weights]
    return {
        "input": _INPUT,
        "output": _OUTPUT,
        "nodes": [_node_to_dict(node) for node in nodes],
        "constants": [_constant_to_dict(operand, array) for operand, array in constants.items()],
        "halves": halves,
        "weights": base64.b64encode(b"".join(stored)).decode(),
    }


def _nodes_of(graph: onnx.GraphProto, output: str) -> list[onnx.NodeProto]:
    """Return the nodes that an output depends on, in the order of the graph."""
    needed, found = {output}, []
    for node in reversed(graph.node):
        if needed & {*node.output}:
            needed |= {*node.input}
            found.append(node)
    return found[::-1]


def _check(node: onnx.NodeProto, constants: dict[str, NDArray[Any]], name: str) -> None:
    """Raise a ModelError if static/network.js cannot run this node."""
    kind = node.op_type
    if kind not in _OPERATORS:
        known = ", ".join(_OPERATORS)
        raise ModelError(f"{name}: a page cannot run the operator {kind}; it knows {known}")
    limits = _OPERATORS[kind]
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        if attribute.name in limits and value not in limits[attribute.name]:
            raise ModelError(f"{name}: a page cannot run {kind} with {attribute.name} {value}")
    if not {*node.input[1:]} <= constants.keys():
        raise ModelError(f"{name}: a page cannot run {kind} with operands that are not constant")
    operands = [constants[operand] for operand in node.input[1:]]
    if kind in _ELEMENTWISE and operands[0].ndim > _MAX_OPERAND_DIMENSIONS:
        raise ModelError(f"{name}: a page cannot run {kind} with an operand of several dimensions")
    if kind == "Reshape" and operands[0].size != 2:
        raise ModelError(f"{name}: a page cannot run Reshape to another shape than rows")
    if kind == "Slice" and (len(operands) < 3 or (len(operands) > 3 and np.any(operands[3] != 1))):
        raise ModelError(f"{name}: a page cannot run Slice without axes, or with steps other than 1")


def _node_to_dict(node: onnx.NodeProto) -> dict[str, Any]:
    values = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    return {
        "operator": node.op_type,
        "inputs": list(node.input),
        "output": node.output[0],
        "attributes": {key: value for key, value in values.items() if not isinstance(value, bytes)},
    }


def _constant_to_dict(name: str, array: NDArray[Any]) -> dict[str, Any]:
    known = {"name": name, "shape": list(array.shape)}
    return known if _is_weight(array) else known | {"values": array.ravel().tolist()}


def _is_weight(array: NDArray[Any]) -> bool:
    return array.dtype.kind == "f" and array.ndim > 0
