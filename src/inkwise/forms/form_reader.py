"""The form reader: registers a filled scan, removes the print from each field, and reads the ink."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from inkwise._util.errors import InkwiseError
from inkwise.forms.fiducials import find_poses
from inkwise.forms.registration import MIN_FIT, AlignedScan, Reference, print_correlation
from inkwise.forms.template import Field, FormTemplate, PageBox
from inkwise.preprocessing import Box
from inkwise.preprocessing.background import relative_darkness
from inkwise.preprocessing.rectification import warp
from inkwise.recognition import Reading, Recognizer
from inkwise.recognition.reading import NO_INK, SHOWN_ALTERNATIVES

_DEFAULT_PAGE_SIDE = 2339  # pixels of the longer side without a reference: A4 at 200 dpi
_MIN_PAGE_SIDE = 50  # pixels of a page that can be a form
_FIELD_MARGIN = 0.3  # of the field height; writing may extend so far beyond the field
_MIN_PRINT_CORRELATION = 0.3  # of the print of a field, below which the field has moved
_SEARCH_RADIUS = 0.004  # of the longer side of the page; residual displacement of a field

_KERNEL = np.ones((3, 3), np.uint8)
_MIN_PRINT_DARKNESS = 0.06  # of print in the template
_STRONG_PRINT_DARKNESS = 0.2  # of print in the template that shows its contrast in the scan
_INK_OVER_PRINT = 0.15  # darkness of ink on print, beyond that of the print
_MIN_INK_DARKNESS = 0.1
_MIN_INK_SIDE = 0.25  # of the field height; smaller ink is a speck
_MAX_CELL_INK_WIDTH = 1.3  # of the cell width; wider ink belongs to several cells
_CELL_OVERHANG = 0.3  # of the cell width; ink may extend so far beyond its cell
_PADDING = 0.3  # of the field height; white paper around the ink
_MIN_PADDING = 4  # pixels

_MAX_DRAWN_SIDE = 1600  # pixels of a drawn page without a reference
_FIELD_COLOR, _FIDUCIAL_COLOR = (20, 90, 200), (200, 60, 30)


@dataclass(frozen=True, eq=False)
class FieldReading:
    """The reading of a field.

    Attributes:
        reading: Reading of its ink; None if the field is empty or was not found.
        reason: Why nothing is accepted, else None.
        corners: (4, 2) corners of the field in the scan, in pixels, clockwise from the form's upper left.
    """

    reading: Reading | None
    reason: str | None
    corners: NDArray[np.float64]

    def to_dict(self, alternatives: int | None = SHOWN_ALTERNATIVES) -> dict[str, Any]:
        """Return plain values; `alternatives` as for `Reading.to_dict`."""
        digits = () if self.reading is None else self.reading.digits
        return {
            # their boxes would be those in the rectified field
            "digits": [digit.to_dict(alternatives) | {"box": None} for digit in digits],
            "unconstrained": None if self.reading is None else self.reading.unconstrained,
            "reason": self.reason,
            "corners": np.round(self.corners, 1).tolist(),
        }


@dataclass(frozen=True, eq=False)
class FormReading:
    """The reading of a filled form.

    Attributes:
        form: Its template.
        fit: Quality of the registration, at most 1.
        fields_read: Readings by field name; empty if the scan does not match the form.
        reason: Why something is not accepted, else None.
    """

    form: FormTemplate
    fit: float
    fields_read: dict[str, FieldReading]
    reason: str | None

    def to_dict(self, alternatives: int | None = SHOWN_ALTERNATIVES) -> dict[str, Any]:
        """Return plain values: the columns of the form, and `fields` with the details of each."""
        values: dict[str, Any] = {column: kind() for column, kind in self.form.columns.items()}
        for field in self.form.fields:
            entry = self.fields_read.get(field.name)
            if entry is not None and (reading := entry.reading) is not None:
                plain = reading.text, round(reading.confidence, 4), reading.accepted
                values.update(zip(field.columns, plain, strict=True))
        fields = {name: entry.to_dict(alternatives) for name, entry in self.fields_read.items()}
        return {**values, "fit": round(self.fit, 4), "reason": self.reason, "fields": fields}


class FormReader:
    """Reads scans of one form."""

    def __init__(self, form: FormTemplate, recognizer: Recognizer) -> None:
        """Prepare a form.

        Raises:
            InkwiseError: Its reference cannot be read, or has too little print.
        """
        self._form, self._recognizer = form, recognizer
        self._reference = load_reference(form)
        if self._reference is not None:
            height, width = self._reference.dark.shape
        else:
            scale = _DEFAULT_PAGE_SIDE / max(form.size)
            width, height = (round(side * scale) for side in form.size)
        self._size = width, height
        self._boxes = {field.name: self._to_pixels(field.box) for field in form.fields}

    def read(self, grey: NDArray[np.uint8]) -> FormReading:
        """Read a scan or photograph (H, W) uint8 of the filled form, in any position."""
        page = self._align(grey) if min(grey.shape) >= _MIN_PAGE_SIDE else None
        if page is None or page.fit < MIN_FIT:
            fit = 0.0 if page is None else page.fit
            return FormReading(self._form, fit, {}, f"does not match the form {self._form.name!r}")
        contrast = 1.0 if self._reference is None else print_contrast(page.dark, self._reference.dark)
        outlines = [
            [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]
            for x, y, w, h in (self._boxes[field.name] for field in self._form.fields)
        ]
        corners = page.to_scan(np.array(outlines, np.float64).reshape(-1, 2)).reshape(-1, 4, 2)
        entries = {
            field.name: self._read_field(field, page, contrast, outline)
            for field, outline in zip(self._form.fields, corners, strict=True)
        }
        doubts = [f"{name}: {entry.reason}" for name, entry in entries.items() if entry.reason]
        return FormReading(self._form, page.fit, entries, "; ".join(doubts) or None)

    def _align(self, grey: NDArray[np.uint8]) -> AlignedScan | None:
        reference = self._reference
        if not self._form.marks:
            assert reference is not None
            return reference.align(grey)
        marks = np.array([self._to_pixels(box) for box in self._form.marks], np.float64)
        poses = find_poses(grey, marks, self._size)
        if reference is not None:
            pages = [reference.refine(grey, pose.matrix) for pose in poses[:4]]
            return max(pages, key=lambda page: page.fit, default=None)
        if not poses:
            return None
        matrix, fit = poses[0]
        near = warp(grey, np.linalg.inv(matrix), self._size)
        return AlignedScan(relative_darkness(near), (grey.shape[1], grey.shape[0]), matrix, fit)

    def _read_field(
        self, field: Field, page: AlignedScan, contrast: float, corners: NDArray[np.float64]
    ) -> FieldReading:
        slack = _SEARCH_RADIUS * max(page.size)
        if (corners < -slack).any() or (corners > np.array(page.size) - 1 + slack).any():
            return FieldReading(None, "is cut off", corners)
        ink, inside = self._field_ink(field, page, contrast)
        if ink is None:
            return FieldReading(None, "is not where the form has it", corners)
        cells = extract_cells(ink, inside, field.cells)
        if not any(cell is not None for cell in cells):
            return FieldReading(None, NO_INK, corners)
        if field.kind == "number":
            assert cells[0] is not None
            reading = self._recognizer.read(cells[0], "number", field.constraint)
        else:
            reading = self._recognizer.read_cells(cells, field.constraint)
        return FieldReading(reading, reading.reason, corners)

    def _field_ink(
        self, field: Field, page: AlignedScan, contrast: float
    ) -> tuple[NDArray[np.float32] | None, Box]:
        """Return the darkness of a field with its margin, without print, and the box of the field in it.

        The darkness is None if the print around it is not that of the form.
        """
        x, y, w, h = self._boxes[field.name]
        margin = self._margin(field)
        left, top = max(x - margin, 0), max(y - margin, 0)
        right, bottom = min(x + w + margin, self._size[0]), min(y + h + margin, self._size[1])
        inside = x - left, y - top, w, h
        if self._reference is None:
            return page.dark[top:bottom, left:right], inside
        printed = self._reference.dark[top:bottom, left:right]
        slack = round(_SEARCH_RADIUS * max(self._size))
        framed = np.pad(page.dark, slack)
        dark = align_patch(framed[top : bottom + 2 * slack, left : right + 2 * slack], printed)
        correlation = print_correlation(printed, dark)
        if correlation is not None and correlation < _MIN_PRINT_CORRELATION:
            return None, inside
        return remove_print(dark, printed, contrast), inside

    def _margin(self, field: Field) -> int:
        """Return how far writing may leave a field: at most half the distance to the nearest other field."""
        x, y, w, h = self._boxes[field.name]
        margin = _FIELD_MARGIN * h
        for name, (left, top, width, height) in self._boxes.items():
            if name != field.name:
                apart = max(left - x - w, x - left - width, top - y - h, y - top - height)
                margin = min(margin, apart / 2)
        return max(int(margin), 0)

    def _to_pixels(self, box: PageBox) -> Box:
        """Return a box of the form in pixels of the template."""
        fx, fy = self._size[0] / self._form.size[0], self._size[1] / self._form.size[1]
        x, y, w, h = box
        left, top = round(x * fx), round(y * fy)
        return left, top, max(round((x + w) * fx) - left, 1), max(round((y + h) * fy) - top, 1)


def load_reference(form: FormTemplate) -> Reference | None:
    """Return the reference to which scans of a form are aligned, if it has one.

    Raises:
        InkwiseError: It cannot be read, or has too little print for a form without fiducials.
    """
    grey = form.reference_image()
    if grey is None:
        return None
    reference = Reference(grey)
    if not form.marks and not reference.is_distinctive:
        raise InkwiseError(
            f"{form.reference}: too little is printed on it to be found again; print four marks"
        )
    return reference


def draw_fields(form: FormTemplate) -> Image.Image:
    """Draw the fields with their names and cells, and the marks, over the reference or white paper.

    Raises:
        ImageError: The reference cannot be read.
    """
    grey = form.reference_image()
    if grey is None:
        scale = _MAX_DRAWN_SIDE / max(form.size)
        image = Image.new("RGB", (round(form.size[0] * scale), round(form.size[1] * scale)), "white")
    else:
        image = Image.fromarray(grey).convert("RGB")
    drawing = ImageDraw.Draw(image)
    fx, fy = image.width / form.size[0], image.height / form.size[1]
    line = max(2, max(image.size) // 800)
    font = ImageFont.load_default(max(12, max(image.size) // 90))
    outlines = [(box, _FIDUCIAL_COLOR) for box in form.marks]
    outlines += [(field.box, _FIELD_COLOR) for field in form.fields]
    for (x, y, w, h), color in outlines:
        drawing.rectangle([x * fx, y * fy, (x + w) * fx, (y + h) * fy], outline=color, width=line)
    for field in form.fields:
        x, y, w, h = field.box
        for cell in range(1, field.cells):
            across = (x + cell * w / field.cells) * fx
            drawing.line([across, y * fy, across, (y + h) * fy], fill=_FIELD_COLOR, width=line)
        drawing.text((x * fx, y * fy - line), field.name, fill=_FIELD_COLOR, font=font, anchor="lb")
    return image


def print_contrast(dark: NDArray[np.float32], printed: NDArray[np.float32]) -> float:
    """Return the darkness of print in a scan relative to the template; both (h, w) float32 darkness."""
    strong = printed > _STRONG_PRINT_DARKNESS
    if not strong.any():
        return 1.0
    # A thin line may lie between two pixels in one image and on a pixel in the other.
    template, scan = (cv2.dilate(side, _KERNEL)[strong] for side in (printed, dark))
    return float(np.median(scan / template))


def align_patch(dark: NDArray[np.float32], printed: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the part of a scan that matches the template best.

    Args:
        dark: (h + 2 r, w + 2 r) float32 darkness of the scan, with a search radius of r pixels.
        printed: (h, w) float32 darkness of the template.
    """
    height, width = printed.shape
    x, y = (dark.shape[1] - width) // 2, (dark.shape[0] - height) // 2
    if (printed > _STRONG_PRINT_DARKNESS).sum() > height:  # less print determines no position
        _, _, _, (x, y) = cv2.minMaxLoc(cv2.matchTemplate(dark, printed, cv2.TM_CCORR_NORMED))
    return dark[y : y + height, x : x + width]


