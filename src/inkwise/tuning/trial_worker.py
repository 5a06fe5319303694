"""One process of a sweep: it claims trials and trains them until none is left."""

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
from inkwise.training import train
from inkwise.training.callbacks import Callback
from inkwise.training.loop import AnyTrainingLoop, DivergedError
from inkwise.tuning.search_space import apply_values
from inkwise.tuning.trial_queue import ClaimedTrial, SearchPlan, TrialQueue

_PRUNED = "pruned"
_POLL_SECONDS = 1.0  # seconds between two looks for a trial that another process left


class WorkerStoppedError(Exception):
    """The sweep is to end here; the trial is left to the next."""


class TrialCallback(Callback):
    """Tell the storage each epoch's validation accuracy, and end what the pruner finds hopeless."""

    def __init__(self, queue: TrialQueue, claim: ClaimedTrial, leaving: Callable[[], bool]) -> None:
        """Report on a claimed trial; `leaving` says whether to raise LeaveError."""
        self.queue, self.claim, self.leaving = queue, claim, leaving
        self.accuracy, self.seconds, self.pruned = 0.0, 0.0, False

    def on_step_end(self, loop: AnyTrainingLoop) -> None:
        """Look whether to leave."""
        if self.leaving():
            raise WorkerStoppedError

    def on_epoch_end(self, loop: AnyTrainingLoop) -> None:
        """Report, once an epoch even if it is trained again after a kill."""
        trial = self.claim.trial
        try:
            with self.queue.storage.storage_errors():
                if loop.epoch not in self.claim.reported:
                    trial.report(loop.history[-1]["validation_accuracy"], loop.epoch)
                if loop.epoch < loop.recipe.optimization.epochs and trial.should_prune():
                    loop.stop(_PRUNED)
        except UpdateFinishedTrialError:  # another machine took us for dead, and was faster
            raise WorkerStoppedError from None

    def on_train_end(self, loop: AnyTrainingLoop) -> None:
        """Note the outcome, of earlier attempts as well."""
        self.accuracy = max((row["validation_accuracy"] for row in loop.history), default=0.0)
        self.seconds = sum(row["seconds"] for row in loop.history)
        self.pruned = loop.stopped == _PRUNED


def run_worker_process(plan: SearchPlan, threads: int, parent: Connection) -> None:
    """Work as a process of its own, until no trial is left or the parent ends its side of the connection.

    An InkwiseError is sent to the parent as its line.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends the connection
    torch.set_num_threads(threads)
    # torch's export makes a bar of tqdm. With its lock between processes, a worker that is killed there
    # leaves a warning about a leaked semaphore as the last line of the command.
    tqdm.set_lock(threading.RLock())
    try:
        train_trials(plan, parent.poll)
    except InkwiseError as error:
        parent.send(str(error))
        sys.exit(1)


def train_trials(plan: SearchPlan, leaving: Callable[[float], bool]) -> None:
    """Train trials until all of the sweep are finished, by whomever, or until told to leave.

    Args:
        plan: the sweep.
        leaving: waits for so many seconds, or until the answer is yes.

    Raises:
        InkwiseError: a trial cannot be trained, for any other reason than that it diverged.
    """
    with closing(TrialQueue(plan)) as queue:
        while not leaving(0):
            claim = queue.claim()
            if claim is not None:
                _train_trial(queue, claim, leaving)
            elif queue.finished() or leaving(_POLL_SECONDS):
                return


def _train_trial(queue: TrialQueue, claim: ClaimedTrial, leaving: Callable[[float], bool]) -> None:
    plan, report = queue.plan, TrialCallback(queue, claim, lambda: leaving(0))
    try:
        recipe = apply_values(plan.recipe, claim.values)
        with queue.heartbeat(claim):
            train(recipe, claim.folder, device=plan.device, console=Console(quiet=True), callbacks=(report,))
    except DivergedError:
        # It would diverge again: the trial is done, and the sampler sees that it was bad.
        queue.finish(claim, None, seconds=report.seconds, diverged=True)
    except WorkerStoppedError:
        queue.release(claim)
    except InkwiseError:
        queue.release(claim)
        raise
    else:
        accuracy = None if report.pruned else report.accuracy
        queue.finish(claim, accuracy, seconds=report.seconds)
