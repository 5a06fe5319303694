"""`Document`: pages of PDF, TIFF and picture files, and errors of one line."""

import io

import numpy as np
import pypdfium2 as pdfium
import pytest
from PIL import Image, TiffImagePlugin

from inkwise._util.errors import ImageError
from inkwise.image import Document, decode, load_image


def pages_of(source):
    """Return all pages of a file."""
    with Document(source) as document:
        return [document.page(number) for number in range(1, len(document) + 1)]


def shade(grey, size=(90, 120)):
    return Image.new("L", size, grey)


def in_file(form, images, **options):
    file = io.BytesIO()
    first, *others = [image.copy() for image in images]  # Pillow keeps options of one format in an image
    first.save(file, form, save_all=True, append_images=others, **options)
    return file.getvalue()


@pytest.fixture
def three():
    return [shade(40), shade(120), shade(200)]


@pytest.mark.parametrize("form", ["PDF", "TIFF"])
def test_document_decodes_all_pages(three, form, tmp_path):
    path = tmp_path / "named.png"  # the content says what it is, not the name
    path.write_bytes(in_file(form, three))
    pages = pages_of(path)
    assert [round(page.mean()) for page in pages] == [40, 120, 200]
    assert {(page.shape, page.dtype) for page in pages} == {((120, 90), np.dtype(np.uint8))}
    assert [page.mean() for page in pages_of(path.read_bytes())] == [page.mean() for page in pages]


def test_picture_is_a_document_of_one_page(seven):
    content = in_file("PNG", [Image.fromarray(seven)])
    (page,) = pages_of(content)
    assert np.array_equal(page, load_image(content))


@pytest.mark.parametrize("form", ["WEBP", "PNG"])
def test_animation_is_its_first_frame(three, form):
    assert len(pages_of(in_file(form, three))) == 1


def test_pages_can_be_read_in_any_order(three):
    for form in ("PDF", "TIFF"):
        with Document(in_file(form, three)) as document:
            assert [round(document.page(number).mean()) for number in (3, 1, 1, 2)] == [200, 40, 40, 120]


def test_pdf_of_many_pages_is_read_completely():
    many = [shade(grey, (20, 20)) for grey in range(40, 80)]
    assert [round(page.mean()) for page in pages_of(in_file("PDF", many))] == list(range(40, 80))


@pytest.mark.parametrize("angle", [0, 90])
def test_scan_in_pdf_keeps_its_resolution(seven, angle):
    """Whatever the size of the page, the scan is neither enlarged nor blurred."""
    scan = np.asarray(Image.fromarray(seven).resize((301, 301)))
    pdf = pdfium.PdfDocument(in_file("PDF", [Image.fromarray(scan)], resolution=72, quality=95))
    pdf[0].set_rotation(angle)
    file = io.BytesIO()
    pdf.save(file)
    pdf.close()
    (page,) = pages_of(file.getvalue())
    assert np.abs(page - np.rot90(scan, -angle // 90).astype(int)).mean() < 2


def blank(*sizes):
    """Return a PDF of empty pages of these sizes, in points."""
    pdf = pdfium.PdfDocument.new()
    for size in sizes:
        pdf.new_page(*size)
    file = io.BytesIO()
    pdf.save(file)
    pdf.close()
    return file.getvalue()


def test_pdf_is_rendered_at_200_dpi():
    assert [page.shape for page in pages_of(blank((72, 144), (36, 36)))] == [(400, 200), (100, 100)]


def test_preview_in_tiff_is_not_a_page():
    preview = TiffImagePlugin.ImageFileDirectory_v2()
    preview[254] = 1
    file = io.BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(file, True) as writer:
        for image, tags in ((shade(40), {}), (shade(60), preview), (shade(200), {})):
            image.save(writer, "TIFF", tiffinfo=tags)
            writer.newFrame()
    assert [round(page.mean()) for page in pages_of(file.getvalue())] == [40, 200]


def test_pages_before_damaged_tiff_frame_are_read(three):
    content = in_file("TIFF", three)
    with Document(content[: len(content) - 20]) as document:
        assert len(document) == 3
        assert round(document.page(2).mean()) == 120
        with pytest.raises(ImageError, match="the picture, page 3: is damaged or cut off"):
            document.page(3)


def encrypted(content):
    """Return the PDF with an encryption entry whose password is unknown."""
    entry = (
        b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <" + b"11" * 32 + b"> /U <" + b"22" * 32 + b"> >>"
    )
    return content.replace(b"/Root", entry + b" /ID [<00> <00>] /Root")


def sealed(content):
    """Return the PDF with certificate encryption, which pdfium does not support."""
    entry = b"/Encrypt << /Filter /Adobe.PubSec /V 4 /R 4 >>"
    return content.replace(b"/Root", entry + b" /ID [<00> <00>] /Root")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (encrypted, "is encrypted; save it without a password first"),
        (sealed, "is encrypted; save it without a password first"),
        (lambda content: b"%PDF-1.7\n" + b"nothing else " * 20, "the PDF is damaged, cut off or empty"),
        (lambda content: b"", "is empty (0 bytes)"),
        (lambda content: b"three words here", "is not a picture that can be read"),
    ],
)
def test_invalid_document_raises_one_line(tmp_path, three, change, reason):
    path = tmp_path / "a.pdf"
    path.write_bytes(change(in_file("PDF", three)))
    with pytest.raises(ImageError) as caught:
        Document(path)
    assert str(caught.value).startswith(f"{path}: {reason}")
    assert "\n" not in str(caught.value)


