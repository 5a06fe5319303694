"""Files of forms, PDFs and batches are read over HTTP."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from inkwise._util.errors import InkwiseError
from inkwise.service import schema
from inkwise.service.uploads import MAX_FILES, uploaded_files


@pytest.fixture
def pdf(seven):
    """Make a PDF of n pages, each a 7."""

    def make(pages):
        images = [Image.fromarray(cv2.resize(seven, None, fx=2, fy=2)).convert("L")] * pages
        file = io.BytesIO()
        images[0].save(file, "PDF", save_all=True, append_images=images[1:], resolution=200)
        return file.getvalue()

    return make


def error(response, status=422):
    assert response.status_code == status, response.text
    return schema.Failure.model_validate(response.json()).error


@pytest.mark.parametrize("field", ["file", "picture", ""])
def test_picture_in_a_form_is_read(client, png, field):
    response = client.post("/v1/read", files={field: ("seven.png", png, "image/png")}, data={"note": "7"})
    assert response.json()["text"] == "7"


def test_page_of_a_pdf_is_read(client, pdf):
    headers = {"Content-Type": "application/pdf"}
    assert client.post("/v1/read", content=pdf(1), headers=headers).json()["text"] == "7"
    several = pdf(3)

    def read(query=""):
        return client.post(f"/v1/read{query}", content=several, headers=headers)

    assert error(read()).startswith("the picture: has 3 pages; name one")
    assert read("?page=3").json()["text"] == "7"
    assert "has no page 4, but 3" in error(read("?page=4"))
    assert error(read("?page=0")).startswith("page: ")


def test_batch_reads_each_page_and_names_what_cannot_be_read(client, png, pdf):
    files = [("files", ("a.png", png)), ("files", ("b.txt", b"I am text")), ("files", ("c.pdf", pdf(2)))]
    response = client.post("/v1/batch?expect=digit", files=files)
    found = schema.BatchSchema.model_validate(response.json()).results
    assert [(row.file, row.page, row.reading and row.reading.text) for row in found] == [
        ("a.png", None, "7"),
        ("b.txt", None, None),
        ("c.pdf", 1, "7"),
        ("c.pdf", 2, "7"),
    ]
    assert found[1].error.startswith("the picture: is not a picture that can be read")


def test_pixels_of_a_batch_are_limited_by_file(serve, png, pdf):
    client = serve(pixels=20_000)
    large = cv2.imencode(".png", np.full((200, 200), 255, np.uint8))[1].tobytes()
    found = client.post("/v1/batch", files=[("f", ("a", large)), ("f", ("b", png))]).json()["results"]
    assert found[0]["error"] == "200 x 200 pixels; at most 20,000 are accepted: make the picture smaller"
    assert error(client.post("/v1/read", content=pdf(1), headers={"Content-Type": "application/pdf"}), 413)


@pytest.mark.parametrize(
    ("path", "content", "kind", "status", "line"),
    [
        ("/v1/read", b"", "multipart/form-data", 422, "the body is not a valid form"),
        ("/v1/read", b"", "multipart/form-data; boundary=x", 422, "the form has 0 files"),
        (
            "/v1/read",
            b"--y",
            "multipart/form-data; boundary=x",
            422,
            "the body is not a valid form",
        ),
        ("/v1/batch", b"7", "image/png", 415, "the body must be multipart/form-data"),
        ("/v1/batch?length=x", b"", "multipart/form-data; boundary=x", 422, "length 'x'"),
    ],
)
def test_invalid_form_is_one_line(client, path, content, kind, status, line):
    assert error(client.post(path, content=content, headers={"Content-Type": kind}), status).startswith(line)


def test_several_files_are_for_batch(client, png):
    files = [("files", ("a.png", png)), ("files", ("b.png", png))]
    assert error(client.post("/v1/read", files=files)) == "the form has 2 files; /v1/batch reads several"


def test_number_of_files_is_limited():
    part = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n1\r\n'
    header = "multipart/form-data; boundary=x"
    assert len(uploaded_files(header, part * MAX_FILES + b"--x--\r\n")) == MAX_FILES
    with pytest.raises(InkwiseError, match="the form has 101 files; expected 1 to 100"):
        uploaded_files(header, part * (MAX_FILES + 1) + b"--x--\r\n")


def test_binary_content_of_a_form_is_unchanged():
    content = bytes(range(256)) * 5 + b"\r\n--x\r\n--"
    head = b'--bound\r\nContent-Disposition: form-data; name="f"; filename="a.bin"\r\n\r\n'
    found = uploaded_files("multipart/form-data; boundary=bound", head + content + b"\r\n--bound--\r\n")
    assert found == [("a.bin", content)]
