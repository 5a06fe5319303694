"""The trials of a sweep as a queue: each is claimed by one process, and left by one that died to the next."""

from __future__ import annotations

import itertools
import json
import platform
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock, Timeout
from optuna import Study, Trial
from optuna.distributions import distribution_to_json
from optuna.exceptions import OptunaError
from optuna.pruners import MedianPruner, NopPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from inkwise._util.errors import DataError, InkwiseError
from inkwise._util.files import make_directory
from inkwise._util.text import did_you_mean
from inkwise.training import Recipe
from inkwise.tuning.search_space import SearchSpace, Value, grid_points, suggest_values
from inkwise.tuning.study_storage import StudyStorage

SAMPLERS = ("grid", "random", "tpe")
HEARTBEAT_INTERVAL = 20.0
"""Seconds between two signs of life of a trial that is being trained."""
HEARTBEAT_GRACE_PERIOD = 120.0
"""Seconds without one after which a trial of another machine is taken over."""

_MIN_COMPARABLE = 2  # keys, and accuracies, that can be compared


@dataclass(frozen=True)
class SearchPlan:
    """A sweep: what is varied of which recipe, how often, and where trials and runs are kept."""

    recipe: Recipe
    space: SearchSpace
    out: Path
    """The folder of the runs, `trial-0` and so on."""
    storage: str
    name: str
    trials: int | None = None
    """How many; None is all combinations of a grid."""
    sampler: str = "tpe"
    prune: bool = False
    device: str = "auto"


@dataclass(frozen=True)
class ClaimedTrial:
    """A trial that this process alone may train, as long as it holds the lock of the run folder."""

    trial: Trial
    values: dict[str, Value]
    reported: frozenset[int]
    """Epochs whose accuracy is known from an earlier attempt."""
    folder: Path
    owner: dict[str, str]
    lock: FileLock


