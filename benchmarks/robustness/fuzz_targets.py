"""Fuzz targets: a function for each decoder of external input. Tests replay the seeds.

A target accepts the project's own one-line errors, the correct answer to bad input. Any other exception or
warning is a finding, and so is an input that takes more than 2 seconds or 1 GB.
"""

from __future__ import annotations

import resource
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import get_args
from unittest.mock import patch

import cv2
import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from inkwise._util.errors import InkwiseError
from inkwise._util.system import ignore_pillow_warnings
from inkwise.app.requests import ReadBody
from inkwise.datasets.array_sets import read_npy
from inkwise.datasets.csv_glyphs import read_csv
from inkwise.datasets.idx import read_idx
from inkwise.datasets.npz import read_npz
from inkwise.datasets.unipen_format import DamageError, read_document
from inkwise.forms.template import FormTemplate
from inkwise.http.bodies import PayloadTooLargeError, json_response, parse_json_object, parse_model
from inkwise.image import Document, load_image
from inkwise.recognition import Expect, Model, Recognizer
from inkwise.recognition.constraints import Constraint
from inkwise.recognition.model import METADATA_KEY, LineModel

MAX_SECONDS = 2.0
"""Maximum processor time of one input in seconds."""

MAX_MEMORY_BYTES = 1_000_000_000
"""Maximum memory of one input in bytes."""

MAX_PIXELS = 20_000_000
"""Maximum number of pixels of an image, lower than the default, since time and memory grow with it."""

_MAX_READ_PIXELS = 250_000  # pixels of an image whose numbers can be read within the time of one input
_MAX_PAGES = 4  # pages read of a document; more would only take longer
_MAX_SEGMENTS = 20  # segments read of a UNIPEN file
_EXPECTED_ERRORS = (InkwiseError, PayloadTooLargeError)

Target = Callable[[bytes], object]


def picture(data: bytes) -> None:
    """Read an image of any format."""
    load_image(data)


def reading(data: bytes) -> None:
    """Read the numbers of an image; the seeds are patterns of many marks."""
    grey = load_image(data)
    if grey.size <= _MAX_READ_PIXELS:
        _reader().read(grey).to_json()


def gif(data: bytes) -> None:
    """Read a GIF; the seeds differ from those of `picture`."""
    load_image(data)


def avif(data: bytes) -> None:
    """Read an AVIF."""
    load_image(data)


def heic(data: bytes) -> None:
    """Read a HEIC, which needs its extra."""
    import pillow_heif  # noqa: F401

    load_image(data)


def pnm(data: bytes) -> None:
    """Read a PBM, PGM or PPM."""
    load_image(data)


def deep(data: bytes) -> None:
    """Read a PNG or TIFF of 16 or 32 bits."""
    load_image(data)


def document(data: bytes) -> None:
    """Read a PDF or a multi-page TIFF; a damaged page does not end the document."""
    with Document(data) as pages:
        for number in range(1, min(len(pages), _MAX_PAGES) + 1):
            _expect_one_line_error(pages.page, number)


def idx(data: bytes) -> None:
    """Read an IDX file of images and of labels, raw or gzipped."""
    with _file("images", data) as path:
        for dimensions in (3, 1):
            _expect_one_line_error(read_idx, path, dimensions)


def csv(data: bytes) -> None:
    """Read a CSV file of glyphs, gzipped or not."""
    with _file("glyphs.csv.gz" if data.startswith(b"\x1f\x8b") else "glyphs.csv", data) as path:
        read_csv(path)


def npz(data: bytes) -> None:
    """Read images or strokes from an .npz file. Checksums are ignored, or few inputs would pass."""
    with _file("samples.npz", data) as path, patch.object(zipfile.ZipExtFile, "_update_crc"):
        _expect_one_line_error(read_npz, path, "train")
        read_npz(path).to_dataset()


def npy(data: bytes) -> None:
    """Read images from an .npy file."""
    with _file("x.npy", data) as path:
        read_npy(path)


def unipen(data: bytes) -> None:
    """Read a UNIPEN file, with empty includes, and the ink of its segments."""
    file = read_document(data.decode("latin-1"), lambda name: "")
    for segment in islice(file.segments, _MAX_SEGMENTS):
        if segment:
            _expect_one_line_error(file.ink, segment.delineation)


def strokes(data: bytes) -> None:
    """Parse and answer the body of a request to read strokes."""
    drawn = parse_model(data, ReadBody).strokes
    for expect in (None, *get_args(Expect)):
        json_response(_reader().read_strokes(drawn, expect).to_dict())


