"""Hyperparameter search on Optuna."""

from inkwise.tuning.outcomes import TrialOutcome, best_first, outcomes_table
from inkwise.tuning.search import run_search
from inkwise.tuning.search_space import parse_space
from inkwise.tuning.shared_study import SearchPlan

__all__ = ["SearchPlan", "TrialOutcome", "best_first", "outcomes_table", "parse_space", "run_search"]
