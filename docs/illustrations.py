"""Make the pictures of the docs: sheets of handwriting, a digit, sheets as read, an explanation, a wall.

    python docs/illustrations.py unipen_digits.npz

The digits are pen strokes from UNIPEN (CC BY 4.0, see docs/model.md), of writers that were not trained on.
Those that are explained are of MNIST's test set. The wall shows what nets are trained on; it needs
`inkwise[train]`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from inkwise import Recognizer, datasets
from inkwise.cli.evaluate import explain
from inkwise.datasets import StrokeSet
from inkwise.preprocessing import strokes_to_glyph
from inkwise.training.synthesis.allographs import add_allograph_mark
from inkwise.training.synthesis.degradation import ink_coverage, photographed_glyph
from inkwise.training.synthesis.negatives import corrupt_digits, synthesize_negatives
from inkwise.training.synthesis.stroke_augmentation import augment_strokes

HERE = Path(__file__).parent
LINES = ("0123456789", "1969 07 20", "31415 92653", "8 4 7 2 0 6")
HEIGHT, WIDTH, DIGIT = 540, 960, 76
PAGE = 11  # of those that the benchmark makes
DOUBTFUL = (5745, 2414, 1847, 674, 3808)  # MNIST test digits of which the bundled weights are not sure


def main(strokes_path: str) -> None:
    """Write all pictures beside this file."""
    explained()
    page(strokes_path)
    rng = np.random.default_rng(11)
    strokes = datasets.load_strokes_or_dataset(strokes_path)
    assert isinstance(strokes, StrokeSet)
    assert strokes.writers is not None
    strokes = strokes.select(datasets.split_by_writer(strokes.writers) == "validation")
    trained_on(strokes)
    ink = np.zeros((HEIGHT, WIDTH), np.float32)
    for number, line in enumerate(LINES):
        x, y = 50 + rng.uniform(-10, 10), 45 + 125 * number
        # One hand a line: all digits from one writer, where that writer wrote them.
        writer = rng.choice(np.unique(strokes.writers))
        for character in line:
            if character == " ":
                x += 64
                continue
            own = (strokes.labels == character) & (strokes.writers == writer)
            index = rng.choice(np.flatnonzero(own if own.any() else strokes.labels == character))
            x += write(ink, strokes.samples[index], x, y + rng.uniform(-4, 4)) + rng.uniform(14, 22)
    sheet = photograph(ink, rng)
    cv2.imwrite(str(HERE / "sample-sheet.jpg"), sheet)
    cv2.imwrite(str(HERE.parent / "src/inkwise/app/static/sample.jpg"), sheet, [cv2.IMWRITE_JPEG_QUALITY, 60])
    seven = np.zeros((160, 140), np.float32)
    write(seven, strokes.samples[np.flatnonzero(strokes.labels == "7")[3]], 40, 42)
    cv2.imwrite(str(HERE / "seven.jpg"), photograph(seven, rng))
    Recognizer().read(HERE / "sample-sheet.jpg").overlay().save(HERE / "sample-sheet-read.jpg", quality=88)


def page(strokes_path: str) -> None:
    """A photographed table, made by the benchmark of pages, as it is read."""
    sys.path.insert(0, str(HERE.parent))
    from benchmarks.accuracy.page_synthesis import read_writers, synthetic_pages

    *_, made = synthetic_pages(read_writers(Path(strokes_path), "validation"), PAGE + 1, 0)
    read = Recognizer().read(made.grey).overlay()
    part = read.crop((200, 200, 1400, 1250))
    part.resize((960, 840)).save(HERE / "page-read.jpg", quality=80)


def explained() -> None:
    """A row of doubtful digits, and why they are read as they are."""
    row = np.hstack(datasets.load_dataset("mnist-test").glyphs[list(DOUBTFUL)])
    cv2.imwrite(str(HERE / "doubtful.png"), 255 - np.kron(row, np.ones((4, 4), np.uint8)))
    (HERE / "explain.png").unlink(missing_ok=True)
    explain(HERE / "doubtful.png", out=HERE / "explain.png")


def trained_on(strokes: StrokeSet) -> None:
    """Digits as drawn, by other hands, styled and photographed; non-digits, synthetic and made of digits."""
    rng = np.random.default_rng(6)
    chosen = np.concatenate(
        [rng.choice(np.flatnonzero(strokes.labels == digit), 2) for digit in "0123456789"]
    )
    labels = strokes.labels[chosen]
    samples = [strokes.samples[number] for number in chosen]
    drawn = np.stack([strokes_to_glyph(sample) for sample in samples])
    others = [strokes_to_glyph(augment_strokes(sample, rng), rng.uniform(1.8, 4)) for sample in samples]
    marked = [number for number in range(len(samples)) if labels[number] in "0147"]
    styled = [
        strokes_to_glyph(add_allograph_mark(samples[number], labels[number], rng))
        for number in np.resize(marked, len(samples))
    ]
    seen = [photographed_glyph(ink_coverage(glyph), glyph, rng) for glyph in others]
    made = synthesize_negatives(len(samples), rng), corrupt_digits(drawn, labels, len(samples), rng)
    wall = np.vstack([np.hstack(row) for row in (drawn, others, styled, seen, *made)])
    cv2.imwrite(str(HERE / "training-data.png"), 255 - np.kron(wall, np.ones((2, 2), np.uint8)))


def write(ink: np.ndarray, sample: list[np.ndarray], x: float, y: float) -> float:
    """Draw one digit, DIGIT pixels high, and return its width."""
    points = np.concatenate(sample)
    low, high = points.min(0), points.max(0)
    scale = DIGIT / max(high[1] - low[1], 0.6 * (high[0] - low[0]))
    for stroke in sample:
        fixed = np.rint(((stroke - low) * scale + [x, y]) * 16).astype(np.int32)[:, None]
        cv2.polylines(ink, [fixed], False, 1.0, 4, cv2.LINE_AA, 4)
    return float((high[0] - low[0]) * scale)


def photograph(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blue ink on paper with grain under uneven light, (H, W, 3) uint8, blue first."""
    height, width = ink.shape
    y, x = np.mgrid[0 : 1 : complex(height), 0 : 1 : complex(width)]
    light = 0.95 - 0.2 * x - 0.12 * y
    grain = cv2.GaussianBlur(rng.normal(0, 0.05, ink.shape).astype(np.float32), (0, 0), 1.2)
    cover = cv2.GaussianBlur(ink, (0, 0), 0.9)[..., None] * 0.8
    paper, pen = np.array([0.90, 0.95, 0.97]), np.array([0.55, 0.25, 0.15])
    colour = (paper * (1 - cover) + pen * cover) * (light + grain)[..., None]
    return np.clip(255 * colour, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main(*sys.argv[1:])