class TrialQueue:
    """The trials of one sweep, shared by all who name the same storage and sweep.

    A trial is waiting, running or finished. It only begins or ceases to run under the storage's lock, so that
    it is nobody's or one process's, and a kill at any point leaves it waiting or to be taken over.
    """

    def __init__(self, plan: SearchPlan) -> None:
        """Open the sweep; make it, or add trials to it, where there are fewer than the plan's.

        Raises:
            InkwiseError: the plan has no end, or is of another recipe, space or sampler than the sweep.
            StoreError: the storage cannot be used.
        """
        fixed = _fixed_values(plan)
        self.plan, self.storage = plan, StudyStorage(plan.storage)
        self._process = uuid.uuid4().hex
        self._heartbeats: dict[int, tuple[Any, float]] = {}
        try:
            with self.storage.exclusive():
                self._study = self._open()
                self._id = self.storage.trials.get_study_id_from_name(plan.name)
                made = len(self._study.get_trials(deepcopy=False))
                for values in itertools.islice(fixed, made, plan.trials):
                    self._study.enqueue_trial(values)
        except InkwiseError:
            self.close()
            raise

    def close(self) -> None:
        """Give back all connections."""
        self.storage.close()

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        """The trials in these states, by number; without any, all."""
        with self.storage.storage_errors():
            return self._study.get_trials(deepcopy=False, states=states or None)

    def finished(self) -> bool:
        """Whether nothing is left to do for anyone."""
        return not self.trials(TrialState.WAITING, TrialState.RUNNING)

    def claim(self) -> ClaimedTrial | None:
        """The next trial to train, one that a dead process left first; None while there is none.

        Raises:
            DataError: its run folder cannot be made or locked.
            StoreError: the storage cannot be used.
        """
        with self.storage.exclusive():
            for trial in self.trials(TrialState.RUNNING):
                if self._abandoned(trial):
                    self._set_state(trial.number, TrialState.WAITING)
            for trial in self.trials(TrialState.WAITING):
                folder = self.plan.out / f"trial-{trial.number}"
                make_directory(folder)
                lock = FileLock(folder.absolute() / "lock")
                try:
                    lock.acquire(timeout=0)
                except Timeout:
                    continue
                except OSError as error:
                    raise DataError(f"{folder}: cannot be locked ({error.strerror or error})") from None
                break
            else:
                return None
            owner = {"host": _host_id(), "lock": lock.lock_file, "process": self._process}
            self._set_state(trial.number, TrialState.RUNNING)
            for key, value in (("begun", time.time()), ("owner", owner)):
                self.storage.trials.set_trial_user_attr(self._trial_id(trial.number), key, value)
        with self.storage.storage_errors():
            # A seed of its own: two workers that draw at once must not draw the same.
            self._study.sampler = _sampler(self.plan.sampler, trial.number)
            claimed = Trial(self._study, self._trial_id(trial.number))
            values = suggest_values(claimed, self.plan.space)
        return ClaimedTrial(claimed, values, frozenset(trial.intermediate_values), folder, owner, lock)

    @contextmanager
    def heartbeat(self, claim: ClaimedTrial) -> Iterator[None]:
        """A block in which other machines see that the trial is being trained."""
        done, trial_id = threading.Event(), self._trial_id(claim.trial.number)

        def beat() -> None:
            while True:
                with suppress(SQLAlchemyError, OptunaError, OSError):  # one beat missed does no harm
                    self.storage.trials.set_trial_user_attr(trial_id, "beat", time.time())
                if done.wait(HEARTBEAT_INTERVAL):
                    return

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def finish(self, claim: ClaimedTrial, accuracy: float | None, **facts: Any) -> None:
        """Have a trial done with its accuracy or, without one, pruned; note facts such as its seconds."""
        with self._if_still_owned(claim) as mine:
            if mine:
                for key, value in facts.items():
                    claim.trial.set_user_attr(key, value)
                state = TrialState.PRUNED if accuracy is None else TrialState.COMPLETE
                self._study.tell(claim.trial.number, accuracy, state)

    def release(self, claim: ClaimedTrial) -> None:
        """Leave a trial that is not done to whoever comes next."""
        with self._if_still_owned(claim) as mine:
            if mine:
                self._set_state(claim.trial.number, TrialState.WAITING)

    def importances(self) -> dict[str, float]:
        """The share of the accuracy's variance that each key accounts for; {} where that cannot be told.

        By fANOVA: Hutter et al., "An efficient approach for assessing hyperparameter importance", ICML 2014.
        """
        # It brings scikit-learn, which workers need not wait for.
        from optuna.importance import FanovaImportanceEvaluator, get_param_importances

        done = self.trials(TrialState.COMPLETE)
        varied = [key for key in self.plan.space if len({trial.params[key] for trial in done}) > 1]
        if len(varied) < _MIN_COMPARABLE or len({trial.value for trial in done}) < _MIN_COMPARABLE:
            return {}
        return get_param_importances(self._study, evaluator=FanovaImportanceEvaluator(seed=0), params=varied)

    @contextmanager
    def _if_still_owned(self, claim: ClaimedTrial) -> Iterator[bool]:
        """Alone, and whether the trial was not taken over meanwhile; the run folder is free after that."""
        try:
            with self.storage.exclusive():
                trial = self.storage.trials.get_trial(self._trial_id(claim.trial.number))
                yield trial.state == TrialState.RUNNING and trial.user_attrs["owner"] == claim.owner
        finally:
            claim.lock.release()

    def _abandoned(self, trial: FrozenTrial) -> bool:
        """Whether nobody trains a running trial any more."""
        owner = trial.user_attrs.get("owner")
        if owner is None:
            return True  # killed between the two steps of a claim
        if owner["host"] == _host_id():
            return not _is_locked(Path(owner["lock"]))
        # The clocks of two machines differ: only whether something changes is looked at.
        sign = (owner, trial.user_attrs.get("beat"))
        seen, since = self._heartbeats.get(trial.number, (None, 0.0))
        if sign != seen:
            self._heartbeats[trial.number] = (sign, time.monotonic())
            return False
        return time.monotonic() - since > HEARTBEAT_GRACE_PERIOD

    def _open(self) -> Study:
        plan = self.plan
        study = optuna.create_study(
            study_name=plan.name,
            storage=self.storage.trials,
            direction=StudyDirection.MAXIMIZE,
            pruner=MedianPruner() if plan.prune else NopPruner(),
            load_if_exists=True,
        )
        space = {key: distribution_to_json(values) for key, values in plan.space.items()}
        about = {"recipe": plan.recipe.to_dict(), "space": space, "sampler": plan.sampler}
        about = json.loads(json.dumps(about))  # as a storage gives it back
        known = study.user_attrs.get("inkwise")
        if known is None and not study.get_trials(deepcopy=False):
            study.set_user_attr("inkwise", about)
        elif known != about:
            what = next((key for key in about if known and known[key] != about[key]), "program")
            raise InkwiseError(
                f"{self.storage.name}: the sweep {plan.name} is of another {what}; choose another --name"
            )
        return study

    def _trial_id(self, number: int) -> int:
        return self.storage.trials.get_trial_id_from_study_id_trial_number(self._id, number)

    def _set_state(self, number: int, state: TrialState) -> None:
        self.storage.trials.set_trial_state_values(self._trial_id(number), state)


def _fixed_values(plan: SearchPlan) -> Iterator[dict[str, Value]]:
    """What is known of each trial's values beforehand: all in a grid, nothing otherwise."""
    if plan.sampler not in SAMPLERS:
        raise InkwiseError(f"no sampler {plan.sampler!r}{did_you_mean(plan.sampler, [*SAMPLERS])}")
    if plan.sampler == "grid":
        return grid_points(plan.space)
    if plan.trials is None:
        raise InkwiseError(f"--trials is needed: {plan.sampler} has no end of its own")
    return itertools.repeat({})


def _sampler(name: str, seed: int) -> BaseSampler:
    return TPESampler(seed=seed) if name == "tpe" else RandomSampler(seed=seed)


def _host_id() -> str:
    """This machine, by its name and its network card: two may be called the same."""
    return f"{platform.node()} {uuid.getnode():012x}"


def _is_locked(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True
