"""XLSX tables: frozen header, filter, numbers as numbers, marked doubts, best guesses, folded details."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from inkwise._util.errors import DataError
from inkwise._util.text import DIGITS
from inkwise.batch.ink_text import ink_text
from inkwise.recognition.reading import NO_INK

_MAX_ROWS = 1_048_576  # rows of a sheet, including the header
_MAX_DIGITS = 15  # digits of a number that a spreadsheet keeps
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.(\d+))?", re.ASCII)
_CODE = re.compile(r"0\d+", re.ASCII)  # a leading zero marks a code, not a number
# Widths of columns without readings, in characters.
_WIDTHS = {"file": 36, "page": 6, "reason": 48, "reviewed": 24}
_WIDTH = 14
_DOUBTFUL_FILL = "FFF2CC"  # light yellow


Rows = Iterable[Mapping[str, Any]]
"""Values by column, and the further keys of the JSON formats, which hold the guesses."""


def write_xlsx(rows: Callable[[], Rows], file: Path | IO[bytes], columns: Iterable[str]) -> None:
    """Write rows to a new XLSX file.

    Each column of a text that can be doubtful is followed by one of best guesses, which is filled where the
    text is doubtful. Confidence, acceptance and fit stand at the end, in a group that is folded. Text that is
    exactly a number becomes a number, but not in a column with a code, such as 014752.

    Args:
        rows: Returns the rows; it is called twice, so that they need not be in memory.
        file: Path, or a file to write to.
        columns: Names of the columns.

    Raises:
        DataError: There are more rows than a sheet holds.
    """
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Font, PatternFill
    from openpyxl.utils import get_column_letter

    every = [*columns]
    accepted = [_accepted_column(name) for name in every if _accepted_column(name) in every]
    details = {"fit", *accepted, *(_confidence_column(name) for name in accepted)}
    folded = [name for name in every if name in details]
    names = [name for name in every if name not in details] + folded
    book = Workbook(write_only=True)
    sheet = book.create_sheet("readings")
    codes = {name for values in rows() for name in names if _CODE.fullmatch(str(values.get(name)))}
    bold, mark = Font(bold=True), PatternFill("solid", start_color=_DOUBTFUL_FILL)

    def cell(value: Any, name: str = "", *, doubtful: bool = False) -> Any:
        made = WriteOnlyCell(sheet)
        if isinstance(value, str):
            number = None if name in {*_WIDTHS, *codes} else _NUMBER.fullmatch(value)
            if number and sum(character in DIGITS for character in value) <= _MAX_DIGITS:
                decimals = number[1]
                made.value = float(value) if decimals else int(value)
                made.number_format = f"0.{'0' * len(decimals)}" if decimals else "0"
            else:
                made.value = ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", value)
                made.data_type = "s"  # not a formula, whatever its first character
        else:
            made.value = value
            if isinstance(value, float):
                made.number_format = "0.0%"
        if doubtful:
            made.fill = mark
        if not name:
            made.font = bold
        return made

    def cells(values: Mapping[str, Any]) -> Iterator[Any]:
        for name in names:
            # a field of a form without ink is not accepted, and not doubtful
            field = values.get("fields", {}).get(name)
            inked = field["reason"] != NO_INK if field else "fields" not in values
            doubtful = values.get(_accepted_column(name)) is False and inked
            yield cell(values.get(name), name, doubtful=doubtful)
            if _accepted_column(name) in names:
                yield cell(best_guess(values, name) if doubtful else None, name)

    head: list[str] = []
    for name in names:
        head += [name, f"{name} guess"] if _accepted_column(name) in names else [name]
    number = 1
    try:
        sheet.freeze_panes = "A2"
        for place, title in enumerate(head, 1):
            sheet.column_dimensions[get_column_letter(place)].width = max(
                _WIDTHS.get(title, _WIDTH), len(title) + 4
            )
        if folded:
            first, last = len(head) - len(folded) + 1, len(head)
            sheet.column_dimensions.group(get_column_letter(first), get_column_letter(last), hidden=True)
        sheet.append([cell(title) for title in head])
        for number, values in enumerate(rows(), 2):
            if number > _MAX_ROWS:
                raise DataError(f"XLSX holds {_MAX_ROWS - 1:,} rows at most; write .csv or .parquet")
            sheet.append([*cells(values)])
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(head))}{number}"
    finally:
        sheet.close()  # it writes through a temporary file
    book.save(file)


def best_guess(values: Mapping[str, Any], column: str) -> str:
    """Return what the ink of a doubtful column says, see `ink_text`."""
    if column in values.get("fields", {}):
        field = values["fields"][column]
        return ink_text(values[column], field["digits"], field["unconstrained"])
    numbers = values.get("numbers", ())
    if len(numbers) == 1:
        return ink_text(values[column], numbers[0]["digits"], values.get("unconstrained"))
    left = iter(numbers)

    def fill(word: re.Match[str]) -> str:
        number = next((one for one in left if one["text"] == word[0]), None)
        return word[0] if number is None else ink_text(word[0], number["digits"], None)

    return re.sub(r"\S*\?\S*", fill, values[column])


def _accepted_column(name: str) -> str:
    return "accepted" if name == "text" else f"{name}_accepted"


def _confidence_column(accepted: str) -> str:
    return f"{accepted.removesuffix('accepted')}confidence"
