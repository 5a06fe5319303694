"""Outcomes of trials, as a table, as lines, and as the files trials.csv and best.json."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from optuna.trial import FrozenTrial, TrialState
from rich.table import Table

from inkwise._util.files import atomic_file, write_text
from inkwise.tuning.search_space import Value, apply_values
from inkwise.tuning.shared_study import SearchPlan, trial_number

_STATES = {
    TrialState.COMPLETE: "done",
    TrialState.PRUNED: "pruned",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
    TrialState.FAIL: "waiting",  # for its next attempt
}


@dataclass(frozen=True)
class TrialOutcome:
    """The current state of a trial."""

    number: int
    state: str  # done, pruned, diverged, running or waiting
    values: dict[str, Value]  # of the varied keys
    accuracy: float | None  # on the validation set, of the best epoch so far; None if diverged
    epochs: int  # trained so far
    seconds: float | None  # of training, with earlier attempts; of a running trial, since its start

    @property
    def finished(self) -> bool:
        """Whether the trial needs no more training."""
        return self.state not in ("waiting", "running")


def trial_outcome(trial: FrozenTrial) -> TrialOutcome:
    """Return the outcome of the last attempt of a trial."""
    state = "diverged" if "diverged" in trial.user_attrs else _STATES[trial.state]
    seconds = trial.user_attrs.get("seconds")
    if state == "running" and trial.datetime_start:
        elapsed = datetime.now() - trial.datetime_start
        seconds = max(0.0, elapsed.total_seconds())  # clocks of two machines may differ
    accuracy = max(trial.intermediate_values.values(), default=None)
    if state == "done":
        accuracy = trial.value  # a lost attempt may have reported a higher one
    return TrialOutcome(
        trial_number(trial),
        state,
        trial.params,
        None if state == "diverged" or accuracy is None else round(accuracy, 6),
        trial.last_step or 0,
        seconds,
    )


def best_first(outcomes: Iterable[TrialOutcome]) -> list[TrialOutcome]:
    """Sort by state (done, pruned, others), then accuracy."""
    order = {"done": 0, "pruned": 1}

    def rank(outcome: TrialOutcome) -> tuple[int, float]:
        accuracy = outcome.accuracy if outcome.state in order else None
        return order.get(outcome.state, 2), -(accuracy or 0)

    return sorted(outcomes, key=rank)


def outcomes_table(outcomes: Sequence[TrialOutcome], keys: Iterable[str]) -> Table:
    """Return a table with a row for each outcome."""
    table = Table("trial", "state", *keys, "validation accuracy", "epochs", "seconds", box=None)
    for outcome in outcomes:
        values = (format_value(outcome.values.get(key)) for key in keys)
        table.add_row(str(outcome.number), outcome.state, *values, *_format_metrics(outcome))
    return table


def outcome_line(outcome: TrialOutcome) -> str:
    """Return an outcome as one line of text."""
    accuracy, epochs, seconds = _format_metrics(outcome)
    values = " ".join(f"{key}={format_value(value)}" for key, value in outcome.values.items())
    return f"trial {outcome.number} {outcome.state}: {values}  {accuracy}  epoch {epochs}  {seconds} s"


def format_value(value: Value | None) -> str:
    """Format a value, floats with three significant digits."""
    return f"{value:.3g}" if isinstance(value, float) else "" if value is None else str(value)


def write_files(plan: SearchPlan, outcomes: Sequence[TrialOutcome]) -> Path | None:
    """Write trials.csv and, if a trial is done, the recipe best.json for `inkwise train`.

    Returns:
        The path of best.json, or None.

    Raises:
        DataError: the disk is full, or the folder is not writable.
    """
    with (
        atomic_file(plan.out / "trials.csv") as part,
        part.open("w", newline="", encoding="utf-8") as file,
    ):
        rows = csv.writer(file)
        rows.writerow(["trial", "state", *plan.space, "accuracy", "epochs", "seconds"])
        for one in outcomes:
            values = (one.values.get(key) for key in plan.space)
            rows.writerow([one.number, one.state, *values, one.accuracy, one.epochs, one.seconds])
    best = best_first(outcomes)[:1]
    if not best or best[0].state != "done":
        return None
    recipe = apply_values(plan.recipe, best[0].values)
    path = plan.out / "best.json"
    write_text(path, json.dumps(recipe.to_dict(), indent=2) + "\n")
    return path


def _format_metrics(outcome: TrialOutcome) -> tuple[str, str, str]:
    accuracy = "" if outcome.accuracy is None else f"{outcome.accuracy:.2%}"
    return accuracy, str(outcome.epochs), "" if outcome.seconds is None else f"{outcome.seconds:.1f}"
