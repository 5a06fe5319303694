"""Arrays and a recipe become weights."""

from inkwise.training.recipe import Recipe
from inkwise.training.recipes import RECIPES, recipe
from inkwise.training.run import resume, train

__all__ = ["RECIPES", "Recipe", "recipe", "resume", "train"]
