"""The search of pictures in folders, and their pages one after the other."""

import io
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inkwise._util.errors import ImageError
from inkwise.image import Document, find_files, find_skipped, iterate_images, load_image, skipped_message


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


def test_find_files_sorts_numbers_by_value(folder):
    for name in ("img10.png", "img2.png", "img02.png", "img1b.png", "7.png"):
        (folder / "a" / "b" / name).write_bytes(b"")
    found = [path.removeprefix("a/b/") for path in find_files(["a/b"])]
    assert found == ["7.png", "d.TIF", "img1b.png", "img02.png", "img2.png", "img10.png"]


def test_find_skipped_names_other_files_of_folders(folder):
    (folder / ".hidden").write_bytes(b"")
    (folder / "a" / "again").symlink_to(folder, target_is_directory=True)
    assert find_skipped([".", "notes.txt", "-", "none"]) == ["a/again", "notes.txt"]
    assert find_skipped(["a/b"]) == []


def test_skipped_message_counts_and_names_the_first():
    assert skipped_message(["notes.txt"]) == "1 file skipped: notes.txt"
    assert skipped_message([*"abcdefg"]) == "7 files skipped: a, b, c, d, e, …"


def shade(grey):
    return Image.new("L", (40, 30), grey)


def in_file(form, *greys):
    file = io.BytesIO()
    first, *others = map(shade, greys)
    first.save(file, form, save_all=True, append_images=others)
    return file.getvalue()


def test_iterate_images_yields_pages_in_order(tmp_path, caplog):
    (tmp_path / "10.png").write_bytes(in_file("PNG", 200))
    (tmp_path / "9.tif").write_bytes(in_file("TIFF", 20, 40))
    (tmp_path / "notes.txt").write_bytes(b"")
    inputs = [
        tmp_path,
        in_file("PDF", 60, 80),
        io.BytesIO(in_file("PNG", 100)),
        shade(120),
        np.full((9, 9), 140),
    ]
    found = [round(load_image(image).mean()) for image in iterate_images(inputs)]
    assert found == [20, 40, 200, 60, 80, 100, 120, 140]
    assert caplog.messages == ["1 file skipped: notes.txt"]


def test_iterate_images_skips_and_names_what_cannot_be_decoded_in_folders(tmp_path, caplog):
    whole, cut = in_file("TIFF", 20, 40), in_file("PNG", 60)[:40]
    (tmp_path / "1.png").write_bytes(cut)
    (tmp_path / "2.tif").write_bytes(whole)
    (tmp_path / "3.jpg").write_bytes(b"")
    (tmp_path / "4.png").write_bytes(in_file("PNG", 60))
    assert [round(page.mean()) for page in iterate_images(tmp_path)] == [20, 40, 60]
    assert [message.split(":")[:2] for message in caplog.messages] == [
        ["skipped", f" {tmp_path / name}"] for name in ("1.png", "3.jpg")
    ]
    with pytest.raises(ImageError, match=r"1\.png: is not a picture"):
        next(iterate_images([tmp_path / "1.png", tmp_path / "4.png"]))


def test_iterate_images_skips_a_damaged_page_in_folders(tmp_path, monkeypatch):
    (tmp_path / "2.tif").write_bytes(in_file("TIFF", 20, 40, 60))
    decode = Document.page

    def damaged(self, number):
        if number == 2:
            raise ImageError("2.tif, page 2: damaged")
        return decode(self, number)

    monkeypatch.setattr(Document, "page", damaged)
    assert [round(page.mean()) for page in iterate_images(tmp_path)] == [20, 60]


def test_folder_in_which_nothing_can_be_decoded_raises_the_first_error(tmp_path):
    for name in ("1.png", "2.png"):
        (tmp_path / name).write_bytes(b"none")
    with pytest.raises(ImageError, match=r"1\.png: is not a picture"):
        list(iterate_images(tmp_path))


@pytest.mark.parametrize("wrap", [Path, str, lambda path: path.read_bytes()])
def test_iterate_images_takes_one_document(tmp_path, wrap):
    path = tmp_path / "two.tif"
    path.write_bytes(in_file("TIFF", 20, 40))
    assert [round(page.mean()) for page in iterate_images(wrap(path))] == [20, 40]
    with path.open("rb") as file:
        assert [round(page.mean()) for page in iterate_images(file)] == [20, 40]


def test_iterate_images_takes_a_stack():
    assert [image.shape for image in iterate_images(np.zeros((3, 28, 28)))] == [(28, 28)] * 3
    assert len(list(iterate_images(shade(20)))) == 1


def test_iterate_images_names_what_is_not_a_picture(tmp_path):
    with pytest.raises(ImageError, match="no pictures in this folder"):
        list(iterate_images(tmp_path))
    for thing in (None, 7):
        with pytest.raises(ImageError, match="is not a picture"):
            list(iterate_images(thing))
    opened = iterate_images([shade(20), "none.png"])
    next(opened)
    with pytest.raises(FileNotFoundError, match=r"none\.png"):
        next(opened)
