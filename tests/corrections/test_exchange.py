import csv
import json
import uuid

import numpy as np
import pytest

from inkwise._util.errors import DataError, StoreError
from inkwise._util.inputs import open_input
from inkwise.corrections import Store, exchange, export_samples, import_samples

ROW = ["0"] * 783 + ["255"]
SEVEN = [[[0, 0], [50.5, 0], [20, 90]]]


@pytest.fixture
def other(tmp_path):
    """Another, empty store."""
    with Store.open(f"sqlite:///{tmp_path / 'other.db'}") as other:
        yield other


@pytest.fixture
def write(tmp_path):
    """Write a folder of CSV files: write([row, ..], ["7", ..])."""

    def write(images, labels):
        folder = tmp_path / "pair"
        folder.mkdir()
        (folder / "images.csv").write_text("".join(",".join(map(str, row)) + "\n" for row in images))
        (folder / "labels.csv").write_text("".join(f"{label}\n" for label in labels))
        return folder

    return write


def everything(store):
    return [sample.to_dict() for sample in store.samples()]


def test_export_and_import_reproduce_the_samples(store, other, add, tmp_path):
    add(answer="1", probability=1 / 3, label="7", model="hands (2026-01-02)", strokes=SEVEN)
    add(writer="Ben Ω", source="file", label="a, \"b\" 'c'")
    add()
    deleted = add(label="4")
    store.delete(deleted.id)

    assert export_samples(store, tmp_path / "taught") == 3
    assert import_samples(other, tmp_path / "taught") == 3

    assert everything(other) == everything(store)


def test_second_import_adds_nothing(store, add, tmp_path):
    sample = add(label="7")
    add(label="1")
    export_samples(store, tmp_path / "taught")
    store.label(sample.id, "4")

    assert import_samples(store, tmp_path / "taught") == 0
    assert import_samples(store, tmp_path / "taught" / "samples.jsonl") == 0

    assert [each.label for each in store.samples()] == ["1", "4"]


