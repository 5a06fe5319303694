"""Submissions in the format of Kaggle."""

import numpy as np
import pytest

from inkwise._util.errors import DataError
from inkwise.recognition import Model
from inkwise.recognition.adaptation import reference_glyphs
from inkwise.recognition.submission import write_submission


class Signs:
    """A model of three signs that answers with each of them in turn."""

    labels = ("7", "+", "a,b")

    def run(self, glyphs):
        return np.eye(3, dtype=np.float32)[np.arange(len(glyphs)) % 3], np.zeros((len(glyphs), 1))


def test_write_submission_numbers_rows_from_one_with_crlf(tmp_path):
    write_submission(Model.bundled(), reference_glyphs(), tmp_path / "out.csv")
    rows = [f"{number},{digit}" for number, digit in enumerate(range(10), start=1)]
    assert (tmp_path / "out.csv").read_bytes().decode() == "\r\n".join(["ImageId,Label", *rows, ""])


def test_write_submission_escapes_formulas(tmp_path):
    write_submission(Signs(), np.zeros((3, 28, 28), np.uint8), tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text().splitlines()[1:] == ["1,7", "2,'+", '3,"a,b"']


def test_write_submission_of_no_glyphs_raises(tmp_path):
    with pytest.raises(DataError, match=r"^there are no pictures to read$"):
        write_submission(Signs(), np.zeros((0, 28, 28), np.uint8), tmp_path / "out.csv")
    assert not [*tmp_path.iterdir()]
