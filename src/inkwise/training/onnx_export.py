"""A trained net becomes one ONNX file that carries all it needs."""

from __future__ import annotations

import json
import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from inkwise._util.files import write_bytes
from inkwise.recognition.model import METADATA_KEY, has_reject_class
from inkwise.training.models.line_model import LineNet
from inkwise.training.models.network import Net

_EXPORTING = threading.Lock()  # because `_quiet_exporter` changes settings of the whole process


class _ExportedClassifier(nn.Module):
    """uint8 glyphs (n, 28, 28) to probabilities (n, labels) and embedding (n, d), scaling inside."""

    def __init__(self, net: Net, temperature: float, rejects: bool) -> None:
        super().__init__()
        self.net, self.temperature, self.rejects = net, temperature, rejects

    def forward(self, glyphs: Tensor) -> tuple[Tensor, Tensor]:
        embedding = self.net.features(glyphs[:, None].float() / 255)
        probabilities = (self.net.head(embedding) / self.temperature).softmax(1)
        return (probabilities[:, :-1] if self.rejects else probabilities), embedding


class _ExportedLineModel(nn.Module):
    """uint8 strips (n, 32, w), w a multiple of 4, to log-probabilities (n, w / 2, classes)."""

    def __init__(self, net: LineNet, temperature: float) -> None:
        super().__init__()
        self.net, self.temperature = net, temperature

    def forward(self, strips: Tensor) -> Tensor:
        logits: Tensor = self.net(strips[:, None].float() / 255)
        return (logits / self.temperature).log_softmax(2)


def export_classifier(net: Net, path: Path, temperature: float, metadata: dict[str, Any]) -> None:
    """Write a net to ONNX with its metadata.

    Args:
        net: on the CPU, in eval mode.
        path: the file to make.
        temperature: what the logits are divided by before the softmax.
        metadata: see `recognition.model`; must hold what JSON can hold. Where they say that the model
            rejects, the net's last class, "not a digit", gets no column in the probabilities.

    Raises:
        DataError: the file cannot be written.
    """
    whole = _ExportedClassifier(net, temperature, has_reject_class(metadata))
    sizes = {0: torch.export.Dim("n")}
    _write(whole, (2, 28, 28), "glyphs", ["probabilities", "embedding"], sizes, path, metadata)


def export_line_model(net: LineNet, path: Path, temperature: float, metadata: dict[str, Any]) -> None:
    """Write a net that reads lines to ONNX with its metadata; arguments as for `export_classifier`."""
    whole = _ExportedLineModel(net, temperature)
    sizes = {0: torch.export.Dim("n"), 2: 4 * torch.export.Dim("quarters", min=8)}
    _write(whole, (2, 32, 64), "strips", ["lattices"], sizes, path, metadata)


def _write(
    whole: nn.Module,
    shape: tuple[int, ...],
    given: str,
    outputs: list[str],
    sizes: dict[int, Any],
    path: Path,
    metadata: dict[str, Any],
) -> None:
    with _quiet_exporter():
        program = torch.onnx.export(
            whole.eval(),
            (torch.zeros(shape, dtype=torch.uint8),),
            input_names=[given],
            output_names=outputs,
            dynamic_shapes={given: sizes},
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    _strip_debug_info(model)
    _set_metadata(model, metadata)
    write_bytes(path, model.SerializeToString())


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Hide what torch's exporter logs and warns about its own parts; one thread at a time."""
    logger = logging.getLogger("torch.onnx")
    with _EXPORTING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        level = logger.level
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)


def update_metadata(path: Path, **changes: Any) -> None:
    """Change keys of the metadata of an exported model.

    Raises:
        DataError: the file cannot be written.
    """
    model = onnx.load(path)
    (entry,) = (entry for entry in model.metadata_props if entry.key == METADATA_KEY)
    _set_metadata(model, json.loads(entry.value) | changes)
    write_bytes(path, model.SerializeToString())


def _strip_debug_info(model: onnx.ModelProto) -> None:
    """Drop the exporter's notes on every node: they tell the paths of the machine that exported."""
    graph = model.graph
    for part in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer, graph):
        del part.metadata_props[:]
        part.ClearField("doc_string")


def _set_metadata(model: onnx.ModelProto, metadata: dict[str, Any]) -> None:
    onnx.helper.set_model_props(model, {METADATA_KEY: json.dumps(metadata, allow_nan=False)})
