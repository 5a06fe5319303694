import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inkwise._util.errors import DataError
from inkwise.datasets.folder import read_image_folder
from inkwise.preprocessing import image_to_glyph


@pytest.fixture
def save(tmp_path, one):
    def save(name: str, image=one):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(path)

    return save


def test_read_image_folder_labels_by_sub_folder(tmp_path, save):
    for name in ["7/b.png", "7/a.png", "1/c.png"]:
        save(name)
    assert read_image_folder(tmp_path).labels.tolist() == ["1", "7", "7"]


def test_read_image_folder_takes_a_relative_path(tmp_path, save, monkeypatch):
    save("7_anna.png")
    monkeypatch.chdir(tmp_path.parent)
    dataset = read_image_folder(Path(tmp_path.name))
    assert dataset.labels.tolist() == ["7"]
    assert dataset.writers is None


def test_read_image_folder_labels_by_file_name_prefix(tmp_path, save):
    for name in ["7_anna.png", "3-2.jpg", "5.png", "A_1.bmp"]:
        save(name)
    assert read_image_folder(tmp_path).labels.tolist() == ["3", "5", "7", "A"]


def test_read_image_folder_numbers_writers_of_folders(tmp_path, save):
    for name in ["0010_b/7/1.png", "0002_a/7/1.png", "0002_a/1/2.png"]:
        (tmp_path / name).parent.mkdir(parents=True)
        save(name)
    dataset = read_image_folder(tmp_path)
    assert dataset.labels.tolist() == ["1", "7", "7"]
    assert dataset.writers is not None
    assert dataset.writers.tolist() == [1, 1, 2]


def test_read_image_folder_normalizes_images(tmp_path, save, one):
    save("1_dark_on_light.png")
    dataset = read_image_folder(tmp_path)
    np.testing.assert_array_equal(dataset.glyphs, image_to_glyph(one)[None])
    assert dataset.name == tmp_path.name


def test_read_image_folder_returns_black_glyph_without_ink(tmp_path, save):
    save("0.png", np.full((40, 40), 255, np.uint8))
    assert not read_image_folder(tmp_path).glyphs.any()


def test_read_image_folder_skips_other_and_hidden_files(tmp_path, save):
    save("1.png")
    save(".trash/2.png")
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "._3.png").write_bytes(b"left by a Mac")
    assert read_image_folder(tmp_path).labels.tolist() == ["1"]


def test_read_image_folder_names_damaged_image(tmp_path, save):
    save("1.png")
    (tmp_path / "2.png").write_bytes(b"not an image")
    with pytest.raises(DataError, match=re.escape(str(tmp_path / "2.png"))):
        read_image_folder(tmp_path)


def test_read_image_folder_rejects_folder_without_images(tmp_path):
    with pytest.raises(DataError, match="contains neither IDX files nor images"):
        read_image_folder(tmp_path)


def test_read_image_folder_keeps_names_in_natural_order(tmp_path, save, caplog):
    for name in ["7/img10.png", "7/img2.png", "1.png", "7/deep/er.png"]:
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        save(name)
    (tmp_path / "notes.txt").write_text("")
    dataset = read_image_folder(tmp_path)
    assert dataset.names.tolist() == ["1.png", "7/img2.png", "7/img10.png"]
    assert caplog.messages == ["2 files skipped: 7/deep/er.png, notes.txt"]
