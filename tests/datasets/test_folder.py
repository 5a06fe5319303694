import re

import numpy as np
import pytest
from PIL import Image

from inkwise._util.errors import DataError
from inkwise.datasets.folder import read_image_folder
from inkwise.preprocessing import image_to_glyph


@pytest.fixture
def save(tmp_path, one):
    def save(name: str, picture=one):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(picture).save(path)

    return save


def test_the_sub_folder_is_the_label(tmp_path, save):
    for name in ["7/b.png", "7/a.png", "1/c.png"]:
        save(name)
    assert read_image_folder(tmp_path).labels.tolist() == ["1", "7", "7"]


def test_else_the_name_up_to_the_first_separator(tmp_path, save):
    for name in ["7_anna.png", "3-2.jpg", "5.png", "A_1.bmp"]:
        save(name)
    assert read_image_folder(tmp_path).labels.tolist() == ["3", "5", "7", "A"]


def test_each_picture_is_normalised_like_any_other(tmp_path, save, one):
    save("1_dark_on_light.png")
    dataset = read_image_folder(tmp_path)
    np.testing.assert_array_equal(dataset.glyphs, image_to_glyph(one)[None])
    assert dataset.name == tmp_path.name


def test_a_picture_without_ink_is_a_black_glyph(tmp_path, save):
    save("0.png", np.full((40, 40), 255, np.uint8))
    assert not read_image_folder(tmp_path).glyphs.any()


def test_other_and_hidden_files_are_passed_over(tmp_path, save):
    save("1.png")
    save(".trash/2.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / "._3.png").write_bytes(b"left by a Mac")
    assert read_image_folder(tmp_path).labels.tolist() == ["1"]


def test_a_picture_that_fails_is_named(tmp_path, save):
    save("1.png")
    (tmp_path / "2.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=re.escape(str(tmp_path / "2.png"))):
        read_image_folder(tmp_path)


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds neither IDX files nor pictures"):
        read_image_folder(tmp_path)
