"""Form templates: a page, its named fields and their constraints, as YAML files that are checked in full."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import combinations
from pathlib import Path
from typing import Any, Self

import numpy as np
import yaml
from numpy.typing import NDArray
from yaml.constructor import ConstructorError

from inkwise._util.errors import DataError, InkwiseError, one_line
from inkwise._util.inputs import read_input, read_lines
from inkwise._util.text import did_you_mean, validate_text
from inkwise.image import Document
from inkwise.preprocessing.background import limit_side
from inkwise.preprocessing.rectification import MAX_PAGE_SIDE
from inkwise.recognition.constraints import Constraint

PageBox = tuple[float, float, float, float]
"""x, y, width, height of a box, in the unit of the page size."""

KINDS = ("number", "digit", "comb")
"""Kinds of fields; each has its checks in `FormTemplate` and its reading in `FormReader`."""

# Columns and keys of rows.
_RESERVED_NAMES = ("file", "page", "fit", "reason", "fields", "reviewed", "text", "numbers", "model")
_CONSTRAINT_KEYS = [item.name for item in fields(Constraint) if item.init]
_FIELD_KEYS = ["name", "box", "kind", "cells", *_CONSTRAINT_KEYS]
_FORM_KEYS = ["name", "size", "reference", "marks", "fields"]

_ASPECT_TOLERANCE = 0.02  # relative difference between the aspect ratios of size and reference
_MAX_ASPECT_RATIO = 20  # of a page
_MIN_FIELD_SIDE = 0.003  # of the longer side of the page; a digit does not fit into less
_MIN_AREA_RATIO = 1.5  # area of the largest fiducial over that of the second, so that orientation is unique
_MAX_FIELDS = 500  # each field is compared with all others
_MAX_CELLS = 100
_MAX_NAME_LENGTH = 64  # characters of a field name
_MAX_TEXT_LENGTH = 1000  # characters of a form name or a path
_MAX_COORDINATE = 1e6
_MAX_FILE_BYTES = 250_000  # PyYAML takes up to 4 s for this size
_MAX_NUMBER_LENGTH = 1000  # characters; Python prints no integer of more than 4,300 digits
_NUMBER_TAGS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


class FormError(InkwiseError):
    """A form that cannot be used.

    Attributes:
        problems: Everything that is wrong with it, one line each.
    """

    def __init__(self, *problems: str) -> None:
        """Make the first problem and the number of further ones the message."""
        more = f" (and {len(problems) - 1} more, see `inkwise form check`)" if len(problems) > 1 else ""
        super().__init__(problems[0] + more)
        self.problems = tuple(map(one_line, problems))


@dataclass(frozen=True)
class Field:
    """A place on the page for one number.

    Attributes:
        name: Name of its column in the table.
        box: Its box on the page.
        kind: "number": digits that may touch; "digit": exactly one; "comb": a row of cells with a digit each.
        cells: Number of cells of a comb, otherwise 1.
        constraint: Constraint on the number.

    Raises:
        InkwiseError: A value is invalid, or no number satisfies both the cells and the constraint.
    """

    name: str
    box: PageBox
    kind: str = "number"
    cells: int = 1
    constraint: Constraint | None = None

    def __post_init__(self) -> None:
        """Check everything that concerns this field alone."""
        if len(self.name) > _MAX_NAME_LENGTH:
            raise InkwiseError(
                f"name: expected at most {_MAX_NAME_LENGTH} characters, got {len(self.name):,}"
            )
        if not re.fullmatch(r"[^\W\d]([\w .()/#&'-]*[\w.)-])?", self.name):
            raise InkwiseError("name: expected a letter, then letters, digits, spaces, _-.()/#&' only")
        if self.name in _RESERVED_NAMES:
            raise InkwiseError(f"name: {self.name!r} is reserved for a column of every table")
        if self.kind not in KINDS:
            raise InkwiseError(f"unknown kind {self.kind!r}{did_you_mean(str(self.kind), KINDS)}")
        if type(self.cells) is not int or not 1 <= self.cells <= _MAX_CELLS:
            raise InkwiseError(f"cells: expected a number from 1 to {_MAX_CELLS}, got {self.cells!r}")
        if (self.kind == "comb") != (self.cells > 1):
            raise InkwiseError(
                f"a {self.kind} has {'at least 2 cells' if self.kind == 'comb' else 'no cells'}"
            )
        if self.constraint is not None and self.kind != "number":
            assert not isinstance(self.constraint.length, int)  # `Constraint` makes it a pair
            low, high = self.constraint.length or (0, self.cells)
            if low > self.cells:
                raise InkwiseError(
                    f"length {low} does not fit into {self.cells} cell{'s' * (self.cells > 1)}"
                )
            limited = replace(self.constraint, length=(low, min(high, self.cells)))
            object.__setattr__(self, "constraint", limited)

    @property
    def columns(self) -> tuple[str, str, str]:
        """The columns of its text, its confidence, and whether it is accepted."""
        return self.name, f"{self.name}_confidence", f"{self.name}_accepted"

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], folder: Path) -> Self:
        """Make a field of plain values; a vocabulary may be the path of a file, relative to the folder."""
        _check_keys(values, _FIELD_KEYS)
        given = {key: value for key, value in values.items() if key in _CONSTRAINT_KEYS}
        if isinstance(given.get("vocabulary"), str):
            given["vocabulary"] = read_lines(folder / _text("vocabulary", given["vocabulary"]))
        return cls(
            name=_text("name", values.get("name")),
            box=_box(values.get("box")),
            kind=values.get("kind", "number"),
            cells=values.get("cells", 1),
            constraint=Constraint.from_dict(given) if given else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, without those that `from_dict` adds."""
        values: dict[str, Any] = {"name": self.name, "box": list(self.box), "kind": self.kind}
        if self.kind == "comb":
            values["cells"] = self.cells
        implied = {"length": (0, self.cells)} if self.kind != "number" else {}
        for key in _CONSTRAINT_KEYS if self.constraint is not None else ():
            value = getattr(self.constraint, key)
            if value not in (None, implied.get(key)):
                values[key] = list(value) if isinstance(value, tuple) else value
        return values


