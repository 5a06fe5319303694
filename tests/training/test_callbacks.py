"""Each callback with a fake loop."""

import io
import math
import zipfile
from dataclasses import dataclass, field

import pytest
import torch
from rich.console import Console
from torch import nn

from inkwise._util.errors import DataError
from inkwise.training import Recipe, load_recipe
from inkwise.training.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    OneCycle,
    ProgressBar,
    ReduceOnPlateau,
    StepDecay,
    WeightAveraging,
)


@dataclass
class FakeLoop:
    """What callbacks see of a loop; nothing is trained."""

    recipe: Recipe = field(
        default_factory=lambda: load_recipe("default").set(optimization={"lr": 1.0, "epochs": 10})
    )
    net: nn.Module = field(default_factory=lambda: nn.Linear(2, 1))
    total_steps: int = 100
    step: int = 0
    epoch: int = 0
    lr: float = 1.0
    history: list = field(default_factory=list)
    running: dict = field(default_factory=dict)
    stopped: str | None = None
    restored: dict | None = None

    def set_lr(self, lr):
        self.lr = lr

    def stop(self, reason):
        self.stopped = reason

    def state(self):
        return {"net": self.net.state_dict(), "epoch": self.epoch}

    def restore(self, state):
        self.net.load_state_dict(state["net"])
        self.epoch = state["epoch"]

    def run_epoch(self, callback, loss=1.0):
        self.epoch += 1
        self.history.append({"epoch": self.epoch, "validation_loss": loss})
        callback.on_epoch_end(self)


@pytest.fixture
def loop():
    return FakeLoop()


def rates(callback, loop):
    """The rate of every step, and of one more."""
    callback.on_train_begin(loop)
    found = [loop.lr]
    for step in range(1, loop.total_steps + 1):
        loop.step = step
        callback.on_step_end(loop)
        found.append(loop.lr)
    return found


def test_callback_does_nothing_by_default(loop):
    callback = Callback()
    for hook in (callback.on_train_begin, callback.on_step_end, callback.on_epoch_end, callback.on_train_end):
        hook(loop)
    callback.restore(callback.state())
    assert callback.state() == {}
    assert loop.lr == 1
    assert loop.stopped is None


def test_one_cycle_rises_to_the_recipe_rate_and_falls_to_zero(loop):
    found = rates(OneCycle(0.3), loop)
    assert found[0] == pytest.approx(0.04)
    assert found.index(max(found)) == 30
    assert found[30] == pytest.approx(1)
    assert found[15] == pytest.approx(0.52), "half way up its cosine"
    assert found[65] == pytest.approx(0.5), "half way down"
    assert found[-1] == pytest.approx(0, abs=1e-12)
    assert found[:31] == sorted(found[:31])
    assert found[30:] == sorted(found[30:], reverse=True)


def test_one_cycle_without_warmup_starts_at_the_maximum(loop):
    assert rates(OneCycle(0), loop)[0] == 1


def test_one_cycle_depends_on_the_step_only(loop):
    found = rates(OneCycle(0.3), loop)
    loop.step = 42
    resumed = OneCycle(0.3)
    resumed.on_step_end(loop)
    assert loop.lr == found[42]


def test_step_decay_multiplies_the_rate_at_intervals(loop):
    callback, found = StepDecay(3, 0.1), []
    for _ in range(7):
        loop.run_epoch(callback)
        found.append(loop.lr)
    assert found == pytest.approx([1, 1, 0.1, 0.1, 0.1, 0.01, 0.01])


def test_reduce_on_plateau_lowers_the_rate(loop):
    callback, found = ReduceOnPlateau(2, 0.5), []
    for loss in (3, 2, 2, 2, 1, 1.5, 1.5, 1.5, 1.5, 0.5):
        loop.run_epoch(callback, loss)
        found.append(loop.lr)
    assert found == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]


@pytest.mark.parametrize(
    ("losses", "epochs"),
    [
        ((3, 2, 1, 0.5, 0.4, 0.3), 6),  # always better: never
        ((1, 2, 2, 2), 3),
        ((2, 2, 1, 1, 1), 5),  # as good is not better, and a better one starts the count anew
    ],
)
def test_early_stopping_stops_after_its_patience(loop, losses, epochs):
    callback = EarlyStopping(2)
    for loss in losses:
        if not loop.stopped:
            loop.run_epoch(callback, loss)
    assert loop.epoch == epochs
    stopped = epochs < len(losses) or losses[-1] >= min(losses[:-1])
    assert loop.stopped == ("validation loss not lower for 2 epochs" if stopped else None)


@pytest.mark.parametrize(
    ("make", "sign"),
    [
        (lambda: ReduceOnPlateau(2, 0.5), lambda loop: loop.lr < 1),
        (lambda: EarlyStopping(2), lambda loop: loop.stopped),
    ],
)
def test_patience_continues_after_a_kill(loop, make, sign):
    callback = make()
    loop.run_epoch(callback, 1)
    loop.run_epoch(callback, 1)
    assert not sign(loop)
    resumed = make()
    resumed.restore(callback.state())
    loop.run_epoch(resumed, 1)
    assert sign(loop)


def weigh(loop, value):
    with torch.no_grad():
        loop.net.weight.fill_(value)


