"""Errors of `load_image`: one line that names the file and the reason."""

import errno
import io
import os
import struct
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from inkwise._util.errors import ImageError, InkwiseError
from inkwise.image import load_image

FORMATS = ["PNG", "JPEG", "GIF", "BMP", "PPM", "WEBP", "TIFF", "AVIF"]
UNKNOWN = f"is not a picture that can be read ({', '.join(FORMATS)})"


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
        ("notes.png", b"three words here", UNKNOWN),
        ("nothing.jpg", b"", "is empty (0 bytes)"),
        ("moving.ico", b"\0\0\1\0" + bytes(40), UNKNOWN),
    ],
)
def test_file_that_is_not_a_picture_raises(tmp_path, name, content, reason):
    path = tmp_path / name
    path.write_bytes(content)
    assert error_of(path) == f"{path}: {reason}"
    assert error_of(str(path)) == f"{path}: {reason}"
    assert error_of(content) == f"the picture: {reason}"


@pytest.mark.parametrize("form", FORMATS[:-1])  # half an AVIF is not recognized as one
def test_truncated_file_raises(tmp_path, picture, form):
    data = in_file(picture, form)
    path = tmp_path / f"half.{form.lower()}"
    path.write_bytes(data[: len(data) // 2])
    message = error_of(path)
    assert message.startswith(f"{path}: is damaged or cut off (")
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
    assert len(errors) > 15
    assert not [message for message in errors if "\n" in message]


def test_truncated_pil_image_raises(picture):
    data = in_file(picture, "JPEG")
    image = Image.open(io.BytesIO(data[: len(data) // 2]))
    assert error_of(image).startswith("the picture: is damaged or cut off (")


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
    assert error_of(repairable).startswith("the picture: is damaged or cut off (Invalid APNG")


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
    assert error_of(tmp_path) == f"{tmp_path}: is a folder, not a file; read_many reads the pictures in it"


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


SHAPES = (
    "an array must be (h, w) or (h, w, 1|3|4), not {}; transpose or reshape it, or give several pictures to"
    " read_many"
)


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.full((20, 20), "a"), "an array must hold real numbers, not <U1"),
        (np.zeros((20, 20), complex), "an array must hold real numbers, not complex128"),
        (np.full((20, 20), None), "an array must hold real numbers, not object"),
        (np.zeros(400, np.uint8), SHAPES.format("(400,)")),
        (np.zeros((20, 20, 2)), SHAPES.format("(20, 20, 2)")),
        (np.zeros((3, 20, 20), np.uint8), SHAPES.format("(3, 20, 20)")),  # three pictures, or one in colour
        (np.zeros((5, 20, 20, 3), np.uint8), SHAPES.format("(5, 20, 20, 3)")),
        (np.uint8(7), SHAPES.format("()")),
        (np.zeros((0, 20), np.uint8), "the picture has no pixels"),
        (np.zeros((20, 0, 3)), "the picture has no pixels"),
    ],
)
def test_invalid_array_raises(array, reason):
    assert error_of(array) == reason


def test_tensor_that_cannot_be_converted_raises_one_line():
    class UnreadableTensor:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("two\nlines")

    assert error_of(UnreadableTensor()) == "UnreadableTensor: cannot be converted to an array (two lines)"


@pytest.mark.parametrize("one", [[np.zeros((20, 20))], (b"a",), {"a.png"}, [[0, 1]], iter([])])
def test_list_names_the_methods_that_take_one(one):
    assert error_of(one).startswith(
        f"{type(one).__name__} is not one picture: read_many reads several pictures"
    )


@pytest.mark.parametrize("thing", [7, 0.5, object()])
def test_wrong_type_raises(thing):
    assert error_of(thing).startswith(f"{type(thing).__name__} is not a picture; give a path, the bytes of")


def test_none_names_its_usual_source():
    assert error_of(None).startswith(
        "None is not a picture (cv2.imread returns it for a file it cannot read)"
    )


@pytest.mark.parametrize(
    "url", ["https://example.org/7.png", "file:///7.png", "s3://a/7.png", "data:image/png;,"]
)
def test_url_is_not_opened(url):
    for given in (url, Path(url)):
        assert "is a URL, and Inkwise downloads nothing; save the picture" in error_of(given)


def test_missing_file_is_a_file_not_found_error(tmp_path):
    path = tmp_path / "none.png"
    with pytest.raises(FileNotFoundError) as caught:
        load_image(path)
    assert isinstance(caught.value, ImageError)
    assert caught.value.errno == errno.ENOENT
    assert str(caught.value) == f"{path}: cannot be opened (No such file or directory)"


class Stream:
    """A file object that can only be read once."""

    def __init__(self, content):
        self._content = content

    def read(self, size=-1):
        if isinstance(self._content, Exception):
            raise self._content
        return self._content


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file object: is empty (0 bytes)"),
        (b"three words here", f"the file object: {UNKNOWN}"),
        ("text", "the file object: is opened as text; open it in binary mode, 'rb'"),
        (7, "the file object: read() returns int, not bytes"),
        (OSError("two\nlines"), "the file object: cannot be read (two lines)"),
    ],
)
def test_unusable_file_object_raises(content, reason):
    assert error_of(Stream(content)) == reason


def test_closed_file_object_is_named(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"abc")
    with path.open("rb") as file:
        pass
    assert error_of(file) == f"{path}: cannot be read (I/O operation on closed file)"


@pytest.mark.parametrize("form", ["PDF", "TIFF"])
def test_several_pages_name_read_many(tmp_path, picture, form):
    path = tmp_path / "many"
    picture.convert("L").save(path, form, save_all=True, append_images=[picture.convert("L")])
    assert error_of(path) == f"{path}: has 2 pages; read_many reads one after the other"


def test_heic_without_its_extra_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    content = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)
    assert error_of(content) == 'the picture: is HEIC, which needs pillow-heif: pip install "inkwise[heic]"'


def test_damaged_heic_raises_one_line():
    import pillow_heif  # noqa: F401  # without it, the test is skipped

    assert error_of(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40))
