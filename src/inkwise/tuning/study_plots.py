"""Plots of a search: Optuna's history, importance and slices, and the accuracy by each key."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
import optuna
from matplotlib import pyplot as plt
from matplotlib.ticker import MaxNLocator, PercentFormatter
from optuna import Study
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.importance import FanovaImportanceEvaluator
from optuna.trial import FrozenTrial, TrialState
from optuna.visualization.matplotlib import plot_optimization_history, plot_param_importances, plot_slice

from inkwise._util.files import make_directory, write_bytes
from inkwise.evaluation.plots import BLUE, GREY, PALE, figure_to_png, new_figure
from inkwise.tuning.shared_study import SearchPlan

_MIN_COMPARABLE = 2  # keys and accuracies without which importances are undefined


def write_plots(plan: SearchPlan, trials: Sequence[FrozenTrial]) -> None:
    """Write the plots of the complete trials into the folder `pictures`; nothing if there is none.

    The importance is the share of the accuracy's variance that a key accounts for, by fANOVA: Hutter et al.,
    "An efficient approach for assessing hyperparameter importance", ICML 2014.

    Raises:
        DataError: the folder cannot be created or written to, or the disk is full.
    """
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    if not complete:
        return
    folder = plan.out / "pictures"
    make_directory(folder)
    study = optuna.create_study(direction="maximize")  # in memory, one attempt of each trial
    study.add_trials(trials)
    for name, plot in _optuna_plots(plan, study, complete).items():
        write_bytes(folder / f"{name}.png", plot)
    for key in plan.space:
        write_bytes(folder / f"accuracy-{key}.png", accuracy_plot(plan, key, complete))


def _optuna_plots(plan: SearchPlan, study: Study, complete: Sequence[FrozenTrial]) -> dict[str, bytes]:
    plt.switch_backend("Agg")
    plots: dict[str, Any] = {}
    with warnings.catch_warnings(), matplotlib.rc_context():
        warnings.simplefilter("ignore")  # experimental API, and axes with a single value
        plots["history"] = plot_optimization_history(study, target_name="validation accuracy")
        plots["slices"] = plot_slice(study, params=[*plan.space], target_name="validation accuracy")
        varied = comparable_keys(plan, complete)
        if varied:
            evaluator = FanovaImportanceEvaluator(seed=0)
            plots["importance"] = plot_param_importances(study, evaluator=evaluator, params=varied)
        pictures = {name: figure_to_png(np.ravel(axes)[0].figure) for name, axes in plots.items()}
        plt.close("all")
    return pictures


def comparable_keys(plan: SearchPlan, complete: Sequence[FrozenTrial]) -> list[str]:
    """Return the keys whose importances can be computed: those that vary, if at least two do."""
    varied = [key for key in plan.space if len({trial.params[key] for trial in complete}) > 1]
    accuracies = {trial.value for trial in complete}
    return varied if min(len(varied), len(accuracies)) >= _MIN_COMPARABLE else []


def accuracy_plot(plan: SearchPlan, key: str, complete: Sequence[FrozenTrial]) -> bytes:
    """Plot the accuracy against one key: each trial, and for choices mean ± standard deviation."""
    distribution = plan.space[key]
    values = [trial.params[key] for trial in complete]
    accuracies = np.array([trial.value for trial in complete], float)
    fig, ax = new_figure(4.5, 3.6)
    if isinstance(distribution, CategoricalDistribution):
        positions = np.array([distribution.choices.index(value) for value in values])
        ax.plot(positions, accuracies, "o", color=PALE, markeredgecolor=GREY, markersize=5, zorder=1)
        tried = np.unique(positions)
        groups = [accuracies[positions == position] for position in tried]
        deviations = [group.std(ddof=1) if len(group) > 1 else 0.0 for group in groups]
        style: dict[str, Any] = {"fmt": "o", "color": BLUE, "markersize": 7, "capsize": 5}
        means = [group.mean() for group in groups]
        ax.errorbar(tried, means, deviations, label="mean ± standard deviation", **style)
        ax.legend(frameon=False, fontsize=8.5)
        labels = [str(choice) for choice in distribution.choices]
        ax.set_xticks(range(len(labels)), labels, parse_math=False)
        ax.set_xlim(-0.5, len(labels) - 0.5)
    else:
        ax.plot(values, accuracies, "o", color=BLUE, markersize=5)
        if isinstance(distribution, FloatDistribution):
            ax.set_xscale("log" if distribution.log else "linear")
        else:
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel(key)
    ax.set_ylabel("validation accuracy")
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    return figure_to_png(fig)
