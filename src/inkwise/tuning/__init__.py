"""Many trainings become one recipe: hyperparameter search, on Optuna."""

from inkwise.tuning.outcomes import Outcome, best_first, table
from inkwise.tuning.search import sweep
from inkwise.tuning.search_space import parse_space
from inkwise.tuning.trial_queue import Plan

__all__ = ["Outcome", "Plan", "best_first", "parse_space", "sweep", "table"]
