"""Texts become what is searched, or one line that says why not."""

import itertools

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from inkwise._util.errors import InkwiseError
from inkwise.training import load_recipe
from inkwise.tuning import parse_space
from inkwise.tuning.search_space import apply_values, grid_points


@pytest.mark.parametrize(
    ("text", "distribution"),
    [
        ("model.neurons2=25,50,75", CategoricalDistribution([25, 50, 75])),
        ("model.neurons2=50,25,50", CategoricalDistribution([50, 25])),
        ("model.dropout=0,0.5", CategoricalDistribution([0.0, 0.5])),
        ("optimization.loss=mae, mse", CategoricalDistribution(["mae", "mse"])),
        ("model.standardize=true,false", CategoricalDistribution([True, False])),
        ("data.train=../a,b.csv;mnist-train", CategoricalDistribution(["../a,b.csv", "mnist-train"])),
        ("model.init=default,../a.onnx", CategoricalDistribution(["default", "../a.onnx"])),
        ("model.neurons2=8..64", IntDistribution(8, 64)),
        ("optimization.lr=1e-4..1e-2", FloatDistribution(1e-4, 1e-2, log=True)),
        ("model.dropout=0.07..0.7", FloatDistribution(0.07, 0.7, log=True)),
        ("optimization.lr=0.001..0.005", FloatDistribution(1e-3, 5e-3)),
        ("model.dropout=0..0.5", FloatDistribution(0.0, 0.5)),
    ],
)
def test_parse_space(text, distribution):
    assert [*parse_space(load_recipe("mlp-50"), [text]).values()] == [distribution]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["neurons"], r"^--space 'neurons': expected key=a,b,c or key=low\.\.high$"),
        (
            ["model.neuron2=25"],
            r"^recipe mlp-50 has no key .*; did you mean model\.neurons2",
        ),
        (["model.neurons2="], "^--space 'model.neurons2=': no values$"),
        (["model.neurons2=25", "model.neurons2=50"], "^--space names model.neurons2 twice$"),
        (["model.neurons2=25,x"], "^recipe key model.neurons2 takes int, not 'x'$"),
        (["model.neurons2=1.5..8"], r"^recipe key model.neurons2 takes int, not '1\.5'$"),
        (["optimization.epochs=3,0"], r"^recipe key optimization.epochs must be in \[1, inf\), not 0$"),
        (["model.dropout=0..1"], r"^recipe key model.dropout must be in \[0, 1\), not 1\.0$"),
        (["optimization.lr=1e-2..1e-4"], r"^--space optimization.lr=1e-2\.\.1e-4: an empty range$"),
        (["optimization.lr=nan..1"], "lr"),
        (["augmentation.rotate=nan..1"], "rotate"),
        (["augmentation.rotate=1..inf"], "rotate"),
        (["model.neurons2=50..50"], r"^--space model.neurons2=50\.\.50: an empty range$"),
        (
            ["optimization.loss=mae..mse"],
            r"^--space .*=mae\.\.mse: .* is not a number; write choices, .*",
        ),
        (["model.standardize=false..true"], "model.standardize is not a number"),
        (["optimization.loss=mae,mea"], "^recipe key optimization.loss takes one of .*, not 'mea'$"),
    ],
)
def test_parse_space_rejects_bad_input(texts, message):
    with pytest.raises(InkwiseError, match=message):
        parse_space(load_recipe("mlp-50"), texts)


def test_grid_points_are_all_combinations():
    space = parse_space(load_recipe("mlp-50"), ["model.neurons2=25,50", "seed=0..2"])
    assert [tuple(values.items()) for values in grid_points(space)] == [
        (("model.neurons2", neurons), ("seed", seed))
        for neurons, seed in itertools.product([25, 50], [0, 1, 2])
    ]


def test_grid_points_reject_range_of_floats():
    with pytest.raises(InkwiseError, match=r"^a grid needs choices: write --space optimization.lr=a,b,c$"):
        grid_points(parse_space(load_recipe("mlp-50"), ["optimization.lr=1e-4..1e-2"]))


@pytest.mark.parametrize(
    "texts", [["seed=0..10000"], ["seed=0..10", "optimization.epochs=1..1000"], [f"seed=0..{10**30}"]]
)
def test_grid_points_reject_too_large_grid(texts):
    with pytest.raises(InkwiseError, match=r"^a grid of more than 10,000 combinations: take fewer values"):
        grid_points(parse_space(load_recipe("mlp-50"), texts))
    assert len([*grid_points(parse_space(load_recipe("mlp-50"), ["seed=1..10000"]))]) == 10_000


def test_apply_values():
    values = {"model.neurons2": 25, "optimization.lr": 0.1 + 0.2, "optimization.loss": "mae"}
    values |= {"model.standardize": True, "data.train": "a,b"}
    changed = apply_values(load_recipe("mlp-50"), values)
    assert (changed.model.neurons2, changed.model.standardize) == (25, True)
    assert (changed.optimization.lr, changed.optimization.loss) == (0.1 + 0.2, "mae")
    assert changed.data.train == ("a", "b")
