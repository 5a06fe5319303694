"""ONNX files as protobuf messages, without the package `onnx`; field numbers are those of onnx.proto."""

from collections.abc import Iterator

_MAX_DEPTH = 100  # nested messages, the limit of protobuf itself
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types; onnx.proto has no groups (3, 4)
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # fields of a tensor
_GRAPH, _NODE, _GRAPH_OUTPUT, _VALUE_NAME = 7, 1, 12, 1  # fields of a model, a graph, and a value
_NODE_OUTPUT, _NODE_OPERATOR = 2, 4  # fields of a node

_SPARSE = "sparse tensor"
_TENSOR_PATHS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: _SPARSE},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: _SPARSE, 23: _SPARSE},
    _SPARSE: {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""The fields of each message that lead to tensors, and the messages in them."""


def has_external_data(message: bytes | memoryview, kind: str = "model", depth: int = 0) -> bool:
    """Return whether a tensor of a serialized message, by default a model, is stored in another file.

    ONNX Runtime would open it, in the current folder if it is given the model's bytes.

    Raises:
        ValueError: the bytes are not a protobuf message, or messages are nested too deep.
    """
    if depth > _MAX_DEPTH:
        raise ValueError("messages are nested too deep")
    parts = _TENSOR_PATHS[kind]
    for number, value in _protobuf_fields(memoryview(message)):
        if kind == "tensor" and (number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)):
            return True
        part = parts.get(number)
        if part and isinstance(value, memoryview) and has_external_data(value, part, depth + 1):
            return True
    return False


def with_outputs(model: bytes, operator: str) -> tuple[bytes, list[str]]:
    """Return a model that also outputs the results of an operator, and their names in the order of the graph.

    The names are appended as a second part of the graph, since parts of a protobuf message are merged.

    Args:
        model: a serialized model that can be run.
        operator: type of the nodes, for example "Relu".
    """
    (graph,) = _parts(memoryview(model), _GRAPH)
    present = {bytes(_parts(value, _VALUE_NAME)[0]) for value in _parts(graph, _GRAPH_OUTPUT)}
    chosen = [node for node in _parts(graph, _NODE) if _parts(node, _NODE_OPERATOR) == [operator.encode()]]
    names = [bytes(_parts(node, _NODE_OUTPUT)[0]) for node in chosen]
    new = [_field(_GRAPH_OUTPUT, _field(_VALUE_NAME, name)) for name in names if name not in present]
    return model + _field(_GRAPH, b"".join(new)), [name.decode() for name in names]


def _parts(message: memoryview, number: int) -> list[memoryview]:
    """Return the values of a field of bytes."""
    return [
        value
        for field, value in _protobuf_fields(message)
        if field == number and isinstance(value, memoryview)
    ]


def _field(number: int, value: bytes) -> bytes:
    """Serialize a field of bytes."""
    return bytes([number << 3 | _BYTES]) + _to_varint(len(value)) + value


def _to_varint(value: int) -> bytes:
    """Serialize an integer of variable length."""
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _to_varint(rest) if rest else bytes([low])


def _protobuf_fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the number and the value of each field; the value of a field of fixed size is 0."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, wire_type = tag >> 3, tag & 7
        value: int | memoryview = 0
        if wire_type == _VARINT:
            value, position = _varint(message, position)
        elif wire_type == _BYTES:
            size, position = _varint(message, position)
            value = message[position : position + size]
            position += size
        elif wire_type in (_FIXED32, _FIXED64):
            position += 4 if wire_type == _FIXED32 else 8
        else:
            raise ValueError("not a protobuf message")
        if tag >= 1 << 32 or not number or position > len(message):
            raise ValueError("not a protobuf message")
        yield number, value


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """Return an integer of variable length, and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        if position == len(message):
            break
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("not a protobuf message")
