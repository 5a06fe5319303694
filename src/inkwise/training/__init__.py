"""Training of classifiers and line readers by recipes."""

from inkwise.training.config import Recipe
from inkwise.training.recipes import RECIPES, load_plugins, load_recipe
from inkwise.training.training_data import with_datasets
from inkwise.training.training_run import resumed_recipe, train

__all__ = ["RECIPES", "Recipe", "load_plugins", "load_recipe", "resumed_recipe", "train", "with_datasets"]
