"""Figures of metrics and training histories, each returned as the bytes of a PNG on white."""

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator, PercentFormatter
from numpy.typing import NDArray

from inkwise._util.errors import DataError
from inkwise.evaluation.metrics import Evaluation

BLUE, RED, GREY, PALE = "#2b5d8a", "#c2402f", "#6b7280", "#e5e7eb"
DPI = 120  # of all figures
LINE_COLORS = (BLUE, RED, "#3a8a5f", "#8a5fb0", "#c98a1b")


def confusion_plot(evaluation: Evaluation) -> bytes:
    """Draw the confusion matrix with its counts; mistakes are red, stronger if more frequent."""
    confusion, classes = evaluation.confusion, evaluation.classes
    k = len(classes)
    wrong = np.where(np.eye(k, dtype=bool), 0, confusion)
    # The diagonal, a hundred times larger, gets no colour; the root makes single mistakes visible.
    shade = np.sqrt(wrong / max(1, wrong.max()))
    fig, ax = new_figure(1 + 0.43 * k, 0.9 + 0.43 * k)
    ax.imshow(np.ma.masked_equal(shade, 0), cmap="Reds", vmin=0, vmax=1.25)
    for row, column in np.argwhere(confusion):
        right = row == column
        color = GREY if right else "white" if shade[row, column] > 0.7 else "black"
        style: dict[str, Any] = {"color": color, "fontweight": "normal" if right else "bold"}
        ax.text(column, row, str(confusion[row, column]), ha="center", va="center", fontsize=8.5, **style)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_ticks(range(k), classes, parse_math=False)
        axis.set_ticks(np.arange(k + 1) - 0.5, minor=True)
    ax.grid(which="minor", color=PALE)
    ax.tick_params(which="both", length=0)
    ax.set(xlabel="read as", ylabel="true digit")
    ax.spines[:].set_visible(False)
    return figure_to_png(fig)


def coverage_plot(evaluation: Evaluation) -> bytes:
    """Draw the accuracy on the most confident samples, and where it reaches the target accuracies."""
    coverage = [point.coverage for point in evaluation.coverage_curve]
    accuracy = [point.accuracy for point in evaluation.coverage_curve]
    fig, ax = new_figure(4.5, 4.1)
    ax.plot(coverage, accuracy, color=BLUE, linewidth=2)
    for target in evaluation.coverage_at:
        ax.axhline(target.accuracy, color=GREY, linewidth=0.8, linestyle=":")
        if target.coverage >= coverage[0]:
            on_curve = np.interp(target.coverage, coverage, accuracy)
            ax.plot(target.coverage, on_curve, "o", color=RED, markersize=6, clip_on=False)
    reached = [f"{point.accuracy:.1%} right on {point.coverage:.2%}" for point in evaluation.coverage_at]
    card = {"facecolor": "white", "edgecolor": "none"}  # hides the dotted lines behind the text
    ax.text(0.04, 0.06, "\n".join(reached), transform=ax.transAxes, fontsize=9, linespacing=1.5, bbox=card)
    low = min(*accuracy, evaluation.coverage_at[0].accuracy)
    ax.set(ylim=(low - 0.25 * (1 - low), 1 + 0.05 * (1 - low)), xlim=(coverage[0], 1))
    ax.xaxis.set_major_formatter(PercentFormatter(1))
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.set(xlabel="coverage: fraction answered, the most confident first", ylabel="accuracy on these")
    return figure_to_png(fig)


def reliability_plot(evaluation: Evaluation) -> bytes:
    """Draw accuracy against confidence in 15 bins, above the number of samples per bin."""
    bins = [b for b in evaluation.reliability if b.count]
    left, width = [b.lower for b in bins], [b.upper - b.lower for b in bins]
    fig = Figure(figsize=(4.1, 4.1), layout="constrained")
    above, below = fig.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.bar(left, [b.accuracy for b in bins], width, align="edge", color=BLUE, edgecolor="white")
    above.plot([0, 1], [0, 1], color="black", linestyle="--", linewidth=1)
    above.set_title(f"calibration error {evaluation.calibration_error:.2%}", loc="left", fontsize=10)
    above.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="accuracy")
    above.yaxis.set_major_formatter(PercentFormatter(1))
    below.bar(left, [b.count for b in bins], width, align="edge", color=PALE, edgecolor="white")
    for b in bins:
        below.text((b.lower + b.upper) / 2, b.count, str(b.count), ha="center", va="bottom", fontsize=6.5)
    below.set_yscale("log")
    below.yaxis.set_major_locator(NullLocator())
    below.yaxis.set_minor_locator(NullLocator())
    highest = max((b.count for b in bins), default=1)
    below.set(ylim=(0.5, 10 * highest), ylabel="samples", xlabel="probability of the answer")
    below.xaxis.set_major_formatter(PercentFormatter(1))
    for ax in (above, below):
        ax.spines[["top", "right"]].set_visible(False)
    return figure_to_png(fig)


def history_plot(rows: Sequence[Mapping[str, object]]) -> bytes:
    """Draw losses and accuracies of a training run by epoch.

    Args:
        rows: one mapping per epoch, as in history.csv: "epoch", and any columns with "loss" or "accuracy" in
            their names; an empty value leaves a gap.

    Raises:
        DataError: there is no row, or a value is not a number.
    """
    if not rows:
        raise DataError("training history: no rows")
    epochs = _column(rows, "epoch")
    fig = Figure(figsize=(9, 3.6), layout="constrained")
    for ax, quantity in zip(fig.subplots(1, 2), ("loss", "accuracy"), strict=True):
        names = [name for name in rows[0] if quantity in name]
        for name, color in zip(names, LINE_COLORS, strict=False):
            label = name.removesuffix(f"_{quantity}")
            ax.plot(epochs, _column(rows, name), label=label, color=color, marker=".", linewidth=1.6)
        if names:
            ax.legend(frameon=False)
        ax.set(xlabel="epoch", ylabel=quantity)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.spines[["top", "right"]].set_visible(False)
    return figure_to_png(fig)


def _column(rows: Sequence[Mapping[str, object]], name: str) -> NDArray[np.float64]:
    values = [row.get(name) for row in rows]
    try:
        return np.array([math.nan if value in (None, "") else float(str(value)) for value in values])
    except ValueError as error:
        raise DataError(f"training history: column {name!r} contains a value that is not a number") from error


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """Create a figure of a size in inches, with one plot in it."""
    fig = Figure(figsize=(width, height), layout="constrained")
    ax = fig.subplots()
    ax.spines[["top", "right"]].set_visible(False)
    return fig, ax


def figure_to_png(fig: Figure) -> bytes:
    """Render a figure as a PNG."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=DPI, facecolor="white")
    return buffer.getvalue()
