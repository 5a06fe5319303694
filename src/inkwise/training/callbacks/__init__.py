"""Callbacks: small classes, one file a purpose, for all that varies from run to run."""

from inkwise.training.callbacks.averaging import WeightAveraging
from inkwise.training.callbacks.callback import Callback
from inkwise.training.callbacks.checkpoint import Checkpoint
from inkwise.training.callbacks.patience import EarlyStopping, ReduceOnPlateau
from inkwise.training.callbacks.progress_bar import ProgressBar
from inkwise.training.callbacks.schedules import OneCycle, StepDecay

__all__ = [
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "OneCycle",
    "ProgressBar",
    "ReduceOnPlateau",
    "StepDecay",
    "WeightAveraging",
]
