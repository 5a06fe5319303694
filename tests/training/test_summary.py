import pytest
import torch

from inkwise.training import load_recipe
from inkwise.training.models.classifiers import ARCHITECTURES
from inkwise.training.models.network import Net
from inkwise.training.models.summary import summarize_layers


def net_of(name: str) -> Net:
    return ARCHITECTURES[load_recipe(name).net](load_recipe(name), 10)


def test_the_layers_of_the_first_document_are_those_that_it_tells_of() -> None:
    rows = summarize_layers(net_of("lenet-dropout"))

    assert [row for row in rows if row[2]] == [
        ("Conv2d", (10, 24, 24), 260),
        ("Conv2d", (28, 8, 8), 7_028),
        ("Linear", (120,), 53_880),
        ("Linear", (90,), 10_890),
        ("Linear", (10,), 910),
    ]
    assert rows[0] == ("Standardise", (1, 28, 28), 0)
    assert sum(count for _, _, count in rows) == 72_968


@pytest.mark.parametrize("name", ["default", "cnn-batchnorm", "mlp-50"])
def test_no_parameter_is_left_out_or_counted_twice(name: str) -> None:
    net = net_of(name)
    assert sum(count for _, _, count in summarize_layers(net)) == sum(p.numel() for p in net.parameters())


def test_the_net_stays_as_it_is() -> None:
    net = net_of("cnn-batchnorm").train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    state = torch.get_rng_state()

    summarize_layers(net)

    assert all(part.training and not part._forward_hooks for part in net.modules())
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert torch.equal(state, torch.get_rng_state())
