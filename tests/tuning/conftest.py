import onnx
import pytest

from inkwise.training import glyph_task, load_recipe
from inkwise.tuning import SearchPlan, parse_space, study_storage
from inkwise.tuning.shared_study import SharedStudy


@pytest.fixture
def small(bars_folder):
    """A recipe that trains on images of bars in a fraction of a second."""
    return load_recipe("mlp-50").set(
        data={"train": (str(bars_folder),), "test": (), "validation": 0.2},
        model={"neurons1": 8, "neurons2": 4},
        optimization={"epochs": 3, "batch": 8, "lr": 1e-2, "precision": "float32"},
    )


@pytest.fixture
def plan(small, tmp_path):
    """plan("neurons2=4,8", trials=3) is a search in tmp_path, by default stored in SQLite."""

    def plan(*space, recipe=small, **changes):
        values = {"out": tmp_path, "storage": str(tmp_path / "sweep.db"), "name": "bars", **changes}
        return SearchPlan(recipe, parse_space(recipe, [*space]), **values)

    return plan


@pytest.fixture
def opened():
    """opened(plan) is its study with connections of its own, as in another process."""
    studies = []

    def opened(plan):
        studies.append(SharedStudy(plan))
        return studies[-1]

    yield opened
    for study in studies:
        study.close()


@pytest.fixture
def short_grace_period(monkeypatch):
    """Heartbeats are due within seconds; timestamps of SQLite have a resolution of one."""
    monkeypatch.setattr(study_storage, "HEARTBEAT_INTERVAL", 1)
    monkeypatch.setattr(study_storage, "HEARTBEAT_GRACE_PERIOD", 2)


@pytest.fixture
def without_export(monkeypatch):
    """Training skips the export, which takes a second."""
    monkeypatch.setattr(glyph_task, "classifier_to_onnx", lambda *_: onnx.ModelProto())


@pytest.fixture(params=["sqlite", "journal", pytest.param("postgresql", marks=pytest.mark.postgres)])
def storage(request, tmp_path):
    """Each kind of storage, empty."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql")
    return str(tmp_path / {"sqlite": "sweep.db", "journal": "sweep.journal"}[request.param])
