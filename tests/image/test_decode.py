"""`load_image`: formats, modes, EXIF orientation, transparency and colours."""

import io
import struct
import tracemalloc
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from inkwise.image import load_image
from inkwise.image.arrays import scale_to_8_bits
from inkwise.preprocessing import binarize, characters_to_glyphs, image_to_glyph


@pytest.fixture
def page():
    """(24, 40) uint8: a dark bar at the upper left of light paper, changed by every rotation and flip."""
    page = np.full((24, 40), 230, np.uint8)
    page[3:7, 4:28] = 30
    return page


def correlation(a, b):
    """Return the correlation of two glyphs."""
    return np.corrcoef(a.ravel(), b.ravel())[0, 1]


def in_file(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("form", "options", "tolerance"),
    [
        ("PNG", {}, 0),
        ("JPEG", {"quality": 95}, 12),
        ("JPEG", {"quality": 95, "progressive": True}, 12),
        ("WEBP", {"lossless": True}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("BMP", {}, 0),
        ("GIF", {}, 0),
        ("AVIF", {"quality": 95}, 12),
        ("PPM", {}, 0),
    ],
)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_load_image_decodes_every_format_in_grey_and_colour(page, form, options, tolerance, mode):
    data = in_file(Image.fromarray(page).convert(mode), form, **options)
    grey = load_image(data)
    assert grey.dtype == np.uint8
    np.testing.assert_allclose(grey.astype(int), page, atol=tolerance)


def test_load_image_accepts_paths_bytes_pil_images_and_arrays(page, tmp_path):
    path = tmp_path / "page.png"
    image = Image.fromarray(page).convert("RGB")
    image.save(path)
    opaque = np.dstack([page, page, page, np.full_like(page, 255)])
    for picture in (path, str(path), path.read_bytes(), image, page, opaque[..., :3], opaque):
        np.testing.assert_array_equal(load_image(picture), page)


@pytest.mark.parametrize("wrap", [bytearray, memoryview, io.BytesIO])
def test_load_image_accepts_the_content_of_a_file(page, wrap):
    np.testing.assert_array_equal(load_image(wrap(in_file(Image.fromarray(page), "PNG"))), page)


def test_load_image_accepts_open_files_from_their_start(page, tmp_path):
    path = tmp_path / "page.png"
    Image.fromarray(page).save(path)
    with path.open("rb") as file:
        file.seek(0, io.SEEK_END)
        np.testing.assert_array_equal(load_image(file), page)
        assert not file.closed
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(path, "page.png")
        with archive.open("page.png") as file:
            np.testing.assert_array_equal(load_image(file), page)


def test_load_image_reads_a_pdf_of_one_page(page):
    grey = load_image(in_file(Image.fromarray(page), "PDF", resolution=72))
    assert grey.shape == page.shape
    assert correlation(grey, page) > 0.95


def test_heic_is_decoded(page):
    import pillow_heif

    image = pillow_heif.from_pillow(Image.fromarray(np.kron(page, np.ones((4, 4), np.uint8))).convert("RGB"))
    file = io.BytesIO()
    image.save(file, quality=95)
    assert correlation(load_image(file.getvalue()), np.kron(page, np.ones((4, 4)))) > 0.99


@pytest.mark.parametrize(
    "name", ["4071.gif", "4071__avif.avif", "4071_int32_0to255.tif", "4071__png16_8bit_range.png"]
)
def test_formats_and_depths_of_one_picture_are_alike(name):
    folder = Path(__file__).parents[3] / "shared" / "cases"
    if not folder.exists():
        pytest.skip("no pictures of cases")
    glyphs = [characters_to_glyphs(binarize(load_image(folder / other))) for other in (name, "4071.gif")]
    assert len(glyphs[0]) == len(glyphs[1]) == 4
    assert correlation(*glyphs) > 0.95


def test_load_image_ignores_wrong_suffix(page, tmp_path):
    path = tmp_path / "page.png"
    Image.fromarray(page).save(path, "BMP")
    np.testing.assert_array_equal(load_image(path), page)


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda stored: stored),
        (2, np.fliplr),
        (3, lambda stored: np.rot90(stored, 2)),
        (4, np.flipud),
        (5, np.transpose),
        (6, lambda stored: np.rot90(stored, -1)),
        (7, lambda stored: np.rot90(stored, 2).T),
        (8, np.rot90),
    ],
)
def test_exif_orientation_is_applied(page, form, orientation, upright):
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(load_image(in_file(Image.fromarray(page), form, exif=exif)), upright(page))


def test_exif_orientation_is_applied_despite_invalid_tags(page):
    # A width as text: Pillow reads it and cannot write it back.
    tags = struct.pack("<HHI4s", 0x0100, 2, 4, b"abc\0") + struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + tags + struct.pack("<I", 0)
    data = in_file(Image.fromarray(page), "PNG", exif=exif)
    np.testing.assert_array_equal(load_image(data), np.rot90(page, -1))


