"""A place on a form where one number is written, and what is known of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from inkwise._util.errors import InkwiseError
from inkwise._util.inputs import read_lines
from inkwise._util.text import did_you_mean
from inkwise.forms.yaml_values import PageBox, as_box, as_text, check_keys
from inkwise.recognition.constraints import Constraint

KINDS = ("number", "digit", "comb")

# The columns and keys of a row beside its fields.
_RESERVED_NAMES = ("file", "page", "fit", "reason", "fields", "reviewed")
_MAX_NAME_LENGTH = 64  # characters of a name
_CONSTRAINT_KEYS = [item.name for item in fields(Constraint) if item.init]


@dataclass(frozen=True)
class Field:
    """A place on the page where one number is written.

    Attributes:
        name: its column in the table.
        box: where it is.
        kind: "number": digits that may touch; "digit": exactly one; "comb": a row of cells, a digit each.
        cells: how many, of a comb.
        constraint: what is known about the number.

    Raises:
        InkwiseError: a value is not possible, or no number fits both the cells and the constraint.
    """

    name: str
    box: PageBox
    kind: str = "number"
    cells: int = 1
    constraint: Constraint | None = None

    def __post_init__(self) -> None:
        """Check what needs no other field."""
        if len(self.name) > _MAX_NAME_LENGTH:
            raise InkwiseError(
                f"the name has {len(self.name):,} characters; at most {_MAX_NAME_LENGTH} are possible"
            )
        if not re.fullmatch(r"[^\W\d]([\w -]*[\w-])?", self.name):
            raise InkwiseError(
                "the name must begin with a letter, then letters, digits, blanks, _ and - only"
            )
        if self.name in _RESERVED_NAMES:
            raise InkwiseError(f"the name is taken: a row has its own {self.name!r}")
        if self.kind not in KINDS:
            raise InkwiseError(f"there is no kind {self.kind!r}{did_you_mean(str(self.kind), KINDS)}")
        if type(self.cells) is not int or not 1 <= self.cells <= 100:
            raise InkwiseError(f"cells {self.cells!r} is not a number from 1 to 100")
        if (self.kind == "comb") != (self.cells > 1):
            raise InkwiseError(
                f"a {self.kind} has {'2 cells or more' if self.kind == 'comb' else 'no cells'}"
            )
        if self.constraint is not None and self.kind != "number":
            object.__setattr__(self, "constraint", self._within_cells(self.constraint))

    def _within_cells(self, constraint: Constraint) -> Constraint:
        """The constraint, and that a cell holds no more than a digit."""
        assert not isinstance(constraint.length, int)  # it makes a pair of it
        low, high = constraint.length or (0, self.cells)
        if low > self.cells:
            raise InkwiseError(f"length {low} does not fit into {self.cells} cell{'s' * (self.cells > 1)}")
        return replace(constraint, length=(low, min(high, self.cells)))

    @property
    def columns(self) -> tuple[str, str, str]:
        """Of its text, its confidence, and whether it is accepted."""
        return self.name, f"{self.name}_confidence", f"{self.name}_accepted"

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], folder: Path) -> Self:
        """From plain values; a path of a vocabulary is seen from the folder."""
        check_keys(values, ["name", "box", "kind", "cells", *_CONSTRAINT_KEYS])
        given = {key: value for key, value in values.items() if key in _CONSTRAINT_KEYS}
        if isinstance(given.get("vocabulary"), str):
            given["vocabulary"] = read_lines(folder / as_text("vocabulary", given["vocabulary"]))
        return cls(
            name=as_text("name", values.get("name")),
            box=as_box(values.get("box")),
            kind=values.get("kind", "number"),
            cells=values.get("cells", 1),
            constraint=Constraint.from_dict(given) if given else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values; what was not given is left out."""
        values: dict[str, Any] = {"name": self.name, "box": list(self.box), "kind": self.kind}
        if self.kind == "comb":
            values["cells"] = self.cells
        implied = {"length": (0, self.cells)} if self.kind != "number" else {}
        for key in _CONSTRAINT_KEYS if self.constraint is not None else ():
            value = getattr(self.constraint, key)
            if value not in (None, implied.get(key)):
                values[key] = list(value) if isinstance(value, tuple) else value
        return values
