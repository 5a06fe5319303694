import onnx
import pytest

from inkwise.training import glyph_task, load_recipe
from inkwise.tuning import SearchPlan, parse_space
from inkwise.tuning.trial_queue import TrialQueue


@pytest.fixture
def small(bars_folder):
    """A recipe that trains on bars for a fraction of a second."""
    return load_recipe("mlp-50").set(
        data={"train": (str(bars_folder),), "test": (), "validation": 0.2},
        model={"neurons1": 8, "neurons2": 4},
        optimization={"epochs": 3, "batch": 8, "lr": 1e-2, "precision": "float32"},
    )


@pytest.fixture
def plan(small, tmp_path):
    """plan("neurons2=4,8", trials=3) is a sweep in tmp_path, on SQLite unless told otherwise."""

    def plan(*space, recipe=small, **changes):
        values = {"out": tmp_path, "storage": str(tmp_path / "sweep.db"), "name": "bars", **changes}
        return SearchPlan(recipe, parse_space(recipe, [*space]), **values)

    return plan


@pytest.fixture
def opened():
    """opened(plan) is its queue, as a process of its own would have it."""
    queues = []

    def opened(plan):
        queues.append(TrialQueue(plan))
        return queues[-1]

    yield opened
    for queue in queues:
        queue.close()


@pytest.fixture
def quick(monkeypatch):
    """Training without the second that the export takes."""
    monkeypatch.setattr(glyph_task, "classifier_to_onnx", lambda *_: onnx.ModelProto())


@pytest.fixture(params=["sqlite", "journal", "postgresql"])
def storage(request, tmp_path):
    """Each kind of place where trials are kept, empty."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql")
    return str(tmp_path / {"sqlite": "sweep.db", "journal": "sweep.journal"}[request.param])
