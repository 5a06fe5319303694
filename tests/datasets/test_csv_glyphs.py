import gzip

import numpy as np
import pytest

from inkwise._util.errors import DataError
from inkwise.datasets.csv_glyphs import read_csv

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


def test_read_csv_reads_labels_and_pixels(write, digits):
    rows = np.column_stack([[5, 0, 4, 1, 9, 2], digits.reshape(6, -1)])
    dataset = read_csv(write(csv(["label", *PIXELS], rows)))
    assert dataset.labels.tolist() == ["5", "0", "4", "1", "9", "2"]
    np.testing.assert_array_equal(dataset.glyphs, digits)
    assert dataset.glyphs.dtype == np.uint8
    assert dataset.name == "digits.csv"


def test_read_csv_accepts_missing_labels(write, digits):
    dataset = read_csv(write(csv(PIXELS, digits.reshape(6, -1))))
    assert dataset.labels.tolist() == [""] * 6
    np.testing.assert_array_equal(dataset.glyphs, digits)


def test_read_csv_reads_gzip(tmp_path, digits):
    path = tmp_path / "test.csv.gz"
    path.write_bytes(gzip.compress(csv(PIXELS, digits.reshape(6, -1)).encode()))
    np.testing.assert_array_equal(read_csv(path).glyphs, digits)


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
def test_read_csv_accepts_spreadsheet_variants(write, digits, change):
    text = change(csv(PIXELS, digits.reshape(6, -1)))
    np.testing.assert_array_equal(read_csv(write(text)).glyphs, digits)


ROW = [7] + [0] * 784


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (["label", *PIXELS[:3], *PIXELS[4:]], "line 1: column pixel3 is missing"),
        (["lable", *PIXELS], "line 1: column 'lable' is unknown, or a second one of its kind"),
        (["label", "class", *PIXELS], "line 1: column 'class' is unknown, or a second one of its kind"),
        (["label", *PIXELS[:9], "pixel8", *PIXELS[10:]], "line 1: column pixel8 is there twice"),
        (
            ["a", "b", "c"],
            "line 1: expected 784 columns such as pixel0 to pixel783 or 1x1 to 28x28, got 3 columns",
        ),
        (
            ["5x5", *(f"{row}x{column}" for row in range(1, 29) for column in range(1, 29))][1:-1],
            "line 1: column 28x28 is missing",
        ),
    ],
)
def test_read_csv_rejects_header(write, columns, reason):
    with pytest.raises(DataError) as caught:
        read_csv(write(csv(columns, [(ROW * 2)[: len(columns)]])))
    assert str(caught.value).endswith(f"digits.csv: {reason}")


@pytest.mark.parametrize(
    ("bad_row", "reason"),
    [
        (["x" * 33, *ROW[1:]], "label has 33 characters; at most 32 are possible"),
        (["a\x07b", *ROW[1:]], "label 'a\\x07b' holds a control character"),
        (['"a', *ROW[1:]], "has unbalanced quotes"),
        (['"a"b', *ROW[1:]], "has unbalanced quotes"),
        (["a", "b", *ROW[1:]], "expected 785 values, got 786"),
        (["seven"], "expected 785 values, got 1"),
        ([7, 300, *ROW[2:]], "pixel0: expected a number 0 to 255, got '300'"),
        ([*ROW[:-1], -1], "pixel783: expected a number 0 to 255, got '-1'"),
        ([7, 0, "nan", *ROW[3:]], "pixel1: expected a number 0 to 255, got 'nan'"),
        ([7, 0, "0,5", *ROW[3:]], "expected 785 values, got 786"),
        ([7, "", *ROW[2:]], "pixel0: expected a number 0 to 255, got ''"),
        (ROW[:-1], "expected 785 values, got 784"),
        ([*ROW, 0], "expected 785 values, got 786"),
    ],
)
def test_read_csv_rejects_row(write, bad_row, reason):
    text = csv(["label", *PIXELS], [ROW, [], bad_row, ROW])
    with pytest.raises(DataError) as caught:
        read_csv(write(text))
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
def test_read_csv_accepts_any_text_as_label(write, cell, label):
    dataset = read_csv(write(csv(["label", *PIXELS], [ROW, [cell, *ROW[1:]]])))
    assert dataset.labels.tolist() == ["7", label]
    assert dataset.glyphs.shape == (2, 28, 28)


def test_read_csv_skips_blank_lines(write):
    dataset = read_csv(write(csv(["label", *PIXELS], [ROW, [], ["A", *ROW[1:]], ["  "]])))
    assert dataset.labels.tolist() == ["7", "A"]


def test_read_csv_rejects_rows_with_missing_value(write):
    with pytest.raises(DataError, match="line 2: expected 785 values, got 784"):
        read_csv(write(csv(["label", *PIXELS], [ROW[1:], ROW[1:]])))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("\n", "line 1: is blank"),
        (csv(["label", *PIXELS], []), "has a header and no rows"),
        (csv(["label", *PIXELS], []) + "\n\n", "has a header and no rows"),
        (csv(PIXELS, []) + " \n\n", "has a header and no rows"),
        (csv(["label", *PIXELS], []) + "7\n", "line 2: expected 785 values, got 1"),
        ("7\n" * 3, "line 1: expected 784 pixels .28x28. and a label or none, got 1 columns"),
        ("0,0\n" * 3, "line 1: expected 784 pixels .28x28. and a label or none, got 2 columns"),
    ],
)
def test_read_csv_rejects_file_without_rows(write, text, reason):
    with pytest.raises(DataError, match=f"digits.csv: {reason}"):
        read_csv(write(text))


