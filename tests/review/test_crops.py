"""Crops of numbers and glyphs from scans, and the search for moved scans."""

import cv2
import numpy as np
import pytest

from inkwise._util.errors import DataError, ImageError
from inkwise.preprocessing import image_to_glyph
from inkwise.review import ReviewItem, ScanCrops


def item(file, corners, page=1, field=False):
    return ReviewItem(file, page, "1", "7", "7", 0.5, False, None, corners, field, True, None)


def square(x, y, w, h):
    return [[x, y], [x + w, y], [x + w, y + h], [x, y + h]]


def test_crop_includes_the_surroundings(tmp_path, seven):
    cv2.imwrite(str(tmp_path / "seven.png"), seven)
    crop = ScanCrops(tmp_path / "table.jsonl").crop(item("seven.png", square(30, 20, 60, 80)))
    assert crop.shape == (160, 140)
    assert (crop[40:120, 40:100].astype(int) - seven[20:100, 30:90]).std() < 1


def test_crop_is_upright(tmp_path, seven):
    cv2.imwrite(str(tmp_path / "seven.png"), np.rot90(seven))
    corners = [[0, 119], [0, 0], [119, 0], [119, 119]]
    crop = ScanCrops(tmp_path / "table.jsonl").crop(item("seven.png", corners, field=True))
    assert (crop[60:179, 60:179].astype(int) - seven[:119, :119]).std() < 15


def test_crop_is_white_beyond_the_page(tmp_path, seven):
    cv2.imwrite(str(tmp_path / "seven.png"), seven[:, :80])
    crop = ScanCrops(tmp_path / "table.jsonl").crop(item("seven.png", square(30, 20, 60, 80)))
    assert (crop[:, 91:] == 255).all()
    assert crop[40:120, 40:90].min() < 60


def test_crop_without_corners_is_the_whole_page(tmp_path, seven):
    cv2.imwrite(str(tmp_path / "seven.png"), seven)
    np.testing.assert_array_equal(ScanCrops(tmp_path / "t.jsonl").crop(item("seven.png", None)), seven)


def test_crop_finds_moved_scans_by_the_end_of_their_path(tmp_path, seven):
    (tmp_path / "new" / "batch").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "new" / "batch" / "7.png"), seven)
    lost = item("/old/scans/batch/7.png", None)
    assert ScanCrops(tmp_path / "t.jsonl", tmp_path / "new").crop(lost).shape == seven.shape
    with pytest.raises(DataError, match="nowhere: is not a folder"):
        ScanCrops(tmp_path / "t.jsonl", tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"^/old/scans/batch/7.png: is missing; .* --scans$"):
        ScanCrops(tmp_path / "t.jsonl").crop(lost)


def test_crop_rejects_missing_pages_empty_corners_and_standard_input(tmp_path, seven):
    cv2.imwrite(str(tmp_path / "7.png"), seven)
    scans = ScanCrops(tmp_path / "t.jsonl")
    with pytest.raises(ImageError, match="has no page 3"):
        scans.crop(item("7.png", None, page=3))
    with pytest.raises(ImageError, match="the corners of '1' enclose no area"):
        scans.crop(item("7.png", square(0, 0, 0, 0)))
    with pytest.raises(DataError, match="standard input"):
        scans.crop(item("-", None))


def test_glyph_of_a_field_excludes_its_frame(tmp_path, seven):
    framed = cv2.rectangle(
        cv2.copyMakeBorder(seven, 40, 40, 40, 40, cv2.BORDER_REPLICATE), (40, 40), (160, 160), 20, 3
    )
    cv2.imwrite(str(tmp_path / "framed.png"), framed)
    cv2.imwrite(str(tmp_path / "seven.png"), seven)
    scans = ScanCrops(tmp_path / "t.jsonl")
    glyph = image_to_glyph(scans.ink(item("framed.png", square(40, 40, 120, 120), field=True)))
    bare = image_to_glyph(scans.ink(item("seven.png", square(22, 20, 68, 84))))
    assert np.corrcoef(glyph.ravel(), bare.ravel())[0, 1] > 0.9
