import io
import random
import tarfile
import zipfile
from collections import Counter
from functools import partial

import numpy as np
import pooch
import pytest

from inkwise._util.errors import DataError
from inkwise.datasets import (
    StrokeSet,
    fetch_unipen,
    load_dataset,
    load_strokes_or_dataset,
    split_by_writer,
    unipen,
    unipen_files,
)
from inkwise.datasets.unipen import is_suspect, parse, writer_number

DOC = ".COORD X Y\n.X_POINTS_PER_MM 10\n.Y_POINTS_PER_MM 10\n"
INK = """.INCLUDE abc/abc.doc
.WRITER_ID Anna
.PEN_DOWN
100 200
100 150
.PEN_UP
.PEN_DOWN
110 200
120 190
110 180
.PEN_UP
115 185
.PEN_DOWN
130 200
140 150
"""
INCLUDES = {"include/abc/abc.doc": DOC, "include/abc/anna.dat": INK}


def data(*segments, include="abc/anna.dat"):
    return f".VERSION 1.0\n.INCLUDE {include}\n" + "".join(f".SEGMENT {segment}\n" for segment in segments)


TREE = {
    **INCLUDES,
    "data/1a/abc/anna.dat": data('CHARACTER 0 ? "1"', 'CHARACTER 0-1 OK "4"'),
    "data/1b/abc/anna.dat": data('CHARACTER 1 ? "D"'),
    "data/1d/abc/anna.dat": data('CHARACTER 3 OK "\\\\"'),
    "data/7/abc/anna.dat": data('WORD 0-3 ? "1/31"', 'WORD 0-3 ? "131"', 'WORD 0-3 ? "the"'),
}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("INKWISE_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache" / "unipen"


@pytest.fixture
def write(tmp_path):
    def write(files, form="folder"):
        path = tmp_path / f"unipen.{form}"
        prefix = "" if form == "folder" else "CDROM/train_r01_v07/"
        contents = {f"{prefix}{name}": text.encode("latin-1") for name, text in files.items()}
        if form == "folder":
            for name, content in contents.items():
                (path / name).parent.mkdir(parents=True, exist_ok=True)
                (path / name).write_bytes(content)
        elif form == "zip":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in contents.items():
                    archive.writestr(name, content)
        else:
            with tarfile.open(path, "w" if form == "tar" else "w:gz") as archive:
                for name, content in contents.items():
                    member = tarfile.TarInfo(name)
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
        return path

    return write


def parsed(files):
    return parse({name: partial(text.encode, "latin-1") for name, text in files.items()})


def test_parse_sorts_samples_into_sets():
    found = parsed(TREE).samples
    assert {name: [sample.label for sample in samples] for name, samples in found.items()} == {
        "digits": ["1", "4"],
        "nondigits": ["D", "\\"],
        "digit_strings": ["1/31", "131"],
    }
    assert [sample.category for sample in found["nondigits"]] == ["1b", "1d"]


def test_parse_moves_samples_to_origin_in_hundredths_of_millimetres():
    one, four = parsed(TREE).samples["digits"]
    assert [stroke.tolist() for stroke in one.strokes] == [[[0, 0], [0, 500]]]
    assert [stroke.tolist() for stroke in four.strokes] == [
        [[0, 0], [0, 500]],
        [[100, 0], [200, 100], [100, 200]],
    ]
    assert one.strokes[0].dtype == np.int32


@pytest.mark.parametrize(
    ("category", "label", "kept"),
    [
        ("1a", "7", "digits"),
        ("1a", "O", None),
        ("1a", "12", None),
        ("1a", "²", None),
        ("1b", "A", "nondigits"),
        ("1c", "é", "nondigits"),
        ("1c", "ab", None),
        ("1d", "0", None),
        ("1d", " ", None),
        ("1d", "\x07", None),
        ("7", "$12,738.50", "digit_strings"),
        ("7", "(408)", "digit_strings"),
        ("7", "5", None),
        ("7", "-.-", None),
        ("7", "1 2", None),
        ("7", "1st", None),
        ("7", "1" * 33, None),
    ],
)
def test_parse_keeps_labels_of_folder(category, label, kept):
    found = parsed({**INCLUDES, f"data/{category}/abc/x.dat": data(f'CHARACTER 0 ? "{label}"')})
    assert [name for name, samples in found.samples.items() if samples] == ([kept] if kept else [])
    assert found.skipped_samples.total() == (0 if kept or category == "7" else 1)


def test_fetch_unipen_writes_stroke_layout(write, cache):
    fetch_unipen(write(TREE))
    arrays = {name: dict(np.load(cache / f"unipen_{name}.npz")) for name in unipen.SETS}
    common = {"points": "int32", "stroke_offsets": "int32", "sample_offsets": "int32", "writer": "int32"}
    assert {
        name: {key: str(array.dtype) for key, array in held.items()} for name, held in arrays.items()
    } == {
        "digits": {**common, "labels": "int64", "suspect": "bool"},
        "nondigits": {**common, "labels": "<U1", "category": "<U2"},
        "digit_strings": {**common, "labels": "<U4", "digits_only": "bool"},
    }
    assert arrays["digits"]["points"].shape == (7, 2)
    assert arrays["digits"]["stroke_offsets"].tolist() == [0, 2, 4, 7]
    assert arrays["digits"]["sample_offsets"].tolist() == [0, 1, 3]
    assert arrays["digit_strings"]["digits_only"].tolist() == [False, True]


@pytest.mark.parametrize("form", ["folder", "zip", "tgz", "tar"])
def test_fetch_unipen_reads_folder_and_archives(write, form):
    fetch_unipen(write(TREE, form))
    assert load_dataset("unipen-digits").labels.tolist() == ["1", "4"]
    assert load_dataset("unipen-strings").labels.tolist() == ["1/31", "131"]


def test_load_strokes_or_dataset_returns_strokes_with_writers(write):
    fetch_unipen(write(TREE))
    digits = load_strokes_or_dataset("unipen-digits")
    assert isinstance(digits, StrokeSet)
    assert digits.name == "unipen-digits"
    assert digits.writers.tolist() == [writer_number("Anna")] * 2
    assert set(split_by_writer(digits.writers)) < {"train", "validation", "test"}


def test_load_dataset_tells_how_to_fetch_missing_set():
    with pytest.raises(
        DataError, match=r"unipen_nondigits\.npz: is not in the cache; .*: inkwise data get unipen$"
    ):
        load_dataset("unipen-nondigits")


def test_fetch_unipen_removes_file_of_set_without_samples(write, cache, tmp_path):
    fetch_unipen(write(TREE))
    names = ["include/abc/abc.doc", "include/abc/anna.dat", "data/1a/abc/anna.dat"]
    fetch_unipen(write({name: TREE[name] for name in names}, "zip"))
    assert [path.name for path in cache.iterdir()] == ["unipen_digits.npz"]


def test_fetch_unipen_keeps_cached_files(write, cache):
    fetch_unipen(write(TREE))
    assert fetch_unipen() == cache


def test_fetch_unipen_reports_counts(write):
    lines = []
    broken = data('CHARACTER 9 ? "1"', 'CHARACTER 0 ? "x"', "CHARACTER 0", 'CHARACTER 8 ? "1"')
    missing = data('CHARACTER 0 ? "1"', include="abc/bert.dat")
    fetch_unipen(write({**TREE, "data/1a/abc/b.dat": broken, "data/1a/abc/c.dat": missing}), lines.append)
    assert lines == [
        "UNIPEN: 2 digits, 2 nondigits, 2 digit strings; 1 writers",
        "skipped: 1 files (include not found: 1), 4 samples "
        "(missing components: 2, label not one of the digits: 1, no label: 1)",
    ]


@pytest.mark.parametrize(
    "name",
    ["../data/1a/abc/x.dat", "/etc/passwd", "abc/../../../secret.dat", ".", "", "abc"],
)
def test_parse_rejects_includes_outside_folder(write, tmp_path, name):
    (tmp_path / "secret.dat").write_text(DOC + ".PEN_DOWN\n1 1\n")
    files = {**INCLUDES, "data/1a/abc/x.dat": data('CHARACTER 0 ? "1"', include=name)}
    with unipen_files.open_files(write(files)) as opened:
        found = parse(opened)
    assert not found.samples["digits"]


def test_open_files_extracts_nothing(tmp_path, write):
    files = {f"../../../{name}": text for name, text in TREE.items()}
    before = sorted(tmp_path.iterdir())
    path = write({**files, "../evil.dat": "x", "/tmp/evil.dat": "x", "include/../../evil.dat": "x"}, "tgz")
    with unipen_files.open_files(path) as opened:
        assert len(parse(opened).samples["digits"]) == 2
    assert sorted(tmp_path.iterdir()) == sorted([*before, path])


def test_open_files_skips_links(tmp_path):
    path = tmp_path / "links.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
            member = tarfile.TarInfo(f"data/1a/abc/{kind}.dat")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    with unipen_files.open_files(path) as opened:
        assert opened == {}


@pytest.mark.parametrize("content", [b"", b"text" * 300, b"PK\x03\x04" * 9, b"\x1f\x8b\x08" + b"x" * 99])
def test_fetch_unipen_rejects_non_archive(tmp_path, content):
    path = tmp_path / "unipen.tgz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"unipen\.tgz: expected a \.zip or \.tgz archive; the file"):
        fetch_unipen(path)


@pytest.mark.parametrize("form", ["zip", "tgz"])
def test_fetch_unipen_rejects_truncated_archive(write, form):
    path = write(TREE, form)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match="the file is damaged"):
        fetch_unipen(path)


