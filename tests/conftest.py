import json
import os
import signal
import struct
import sys
import threading
import uuid
import zlib
from importlib import resources

import browser
import cv2
import extras
import firefox
import numpy as np
import pytest

from inkwise.datasets.idx import idx_bytes


def pytest_configure(config):
    config.pluginmanager.register(extras)
    config.pluginmanager.register(browser)
    config.pluginmanager.register(firefox)
    _hear_signals()


def pytest_collection_modifyitems(items):
    """Mark the tests that use PostgreSQL."""
    for item in items:
        parameters = item.callspec.id if hasattr(item, "callspec") else ""
        if "postgresql" in item.fixturenames or "postgresql" in parameters:
            item.add_marker(pytest.mark.postgres)


def _hear_signals():
    """Hear Ctrl-C and SIGTERM, children included, also where a shell started the tests with these ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@pytest.fixture
def without_module(monkeypatch):
    """Import packages anew where a module cannot be imported: without_module("fastapi", "inkwise.app")."""

    def hide(missing, *packages):
        for name in [*sys.modules]:
            if f"{name}.".startswith(tuple(f"{package}." for package in packages)):
                module = sys.modules[name]
                parent, _, child = name.rpartition(".")
                if getattr(sys.modules.get(parent), child, None) is module:
                    monkeypatch.setattr(sys.modules[parent], child, module)  # the import below replaces it
                monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, missing, None)

    return hide


@pytest.fixture
def pen():
    """Draw with a dark pen on light paper: pen([[(x, y), ..], ..]) gives an (H, W) uint8 picture."""

    def draw(strokes, size=(120, 120), width=7, ink=30, paper=230):
        picture = np.full(size, paper, np.uint8)
        for stroke in strokes:
            cv2.polylines(picture, [np.array(stroke, np.int32)[:, None]], False, ink, width, cv2.LINE_AA)
        return picture

    return draw


SEVEN = [[(30, 25), (85, 25), (55, 100)]]
ONE = [[(60, 20), (60, 100)]]
FOUR = [[(45, 20), (30, 65), (85, 65)], [(70, 40), (70, 100)]]


@pytest.fixture
def seven(pen):
    return pen(SEVEN)


@pytest.fixture
def number(pen):
    """A 7, a 1 and a 4 side by side."""
    return np.hstack([pen(strokes)[:, 20:95] for strokes in (SEVEN, ONE, FOUR)])


@pytest.fixture
def repairable(seven):
    """The 7 as a PNG with a chunk about which Pillow warns before it reads the picture all the same."""
    data, content = cv2.imencode(".png", seven)[1].tobytes(), b"acTL" + bytes(8)
    return data[:33] + struct.pack(">I", 8) + content + struct.pack(">I", zlib.crc32(content)) + data[33:]


@pytest.fixture(scope="session")
def bars_folder(tmp_path_factory):
    """A data set that a small net learns in a second: 60 glyphs, each with a bar at one of 3 places."""
    rng = np.random.default_rng(0)
    labels = np.arange(60, dtype=np.uint8) % 3
    glyphs = rng.integers(0, 60, (60, 28, 28), np.uint8)
    for glyph, label in zip(glyphs, labels, strict=True):
        glyph[4:24, 6 + 7 * label : 10 + 7 * label] = 200
    folder = tmp_path_factory.mktemp("bars")
    (folder / "train-images-idx3-ubyte").write_bytes(idx_bytes(glyphs))
    (folder / "train-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    return folder


@pytest.fixture(scope="session")
def bars_reader(tmp_path_factory):
    """default.onnx, a stand-in for the model that reads lines: every upright bar is a 1, hardly ever a 7."""
    from onnx import TensorProto, helper, numpy_helper, save

    weight, bias = np.zeros(11, np.float32), np.full(11, -100, np.float32)
    for column, slope, offset in ((0, -40, 16), (2, 40, -16), (8, 40, -24)):  # no digit, 1, 7
        weight[column], bias[column] = slope, offset
    numbers = {"white": np.float32(255), "one": np.float32(1), "fours": np.array([0, -1, 4, 1])}
    numbers |= {"start": np.array([0]), "end": np.array([3]), "axis": np.array([2])}
    numbers |= {"weight": weight, "bias": bias}
    nodes = [
        helper.make_node("Cast", ["lines"], ["grey"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["grey", "white"], ["light"]),
        helper.make_node("Sub", ["one", "light"], ["ink"]),
        helper.make_node("ReduceMean", ["ink"], ["columns"], axes=[1], keepdims=0),
        helper.make_node("Reshape", ["columns", "fours"], ["grouped"]),
        helper.make_node("Slice", ["grouped", "start", "end", "axis"], ["sampled"]),
        helper.make_node("ReduceMax", ["sampled"], ["frames"], axes=[2], keepdims=0),
        helper.make_node("Mul", ["frames", "weight"], ["sloped"]),
        helper.make_node("Add", ["sloped", "bias"], ["logits"]),
        helper.make_node("LogSoftmax", ["logits"], ["lattices"], axis=2),
    ]
    graph = helper.make_graph(
        nodes,
        "bars",
        [helper.make_tensor_value_info("lines", TensorProto.UINT8, ["n", 48, "w"])],
        [helper.make_tensor_value_info("lattices", TensorProto.FLOAT, ["n", "t", 11])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in numbers.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    metadata = {"name": "bars", "trained": "2026-01-01", "symbols": "0123456789", "threshold": 0.5}
    helper.set_model_props(model, {"inkwise": json.dumps(metadata)})
    path = tmp_path_factory.mktemp("bars") / "default.onnx"
    save(model, path)
    return path


DAMAGES = ["truncated", "garbage", "empty", "without metadata", "not runnable", "not finite"]


@pytest.fixture(scope="session")
def damage_model():
    """Damage a model's bytes in one of these ways: damage_model("truncated", weights)."""
    from onnx import TensorProto, helper, load_from_string, numpy_helper

    def other_graph(model):
        """A graph of the right form that opens, and fails when it is run."""
        nodes = [
            helper.make_node("Cast", ["glyphs"], ["grey"], to=TensorProto.FLOAT),
            helper.make_node("Reshape", ["grey", "tens"], ["probabilities"]),
            helper.make_node("Identity", ["probabilities"], ["embedding"]),
        ]
        given = [helper.make_tensor_value_info("glyphs", TensorProto.UINT8, ["n", 28, 28])]
        outputs = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", "k"])
            for name in ("probabilities", "embedding")
        ]
        tens = numpy_helper.from_array(np.array([-1, 10]), "tens")  # 784 is no multiple of 10
        model.graph.CopyFrom(helper.make_graph(nodes, "tens", given, outputs, [tens]))

    def not_finite(model):
        for weight in model.graph.initializer:
            if weight.data_type == TensorProto.FLOAT:
                nan = np.full_like(numpy_helper.to_array(weight), np.nan)
                weight.CopyFrom(numpy_helper.from_array(nan, weight.name))

    changes = {
        "without metadata": lambda model: model.ClearField("metadata_props"),
        "not runnable": other_graph,
        "not finite": not_finite,
    }

    def damage_model(how, weights):
        if how in changes:
            model = load_from_string(weights)
            changes[how](model)
            return model.SerializeToString()
        return {"truncated": weights[: len(weights) // 2], "garbage": b"\xff" * 1000, "empty": b""}[how]

    return damage_model


@pytest.fixture(scope="session")
def default_weights():
    """The bytes of the bundled model."""
    return (resources.files("inkwise.recognition") / "weights" / "default.onnx").read_bytes()


@pytest.fixture(scope="session")
def line_weights():
    """The bytes of the bundled line reader."""
    return (resources.files("inkwise.recognition") / "weights" / "lines" / "default.onnx").read_bytes()


@pytest.fixture(params=DAMAGES)
def damaged_weights(request, damage_model, default_weights):
    """The bytes of a damaged model, in each of the ways."""
    return damage_model(request.param, default_weights)


@pytest.fixture
def together():
    """Do something so many times on each of two threads that switch as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def together(work, times):
        failures, ready = [], threading.Barrier(2)

        def repeat():
            ready.wait()
            try:
                for _ in range(times):
                    work()
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=repeat) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []

    yield together
    sys.setswitchinterval(before)


@pytest.fixture(scope="session")
def scratch():
    """A database on the PostgreSQL server of $INKWISE_TEST_DATABASE, dropped in the end."""
    server = os.environ.get("INKWISE_TEST_DATABASE")
    if not server:
        extras.lacking(
            "INKWISE_TEST_DATABASE is not set: the URL of a PostgreSQL server to make a database on"
        )
    import psycopg
    from sqlalchemy import make_url

    name = f"inkwise_test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgresql(scratch):
    import psycopg

    yield scratch
    with psycopg.connect(scratch) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
