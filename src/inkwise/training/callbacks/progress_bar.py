"""Show how training goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from inkwise.training.callbacks.callback import Callback

if TYPE_CHECKING:
    from inkwise.training.loop import AnyTrainingLoop


class ProgressBar(Callback):
    """A line for each epoch, and on a terminal a bar with loss, accuracy, images a second and time left."""

    def __init__(self, console: Console) -> None:
        """Show it on this console."""
        self.console = console
        figures = TextColumn(
            "loss {task.fields[loss]:.4f}  {task.fields[accuracy]:.2%}  {task.fields[speed]:,.0f}/s"
        )
        columns = (TextColumn("epoch {task.fields[epoch]}"), BarColumn(), TaskProgressColumn(), figures)
        self.bar = Bar(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal)

    def on_train_begin(self, loop: AnyTrainingLoop) -> None:
        """Start the bar, where a resumed run stands."""
        self.bar.start()
        self.task = self.bar.add_task(
            "",
            total=loop.total_steps,
            completed=loop.step,
            epoch=loop.epoch + 1,
            loss=0.0,
            accuracy=0.0,
            speed=0.0,
        )

    def on_step_end(self, loop: AnyTrainingLoop) -> None:
        """Move the bar."""
        running = loop.running
        self.bar.update(
            self.task,
            completed=loop.step,
            epoch=loop.epoch + 1,
            loss=running.get("train_loss", 0.0),
            accuracy=running.get("train_accuracy", 0.0),
            speed=running.get("images_per_s", 0.0),
        )

    def on_epoch_end(self, loop: AnyTrainingLoop) -> None:
        """Print the epoch's line."""
        row = loop.history[-1]
        self.console.print(
            f"epoch {row['epoch']:>3}/{loop.recipe.epochs}"
            f"  train {row['train_loss']:.4f} {row['train_accuracy']:.2%}"
            f"  validation {row['validation_loss']:.4f} {row['validation_accuracy']:.2%}"
            f"  lr {row['lr']:.1e}  {row['images_per_s']:,.0f}/s  {row['seconds']:.1f} s",
            highlight=False,
            soft_wrap=True,
        )

    def on_train_end(self, loop: AnyTrainingLoop) -> None:
        """Take the bar away."""
        self.bar.stop()
