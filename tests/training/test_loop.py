"""The training loop: learning, best epoch, determinism, resuming."""

import io
import math

import pytest
import torch
from recipe_keys import with_keys
from torch.nn import functional as F  # noqa: N812

from inkwise._util.errors import InkwiseError
from inkwise.training import glyph_task
from inkwise.training.callbacks import Callback, EarlyStopping, OneCycle, WeightAveraging, build_callbacks
from inkwise.training.glyph_task import GlyphLoop, GlyphSamples, distillation_loss, glyph_logits
from inkwise.training.models import compact
from inkwise.training.onnx_models import net_from_onnx


@pytest.fixture
def make(tiny, samples):
    """make(*callbacks, **changes) is a loop over the four shapes."""

    def make(*callbacks, teachers=(), **changes):
        recipe = with_keys(tiny, **changes)
        torch.manual_seed(recipe.seed)
        return GlyphLoop(compact(recipe.model, 4), recipe, *samples, list(callbacks), teachers)

    return make


def all_of(net):
    return torch.cat([value.flatten().double() for value in net.state_dict().values()])


class After(Callback):
    """Do something after some epoch."""

    def __init__(self, epoch, act):
        self.epoch, self.on_plateau = epoch, act

    def on_epoch_end(self, loop):
        if loop.epoch == self.epoch:
            self.on_plateau(loop)


def interrupt(_):
    raise KeyboardInterrupt


def accuracy(net, samples):
    return (glyph_logits(net, samples.glyphs).argmax(1) == samples.classes).float().mean().item()


def test_loop_learns(make, samples):
    loop = make(OneCycle(0.3), WeightAveraging(0.04), epochs=6)
    net = loop.fit()
    assert accuracy(net, samples[1]) >= 0.9
    assert loop.history[-1]["train_accuracy"] > 0.9
    assert not net.training


def test_loop_does_not_learn_shuffled_labels(make, samples):
    """So that no label leaks in with the glyphs."""
    loop = make(epochs=4)
    rng = torch.Generator().manual_seed(0)
    shuffled = samples[1].classes[torch.randperm(40, generator=rng)]
    loop.validation = GlyphSamples(samples[1].glyphs, shuffled)
    assert accuracy(loop.fit(), loop.validation) < 0.6


def test_history_has_a_row_per_epoch(make):
    loop = make(OneCycle(0.3), epochs=3)
    loop.fit()
    assert [row["epoch"] for row in loop.history] == [1, 2, 3]
    assert set(loop.history[0]) == {
        "epoch",
        "lr",
        "train_loss",
        "train_accuracy",
        "images_per_s",
        "validation_loss",
        "validation_accuracy",
        "seconds",
    }
    assert loop.step == loop.total_steps == 3 * 10
    assert all(math.isfinite(value) for row in loop.history for value in row.values())


def test_each_epoch_sees_every_sample_once(make, monkeypatch):
    loop = make(epochs=2, batch=48)  # 160 samples: the last batch is a part
    seen = []
    look = loop._training_step
    monkeypatch.setattr(loop, "_training_step", lambda batch: seen.append(batch) or look(batch))
    loop.fit()
    assert [len(batch) for batch in seen] == [48, 48, 48, 16] * 2
    for epoch in (seen[:4], seen[4:]):
        assert sorted(torch.cat(epoch).tolist()) == [*range(160)]
    assert not torch.equal(seen[0], seen[4]), "in another order"


def test_train_figures_are_means_over_all_samples(make, monkeypatch):
    loop = make(epochs=1, batch=48)
    told = iter([1.0, 2.0, 3.0, 8.0])

    def look(batch):
        return next(told) + 0 * loop.net.head.bias.sum(), torch.tensor(len(batch))

    monkeypatch.setattr(loop, "_training_step", look)
    loop.fit()
    assert loop.history[0]["train_loss"] == pytest.approx((48 * (1 + 2 + 3) + 16 * 8) / 160)
    assert loop.history[0]["train_accuracy"] == 1


def chosen(history):
    """The row of the highest validation accuracy; of equals the last."""
    return max(reversed(history), key=lambda row: row["validation_accuracy"])


def loss_of(net, samples):
    return F.cross_entropy(glyph_logits(net, samples.glyphs), samples.classes, label_smoothing=0.1).item()