@dataclass(frozen=True)
class FormTemplate:
    """A template: a page and its fields.

    Attributes:
        name: Name of the form.
        size: Width and height of the page, in any unit, which its boxes share.
        fields: Its fields, in the order of the columns.
        reference: Path of a scan of the empty form.
        marks: Boxes of four fiducials printed near the corners; not needed with a reference of enough print.
        image: Reference scan, (h, w) uint8, at most `MAX_PAGE_SIDE` pixels; None until it is opened.

    Raises:
        FormError: Boxes leave the page or overlap, a name is used twice, or nothing determines the position
            of a scan.
    """

    name: str
    size: tuple[float, float]
    fields: tuple[Field, ...]
    reference: Path | None = None
    marks: tuple[PageBox, ...] = ()
    image: NDArray[np.uint8] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the whole form."""
        if problems := [*self._mark_problems(), *self._field_problems()]:
            raise FormError(*problems)

    def _mark_problems(self) -> list[str]:
        problems = []
        if self.reference is None and not self.marks:
            problems.append("needs a reference (a scan of the empty form) or four marks")
        quarters = {(2 * x + w > self.size[0], 2 * y + h > self.size[1]) for x, y, w, h in self.marks}
        if len(self.marks) not in (0, 4):
            problems.append(f"marks: expected four, got {len(self.marks)}")
        elif self.marks and len(quarters) < 4:
            problems.append("marks: expected one in each quarter of the page, near its corner")
        elif self.marks and self.reference is None:
            second, largest = sorted(w * h for _, _, w, h in self.marks)[2:]
            if largest < _MIN_AREA_RATIO * second:
                problems.append(
                    f"marks: without a reference, one must have {_MIN_AREA_RATIO} times the area of any other"
                )
        return problems

    def _field_problems(self) -> list[str]:
        problems = [] if self.fields else ["it has no fields"]
        columns = [column for each in self.fields for column in each.columns]
        twice = next((column for column in columns if columns.count(column) > 1), None)
        if twice is not None:
            problems.append(f"field {twice!r}: {columns.count(twice)} columns have this name")
        width, height = self.size
        if max(self.size) > _MAX_ASPECT_RATIO * min(self.size):
            problems.append(f"a page of {width:g} x {height:g} is too slim")
        for each in self.fields:
            if min(each.box[2] / each.cells, each.box[3]) < _MIN_FIELD_SIDE * max(self.size):
                what = "cells of the box are" if each.cells > 1 else "box is"
                problems.append(f"field {each.name!r}: the {what} too small to write a digit into")
        boxes = {f"field {each.name!r}": each.box for each in self.fields}
        boxes |= {f"mark {number}": box for number, box in enumerate(self.marks, 1)}
        for name, (x, y, w, h) in boxes.items():
            if x < 0 or y < 0 or x + w > width or y + h > height:
                place = f"from {x:g}, {y:g} to {x + w:g}, {y + h:g} on a page of {width:g} x {height:g}"
                problems.append(f"{name}: the box leaves the page: {place}")
        overlaps: dict[str, str] = {}
        for one, other in combinations(boxes, 2):
            if one not in overlaps and _overlap(boxes[one], boxes[other]):
                overlaps[one] = other
        return problems + [f"{one}: the box overlaps that of {other}" for one, other in overlaps.items()]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a YAML file; its reference and its vocabularies are relative to it.

        Raises:
            FormError: It is not a valid form; `problems` lists everything, each line with file and field.
        """
        try:
            return cls.from_dict(_load_yaml(path), path.parent)
        except FormError as error:
            problems = error.problems
        except InkwiseError as error:
            problems = (str(error).removeprefix(f"{path}: "),)
        raise FormError(*(f"{path}: {problem}" for problem in problems))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], folder: Path) -> Self:
        """Make a form of plain values, as `read` does; paths are relative to the folder."""
        problems: list[str] = []
        try:
            _check_keys(values, _FORM_KEYS)
            found = []
            entries = _list("fields", values.get("fields"))
            if len(entries) > _MAX_FIELDS:
                raise InkwiseError(f"fields: expected at most {_MAX_FIELDS}, got {len(entries):,}")
            for number, entry in enumerate(entries, 1):
                name = entry.get("name", number) if isinstance(entry, Mapping) else number
                try:
                    found.append(Field.from_dict(_mapping(entry), folder))
                except InkwiseError as error:
                    problems.append(f"field {name!r:.70}: {error}")
            reference, image, size = _open_reference(values, folder)
            boxes = enumerate(_list("marks", values.get("marks", [])), 1)
            marks = tuple(_box(box, f"mark {number}: the box") for number, box in boxes)
            form = cls(_text("name", values.get("name")), size, tuple(found), reference, marks, image)
        except FormError as error:
            # The lack of fields is no further problem if all of them are invalid.
            problems += [line for line in error.problems if found or not problems]
        except InkwiseError as error:
            problems.append(str(error))
        if problems:
            raise FormError(*problems)
        return form

    def to_yaml(self, folder: Path) -> str:
        """Return the form as YAML for a file in `folder`, as `read` reads it."""
        values: dict[str, Any] = {"name": self.name, "size": list(self.size)}
        if self.reference is not None:
            values["reference"] = Path(os.path.relpath(self.reference, folder)).as_posix()
        if self.marks:
            values["marks"] = [list(box) for box in self.marks]
        values["fields"] = [each.to_dict() for each in self.fields]
        return str(yaml.safe_dump(values, sort_keys=False, allow_unicode=True, default_flow_style=None))

    def digest(self) -> str:
        """Return a hash of the form and the pixels of its reference."""
        digest = hashlib.sha256(repr((self.name, self.size, self.fields, self.marks)).encode())
        if (image := self.reference_image()) is not None:
            digest.update(repr(image.shape).encode() + image.tobytes())
        return digest.hexdigest()

    def reference_image(self) -> NDArray[np.uint8] | None:
        """Return the reference scan (h, w) uint8, opened once, or None if there is no reference."""
        if self.image is None and self.reference is not None:
            object.__setattr__(self, "image", _load_page(self.reference)[0])
        return self.image

    @property
    def columns(self) -> dict[str, type]:
        """The columns of a row and their types."""
        kinds = str, float, bool
        own = {column: kind for each in self.fields for column, kind in zip(each.columns, kinds, strict=True)}
        return {**own, "fit": float, "reason": str}


