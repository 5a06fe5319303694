"""Training runs: the run folder, resuming, rejected input."""

import csv
import errno
import io
import json
import logging
import random
import shutil
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import torch
from recipe_keys import with_keys
from rich.console import Console
from safetensors.torch import load_file
from scipy.special import softmax
from torch.nn import functional as F  # noqa: N812

from inkwise._util import files
from inkwise._util.errors import DataError, InkwiseError
from inkwise._util.text import NOT_A_DIGIT
from inkwise.recognition import Model
from inkwise.recognition.runtime import onnxruntime
from inkwise.training import glyph_task, resumed_recipe, train
from inkwise.training.callbacks import Callback, Checkpoint, ProgressBar
from inkwise.training.glyph_task import glyph_logits
from inkwise.training.loop import resolve_device
from inkwise.training.models import compact
from inkwise.training.training_data import load_split

FILES = {"recipe.json", "history.csv", "weights.safetensors", "model.onnx", "checkpoint.pt"}


@pytest.fixture(scope="session")
def finished(tiny, tmp_path_factory):
    """The folder of a whole run, and what it printed."""
    folder, printed = tmp_path_factory.mktemp("run") / "a" / "b", io.StringIO()
    path = train(tiny, folder, device="cpu", console=Console(file=printed, width=100))
    assert path == folder / "model.onnx"
    return folder, printed.getvalue()


@pytest.fixture
def quick(monkeypatch, console):
    """quick(recipe, folder) trains without the second that the export takes."""

    def export(net, temperature, metadata):
        return SimpleNamespace(SerializeToString=json.dumps(metadata).encode)

    monkeypatch.setattr(glyph_task, "classifier_to_onnx", export)

    def quick(recipe, folder, **more):
        return train(recipe, folder, **{"device": "cpu", "console": console} | more)

    return quick


def after(monkeypatch, kind, epoch, error):
    """Have a callback raise once at the end of an epoch."""
    hook = kind.on_epoch_end

    def failing(self, loop):
        hook(self, loop)
        if loop.epoch == epoch:
            monkeypatch.setattr(kind, "on_epoch_end", hook)
            raise error

    monkeypatch.setattr(kind, "on_epoch_end", failing)


def weights(folder):
    return (folder / "weights.safetensors").read_bytes()


def epochs(folder):
    with (folder / "history.csv").open() as file:
        return [int(row["epoch"]) for row in csv.DictReader(file)]


def test_run_folder_is_complete(finished):
    assert {path.name for path in finished[0].iterdir()} == FILES


def test_second_training_in_the_folder_is_rejected(tiny, tmp_path, quick):
    class Second(Callback):
        def on_epoch_end(self, loop):
            with pytest.raises(DataError) as caught:
                quick(tiny.set(seed=7), tmp_path)
            assert str(caught.value) == f"{tmp_path}: another training writes here"

    quick(tiny, tmp_path, callbacks=(Second(),))
    assert resumed_recipe(tmp_path) == tiny
    assert {path.name for path in tmp_path.iterdir()} == FILES


def test_recipe_is_saved_and_printed(finished, tiny):
    folder, printed = finished
    facts = json.loads((folder / "recipe.json").read_text())
    assert resumed_recipe(folder) == tiny
    assert set(facts) == {"recipe", "commit", "device", "threads", "versions", "started"}
    assert set(facts["versions"]) == {"inkwise", "torch", "numpy", "opencv-python-headless", "python"}
    assert facts["versions"]["torch"] == torch.__version__
    assert printed.startswith("recipe=default  seed=0  data.train=")
    for key, value in tiny.values().items():
        assert f"{key}={value}" in printed
    assert "160 training and 40 validation glyphs; cpu, " in printed


def test_history_has_a_line_and_a_row_per_epoch(finished, tiny):
    folder, printed = finished
    assert [line[:11] for line in printed.splitlines() if line.startswith("epoch")] == [
        f"epoch   {epoch}/4" for epoch in (1, 2, 3, 4)
    ]
    assert epochs(folder) == [1, 2, 3, 4]