def test_csv_files_have_a_row_for_each_sample(store, add, glyph, tmp_path):
    add(label="7")
    add()
    add(label="€")
    export_samples(store, tmp_path / "taught")

    images = np.loadtxt(tmp_path / "taught" / "images.csv", np.uint8, delimiter=",")
    np.testing.assert_array_equal(images, np.stack([glyph.ravel()] * 3))
    assert (tmp_path / "taught" / "labels.csv").read_text(encoding="utf-8") == '7\n""\n€\n'
    first = json.loads((tmp_path / "taught" / "samples.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert (first["writer"], first["label"], len(first)) == ("anna", "7", 12)


def test_export_of_one_writer(store, other, add, tmp_path):
    add(label="7")
    add(label="1", writer="ben")

    assert export_samples(store, tmp_path / "taught", "ben") == 1
    import_samples(other, tmp_path / "taught")

    assert other.writers() == ["ben"]


def test_export_rejects_an_existing_folder(store, other, add, tmp_path):
    add(label="7")
    export_samples(store, tmp_path / "taught")
    add(label="1")
    with pytest.raises(DataError, match=r"taught: exists already; name a new folder$"):
        export_samples(store, tmp_path / "taught")

    assert import_samples(other, tmp_path / "taught") == 1
    assert len(list((tmp_path / "taught").iterdir())) == 3


@pytest.mark.parametrize("label", ["=1+1", "+", "-1", "@x", "'", "''", "'=1", '=cmd|"x"!A0', "7'"])
def test_labels_are_escaped_for_spreadsheets_and_restored(store, other, add, tmp_path, label):
    add(label=label)
    export_samples(store, tmp_path / "taught")

    with (tmp_path / "taught" / "labels.csv").open(newline="", encoding="utf-8") as file:
        ((cell,),) = csv.reader(file)
    assert not cell.startswith(("=", "+", "-", "@", "\t"))

    (tmp_path / "taught" / "samples.jsonl").unlink()
    import_samples(other, tmp_path / "taught")
    assert other.samples()[0].label == label


def test_import_of_csv_files_alone(store, write):
    folder = write([ROW, ROW, ROW], ["7", "", "'tis"])

    assert import_samples(store, folder, writer="anna") == 3
    assert import_samples(store, folder, writer="anna") == 0

    samples = store.samples()[::-1]
    assert [each.label for each in samples] == ["7", None, "'tis"]
    assert {(each.writer, each.source, each.answer, each.strokes) for each in samples} == {
        ("anna", "import", None, None)
    }
    assert samples[0].glyph[27, 27] == 255


def test_import_accepts_csv_files_of_spreadsheets(store, write):
    folder = write([ROW], [])
    (folder / "labels.csv").write_bytes("\ufeffé\r\n".encode())
    (folder / "images.csv").write_bytes((", ".join(ROW) + "\r\n").encode())

    import_samples(store, folder)

    assert [(each.label, each.writer) for each in store.samples()] == [("é", "unknown")]


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        ([ROW, ROW[1:]], ["7", "1"], "images.csv: row 2: 783 values, not 784"),
        ([ROW, [*ROW, 0]], ["7", "1"], "images.csv: row 2: 785 values, not 784"),
        ([ROW, []], ["7", "1"], "images.csv: row 2: 0 values, not 784"),
        ([ROW, [300, *ROW[1:]]], ["7", "1"], "images.csv: row 2: '300' is not a whole number 0 to 255"),
        ([ROW, ["ink", *ROW[1:]]], ["7", "1"], "images.csv: row 2: 'ink' is not a whole number 0 to 255"),
        ([ROW, ["", *ROW[1:]]], ["7", "1"], "images.csv: row 2: '' is not a whole number 0 to 255"),
        ([ROW, ["0.5", *ROW[1:]]], ["7", "1"], "images.csv: row 2: '0.5' is not a whole number 0 to 255"),
        ([ROW, ["x" * 200_000]], ["7", "1"], "images.csv: row 2: is longer than 10,000 characters"),
        ([ROW, ROW], ["7", "x" * 33], "labels.csv: row 2: label has 33 characters; at most 32 are possible"),
        ([ROW, ROW], ["7", "\x07"], r"labels.csv: row 2: label '\x07' holds a control character"),
        ([ROW, ROW], ["7", "1,2"], "labels.csv: row 2: 2 values, not one label"),
        ([ROW, ROW], ["7", '"1'], r"labels.csv: row 2: label '1\n' holds a control character"),
        ([ROW, ROW], ["7"], "labels.csv: has 1 rows, fewer than images.csv"),
        ([ROW], ["7", "1"], "images.csv: has 1 rows, fewer than labels.csv"),
    ],
)
def test_invalid_csv_row_rejects_the_whole_import(store, write, images, labels, message):
    folder = write(images, labels)
    with pytest.raises(StoreError) as caught:
        import_samples(store, folder)
    assert str(caught.value) == f"{folder}/{message}"
    assert store.count() == 0


def test_refused_import_closes_its_files(store, write, monkeypatch):
    opened = []

    def open_and_note(path, **options):
        opened.append(open_input(path, **options))
        return opened[-1]

    monkeypatch.setattr("inkwise.corrections.exchange.open_input", open_and_note)
    with pytest.raises(StoreError) as caught:  # holds the frames of the generators that read the files
        import_samples(store, write([ROW, ROW], ["7"]))

    assert "fewer than" in str(caught.value)
    assert [file.closed for file in opened] == [True, True]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda line: line[:-20], "is not JSON"),
        (lambda line: "", "is not JSON"),
        (lambda line: "[" * 100_000, "is not JSON"),
        (lambda line: "7", "is not a JSON object"),
        (lambda line: line.replace('"writer"', '"author"'), "'author' is unknown"),
        (lambda line: line.replace('"label": "1"', f'"label": "{"x" * 33}"'), "label has 33 characters"),
        (lambda line: line.replace('"probability": null', '"probability": NaN'), "probability is not"),
    ],
)
def test_invalid_json_line_rejects_the_whole_import(store, other, add, tmp_path, damage, message):
    add(label="7")
    add(label="1")
    export_samples(store, tmp_path / "taught")
    path = tmp_path / "taught" / "samples.jsonl"
    first, second = path.read_text().splitlines()
    path.write_text(f"{first}\n{damage(second)}\n")

    with pytest.raises(StoreError) as caught:
        import_samples(other, path)
    assert str(caught.value).startswith(f"{path}: row 2: {message}")
    assert other.count() == 0