def test_best_epoch_is_kept(make, samples):
    # A rate far too high after the third epoch spoils what was learnt.
    loop = make(After(3, lambda loop: loop.set_lr(3.0)), epochs=8)
    net = loop.fit()
    best = chosen(loop.history)
    assert best["epoch"] < 8
    assert loss_of(net, samples[1]) == pytest.approx(best["validation_loss"], rel=1e-5)
    torch.testing.assert_close(loop.best_logits, glyph_logits(net, samples[1].glyphs))


def test_highest_accuracy_is_best_and_the_latest_of_equals(make, monkeypatch):
    told = iter([(0.2, 0.5), (0.4, 0.9), (0.5, 0.9), (0.1, 0.8)])
    after_each = []
    loop = make(epochs=4)
    monkeypatch.setattr(loop, "_validate", lambda: after_each.append(all_of(loop.net)) or next(told))
    assert torch.equal(all_of(loop.fit()), after_each[2])


def test_early_stopping_returns_the_best(make, samples):
    loop = make(EarlyStopping(2), After(3, lambda loop: loop.set_lr(3.0)), epochs=50)
    net = loop.fit()
    losses = [row["validation_loss"] for row in loop.history]
    assert loop.epoch == losses.index(min(losses)) + 3 < 50
    assert loop.stopped == "validation loss not lower for 2 epochs"
    assert loss_of(net, samples[1]) == pytest.approx(chosen(loop.history)["validation_loss"], rel=1e-5)


def test_average_is_validated_and_returned(make):
    average = WeightAveraging(0.2)
    loop = make(average, OneCycle(0.3), epochs=4)
    net = loop.fit()
    assert chosen(loop.history)["epoch"] == 4
    assert torch.equal(all_of(net), all_of(average.model.module))


def test_ctrl_c_keeps_the_best_so_far(make):
    ended = []
    loop = make(After(3, interrupt), epochs=9)
    loop.callbacks.append(Callback())
    loop.callbacks[-1].on_train_end = ended.append
    net = loop.fit()
    assert loop.stopped == "interrupted"
    assert loop.epoch == 3
    assert ended == [loop]
    best = make(epochs=9)
    best.recipe = best.recipe.set(optimization={"epochs": 3})
    assert torch.equal(all_of(net), all_of(best.fit()))


def test_ctrl_c_before_the_first_epoch_raises(make):
    loop = make()
    loop.callbacks.append(Callback())
    loop.callbacks[-1].on_step_end = interrupt
    with pytest.raises(KeyboardInterrupt):
        loop.fit()


def test_loop_is_deterministic(make):
    def trained(**changes):
        return all_of(make(WeightAveraging(0.04), OneCycle(0.3), epochs=2, dropout=0.2, **changes).fit())

    assert torch.equal(trained(), trained())
    assert not torch.equal(trained(), trained(seed=1))


class Saved(Callback):
    """The state after epoch 2, as a checkpoint holds it."""

    def __init__(self):
        self.file = io.BytesIO()

    def on_epoch_end(self, loop):
        if loop.epoch == 2:
            torch.save(loop.state(), self.file)


class Restored(Callback):
    """Another process goes on from there."""

    def __init__(self, saved):
        self.saved = saved

    def on_train_begin(self, loop):
        torch.manual_seed(99)
        self.saved.file.seek(0)
        loop.restore(torch.load(self.saved.file, weights_only=True))


@pytest.mark.parametrize("schedule", ["one-cycle", "step", "plateau", "constant"])
def test_resumed_loop_matches_an_uninterrupted_one(make, schedule):
    changes = {"schedule": schedule, "step_epochs": 2, "patience": 1, "early_stopping": 3, "averaging": 0.1}
    changes |= {"dropout": 0.2, "elastic": 0.5, "epochs": 5}

    def fitted(callback):
        loop = make(**changes)
        loop.callbacks = [*build_callbacks(loop.recipe.callbacks), callback]
        return all_of(loop.fit()), [(row["lr"], row["validation_loss"]) for row in loop.history]

    saved = Saved()
    weights, history = fitted(saved)
    resumed_weights, resumed_history = fitted(Restored(saved))
    assert torch.equal(resumed_weights, weights)
    assert resumed_history == history


def test_stopped_training_stays_stopped(make):
    stopped, resumed = make(epochs=9), make(epochs=9)
    stopped.stop("enough")
    resumed.restore({**stopped.state(), "best": stopped.net.state_dict(), "epoch": 4})
    resumed.fit()
    assert (resumed.stopped, resumed.epoch) == ("enough", 4)