def test_saved_weights_are_the_best(finished, tiny):
    folder, split = finished[0], load_split(tiny)
    net = compact(tiny.model, 4)
    net.load_state_dict(load_file(folder / "weights.safetensors"))
    logits = glyph_logits(net, torch.from_numpy(split.validation))
    classes = torch.from_numpy(np.searchsorted(split.classes, split.validation_labels))
    loss = F.cross_entropy(logits, classes, label_smoothing=tiny.optimization.label_smoothing).item()
    with (folder / "history.csv").open() as file:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    best = max(reversed(rows), key=lambda row: row["validation_accuracy"])
    assert loss == pytest.approx(best["validation_loss"], rel=1e-5)
    misses = int((logits.argmax(1) != classes).sum())
    assert metadata_of(folder)["metrics"] == {"validation": {"n": 40, "misses": misses}}
    assert misses <= 8


def test_temperature_and_threshold_belong_to_the_model(finished, tiny):
    folder, split = finished[0], load_split(tiny)
    net = compact(tiny.model, 4)
    net.load_state_dict(load_file(folder / "weights.safetensors"))
    logits = glyph_logits(net, torch.from_numpy(split.validation)).numpy()
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    probabilities = session.run(["probabilities"], {"glyphs": split.validation})[0]
    metadata = metadata_of(folder)
    np.testing.assert_allclose(probabilities, softmax(logits / metadata["temperature"], 1), atol=1e-3)
    assert metadata["threshold"] == pytest.approx(np.quantile(probabilities.max(1), 0.01), abs=1e-3)


def metadata_of(folder):
    (entry,) = onnx.load(folder / "model.onnx").metadata_props
    assert entry.key == "inkwise"
    return json.loads(entry.value)


def test_metadata_is_complete(finished, tiny):
    metadata = metadata_of(finished[0])
    facts = json.loads((finished[0] / "recipe.json").read_text())
    assert (metadata["format"], metadata["name"]) == (1, "default")
    assert metadata["labels"] == ["0", "1", "4", "7"]
    assert metadata["rejects"] is False
    assert metadata["recipe"] == facts["recipe"]
    assert metadata["data"] == list(tiny.data.train)
    assert metadata["versions"] == facts["versions"]
    assert (metadata["commit"], metadata["trained"]) == (facts["commit"], facts["started"])
    assert 0.05 <= metadata["temperature"] <= 20
    assert 0.25 <= metadata["threshold"] <= 1
    assert metadata["seconds"] > 0


def test_non_digits_are_rejected_and_only_digits_calibrate(rejecting, with_stripes):
    model, split = Model(rejecting), load_split(with_stripes)
    digits = split.validation_labels != NOT_A_DIGIT
    probabilities, _ = model.run(split.validation)
    top = probabilities.max(1)

    assert (model.labels, model.rejects) == (("0", "1", "4", "7"), True)
    assert probabilities.shape == (48, 4)
    assert (probabilities[~digits].sum(1) < 0.5).all()
    assert model.threshold == pytest.approx(np.quantile(top[digits], 0.01), abs=1e-3)
    read = np.array(model.labels)[probabilities.argmax(1)]
    assert model.metadata["metrics"] == {
        "validation": {
            "n": 40,
            "misses": int((read != split.validation_labels)[digits].sum()),
            "others": 8,
            "others_rejected": int((top[~digits] < model.threshold).sum()),
        }
    }


def test_run_distills_teachers(quick, tiny, base, tmp_path, console):
    taught = tiny.set(optimization={"teachers": (str(base), str(base.parent)), "epochs": 2})
    quick(taught, tmp_path / "taught")
    quick(tiny.set(optimization={"epochs": 2}), tmp_path / "alone")
    assert resumed_recipe(tmp_path / "taught") == taught
    assert weights(tmp_path / "taught") != weights(tmp_path / "alone")
    assert f"teachers=({str(base)!r}" in console.file.getvalue()