def test_page_of_invalid_size_raises_and_others_are_read(tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(blank((14_400, 14_400), (1, 1), (72, 72)))
    with Document(path) as document:
        with pytest.raises(ImageError, match=r"a\.pdf, page 1, at 200 dpi: has more than [\d,]+ pixels"):
            document.page(1)
        with pytest.raises(ImageError, match=r"a\.pdf, page 2: 3 x 3 pixels is too small"):
            document.page(2)
        assert document.page(3).shape == (200, 200)
        with pytest.raises(ImageError, match=r"a\.pdf: has no page 4, but 3"):
            document.page(4)


def test_pdf_picture_without_pixels_is_not_a_scan():
    content = in_file("PDF", [shade(40)], resolution=72)
    broken = content.replace(b"/Width 90", b"/Width 0 ")
    assert broken != content
    assert [page.shape for page in pages_of(broken)] == [(334, 250)]


def test_tiff_frame_of_unknown_compression_raises(three):
    compression = b"\x03\x01\x03\x00\x01\x00\x00\x00\x01\x00"
    first, second, *others = in_file("TIFF", three).split(compression)
    broken = compression.join([first, second + compression[:-2] + b"\x99\x99" + others[0], *others[1:]])
    with Document(broken) as document:
        assert round(document.page(1).mean()) == 40
        with pytest.raises(ImageError, match=r"page 2: is damaged or cut off \("):
            document.page(2)


def test_large_tiff_page_raises_before_decoding(monkeypatch):
    content = in_file("TIFF", [shade(40), shade(40, (300, 300))])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20_000)
    with Document(content) as document:
        assert document.page(1).shape == (120, 90)
        with pytest.raises(ImageError, match="page 2: has more than 20,000 pixels; shrink it first"):
            document.page(2)


def test_large_picture_in_pdf_raises_before_decoding(monkeypatch):
    content = in_file("PDF", [shade(40), shade(40, (300, 300))], resolution=7200)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20_000)
    with (
        Document(content) as document,
        pytest.raises(ImageError, match="page 2, a picture on it: has more"),
    ):
        document.page(2)


def test_damaged_pdf_page_raises_and_others_are_read(three):
    content = in_file("PDF", three)
    broken = content.replace(b"/Type /Page\n", b"/Type /Pipe\n", 1)
    assert broken != content
    with Document(broken) as document:
        with pytest.raises(ImageError, match="the picture, page 1: the page is damaged"):
            document.page(1)
        assert [round(document.page(number).mean()) for number in (2, 3)] == [120, 200]


def test_tiff_of_too_many_pages_raises(three, monkeypatch):
    monkeypatch.setattr(decode, "_MAX_PAGES", 2)
    with pytest.raises(ImageError, match="has more than 2 pages; split it first"):
        Document(in_file("TIFF", three))
