"""Weights and arrays become numbers and pictures: metrics, mistakes, plots and a report."""

from inkwise.evaluation.explanations import explain_answers, explain_mistakes, neighbours, occlusion
from inkwise.evaluation.final_evaluation import finish
from inkwise.evaluation.metrics import ClassScore, CoveragePoint, Evaluation, ReliabilityBin, evaluate
from inkwise.evaluation.report import write_report
from inkwise.evaluation.results import Answer, Explanation, Neighbour, Result, evaluate_model

__all__ = [
    "Answer",
    "ClassScore",
    "CoveragePoint",
    "Evaluation",
    "Explanation",
    "Neighbour",
    "ReliabilityBin",
    "Result",
    "evaluate",
    "evaluate_model",
    "explain_answers",
    "explain_mistakes",
    "finish",
    "neighbours",
    "occlusion",
    "write_report",
]
