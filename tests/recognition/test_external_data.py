"""Models that refer to tensors in other files are rejected, wherever the tensor is."""

import contextlib
import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from inkwise._util.errors import ModelError
from inkwise.recognition.model import (
    METADATA_KEY,
    LineModel,
    Model,
    bundled_models,
    line_model_source,
    model_source,
)
from inkwise.recognition.onnx_graph import has_external_data

FILE = "weights.bin"


def tensor(name="w"):
    """Return a tensor of four numbers that is stored in the message."""
    return numpy_helper.from_array(np.full((1, 4), 0.25, np.float32), name)


def external(name="w"):
    """Return a tensor of four numbers that is stored in another file."""
    made = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[1, 4])
    made.data_location = TensorProto.EXTERNAL
    made.external_data.add(key="location", value=FILE)
    return made


def graph(nodes=(), initializers=(), inputs=()):
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    return helper.make_graph(list(nodes), "g", list(inputs), [output], list(initializers))


def identity():
    return helper.make_node("Identity", ["w"], ["y"])


def constant(value):
    return helper.make_node("Constant", [], ["w"], value=value)


def branches(inner):
    node = helper.make_node("If", ["which"], ["y"], then_branch=inner, else_branch=inner)
    which = helper.make_tensor_value_info("which", TensorProto.BOOL, [])
    return graph([node], inputs=[which])


def sparse(value):
    made = onnx.SparseTensorProto(dims=[1, 4])
    made.values.CopyFrom(value)
    whole = graph([identity()])
    whole.sparse_initializer.append(made)
    return whole


def listed(value):
    node = helper.make_node("Custom", [], ["y"])
    node.attribute.append(onnx.AttributeProto(name="all", type=onnx.AttributeProto.TENSORS, tensors=[value]))
    return graph([node])


def functions(value):
    function = helper.make_function(
        "own", "F", [], ["y"], [constant(value), identity()], [helper.make_opsetid("", 17)]
    )
    call = helper.make_node("F", [], ["y"], domain="own")
    return model(graph([call]), functions=[function])


def model(whole, **more):
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    return helper.make_model(whole, opset_imports=opsets, ir_version=9, **more)


PLACES = {
    "an initializer": lambda value: graph([identity()], [value]),
    "a constant": lambda value: graph([constant(value), identity()]),
    "an initializer of a branch": lambda value: branches(graph([identity()], [value])),
    "a constant of a branch": lambda value: branches(graph([constant(value), identity()])),
    "a branch of a branch": lambda value: branches(branches(graph([identity()], [value]))),
    "a sparse initializer": sparse,
    "a list of tensors": listed,
    "a function": functions,
}


def whole(place, value):
    made = PLACES[place](value)
    return made if isinstance(made, onnx.ModelProto) else model(made)


@pytest.mark.parametrize("place", PLACES)
def test_has_external_data_finds_tensor(place):
    assert has_external_data(whole(place, external()).SerializeToString())
    assert not has_external_data(whole(place, tensor()).SerializeToString())


def test_either_field_of_external_tensor_suffices():
    located, said = external(), external()
    located.ClearField("data_location")
    said.ClearField("external_data")
    for half in (located, said):
        assert has_external_data(whole("an initializer", half).SerializeToString())


@pytest.mark.parametrize("content", [b"\x0b", b"\x3a\xff", b"\x3a", b"\x80" * 11, b"\x00\x00", b"\x0d\x00"])
def test_has_external_data_rejects_invalid_messages(content):
    with pytest.raises(ValueError, match="not a protobuf message"):
        has_external_data(content)


def field(number, content):
    """Serialize a field of bytes."""
    size = len(content)
    return bytes([number << 3 | 2, size & 0x7F | 0x80, size >> 7]) + content


def test_has_external_data_refuses_deep_nesting():
    graph = b""
    for _ in range(40):  # graph > node > attribute > graph; protobuf itself cannot serialize these
        graph = field(1, field(5, field(6, graph)))
    with pytest.raises(ValueError, match="nested too deep"):
        has_external_data(field(7, graph))


