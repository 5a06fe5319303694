"""Small files that decompress to gigabytes are rejected in one line, within bounded memory."""

import gzip
import io
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib

import numpy as np
import pytest

from inkwise._util.errors import DataError
from inkwise.datasets import csv_glyphs, idx, load_dataset, npz, unipen_files
from inkwise.datasets.csv_glyphs import read_csv
from inkwise.datasets.idx import idx_bytes, read_idx
from inkwise.datasets.npz import read_npz

PIECE = 16 << 20  # bytes, of which many follow one another
HEADER = ",".join(f"pixel{number}" for number in range(784)) + "\n"

# Loads a data set with at most 1.2 GB of address space more than the imports take.
LOAD = """
import re, resource, sys
from pathlib import Path
from inkwise._util.errors import DataError
from inkwise.datasets import load_dataset
used = int(re.search(r"VmSize:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (used + 1_200_000_000,) * 2)
try:
    print(len(load_dataset(sys.argv[1])))
except DataError as error:
    print(error)
"""


def gzipped(head, filler, size):
    """Gzip data of a head and of so many bytes that are all the same, made without compressing them all."""
    pieces, rest = divmod(size, PIECE)
    members = [gzip.compress(head), *[gzip.compress(filler * PIECE)] * pieces, gzip.compress(filler * rest)]
    return b"".join(members)


