"""A filled form becomes a number a field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import InkwiseError
from inkwise.forms.dropout import align_patch, extract_cells, print_contrast, remove_print
from inkwise.forms.fiducials import find_poses
from inkwise.forms.field import Field
from inkwise.forms.registration import (
    MIN_FIT,
    AlignedScan,
    Reference,
    print_correlation,
)
from inkwise.forms.template import FormTemplate
from inkwise.forms.yaml_values import PageBox
from inkwise.image import Document
from inkwise.preprocessing import Box
from inkwise.preprocessing.background import limit_side, relative_darkness
from inkwise.preprocessing.rectification import MAX_PAGE_SIDE, warp
from inkwise.recognition import Reading, Recognizer
from inkwise.recognition.cells import read_cells
from inkwise.recognition.reading import NO_INK

_DEFAULT_PAGE_SIDE = 2339  # longer side of a template that has no reference, pixels: A4 at 200 dpi
_MIN_PAGE_SIDE = 50  # pixels, of a page that can be a form
_FIELD_MARGIN = 0.3  # of a field's height, to which writing may leave it
_MIN_PRINT_CORRELATION = 0.3  # how far a field's own print agrees at least
_SEARCH_RADIUS = 0.004  # of the page's longer side by which a field may lie elsewhere


@dataclass(frozen=True, eq=False)
class FieldReading:
    """What was read in a field.

    Attributes:
        reading: of its ink; None where the field is empty or could not be found.
        reason: why nothing is accepted, else None.
        corners: (4, 2) of the field in the scan, pixels, clockwise from what is the upper left on the form.
    """

    reading: Reading | None
    reason: str | None
    corners: NDArray[np.float64]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        reading = {} if self.reading is None else self.reading.to_dict()
        return {
            "digits": reading.get("digits", []),
            "unconstrained": reading.get("unconstrained"),
            "reason": self.reason,
            "corners": np.round(self.corners, 1).tolist(),
        }


@dataclass(frozen=True, eq=False)
class FormReading:
    """What was read on a filled form.

    Attributes:
        form: it.
        fit: how well the form was found, 1 at best.
        entries: by the names of the fields; empty where the scan is not of the form.
        reason: why something is not accepted, else None.
    """

    form: FormTemplate
    fit: float
    fields_read: dict[str, FieldReading]
    reason: str | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values: the columns of the form, and `fields` with what else is known of each."""
        values: dict[str, Any] = {column: kind() for column, kind in self.form.columns.items()}
        for field in self.form.fields:
            entry = self.fields_read.get(field.name)
            if entry is not None and (reading := entry.reading) is not None:
                plain = reading.text, round(reading.confidence, 4), reading.accepted
                values.update(zip(field.columns, plain, strict=True))
        fields = {name: entry.to_dict() for name, entry in self.fields_read.items()}
        return {**values, "fit": round(self.fit, 4), "reason": self.reason, "fields": fields}


class FormReader:
    """Reads scans of one form."""

    def __init__(self, form: FormTemplate, recognizer: Recognizer) -> None:
        """Prepare a form.

        Raises:
            InkwiseError: its reference cannot be read, or too little is printed on it.
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
        faint = 1.0 if self._reference is None else print_contrast(page.dark, self._reference.dark)
        entries = {field.name: self._read_field(field, page, faint) for field in self._form.fields}
        doubts = [f"{name}: {entry.reason}" for name, entry in entries.items() if entry.reason]
        return FormReading(self._form, page.fit, entries, "; ".join(doubts) or None)

    def _align(self, grey: NDArray[np.uint8]) -> AlignedScan | None:
        reference = self._reference
        if not self._form.marks:
            assert reference is not None
            return reference.align(grey)
        marks = np.array([self._to_pixels(box) for box in self._form.marks], np.float64)
        ways = find_poses(grey, marks, self._size)
        if reference is not None:
            pages = [reference.refine(grey, way.matrix) for way in ways[:4]]
            return max(pages, key=lambda page: page.fit, default=None)
        if not ways:
            return None
        near = warp(grey, np.asarray(np.linalg.inv(ways[0].matrix)), self._size)
        return AlignedScan(
            relative_darkness(near), (grey.shape[1], grey.shape[0]), ways[0].matrix, ways[0].fit
        )

    def _read_field(self, field: Field, page: AlignedScan, faint: float) -> FieldReading:
        x, y, w, h = self._boxes[field.name]
        corners = page.to_scan(np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], np.float64))
        slack = _SEARCH_RADIUS * max(page.size)
        if (corners < -slack).any() or (corners > np.array(page.size) - 1 + slack).any():
            return FieldReading(None, "is cut off", corners)
        ink, inside = self._ink(field, page, faint)
        if ink is None:
            return FieldReading(None, "is not where the form has it", corners)
        cells = extract_cells(ink, inside, field.cells)
        if not any(cell is not None for cell in cells):
            return FieldReading(None, NO_INK, corners)
        if field.kind == "number":
            assert cells[0] is not None
            reading = self._recognizer.read_number(cells[0], field.constraint)
        else:
            reading = read_cells(self._recognizer, cells, field.constraint)
        return FieldReading(reading, reading.reason, corners)

    def _ink(self, field: Field, page: AlignedScan, faint: float) -> tuple[NDArray[np.float32] | None, Box]:
        """A field's darkness with its margin, print taken out, and where the field is in it.

        None in place of the ink where the print about it is not that of the form.
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
        same = print_correlation(printed, dark)
        if same is not None and same < _MIN_PRINT_CORRELATION:
            return None, inside
        return remove_print(dark, printed, faint), inside

    def _margin(self, field: Field) -> int:
        """How far writing may leave a field: to the middle between it and its nearest neighbour."""
        x, y, w, h = self._boxes[field.name]
        margin = _FIELD_MARGIN * h
        for name, (left, top, width, height) in self._boxes.items():
            if name != field.name:
                apart = max(left - x - w, x - left - width, top - y - h, y - top - height)
                margin = min(margin, apart / 2)
        return max(int(margin), 0)

    def _to_pixels(self, box: PageBox) -> Box:
        """A box of the form in pixels of the template."""
        fx, fy = self._size[0] / self._form.size[0], self._size[1] / self._form.size[1]
        x, y, w, h = box
        left, top = round(x * fx), round(y * fy)
        return left, top, max(round((x + w) * fx) - left, 1), max(round((y + h) * fy) - top, 1)


def load_reference(form: FormTemplate) -> Reference | None:
    """The reference to which scans of a form are aligned, if it has one.

    Raises:
        InkwiseError: it cannot be read, or is so empty that a form without marks cannot be found by it.
    """
    if form.reference is None:
        return None
    reference = Reference(load_template_image(form))
    if not form.marks and not reference.is_distinctive:
        raise InkwiseError(
            f"{form.reference}: too little is printed on it to be found again; print four marks"
        )
    return reference


def load_template_image(form: FormTemplate) -> NDArray[np.uint8]:
    """The scan of the empty form, (h, w) uint8, no longer than is read.

    Raises:
        InkwiseError: it has none, or it cannot be read.
    """
    if form.reference is None:
        raise InkwiseError(f"the form {form.name!r} has no reference")
    with Document(form.reference) as document:
        return limit_side(document.page(1).grey, MAX_PAGE_SIDE)[0]
