"""What a callback is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inkwise.training.loop import AnyTrainingLoop


class Callback:
    """Hooks that the loop calls; each does nothing unless overridden.

    What a callback needs after a kill, it puts in `state` and takes back in `restore`.
    """

    def on_train_begin(self, loop: AnyTrainingLoop) -> None:
        """Before the first step."""

    def on_step_end(self, loop: AnyTrainingLoop) -> None:
        """After the optimizer's step on one batch."""

    def on_epoch_end(self, loop: AnyTrainingLoop) -> None:
        """After the validation of an epoch; its row is `loop.history[-1]`."""

    def on_train_end(self, loop: AnyTrainingLoop) -> None:
        """After the last epoch, also when training was stopped."""

    def state(self) -> dict[str, Any]:
        """What is needed to go on: tensors, numbers and texts only."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` gave."""
