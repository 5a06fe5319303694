"""What Kaggle takes: an answer for each picture, in a CSV."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import DataError
from inkwise._util.files import write_text
from inkwise._util.text import escape_formula
from inkwise.recognition.model import Model


def write_submission(model: Model, glyphs: NDArray[np.uint8], path: Path) -> None:
    """Write ``ImageId,Label`` and the likeliest label of each glyph, numbered from 1, lines ending in CRLF.

    A label that a spreadsheet would take for a formula gets an apostrophe in front.

    Args:
        model: what reads.
        glyphs: (n, 28, 28) uint8, n >= 1.
        path: the file to make, whole or not at all.

    Raises:
        DataError: there are no glyphs, or the file cannot be written.
    """
    if not len(glyphs):
        raise DataError("there are no pictures to read")
    answers = model.run(glyphs)[0].argmax(1).tolist()
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["ImageId", "Label"])
    rows.writerows(
        [number, escape_formula(model.labels[answer])] for number, answer in enumerate(answers, start=1)
    )
    write_text(path, text.getvalue())
