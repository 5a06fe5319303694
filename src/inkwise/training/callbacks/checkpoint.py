"""Survive a kill."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

import torch

from inkwise._util.errors import DataError
from inkwise._util.files import write_bytes
from inkwise._util.inputs import clear_read_errors, is_there, open_input
from inkwise.training.callbacks.callback import Callback

if TYPE_CHECKING:
    from inkwise.training.loop import AnyTrainingLoop


_DAMAGE = (pickle.UnpicklingError, zipfile.BadZipFile)


def _check_unpacked(file: IO[bytes]) -> None:
    """Refuse an archive that is compressed, which `torch.save` never does: it could unpack to any size."""
    with zipfile.ZipFile(file) as archive:
        if any(member.file_size > member.compress_size for member in archive.infolist()):
            raise ValueError("compressed")
    file.seek(0)


class Checkpoint(Callback):
    """Save the state of the loop after every epoch, and go on from it when there is one.

    The file is replaced whole, so that a kill leaves the last epoch's; it is read without unpickling objects.
    """

    def __init__(self, path: Path) -> None:
        """Save to this file."""
        self.path = path

    def on_train_begin(self, loop: AnyTrainingLoop) -> None:
        """Take back the state, where one was saved.

        Raises:
            DataError: the file is damaged or of another recipe.
        """
        if not is_there(self.path):
            return
        with open_input(self.path) as file, clear_read_errors(self.path):
            try:
                _check_unpacked(file)
                loop.restore(torch.load(file, weights_only=True))
            except (RuntimeError, LookupError, TypeError, ValueError, EOFError, *_DAMAGE):
                raise DataError(
                    f"{self.path}: not a checkpoint of this recipe; remove it to start anew"
                ) from None

    def on_epoch_end(self, loop: AnyTrainingLoop) -> None:
        """Save the state."""
        state = io.BytesIO()  # torch would wrap a full disk in an error that does not say so
        torch.save(loop.state(), state)
        write_bytes(self.path, state.getbuffer())
