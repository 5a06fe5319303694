import gzip

import numpy as np
import pytest

from inkwise._util.errors import DataError
from inkwise.datasets.kaggle import read_kaggle, write_submission

PIXELS = [f"pixel{i}" for i in range(784)]


def csv(columns, rows) -> str:
    return "\n".join(",".join(map(str, line)) for line in [columns, *rows]) + "\n"


@pytest.fixture
def write(tmp_path):
    def write(text: str):
        path = tmp_path / "digits.csv"
        path.write_bytes(text.encode())
        return path

    return write


def test_read_kaggle_reads_labels_and_pixels(write, digits):
    rows = np.column_stack([[5, 0, 4, 1, 9, 2], digits.reshape(6, -1)])
    dataset = read_kaggle(write(csv(["label", *PIXELS], rows)))
    assert dataset.labels.tolist() == ["5", "0", "4", "1", "9", "2"]
    np.testing.assert_array_equal(dataset.glyphs, digits)
    assert dataset.glyphs.dtype == np.uint8
    assert dataset.name == "digits.csv"


def test_read_kaggle_accepts_missing_labels(write, digits):
    dataset = read_kaggle(write(csv(PIXELS, digits.reshape(6, -1))))
    assert dataset.labels.tolist() == [""] * 6
    np.testing.assert_array_equal(dataset.glyphs, digits)


def test_read_kaggle_reads_gzip(tmp_path, digits):
    path = tmp_path / "test.csv.gz"
    path.write_bytes(gzip.compress(csv(PIXELS, digits.reshape(6, -1)).encode()))
    np.testing.assert_array_equal(read_kaggle(path).glyphs, digits)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.rstrip("\n"),
        lambda text: text + "\n\n",
    ],
    ids=["windows line ends", "byte order mark", "no last line end", "blank lines at the end"],
)
def test_read_kaggle_accepts_spreadsheet_variants(write, digits, change):
    text = change(csv(PIXELS, digits.reshape(6, -1)))
    np.testing.assert_array_equal(read_kaggle(write(text)).glyphs, digits)


ROW = [7] + [0] * 784


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (["label", *PIXELS[:3], *PIXELS[4:]], "line 1: column pixel3 is missing"),
        (["lable", *PIXELS], "line 1: column 'lable' is unknown"),
        (
            [*PIXELS, "label"],
            "line 1: expected the columns label, pixel0 to pixel783 in this order, each once",
        ),
        (ROW, "line 1: column pixel0 is missing"),
    ],
)
def test_read_kaggle_rejects_header(write, columns, reason):
    with pytest.raises(DataError) as caught:
        read_kaggle(write(csv(columns, [ROW])))
    assert str(caught.value).endswith(f"digits.csv: {reason}")


@pytest.mark.parametrize(
    ("bad_row", "reason"),
    [
        (["x" * 33, *ROW[1:]], "label has 33 characters; at most 32 are possible"),
        (["a\x07b", *ROW[1:]], "label 'a\\x07b' holds a control character"),
        (['"a', *ROW[1:]], """label '"a' has unbalanced quotes"""),
        (['"a"b', *ROW[1:]], """label '"a"b' has unbalanced quotes"""),
        (['"seven"', '"0"', *ROW[2:]], """pixel0: expected a whole number 0 to 255, got '"0"'"""),
        (["a", "b", *ROW[1:]], "expected 785 values, got 786"),
        (["seven"], "expected 785 values, got 1"),
        ([7, 300, *ROW[2:]], "pixel0: expected a whole number 0 to 255, got '300'"),
        ([*ROW[:-1], -1], "pixel783: expected a whole number 0 to 255, got '-1'"),
        ([7, 0, "0.5", *ROW[3:]], "pixel1: expected a whole number 0 to 255, got '0.5'"),
        ([7, "", *ROW[2:]], "pixel0: expected a whole number 0 to 255, got ''"),
        (ROW[:-1], "expected 785 values, got 784"),
        ([*ROW, 0], "expected 785 values, got 786"),
    ],
)
def test_read_kaggle_rejects_row(write, bad_row, reason):
    text = csv(["label", *PIXELS], [ROW, [], bad_row, ROW])
    with pytest.raises(DataError) as caught:
        read_kaggle(write(text))
    assert str(caught.value).endswith(f"digits.csv: line 4: {reason}")


@pytest.mark.parametrize(
    ("cell", "label"),
    [
        ("A", "A"),
        ("€", "€"),
        (" boot ", "boot"),
        ("T-shirt/top", "T-shirt/top"),
        ("10", "10"),
        ("07", "07"),
        ('"3"', "3"),
        ('"a, b"', "a, b"),
        ('"5"" pipe"', '5" pipe'),
        ("=", "="),
        ("", ""),
        ('""', ""),
        ("  ", ""),
    ],
)
def test_read_kaggle_accepts_any_text_as_label(write, cell, label):
    dataset = read_kaggle(write(csv(["label", *PIXELS], [ROW, [cell, *ROW[1:]]])))
    assert dataset.labels.tolist() == ["7", label]
    assert dataset.glyphs.shape == (2, 28, 28)


def test_read_kaggle_skips_blank_lines(write):
    dataset = read_kaggle(write(csv(["label", *PIXELS], [ROW, [], ["A", *ROW[1:]], ["  "]])))
    assert dataset.labels.tolist() == ["7", "A"]


def test_read_kaggle_rejects_rows_with_missing_value(write):
    with pytest.raises(DataError, match="line 2: expected 785 values, got 784"):
        read_kaggle(write(csv(["label", *PIXELS], [ROW[1:], ROW[1:]])))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("\n", "line 1: no column names"),
        (csv(["label", *PIXELS], []), "has a header and no rows"),
        (csv(["label", *PIXELS], []) + "\n\n", "has a header and no rows"),
        (csv(PIXELS, []) + " \n\n", "has a header and no rows"),
        (csv(["label", *PIXELS], []) + "7\n", "line 2: expected 785 values, got 1"),
    ],
)
def test_read_kaggle_rejects_file_without_rows(write, text, reason):
    with pytest.raises(DataError, match=f"digits.csv: {reason}"):
        read_kaggle(write(text))


def test_read_kaggle_rejects_binary_file(tmp_path):
    path = tmp_path / "digits.csv"
    path.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(DataError, match=r"digits\.csv: is not a text file"):
        read_kaggle(path)


@pytest.mark.parametrize("cut", [slice(0, 200), slice(0, -4)])
def test_read_kaggle_rejects_truncated_gzip(tmp_path, digits, cut):
    path = tmp_path / "digits.csv.gz"
    path.write_bytes(gzip.compress(csv(PIXELS, digits.reshape(6, -1)).encode())[cut])
    with pytest.raises(DataError, match=r"digits\.csv\.gz: expected gzip data; the file is damaged"):
        read_kaggle(path)


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
