"""Line readers to and from ONNX files."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from inkwise._util.errors import ModelError
from inkwise.training.onnx_models import get_metadata, set_metadata, store_as_float16
from inkwise.training.svtr_lcnet import LINE_HEIGHT, SvtrLcnet
from inkwise.training.synthesis.number_texts import NUMBER_CHARACTERS

CLASSES = len(NUMBER_CHARACTERS) + 1
"""Classes of the network: the blank, and all characters."""

_SPACE = NUMBER_CHARACTERS.index(" ") + 1  # class of the space, which counts as blank


_EXPORTING = threading.Lock()  # because `_quiet_exporter` changes settings of the whole process


class _ExportedNumberReader(nn.Module):
    """uint8 lines (n, 48, w) to log-probabilities (n, w / 4, classes without the space); 8 divides w."""

    def __init__(self, net: SvtrLcnet, temperature: float) -> None:
        super().__init__()
        self.net, self.temperature = net, temperature

    def forward(self, lines: Tensor) -> Tensor:
        logits = self.net(lines[:, None].float() / 255) / self.temperature
        blank = torch.logsumexp(logits[:, :, [0, _SPACE]], 2, keepdim=True)
        return torch.cat([blank, logits[:, :, 1:_SPACE], logits[:, :, _SPACE + 1 :]], 2).log_softmax(2)


def number_net_to_onnx(net: SvtrLcnet, metadata: dict[str, Any]) -> onnx.ModelProto:
    """A line reader as an ONNX model with float16 weights.

    Args:
        net: on the CPU.
        metadata: see `recognition.model`, JSON values only; `temperature` divides the logits.
    """
    net = net.eval().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    sizes = {0: torch.export.Dim("n"), 2: 8 * torch.export.Dim("eighths", min=4)}
    module = _ExportedNumberReader(net, metadata["temperature"])
    with _quiet_exporter():
        program = torch.onnx.export(
            module.eval(),
            (torch.zeros(2, LINE_HEIGHT, 64, dtype=torch.uint8),),
            input_names=["lines"],
            output_names=["lattices"],
            dynamic_shapes={"lines": sizes},
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
    store_as_float16(model)
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


def number_net_from_onnx(content: bytes) -> tuple[SvtrLcnet, dict[str, Any]]:
    """The network of a line reader, in eval mode, and the metadata of its file.

    Args:
        content: of a file that `number_net_to_onnx` made; only numbers are read from it.

    Raises:
        ModelError: the content is none.
    """
    try:
        return _parse(content)
    except Exception:  # protobuf, onnx, numpy and torch raise different classes by kind of damage
        raise ModelError("the line reader: holds no net that can learn") from None


def _parse(content: bytes) -> tuple[SvtrLcnet, dict[str, Any]]:
    graph = (proto := onnx.load_model_from_string(content)).graph
    values = {
        entry.name.removesuffix("/half"): torch.from_numpy(numpy_helper.to_array(entry).astype(np.float32))
        for entry in graph.initializer
        if entry.data_location == onnx.TensorProto.DEFAULT
    }
    # The exporter transposes the weights of linear layers and gives them other names.
    products = (values.get(node.input[1]) for node in graph.node if node.op_type in ("Gemm", "MatMul"))
    matrices = iter([value.T.contiguous() for value in products if value is not None])
    with torch.device("meta"):  # without memory and random numbers
        net = SvtrLcnet(CLASSES)
    linear = {f"{name}.weight" for name, part in net.named_modules() if isinstance(part, nn.Linear)}
    state = {name: next(matrices) if name in linear else values[f"net.{name}"] for name in net.state_dict()}
    net.load_state_dict(state, assign=True)
    metadata = get_metadata(proto)
    metadata["temperature"] = float(metadata["temperature"])
    return net.eval(), metadata