def deflated(size):
    """A deflate stream of so many zeros, made likewise."""
    compressor = zlib.compressobj(wbits=-15)
    piece = compressor.compress(bytes(PIECE)) + compressor.flush(zlib.Z_FULL_FLUSH)
    return piece * (size // PIECE) + compressor.flush()


def zipped(path, name, content, size):
    """A zip file with one deflated member that claims to unpack to so many bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(name, content)
        info = archive.infolist()[0]
        info.compress_type, info.file_size = zipfile.ZIP_DEFLATED, size
    data = bytearray(packed.getvalue())
    struct.pack_into("<H", data, 8, zipfile.ZIP_DEFLATED)
    path.write_bytes(data)


def idx_folder(folder, images):
    folder.mkdir()
    (folder / "train-images-idx3-ubyte.gz").write_bytes(images)
    (folder / "train-labels-idx1-ubyte").write_bytes(idx_bytes(np.zeros(10, np.uint8)))


def header(count):
    return bytes([0, 0, 8, 3]) + struct.pack(">3I", count, 28, 28)


BOMBS = {
    "a header of 3 GB": (
        "idx",
        lambda path: idx_folder(path, gzipped(header(4_000_000), b"\0", 3 << 30)),
        "expected at most 1,000,000 samples and 1 GB, got 4000000 x 28 x 28 bytes by the header",
    ),
    "3 GB behind ten images": (
        "idx",
        lambda path: idx_folder(path, gzipped(header(10), b"\0", 3 << 30)),
        "expected 7856 bytes by the header, got more",
    ),
    "a line of 3 GB": (
        "digits.csv.gz",
        lambda path: path.write_bytes(gzipped(HEADER.encode(), b"0", 3 << 30)),
        "line 2: is longer than 40,000 characters",
    ),
    "lines without end": (
        "digits.csv.gz",
        lambda path: path.write_bytes(gzipped(HEADER.encode(), b"\n", 3 << 30)),
        "has more than 1,000,000 rows",
    ),
    "3 GB of images": (
        "digits.npz",
        lambda path: zipped(path, "images.npy", deflated(3 << 30), 3 << 30),
        "is larger than 1 GB when decompressed",
    ),
    "3 GB of images that claim to be few": (
        "digits.npz",
        lambda path: zipped(path, "images.npy", deflated(3 << 30), 1000),
        "expected an .npz archive of plain arrays; the file is damaged or of another type",
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_load_dataset_rejects_bomb_in_bounded_memory(tmp_path, name):
    file, make, reason = BOMBS[name]
    make(tmp_path / file)
    size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert size < 10_000_000
    done = subprocess.run([sys.executable, "-c", LOAD, tmp_path / file], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.endswith(f": {reason}\n")


def test_load_dataset_reads_as_many_digits_as_emnist(tmp_path):
    count = 814_255
    idx_folder(tmp_path / "emnist", gzipped(header(count), b"\0", count * 784))
    labels = tmp_path / "emnist" / "train-labels-idx1-ubyte"
    labels.write_bytes(idx_bytes(np.zeros(count, np.uint8)))
    done = subprocess.run(
        [sys.executable, "-c", LOAD, tmp_path / "emnist"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{count}\n"


def test_read_csv_counts_rows(tmp_path, monkeypatch, digits):
    path = tmp_path / "digits.csv"
    rows = [",".join(map(str, glyph.ravel())) for glyph in digits]
    path.write_text(HEADER + "\n".join(rows))
    np.testing.assert_array_equal(read_csv(path).glyphs, digits)
    monkeypatch.setattr(csv_glyphs, "MAX_SAMPLES", 5)
    with pytest.raises(DataError, match=r"digits\.csv: has more than 5 rows$"):
        read_csv(path)


def test_read_csv_rejects_label_without_pixels(tmp_path):
    """One row of pixels must not be taken for those of the rows without any."""
    path = tmp_path / "digits.csv"
    path.write_text("label," + HEADER + "7," + ",".join(["0"] * 784) + "\n7\n7\n")
    with pytest.raises(DataError, match=r"digits\.csv: line 3: expected 785 values, got 1$"):
        read_csv(path)


def test_read_idx_counts_samples(tmp_path, monkeypatch):
    path = tmp_path / "labels"
    path.write_bytes(idx_bytes(np.zeros(6, np.uint8)))
    monkeypatch.setattr(idx, "MAX_SAMPLES", 5)
    with pytest.raises(DataError, match="expected at most 5 samples and 1 GB, got 6 bytes by the header"):
        read_idx(path, 1)


STROKES = {
    "points": np.zeros((6, 2), np.uint8),
    "stroke_offsets": np.arange(7, dtype=np.uint8),
    "sample_offsets": np.arange(7, dtype=np.uint8),
}


@pytest.mark.parametrize(
    ("limit", "arrays", "reason"),
    [
        ("_MAX_POINTS", STROKES, "expected at most 5 points, got 6"),
        ("_MAX_STROKES", STROKES, "expected at most 5 stroke_offsets, got 6"),
        ("MAX_SAMPLES", {"images": np.zeros((6, 2, 8), np.uint8)}, "expected at most 5 images, got 6"),
        ("MAX_BYTES", {"images": np.zeros((6, 2, 8), np.uint8)}, "is larger than 0 GB when decompressed"),
    ],
)
def test_read_npz_counts_what_takes_more_memory_than_its_bytes(tmp_path, monkeypatch, limit, arrays, reason):
    path = tmp_path / "set.npz"
    np.savez_compressed(path, **arrays)
    monkeypatch.setattr(npz, limit, 5)
    with pytest.raises(DataError, match=rf"set\.npz: {reason}$"):
        read_npz(path)


def test_open_files_rejects_long_tar_header(tmp_path):
    """tarfile would hold a name of any length in memory."""
    member = tarfile.TarInfo("././@LongLink")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 3 << 30
    path = tmp_path / "unipen.tgz"
    path.write_bytes(gzipped(member.tobuf(tarfile.GNU_FORMAT), b"x", 3 << 30))
    with (
        pytest.raises(DataError, match=r"expected a \.zip or \.tgz archive; the file is damaged"),
        unipen_files.open_files(path),
    ):
        pass


def test_open_files_counts_members(tmp_path, monkeypatch):
    monkeypatch.setattr(unipen_files, "_MAX_FILES", 2)
    path = tmp_path / "unipen.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(3):
            archive.writestr(f"elsewhere/{number}", b"")
    with pytest.raises(DataError, match="contains more than 2 files"), unipen_files.open_files(path):
        pass


def test_load_dataset_rejects_too_long_path(tmp_path):
    with pytest.raises(DataError, match=r"File name too long\)$"):
        load_dataset(tmp_path / ("x" * 300))