def remove_print(
    dark: NDArray[np.float32], printed: NDArray[np.float32], contrast: float
) -> NDArray[np.float32]:
    """Return the ink of a field; print that no darker ink covers is inpainted from its surroundings.

    A stroke therefore continues across a printed line.

    Args:
        dark: (h, w) float32 darkness of the scan.
        printed: (h, w) float32 darkness of the template at the same place.
        contrast: Result of `print_contrast`.
    """
    wide = cv2.dilate(printed, _KERNEL)
    hidden = (wide > _MIN_PRINT_DARKNESS) & (dark < np.clip(contrast * wide, 0, 1) + _INK_OVER_PRINT)
    if not hidden.any():
        return dark
    levels = np.asarray(np.rint(255 * dark), np.uint8)
    filled = cv2.inpaint(levels, hidden.astype(np.uint8), 3, cv2.INPAINT_TELEA)
    return np.divide(filled, 255, dtype=np.float32)


def extract_cells(dark: NDArray[np.float32], inside: Box, cells: int = 1) -> list[NDArray[np.uint8] | None]:
    """Return the ink of each cell of a field as an image (h, w) uint8, dark on white, None if it is empty.

    Specks are dropped, and so is ink in the margin alone, which belongs to a neighbour. A component belongs
    to the cell of its centroid; one that is wider than a cell is cut.

    Args:
        dark: (H, W) float32 darkness of the field with its margin, without print.
        inside: x, y, width, height of the field in it.
        cells: Number of cells of equal width.
    """
    x, y, w, h = inside
    mask = (cv2.GaussianBlur(dark, (0, 0), 1) > _MIN_INK_DARKNESS).astype(np.uint8)
    _, labels, stats, centroids = cv2.connectedComponentsWithStats(mask, connectivity=8)
    widths, heights = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    own = np.zeros(len(stats), np.bool_)
    own[np.unique(labels[y : y + h, x : x + w])] = True
    own &= np.maximum(widths, heights) >= _MIN_INK_SIDE * h
    own[0] = False
    step = w / cells
    cell_of_column = np.clip((np.arange(dark.shape[1]) - x) / step, 0, cells - 1).astype(int)
    middle = np.nan_to_num(centroids[:, 0])  # NaN for the background of an image that is all ink
    cell_of_component = np.clip((middle - x) / step, 0, cells - 1).astype(int)
    wide = widths > _MAX_CELL_INK_WIDTH * step
    cell = np.where(wide[labels], cell_of_column, cell_of_component[labels]) if cells > 1 else 0 * labels
    overhang = step * (_CELL_OVERHANG if cells > 1 else 1)
    images: list[NDArray[np.uint8] | None] = []
    for number in range(cells):
        kept = (own[labels] & (cell == number)).astype(np.uint8)
        ink = np.where(cv2.dilate(kept, _KERNEL) > 0, dark, 0)
        left, right = round(x + number * step - overhang), round(x + (number + 1) * step + overhang)
        part = 255 - np.rint(255 * ink[:, max(left, 0) : right])
        paper = np.pad(part, max(round(_PADDING * h), _MIN_PADDING), constant_values=255)
        images.append(np.asarray(paper, np.uint8) if kept.any() else None)
    return images