def test_fetch_unipen_limits_total_size(write, monkeypatch):
    monkeypatch.setattr(unipen_files, "_MAX_TOTAL_BYTES", 100)
    with pytest.raises(DataError, match="contains more than 0 GB"):
        fetch_unipen(write(TREE, "tgz"))


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_parse_skips_large_file(write, monkeypatch, form):
    monkeypatch.setattr(unipen_files, "_MAX_FILE_BYTES", 100)  # less than the ink has
    with unipen_files.open_files(write(TREE, form)) as opened:
        assert parse(opened).skipped_files["too large"] == 4


def test_fetch_unipen_rejects_folder_without_files(tmp_path):
    with pytest.raises(DataError, match=r"no UNIPEN sample in 0 files; skipped 0 files, 0 samples$"):
        fetch_unipen(tmp_path)


def test_fetch_unipen_reports_why_all_files_were_skipped(write):
    path = write({"data/1a/abc/x.dat": TREE["data/1a/abc/anna.dat"]})
    with pytest.raises(DataError, match=r"in 1 files; skipped 1 files \(include not found: 1\), 0 samples$"):
        fetch_unipen(path)


def test_fetch_unipen_rejects_missing_path(tmp_path):
    with pytest.raises(DataError, match="none: cannot be opened \\(No such file or directory\\)"):
        fetch_unipen(tmp_path / "none")


