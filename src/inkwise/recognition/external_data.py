"""Whether an ONNX model refers to tensors in other files, found without the package `onnx`.

onnxruntime opens such files, in the current folder where it is given a model's bytes. Only the nesting of
messages is followed here; field numbers are those of onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterator

_DEEPEST = 100  # nested messages, the limit of protobuf itself

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types; groups (3, 4) are not in onnx.proto

_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # fields of a tensor

_PARTS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
        22: "sparse tensor",
        23: "sparse tensor",
    },
    "sparse tensor": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""The fields of each message that lead to tensors, and the messages that they hold."""


def has_external_data(model: bytes) -> bool:
    """Whether a tensor of a serialized model is stored in another file.

    Raises:
        ValueError: the bytes are not a protobuf message, or messages are nested too deep.
    """
    return _refers(memoryview(model), "model", 0)


def _refers(message: memoryview, kind: str, depth: int) -> bool:
    if depth > _DEEPEST:
        raise ValueError("messages are nested too deep")
    parts = _PARTS[kind]
    for number, value in _fields(message):
        if kind == "tensor" and (number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)):
            return True
        if isinstance(value, memoryview) and number in parts and _refers(value, parts[number], depth + 1):
            return True
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The number and the value of each field; the value of a fixed-size one is 0."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, kind = tag >> 3, tag & 7
        value: int | memoryview = 0
        if kind == _VARINT:
            value, position = _varint(message, position)
        elif kind == _BYTES:
            size, position = _varint(message, position)
            value = message[position : position + size]
            position += size
        elif kind in (_FIXED32, _FIXED64):
            position += 4 if kind == _FIXED32 else 8
        else:
            raise ValueError("not a protobuf message")
        if tag >= 1 << 32 or not number or position > len(message):
            raise ValueError("not a protobuf message")
        yield number, value


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """An integer of variable length, and the position after it."""
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
