"""Arrays and a recipe become weights."""

from inkwise.training.recipe import Recipe
from inkwise.training.recipes import RECIPES, recipe
from inkwise.training.run import resume, train
from inkwise.training.samples import train_on

__all__ = ["RECIPES", "Recipe", "recipe", "resume", "train", "train_on"]
