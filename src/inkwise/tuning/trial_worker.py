"""A worker process of a search: claims trials and trains them until none is left."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from multiprocessing.connection import Connection

import torch
from optuna.exceptions import UpdateFinishedTrialError
from rich.console import Console
from tqdm import tqdm

from inkwise._util.errors import InkwiseError
from inkwise._util.files import locked
from inkwise.training import train
from inkwise.training.callbacks import Callback
from inkwise.training.loop import AnyTrainingLoop, DivergedError
from inkwise.tuning.search_space import apply_values
from inkwise.tuning.shared_study import ClaimedTrial, SearchPlan, SharedStudy

_PRUNED = "pruned"
_POLL_SECONDS = 1.0  # between two attempts to claim a trial while others are running


class WorkerStoppedError(Exception):
    """The worker stops training; another process retries the trial."""


class TrialCallback(Callback):
    """Report each epoch's validation accuracy to the study and stop pruned trials."""

    def __init__(self, study: SharedStudy, claim: ClaimedTrial, stopping: Callable[[], bool]) -> None:
        """Report on a claimed trial; raise WorkerStoppedError once `stopping` returns True."""
        self.study, self.claim, self.stopping = study, claim, stopping
        self.accuracy, self.seconds, self.pruned = 0.0, 0.0, False

    def on_step_end(self, loop: AnyTrainingLoop) -> None:
        """Raise WorkerStoppedError if the worker is to stop."""
        if self.stopping():
            raise WorkerStoppedError

    def on_epoch_end(self, loop: AnyTrainingLoop) -> None:
        """Report the epoch, unless an earlier attempt has done so, and ask the pruner."""
        trial = self.claim.trial
        try:
            with self.study.storage.storage_errors():
                if loop.epoch not in self.claim.reported:
                    trial.report(loop.history[-1]["validation_accuracy"], loop.epoch)
                if loop.epoch < loop.recipe.optimization.epochs and trial.should_prune():
                    loop.stop(_PRUNED)
        except UpdateFinishedTrialError:  # the heartbeat was late, and another process has the trial
            raise WorkerStoppedError from None

    def on_train_end(self, loop: AnyTrainingLoop) -> None:
        """Store the accuracy and the training time, earlier attempts included."""
        self.accuracy = max((row["validation_accuracy"] for row in loop.history), default=0.0)
        self.seconds = sum(row["seconds"] for row in loop.history)
        self.pruned = loop.stopped == _PRUNED


def run_worker_process(plan: SearchPlan, threads: int, parent: Connection) -> None:
    """Train trials until none is left or the parent closes its end of the connection.

    The message of an InkwiseError is sent to the parent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C and closes the connection
    torch.set_num_threads(threads)
    # torch's export uses tqdm. With tqdm's lock between processes, killing a worker prints a warning about a
    # leaked semaphore.
    tqdm.set_lock(threading.RLock())
    try:
        train_trials(plan, parent.poll)
    except InkwiseError as error:
        parent.send(str(error))
        sys.exit(1)


def train_trials(plan: SearchPlan, stopping: Callable[[float], bool]) -> None:
    """Train trials until all are finished, by this process or others.

    Args:
        plan: the search.
        stopping: waits up to the given seconds and returns True once the worker is to stop.

    Raises:
        InkwiseError: a trial cannot be trained, other than by divergence.
    """
    with closing(SharedStudy(plan)) as study:
        while not stopping(0):
            claim = study.claim()
            if claim is not None:
                _train_trial(study, claim, stopping)
            elif study.finished() or stopping(_POLL_SECONDS):
                return


def _train_trial(study: SharedStudy, claim: ClaimedTrial, stopping: Callable[[float], bool]) -> None:
    plan, callback = study.plan, TrialCallback(study, claim, lambda: stopping(0))
    try:
        recipe = apply_values(plan.recipe, claim.values)
        # an earlier attempt whose heartbeat was late may still write to the folder
        with study.storage.heartbeat(claim.id), locked(claim.folder / "attempt", wait=-1):
            train(
                recipe, claim.folder, device=plan.device, console=Console(quiet=True), callbacks=(callback,)
            )
    except DivergedError:  # a retry would diverge as well
        study.finish(claim, None, seconds=callback.seconds, diverged=True)
    except WorkerStoppedError:
        study.release(claim)
    except InkwiseError:
        study.release(claim)
        raise
    else:
        accuracy = None if callback.pruned else callback.accuracy
        study.finish(claim, accuracy, seconds=callback.seconds)
