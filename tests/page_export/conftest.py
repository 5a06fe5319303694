import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from inkwise.training.onnx_models import set_metadata

METADATA = {"name": "bars", "labels": ["0", "1"], "threshold": 0.5, "rejects": False}


@pytest.fixture
def write_model(tmp_path):
    """Write a classifier: write_model(*nodes, weight=array, ..); the nodes lead from "rows" to "logits".

    "rows" are the glyphs, (n, 784) float32 from 0 to 1.
    """

    def write(*nodes, **constants):
        nodes = [
            helper.make_node("Cast", ["glyphs"], ["float"], to=TensorProto.FLOAT),
            helper.make_node("Div", ["float", "white"], ["light"]),
            helper.make_node("Flatten", ["light"], ["rows"]),
            *nodes,
            helper.make_node("Softmax", ["logits"], ["probabilities"]),
            helper.make_node("Flatten", ["light"], ["embedding"]),
        ]
        constants["white"] = np.array(255, np.float32)
        shapes = {"probabilities": 2, "embedding": 784}
        graph = helper.make_graph(
            nodes,
            "bars",
            [helper.make_tensor_value_info("glyphs", TensorProto.UINT8, ["n", 28, 28])],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", d]) for name, d in shapes.items()],
            [numpy_helper.from_array(array, name) for name, array in constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
        set_metadata(model, METADATA)
        path = tmp_path / "bars.onnx"
        path.write_bytes(model.SerializeToString())
        return str(path)

    return write
