"""Evaluation of models: metrics, calibration, explanations, figures and reports."""

from inkwise.evaluation.explanations import (
    explain_mistakes,
    explain_predictions,
    nearest_neighbours,
)
from inkwise.evaluation.final_evaluation import train_and_evaluate
from inkwise.evaluation.metrics import ClassScore, CoveragePoint, Evaluation, ReliabilityBin, evaluate
from inkwise.evaluation.report import write_report
from inkwise.evaluation.results import EvaluationResult, Explanation, Neighbour, Prediction, evaluate_model
from inkwise.recognition.explanation import occlusion

__all__ = [
    "ClassScore",
    "CoveragePoint",
    "Evaluation",
    "EvaluationResult",
    "Explanation",
    "Neighbour",
    "Prediction",
    "ReliabilityBin",
    "evaluate",
    "evaluate_model",
    "explain_mistakes",
    "explain_predictions",
    "nearest_neighbours",
    "occlusion",
    "train_and_evaluate",
    "write_report",
]
