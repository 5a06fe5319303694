import io
import math

import pytest
import torch
from torch import nn

from inkwise.training import load_recipe
from inkwise.training.glyph_task import classification_loss, distillation_loss
from inkwise.training.optimizers import Muon, build_optimizer

LOGITS = torch.log(torch.tensor([[0.7, 0.2, 0.1], [0.5, 0.25, 0.25]]))
CLASSES = torch.tensor([0, 1])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cross-entropy", -(torch.tensor(0.7).log() + torch.tensor(0.25).log()) / 2),
        ("mae", (0.3 + 0.2 + 0.1 + 0.5 + 0.75 + 0.25) / 6),
        ("mse", (0.09 + 0.04 + 0.01 + 0.25 + 0.5625 + 0.0625) / 6),
    ],
)
def test_classification_loss_follows_its_name(name, expected):
    chosen = load_recipe("default").set(optimization={"loss": name, "label_smoothing": 0.0})
    assert float(classification_loss(LOGITS, CLASSES, chosen.optimization)) == pytest.approx(float(expected))


def test_distillation_loss_is_the_divergence():
    taught = torch.tensor([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25]])
    first = sum(p * math.log(p / q) for p, q in zip((0.5, 0.25, 0.25), (0.7, 0.2, 0.1), strict=True))
    assert float(distillation_loss(LOGITS, taught)) == pytest.approx(first / 2)
    assert float(distillation_loss(LOGITS, LOGITS.softmax(1))) == pytest.approx(0, abs=1e-6)
    sure = torch.tensor([[1.0, 0, 0], [0, 1, 0]])
    assert float(distillation_loss(LOGITS, sure)) == pytest.approx(-(math.log(0.7) + math.log(0.25)) / 2)


@pytest.mark.parametrize("name", ["adamw", "adam", "rmsprop", "adadelta", "ftrl", "muon"])
def test_every_optimizer_lowers_the_loss(name):
    torch.manual_seed(0)
    net = nn.Linear(4, 1)
    chosen = load_recipe("default").set(
        optimization={"optimizer": name, "lr": 1.0 if name == "adadelta" else 0.05}
    )
    optimizer = build_optimizer(net, chosen.optimization)
    inputs = torch.randn(64, 4)
    wanted = inputs @ torch.tensor([[1.0], [-2.0], [0.5], [0.0]])
    losses = []
    for _ in range(400):
        loss = (net(inputs) - wanted).square().mean()
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < 0.5 * losses[0]


def test_biases_do_not_decay():
    net = nn.Linear(4, 1)
    weights, biases = build_optimizer(
        net, load_recipe("default").set(optimization={"weight_decay": 0.1}).optimization
    ).param_groups
    assert (weights["weight_decay"], biases["weight_decay"]) == (0.1, 0.0)
    assert weights["params"] == [net.weight]


@pytest.mark.parametrize("name", ["adamw", "adam", "rmsprop", "adadelta", "ftrl", "muon"])
def test_rate_falls_from_the_head_to_the_first_layer(name):
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Conv2d(2, 2, 3), nn.Flatten(), nn.Linear(8, 2)
    )
    chosen = load_recipe("default").set(
        optimization={"optimizer": name, "lr": 1.0, "layer_decay": 0.5, "weight_decay": 0.1}
    )
    groups = build_optimizer(net, chosen.optimization).param_groups
    rates = {id(parameter): group["lr"] for group in groups for parameter in group["params"]}
    expected = [
        0.25,
        0.25,
        0.25,
        0.25,
        0.5,
        0.5,
        1.0,
        1.0,
    ]  # the batch-norm is one layer with its convolution
    assert [rates[id(parameter)] for parameter in net.parameters()] == expected
    assert groups[0]["lr"] == 1.0


def test_without_layer_decay_there_are_two_groups():
    net = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    weights, biases = build_optimizer(net, load_recipe("default").optimization).param_groups
    assert weights["params"] == [net[0].weight, net[1].weight]
    assert biases["params"] == [net[0].bias, net[1].bias]


def test_layer_without_a_rate_is_frozen():
    net = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    groups = build_optimizer(
        net, load_recipe("default").set(optimization={"layer_decay": 0}).optimization
    ).param_groups
    assert [group["params"] for group in groups] == [[net[1].weight], [net[1].bias]]
    assert [parameter.requires_grad for parameter in net.parameters()] == [False, False, True, True]


@pytest.mark.parametrize("shape", [(8, 4, 3, 3), (16, 1, 3, 3)])
def test_muon_changes_filters_in_every_direction_alike(shape):
    torch.manual_seed(0)
    weights = torch.zeros(shape, requires_grad=True)
    weights.grad = torch.randn(shape) * torch.logspace(0, -1, shape[0])[:, None, None, None]
    Muon([{"params": [weights], "weight_decay": 0.0}], lr=0.1).step()
    lengths = torch.linalg.svdvals(weights.detach().flatten(1))  # ten times the rate is 1
    assert 0.5 < lengths.min() < lengths.max() < 1.3
    assert (weights.detach() * weights.grad).sum() < 0


def test_muon_uses_adamw_for_other_parameters():
    steps = []
    for name in ("muon", "adamw"):
        torch.manual_seed(0)
        net = nn.Linear(4, 2)
        optimizer = build_optimizer(
            net, load_recipe("default").set(optimization={"optimizer": name}).optimization
        )
        for _ in range(3):
            optimizer.zero_grad()
            net(torch.randn(8, 4)).square().mean().backward()
            optimizer.step()
        steps.append(net.weight.detach())
    torch.testing.assert_close(*steps)


def test_muon_resumes_from_its_state():
    torch.manual_seed(0)
    chosen = load_recipe("sprint-99").optimization
    whole, resumed = (nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(16, 2)) for _ in range(2))
    resumed.load_state_dict(whole.state_dict())
    batches = torch.randn(4, 8, 1, 4, 4)

    def steps(net, optimizer, batches):
        for batch in batches:
            optimizer.zero_grad()
            net(batch).square().mean().backward()
            optimizer.step()

    steps(whole, build_optimizer(whole, chosen), batches)
    before = build_optimizer(resumed, chosen)
    steps(resumed, before, batches[:2])
    file = io.BytesIO()
    torch.save(before.state_dict(), file)
    file.seek(0)
    after = build_optimizer(resumed, chosen)
    after.load_state_dict(torch.load(file, weights_only=True))
    steps(resumed, after, batches[2:])

    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)
