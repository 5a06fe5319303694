"""What came of the trials: outcomes, a table of them, and the files that a sweep leaves."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from optuna.trial import FrozenTrial, TrialState
from rich.table import Table

from inkwise._util.files import atomic_file, write_text
from inkwise.tuning.search_space import Value, apply_values
from inkwise.tuning.trial_queue import SearchPlan

_STATES = {
    TrialState.COMPLETE: "done",
    TrialState.PRUNED: "pruned",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
    TrialState.FAIL: "failed",
}


@dataclass(frozen=True)
class TrialOutcome:
    """A trial as it stands."""

    number: int
    state: str
    """done, pruned, diverged, running or waiting."""
    values: dict[str, Value]
    accuracy: float | None
    """On the validation set, of the best epoch so far; None before the first, and where it diverged."""
    epochs: int
    seconds: float | None
    """Of training, earlier attempts included; of a running trial, since it was last begun."""

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.state not in ("waiting", "running")


def trial_outcome(trial: FrozenTrial) -> TrialOutcome:
    """What is known of a trial."""
    state = "diverged" if "diverged" in trial.user_attrs else _STATES[trial.state]
    seconds = trial.user_attrs.get("seconds")
    if trial.state == TrialState.RUNNING and "begun" in trial.user_attrs:
        seconds = max(0.0, time.time() - trial.user_attrs["begun"])  # the clocks of two machines differ
    accuracy = max(trial.intermediate_values.values(), default=None)
    if trial.state == TrialState.COMPLETE:
        accuracy = trial.value  # an attempt on a machine that was lost may have reported a higher one
    return TrialOutcome(
        trial.number,
        state,
        trial.params,
        None if state == "diverged" or accuracy is None else round(accuracy, 6),
        trial.last_step or 0,
        seconds,
    )


def best_first(outcomes: Iterable[TrialOutcome]) -> list[TrialOutcome]:
    """Sorted: what is done by accuracy, then what was pruned likewise, then the rest; equals by number."""
    order = {"done": 0, "pruned": 1}
    return sorted(
        outcomes, key=lambda one: (order.get(one.state, 2), -(one.accuracy or 0) if one.state in order else 0)
    )


def outcomes_table(outcomes: Sequence[TrialOutcome], keys: Iterable[str]) -> Table:
    """A row for each outcome, in this order."""
    rows = Table("trial", "state", *keys, "validation accuracy", "epochs", "seconds", box=None)
    for one in outcomes:
        rows.add_row(
            str(one.number), one.state, *(format_value(one.values.get(key)) for key in keys), *_figures(one)
        )
    return rows


def outcome_line(one: TrialOutcome) -> str:
    """An outcome as one line of text."""
    accuracy, epochs, seconds = _figures(one)
    values = " ".join(f"{key}={format_value(value)}" for key, value in one.values.items())
    return f"trial {one.number} {one.state}: {values}  {accuracy}  epoch {epochs}  {seconds} s"


def format_value(value: Value | None) -> str:
    """A value as short as it can be told."""
    return f"{value:.3g}" if isinstance(value, float) else "" if value is None else str(value)


def write_files(plan: SearchPlan, outcomes: Sequence[TrialOutcome]) -> Path | None:
    """Write trials.csv and, where a trial is done, best.json, which `inkwise train` takes.

    Returns:
        The path of best.json, or None.

    Raises:
        DataError: the disk is full, or the folder may not be written to.
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
    keys = json.dumps(apply_values(plan.recipe, best[0].values).to_dict(), indent=2)
    path = plan.out / "best.json"
    write_text(path, keys + "\n")
    return path


def _figures(one: TrialOutcome) -> tuple[str, str, str]:
    accuracy = "" if one.accuracy is None else f"{one.accuracy:.2%}"
    return accuracy, str(one.epochs), "" if one.seconds is None else f"{one.seconds:.1f}"
