"""Input files: regular files only, and no more of them than a limit."""

import os

import pytest

from inkwise._util import inputs
from inkwise._util.errors import DataError, ImageError, InkwiseError
from inkwise._util.inputs import bounded_lines, is_folder, is_there, open_input, read_input, read_lines

EVERYTHING = 1_000


def refusal(path, limit=EVERYTHING):
    with pytest.raises(ImageError) as caught:
        read_input(path, limit, ImageError)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_read_input_follows_links(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"0123456789")
    (tmp_path / "link").symlink_to(path)
    assert read_input(path, 10) == read_input(str(tmp_path / "link"), EVERYTHING) == b"0123456789"
    with open_input(path) as file:
        assert file.read(3) == b"012"


def test_read_input_rejects_everything_but_regular_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("none")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "file").touch()
    for path, reason in [
        (tmp_path, "is a folder, not a file"),
        (tmp_path / "pipe", "is a pipe or a device, not a file"),
        ("/dev/zero", "is a pipe or a device, not a file"),
        (tmp_path / "none", "cannot be opened (No such file or directory)"),
        (tmp_path / "link", "cannot be opened (No such file or directory)"),
        (tmp_path / "circle", "cannot be opened (Too many levels of symbolic links)"),
        (tmp_path / "file" / "below", "cannot be opened (Not a directory)"),
        (tmp_path / ("x" * 300), "cannot be opened (File name too long)"),
        ("", "cannot be opened (No such file or directory)"),
        ("/proc/self/mem", "cannot be read (Input/output error)"),
    ]:
        assert refusal(path) == f"{path}: {reason}"


def test_read_input_rejects_impossible_names():
    assert refusal("a\0b") == r"a\x00b: cannot be opened (embedded null byte)"
    assert refusal("a\ud800b").startswith(r"a\ud800b: cannot be opened ('utf-8' codec can't encode")


def test_read_input_rejects_a_file_above_the_limit(tmp_path):
    path = tmp_path / "large"
    path.touch()
    os.truncate(path, 20 * 2**30)
    assert refusal(path, 5_000_000) == f"{path}: is larger than 5 MB"
    assert refusal(path, 10) == f"{path}: is larger than 10 bytes"
    assert refusal("/proc/self/maps", 10) == "/proc/self/maps: is larger than 10 bytes", "its size is 0"


def test_read_lines_strips_lines_and_limits_the_size(tmp_path, monkeypatch):
    path = tmp_path / "numbers.txt"
    path.write_text("\ufeff 12 \r\n\n345\n", encoding="utf-8")
    assert read_lines(path) == ["12", "345"]
    path.write_bytes(b"\xff")
    with pytest.raises(DataError, match=r"is not text \(UTF-8\) with one number a line$"):
        read_lines(path)
    monkeypatch.setattr(inputs, "_MAX_LIST", 8)
    path.write_bytes(b"123456789")
    with pytest.raises(DataError, match="is larger than 8 bytes"):
        read_lines(path)


def test_bounded_lines_rejects_a_long_line(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one\ntwo\nthree")
    with path.open() as file:
        assert [*bounded_lines(file, 5)] == ["one\n", "two\n", "three"]
    with path.open() as file, pytest.raises(InkwiseError, match=r"^is longer than 4 characters$"):
        [*bounded_lines(file, 4)]


def test_is_there_and_is_folder_of_unusable_paths(tmp_path):
    long = tmp_path / ("x" * 300)
    assert is_folder(tmp_path)
    assert not is_folder(long)
    assert is_there(tmp_path)
    assert is_there(long), "opening the file reports the reason"
    assert not is_there(tmp_path / "none")
