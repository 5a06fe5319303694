"""Throughput of reading and training relative to the peak of matrix products; parts of `comparison`.

Contestants are measured in turns in one process, so that noise affects all alike.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch.profiler import ProfilerActivity, profile

from benchmarks.common.reporting import ROOT
from benchmarks.common.service_client import digit_requests
from benchmarks.speed.baselines import TITLES, LabelledGlyphs, load_baseline
from benchmarks.speed.training_speed import peak, train_once
from inkwise import Recognizer, datasets
from inkwise._util.system import use_one_thread
from inkwise.recognition import Model
from inkwise.recognition.adaptation import reference_strokes
from inkwise.recognition.model import model_source
from inkwise.recognition.runtime import onnxruntime as ort
from inkwise.training import load_recipe

PICTURE = ROOT / "docs" / "seven.jpg"
GLYPHS = {"inkwise": 4096, "pytorch": 1024, "keras": 2048, "svc": 100, "knn": 500}  # half a second each
FITTED_GLYPHS = 6000  # glyphs of a training run
Rates = dict[str, list[float]]


def throughput(model: Model, glyphs: int = 4096, runs: int = 9) -> list[float]:
    """Return the glyphs a second of each run."""
    batch = np.random.default_rng(0).integers(0, 256, (glyphs, 28, 28), np.uint8)
    model.run(batch[:256])
    return [glyphs / seconds(lambda: model.run(batch)) for _ in range(runs)]


def reading(weights: dict[str, Path], threads: int, rounds: int) -> Rates:
    """Measure glyphs of MNIST test read a second and the float32 peak in each round."""
    glyphs = datasets.load_dataset("mnist-test").glyphs
    predict: dict[str, Callable[[NDArray[np.uint8]], Any]] = {
        "inkwise": Recognizer(threads=threads).classify,
        **{key: load_baseline(key, path).predict for key, path in weights.items()},
    }
    found: Rates = {key: [] for key in (*predict, "float32")}
    for answers in predict.values():
        answers(glyphs[:64])
    for _ in range(rounds):
        for key, answers in predict.items():
            batch = glyphs[: GLYPHS[key]]
            found[key].append(len(batch) / seconds(answers, batch))
        found["float32"].append(peak_operations())
    return found


def training(recipes: list[str], baselines: list[str], rounds: int) -> Rates:
    """Measure glyphs of MNIST trained a second and the peaks of float32 and bfloat16 in each round."""
    whole = datasets.load_dataset("mnist-train").select(slice(FITTED_GLYPHS))
    digits = LabelledGlyphs(whole.glyphs, whole.labels.astype(np.int64))
    few = LabelledGlyphs(digits.glyphs[:64], digits.classes[:64])
    short = {name: load_recipe(name).set(optimization={"epochs": 1}) for name in recipes}
    found: Rates = {key: [] for key in (*recipes, *baselines, "float32", "bfloat16")}
    for number in range(rounds + 1):
        now = {
            name: FITTED_GLYPHS / train_once(chosen, FITTED_GLYPHS).seconds for name, chosen in short.items()
        }
        now |= {
            key: FITTED_GLYPHS / load_baseline(key).train(digits, few, epochs=1)[-1].seconds
            for key in baselines
        }
        now |= {"float32": peak_operations(), "bfloat16": peak(torch.bfloat16)}
        if number:  # the first warms up
            for key, rate in now.items():
                found[key].append(rate)
    return found


def peak_operations(side: int = 2048) -> float:
    """Return operations a second of a square float32 matrix product, by torch or numpy."""
    matrix = np.random.default_rng(0).normal(size=(side, side)).astype(np.float32)
    fastest = min(seconds(lambda: matrix @ matrix) for _ in range(3))
    return max(peak(torch.float32, side, runs=3), 2 * side**3 / fastest)


def operations(content: bytes) -> int:
    """Count the operations of an ONNX graph for one glyph, in convolutions and matrix products."""
    model = onnx.load_model_from_string(content)
    for given in model.graph.input:
        given.type.tensor_type.shape.dim[0].dim_value = 1
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {weight.name: list(weight.dims) for weight in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        shapes[value.name] = [size.dim_value for size in value.type.tensor_type.shape.dim]
    count = 0
    for node in graph.node:
        if node.op_type == "Conv":  # weights: filters, channels of a group, height, width
            _, filters, *sides = shapes[node.output[0]]
            count += 2 * int(np.prod(sides)) * filters * int(np.prod(shapes[node.input[1]][1:]))
        elif node.op_type in ("Gemm", "MatMul"):
            count += 2 * int(np.prod(shapes[node.input[1]]))
    return count


def reading_shares(batches: int = 64, batch: int = 64) -> tuple[dict[str, float], float]:
    """Profile reading on one thread.

    Returns:
        The share of each kind of node, largest first, and the operations a second of convolutions and matrix
        products in their own time.
    """
    source = model_source("default")
    assert isinstance(source, bytes)
    glyphs = datasets.load_dataset("mnist-test").glyphs[:batch]
    with tempfile.TemporaryDirectory() as folder:
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.enable_profiling = 1, True
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        for _ in range(batches):
            session.run(None, {"glyphs": glyphs})
        events = json.loads(Path(session.end_profiling()).read_text())
    spent: Counter[str] = Counter()
    products = 0.0
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            spent[_kind(event["args"])] += event["dur"]
            if event["args"]["op_name"] in ("Conv", "Gemm"):
                products += event["dur"] / 1e6
    whole = sum(event["dur"] for event in events if event["name"] == "model_run")
    return _shares(spent, whole), operations(source) * batch * batches / products


def _kind(node: dict[str, Any]) -> str:
    """Return the kind of a node; convolutions are grouped by shape."""
    if node["op_name"] != "Conv":
        return str(node["op_name"])
    (weights,), (result,) = node["input_type_shape"][1].values(), node["output_type_shape"][0].values()
    return f"Conv {weights[1]} to {weights[0]} at {result[2]}x{result[3]}"


def training_shares(name: str) -> dict[str, float]:
    """Return the share of training time of each of torch's operators, largest first."""
    chosen = load_recipe(name).set(optimization={"epochs": 1})
    train_once(chosen, FITTED_GLYPHS)
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        train_once(chosen, FITTED_GLYPHS)
    spent = Counter({event.key: event.self_cpu_time_total for event in profiler.key_averages()})
    return _shares(spent, spent.total())


