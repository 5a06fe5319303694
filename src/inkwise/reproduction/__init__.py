"""The systems of the documents that Inkwise began with: trained again, and held against what they claim."""

from inkwise.reproduction.claims import EXPERIMENTS, Claim, Experiment
from inkwise.reproduction.experiments import reproduce, run_quick_check

__all__ = ["EXPERIMENTS", "Claim", "Experiment", "reproduce", "run_quick_check"]
