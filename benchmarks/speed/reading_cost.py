"""Processor time of reading one picture, from a glyph to a photo of 20 megapixels, and its peak memory.

    python -m benchmarks reading-cost [--pages 4]

Digits are drawn, pages are synthetic scans as in `page-reading`, with a photo enlarged to 20 megapixels; both
hold digits of one hand. Memory is that of the command `inkwise read PHOTO` (Linux).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy.page_synthesis import KINDS, synthetic_pages
from benchmarks.common.processes import INKWISE
from benchmarks.common.reporting import argument_parser, print_table
from benchmarks.common.service_client import digit_images, encode_png
from benchmarks.speed.cold_start import start
from inkwise import Recognizer
from inkwise._util.system import describe_machine, use_one_thread
from inkwise.recognition.adaptation import reference_strokes
from inkwise.training.synthesis.allographs import Stroke

ROUNDS = 50  # of the ten digits
PHOTO_PIXELS = 20e6


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--pages", type=int, default=4, help="of each kind")
    arguments = parser.parse_args(argv)
    use_one_thread()
    recognizer = Recognizer(threads=1)
    digits = digit_images()
    glyphs = [255 - cv2.resize(digit, (28, 28), interpolation=cv2.INTER_AREA) for digit in digits]
    rows = [
        measure(recognizer, "array of 28x28", glyphs * ROUNDS),
        measure(recognizer, "PNG of 100x100", [encode_png(digit) for digit in digits] * ROUNDS),
    ]
    pages, photo = make_pages(arguments.pages)
    rows += [measure(recognizer, f"A4 at 200 dpi, {kind}", pages[kind]) for kind in pages]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo.jpg"
        cv2.imwrite(str(path), photo)
        rows.append(measure(recognizer, f"JPEG of {photo.size / 1e6:.0f} megapixels", [path] * 3))
        _, memory = start([str(INKWISE), "read", str(path)])
    print(f"{describe_machine()}; one thread.\n")
    print_table(("picture", "reads", "median", "95 % within"), rows)
    print(f"\nPeak memory of `inkwise read` on the photo: {memory / 1e6:.0f} MB.")


def make_pages(count: int) -> tuple[dict[str, list[NDArray[np.uint8]]], NDArray[np.uint8]]:
    """Return scanned pages of three kinds, and a photo of a plain page."""
    hand: dict[str, list[list[Stroke]]] = {
        str(digit): [[np.array(stroke, np.float64) for stroke in strokes]]
        for digit, strokes in enumerate(reference_strokes())
    }
    pages: dict[str, list[NDArray[np.uint8]]] = {"plain": [], "ruled": [], "squared": []}
    photo = None
    for index, page in enumerate(synthetic_pages([hand], 2 * count * len(KINDS), seed=0)):
        photographed = index // len(KINDS) % 2
        if page.kind in pages and not photographed:
            pages[page.kind].append(page.grey)
        elif photo is None and photographed:
            scale = np.sqrt(PHOTO_PIXELS / page.grey.size)
            photo = cv2.resize(page.grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    assert photo is not None
    return pages, np.asarray(photo, np.uint8)


def measure(
    recognizer: Recognizer, name: str, pictures: Sequence[NDArray[np.uint8] | bytes | Path]
) -> tuple[str, ...]:
    """Read each picture once, after one that is not counted; return a row of the table."""
    recognizer.read(pictures[0])
    times = []
    for picture in pictures:
        began = time.process_time()
        recognizer.read(picture)
        times.append(1000 * (time.process_time() - began))
    digits = 1 if times[0] < 100 else 0
    shown = (f"{np.percentile(times, share):.{digits}f} ms" for share in (50, 95))
    return (name, str(len(times)), *shown)
