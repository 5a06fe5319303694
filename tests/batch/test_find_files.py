"""The search of files and folders."""

import os
from itertools import islice

import pytest

from inkwise.batch import find_files
from inkwise.batch.page_rows import file_fingerprint


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("b.png", "a/c.pdf", "a/b/d.TIF", "a.jpg", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_find_files_lists_folders_in_place_sorted_by_name(folder):
    assert list(find_files(["none.png", ".", "-", "notes.txt"])) == [
        *("none.png", "a/b/d.TIF", "a/c.pdf", "a.jpg", "b.png", "-", "notes.txt")
    ]


def test_find_files_is_lazy(folder):
    assert list(islice(find_files(["b.png", "a", "none-of-these-is-looked-at"]), 2)) == ["b.png", "a/b/d.TIF"]


def test_find_files_follows_no_links_to_folders(folder):
    (folder / "a" / "again").symlink_to(folder, target_is_directory=True)
    assert len(list(find_files(["a"]))) == 2


def test_find_files_yields_an_empty_folder_itself(folder):
    (folder / "empty").mkdir()
    assert list(find_files(["empty", "b.png"])) == ["empty", "b.png"]


def test_find_files_yields_impossible_names(folder):
    assert list(find_files(["a" * 5000])) == ["a" * 5000]


def test_file_fingerprint_changes_with_the_file(folder):
    before = file_fingerprint("b.png")
    os.utime("b.png", ns=(0, 0))
    assert file_fingerprint("b.png") != before
    assert file_fingerprint("none.png") == ""
