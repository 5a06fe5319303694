"""The nets have the shapes and sizes that they claim."""

import pytest
import torch

from inkwise.errors import InkwiseError
from inkwise.training import recipe
from inkwise.training.nets import NETS
from inkwise.training.run import net_of


def make(classes=10, **changes):
    chosen = recipe("default").set(**changes)
    return NETS[chosen.net](chosen, classes).eval()


@pytest.mark.parametrize("name", NETS)
def test_a_net_is_features_and_a_head(name):
    net = make(classes=7, net=name)
    glyphs = torch.rand(3, 1, 28, 28)
    embedding = net.features(glyphs)
    assert embedding.ndim == 2
    assert net(glyphs).shape == (3, 7)
    torch.testing.assert_close(net(glyphs), net.head(embedding))


def test_the_compact_net_is_as_small_as_it_says():
    parameters = sum(p.numel() for p in make(channels=(24, 32, 64)).parameters())
    assert f"{parameters:,}" in NETS["compact"].__doc__


def test_a_fresh_net_is_ready_to_train():
    chosen = recipe("default")
    assert NETS["compact"](chosen, 10).training
    assert NETS["compact"](chosen, 10).features.training


def test_dropout_is_the_recipes():
    net = make(dropout=0.5).train()
    glyphs = torch.rand(1, 1, 28, 28).expand(8, -1, -1, -1)
    assert net(glyphs).std(0).max() > 0
    assert make().train()(glyphs).std(0).max() < 1e-5


@pytest.mark.parametrize("channels", [(), (8, 8), (8, 8, 8, 8), (8, 0, 8)])
def test_the_compact_net_takes_three_channels(channels):
    with pytest.raises(InkwiseError, match="net compact takes three channels, each at least 1, not"):
        make(channels=channels)


def test_an_unknown_net_names_the_nearest():
    assert net_of("compact") is NETS["compact"]
    with pytest.raises(InkwiseError, match=r"^no net 'compct'; did you mean compact\?$"):
        net_of("compct")
