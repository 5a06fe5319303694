"""Arrays and a recipe become weights."""

from inkwise.training.config import Recipe
from inkwise.training.recipes import RECIPES, recipe
from inkwise.training.training_data import train_on
from inkwise.training.training_run import resume, train

__all__ = ["RECIPES", "Recipe", "recipe", "resume", "train", "train_on"]
