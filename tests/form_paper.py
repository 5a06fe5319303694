"""A small form on paper: printed, filled in, scanned and photographed."""

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIZE = 840, 1188  # A4 at 102 dpi
BOXES = {"meter": (300, 250, 300, 50), "code": (300, 400, 60, 60), "amount": (300, 550, 280, 60)}
CELLS = 6
MARKS = ((30, 30, 60, 60), (770, 30, 40, 40), (30, 1118, 40, 40), (770, 1118, 40, 40))
YAML = """\
name: meter card
reference: empty.png
fields:
  - {name: meter, box: [300, 250, 300, 50], kind: comb, cells: 6}
  - {name: code, box: [300, 400, 60, 60], kind: digit}
  - {name: amount, box: [300, 550, 280, 60], length: [1, 6]}
"""

HAND = {
    "0": [[(0.5, 0), (0.1, 0.3), (0.1, 0.7), (0.5, 1), (0.9, 0.7), (0.9, 0.3), (0.5, 0)]],
    "1": [[(0.3, 0.25), (0.6, 0)], [(0.6, 0), (0.55, 1)]],
    "2": [[(0.1, 0.25), (0.5, 0), (0.85, 0.25), (0.5, 0.65), (0.05, 0.98)], [(0.05, 0.98), (0.95, 0.96)]],
    "3": [[(0.1, 0.1), (0.6, 0), (0.85, 0.22), (0.4, 0.45), (0.9, 0.72), (0.55, 1), (0.05, 0.88)]],
    "4": [[(0.45, 0), (0.05, 0.6)], [(0.05, 0.6), (0.95, 0.58)], [(0.7, 0.3), (0.65, 1)]],
    "5": [
        [(0.85, 0.02), (0.25, 0.03)],
        [(0.25, 0), (0.2, 0.4)],
        [(0.2, 0.4), (0.7, 0.4), (0.9, 0.7), (0.1, 0.98)],
    ],
    "6": [[(0.7, 0), (0.2, 0.4), (0.1, 0.75), (0.5, 1), (0.9, 0.75), (0.5, 0.52), (0.12, 0.75)]],
    "7": [[(0.05, 0.03), (0.9, 0.02)], [(0.9, 0.02), (0.35, 1)]],
    "8": [[(0.8, 0.15), (0.4, 0), (0.2, 0.25), (0.8, 0.7), (0.5, 1), (0.15, 0.75), (0.75, 0.3), (0.8, 0.15)]],
    "9": [[(0.85, 0.2), (0.4, 0), (0.1, 0.3), (0.5, 0.5), (0.88, 0.2), (0.75, 1)]],
}
"""Strokes of each digit, in the unit square."""

_PRINT = {
    60: ["Municipal Water Works, Dept. 7", 34],
    110: ["Yearly reading of the meter. Please use a dark pen and write in the boxes.", 18],
    220: ["Meter", 22],
    370: ["Code", 22],
    520: ["Amount due", 22],
    700: ["By signing I declare that what is written above is right to the best of my", 18],
    726: ["knowledge; a wrong reading is put right with the next bill. Questions? Call us", 18],
    752: ["between 8 and 12, or write to waterworks at example dot org, quoting the meter.", 18],
    1080: ["Form WW-114 / edition of May", 16],
}


def save(folder, yaml=YAML, **printed):
    """Write the form as files and return the path of its YAML."""
    Image.fromarray(empty(**printed)).save(folder / "empty.png")
    path = folder / "card.yaml"
    path.write_text(yaml)
    return path


def empty(*, marks=False, words=True):
    """Return the empty form (1188, 840) uint8, with a black square in each corner if `marks` is set."""
    image = Image.new("L", SIZE, 250)
    draw = ImageDraw.Draw(image)
    for y, (text, size) in _PRINT.items() if words else ():
        draw.text((100, y), text, fill=40, font=ImageFont.load_default(size))
    for x, y, w, h in BOXES.values():
        draw.rectangle([x, y, x + w, y + h], outline=60, width=2)
    x, y, w, h = BOXES["meter"]
    for cell in range(1, CELLS):
        draw.line([x + cell * w // CELLS, y, x + cell * w // CELLS, y + h], fill=60, width=2)
    for x, y, w, h in MARKS if marks else ():
        draw.rectangle([x, y, x + w - 1, y + h - 1], fill=20)
    return np.asarray(image).copy()


def write(page, text, box, cells=1, ink=45):
    """Write a text into a box of a page by hand, no two digits alike, and return the page."""
    x, y, w, h = box
    rng = np.random.default_rng([len(text), x, y])
    drawn = np.zeros_like(page)
    step = w / cells if cells > 1 else 0.62 * h
    size = np.array([min(0.62 * step, 0.42 * h), 0.64 * h])
    for place, digit in enumerate(text):
        start = x + place * step + (0 if cells > 1 else 0.3 * h) + (step - size[0]) / 2, y + 0.18 * h
        for stroke in HAND[digit]:
            points = start + (np.array(stroke) + rng.normal(0, 0.02, (len(stroke), 2))) * size
            curve = np.rint(_smooth(points) * 16).astype(np.int32)[:, None]
            cv2.polylines(drawn, [curve], False, 255, round(0.07 * h), cv2.LINE_AA, 4)
    page[:] = (page * (1 - drawn / 255) + ink * (drawn / 255)).astype(np.uint8)
    return page


def _smooth(points):
    """Return the points and those between them on a Catmull-Rom spline."""
    ends = np.vstack([points[0], points, points[-1]])
    t = np.linspace(0, 1, 6, endpoint=False)[:, None]
    parts = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:], strict=False)
    ]
    return np.vstack([*parts, points[-1:]])


def filled(meter="014752", code="3", amount="1250", **printed):
    """Return the filled form."""
    page = write(empty(**printed), meter, BOXES["meter"], CELLS)
    return write(write(page, code, BOXES["code"]), amount, BOXES["amount"])


def turned(page, degrees=0.0, scale=1.0, paper=250):
    """Return a skewed scan of another resolution."""
    height, width = page.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale)
    size = round(width * scale * 1.1), round(height * scale * 1.1)
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.warpAffine(page, matrix, size, flags=flags, borderValue=paper)


def photo(page, rng, tilt=0.06, turn=0.0):
    """Return a photograph on a dark table: perspective, light and shadow, blur, noise."""
    from inkwise.training.synthesis.degradation import simulate_illumination  # imports torch

    height, width = page.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    away = rng.uniform(-tilt, tilt, (4, 2)) * (width, height)
    angle = np.deg2rad(turn)
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    middle = np.array([width, height]) / 2
    seen = (corners - middle) @ rotation + middle + away
    seen = (seen - seen.min(0) + 40).astype(np.float32)
    size = np.ceil(seen.max(0) + 40).astype(int).tolist()
    matrix = cv2.getPerspectiveTransform(corners, seen)
    lit = cv2.warpPerspective(page, matrix, size, borderValue=70) * simulate_illumination(
        tuple(size[::-1]), rng
    )
    lit = cv2.GaussianBlur(lit.astype(np.float32), (0, 0), 0.8) + rng.normal(0, 4, size[::-1])
    return np.clip(lit, 0, 255).astype(np.uint8)
