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
        ("neurons2=25,50,75", CategoricalDistribution([25, 50, 75])),
        ("neurons2=50,25,50", CategoricalDistribution([50, 25])),
        ("dropout=0,0.5", CategoricalDistribution([0.0, 0.5])),
        ("loss=mae, mse", CategoricalDistribution(["mae", "mse"])),
        ("standardise=true,false", CategoricalDistribution([True, False])),
        ("data=../a,b.csv;mnist-train", CategoricalDistribution(["../a,b.csv", "mnist-train"])),
        ("init=default,../a.onnx", CategoricalDistribution(["default", "../a.onnx"])),
        ("neurons2=8..64", IntDistribution(8, 64)),
        ("lr=1e-4..1e-2", FloatDistribution(1e-4, 1e-2, log=True)),
        ("dropout=0.07..0.7", FloatDistribution(0.07, 0.7, log=True)),
        ("lr=0.001..0.005", FloatDistribution(1e-3, 5e-3)),
        ("dropout=0..0.5", FloatDistribution(0.0, 0.5)),
    ],
)
def test_parse_space(text, distribution):
    assert [*parse_space(load_recipe("mlp-50"), [text]).values()] == [distribution]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["neurons"], r"^--space 'neurons': expected key=a,b,c or key=low\.\.high$"),
        (["neuron2=25"], r"^recipe mlp-50 has no key 'neuron2'; did you mean neurons2 or neurons1\?$"),
        (["neurons2="], "^--space 'neurons2=': no values$"),
        (["neurons2=25", "neurons2=50"], "^--space names neurons2 twice$"),
        (["neurons2=25,x"], "^recipe key neurons2 takes int, not 'x'$"),
        (["neurons2=1.5..8"], r"^recipe key neurons2 takes int, not '1\.5'$"),
        (["epochs=3,0"], "^recipe key epochs must be at least 1, not 0$"),
        (["dropout=0..1"], r"^recipe key dropout must be in \[0, 1\), not 1\.0$"),
        (["lr=1e-2..1e-4"], r"^--space lr=1e-2\.\.1e-4: an empty range$"),
        (["lr=nan..1"], "lr"),
        (["rotate=nan..1"], "rotate"),
        (["rotate=1..inf"], "rotate"),
        (["neurons2=50..50"], r"^--space neurons2=50\.\.50: an empty range$"),
        (["loss=mae..mse"], "^--space loss=mae..mse: loss is not a number; write choices, loss=a,b,c$"),
        (["standardise=false..true"], "standardise is not a number"),
        (["loss=mae,mea"], "^recipe key loss takes one of .*, not 'mea'$"),
    ],
)
def test_parse_space_rejects_bad_input(texts, message):
    with pytest.raises(InkwiseError, match=message):
        parse_space(load_recipe("mlp-50"), texts)


def test_grid_points_are_all_combinations():
    space = parse_space(load_recipe("mlp-50"), ["neurons2=25,50", "seed=0..2"])
    assert [tuple(values.items()) for values in grid_points(space)] == [
        (("neurons2", neurons), ("seed", seed)) for neurons, seed in itertools.product([25, 50], [0, 1, 2])
    ]


def test_grid_points_reject_range_of_floats():
    with pytest.raises(InkwiseError, match=r"^a grid needs choices: write --space lr=a,b,c$"):
        grid_points(parse_space(load_recipe("mlp-50"), ["lr=1e-4..1e-2"]))


@pytest.mark.parametrize(
    "texts", [["seed=0..10000"], ["seed=0..10", "epochs=1..1000"], [f"seed=0..{10**30}"]]
)
def test_grid_points_reject_too_large_grid(texts):
    with pytest.raises(InkwiseError, match=r"^a grid of more than 10,000 combinations: take fewer values"):
        grid_points(parse_space(load_recipe("mlp-50"), texts))
    assert len([*grid_points(parse_space(load_recipe("mlp-50"), ["seed=1..10000"]))]) == 10_000


def test_apply_values():
    values = {"neurons2": 25, "lr": 0.1 + 0.2, "loss": "mae", "standardise": True, "data": "a,b"}
    changed = apply_values(load_recipe("mlp-50"), values)
    assert (changed.neurons2, changed.lr, changed.loss, changed.standardise) == (25, 0.1 + 0.2, "mae", True)
    assert changed.data == ("a", "b")
