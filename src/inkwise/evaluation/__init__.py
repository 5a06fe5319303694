"""Weights and arrays become numbers and pictures: metrics, mistakes, plots and a report."""

from inkwise.evaluation.finish import finish
from inkwise.evaluation.metrics import ClassScore, CoveragePoint, Evaluation, ReliabilityBin, evaluate
from inkwise.evaluation.report import write_report
from inkwise.evaluation.results import Mistake, Result, evaluate_model

__all__ = [
    "ClassScore",
    "CoveragePoint",
    "Evaluation",
    "Mistake",
    "ReliabilityBin",
    "Result",
    "evaluate",
    "evaluate_model",
    "finish",
    "write_report",
]
