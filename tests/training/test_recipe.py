"""Recipes: names, keys in sections, values by type and interval, JSON."""

import json
import math
import re
from dataclasses import FrozenInstanceError, fields

import pytest

from inkwise._util.errors import DataError, InkwiseError
from inkwise.training import RECIPES, load_plugins, load_recipe, resumed_recipe

load_plugins()

NO_RECIPE = 'holds no recipe, such as {"recipe": "default", "optimization": {"epochs": 3}}'


@pytest.mark.parametrize("name", RECIPES)
def test_load_recipe_finds_every_name(name):
    assert load_recipe(name) is RECIPES[name]
    assert load_recipe(name).name == name


def test_unknown_recipe_names_the_nearest():
    with pytest.raises(InkwiseError, match=r"^no recipe 'defualt'; did you mean default\?$"):
        load_recipe("defualt")
    with pytest.raises(InkwiseError, match=f"^no recipe 'xyz'; there are: {', '.join(RECIPES)}$"):
        load_recipe("xyz")


def test_set_returns_a_changed_copy():
    before = load_recipe("default")
    after = before.set(seed=2, optimization={"epochs": 3}, data={"train": ["a.csv", "b.npz"]})
    assert (after.seed, after.optimization.epochs, after.data.train) == (2, 3, ("a.csv", "b.npz"))
    assert after.optimization.lr == before.optimization.lr
    assert type(after) is type(before)
    assert before == load_recipe("default")


def test_recipe_is_frozen():
    with pytest.raises(FrozenInstanceError):
        load_recipe("default").optimization.epochs = 3


def test_set_text_parses_values_by_the_type_of_the_key():
    texts = [
        "seed=4",
        "optimization.epochs=3",
        "optimization.lr=1e-3",
        "data.train=mnist-train,my=odd.csv",
        "model.channels=8,16,32",
        "callbacks.schedule=step",
        "data.test=",
        "data.negatives=letters.npz,words.npz",
        "optimization.teachers=default,runs/one",
    ]
    chosen = load_recipe("default").set_text(texts)
    assert (chosen.optimization.epochs, chosen.optimization.lr, chosen.seed) == (3, 0.001, 4)
    assert (chosen.data.train, chosen.data.test) == (("mnist-train", "my=odd.csv"), ())
    assert (chosen.model.channels, chosen.callbacks.schedule) == ((8, 16, 32), "step")
    assert chosen.data.negatives == ("letters.npz", "words.npz")
    assert chosen.optimization.teachers == ("default", "runs/one")
    assert load_recipe("default").set_text([]) == load_recipe("default")


def test_value_returns_the_value_of_a_key():
    assert load_recipe("hands").value("augmentation.rotate") == 12.0
    assert load_recipe("hands").value("seed") == 0
    with pytest.raises(
        InkwiseError, match=r"^recipe hands has no key 'lr'; did you mean optimization\.lr\?$"
    ):
        load_recipe("hands").value("lr")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("epoch=3", r"recipe default has no key 'epoch'; did you mean optimization\.epochs.*\?"),
        ("optimization.epoch=3", r"recipe default has no key .*; did you mean optimization\.epochs.*\?"),
        ("data=a.csv", r"recipe default has no key 'data'; .*"),
        ("zzz=3", r"recipe default has no key 'zzz'; there are: seed, data\.train, .*"),
        ("optimization.epochs", r"--set 'optimization\.epochs': write key=value"),
        ("optimization.epochs=many", r"recipe key optimization\.epochs takes int, not 'many'"),
        ("optimization.epochs=2.5", r"recipe key optimization\.epochs takes int, not '2\.5'"),
        ("optimization.lr=fast", r"recipe key optimization\.lr takes float, not 'fast'"),
        ("model.channels=8,x", r"recipe key model\.channels takes list of int, not '8,x'"),
        (
            "callbacks.schedule=cosine",
            r"recipe key callbacks\.schedule takes one of one-cycle, step, .*, not 'cosine'",
        ),
        ("data.train=", r"recipe key data\.train must name at least one data set"),
        ("optimization.epochs=0", r"recipe key optimization\.epochs must be in \[1, inf\), not 0"),
        ("optimization.lr=nan", r"recipe key optimization\.lr must be finite, not nan"),
        ("augmentation.rotate=inf", r"recipe key augmentation\.rotate must be finite, not inf"),
        ("optimization.lr=inf", r"recipe key optimization\.lr must be finite, not inf"),
        ("optimization.lr=0", r"recipe key optimization\.lr must be in \(0, inf\), not 0\.0"),
        ("optimization.weight_decay=-1", r"recipe key .*weight_decay must be in \[0, inf\), not -1\.0"),
        ("callbacks.warmup=1", r"recipe key callbacks\.warmup must be in \[0, 1\), not 1\.0"),
        ("optimization.distillation_weight=1", r"recipe key .* must be in \[0, 1\), not 1\.0"),
        ("data.synthetic_negatives=-1", r"recipe key .* must be in \[0, inf\), not -1"),
        ("seed=-1", r"recipe key seed must be in \[0, inf\), not -1"),
        ("model.dropout=1", r"recipe key model\.dropout must be in \[0, 1\), not 1\.0"),
        ("optimization.layer_decay=1.1", r"recipe key .*layer_decay must be in \[0, 1\], not 1\.1"),
        ("data.validation=0", r"recipe key data\.validation must be in \(0, 1\), not 0\.0"),
    ],
)
def test_set_text_rejects_invalid_keys_and_values(text, reason):
    with pytest.raises(InkwiseError, match=f"^{reason}$"):
        load_recipe("default").set_text([text])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lrr": 1}, r"recipe default has no key 'lrr'; did you mean optimization\.lr"),
        ({"name": "mine"}, "recipe default has no key 'name'"),
        ({"data": "mnist-train"}, "recipe section data takes keys and values, not 'mnist-train'"),
        ({"optimization": {"epochs": "3"}}, r"recipe key optimization\.epochs takes int, not '3'"),
        ({"optimization": {"epochs": True}}, r"recipe key optimization\.epochs takes int, not True"),
        ({"optimization": {"epochs": 2.0}}, r"recipe key optimization\.epochs takes int, not 2\.0"),
        ({"optimization": {"lr": None}}, r"recipe key optimization\.lr takes float, not None"),
        ({"data": {"train": "mnist-train"}}, r"recipe key data\.train takes list of str, not 'mnist-train'"),
        ({"model": {"channels": (8, "x")}}, r"recipe key model\.channels takes list of int, not \(8, 'x'\)"),
        (
            {"optimization": {"precision": "half"}},
            r"recipe key optimization\.precision takes one of auto, float32, bfloat16, not 'half'",
        ),
    ],
)
def test_set_rejects_values_of_the_wrong_type(change, reason):
    with pytest.raises(InkwiseError, match=f"^{reason}"):
        load_recipe("default").set(**change)


