"""Submissions to Kaggle: ``ImageId,Label`` and a line for each sample."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from inkwise._util.errors import DataError
from inkwise._util.files import write_text
from inkwise._util.text import escape_formula, to_valid_utf8


def write_submission(labels: Sequence[str], path: Path, ids: Sequence[str] | None = None) -> None:
    """Write ``ImageId,Label`` and the labels of a test set, with CRLF line ends.

    A label or an id that a spreadsheet would read as a formula is prefixed with an apostrophe.

    Args:
        ids: of the samples, such as file names; None numbers them from 1.

    Raises:
        DataError: there are no labels, or the file cannot be written.
    """
    if not labels:
        raise DataError("there are no pictures to read")
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["ImageId", "Label"])
    numbers = map(str, range(1, len(labels) + 1)) if ids is None else ids
    rows.writerows(map(escape_formula, row) for row in zip(numbers, labels, strict=True))
    write_text(path, to_valid_utf8(text.getvalue()))
