"""The original files of PenDigits: strokes, labels, writers, and damaged files."""

import numpy as np
import pytest

from inkwise._util.errors import DataError
from inkwise.datasets import load_dataset, load_strokes_or_dataset

SEVEN = """.SEGMENT DIGIT 0 ? "7"
.COMMENT  7 12 0
.DT 100
.PEN_DOWN
 267   333
 290   340
 280   200
.PEN_UP
.DT 100
"""
FOUR = """.SEGMENT DIGIT 1-2 ? "4"
.COMMENT  4 26 1
.PEN_DOWN
 100   300
 90    200
 180   200
.PEN_UP
.PEN_DOWN
 150   280
 150   100
.PEN_UP
"""
HEAD = '.INCLUDE dene.doc\n.LEXICON "0" "1"\n.HIERARCHY DIGIT\n'


@pytest.fixture
def file(tmp_path):
    def write(text, name="pendigits-orig.tra"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


@pytest.mark.parametrize("name", ["pendigits-orig.tra", "pendigits-orig.tes", "copy.TRA"])
def test_strokes_have_labels_and_writers(file, name):
    strokes = load_strokes_or_dataset(file(HEAD + SEVEN + FOUR, name))
    assert strokes.labels.tolist() == ["7", "4"]
    assert strokes.writers.tolist() == [12, 26]
    assert [[stroke.tolist() for stroke in sample] for sample in strokes.samples] == [
        [[[0, 7], [23, 0], [13, 140]]],
        [[[10, 0], [0, 100], [90, 100]], [[60, 20], [60, 200]]],
    ]


def test_digits_are_drawn_as_glyphs(file):
    glyphs = load_dataset(file(HEAD + SEVEN + FOUR)).glyphs
    assert glyphs.shape == (2, 28, 28)
    assert (np.count_nonzero(glyphs, axis=(1, 2)) > 50).all()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected digits of PenDigits in the UNIPEN format, unpacked; the file is damaged"),
        (HEAD + SEVEN.replace("COMMENT  7 12 0", "COMMENT"), "expected digits of PenDigits"),
        (HEAD + SEVEN + FOUR.replace("1-2", "1-3"), r"is damaged \(missing components\)"),
        (HEAD + SEVEN.replace("340", "high"), r"is damaged \(points not numbers\)"),
        (HEAD + SEVEN.replace("290   340", "290"), r"is damaged \(points unlike columns\)"),
    ],
)
def test_other_and_damaged_files_are_rejected(file, text, reason):
    path = file(text)
    with pytest.raises(DataError, match=f"^{path}: {reason}"):
        load_dataset(path)


def test_larger_files_are_rejected(file, monkeypatch):
    monkeypatch.setattr("inkwise.datasets.pendigits._MAX_BYTES", 100)
    with pytest.raises(DataError, match="larger than"):
        load_dataset(file(HEAD + SEVEN))