def test_threshold_passes_its_share_of_saturated_probabilities(quick, tiny, tmp_path, monkeypatch):
    sure = lambda net, glyphs: torch.eye(4)[torch.zeros(len(glyphs), dtype=int)] * 10.8  # noqa: E731
    monkeypatch.setattr(glyph_task, "glyph_logits", sure)
    monkeypatch.setattr(glyph_task, "fit_temperature", lambda logits, numbers: 1.0)
    quick(tiny.set(optimization={"epochs": 1}), tmp_path)
    assert json.loads((tmp_path / "model.onnx").read_text())["threshold"] == 0.9999


class Killed(BaseException):
    """As by kill -9: nothing more is done."""


@pytest.mark.parametrize("changes", [{}, {"dropout": 0.3, "schedule": "plateau", "early_stopping": 2}])
def test_killed_run_resumes_to_the_same_bits(quick, tiny, tmp_path, monkeypatch, changes):
    recipe = with_keys(tiny, **changes)
    quick(recipe, tmp_path / "whole")
    after(monkeypatch, Checkpoint, 2, Killed())
    with pytest.raises(Killed):
        quick(recipe, tmp_path / "killed")
    assert {path.name for path in (tmp_path / "killed").iterdir()} == {"recipe.json", "checkpoint.pt"}
    torch.manual_seed(12345)
    quick(resumed_recipe(tmp_path / "killed"), tmp_path / "killed")
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")
    assert epochs(tmp_path / "killed") == epochs(tmp_path / "whole")


def test_ctrl_c_leaves_a_complete_folder_that_resumes(quick, tiny, tmp_path, monkeypatch, console):
    quick(tiny, tmp_path / "whole")
    after(monkeypatch, ProgressBar, 3, KeyboardInterrupt())
    quick(tiny, tmp_path / "stopped")
    assert {path.name for path in (tmp_path / "stopped").iterdir()} == FILES
    assert "stopped after epoch 3: interrupted" in console.file.getvalue()
    assert epochs(tmp_path / "stopped") == [1, 2, 3]
    assert weights(tmp_path / "stopped") != weights(tmp_path / "whole")
    quick(tiny, tmp_path / "stopped")
    assert weights(tmp_path / "stopped") == weights(tmp_path / "whole")


@pytest.mark.parametrize(
    "changes", [{}, {"early_stopping": 1, "lr": 1e-9, "schedule": "constant", "epochs": 30}]
)
def test_finished_run_stays_unchanged(quick, tiny, tmp_path, changes):
    recipe = with_keys(tiny, **changes)
    quick(recipe, tmp_path)
    before, n = weights(tmp_path), epochs(tmp_path)
    quick(recipe, tmp_path)
    assert weights(tmp_path) == before
    assert epochs(tmp_path) == n
    assert len(n) == 4 or len(n) < 30


def test_weights_depend_on_the_seed(quick, tiny, tmp_path):
    for name, seed in {"one": 0, "again": 0, "other": 1}.items():
        quick(tiny.set(optimization={"epochs": 1}, seed=seed), tmp_path / name)
    assert weights(tmp_path / "one") == weights(tmp_path / "again")
    assert weights(tmp_path / "one") != weights(tmp_path / "other")


class Modes(Callback):
    """Notes after each epoch whether torch uses deterministic algorithms only."""

    def __init__(self):
        self.seen = []

    def on_epoch_end(self, loop):
        self.seen.append(torch.are_deterministic_algorithms_enabled())


def test_deterministic_uses_deterministic_algorithms(quick, tiny, tmp_path):
    modes = Modes()
    for deterministic in (True, False):
        quick(tiny, tmp_path / str(deterministic), deterministic=deterministic, callbacks=(modes,))
    assert modes.seen == [True] * 4 + [False] * 4


