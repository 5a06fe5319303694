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
from inkwise.training.loop import AnyLoop, DivergedError
from inkwise.tuning.search_space import apply
from inkwise.tuning.trial_queue import Claim, Plan, Queue

_PRUNED = "pruned"
_POLL = 1.0  # seconds between two looks for a trial that another process left


class LeaveError(Exception):
    """The sweep is to end here; the trial is left to the next."""


class Report(Callback):
    """Tell the storage each epoch's validation accuracy, and end what the pruner finds hopeless."""

    def __init__(self, queue: Queue, claim: Claim, leaving: Callable[[], bool]) -> None:
        """Report on a claimed trial; `leaving` says whether to raise LeaveError."""
        self.queue, self.claim, self.leaving = queue, claim, leaving
        self.accuracy, self.seconds, self.pruned = 0.0, 0.0, False

    def on_step_end(self, loop: AnyLoop) -> None:
        """Look whether to leave."""
        if self.leaving():
            raise LeaveError

    def on_epoch_end(self, loop: AnyLoop) -> None:
        """Report, once an epoch even if it is trained again after a kill."""
        trial = self.claim.trial
        try:
            with self.queue.storage.one_line():
                if loop.epoch not in self.claim.reported:
                    trial.report(loop.history[-1]["validation_accuracy"], loop.epoch)
                if loop.epoch < loop.recipe.epochs and trial.should_prune():
                    loop.stop(_PRUNED)
        except UpdateFinishedTrialError:  # another machine took us for dead, and was faster
            raise LeaveError from None

    def on_train_end(self, loop: AnyLoop) -> None:
        """Note the outcome, of earlier attempts as well."""
        self.accuracy = max((row["validation_accuracy"] for row in loop.history), default=0.0)
        self.seconds = sum(row["seconds"] for row in loop.history)
        self.pruned = loop.stopped == _PRUNED


def run(plan: Plan, threads: int, parent: Connection) -> None:
    """Work as a process of its own, until no trial is left or the parent ends its side of the connection.

    An InkwiseError is sent to the parent as its line.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends the connection
    torch.set_num_threads(threads)
    # torch's export makes a bar of tqdm. With its lock between processes, a worker that is killed there
    # leaves a warning about a leaked semaphore as the last line of the command.
    tqdm.set_lock(threading.RLock())
    try:
        work(plan, parent.poll)
    except InkwiseError as error:
        parent.send(str(error))
        sys.exit(1)


def work(plan: Plan, leaving: Callable[[float], bool]) -> None:
    """Train trials until all of the sweep are finished, by whomever, or until told to leave.

    Args:
        plan: the sweep.
        leaving: waits for so many seconds, or until the answer is yes.

    Raises:
        InkwiseError: a trial cannot be trained, for any other reason than that it diverged.
    """
    with closing(Queue(plan)) as queue:
        while not leaving(0):
            claim = queue.claim()
            if claim is not None:
                _train(queue, claim, leaving)
            elif queue.finished() or leaving(_POLL):
                return


def _train(queue: Queue, claim: Claim, leaving: Callable[[float], bool]) -> None:
    plan, report = queue.plan, Report(queue, claim, lambda: leaving(0))
    try:
        recipe = apply(plan.recipe, claim.values)
        with queue.alive(claim):
            train(recipe, claim.folder, device=plan.device, console=Console(quiet=True), callbacks=(report,))
    except DivergedError:
        # It would diverge again: the trial is done, and the sampler sees that it was bad.
        queue.finish(claim, None, seconds=report.seconds, diverged=True)
    except LeaveError:
        queue.give_back(claim)
    except InkwiseError:
        queue.give_back(claim)
        raise
    else:
        accuracy = None if report.pruned else report.accuracy
        queue.finish(claim, accuracy, seconds=report.seconds)
