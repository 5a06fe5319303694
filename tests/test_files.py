"""A file is there whole or not at all."""

import errno

import pytest

from inkwise.errors import DataError
from inkwise.files import check_apart, make_folder, write_whole


def test_a_file_is_made_and_replaced(tmp_path):
    path = tmp_path / "a.txt"
    for text in ("one", "two"):
        write_whole(path, lambda part, text=text: part.write_text(text))
        assert path.read_text() == text
    assert list(tmp_path.iterdir()) == [path]


def _full(part):
    part.write_text("ha")
    raise OSError(errno.ENOSPC, "No space left on device")


def _killed(part):
    part.write_text("ha")
    raise KeyboardInterrupt


@pytest.mark.parametrize(("write", "error"), [(_full, DataError), (_killed, KeyboardInterrupt)])
def test_the_old_file_stays_where_the_new_one_fails(tmp_path, write, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error):
        write_whole(path, write)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path], "and nothing is left over"


def test_the_message_names_the_file_and_the_reason(tmp_path):
    with pytest.raises(DataError, match=r"^.*a\.txt: cannot be written \(No space left on device\)$"):
        write_whole(tmp_path / "a.txt", _full)
    with pytest.raises(DataError, match=r"a\.txt: cannot be written \(No such file or directory\)$"):
        write_whole(tmp_path / "none" / "a.txt", lambda part: part.write_text(""))
    (tmp_path / "a.txt").write_text("no folder")
    with pytest.raises(DataError, match=r"b\.txt: cannot be written \(Not a directory\)$"):
        write_whole(tmp_path / "a.txt" / "b.txt", lambda part: part.write_text(""))


def test_a_folder_is_made_or_told_why_not(tmp_path):
    for _ in range(2):
        make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "c").write_text("no folder")
    with pytest.raises(DataError, match=r"c: cannot be made \(File exists\)$"):
        make_folder(tmp_path / "c")


def test_what_is_read_is_not_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("data")
    (tmp_path / "link.csv").symlink_to("a.csv")
    check_apart(tmp_path / "b.csv", ["a.csv", b"bundled", tmp_path])
    for path in (tmp_path / "a.csv", tmp_path / "link.csv"):
        with pytest.raises(DataError, match=r"\.csv: is read, and would be replaced; name another file"):
            check_apart(path, [b"bundled", "a.csv"])
