"""A file is there whole or not at all."""

import errno

import pytest

from inkwise import files
from inkwise.errors import DataError
from inkwise.files import check_apart, make_folder, read_lines, write_whole


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


def test_a_link_stays_and_a_device_is_left_alone(tmp_path):
    link, target = tmp_path / "link", tmp_path / "a.txt"
    link.symlink_to(target)
    write_whole(link, lambda part: part.write_text("one"))
    assert (link.readlink(), target.read_text()) == (target, "one")
    link.unlink()
    link.symlink_to("/dev/null")  # itself it would be lost, should this fail
    with pytest.raises(DataError, match=r"link: cannot be written \(is a folder or a device\)$"):
        write_whole(link, lambda part: part.write_text("one"))


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


def test_lines_are_read_without_blanks_and_a_list_without_end_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "numbers.txt"
    path.write_text("\ufeff 12 \r\n\n345\n", encoding="utf-8")
    assert read_lines(path) == ["12", "345"]
    monkeypatch.setattr(files, "_LARGEST", 8)
    with pytest.raises(DataError, match="is larger than 64 MB"):
        read_lines(path)
