"""Size, speed and misses of int8 and float16 variants of a model.

    python -m benchmarks quantization [--model NAME|FILE] [--out FOLDER]

The int8 model has 8-bit weights and activations (static, QDQ nodes, a scale for each channel of the weights),
calibrated on MNIST's training digits. The float16 model only stores its weights so and computes in float32.
All run on one thread, in turns. "train slice" is 5,000 digits of MNIST train outside the calibration set and
decides whether a variant is worth keeping; MNIST test is only reported. --out writes the models to a folder.
"""

from __future__ import annotations

import logging
import statistics
import tempfile
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from benchmarks.common.reporting import argument_parser, print_table
from benchmarks.speed.throughput import throughput
from inkwise import datasets
from inkwise._util.system import describe_machine
from inkwise.evaluation import evaluate_model
from inkwise.recognition import Model
from inkwise.recognition.model import METADATA_KEY, model_source
from inkwise.training.onnx_models import store_as_float16

CALIBRATION_GLYPHS, EVALUATION_SLICE = 2_000, 5_000  # glyphs
BATCH = 100
ROUNDS = 15


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--model", default="default", help="an .onnx file, a run folder or a bundled name")
    parser.add_argument("--out", type=Path, help="an existing folder")
    arguments = parser.parse_args(argv)
    source = model_source(arguments.model)
    content = source if isinstance(source, bytes) else source.read_bytes()
    training, test = datasets.load_dataset("mnist-train"), datasets.load_dataset("mnist-test")
    contents = {
        "float32": content,
        "int8": quantize(content, training.glyphs[:CALIBRATION_GLYPHS]),
        "float16": as_float16(content),
    }
    models = {name: Model(made, threads=1) for name, made in contents.items()}
    speeds: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(ROUNDS):
        for name, model in models.items():
            speeds[name] += throughput(model, runs=1)
    sets = [training.select(slice(-EVALUATION_SLICE, None)), test]
    print(f"Model {models['float32'].name}. {describe_machine()}, one thread, {ROUNDS} rounds.\n")
    rows, faster = [], {}
    for name, model in models.items():
        ratios = [ours / whole for ours, whole in zip(speeds[name], speeds["float32"], strict=True)]
        misses = [str(result.evaluation.misses) for result in evaluate_model(model, sets)]
        speed = f"{statistics.median(speeds[name]):,.0f}"
        faster[name] = statistics.median(ratios)
        spread = f"{faster[name]:.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        if arguments.out:
            (arguments.out / f"{name}.onnx").write_bytes(contents[name])
        rows.append((name, f"{len(contents[name]):,}", speed, spread, *misses))
    print_table(
        ("model", "bytes", "glyphs/s", "ratio to float32", "misses, train slice", "misses, MNIST test"), rows
    )
    keeps = len(contents["int8"]) < len(content) and faster["int8"] >= 1
    print(f"\nint8 is {'' if keeps else 'not both '}smaller and not slower.")


class CalibrationReader:
    """Batches of glyphs: a `CalibrationDataReader` of ONNX Runtime."""

    def __init__(self, glyphs: NDArray[np.uint8]) -> None:  # noqa: D107
        self._batches = iter(np.split(glyphs, range(BATCH, len(glyphs), BATCH)))

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """Return the next input of the graph, or None."""
        batch = next(self._batches, None)
        return None if batch is None else {"glyphs": batch}


def quantize(content: bytes, glyphs: NDArray[np.uint8]) -> bytes:
    """Quantize weights and activations to 8 bits, up to the softmax."""
    # imported here, after Inkwise has disabled the telemetry
    from onnxruntime.quantization import QuantType, quantize_static  # noqa: TID251
    from onnxruntime.quantization.shape_inference import quant_pre_process  # noqa: TID251

    logging.getLogger().setLevel(logging.ERROR)  # the quantizer recommends steps that are already done
    with tempfile.TemporaryDirectory() as folder:
        before, prepared, after = (Path(folder) / name for name in ("before", "prepared", "after"))
        before.write_bytes(content)
        quant_pre_process(before, prepared)
        quantize_static(
            prepared,
            after,
            CalibrationReader(glyphs),
            op_types_to_quantize=["Conv", "MaxPool", "Gemm"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return _with_metadata(onnx.load(after), content)


def as_float16(content: bytes) -> bytes:
    """Return a model whose weights are stored as float16."""
    model = onnx.load_model_from_string(content)
    store_as_float16(model)
    return bytes(model.SerializeToString())


def _with_metadata(model: onnx.ModelProto, original: bytes) -> bytes:
    """Serialize a model with the metadata of the original."""
    props = {prop.key: prop.value for prop in onnx.load_model_from_string(original).metadata_props}
    helper.set_model_props(model, {METADATA_KEY: props[METADATA_KEY]})
    return bytes(model.SerializeToString())
