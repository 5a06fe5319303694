"""What a form is: a page, its named fields, and what is known of what they hold."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any, Self

from inkwise._util.errors import InkwiseError, one_line
from inkwise._util.files import write_text
from inkwise._util.inputs import MEGABYTE, clear_read_errors, open_input
from inkwise.forms.field import Field
from inkwise.forms.yaml_values import PageBox, as_box, as_mapping, as_text, check_keys, dump_yaml, load_yaml
from inkwise.image import Document

_ASPECT_TOLERANCE = 0.02  # by which the sides of the page and of its reference may differ in proportion
_MAX_ASPECT_RATIO = 20  # times the other is a side of the page at most
_MIN_FIELD_SIDE = 0.003  # of the page's longer side: less is no place to write a digit
_MIN_AREA_RATIO = 1.5  # times the area of any other mark
_MAX_FIELDS = 500  # fields: each is held against all others


class FormError(InkwiseError):
    """A form that cannot be used.

    Attributes:
        problems: all that is wrong with it, a line each.
    """

    def __init__(self, *problems: str) -> None:
        """Say the first, and how many there are."""
        more = f" (and {len(problems) - 1} more, see `inkwise form check`)" if len(problems) > 1 else ""
        super().__init__(problems[0] + more)
        self.problems = tuple(map(one_line, problems))


@dataclass(frozen=True)
class FormTemplate:
    """A template: what is printed where, and where numbers are written.

    Attributes:
        name: of the form.
        size: width and height of the page, in any unit, which its boxes have too.
        fields: in the order of the table's columns.
        reference: a scan of the empty form.
        marks: boxes of four marks printed near the corners; none where the reference tells enough.

    Raises:
        FormError: boxes leave the page or overlap, a name is there twice, or nothing tells how a scan lies.
    """

    name: str
    size: tuple[float, float]
    fields: tuple[Field, ...]
    reference: Path | None = None
    marks: tuple[PageBox, ...] = ()

    def __post_init__(self) -> None:
        """Check the whole."""
        if problems := [*self._problems()]:
            raise FormError(*problems)

    def _problems(self) -> list[str]:
        problems = [] if self.fields else ["it has no fields"]
        if self.reference is None and not self.marks:
            problems.append("needs a reference (a scan of the empty form) or four marks")
        if len(self.marks) not in (0, 4):
            problems.append(f"marks: there are {len(self.marks)}, not four")
        elif self.marks and not _in_corners(self.marks, self.size):
            problems.append("marks: there must be one in each quarter of the page, near its corner")
        if self.reference is None and len(self.marks) == 4 and not _orientation_is_unique(self.marks):
            problems.append("marks: without a reference, one must have 1.5 times the area of any other")
        boxes = {f"field {field.name!r}": field.box for field in self.fields}
        columns = [column for field in self.fields for column in field.columns]
        twice = next((column for column in columns if columns.count(column) > 1), None)
        if twice is not None:
            problems.append(f"field {twice!r}: there are {columns.count(twice)} columns of this name")
        places = boxes | {f"mark {number}": box for number, box in enumerate(self.marks, 1)}
        width, height = self.size
        if max(self.size) > _MAX_ASPECT_RATIO * min(self.size):
            problems.append(f"a page of {width:g} x {height:g} is too slim")
        for field in self.fields:
            if min(field.box[2] / field.cells, field.box[3]) < _MIN_FIELD_SIDE * max(self.size):
                what = "cells of the box are" if field.cells > 1 else "box is"
                problems.append(f"field {field.name!r}: the {what} too small to write a digit into")
        for what, (x, y, w, h) in places.items():
            if x < 0 or y < 0 or x + w > width or y + h > height:
                where = f"from {x:g}, {y:g} to {x + w:g}, {y + h:g} on a page of {width:g} x {height:g}"
                problems.append(f"{what}: the box leaves the page: {where}")
        for number, (one, box) in enumerate(places.items(), 1):
            others = islice(places.items(), number, None)
            if over := next((other for other, place in others if _overlap(box, place)), None):
                problems.append(f"{one}: the box overlaps that of {over}")
        return problems

    @classmethod
    def read(cls, path: Path) -> Self:
        """From a YAML file; its reference and its vocabularies are looked for beside it.

        Raises:
            FormError: it is no form; `problems` has all that is wrong, each naming file and field.
        """
        try:
            return cls.from_dict(load_yaml(path), path.parent)
        except FormError as error:
            problems = error.problems
        except InkwiseError as error:
            problems = (str(error).removeprefix(f"{path}: "),)
        raise FormError(*(f"{path}: {problem}" for problem in problems))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], folder: Path) -> Self:
        """From plain values; its reference and its vocabularies are looked for in the folder.

        Raises:
            FormError: they are no form; `problems` has all that is wrong, each naming its field.
        """
        problems: list[str] = []
        try:
            check_keys(values, [item.name for item in fields(cls)])
            found = []
            entries = _as_list("fields", values.get("fields"))
            if len(entries) > _MAX_FIELDS:
                raise InkwiseError(f"there are {len(entries):,} fields; at most {_MAX_FIELDS} are possible")
            for number, entry in enumerate(entries, 1):
                name = entry.get("name", number) if isinstance(entry, Mapping) else number
                try:
                    found.append(Field.from_dict(as_mapping(entry), folder))
                except InkwiseError as error:
                    problems.append(f"field {name!r:.70}: {error}")
            reference, size = _reference_and_size(values, folder)
            drawn = enumerate(_as_list("marks", values.get("marks", [])), 1)
            marks = tuple(as_box(box, f"mark {number}: the box") for number, box in drawn)
            form = cls(as_text("name", values.get("name")), size, tuple(found), reference, marks)
        except FormError as error:
            # Without the fields that are wrong in themselves there may be none.
            problems += [line for line in error.problems if found or not problems]
        except InkwiseError as error:
            problems.append(str(error))
        if problems:
            raise FormError(*problems)
        return form

    def write(self, path: Path) -> None:
        """Write a YAML file that `read` reads.

        Raises:
            DataError: The file cannot be written.
        """
        write_text(path, self.to_yaml(path.parent))

    def to_yaml(self, folder: Path) -> str:
        """Return the form as YAML for a file in `folder`, from where the reference is named."""
        values: dict[str, Any] = {"name": self.name, "size": list(self.size)}
        if self.reference is not None:
            values["reference"] = Path(os.path.relpath(self.reference, folder)).as_posix()
        if self.marks:
            values["marks"] = [list(box) for box in self.marks]
        return dump_yaml({**values, "fields": [field.to_dict() for field in self.fields]})

    def digest(self) -> str:
        """What tells it from other forms, its reference's content included.

        Raises:
            DataError: the reference cannot be opened.
        """
        digest = hashlib.sha256(repr((self.name, self.size, self.fields, self.marks)).encode())
        if self.reference is not None:
            with open_input(self.reference) as file, clear_read_errors(self.reference):
                while piece := file.read(MEGABYTE):
                    digest.update(piece)
        return digest.hexdigest()

    @property
    def columns(self) -> dict[str, type]:
        """The columns of a row, and their types."""
        kinds = str, float, bool
        own = {
            column: kind for field in self.fields for column, kind in zip(field.columns, kinds, strict=True)
        }
        return {**own, "fit": float, "reason": str}


def _as_list(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise InkwiseError(f"{name} must be a list")
    return value


def _reference_and_size(values: Mapping[str, Any], folder: Path) -> tuple[Path | None, tuple[float, float]]:
    """The reference, and the size of the page: that of the reference where none is given."""
    reference, size = None, None
    if "size" in values:
        size = as_box([0, 0, *_as_list("size", values["size"])], "size", "[width, height]")[2:]
    if "reference" not in values:
        if size is None:
            raise InkwiseError("needs a size (width and height of the page) where it has no reference")
        return None, size
    reference = folder / as_text("reference", values["reference"])
    try:
        with Document(reference) as document:
            height, width = document.page(1).shape
    except InkwiseError as error:
        raise InkwiseError(f"reference: {error}") from None
    if size is not None and abs(size[0] * height / (size[1] * width) - 1) > _ASPECT_TOLERANCE:
        shape = f"{width} x {height} pixels"
        raise InkwiseError(f"size {size[0]:g} x {size[1]:g} has another shape than its reference, {shape}")
    return reference, size or (width, height)


def _orientation_is_unique(marks: tuple[PageBox, ...]) -> bool:
    """Whether one mark is so much larger than the others that no other way to lie looks the same."""
    second, largest = sorted(w * h for _, _, w, h in marks)[2:]
    return largest >= _MIN_AREA_RATIO * second


def _in_corners(marks: tuple[PageBox, ...], size: tuple[float, float]) -> bool:
    """Whether each quarter of the page has a mark."""
    return len({(2 * x + w > size[0], 2 * y + h > size[1]) for x, y, w, h in marks}) == 4


def _overlap(one: PageBox, other: PageBox) -> bool:
    low = [max(pair) for pair in zip(one[:2], other[:2], strict=True)]
    return all(low[axis] < min(one[axis] + one[axis + 2], other[axis] + other[axis + 2]) for axis in (0, 1))