def _open_reference(
    values: Mapping[str, Any], folder: Path
) -> tuple[Path | None, NDArray[np.uint8] | None, tuple[float, float]]:
    """Return the path and the image of the reference, and the page size, by default that of the reference."""
    size = None
    if "size" in values:
        size = _box([0, 0, *_list("size", values["size"])], "size", "[width, height]")[2:]
    if "reference" not in values:
        if size is None:
            raise InkwiseError("needs a size (width and height of the page) where it has no reference")
        return None, None, size
    reference = folder / _text("reference", values["reference"])
    try:
        image, (width, height) = _load_page(reference)
    except InkwiseError as error:
        raise InkwiseError(f"reference: {error}") from None
    if size is not None and abs(size[0] * height / (size[1] * width) - 1) > _ASPECT_TOLERANCE:
        shape = f"{width} x {height} pixels"
        raise InkwiseError(f"size {size[0]:g} x {size[1]:g} has another shape than its reference, {shape}")
    return reference, image, size or (width, height)


def _load_page(path: Path) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Return the first page of a document, of limited size, and its original width and height."""
    with Document(path) as document:
        grey = document.page(1)
    return limit_side(grey, MAX_PAGE_SIDE)[0], (grey.shape[1], grey.shape[0])


def _overlap(one: PageBox, other: PageBox) -> bool:
    return all(
        max(one[axis], other[axis]) < min(one[axis] + one[axis + 2], other[axis] + other[axis + 2])
        for axis in (0, 1)
    )


class _StrictLoader(yaml.SafeLoader):
    """Rejects aliases, which can make a small file endless, duplicate keys, and numbers of any length."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise ConstructorError(problem="aliases (*) are not allowed", problem_mark=mark)
        node = super().compose_node(parent, index)
        if isinstance(node, yaml.ScalarNode) and node.tag in _NUMBER_TAGS:
            if len(node.value) > _MAX_NUMBER_LENGTH:
                raise ConstructorError(problem="a number is too long", problem_mark=node.start_mark)
        elif isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
                if key.value in seen:
                    problem = f"duplicate key {key.value!r}"
                    raise ConstructorError(problem=problem, problem_mark=key.start_mark)
                seen.add(key.value)
        return node


