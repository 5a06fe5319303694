"""A reader for tests that reads a page's shade, keeps a log of what it reads, and may crash."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from rich.console import Console

from inkwise.batch import BatchOptions, read_batch

DEADLY = 10  # a page of this shade kills the process that reads it
BROKEN = 20  # and one of this is too much for the reader


@dataclass(frozen=True)
class Shades(BatchOptions):
    """Reads the mean of a page: one line of the log for each page that is read."""

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
            return {"text": str(shade), "confidence": 0.5, "accepted": True, "reason": None}

        return read

    def settings(self):
        return {"model": self.model}


@dataclass(frozen=True)
class Stillborn(Shades):
    """Ends each process before it can read."""

    def open(self, threads=0):
        os._exit(7)


def pdf(path, shades):
    """A PDF of one page for each shade."""
    first, *others = [Image.new("L", (40, 60), shade) for shade in shades]
    first.save(path, save_all=True, append_images=others)


def read(files, reader, out, jobs=1, suffix=".csv"):
    """Read a stack, silently."""
    with Path(os.devnull).open("w") as nowhere:
        return read_batch([str(file) for file in files], reader, out, suffix, jobs, Console(file=nowhere))
