"""Many trainings become one recipe: hyperparameter search, on Optuna."""

from inkwise.sweep.queue import Plan
from inkwise.sweep.results import Outcome, best_first, table
from inkwise.sweep.run import sweep
from inkwise.sweep.space import parse_space

__all__ = ["Outcome", "Plan", "best_first", "parse_space", "sweep", "table"]