def _load_yaml(path: Path) -> Mapping[str, Any]:
    """Return the mapping in a YAML file; an error names the line."""
    text = read_input(path, _MAX_FILE_BYTES)
    try:
        values = yaml.load(text, _StrictLoader)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise DataError(f"{path}: {line}{error.problem}") from None
    except (yaml.YAMLError, AttributeError, LookupError, ValueError, RecursionError) as error:
        # Constructors raise different errors for a value that does not match its tag.
        raise DataError(f"{path}: is not YAML ({' '.join(str(error).split())[:80]})") from None
    return _mapping(values)


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InkwiseError("expected keys with values, such as `name: meter card`")
    return value


def _list(key: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise InkwiseError(f"{key}: expected a list")
    return value


def _check_keys(values: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in values:
        if key not in known:
            raise InkwiseError(f"unknown key {key!r}{did_you_mean(str(key), known)}")


def _text(key: str, value: Any) -> str:
    """Return a non-empty text without surrounding blanks."""
    if value is None:
        raise InkwiseError(f"{key} is missing")
    return validate_text(key, value, _MAX_TEXT_LENGTH)


def _box(value: Any, key: str = "box", shape: str = "[x, y, width, height]") -> Any:
    """Return four finite numbers as a tuple; width and height are positive."""
    if (
        not isinstance(value, list)
        or len(value) != 4
        or not all(type(number) in (int, float) and abs(number) < _MAX_COORDINATE for number in value)
        or min(value[2:]) <= 0
    ):
        raise InkwiseError(f"{key}: expected {shape}, numbers with sides of more than 0")
    return tuple(value)
