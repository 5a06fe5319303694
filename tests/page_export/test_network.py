"""A model's graph as values for the page."""

import base64
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from inkwise._util.errors import ModelError
from inkwise.page_export.network import network_to_dict
from inkwise.recognition.model import model_source

RNG = np.random.default_rng(0)
WEIGHT = RNG.normal(size=(784, 2)).astype(np.float32)


def network_of(path):
    return network_to_dict(Path(path).read_bytes(), "bars")


def test_bundled_network_is_the_chain_that_leads_to_the_probabilities():
    network = network_to_dict(model_source("tiny"), "tiny")
    operators = [node["operator"] for node in network["nodes"]]
    assert operators[0] == "Unsqueeze"
    assert operators[-2:] == ["Softmax", "Slice"]
    ends = [network["input"], *(node["output"] for node in network["nodes"])]
    assert [node["inputs"][0] for node in network["nodes"]] == ends[:-1]
    assert network["output"] == ends[-1] == "probabilities"


def test_weights_keep_their_values(write_model):
    path = write_model(helper.make_node("MatMul", ["rows", "weight"], ["logits"]), weight=WEIGHT)
    network = network_of(path)
    assert not network["halves"]
    content = base64.b64decode(network["weights"])
    np.testing.assert_array_equal(np.frombuffer(content, "<f4"), WEIGHT.ravel())
    values = {one["name"]: one.get("values") for one in network["constants"]}
    assert values == {"white": [255.0], "weight": None}


def test_weights_that_are_stored_as_float16_are_written_as_float16(write_model):
    halves = WEIGHT.astype(np.float16)
    nodes = [
        helper.make_node("Cast", ["half"], ["weight"], to=1),
        helper.make_node("MatMul", ["rows", "weight"], ["logits"]),
    ]
    network = network_of(write_model(*nodes, half=halves))
    assert network["halves"]
    assert base64.b64decode(network["weights"]) == halves.tobytes()
    assert [node["operator"] for node in network["nodes"]].count("Cast") == 1


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (("Gelu", ["linear"], {}), "a page cannot run the operator Gelu; it knows Add, Cast, "),
        (("Softmax", ["linear"], {"axis": 0}), "a page cannot run Softmax with axis 0"),
        (("Add", ["linear", "linear"], {}), "a page cannot run Add with operands that are not constant"),
        (("Mul", ["linear", "table"], {}), "a page cannot run Mul with an operand of several dimensions"),
        (("Reshape", ["linear", "shape"], {}), "a page cannot run Reshape to another shape than rows"),
        (("Slice", ["linear", "start", "end", "axis", "step"], {}), "a page cannot run Slice without axes, "),
    ],
)
def test_what_the_page_cannot_run_is_named(write_model, node, message):
    operator, inputs, attributes = node
    path = write_model(
        helper.make_node("MatMul", ["rows", "weight"], ["linear"]),
        helper.make_node(operator, inputs, ["logits"], **attributes),
        weight=WEIGHT,
        table=np.ones((1, 2), np.float32),
        shape=np.array([-1, 1, 2]),
        **{name: np.array([value]) for name, value in {"start": 0, "end": 2, "axis": 1, "step": 2}.items()},
    )
    with pytest.raises(ModelError, match=f"^bars: {message}"):
        network_of(path)
