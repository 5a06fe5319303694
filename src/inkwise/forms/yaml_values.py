"""YAML in and out, and what is checked of plain values before they are a form."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from inkwise._util.errors import DataError, InkwiseError
from inkwise._util.inputs import read_input
from inkwise._util.text import did_you_mean, validate_text

PageBox = tuple[float, float, float, float]
"""x, y, width, height of a box, in the unit of the page's size."""

_MAX_COORDINATE = 1e6  # a coordinate
_MAX_FILE_BYTES = 250_000  # of a file: PyYAML takes up to 4 s for so many
_MAX_NUMBER_LENGTH = 1000  # characters; Python prints no integer of 4,300 digits
_MAX_TEXT_LENGTH = 1000  # characters of a name or a path


class _StrictLoader(yaml.SafeLoader):
    """Plain values only: no aliases, which can make a small file endless, and no key twice."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.constructor.ConstructorError(None, None, "aliases (*) are not allowed", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        # A tag such as !!set may claim a mapping where there is none.
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    problem = f"{key.value!r} is there twice"
                    raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_number(self, node: yaml.ScalarNode) -> Any:
        """An integer or a float of a length that can be printed, and multiplied in time."""
        if len(node.value) > _MAX_NUMBER_LENGTH:
            raise yaml.constructor.ConstructorError(None, None, "a number is too long", node.start_mark)
        construct = self.construct_yaml_int if node.tag.endswith("int") else self.construct_yaml_float
        return construct(node)


for _tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
    _StrictLoader.add_constructor(_tag, _StrictLoader.construct_number)


def load_yaml(path: Path) -> Mapping[str, Any]:
    """The mapping in a YAML file.

    Raises:
        DataError: it cannot be opened, or is no YAML, or no mapping.
    """
    text = read_input(path, _MAX_FILE_BYTES)
    try:
        values = yaml.load(text, _StrictLoader)
    except yaml.MarkedYAMLError as error:
        where = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise DataError(f"{path}: {where}{error.problem}") from None
    except (yaml.YAMLError, AttributeError, LookupError, ValueError, RecursionError) as error:
        # Beside damage: a value that is not what its tag says, of which each constructor has its own word.
        raise DataError(f"{path}: is no YAML ({' '.join(str(error).split())[:80]})") from None
    return as_mapping(values)


def dump_yaml(values: Mapping[str, Any]) -> str:
    """Return plain values as YAML."""
    return str(yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, default_flow_style=None))


def as_mapping(value: Any) -> Mapping[str, Any]:
    """The value itself, if it has keys."""
    if not isinstance(value, Mapping):
        raise InkwiseError("must be keys with values, as `name: meter card`")
    return value


def check_keys(values: Mapping[str, Any], known: Sequence[str]) -> None:
    """Refuse a key that is not known; the message names the nearest."""
    for key in values:
        if key not in known:
            raise InkwiseError(f"unknown key {key!r}{did_you_mean(str(key), known)}")


def as_text(key: str, value: Any) -> str:
    """The value without the blanks around it, if it is text that says something."""
    if value is None:
        raise InkwiseError(f"{key} is missing")
    return validate_text(key, value, _MAX_TEXT_LENGTH)


def as_box(value: Any, key: str = "box", shape: str = "[x, y, width, height]") -> Any:
    """Four numbers as a tuple; width and height are more than 0."""
    numbers = value if isinstance(value, list) else []
    good = len(numbers) == 4 and all(type(number) in (int, float) for number in numbers)
    if (
        not good
        or not all(abs(number) < _MAX_COORDINATE for number in numbers)
        or numbers[2] <= 0
        or numbers[3] <= 0
    ):
        raise InkwiseError(f"{key} must be {shape}, with numbers, and sides of more than 0")
    return tuple(numbers)
