"""Accuracy by epoch of every row, in one picture."""

from __future__ import annotations

from pathlib import Path

from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from inkwise.evaluation.plots import figure_to_png
from inkwise.evaluation.results import read_history
from inkwise.reproduction.claims import EXPERIMENTS

_PANELS = ("lenet-dropout", "cnn-batchnorm", "cnn-small", "lenet-robust", "mlp-50", "cnn-adadelta")
_COLORS = colormaps["tab10"](range(10))


def curves_plot(folder: Path) -> bytes:
    """Seed 0 of every row whose run is there, a panel a net: training dotted, validation solid. A PNG.

    Args:
        folder: that of the run folders.
    """
    fig = Figure(figsize=(11, 7.5), layout="constrained")
    for ax, net in zip(fig.subplots(2, 3).flat, _PANELS, strict=True):
        ax.set_title(net, loc="left", fontsize=10)
        names = [row.name for row in EXPERIMENTS if row.recipe.model.net == net and not row.corrections]
        for name, color in zip(names, _COLORS, strict=False):
            rows = read_history(str(folder / f"{name}-0")) or []
            for part, style in (("train", ":"), ("validation", "-")):
                label = (name.removeprefix(net).lstrip("-") or net) if style == "-" else None
                accuracy = [float(row[f"{part}_accuracy"]) for row in rows]
                ax.plot(range(1, len(rows) + 1), accuracy, style, color=color, label=label, linewidth=1.3)
        ax.legend(frameon=False, fontsize=8)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.yaxis.set_major_formatter(PercentFormatter(1))
        ax.set_xlabel("epoch")
        ax.spines[["top", "right"]].set_visible(False)
    return figure_to_png(fig)
