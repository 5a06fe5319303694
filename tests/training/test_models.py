"""Shapes and sizes of the networks."""

import pytest
import torch
from recipe_keys import with_keys

from inkwise._util.errors import InkwiseError
from inkwise.reproduction.document_systems import DOCUMENT_RECIPES
from inkwise.training import load_recipe
from inkwise.training.models import (
    ARCHITECTURES,
    Crop,
    build_net,
    standardize_layer,
    summarize_layers,
)

SPRINTS = ["sprint-99", "sprint-993", "sprint-995"]
CLASSIFIERS = ["default", "hands", "tiny", *SPRINTS, *(one.name for one in DOCUMENT_RECIPES)]
LINE_CHANNELS = (4, 4, 8, 8, 16)


def make(classes=10, **changes):
    return build_net(with_keys(load_recipe("default"), **changes).model, classes).eval()


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_net_is_features_and_a_head(name):
    net = build_net(load_recipe(name).model, 7).eval()
    glyphs = torch.rand(3, 1, 28, 28)
    embedding = net.features(glyphs)
    assert embedding.ndim == 2
    assert net(glyphs).shape == (3, 7)
    torch.testing.assert_close(net(glyphs), net.head(embedding))


def test_compact_has_the_documented_size():
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
def test_document_networks_have_their_sizes(name, parameters):
    net = build_net(load_recipe(name).model, 10)
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
def test_deep_has_a_convolution_per_channel(name):
    for channels in ((4, 5, 6), (4, 5, 6, 7, 8)):
        layers = make(net=name, channels=channels).features
        assert [layer.out_channels for layer in layers if isinstance(layer, torch.nn.Conv2d)] == [*channels]


@pytest.mark.parametrize("name", ["deep", "sprint"])
@pytest.mark.parametrize("channels", [(8, 8), (8, 8, 0)])
def test_deep_rejects_fewer_than_three_channels(name, channels):
    with pytest.raises(InkwiseError, match=f"net {name} takes three channels or more"):
        make(net=name, channels=channels)


def test_sprint_crops_and_halves_the_glyph():
    glyphs, sides = torch.rand(1, 1, 28, 28), []
    for layer in make(net="sprint", channels=(4, 5, 6, 7)).features:
        if isinstance(layer, torch.nn.Conv2d):
            sides.append(layer(glyphs).shape[-1])
        glyphs = layer(glyphs)
    assert sides == [10, 10, 5, 3]
    assert glyphs.shape == (1, 9 * 7)


def test_crop_removes_the_border():
    glyphs = torch.zeros(1, 1, 28, 28)
    glyphs[:, :, 2, 25] = 1
    assert Crop()(glyphs).nonzero().tolist() == [[0, 0, 0, 23]]


@pytest.mark.parametrize("neurons", [{"neurons1": 0}, {"neurons1": -1}, {"neurons2": -1}])
def test_perceptron_rejects_too_few_neurons(neurons):
    with pytest.raises(InkwiseError, match=r"recipe key model.neurons[12] must be in \[[01], inf\), not"):
        load_recipe("mlp-50").set(model=neurons)


def test_perceptron_has_the_recipe_neurons():
    def sizes(neurons2):
        net = build_net(load_recipe("mlp-50").set(model={"neurons1": 25, "neurons2": neurons2}).model, 10)
        return [layer.out_features for layer in net.modules() if isinstance(layer, torch.nn.Linear)]

    assert sizes(75) == [25, 75, 10]
    assert sizes(0) == [25, 10]
    with pytest.raises(InkwiseError, match="net mlp-50 needs the recipe mlp-50"):
        make(net="mlp-50")


def test_standardize_layer_uses_mnist_mean_and_deviation():
    glyphs = torch.tensor([0.1307, 0.1307 + 0.3081]).repeat(392).reshape(1, 1, 28, 28)
    (layer,) = standardize_layer(load_recipe("lenet-dropout").model)
    torch.testing.assert_close(layer(glyphs).flatten()[:2], torch.tensor([0.0, 1.0]))
    assert standardize_layer(load_recipe("default").model) == []


def test_untrained_net_is_in_training_mode():
    net = build_net(load_recipe("default").model, 10)
    assert net.training
    assert net.features.training


def test_dropout_follows_the_recipe():
    net = make(dropout=0.5).train()
    glyphs = torch.rand(1, 1, 28, 28).expand(8, -1, -1, -1)
    assert net(glyphs).std(0).max() > 0
    assert make().train()(glyphs).std(0).max() < 1e-5


@pytest.mark.parametrize("channels", [(), (8, 8), (8, 8, 8, 8), (8, 0, 8)])
def test_compact_takes_three_channels(channels):
    with pytest.raises(InkwiseError, match="net compact takes three channels, each at least 1, not"):
        make(channels=channels)


def test_unknown_net_names_the_nearest():
    with pytest.raises(InkwiseError, match=r"^no net 'compct'; did you mean compact\?$"):
        make(net="compct")


def test_summary_lists_the_layers_of_document_1():
    rows = summarize_layers(build_net(load_recipe("lenet-dropout").model, 10))

    assert [row for row in rows if row[2]] == [
        ("Conv2d", (10, 24, 24), 260),
        ("Conv2d", (28, 8, 8), 7_028),
        ("Linear", (120,), 53_880),
        ("Linear", (90,), 10_890),
        ("Linear", (10,), 910),
    ]
    assert rows[0] == ("Standardize", (1, 28, 28), 0)
    assert sum(count for _, _, count in rows) == 72_968


@pytest.mark.parametrize("name", ["default", "cnn-batchnorm", "mlp-50"])
def test_summary_counts_every_parameter_once(name):
    net = build_net(load_recipe(name).model, 10)
    assert sum(count for _, _, count in summarize_layers(net)) == sum(p.numel() for p in net.parameters())


def test_summary_keeps_the_network_unchanged():
    net = build_net(load_recipe("cnn-batchnorm").model, 10).train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    state = torch.get_rng_state()

    summarize_layers(net)

    assert all(part.training and not part._forward_hooks for part in net.modules())
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert torch.equal(state, torch.get_rng_state())