def _shares(spent: Counter[str], whole: float) -> dict[str, float]:
    return {name: time / whole for name, time in spent.most_common()}


def latencies(weights: dict[str, Path], most: int) -> dict[str, list[float]]:
    """Measure milliseconds of one digit at a time, on one thread, for up to `most` digits."""
    use_one_thread()
    glyphs, recognizer = datasets.load_dataset("mnist-test").glyphs, Recognizer(threads=1)
    png = digit_requests(0)[7].partition(b"\r\n\r\n")[2]
    strokes = reference_strokes()[7]
    works: dict[str, Callable[[NDArray[np.uint8]], Any]] = {
        "Inkwise, `classify`": recognizer.classify,
        "Inkwise, `read_strokes`": lambda _: recognizer.read_strokes(strokes, "digit"),
        "Inkwise, `read`, one digit, PNG of 100 x 100": lambda _: recognizer.read(png, "digit"),
        "Inkwise, `read`, one digit, docs/seven.jpg": lambda _: recognizer.read(PICTURE, "digit"),
        **{TITLES[key]: load_baseline(key, path).predict for key, path in weights.items()},
    }
    return {name: _one_by_one(work, glyphs, most) for name, work in works.items()}


def _one_by_one(
    work: Callable[[NDArray[np.uint8]], Any], glyphs: NDArray[np.uint8], most: int, limit: float = 10
) -> list[float]:
    """Measure for at most `limit` seconds, after ten warm-up calls."""
    taken: list[float] = []
    end = time.perf_counter() + limit
    for number in range(most + 10):
        one = glyphs[number % len(glyphs)][None]
        taken.append(1000 * seconds(work, one))
        if time.perf_counter() > end:
            break
    return taken[10:]


def seconds(work: Callable[..., object], *arguments: object) -> float:
    began = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - began
