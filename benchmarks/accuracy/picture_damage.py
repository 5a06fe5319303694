"""What happens to a picture after the writing: light, stains, folds, cameras, compression."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy.picture_canvas import Canvas, Color, blank, line

Picture = NDArray[np.uint8]


def clean(canvas: Canvas) -> Picture:
    """Return the picture of a drawing program, (h, w, 3) uint8."""
    return np.clip(canvas, 0, 255).astype(np.uint8)


def scanned(
    canvas: Canvas,
    rng: np.random.Generator,
    *,
    blur: float = 0.7,
    noise: float = 4,
    quality: tuple[int, int] = (65, 96),
) -> Picture:
    """Blur, add noise and compress as JPEG."""
    soft = cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.25, blur)) if blur > 0.25 else canvas
    grain = rng.standard_normal(canvas.shape[:2], np.float32)[..., None] * np.float32(rng.uniform(0, noise))
    return jpeg(clean(soft + grain), int(rng.integers(*quality)))


def jpeg(picture: Picture, quality: int) -> Picture:
    """Compress a picture, (h, w, 3) uint8."""
    blue_first = np.ascontiguousarray(picture[..., ::-1])
    _, coded = cv2.imencode(".jpg", blue_first, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR_RGB), np.uint8)


def position(shape: tuple[int, ...], angle: float) -> NDArray[np.float32]:
    """Return the position -1..1 of each pixel (h, w) along a direction."""
    y, x = (np.linspace(-1, 1, side, dtype=np.float32) for side in shape[:2])
    return np.asarray(np.float32(np.cos(angle)) * x[None] + np.float32(np.sin(angle)) * y[:, None])


def blotches(shape: tuple[int, ...], coarse: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a smooth random field (h, w) in about -1..1 with structures of `coarse` pixels."""
    size = max(2, int(shape[0] / coarse) + 2), max(2, int(shape[1] / coarse) + 2)
    field = rng.normal(0, 0.5, size).astype(np.float32)
    return np.asarray(cv2.resize(field, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC))


def gradient(canvas: Canvas, rng: np.random.Generator, depth: float = 0.25) -> Canvas:
    """Darken towards one side."""
    along = position(canvas.shape, rng.uniform(0, 2 * np.pi))
    return np.asarray(canvas * (1 - np.float32(rng.uniform(0, depth) / 2) * (1 + along))[..., None])


def shadow(canvas: Canvas, rng: np.random.Generator, at: tuple[float, float]) -> Canvas:
    """Darken one side of a line through the point `at`, pixels, by 25 to 60 %."""
    angle = rng.choice([0, np.pi / 2, np.pi]) + rng.normal(0, 0.25)
    along = position(canvas.shape, angle)
    centre = along[min(int(at[1]), len(along) - 1), min(int(at[0]), along.shape[1] - 1)]
    soft = rng.uniform(1, 12) / max(canvas.shape[:2])
    dark = 1 / (1 + np.exp(np.clip((along - centre) / np.float32(soft), -30, 30)))
    return np.asarray(canvas * (1 - np.float32(rng.uniform(0.25, 0.6)) * dark)[..., None])


def scanner_edges(canvas: Canvas, rng: np.random.Generator) -> Canvas:
    """Darken one to four sides, as of a scan with an open lid."""
    height, width = canvas.shape[:2]
    tone = float(rng.uniform(0, 60))
    for side in rng.permutation(4)[: int(rng.integers(1, 5))]:
        deep, slope = rng.uniform(0.012, 0.07) * max(height, width), rng.normal(0, 0.006)
        along = np.arange(width if side % 2 else height)
        depth = np.maximum(deep + slope * along, 1)
        across = np.arange(height if side % 2 else width)
        if side >= 2:
            across = across[::-1]
        band = across[:, None] < depth[None] if side % 2 else across[None] < depth[:, None]
        canvas[band] = tone + rng.normal(0, 3)
    return canvas


def glare(canvas: Canvas, rng: np.random.Generator) -> Canvas:
    """Add reflections of a lamp, which weaken the ink below them by up to 70 %."""
    height, width = canvas.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    for _ in range(int(rng.integers(1, 4))):
        angle = rng.uniform(0, np.pi)
        dx, dy = x - rng.uniform(0.1, 0.9) * width, y - rng.uniform(0.1, 0.9) * height
        along, across = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
        reach = rng.uniform(0.12, 0.4) * min(height, width)
        spot = np.exp(-((along / reach) ** 2) - (across / (reach * rng.uniform(0.3, 1))) ** 2)
        canvas = canvas + (255 - canvas) * (np.float32(rng.uniform(0.4, 0.7)) * spot)[..., None]
    return np.asarray(canvas, np.float32)


