"""PenDigits, digits of 44 writers on a tablet, in its original files of the UCI repository.

References:
    E. Alpaydin, F. Alimoglu, Pen-Based Recognition of Handwritten Digits, UCI Machine Learning Repository
    1998, doi 10.24432/C5MG6K.
"""

import re
from pathlib import Path

import numpy as np

from inkwise._util.errors import DataError
from inkwise._util.inputs import MEGABYTE, clear_read_errors, open_input
from inkwise.datasets.dataset import StrokeSet
from inkwise.datasets.file_checks import damaged
from inkwise.datasets.unipen_format import DamageError, move_to_origin, read_document

SUFFIXES = ".tra", ".tes"  # suffixes of pendigits-orig.tra (training) and pendigits-orig.tes (test)

_MAX_BYTES = 16 * MEGABYTE  # file size above which it is not PenDigits; its larger file has a third of this
_COORDINATES = ".COORD X Y\n"  # of the include file, which is not distributed
# A digit's components and label, and the comment with its label, its writer and its number.
_DIGIT = re.compile(r'^\.SEGMENT\s+DIGIT\s+(\S+)\s+\S+\s+"(\d)"\s+\.COMMENT\s+\d\s+(\d{1,4})\s', re.MULTILINE)


def read_pendigits(path: Path) -> StrokeSet:
    """Read the strokes of a UNIPEN file of PenDigits, x right, y down, with the writer of each digit.

    The writers of each file are numbered from 1; those of the two files are different people.

    Raises:
        DataError: The file cannot be read, is larger than 16 MB, is another file, or is damaged.
    """
    with open_input(path, _MAX_BYTES) as file, clear_read_errors(path):
        text = file.read().decode("latin-1")
    digits = _DIGIT.findall(text)
    if not digits:
        raise damaged(path, "digits of PenDigits in the UNIPEN format, unpacked")
    try:
        document = read_document(_COORDINATES + text, lambda _: "")
        samples = [move_to_origin(document.ink(components)[0]) for components, _, _ in digits]
    except DamageError as reason:
        raise DataError(f"{path}: is damaged ({reason})") from None
    labels, writers = np.array([label for _, label, _ in digits]), [int(writer) for _, _, writer in digits]
    return StrokeSet(
        path.name,
        [[stroke.astype(np.float32) for stroke in strokes] for strokes in samples],
        labels,
        np.array(writers, np.int64),
    )