class Zenodo:
    """Stand-in for the record as pooch gives it."""

    def __init__(self, archive, error=None):
        self.archive, self.error = archive, error

    def load_registry_from_doi(self):
        if self.error:
            raise self.error

    def fetch(self, name):
        assert name == "unipen-CDROM-train_r01_v07.tgz"
        return str(self.archive)


def test_fetch_unipen_downloads_archive(write, cache, monkeypatch):
    archive = write(TREE, "tgz")
    asked = []
    monkeypatch.setattr(pooch, "create", lambda **options: asked.append(options) or Zenodo(archive))
    assert fetch_unipen() == cache
    assert asked == [{"path": cache, "base_url": "doi:10.5281/zenodo.1195803"}]
    assert len(load_dataset("unipen-digits")) == 2


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionError("no way to doi.org"), "ConnectionError"),
        (ValueError("MD5 hash does not match"), "file list or MD5 differs"),
        (KeyError("files"), "file list or MD5 differs"),
    ],
)
def test_fetch_unipen_reports_failed_download(monkeypatch, error, reason):
    monkeypatch.setattr(pooch, "create", lambda **options: Zenodo(None, error))
    with pytest.raises(DataError) as caught:
        fetch_unipen()
    assert str(caught.value) == (
        f"UNIPEN is not available from doi:10.5281/zenodo.1195803 ({reason}); "
        "with its folder or archive at PATH: inkwise data get unipen --from PATH"
    )


