"""A file is there whole or not at all."""

import errno

import pytest

from inkwise.errors import DataError
from inkwise.files import write_whole


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
