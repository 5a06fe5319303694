"""Errors of `load_image`: one line that names the file and the reason."""

import io
import os
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from inkwise._util.errors import ImageError, InkwiseError
from inkwise.image import load_image

FORMATS = ["PNG", "JPEG", "WEBP", "TIFF", "BMP"]


@pytest.fixture
def picture():
    """Noise, which no format compresses."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8))


def in_file(image, form):
    file = io.BytesIO()
    image.save(file, form)
    return file.getvalue()


def error_of(picture):
    """Return the message of the error, which must be one line."""
    with pytest.raises(ImageError) as caught:
        load_image(picture)
    message = str(caught.value)
    assert "\n" not in message
    assert isinstance(caught.value, InkwiseError)
    return message


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("notes.png", b"three words here", "is not a picture that can be read (PNG, JPEG, WEBP, TIFF, BMP)"),
        ("nothing.jpg", b"", "is empty (0 bytes)"),
        (
            "moving.gif",
            b"GIF89a" + bytes(40),
            "is not a picture that can be read (PNG, JPEG, WEBP, TIFF, BMP)",
        ),
    ],
)
def test_file_that_is_not_a_picture_raises(tmp_path, name, content, reason):
    path = tmp_path / name
    path.write_bytes(content)
    assert error_of(path) == f"{path}: {reason}"
    assert error_of(str(path)) == f"{path}: {reason}"
    assert error_of(content) == f"the picture: {reason}"


@pytest.mark.parametrize("form", FORMATS)
def test_truncated_file_raises(tmp_path, picture, form):
    data = in_file(picture, form)
    path = tmp_path / f"half.{form.lower()}"
    path.write_bytes(data[: len(data) // 2])
    message = error_of(path)
    assert message.startswith(f"{path}: the picture is damaged or cut off (")
    assert message.endswith(")")
    assert len(message) < len(str(path)) + 120


@pytest.mark.parametrize("form", FORMATS)
def test_damage_raises_one_line_or_nothing(picture, form):
    data = np.frombuffer(in_file(picture, form), np.uint8)
    rng = np.random.default_rng(1)
    errors = []
    for _ in range(60):
        damaged = data[: rng.integers(1, len(data))].copy() if rng.random() < 0.3 else data.copy()
        damaged[rng.integers(0, min(len(damaged), 300), 4)] = rng.integers(0, 256, 4)
        try:
            load_image(damaged.tobytes())
        except ImageError as error:
            errors.append(str(error))
    assert len(errors) > 20
    assert not [message for message in errors if "\n" in message]


def test_truncated_pil_image_raises(picture):
    data = in_file(picture, "JPEG")
    image = Image.open(io.BytesIO(data[: len(data) // 2]))
    assert error_of(image).startswith("the picture: the picture is damaged or cut off (")


def png_of_header(width, height):
    """Return a few hundred bytes whose header claims a large black picture."""

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [20_000, 10_000])
def test_decompression_bomb_is_rejected_by_its_header(tmp_path, monkeypatch, side):
    def decodes(self):
        pytest.fail("the bomb is decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decodes)
    path = tmp_path / "bomb.png"
    path.write_bytes(png_of_header(side, side))
    assert path.stat().st_size < 1000
    assert error_of(path) == f"{path}: has more than 89,478,485 pixels; shrink it first"


def test_rejecting_bomb_keeps_warning_filters():
    before = list(warnings.filters)
    error_of(png_of_header(20_000, 20_000))
    assert warnings.filters == before


def test_pillow_warnings_follow_filters_of_caller(repairable, seven):
    with pytest.warns(UserWarning, match="Invalid APNG"):
        grey = load_image(repairable)
    np.testing.assert_array_equal(grey, seven)
    assert error_of(repairable).startswith("the picture: the picture is damaged or cut off (Invalid APNG")


@pytest.mark.parametrize(("width", "height"), [(1, 1), (7, 7), (1, 50), (50, 1)])
def test_too_small_picture_raises(tmp_path, width, height):
    path = tmp_path / "dot.png"
    Image.new("L", (width, height), 255).save(path)
    reason = f"{width} x {height} pixels is too small to hold a digit"
    assert error_of(path) == f"{path}: {reason}"
    assert error_of(np.zeros((height, width), np.uint8)) == f"the array: {reason}"


def test_smallest_picture_is_decoded():
    assert load_image(np.zeros((8, 2), np.uint8)).shape == (8, 2)


def test_folder_raises(tmp_path):
    assert error_of(tmp_path) == f"{tmp_path}: is a folder, not a file"


def test_pipe_raises_without_waiting(tmp_path):
    path = tmp_path / "pipe.png"
    os.mkfifo(path)
    assert error_of(path) == f"{path}: is a pipe or a device, not a file"


def test_missing_file_raises(tmp_path):
    path = tmp_path / "none.png"
    assert error_of(path) == f"{path}: cannot be opened (No such file or directory)"
    (tmp_path / "file.png").write_bytes(b"")
    assert error_of(tmp_path / "file.png" / "below.png").endswith("cannot be opened (Not a directory)")


def test_invalid_file_name_raises():
    assert "cannot be opened" in error_of("a\0b.png")


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((20, 20)), "an array must be uint8, not float64"),
        (np.zeros((20, 20), bool), "an array must be uint8, not bool"),
        (np.zeros(400, np.uint8), "an array must be (H, W) or (H, W, 3|4), not (400,)"),
        (np.zeros((20, 20, 2), np.uint8), "an array must be (H, W) or (H, W, 3|4), not (20, 20, 2)"),
        (np.zeros((5, 20, 20, 3), np.uint8), "an array must be (H, W) or (H, W, 3|4), not (5, 20, 20, 3)"),
        (np.zeros((0, 20), np.uint8), "the picture has no pixels"),
        (np.zeros((20, 0, 3), np.uint8), "the picture has no pixels"),
    ],
)
def test_invalid_array_raises(array, reason):
    assert error_of(array) == reason