def stroke_json(data: bytes) -> None:
    """Read the JSON of strokes in any of its forms."""
    for expect in (None, "number"):
        _reader().read_strokes(data, expect).to_json()


def model(data: bytes) -> None:
    """Open an ONNX file as a digit classifier and as a line model."""
    for kind in (Model, LineModel):
        _expect_one_line_error(partial(kind, data, threads=1))


def metadata(data: bytes) -> None:
    """Open a valid ONNX file with fuzzed metadata; a model that opens must be able to read."""
    reader = Recognizer(Model(small_model(data), threads=1))
    reader.read(_seven(), "digit").to_json()


def template(data: bytes) -> None:
    """Read the YAML file of a form; its scan is `empty.png`."""
    with _file("form.yaml", data) as path:
        path.with_name("empty.png").write_bytes(_empty())
        FormTemplate.read(path)


def constraint(data: bytes) -> None:
    """Parse a constraint in the format of a form."""
    Constraint.from_dict(parse_json_object(data))


def pattern(data: bytes) -> None:
    """Compile a regular expression for a number."""
    Constraint(pattern=data.decode("utf-8", "replace"))


TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (
        picture,
        reading,
        gif,
        avif,
        heic,
        pnm,
        deep,
        document,
        idx,
        csv,
        npz,
        npy,
        unipen,
        strokes,
        stroke_json,
        model,
        metadata,
        template,
        constraint,
        pattern,
    )
}


class FindingError(Exception):
    """An input took too much time or memory, or its error has more than one line."""


def run_target(target: Target, data: bytes) -> None:
    """Run a target on one input.

    Raises:
        FindingError: the input took more than 2 seconds or 1 GB, or its error has several lines.
        Exception: any exception or warning that is not one of the project's errors.
    """
    began, before = time.process_time(), _peak_memory()
    with warnings.catch_warnings(), patch.object(Image, "MAX_IMAGE_PIXELS", MAX_PIXELS):
        warnings.simplefilter("error")
        ignore_pillow_warnings()  # as Inkwise's commands do
        _expect_one_line_error(target, data)
    seconds, taken = time.process_time() - began, _peak_memory() - before
    if seconds > MAX_SECONDS:
        raise FindingError(f"{len(data):,} bytes took {seconds:.1f} s")
    if taken > MAX_MEMORY_BYTES:
        raise FindingError(f"{len(data):,} bytes took {taken / 1e9:.1f} GB")


def _expect_one_line_error(work: Callable[..., object], *arguments: object) -> None:
    try:
        work(*arguments)
    except (*_EXPECTED_ERRORS, DamageError) as error:
        if not str(error).isprintable():
            raise FindingError(f"an error of more than a line: {str(error)!r}") from None


def _peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@contextmanager
def _file(name: str, data: bytes) -> Iterator[Path]:
    """Write a file into a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="inkwise-fuzz-") as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        yield path


@cache
def _empty() -> bytes:
    """Encode the scan of an empty form."""
    return cv2.imencode(".png", np.full((70, 50), 255, np.uint8))[1].tobytes()


@cache
def _reader() -> Recognizer:
    return Recognizer(threads=1)


@cache
def _seven() -> NDArray[np.uint8]:
    drawn = np.full((60, 60), 230, np.uint8)
    cv2.polylines(drawn, [np.array([(15, 12), (43, 12), (27, 50)])[:, None]], False, 30, 4)
    return drawn


def small_model(text: bytes | None = None) -> bytes:
    """Return an ONNX file with the interface of a digit classifier and this text as its metadata."""
    numbers = {"weight": np.eye(28, 10, dtype=np.float32)}
    nodes = [
        helper.make_node("Cast", ["glyphs"], ["grey"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["grey"], ["embedding"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["embedding", "weight"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("glyphs", TensorProto.UINT8, ["n", 28, 28])],
        [
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 10]),
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 28]),
        ],
        [numpy_helper.from_array(value, name) for name, value in numbers.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    plain: bytes = made.SerializeToString()
    # encoded by hand, because the text need not be UTF-8
    return plain if text is None else plain + _entry(14, _entry(1, METADATA_KEY.encode()) + _entry(2, text))


def _entry(number: int, content: bytes) -> bytes:
    """Encode one field of a protobuf message."""
    length, left = bytearray(), len(content)
    while left > 127:
        length.append(left & 127 | 128)
        left >>= 7
    return bytes([number << 3 | 2, *length, left]) + content