def test_diverged_training_raises(make):
    ended = []
    loop = make(lr=1e30, epochs=3)
    loop.callbacks.append(Callback())
    loop.callbacks[-1].on_train_end = ended.append
    with pytest.raises(InkwiseError, match=r"^training diverged: .*; lower optimization\.lr$"):
        loop.fit()
    assert ended == [loop]


def test_network_broken_by_the_last_step_raises(make):
    def break_it(loop):
        loop.net.head.weight.data.fill_(math.nan)

    loop = make(epochs=1, batch=256)
    loop.callbacks.append(Callback())
    loop.callbacks[-1].on_step_end = break_it
    with pytest.raises(InkwiseError, match=r"^training diverged"):
        loop.fit()


def test_weights_decay_and_biases_do_not(make):
    loop = make()
    decaying, others = loop.optimizer.param_groups
    assert decaying["weight_decay"] == loop.recipe.optimization.weight_decay
    assert others["weight_decay"] == 0
    assert {p.ndim for p in decaying["params"]} == {2, 4}
    assert {p.ndim for p in others["params"]} == {1}
    assert len(decaying["params"]) + len(others["params"]) == len(list(loop.net.parameters()))


def test_schedule_scales_the_rate_of_every_layer(make):
    loop = make(layer_decay=0.5, lr=0.1)
    loop.set_lr(0.04)
    assert loop.lr == 0.04
    rates = {round(group["lr"], 9) for group in loop.optimizer.param_groups}
    assert rates == {0.04, 0.02, 0.01, 0.005, 0.0025, 0.00125}  # the head and five convolutions


@pytest.fixture
def contrary(base):
    """A teacher that calls every shape by the name of the next."""
    net, _ = net_from_onnx(base)
    with torch.no_grad():
        net.head.weight.copy_(net.head.weight.roll(1, 0))
        net.head.bias.copy_(net.head.bias.roll(1, 0))
    return net


def test_student_approaches_its_teacher_with_the_weight(make, samples, contrary):
    glyphs = samples[1].glyphs
    said, before = glyph_logits(contrary, glyphs).softmax(1), all_of(contrary)
    distances, agreements = [], []
    for teachers, taught in (((), 0.0), ([contrary], 0.5), ([contrary], 0.99)):
        in_the_end = []
        look = After(6, lambda loop, found=in_the_end: found.append(glyph_logits(loop.net, glyphs)))
        make(look, teachers=teachers, distillation_weight=taught, epochs=6).fit()
        (logits,) = in_the_end
        distances.append(float(distillation_loss(logits, said)))
        agreements.append(float((logits.argmax(1) == said.argmax(1)).float().mean()))
    assert distances[0] > distances[1] > distances[2]
    assert agreements[0] < 0.2
    assert agreements[2] > 0.8
    assert torch.equal(all_of(contrary), before), "a teacher does not learn"


def test_teacher_probabilities_are_averaged(make, samples, contrary, base, monkeypatch):
    averages = []
    monkeypatch.setattr(
        glyph_task, "distillation_loss", lambda logits, average: averages.append(average) or logits.sum()
    )
    teachers = [contrary, net_from_onnx(base)[0]]
    loop = make(teachers=teachers, rotate=0.0, scale=0.0, shear=0.0, shift=0.0)
    loop._training_step(torch.arange(8))
    inputs = samples[0].glyphs[:8, None].float() / 255
    with torch.no_grad():
        one, two = (teacher(inputs).softmax(1) for teacher in teachers)
    torch.testing.assert_close(averages, [(one + two) / 2])


def test_bfloat16_learns(make, samples):
    loop = make(OneCycle(0.3), WeightAveraging(0.04), precision="bfloat16", epochs=5)
    net = loop.fit()
    assert accuracy(net, samples[1]) >= 0.8
    assert {p.dtype for p in net.parameters()} == {torch.float32}


def test_logits_are_independent_of_the_batch(make, samples):
    net = make(epochs=1).fit()
    glyphs = samples[0].glyphs
    torch.testing.assert_close(
        glyph_logits(net, glyphs, batch=7), glyph_logits(net, glyphs), atol=1e-5, rtol=0
    )
    assert glyph_logits(net, glyphs[:1]).shape == (1, 4)
