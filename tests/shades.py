"""Batch options that read the shade of a page, log each page, and may crash."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from PIL import Image
from rich.console import Console

from inkwise.batch import BatchOptions, Journal, LocalBackend, read_batch

DEADLY = 10  # shade that kills the process that reads it
BROKEN = 20  # shade that raises an exception


@dataclass(frozen=True)
class Shades(BatchOptions):
    """Reads the mean of a page and writes a line to the log."""

    log: str = os.devnull
    seconds: float = 0.0

    def open(self, threads=0):
        def read(page):
            shade = round(page.mean())
            with Path(self.log).open("a") as file:
                file.write(f"{shade}\n")
            time.sleep(self.seconds)
            if shade == DEADLY:
                os.kill(os.getpid(), signal.SIGKILL)
            if shade == BROKEN:
                raise RuntimeError("two\nlines")
            values = {"text": str(shade), "confidence": 0.5, "accepted": True, "reason": None}
            return SimpleNamespace(to_dict=lambda alternatives: values)

        return read

    def settings(self):
        return {"model": self.model}


@dataclass(frozen=True)
class FailingStart(Shades):
    """Ends each process while it loads the model."""

    def open(self, threads=0):
        os._exit(7)


def pdf(path, shades):
    """Write a PDF of one page per shade."""
    first, *others = [Image.new("L", (40, 60), shade) for shade in shades]
    first.save(path, save_all=True, append_images=others)


def read(files, options, out, jobs=1, suffix=".csv"):
    """Read files into a table, silently."""
    files = [str(file) for file in files]
    backend = LocalBackend(files, options, Journal(out, options, suffix, files), jobs)
    with Path(os.devnull).open("w") as nowhere:
        return read_batch(backend, Console(file=nowhere)).failed
