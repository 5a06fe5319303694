"""A recipe says no to whatever it does not know."""

import json
import math
import re
from dataclasses import FrozenInstanceError, dataclass, fields

import pytest

from inkwise._util.errors import DataError, InkwiseError
from inkwise.training import RECIPES, Recipe, load_recipe, resumed_recipe


def test_every_recipe_is_had_by_its_name():
    for name, kind in RECIPES.items():
        assert type(load_recipe(name)) is kind
        assert load_recipe(name).name == name
        assert kind.__doc__


def test_a_recipe_is_a_short_diff_from_the_defaults():
    @dataclass(frozen=True)
    class Quick(Recipe):
        name = "quick"
        epochs: int = 1

    differ = {f.name for f in fields(Recipe) if getattr(Quick(), f.name) != getattr(Recipe(), f.name)}
    assert differ == {"epochs"}


def test_an_unknown_recipe_names_the_nearest():
    with pytest.raises(InkwiseError, match=r"^no recipe 'defualt'; did you mean default\?$"):
        load_recipe("defualt")
    with pytest.raises(InkwiseError, match=f"^no recipe 'xyz'; there are: {', '.join(RECIPES)}$"):
        load_recipe("xyz")


def test_set_gives_a_copy():
    before = load_recipe("default")
    after = before.set(epochs=3, data=["a.csv", "b.npz"])
    assert (after.epochs, after.data) == (3, ("a.csv", "b.npz"))
    assert type(after) is type(before)
    assert before == load_recipe("default")


def test_a_recipe_is_frozen():
    with pytest.raises(FrozenInstanceError):
        load_recipe("default").epochs = 3


def test_texts_become_what_the_key_takes():
    texts = [
        "epochs=3",
        "lr=1e-3",
        "data=mnist-train,my=odd.csv",
        "channels=8,16,32",
        "schedule=step",
        "test=",
        "others=letters.npz,words.npz",
        "teachers=default,runs/one",
    ]
    chosen = load_recipe("default").set_text(texts)
    assert (chosen.epochs, chosen.lr, chosen.schedule) == (3, 0.001, "step")
    assert (chosen.data, chosen.channels, chosen.test) == (("mnist-train", "my=odd.csv"), (8, 16, 32), ())
    assert (chosen.others, chosen.teachers) == (("letters.npz", "words.npz"), ("default", "runs/one"))
    assert load_recipe("default").set_text([]) == load_recipe("default")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("epoch=3", r"recipe default has no key 'epoch'; did you mean epochs.*\?"),
        ("zzz=3", "recipe default has no key 'zzz'; there are: data, .*, precision"),
        ("epochs", "--set 'epochs': write key=value"),
        ("epochs=many", "recipe key epochs takes int, not 'many'"),
        ("epochs=2.5", "recipe key epochs takes int, not '2.5'"),
        ("lr=fast", "recipe key lr takes float, not 'fast'"),
        ("channels=8,x", "recipe key channels takes list of int, not '8,x'"),
        ("schedule=cosine", "recipe key schedule takes one of one-cycle, step, .*, not 'cosine'"),
        ("data=", "recipe key data must name at least one data set"),
        ("epochs=0", "recipe key epochs must be at least 1, not 0"),
        ("lr=nan", "recipe key lr must be finite, not nan"),
        ("rotate=inf", "recipe key rotate must be finite, not inf"),
        ("lr=inf", "recipe key lr must be finite, not inf"),
        ("weight_decay=-1", "recipe key weight_decay must not be below 0: -1.0"),
        ("warmup=1", r"recipe key warmup must be in \[0, 1\), not 1.0"),
        ("taught=1", r"recipe key taught must be in \[0, 1\), not 1.0"),
        ("invented=-1", "recipe key invented must not be below 0: -1"),
        ("dropout=1", r"recipe key dropout must be in \[0, 1\), not 1.0"),
        ("layer_decay=1.1", r"recipe key layer_decay must be in \[0, 1\], not 1.1"),
        ("validation=0", "recipe key validation must be above 0: without it nothing can be chosen"),
    ],
)
def test_a_text_that_cannot_be_meant(text, reason):
    with pytest.raises(InkwiseError, match=f"^{reason}$"):
        load_recipe("default").set_text([text])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lrr": 1}, r"recipe default has no key 'lrr'; did you mean lr\?"),
        ({"name": "mine"}, "recipe default has no key 'name'"),
        ({"epochs": "3"}, "recipe key epochs takes int, not '3'"),
        ({"epochs": True}, "recipe key epochs takes int, not True"),
        ({"epochs": 2.0}, "recipe key epochs takes int, not 2.0"),
        ({"lr": None}, "recipe key lr takes float, not None"),
        ({"data": "mnist-train"}, "recipe key data takes list of str, not 'mnist-train'"),
        ({"channels": (8, "x")}, r"recipe key channels takes list of int, not \(8, 'x'\)"),
        ({"precision": "half"}, "recipe key precision takes one of auto, float32, bfloat16, not 'half'"),
    ],
)
def test_a_value_of_the_wrong_type(change, reason):
    with pytest.raises(InkwiseError, match=f"^{reason}"):
        load_recipe("default").set(**change)