def test_averaged_weights_are_evaluated(loop):
    callback = WeightAveraging(0.05)  # of 100 steps: 1 - 1/5 of the past stays each step
    weigh(loop, 0.0)
    callback.on_train_begin(loop)
    assert loop.evaluated_net is not loop.net
    for _ in range(100):
        weigh(loop, 1.0)
        callback.on_step_end(loop)
    assert torch.equal(loop.evaluated_net.weight, torch.ones(1, 2)), "the first weights are forgotten"
    weigh(loop, 2.0)
    callback.on_step_end(loop)
    torch.testing.assert_close(loop.evaluated_net.weight, torch.full((1, 2), 1.2))
    assert loop.net.weight[0, 0] == 2, "the net itself goes on"


def test_average_forgets_early_weights_fast(loop):
    callback = WeightAveraging(0.5)
    callback.on_train_begin(loop)
    for value in (8.0, 0.0, 0.0, 0.0):
        weigh(loop, value)
        callback.on_step_end(loop)
    # A long average would still hold nearly all of the 8.
    assert 0 < loop.evaluated_net.weight[0, 0] < 0.2


def test_average_includes_batch_norm_statistics(loop):
    loop.net = nn.Sequential(nn.BatchNorm1d(2))
    callback = WeightAveraging(0.1)
    callback.on_train_begin(loop)
    for mean in [2.0, 4.0] * 50:
        loop.net[0].running_mean.fill_(mean)
        callback.on_step_end(loop)
    torch.testing.assert_close(loop.evaluated_net[0].running_mean, torch.full((2,), 3.0), atol=0.2, rtol=0)


def test_average_continues_after_a_kill(loop):
    callback, resumed = WeightAveraging(0.05), WeightAveraging(0.05)
    callback.on_train_begin(loop)
    for value in (1.0, 5.0, 2.0):
        weigh(loop, value)
        callback.on_step_end(loop)
    kept = loop.evaluated_net
    resumed.on_train_begin(loop)
    resumed.restore(callback.state())
    weigh(loop, 7.0)
    callback.on_step_end(loop)
    resumed.on_step_end(loop)
    assert loop.evaluated_net is not kept
    assert torch.equal(loop.evaluated_net.weight, kept.weight)


def test_checkpoint_restores_the_state(loop, tmp_path):
    callback = Checkpoint(tmp_path / "checkpoint.pt")
    callback.on_train_begin(loop)  # nothing there yet
    weigh(loop, 4.0)
    loop.run_epoch(callback)
    other = FakeLoop()
    Checkpoint(tmp_path / "checkpoint.pt").on_train_begin(other)
    assert other.epoch == 1
    assert other.net.weight.tolist() == [[4, 4]]
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


def compressed(path):
    """Pack it as torch never does: a small file may then take any memory."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("no checkpoint"),
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        lambda path: torch.save({"net": nn.Linear(7, 7).state_dict(), "epoch": 1}, path),
        lambda path: torch.save({}, path),
        lambda path: torch.save([1], path),
        lambda path: torch.save(3, path),
        lambda path: torch.save(FakeLoop, path),
        lambda path: compressed(path),
    ],
)
def test_checkpoint_rejects_damaged_files(loop, tmp_path, damage):
    path = tmp_path / "checkpoint.pt"
    callback = Checkpoint(path)
    loop.run_epoch(callback)
    damage(path)
    with pytest.raises(DataError, match=r"checkpoint\.pt: not a checkpoint of this recipe; remove it"):
        callback.on_train_begin(FakeLoop())


ROW = {
    "epoch": 3,
    "lr": 4e-3,
    "train_loss": 0.51234,
    "train_accuracy": 0.98765,
    "validation_loss": 0.5,
    "validation_accuracy": 0.99,
    "images_per_s": 2511.4,
    "seconds": 65.94,
}


@pytest.mark.parametrize("terminal", [False, True])
def test_progress_bar_prints_a_line_per_epoch(loop, terminal):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120)
    callback = ProgressBar(console)
    callback.on_train_begin(loop)
    for step in range(1, 4):
        loop.step = step
        loop.running = {"train_loss": 0.7, "train_accuracy": 0.9, "images_per_s": 1000.0}
        callback.on_step_end(loop)
    loop.history.append(ROW)
    callback.on_epoch_end(loop)
    callback.on_train_end(loop)
    printed = console.file.getvalue()
    line = "epoch   3/10  train 0.5123 98.77%  validation 0.5000 99.00%  lr 4.0e-03  2,511/s  65.9 s"
    assert line in printed
    if not terminal:
        assert printed == line + "\n", "and no bar in a file"


def test_progress_bar_shows_a_bar_on_a_terminal(loop):
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    callback = ProgressBar(console)
    loop.step = 50
    callback.on_train_begin(loop)
    assert callback.bar.tasks[0].percentage == 50, "where a resumed run stands"
    loop.step, loop.running = 75, {"train_loss": 0.7, "train_accuracy": 0.9, "images_per_s": 1000.0}
    callback.on_step_end(loop)
    callback.on_train_end(loop)
    assert math.isclose(callback.bar.tasks[0].percentage, 75)
    assert "loss 0.7000  90.00%  1,000/s" in console.file.getvalue()
