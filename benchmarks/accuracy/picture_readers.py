"""Readers of pictures: Inkwise, RapidOCR's full pipeline and tesseract."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise import Reading, Recognizer
from inkwise._util.text import digits_of
from inkwise.image import load_image
from inkwise.recognition.model import LineModel, line_model_source
from inkwise.recognition.recognizer import Expect

ReadableImage = NDArray[np.uint8] | Path
"""(h, w) or (h, w, 3) RGB, or a file."""


@dataclass(frozen=True)
class Answer:
    """What was read: the digits in reading order, and whether the reader stands by them."""

    digits: str
    accepted: bool
    reading: Reading | None = None


Read = Callable[[ReadableImage, Expect | None], Answer]


def inkwise(model: str = "default", lines: str = "default") -> Read:
    """Read with or without a hint."""
    recognizer = Recognizer(model, threads=1, line_model=LineModel(line_model_source(lines), threads=1))

    def read(image: ReadableImage, expect: Expect | None) -> Answer:
        reading = recognizer.read(image, expect)
        return Answer(digits_of("".join(digit.label for digit in reading.digits)), reading.accepted, reading)

    return read


def rapidocr() -> Read:
    """Detect, turn and recognize lines of text; what is found is accepted."""
    from rapidocr import RapidOCR

    engine = RapidOCR(
        params={"Global.log_level": "error", "EngineConfig.onnxruntime.intra_op_num_threads": 1}
    )

    def read(image: ReadableImage, _: Expect | None) -> Answer:
        found = engine(color_pixels(image)[..., ::-1])
        digits = digits_of("".join(found.txts[at] for at in reading_order(found.boxes))) if found.txts else ""
        return Answer(digits, bool(digits))

    return read


def reading_order(boxes: NDArray[np.floating[Any]]) -> list[int]:
    """Return the order of boxes (n, 4, 2): lines from the top, boxes of a line from the left.

    A box is on the line of the first box whose vertical extent holds its centre.
    """
    lines: list[list[int]] = []
    for at in np.argsort(boxes[:, :, 1].mean(1), kind="stable").tolist():
        centre = boxes[at, :, 1].mean()
        for line in lines:
            if boxes[line[0], :, 1].min() <= centre <= boxes[line[0], :, 1].max():
                line.append(at)
                break
        else:
            lines.append([at])
    return [at for line in lines for at in sorted(line, key=lambda at: float(boxes[at, :, 0].min()))]


def tesseract() -> Read:
    """Read a block of digits; what is found is accepted."""
    program = shutil.which("tesseract")
    if program is None:
        raise SystemExit("tesseract is not installed")
    command = [program, "stdin", "stdout", "--psm", "6", "-c", "tessedit_char_whitelist=0123456789"]

    def read(image: ReadableImage, _: Expect | None) -> Answer:
        content = cv2.imencode(".png", color_pixels(image)[..., ::-1])[1]
        done = subprocess.run(command, input=content.tobytes(), capture_output=True, check=True)
        digits = digits_of(done.stdout.decode())
        return Answer(digits, bool(digits))

    return read


def color_pixels(image: ReadableImage) -> NDArray[np.uint8]:
    """Return an image as (h, w, 3) uint8, RGB."""
    pixels = load_image(image) if isinstance(image, Path) else image
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB) if pixels.ndim == 2 else pixels, np.uint8)


READERS: dict[str, Callable[[], Read]] = {"inkwise": inkwise, "rapidocr": rapidocr, "tesseract": tesseract}
