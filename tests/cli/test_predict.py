"""A data set without labels becomes a submission."""

import csv

import pytest

from inkwise.recognition.adaptation import reference_glyphs

PIXELS = [f"pixel{number}" for number in range(784)]


@pytest.fixture
def test_csv(tmp_path):
    """Kaggle's test.csv of the ten digits in their plainest shapes."""
    path = tmp_path / "test.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([PIXELS, *reference_glyphs().reshape(10, -1).tolist()])
    return path


def test_every_row_is_answered(inkwise, test_csv, tmp_path):
    status, out, err = inkwise("predict", test_csv, "--submission", tmp_path / "out.csv")
    assert (status, err) == (0, "")
    assert out.startswith(f"wrote {tmp_path / 'out.csv'}: 10 rows, read with distilled (")
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = [*csv.DictReader(file)]
    assert rows == [{"ImageId": str(digit + 1), "Label": str(digit)} for digit in range(10)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "test.csv: is empty"),
        (",".join(PIXELS) + "\n", "test.csv: has a header and no rows"),
        ("id,pixel0\n1,0\n", "test.csv: line 1: column pixel1 is missing"),
        (",".join([*PIXELS[:-1], "pixel9"]) + "\n", "test.csv: line 1: column pixel783 is missing"),
    ],
)
def test_a_file_with_nothing_to_read_is_one_line(inkwise, tmp_path, text, reason):
    (tmp_path / "test.csv").write_text(text)
    status, _, err = inkwise("predict", tmp_path / "test.csv", "--submission", tmp_path / "out.csv")
    assert (status, err) == (1, f"inkwise: {tmp_path / reason}\n")
    assert not (tmp_path / "out.csv").exists()


def test_a_place_that_cannot_be_written_to(inkwise, test_csv, tmp_path):
    status, _, err = inkwise("predict", test_csv, "--submission", tmp_path / "none" / "out.csv")
    assert status == 1
    assert err == f"inkwise: {tmp_path / 'none' / 'out.csv'}: cannot be written (No such file or directory)\n"


def test_the_data_are_not_replaced_by_the_answers(inkwise, test_csv):
    data = test_csv.read_bytes()
    status, _, err = inkwise("predict", test_csv, "--submission", test_csv)
    assert (status, err) == (
        1,
        f"inkwise: {test_csv}: is read, and would be replaced; name another file to write\n",
    )
    assert test_csv.read_bytes() == data