def test_writer_number_depends_on_name_alone():
    assert writer_number("Anna") == writer_number("  anna\t") != writer_number("bert")
    numbers = [writer_number(f"writer {i}") for i in range(3000)]
    assert len(set(numbers)) == 3000
    assert 0 <= min(numbers) < max(numbers) < 2**31
    thirds = Counter(split_by_writer(np.array(numbers, np.int32)).tolist())
    assert all(900 < count < 1100 for count in thirds.values())


def test_writer_number_is_fixed():
    assert writer_number("anna") == 974_951_588


def test_parse_counts_unnamed_writers_of_contributor_as_one():
    nameless = INK.replace(".WRITER_ID Anna\n", "")
    files = {**INCLUDES, "include/abc/anna.dat": nameless}
    names = ("data/1a/abc/x.dat", "data/1b/abc/y.dat", "data/1b/xyz/z.dat")
    found = parsed(
        {**files, **{name: data(f'CHARACTER 0 ? "{"1" if "1a" in name else "I"}"') for name in names}}
    )
    digit, letter, other = found.samples["digits"] + found.samples["nondigits"]
    assert digit.writer == letter.writer != other.writer


UPRIGHT, LYING = [[0, 0], [10, 500]], [[0, 0], [500, 10]]


@pytest.mark.parametrize(
    ("label", "strokes", "suspect"),
    [
        ("1", [UPRIGHT], False),
        ("1", [LYING], True),
        ("4", [UPRIGHT], True),
        ("4", [LYING], True),
        ("7", [[[0, 0], [300, 0], [100, 500]]], False),
        ("1", [[[0, 0], [30, 30]]], True),
        ("8", [[[5, 5]]], True),
        ("4", [UPRIGHT, [[-100, 250], [100, 250]]], False),
    ],
)
def test_is_suspect(label, strokes, suspect):
    assert is_suspect(label, [np.array(stroke, np.int32) for stroke in strokes]) is suspect


def test_parse_survives_damaged_files():
    """Files are truncated or changed at random: nothing is raised, and the intact sample is always found."""
    rng = random.Random(5)
    whole = {"include/ok/ok.dat": DOC + INK.partition("\n")[2]}
    whole["data/1a/ok/ok.dat"] = data('CHARACTER 0 ? "1"', include="ok/ok.dat")
    words = [".PEN_DOWN", ".INCLUDE abc/abc.doc", ".COORD", "-", "9" * 30, "nan", "\x00", ":", ",", '"', "\n"]
    for _ in range(500):
        files = dict(TREE)
        for name in rng.sample(sorted(files), 2):
            text = files[name]
            at = rng.randrange(len(text) + 1)
            files[name] = text[:at] + rng.choice(["", *words]) + text[at + rng.randrange(20) :]
        found = parsed({**files, **whole})
        assert any(sample.label == "1" for sample in found.samples["digits"])
        for name, samples in found.samples.items():
            if samples:
                unipen.stroke_arrays(name, samples)