def test_float_key_takes_an_integer():
    assert load_recipe("default").set(optimization={"lr": 1}).optimization.lr == 1


def test_key_names_are_unique_without_their_sections():
    for recipe in RECIPES.values():
        leaves = [key.rpartition(".")[2] for key in recipe.values()]
        assert len({*leaves}) == len(leaves)


def test_to_dict_holds_the_name_and_every_section():
    keys = load_recipe("hands").to_dict()
    assert list(keys) == ["recipe", "seed", "data", "augmentation", "model", "optimization", "callbacks"]
    assert keys["recipe"] == "hands"
    assert list(keys["model"]) == [field.name for field in fields(load_recipe("hands").model)]


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_survives_json(tmp_path, name):
    chosen = load_recipe(name).set(
        data={"train": ("a", "b"), "test": ()}, optimization={"lr": 1 / 3}, model={"channels": (1, 2, 3)}
    )
    (tmp_path / "recipe.json").write_text(json.dumps({"recipe": chosen.to_dict(), "commit": None}))
    again = resumed_recipe(tmp_path)
    assert again == chosen
    assert type(again.model) is type(chosen.model)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"recipe": {}}',
        '{"recipe": 3}',
        '{"recipe": {"recipe": "none"}}',
        '{"recipe": {"recipe": "default", "epochs": 3}}',
        '{"recipe": {"recipe": "default", "optimization": {"epoch": 3}}}',
        '{"recipe": {"recipe": "default", "optimization": {"epochs": "3"}}}',
    ],
)
def test_resumed_recipe_rejects_a_damaged_file(tmp_path, text):
    (tmp_path / "recipe.json").write_text(text)
    with pytest.raises(DataError, match=r": no run to resume \(recipe\.json is missing or damaged\)$"):
        resumed_recipe(tmp_path)


@pytest.fixture
def file(tmp_path):
    """file(content) writes a .json file and gives its path."""

    def file(content):
        path = tmp_path / "best.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    return file


def test_load_recipe_reads_a_file(file):
    keys = {"recipe": "mlp-50", "model": {"neurons1": 25}, "optimization": {"lr": 0.01}}
    expected = load_recipe("mlp-50").set(model={"neurons1": 25}, optimization={"lr": 0.01})
    assert load_recipe(file(keys)) == expected
    chosen = load_recipe("hands").set(optimization={"epochs": 3}, data={"train": ("a.csv", "b.npz")})
    assert load_recipe(file(chosen.to_dict())) == chosen
    assert load_recipe(file({"recipe": chosen.to_dict(), "commit": None})) == chosen, "a run's recipe.json"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ([], NO_RECIPE),
        ({"epochs": 3}, NO_RECIPE),
        ({"recipe": 3}, NO_RECIPE),
        ({"recipe": {"recipe": {}}}, NO_RECIPE),
        ({"recipe": "defualt"}, "no recipe 'defualt'; did you mean default?"),
        ({"recipe": "other.json"}, "no recipe 'other.json'; there are: .*"),
        ({"recipe": "default", "epoch": 3}, "recipe default has no key 'epoch'; did you mean optimization.*"),
        ({"recipe": "default", "data": ["a.csv"]}, "recipe section data takes keys and values, not .*"),
        ({"recipe": "default", "self": 3}, "recipe default has no key 'self'.*"),
        ({"recipe": "default", "seed": "3"}, "recipe key seed takes int, not '3'"),
        (
            {"recipe": "default", "callbacks": {"schedule": ["step"]}},
            "recipe key callbacks.schedule takes one of .*",
        ),
        ({"recipe": "default", "seed": math.nan}, "is not JSON"),
    ],
)
def test_load_recipe_rejects_other_files(file, content, reason):
    with pytest.raises(InkwiseError) as caught:
        load_recipe(file(content))
    assert re.fullmatch(rf".*best\.json: {reason.replace('?', '[?]')}", str(caught.value))


def test_load_recipe_rejects_a_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"none\.json: cannot be opened \(No such file or directory\)$"):
        load_recipe(str(tmp_path / "none.json"))


def test_resumed_recipe_rejects_a_folder_without_a_run(tmp_path):
    with pytest.raises(DataError, match="none: no run to resume"):
        resumed_recipe(tmp_path / "none")