def test_read_csv_rejects_binary_file(tmp_path):
    path = tmp_path / "digits.csv"
    path.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(DataError, match=r"digits\.csv: is not a text file"):
        read_csv(path)


@pytest.mark.parametrize("cut", [slice(0, 200), slice(0, -4)])
def test_read_csv_rejects_truncated_gzip(tmp_path, digits, cut):
    path = tmp_path / "digits.csv.gz"
    path.write_bytes(gzip.compress(csv(PIXELS, digits.reshape(6, -1)).encode())[cut])
    with pytest.raises(DataError, match=r"digits\.csv\.gz: expected gzip data; the file is damaged"):
        read_csv(path)


LABELS = [5, 0, 4, 1, 9, 2]
GRID = [f"{row}x{column}" for row in range(1, 29) for column in range(1, 29)]


@pytest.fixture
def digits(digits):
    """(6, 28, 28) uint8, whose corners are black as in MNIST."""
    digits = digits.copy()
    digits[:, [0, -1], [0, -1]] = 0
    return digits


@pytest.fixture
def table(digits):
    """(6, 785) int: labels and pixels."""
    return np.column_stack([LABELS, digits.reshape(6, -1)])


def last(table):
    return np.roll(table, -1, axis=1)


def index(table):
    return [[str(number), *row] for number, row in enumerate(table.tolist())]


@pytest.mark.parametrize(
    "form",
    [
        lambda table: csv(["label", *GRID], table),
        lambda table: csv(["LABEL", *(name.upper() for name in PIXELS)], table),
        lambda table: csv([*(f"pixel{i}" for i in range(1, 785)), "class"], last(table)),
        lambda table: csv(table[0], table[1:]),
        lambda table: csv(last(table)[0], last(table)[1:]),
        lambda table: csv(["", "label", *PIXELS], index(table)),
        lambda table: csv(["Unnamed: 0", *PIXELS, "y"], index(last(table))),
        lambda table: csv(["ImageId", "Label", *PIXELS], index(table)),
        lambda table: csv(index(table)[0], index(table)[1:]),
        lambda table: csv(range(785), table),
        lambda table: csv(["", *range(785)], index(table)),
        lambda table: csv(["label", *range(784)], table),
        lambda table: csv(["label", *(f"p_{n // 28}_{n % 28}" for n in range(784))], table),
        lambda table: csv(["label", *reversed(PIXELS)], np.column_stack([table[:, 0], table[:, :0:-1]])),
        lambda table: csv(["label", *PIXELS], table).replace(",", ";"),
        lambda table: csv(["label", *PIXELS], table).replace(",", "\t"),
        lambda table: csv(["label", *PIXELS], table).replace(",", ", "),
        lambda table: csv(["label", *PIXELS], [[f'"{cell}"' for cell in row] for row in table.tolist()]),
        lambda table: csv([f'"{name}"' for name in ["label", *PIXELS]], table),
        lambda table: csv(["label", *PIXELS], table.astype(float)),
        lambda table: csv(["label", *PIXELS], [[f"{cell:.18e}" for cell in row] for row in table.tolist()]),
        lambda table: csv(["label", *PIXELS], [[row[0], *(row[1:] / 255)] for row in table]),
    ],
)
def test_read_csv_reads_the_forms_of_mnist(write, table, digits, form):
    dataset = read_csv(write(form(table)))
    np.testing.assert_array_equal(dataset.glyphs, digits)
    assert dataset.labels.tolist() == [*map(str, LABELS)][-len(dataset) :]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_read_csv_reads_encodings_with_a_mark(tmp_path, table, digits, encoding):
    path = tmp_path / "digits.csv"
    path.write_text(csv(["label", *PIXELS], table), encoding=encoding)
    np.testing.assert_array_equal(read_csv(path).glyphs, digits)


def test_read_csv_tells_labels_from_light_corners(write, table):
    table = np.column_stack([table[:, 0], 255 - table[:, 1:]])
    assert read_csv(write(csv(table[0], table[1:]))).labels.tolist() == [*map(str, LABELS)]
    assert read_csv(write(csv(last(table)[0], last(table)[1:]))).labels.tolist() == [*map(str, LABELS)]


def test_read_csv_keeps_ids(write, digits):
    rows = [[f"img{number}.png", *glyph.ravel()] for number, glyph in enumerate(digits)]
    dataset = read_csv(write(csv(["Id", *PIXELS], rows)))
    assert dataset.names.tolist() == [f"img{number}.png" for number in range(6)]
    assert dataset.select(slice(2, 3)).names.tolist() == ["img2.png"]


def test_read_csv_without_header_tells_an_index_from_labels(write, digits):
    rows = [[number, *digits[number % 6].ravel()] for number in range(12)]
    assert read_csv(write(csv(rows[0], rows[1:]))).labels.tolist() == [""] * 12
    assert read_csv(write(csv(rows[0], rows[1:10]))).labels.tolist() == [*"0123456789"]


def test_read_csv_scales_masks(write, digits):
    masks = digits.reshape(6, -1) > 0
    np.testing.assert_array_equal(
        read_csv(write(csv(PIXELS, masks.astype(int)))).glyphs, 255 * (digits > 0).astype(np.uint8)
    )


def test_read_csv_rejects_mixed_scales(write):
    text = csv(PIXELS, [[0.5] * 784, [255] * 784])
    with pytest.raises(DataError, match="has rows of values 0 to 1 and rows of values up to 255"):
        read_csv(write(text))
