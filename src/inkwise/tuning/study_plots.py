"""A sweep in pictures: how it went, which key matters, and what each key does to the accuracy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from inkwise._util.files import make_directory, write_bytes
from inkwise.evaluation.plots import BLUE, GREY, PALE, RED, figure_to_png, new_figure
from inkwise.tuning.outcomes import TrialOutcome
from inkwise.tuning.trial_queue import SearchPlan

_SLICES_PER_ROW = 3  # slices beside each other


def write_plots(plan: SearchPlan, outcomes: Sequence[TrialOutcome], importances: Mapping[str, float]) -> None:
    """Write the pictures of all that are done into the folder `pictures`, as far as there is anything to see.

    Raises:
        DataError: the folder cannot be made or written to, or the disk is full.
    """
    done = [one for one in outcomes if one.state == "done"]
    if not done:
        return
    pictures = {"history": history_plot(outcomes), "slices": slices_plot(plan.space, done)}
    if importances:
        pictures["importance"] = importance_plot(importances)
    for key, values in plan.space.items():
        pictures[f"accuracy-{key}"] = accuracy_plot(key, values, done)
    folder = plan.out / "pictures"
    make_directory(folder)
    for name, picture in pictures.items():
        write_bytes(folder / f"{name}.png", picture)


def history_plot(outcomes: Sequence[TrialOutcome]) -> bytes:
    """Draw the validation accuracy by trial, and the best up to each; crosses were pruned."""
    fig, ax = new_figure(6.5, 3.6)
    for state, marker, color in (("done", "o", BLUE), ("pruned", "x", GREY)):
        some = [one for one in outcomes if one.state == state and one.accuracy is not None]
        if some:
            accuracies = [_accuracy(one) for one in some]
            ax.plot([one.number for one in some], accuracies, marker, color=color, markersize=5, label=state)
    done = [one for one in outcomes if one.state == "done"]
    best = np.maximum.accumulate([_accuracy(one) for one in done])
    ax.step([one.number for one in done], best, where="post", color=RED, linewidth=1.4, label="best so far")
    ax.legend(frameon=False)
    ax.set_xlabel("trial")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    _show_accuracy(ax)
    return figure_to_png(fig)


def importance_plot(importances: Mapping[str, float]) -> bytes:
    """Draw the share of the accuracy's variance that each key accounts for, the largest on top."""
    names = sorted(importances, key=lambda key: importances[key])
    shares = [importances[key] for key in names]
    fig, ax = new_figure(5.5, 0.9 + 0.34 * len(names))
    bars = ax.barh(names, shares, color=BLUE, height=0.62)
    ax.bar_label(bars, [f"{share:.0%}" for share in shares], padding=3, fontsize=9)
    ax.set_xlim(0, 1.12 * max(shares))
    ax.xaxis.set_major_formatter(PercentFormatter(1))
    ax.set_xlabel("share of the accuracy's variance")
    return figure_to_png(fig)


def slices_plot(space: Mapping[str, BaseDistribution], done: Sequence[TrialOutcome]) -> bytes:
    """Draw the accuracy against each key side by side; the later a trial, the darker."""
    columns = min(_SLICES_PER_ROW, len(space))
    rows = math.ceil(len(space) / columns)
    fig = Figure(figsize=(0.9 + 3 * columns, 3 * rows), layout="constrained")
    axes = fig.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    numbers = [one.number for one in done]
    accuracies = [_accuracy(one) for one in done]
    pale = -max(1, *numbers) / 2  # so that the first trial can be seen
    for ax, (key, values) in zip(axes, space.items(), strict=False):
        places = _x_positions(ax, key, values, done)
        dots = ax.scatter(places, accuracies, s=26, c=numbers, cmap="Blues", vmin=pale, edgecolors=GREY)
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes[len(space) :]:
        ax.set_visible(False)
    for ax in axes[::columns]:
        _show_accuracy(ax)
    bar = fig.colorbar(dots, ax=axes.tolist(), label="trial", shrink=0.8)
    bar.ax.set_ylim(0, max(1, *numbers))
    bar.ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    return figure_to_png(fig)


def accuracy_plot(key: str, values: BaseDistribution, done: Sequence[TrialOutcome]) -> bytes:
    """Draw the accuracy against one key: for choices every trial, and mean ± standard deviation of each."""
    fig, ax = new_figure(4.5, 3.6)
    places = np.array(_x_positions(ax, key, values, done))
    accuracies = np.array([_accuracy(one) for one in done])
    if not isinstance(values, CategoricalDistribution):
        ax.plot(places, accuracies, "o", color=BLUE, markersize=5)
    else:
        ax.plot(places, accuracies, "o", color=PALE, markeredgecolor=GREY, markersize=5, zorder=1)
        tried = np.unique(places)
        each = [accuracies[places == place] for place in tried]
        means = [some.mean() for some in each]
        spread = [some.std(ddof=1) if len(some) > 1 else 0.0 for some in each]
        ax.errorbar(
            tried,
            means,
            spread,
            fmt="o",
            color=BLUE,
            markersize=7,
            capsize=5,
            label="mean ± standard deviation",
        )
        ax.legend(frameon=False, fontsize=8.5)
    _show_accuracy(ax)
    return figure_to_png(fig)


def _x_positions(ax: Axes, key: str, values: BaseDistribution, done: Sequence[TrialOutcome]) -> list[float]:
    """Where the trials stand on the x axis, which is labelled: choices at equal distances."""
    ax.set_xlabel(key)
    if isinstance(values, CategoricalDistribution):
        ax.set_xticks(
            range(len(values.choices)), [str(choice) for choice in values.choices], parse_math=False
        )
        ax.set_xlim(-0.5, len(values.choices) - 0.5)
        return [float(values.choices.index(one.values[key])) for one in done]
    if isinstance(values, FloatDistribution):
        ax.set_xscale("log" if values.log else "linear")
    else:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return [float(one.values[key]) for one in done]


def _accuracy(one: TrialOutcome) -> float:
    return math.nan if one.accuracy is None else one.accuracy


def _show_accuracy(ax: Axes) -> None:
    ax.set_ylabel("validation accuracy")
    ax.yaxis.set_major_formatter(PercentFormatter(1))