@pytest.fixture
def lines(add, tmp_path):
    """Write a samples.jsonl of so many new samples: lines(9, bad=5) with a bad one in row 5."""
    plain = add(writer="ben", label="0").to_dict()

    def lines(count, bad=None):
        path = tmp_path / "samples.jsonl"
        with path.open("w") as file:
            for row in range(1, count + 1):
                changed = {"id": str(uuid.UUID(int=row)), "label": "" if row == bad else "7"}
                file.write(json.dumps({**plain, **changed}) + "\n")
        return path

    return lines


def test_invalid_row_in_a_large_import_changes_nothing(store, add, lines):
    path = lines(1600, bad=1501)  # the transaction holds batches already
    deleted = add(label="4", writer="ben")
    store.delete(deleted.id)
    before, mark = everything(store), store.change_marker("ben")
    with pytest.raises(StoreError, match=r"samples\.jsonl: row 1501: label is empty$"):
        import_samples(store, path)
    assert (everything(store), store.change_marker("ben")) == (before, mark)
    assert import_samples(store, lines(1600)) == 1600
    assert store.change_marker("ben") != mark


def test_import_limits_the_number_of_rows(store, lines, monkeypatch):
    monkeypatch.setattr(exchange, "MAX_ROWS", 3)
    assert import_samples(store, lines(3)) == 3
    with pytest.raises(StoreError, match=r"row 4: at most 3 rows can be imported at once$"):
        import_samples(store, lines(4))


def test_first_of_two_rows_with_one_id_counts(store, lines):
    path = lines(1)
    first = path.read_text()
    path.write_text(first + first.replace('"label": "7"', '"label": "9"'))
    assert import_samples(store, path) == 1
    assert store.get(uuid.UUID(int=1)).label == "7"


def test_import_of_rows_with_many_points(store, other, add, tmp_path):
    strokes = [[[x / 7, x / 3] for x in range(20_000)]]
    samples = [add(strokes=strokes).to_dict() for _ in range(4)]
    export_samples(store, tmp_path / "taught")
    assert import_samples(other, tmp_path / "taught") == 4
    assert [sample.to_dict() for sample in other.rows()] == samples


def test_import_rejects_files_that_differ(store, other, add, tmp_path):
    add(label="7")
    add(label="1")
    export_samples(store, tmp_path / "taught")
    for labels, row in (("7\n4\n", 2), ("4\n1\n", 1)):
        (tmp_path / "taught" / "labels.csv").write_text(labels)
        with pytest.raises(StoreError, match=rf"row {row}: the CSV files differ from samples\.jsonl"):
            import_samples(other, tmp_path / "taught")
    (tmp_path / "taught" / "labels.csv").write_text("7\n1\n")
    with (tmp_path / "taught" / "samples.jsonl").open("r+") as file:
        file.truncate(len(file.readline()))
    with pytest.raises(StoreError, match=r"row 2: the CSV files differ from samples\.jsonl"):
        import_samples(other, tmp_path / "taught")
    assert other.count() == 0


def test_import_rejects_a_writer_for_json_lines(store, other, add, tmp_path):
    add(label="7")
    export_samples(store, tmp_path / "taught")
    with pytest.raises(StoreError, match=r"samples\.jsonl: names the writers itself"):
        import_samples(other, tmp_path / "taught", writer="ben")


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, r"cannot be opened \(No such file"), (b"\x89PNG\xff", "is not a text file")],
)
def test_import_reports_an_unreadable_file(store, tmp_path, content, message):
    path = tmp_path / "samples.jsonl"
    if content:
        path.write_bytes(content)
    with pytest.raises(StoreError, match=rf"samples\.jsonl: {message}"):
        import_samples(store, path)


def test_export_without_samples_raises_store_error(store, add, tmp_path):
    with pytest.raises(StoreError, match=r"there are no samples$"):
        export_samples(store, tmp_path / "taught")
    add()
    with pytest.raises(StoreError, match="there are no samples of ben"):
        export_samples(store, tmp_path / "taught", "ben")
    assert not (tmp_path / "taught").exists()


def test_export_reports_an_unwritable_folder(store, add, tmp_path):
    add()
    (tmp_path / "file").write_text("a file")
    with pytest.raises(DataError, match=r"taught: cannot be written \(Not a directory\)$"):
        export_samples(store, tmp_path / "file" / "taught")
