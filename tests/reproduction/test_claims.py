import pytest

from inkwise._util.errors import InkwiseError
from inkwise.reproduction.claims import EXPERIMENTS, select_experiments
from inkwise.reproduction.document_systems import DOCUMENT_RECIPES
from inkwise.training import RECIPES


def names(rows):
    return [row.name for row in rows]


def test_experiments_cover_recipes_of_documents():
    assert (
        {recipe.name for recipe in DOCUMENT_RECIPES}
        <= {row.recipe.name for row in EXPERIMENTS}
        <= set(RECIPES)
    )
    assert len({*names(EXPERIMENTS)}) == len(EXPERIMENTS)


def test_experiments_of_documents_have_claims():
    for row in EXPERIMENTS:
        assert bool(row.claims) == (row.document > 0), row.name
    assert {row.document for row in EXPERIMENTS} == {0, 1, 2, 3, 4, 5}


def test_select_experiments_by_name_recipe_and_all():
    assert names(select_experiments(["mlp-50-second-25"])) == ["mlp-50-second-25"]
    assert names(select_experiments(["cnn-small", "lenet-robust"])) == ["cnn-small", "lenet-robust"]
    assert names(select_experiments(["mlp-50"])) == ["mlp-50"], (
        "a row takes precedence over a recipe of the same name"
    )
    of_recipe = [row.name for row in EXPERIMENTS if row.recipe.name == "cnn-adadelta"]
    assert names(select_experiments(["cnn-adadelta"])) == of_recipe
    assert select_experiments(["all"]) == [*EXPERIMENTS]


def test_select_experiments_suggests_known_name():
    with pytest.raises(InkwiseError, match="no experiment 'lenet'; did you mean lenet-robust"):
        select_experiments(["all", "lenet"])
