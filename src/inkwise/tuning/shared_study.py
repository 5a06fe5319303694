"""An Optuna study with a fixed set of trials, shared by worker processes on one or several machines."""

from __future__ import annotations

import itertools
import json
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna import Study, Trial
from optuna.distributions import distribution_to_json
from optuna.exceptions import ExperimentalWarning, UpdateFinishedTrialError
from optuna.pruners import MedianPruner, NopPruner
from optuna.samplers import RandomSampler, TPESampler
from optuna.storages import RetryHeartbeatStaleTrialCallback, fail_stale_trials
from optuna.trial import FrozenTrial, TrialState

from inkwise._util.errors import InkwiseError
from inkwise._util.files import make_directory
from inkwise._util.text import did_you_mean
from inkwise.training import Recipe
from inkwise.tuning.search_space import SearchSpace, Value, grid_points, suggest_values
from inkwise.tuning.study_storage import StudyStorage

SAMPLERS = ("grid", "random", "tpe")


@dataclass(frozen=True)
class SearchPlan:
    """What a search varies, how often, and where it keeps trials and runs."""

    recipe: Recipe
    space: SearchSpace
    out: Path  # folder of the run folders trial-0, trial-1, …
    storage: str  # see `StudyStorage`
    name: str  # of the study in the storage
    trials: int | None = None  # None means all combinations of a grid
    sampler: str = "tpe"  # one of SAMPLERS
    prune: bool = False  # stop trials whose accuracy is below the median
    device: str = "auto"


@dataclass(frozen=True)
class ClaimedTrial:
    """A running trial of this process."""

    trial: Trial
    id: int  # in the storage
    values: dict[str, Value]  # of the varied keys
    reported: frozenset[int]  # epochs that an earlier attempt has reported
    folder: Path  # run folder, shared by all attempts


class SharedStudy:
    """All trials of a search, enqueued at the start and each claimed by one process at a time.

    A trial whose heartbeat stops fails, and Optuna's retry callback enqueues its next attempt with the same
    values. Attempts share a run folder, so the next one resumes from the checkpoint.
    """

    def __init__(self, plan: SearchPlan) -> None:
        """Open the study of a plan, create it if missing, and enqueue trials up to the plan's number.

        Raises:
            InkwiseError: the number of trials is missing, or the study has another recipe, space or sampler.
            StoreError: the storage cannot be used.
        """
        fixed_values = _fixed_values(plan)
        self.plan, self.storage = plan, StudyStorage(plan.storage)
        try:
            with self.storage.exclusive():
                self._study = self._open_study()
                for values in itertools.islice(fixed_values, len(self._last_attempts()), plan.trials):
                    self._study.enqueue_trial(values)
        except InkwiseError:
            self.close()
            raise

    def close(self) -> None:
        """Close all connections."""
        self.storage.close()

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        """Return the last attempt of each trial, by trial number; only those in `states` if given."""
        with self.storage.storage_errors():
            return [trial for trial in self._last_attempts() if not states or trial.state in states]

    def finished(self) -> bool:
        """Return whether all trials are complete or pruned."""
        return all(trial.state in (TrialState.COMPLETE, TrialState.PRUNED) for trial in self.trials())

    def claim(self) -> ClaimedTrial | None:
        """Claim the waiting trial with the lowest number; None if there is none.

        Raises:
            DataError: the run folder cannot be created.
            StoreError: the storage cannot be used.
        """
        with self.storage.exclusive():
            self._retry_failed()
            waiting = self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
            if not waiting:
                return None
            frozen = min(waiting, key=trial_number)
            folder = self.plan.out / f"trial-{trial_number(frozen)}"
            make_directory(folder)
            study_id = self.storage.optuna.get_study_id_from_name(self.plan.name)
            trial_id = self.storage.optuna.get_trial_id_from_study_id_trial_number(study_id, frozen.number)
            # Heartbeat first: a running trial without one would never become stale.
            self.storage.optuna.record_heartbeat(trial_id)
            self.storage.optuna.set_trial_state_values(trial_id, TrialState.RUNNING)
        with self.storage.storage_errors():
            # Seed by trial: workers that sample at the same time must sample different values.
            sampler = TPESampler if self.plan.sampler == "tpe" else RandomSampler
            self._study.sampler = sampler(seed=frozen.number)
            trial = Trial(self._study, trial_id)
            values = suggest_values(trial, self.plan.space)
        return ClaimedTrial(trial, trial_id, values, frozenset(frozen.intermediate_values), folder)

    def finish(self, claim: ClaimedTrial, accuracy: float | None, **attributes: Any) -> None:
        """Mark a trial as complete with its accuracy, or as pruned if None, unless it is no longer ours."""
        with self.storage.storage_errors(), suppress(UpdateFinishedTrialError):
            for key, value in attributes.items():
                claim.trial.set_user_attr(key, value)
            state = TrialState.PRUNED if accuracy is None else TrialState.COMPLETE
            self._study.tell(claim.trial.number, accuracy, state, skip_if_finished=True)

    def release(self, claim: ClaimedTrial) -> None:
        """Let another process retry an unfinished trial."""
        with self.storage.exclusive():
            self._study.tell(claim.trial.number, state=TrialState.FAIL, skip_if_finished=True)
            self._retry_failed()

    def _last_attempts(self) -> list[FrozenTrial]:
        attempts = self._study.get_trials(deepcopy=False)
        return [*{trial_number(trial): trial for trial in attempts}.values()]

    def _retry_failed(self) -> None:
        """Enqueue the next attempt of each stale or failed trial; call it under the lock."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            fail_stale_trials(self._study)
            retry = RetryHeartbeatStaleTrialCallback(inherit_intermediate_values=True)
        last = {trial.number for trial in self._last_attempts()}
        for trial in self._study.get_trials(states=(TrialState.FAIL,)):
            if trial.number in last:
                retry(self._study, trial)

    def _open_study(self) -> Study:
        plan = self.plan
        study = optuna.create_study(
            study_name=plan.name,
            storage=self.storage.optuna,
            direction="maximize",
            pruner=MedianPruner() if plan.prune else NopPruner(),
            load_if_exists=True,
        )
        space = {key: distribution_to_json(values) for key, values in plan.space.items()}
        settings = {"recipe": plan.recipe.to_dict(), "space": space, "sampler": plan.sampler}
        settings = json.loads(json.dumps(settings))  # the storage returns lists for tuples
        stored = study.user_attrs.get("inkwise")
        if stored is None and not study.get_trials(deepcopy=False):
            study.set_user_attr("inkwise", settings)
        elif stored != settings:
            what = next((key for key in settings if stored and stored[key] != settings[key]), "program")
            raise InkwiseError(
                f"{self.storage.name}: search {plan.name} belongs to another {what}; choose another --name"
            )
        return study


def trial_number(trial: FrozenTrial) -> int:
    """Return the number of a trial's first attempt, which names its run folder."""
    number: int = trial.system_attrs.get("failed_trial", trial.number)
    return number


def _fixed_values(plan: SearchPlan) -> Iterator[dict[str, Value]]:
    """Return the values known in advance for each trial: all of a grid, none otherwise."""
    if plan.sampler not in SAMPLERS:
        raise InkwiseError(f"no sampler {plan.sampler!r}{did_you_mean(plan.sampler, [*SAMPLERS])}")
    if plan.sampler == "grid":
        return grid_points(plan.space)
    if plan.trials is None:
        raise InkwiseError(f"--trials is needed with sampler {plan.sampler}, which does not end by itself")
    return itertools.repeat({})