def transparent(page, ink):
    """Return ink of this shade on a transparent background, with a half transparent edge."""
    alpha = np.where(page < 128, 255, 0).astype(np.uint8)
    alpha[3, 4:28] = 128
    return np.dstack([np.full_like(page, ink)] * 3 + [alpha])


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_transparent_background_of_dark_ink_is_white(page, form):
    grey = load_image(in_file(Image.fromarray(transparent(page, 20)), form, lossless=True))
    assert (grey[5, 10], grey[20, 10]) == (20, 255)
    assert 128 < grey[3, 10] < 148


def test_transparent_background_of_light_ink_is_black(page):
    grey = load_image(transparent(page, 250))
    assert (grey[5, 10], grey[20, 10]) == (250, 0)


def test_transparency_of_grey_and_palette_images_is_applied(page):
    rgba = Image.fromarray(transparent(page, 0))
    for data in (in_file(rgba.convert("LA"), "PNG"), in_file(rgba.quantize(), "PNG")):
        grey = load_image(data)
        assert grey[5, 10] < 10
        assert grey[20, 10] > 245


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_16_bit_images_are_decoded(page, form):
    deep = Image.fromarray(page.astype(np.uint16) * 257)
    np.testing.assert_array_equal(load_image(in_file(deep, form)), page)


def test_big_endian_16_bit_images_are_decoded(page):
    deep = Image.frombytes("I;16B", (40, 24), (page.astype(">u2") * 257).tobytes())
    np.testing.assert_array_equal(load_image(deep), page)


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize(
    ("form", "options"), [("png", []), ("tif", []), ("tif", [cv2.IMWRITE_TIFF_COMPRESSION, 1])]
)
@pytest.mark.parametrize("white", [255, 1023, 4095, 65535])
def test_16_bit_colours_are_scaled_as_grey_ones(page, form, options, white, alpha):
    deep = np.rint(np.dstack([page] * 3) / page.max() * white).astype(np.uint16)
    if alpha:
        deep = np.dstack([deep, np.full(page.shape, 65535, np.uint16)])
    content = cv2.imencode(f".{form}", deep, options)[1].tobytes()
    np.testing.assert_allclose(load_image(content).astype(int), np.rint(page / page.max() * 255), atol=1)