def settings():
    """All that a training could change for the rest of the process."""
    return {
        "torch": torch.get_rng_state().tolist(),
        "numpy": repr(np.random.get_state()),
        "random": random.getstate(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "warn only": torch.is_deterministic_algorithms_warn_only_enabled(),
        "threads": torch.get_num_threads(),
        "threads between": torch.get_num_interop_threads(),
        "dtype": torch.get_default_dtype(),
        "gradients": torch.is_grad_enabled(),
        "precision": torch.get_float32_matmul_precision(),
        "cudnn": (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic),
        "log level": logging.getLogger("torch.onnx").level,
        "filters": list(warnings.filters),
    }


@pytest.fixture
def _own_settings():
    """Settings that no training would choose."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.manual_seed(12345)
    random.seed(1)
    np.random.seed(1)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures("finished", "_own_settings")  # the first export imports what adds filters of its own
@pytest.mark.parametrize("changes", [{"epochs": 1}, {"epochs": 2, "dropout": 0.3, "averaging": 0.9}])
def test_train_restores_process_settings(tiny, console, tmp_path, changes):
    before = settings()
    train(with_keys(tiny, **changes), tmp_path, device="cpu", console=console)
    assert settings() == before
    train(with_keys(tiny, **changes), tmp_path, device="cpu", console=console)  # resumed
    assert settings() == before


@pytest.mark.usefixtures("_own_settings")
def test_train_restores_process_settings_after_an_error(quick, tiny, tmp_path, monkeypatch):
    before = settings()
    after(monkeypatch, ProgressBar, 1, Killed())
    with pytest.raises(Killed):
        quick(tiny, tmp_path, deterministic=True)
    assert settings() == before


def test_folder_of_another_recipe_is_rejected(quick, tiny, tmp_path):
    quick(tiny.set(optimization={"epochs": 1}), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(DataError, match=r"holds a run of another recipe; choose another folder$"):
        quick(tiny.set(optimization={"epochs": 2}), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_run_without_data_leaves_the_folder_free(quick, tiny, tmp_path):
    with pytest.raises(DataError, match=r"none\.npz"):
        quick(tiny.set(data={"train": ("none.npz",)}), tmp_path)
    quick(tiny.set(optimization={"epochs": 1}), tmp_path)
    assert resumed_recipe(tmp_path) == tiny.set(optimization={"epochs": 1})


def test_folder_that_is_a_file_is_rejected(quick, tiny, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"file: cannot be made \(File exists\)"):
        quick(tiny, tmp_path / "file")


def test_data_path_may_contain_markup(quick, tiny, tmp_path, shapes_folder):
    odd = tmp_path / "[" / "bold]"  # which would be a style, if it were taken for one
    shutil.copytree(shapes_folder, odd)
    quick(tiny.set(data={"train": (str(odd),)}, optimization={"epochs": 1}), tmp_path / "run")


@pytest.mark.parametrize(
    ("device", "reason"),
    [
        ("tpu", "^no device 'tpu'; there are: auto, cuda, mps, cpu$"),
        ("cuda", "^device cuda is not available on this machine; 'auto' takes what there is$"),
    ],
)
def test_unavailable_device_is_rejected(quick, tiny, tmp_path, monkeypatch, device, reason):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InkwiseError, match=reason):
        quick(tiny, tmp_path / "run", device=device)
    assert not (tmp_path / "run").exists()


def test_auto_takes_the_best_device(monkeypatch):
    for cuda, mps, kind in ((True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=cuda: there)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda there=mps: there)
        assert resolve_device("auto").type == kind


def test_unknown_net_is_rejected(quick, tiny, tmp_path):
    with pytest.raises(InkwiseError, match=r"^no net 'huge'; there are: compact"):
        quick(tiny.set(model={"net": "huge"}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["checkpoint.pt", "weights.safetensors", "history.csv", "recipe.json"])
def test_full_disk_raises_one_line_and_leaves_no_parts(quick, tiny, tmp_path, monkeypatch, name):
    open_file = io.open

    def full(file, *args, **more):
        if name in str(file) and args[0].startswith("w"):
            raise OSError(errno.ENOSPC, "No space left on device", str(file))
        return open_file(file, *args, **more)

    monkeypatch.setattr(io, "open", full)  # what Path.open, write_text and write_bytes use
    monkeypatch.setattr(files, "_part", lambda target: target.with_name(f".{target.name}.part"))
    with pytest.raises(DataError) as caught:
        quick(tiny.set(optimization={"epochs": 1}), tmp_path)
    assert str(caught.value) == f"{tmp_path / name}: cannot be written (No space left on device)"
    assert not [path for path in Path(tmp_path).iterdir() if path.suffix == ".part" or path.name == name]
