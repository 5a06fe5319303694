"""Survive a kill."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from inkwise.errors import DataError
from inkwise.files import write_bytes
from inkwise.training.callbacks.base import Callback

if TYPE_CHECKING:
    from inkwise.training.loop import AnyLoop


class Checkpoint(Callback):
    """Save the state of the loop after every epoch, and go on from it when there is one.

    The file is replaced whole, so that a kill leaves the last epoch's; it is read without unpickling objects.
    """

    def __init__(self, path: Path) -> None:
        """Save to this file."""
        self.path = path

    def on_train_begin(self, loop: AnyLoop) -> None:
        """Take back the state, where one was saved.

        Raises:
            DataError: the file is damaged or of another recipe.
        """
        if not self.path.exists():
            return
        try:
            loop.restore(torch.load(self.path, weights_only=True))
        except (RuntimeError, LookupError, TypeError, ValueError, EOFError, pickle.UnpicklingError):
            raise DataError(
                f"{self.path}: not a checkpoint of this recipe; remove it to start anew"
            ) from None

    def on_epoch_end(self, loop: AnyLoop) -> None:
        """Save the state."""
        state = io.BytesIO()  # torch would wrap a full disk in an error that does not say so
        torch.save(loop.state(), state)
        write_bytes(self.path, state.getbuffer())
