"""The nets have the shapes and sizes that they claim."""

import pytest
import torch

from inkwise._util.errors import InkwiseError
from inkwise.training import RECIPES, load_recipe
from inkwise.training.models.classifiers import ARCHITECTURES, architecture
from inkwise.training.models.network import standardize_layer


def make(classes=10, **changes):
    chosen = load_recipe("default").set(**changes)
    return ARCHITECTURES[chosen.net](chosen, classes).eval()


@pytest.mark.parametrize("name", [name for name in RECIPES if name != "lines"])
def test_a_net_is_features_and_a_head(name):
    chosen = load_recipe(name)
    net = ARCHITECTURES[chosen.net](chosen, 7).eval()
    glyphs = torch.rand(3, 1, 28, 28)
    embedding = net.features(glyphs)
    assert embedding.ndim == 2
    assert net(glyphs).shape == (3, 7)
    torch.testing.assert_close(net(glyphs), net.head(embedding))


def test_the_compact_net_is_as_small_as_it_says():
    parameters = sum(p.numel() for p in make(channels=(24, 32, 64)).parameters())
    assert f"{parameters:,}" in ARCHITECTURES["compact"].__doc__


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("lenet-dropout", [260, 7_028, 53_880, 10_890, 910]),  # the first document's own figures
        ("cnn-batchnorm", [384, 18_624, 74_112, 147_584, 1_290]),
        ("cnn-small", [208, 1_168, 102_656, 2_570]),
        ("lenet-robust", [520, 25_050, 625_500, 5_010]),
        ("mlp-50", [39_250, 2_550, 510]),
        ("cnn-adadelta", [320, 18_496, 2_359_552, 2_570]),
    ],
)
def test_the_documents_nets_have_their_sizes(name, parameters):
    net = ARCHITECTURES[name](load_recipe(name), 10)
    sizes = []
    for layer in net.modules():
        own = sum(p.numel() for p in layer.parameters(recurse=False))
        if isinstance(layer, torch.nn.BatchNorm2d):
            sizes[-1] += own
        elif own:
            sizes.append(own)
    assert sizes == parameters
    assert f"{sum(parameters):,}" in ARCHITECTURES[name].__doc__


@pytest.mark.parametrize("name", ["deep", "sprint"])
def test_a_deep_net_has_a_convolution_for_each_channel(name):
    for channels in ((4, 5, 6), (4, 5, 6, 7, 8)):
        layers = make(net=name, channels=channels).features
        assert [layer.out_channels for layer in layers if isinstance(layer, torch.nn.Conv2d)] == [*channels]


@pytest.mark.parametrize("name", ["deep", "sprint"])
@pytest.mark.parametrize("channels", [(8, 8), (8, 8, 0)])
def test_a_deep_net_takes_three_channels_or_more(name, channels):
    with pytest.raises(InkwiseError, match=f"net {name} takes three channels or more"):
        make(net=name, channels=channels)


def test_the_net_for_sprints_looks_at_glyphs_in_halves_and_quarters():
    glyphs, sides = torch.rand(1, 1, 28, 28), []
    for layer in make(net="sprint", channels=(4, 5, 6, 7)).features:
        if isinstance(layer, torch.nn.Conv2d):
            sides.append(layer(glyphs).shape[-1])
        glyphs = layer(glyphs)
    assert sides == [12, 12, 6, 6]
    assert glyphs.shape == (1, 36 * 7)


@pytest.mark.parametrize("neurons", [{"neurons1": 0}, {"neurons1": -1}, {"neurons2": -1}])
def test_a_perceptron_needs_neurons(neurons):
    with pytest.raises(InkwiseError, match="neurons1 and neurons2 must be at least 1 and 0"):
        load_recipe("mlp-50").set(**neurons)


def test_the_perceptrons_neurons_are_the_recipes():
    def sizes(neurons2):
        net = ARCHITECTURES["mlp-50"](load_recipe("mlp-50").set(neurons1=25, neurons2=neurons2), 10)
        return [layer.out_features for layer in net.modules() if isinstance(layer, torch.nn.Linear)]

    assert sizes(75) == [25, 75, 10]
    assert sizes(0) == [25, 10]
    with pytest.raises(InkwiseError, match="net mlp-50 is for the recipe mlp-50, not default"):
        make(net="mlp-50")


def test_standardised_pixels_have_mnists_mean_and_deviation():
    glyphs = torch.tensor([0.1307, 0.1307 + 0.3081]).repeat(392).reshape(1, 1, 28, 28)
    (layer,) = standardize_layer(load_recipe("lenet-dropout"))
    torch.testing.assert_close(layer(glyphs).flatten()[:2], torch.tensor([0.0, 1.0]))
    assert standardize_layer(load_recipe("default")) == []


def test_a_fresh_net_is_ready_to_train():
    chosen = load_recipe("default")
    assert ARCHITECTURES["compact"](chosen, 10).training
    assert ARCHITECTURES["compact"](chosen, 10).features.training


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
    assert architecture("compact") is ARCHITECTURES["compact"]
    with pytest.raises(InkwiseError, match=r"^no net 'compct'; did you mean compact\?$"):
        architecture("compct")