def test_damage_never_hides_external_tensor():
    """External tensors that protobuf can still parse are found, or the message is rejected."""
    rng = np.random.default_rng(0)
    contents = [whole(place, external()).SerializeToString() for place in PLACES]
    seen = 0
    for _ in range(2_000):
        content = bytearray(contents[rng.integers(len(contents))])
        for _ in range(rng.integers(1, 4)):
            content[rng.integers(len(content))] = rng.integers(256)
        try:
            parsed = onnx.load_model_from_string(bytes(content))
        except Exception:
            continue
        if not any(one.data_location == TensorProto.EXTERNAL for one in tensors(parsed)):
            continue
        seen += 1
        with contextlib.suppress(ValueError):
            assert has_external_data(bytes(content))
    assert seen > 100


def tensors(message):
    """Yield every tensor of a message by its descriptors."""
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in (
                value if not isinstance(value, type(message)) and hasattr(value, "append") else [value]
            ):
                if isinstance(each, TensorProto):
                    yield each
                yield from tensors(each)


def test_bundled_models_have_no_external_data():
    for source in [*map(model_source, bundled_models()), line_model_source("default")]:
        assert not has_external_data(source)


def reader(value):
    """Serialize an Inkwise model whose probabilities are a tensor."""
    nodes = [
        helper.make_node("Cast", ["glyphs"], ["grey"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["grey", "axes"], ["sums"], keepdims=0),
        helper.make_node("Mul", ["sums", "zero"], ["zeros"]),
        helper.make_node("Unsqueeze", ["zeros", "last"], ["column"]),
        helper.make_node("Add", ["column", "w"], ["probabilities"]),
        helper.make_node("Identity", ["probabilities"], ["embedding"]),
    ]
    constants = {"axes": np.array([1, 2]), "zero": np.float32(0), "last": np.array([1])}
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("glyphs", TensorProto.UINT8, ["n", 28, 28])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 4])
            for name in ("probabilities", "embedding")
        ],
        [value, *(numpy_helper.from_array(np.asarray(number), name) for name, number in constants.items())],
    )
    made = model(made)
    metadata = {"name": "made", "labels": [*"0123"], "threshold": 0.5}
    helper.set_model_props(made, {METADATA_KEY: json.dumps(metadata)})
    return made.SerializeToString()


def test_model_never_opens_external_files(tmp_path, monkeypatch):
    """Neither from a path nor from bytes, even if the file exists."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / FILE).write_bytes(np.full(4, 0.25, np.float32).tobytes())
    assert Model(reader(tensor())).run(np.zeros((2, 28, 28), np.uint8))[0].tolist() == [[0.25] * 4] * 2
    (tmp_path / "m.onnx").write_bytes(reader(external()))
    for source, name in [(tmp_path / "m.onnx", f"{tmp_path}/m.onnx"), (reader(external()), "the model")]:
        for kind in (Model, LineModel):
            with pytest.raises(ModelError) as caught:
                kind(source)
            assert str(caught.value) == (
                f"{name}: keeps weights in other files, which are never opened; save it as one"
            )


@pytest.mark.parametrize("number", [np.nan, np.inf, -1, 2])
def test_run_rejects_outputs_that_are_not_probabilities(number):
    value = numpy_helper.from_array(np.array([[number, 0.5, 0.5, 0]], np.float32), "w")
    with pytest.raises(
        ModelError, match=r"^the model made cannot be used: its outputs are not probabilities$"
    ):
        Model(reader(value)).run(np.zeros((1, 28, 28), np.uint8))


def test_run_raises_if_inference_fails():
    value = numpy_helper.from_array(np.zeros((3, 4), np.float32), "w")  # cannot be added to two glyphs
    with pytest.raises(ModelError, match=r"^the model made cannot be run$"):
        Model(reader(value)).run(np.zeros((2, 28, 28), np.uint8))
