import pytest

from inkwise._util.errors import DataError
from inkwise.datasets.submission import write_submission


def test_write_submission_numbers_rows_from_one_with_crlf(tmp_path):
    write_submission([*"0123456789"], tmp_path / "out.csv")
    rows = [f"{number},{digit}" for number, digit in enumerate(range(10), start=1)]
    assert (tmp_path / "out.csv").read_bytes().decode() == "\r\n".join(["ImageId,Label", *rows, ""])


def test_write_submission_escapes_formulas(tmp_path):
    write_submission(["7", "+", "a,b"], tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text().splitlines()[1:] == ["1,7", "2,'+", '3,"a,b"']


def test_write_submission_without_labels_raises(tmp_path):
    with pytest.raises(DataError, match=r"^there are no pictures to read$"):
        write_submission([], tmp_path / "out.csv")
    assert not [*tmp_path.iterdir()]


def test_write_submission_escapes_names_that_are_not_utf8(tmp_path):
    write_submission(["7"], tmp_path / "out.csv", ["\udcff.png"])
    assert (tmp_path / "out.csv").read_text().splitlines()[1] == "\\udcff.png,7"


def test_write_submission_keeps_ids(tmp_path):
    write_submission(["7", "1"], tmp_path / "out.csv", ["=a.png", "b.png"])
    assert (tmp_path / "out.csv").read_text().splitlines() == ["ImageId,Label", "'=a.png,7", "b.png,1"]