def coffee(canvas: Canvas, rng: np.random.Generator, radius: float) -> Canvas:
    """Add rings of a cup, much larger than the digits, and a few drops."""
    height, width = canvas.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    brown = np.array([150, 105, 60], np.float32)
    for _ in range(int(rng.integers(1, 3))):
        centre = rng.uniform(0, width), rng.uniform(0, height)
        away = np.hypot(x - centre[0], y - centre[1]) / radius
        ring = np.exp(-(((away - 1) / rng.uniform(0.03, 0.07)) ** 2)) + 0.25 * (away < 1)
        cover = ring * np.clip(0.7 + 0.5 * blotches(canvas.shape, radius / 3, rng), 0.1, 1)
        canvas = canvas + (brown - canvas) * (np.float32(rng.uniform(0.15, 0.4)) * cover)[..., None]
    return np.asarray(canvas, np.float32)


def folds(canvas: Canvas, rng: np.random.Generator) -> Canvas:
    """Crease the paper once to three times: each side of a crease has its own brightness."""
    height, width = canvas.shape[:2]
    for _ in range(int(rng.integers(1, 4))):
        upright = rng.random() < 0.5
        along = position(canvas.shape, (0 if upright else np.pi / 2) + rng.normal(0, 0.02))
        far = along - np.float32(rng.uniform(-0.6, 0.6))
        pixel = 2 / (width if upright else height)
        side = np.float32(rng.uniform(-0.08, 0.08)) * np.tanh(far / pixel) * np.exp(-np.abs(far) * 2)
        crease = np.exp(-((far / (pixel * rng.uniform(0.8, 2.5))) ** 2)) * rng.uniform(-0.25, 0.12)
        canvas = canvas * (1 + side + crease.astype(np.float32))[..., None]
    return np.asarray(canvas, np.float32)


def office_marks(canvas: Canvas, rng: np.random.Generator) -> Canvas:
    """Add punched holes, staples and coloured stickers at the edges of a page."""
    height, width = canvas.shape[:2]
    unit = min(height, width) / 100
    kinds = rng.permutation(["holes", "staple", "sticker"])[: int(rng.integers(1, 4))]
    if "holes" in kinds:
        for y in (0.5 - 0.13, 0.5 + 0.13):
            centre = round(4.5 * unit), round(y * height)
            cv2.circle(canvas, centre, round(1.6 * unit), (40.0, 40.0, 44.0), -1, cv2.LINE_AA)
    if "staple" in kinds:
        x, y = rng.uniform(3, 8) * unit, rng.uniform(3, 6) * unit
        end = x + 5 * unit, y + rng.normal(0, 2) * unit
        line(canvas, (x, y + 0.4 * unit), (end[0], end[1] + 0.4 * unit), (170, 170, 170), 0.8 * unit)
        line(canvas, (x, y), end, (110, 112, 118), 0.6 * unit)
    if "sticker" in kinds:
        color = [(220.0, 60.0, 60.0), (250.0, 210.0, 60.0), (80.0, 170.0, 90.0)][rng.integers(3)]
        centre = round(width - 8 * unit), round(rng.choice([0.06, 0.94]) * height)
        if rng.random() < 0.5:
            cv2.circle(canvas, centre, round(5 * unit), color, -1, cv2.LINE_AA)
        else:
            size = round(6 * unit), round(3.5 * unit)
            low = centre[0] - size[0], centre[1] - size[1]
            cv2.rectangle(canvas, low, (centre[0] + size[0], centre[1] + size[1]), color, -1)
    return canvas


def desk(width: float, height: float, rng: np.random.Generator) -> Canvas:
    """Return a desk of wood or of one colour."""
    colors: list[Color] = [(140, 100, 65), (95, 70, 50), (60, 62, 66), (175, 150, 120)]
    top = blank(width, height, colors[rng.integers(len(colors))])
    grain = blotches((round(height) // 12 + 2, round(width)), 3, rng)
    stretched = cv2.resize(grain, (top.shape[1], top.shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(top + stretched[..., None] * np.float32(rng.uniform(3, 14)), np.float32)


def laid_on(sheet: Canvas, ground: Canvas, rng: np.random.Generator, *, bend: float, turn: float) -> Canvas:
    """Lay a sheet on a larger ground, seen at an angle, with a soft shadow around it.

    Args:
        sheet: smaller than the ground.
        ground: what it lies on.
        bend: largest shift of a corner as a share of the sheet's side.
        turn: largest rotation, radians.
    """
    height, width = sheet.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    angle = rng.uniform(-turn, turn)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shifted = corners + rng.uniform(-bend, bend, (4, 2)) * (width, height)
    seen = (shifted - corners.mean(0)) @ rotation.T
    room = np.array([ground.shape[1], ground.shape[0]])
    low, high = seen.min(0), seen.max(0)
    slack = np.maximum(room - (high - low), 0)
    seen = seen - low + slack * rng.uniform(0.3, 0.7, 2)
    matrix = cv2.getPerspectiveTransform(corners, seen.astype(np.float32))
    size = ground.shape[1], ground.shape[0]
    cover = cv2.warpPerspective(np.ones((height, width), np.float32), matrix, size)
    cast = cv2.GaussianBlur(cover, (0, 0), 0.015 * max(size))
    shaded = ground * (1 - 0.35 * cast)[..., None]
    warped = cv2.warpPerspective(sheet, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(shaded * (1 - cover[..., None]) + warped * cover[..., None], np.float32)