def test_dark_colours_of_8_bits_stay_dark(page):
    dark = Image.fromarray(page // 8).convert("RGB")
    np.testing.assert_array_equal(load_image(in_file(dark, "PNG")), page // 8)


@pytest.mark.parametrize("white", [1, 255])
def test_float_images_up_to_1_or_255_are_decoded(page, white):
    deep = page.astype(np.float32) / 255 * white
    deep[0, 0] = np.nan
    grey = load_image(in_file(Image.fromarray(deep), "TIFF"))
    assert grey[0, 0] == 0
    np.testing.assert_allclose(grey[1:].astype(int), page[1:], atol=1)


@pytest.mark.parametrize("white", [1, 16, 255, 1023, 4095, 65535, 1e6])
def test_scale_to_8_bits_finds_white(page, white):
    values = page / 230 * white  # the lightest value is white
    np.testing.assert_allclose(scale_to_8_bits(values).astype(int), np.rint(page / 230 * 255), atol=1)


def test_scale_to_8_bits_keeps_dark_fractions_and_clips_nothing(page):
    np.testing.assert_array_equal(scale_to_8_bits(np.array([0, 0.2, 0.5])), [0, 51, 128])
    np.testing.assert_array_equal(scale_to_8_bits(np.array([0, 0.525, 1.05])), [0, 128, 255])  # overshoot
    np.testing.assert_array_equal(scale_to_8_bits(np.array([-1.0, 0, 1])), [0, 128, 255])
    np.testing.assert_array_equal(scale_to_8_bits(np.array([-32768, 32767], np.int16)), [0, 255])
    np.testing.assert_array_equal(scale_to_8_bits(np.array([np.nan, np.inf, 1])), [0, 0, 255])
    assert scale_to_8_bits(np.zeros((0, 3))).shape == (0, 3)


DTYPES = ["int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_array_of_any_dtype_may_hold_0_to_255(page, dtype):
    np.testing.assert_array_equal(load_image(page.astype(dtype)), page)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float32"])
def test_mask_becomes_black_and_white(page, dtype):
    np.testing.assert_array_equal(load_image((page > 128).astype(dtype)), np.where(page > 128, 255, 0))


class Tensor:
    """A tensor as PyTorch's, on another device and with a gradient."""

    def __init__(self, values):
        self._values = values

    def detach(self):
        return self

    def cpu(self):
        return HostTensor(self._values)

    def __array__(self, dtype=None, copy=None):
        raise TypeError("not in main memory")


class HostTensor:
    def __init__(self, values):
        self._values = values

    def is_floating_point(self):
        return self._values.dtype.kind == "f"

    def float(self):
        return HostTensor(self._values.astype(np.float32))

    def __array__(self, dtype=None, copy=None):
        return self._values


@pytest.mark.parametrize("kind", [np.asarray, Tensor])
def test_shapes_of_one_picture_are_alike(page, kind):
    colour = np.dstack([page] * 3)
    for array in (page[None], page[..., None], page[None, None], page[None, ..., None], colour, colour[None]):
        np.testing.assert_array_equal(load_image(kind(array)), page)


def test_tensor_may_have_its_channels_first(page):
    colour = np.dstack([page] * 3).transpose(2, 0, 1)
    for array in (colour, colour[None], np.stack([*colour, np.full_like(page, 255)])):
        np.testing.assert_array_equal(load_image(Tensor(array / 255)), page)


def test_torch_tensors_are_decoded(page):
    import torch

    tensor = torch.from_numpy(page / 255)[None]
    np.testing.assert_array_equal(load_image(tensor.float().requires_grad_()), page)
    np.testing.assert_allclose(load_image(tensor.bfloat16()).astype(int), page, atol=1)


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF"])
def test_palette_images_are_decoded(page, form):
    np.testing.assert_array_equal(load_image(in_file(Image.fromarray(page).convert("P"), form)), page)


@pytest.mark.parametrize(("form", "options"), [("PNG", {}), ("TIFF", {"compression": "group4"})])
def test_1_bit_images_are_decoded(page, form, options):
    data = in_file(Image.fromarray(page).convert("1", dither=Image.Dither.NONE), form, **options)
    np.testing.assert_array_equal(load_image(data), np.where(page < 128, 0, 255))


def test_cmyk_images_are_decoded(page):
    data = in_file(Image.fromarray(page).convert("CMYK"), "JPEG", quality=95)
    np.testing.assert_allclose(load_image(data).astype(int), page, atol=12)


@pytest.mark.parametrize(
    ("ink", "paper"),
    [
        ("yellow", "white"),
        ("white", "yellow"),
        ("#60f0ff", "white"),
        ("red", "#00a000"),  # of the same lightness
    ],
)
def test_colours_of_similar_lightness_are_separated(page, ink, paper):
    image = Image.new("RGB", (40, 24), paper)
    image.paste(ink, (4, 3, 28, 7))
    grey = load_image(image)
    assert abs(int(grey[5, 10]) - int(grey[20, 10])) > 60
    assert correlation(image_to_glyph(grey), image_to_glyph(page)) > 0.95


@pytest.mark.parametrize("ink", ["#f0dc3c", "#96c8f5", "#faaa3c", "#f596b9"])
def test_pale_ink_is_visible_in_a_shadow(ink):
    image = Image.new("RGB", (400, 300), "white")
    image.paste(ink, (100, 150, 300, 158))
    light = np.linspace(1, 0.5, 400)[:, None]
    grey = load_image(np.rint(np.asarray(image) * light).astype(np.uint8)).astype(int)
    assert (grey[146, 100:300] - grey[154, 100:300]).min() > 50


def test_pale_lines_stay_pale_beside_dark_ink():
    image = Image.new("RGB", (400, 300), "white")
    image.paste("#96c8f5", (0, 100, 400, 104))
    image.paste("#202020", (100, 150, 300, 158))
    grey = load_image(image).astype(int)
    assert grey[102, 50] > 170
    assert grey[154, 200] < 50


@pytest.mark.parametrize("low", [0, 100, 250])
def test_grey_pictures_in_colour_are_unchanged(low):
    page = np.random.default_rng(0).integers(low, 256, (60, 80), dtype=np.uint8)
    np.testing.assert_array_equal(load_image(np.dstack([page] * 3)), page)


@pytest.mark.parametrize(("alpha", "times"), [(255, 1), (100, 4)])
def test_conversion_to_grey_needs_little_memory(alpha, times):
    pixels = np.full((1000, 1000, 4), (250, 240, 20, alpha), np.uint8)
    tracemalloc.start()
    load_image(pixels)
    assert tracemalloc.get_traced_memory()[1] < times * pixels.nbytes + 2.5e6  # samples of the colours
    tracemalloc.stop()


@pytest.mark.parametrize("ink", ["yellow", "cyan", "magenta", "red", "lime", "blue", "#f0ffff"])
def test_white_paper_stays_lighter_than_any_ink(page, ink):
    image = Image.new("RGB", (40, 24), "white")
    image.paste(ink, (4, 3, 28, 7))
    assert load_image(image)[5, 10] < load_image(image)[20, 10] == 255


@pytest.mark.parametrize("view", [lambda a: a[:, ::-1][:, ::-1], np.asfortranarray, lambda a: a.copy()[:, :]])
def test_array_may_have_any_memory_layout(page, view):
    stored = view(page)
    stored.flags.writeable = False
    assert correlation(image_to_glyph(load_image(stored)), image_to_glyph(page)) == pytest.approx(1)
