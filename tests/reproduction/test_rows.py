import pytest

from inkwise._util.errors import InkwiseError
from inkwise.reproduction import ROWS
from inkwise.reproduction.claims import rows_of
from inkwise.training import RECIPES
from inkwise.training.document_recipes import PAPERS


def names(rows):
    return [row.name for row in rows]


def test_every_recipe_of_the_documents_has_its_row():
    assert {recipe.name for recipe in PAPERS} <= {row.recipe.name for row in ROWS} <= set(RECIPES)
    assert len({*names(ROWS)}) == len(ROWS)


def test_every_document_is_held_to_something():
    for row in ROWS:
        assert bool(row.claims) == (row.document > 0), row.name
    assert {row.document for row in ROWS} == {0, 1, 2, 3, 4, 5}


def test_rows_by_name_by_recipe_and_all():
    assert names(rows_of(["mlp-50-second-25"])) == ["mlp-50-second-25"]
    assert names(rows_of(["cnn-small", "lenet-robust"])) == ["cnn-small", "lenet-robust"]
    assert names(rows_of(["mlp-50"])) == ["mlp-50"], "the row, where a row and a recipe have one name"
    of_recipe = [row.name for row in ROWS if row.recipe.name == "cnn-adadelta"]
    assert names(rows_of(["cnn-adadelta"])) == of_recipe
    assert rows_of(["all"]) == [*ROWS]


def test_an_unknown_name_is_told_the_nearest():
    with pytest.raises(
        InkwiseError, match="nothing to reproduce by the name 'lenet'; did you mean lenet-robust"
    ):
        rows_of(["all", "lenet"])