def test_a_whole_number_is_a_rate_too():
    assert load_recipe("default").set(lr=1).lr == 1


def test_to_dict_begins_with_the_name_and_holds_every_key():
    keys = load_recipe("hands").to_dict()
    assert list(keys) == ["recipe", *(field.name for field in fields(Recipe))]
    assert keys["recipe"] == "hands"


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_survives_json(tmp_path, name):
    chosen = load_recipe(name).set(data=("a", "b"), lr=1 / 3, channels=(1, 2, 3), test=())
    (tmp_path / "recipe.json").write_text(json.dumps({"recipe": chosen.to_dict(), "commit": None}))
    again = resumed_recipe(tmp_path)
    assert again == chosen
    assert type(again) is type(chosen)


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
        '{"recipe": {"recipe": "default", "epoch": 3}}',
        '{"recipe": {"recipe": "default", "epochs": "3"}}',
    ],
)
def test_a_damaged_recipe_is_no_run(tmp_path, text):
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


def test_a_recipe_is_read_from_a_file(file):
    assert load_recipe(file({"recipe": "mlp-50", "neurons1": 25, "lr": 0.01})) == load_recipe("mlp-50").set(
        neurons1=25, lr=0.01
    )
    chosen = load_recipe("hands").set(epochs=3, data=("a.csv", "b.npz"))
    assert load_recipe(file(chosen.to_dict())) == chosen
    assert load_recipe(file({"recipe": chosen.to_dict(), "commit": None})) == chosen, "a run's recipe.json"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ([], 'holds no recipe, such as {"recipe": "default", "epochs": 3}'),
        ({"epochs": 3}, 'holds no recipe, such as {"recipe": "default", "epochs": 3}'),
        ({"recipe": 3}, 'holds no recipe, such as {"recipe": "default", "epochs": 3}'),
        ({"recipe": {"recipe": {}}}, 'holds no recipe, such as {"recipe": "default", "epochs": 3}'),
        ({"recipe": "defualt"}, "no recipe 'defualt'; did you mean default?"),
        ({"recipe": "other.json"}, "no recipe 'other.json'; there are: .*"),
        ({"recipe": "default", "epoch": 3}, "recipe default has no key 'epoch'; did you mean epochs.*"),
        ({"recipe": "default", "self": 3}, "recipe default has no key 'self'.*"),
        ({"recipe": "default", "epochs": "3"}, "recipe key epochs takes int, not '3'"),
        ({"recipe": "default", "schedule": ["step"]}, "recipe key schedule takes one of .*"),
        ({"recipe": "default", "lr": math.nan}, "is not JSON"),
    ],
)
def test_a_file_that_holds_no_recipe_is_one_line(file, content, reason):
    with pytest.raises(InkwiseError) as caught:
        load_recipe(file(content))
    assert re.fullmatch(rf".*best\.json: {reason.replace('?', '[?]')}", str(caught.value))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match=r"none\.json: cannot be opened \(No such file or directory\)$"):
        load_recipe(str(tmp_path / "none.json"))


def test_a_folder_without_a_recipe_is_no_run(tmp_path):
    with pytest.raises(DataError, match="none: no run to resume"):
        resumed_recipe(tmp_path / "none")
