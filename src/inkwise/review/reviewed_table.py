"""What is doubtful in a table of readings, and what a person says of it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from inkwise._util.errors import ConflictError, DataError, InkwiseError
from inkwise._util.files import locked, write_text
from inkwise._util.inputs import bounded_lines, clear_read_errors, is_there, open_input
from inkwise._util.text import parse_json, validate_text
from inkwise.batch.page_rows import BatchOptions, file_fingerprint
from inkwise.batch.tables import json_line
from inkwise.recognition.reading import NO_INK

_MAX_NUMBER_LENGTH = 100  # characters of a number
_LONGEST_LINE = 16_000_000  # characters of a row; a page of 10,000 digits has a fifth of it

Corners = list[list[float]]


class _ItemKey(NamedTuple):
    """What was settled: if the same place is read otherwise later, it is another question."""

    file: str
    page: int
    place: str
    read: str


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """A number that was read.

    Attributes:
        file: its path, as the table has it.
        page: from 1.
        place: the name of its field, or its number on the page, from "1".
        read: its text in the table, "?" for what is not accepted.
        guess: the best guess at each digit.
        confidence: that it is right.
        accepted: whether it is.
        reason: why not, else None.
        corners: four, x and y in pixels of the page, clockwise from the upper left; None for the whole page.
        field: whether it is a field of a form.
        single: whether it was read as one digit.
        model: that read it, where the table says so.
    """

    file: str
    page: int
    place: str
    read: str
    guess: str
    confidence: float
    accepted: bool
    reason: str | None
    corners: Corners | None
    field: bool
    single: bool
    model: str | None

    @property
    def key(self) -> _ItemKey:
        """What tells it from all others."""
        return _ItemKey(self.file, self.page, self.place, self.read)

    def doubtful(self, threshold: float) -> bool:
        """Whether a person should look at it."""
        return not self.accepted or self.confidence < threshold


class ReviewedTable:
    """A table in JSON Lines, as `inkwise read --out` writes it, and what was settled, in a file beside it.

    Attributes:
        table: its path.
        path: of what was settled, JSON Lines: the table's with `.review`.
        items: the numbers in the table, in its order; a place without ink is none.
        unread: how many pages could not be read, or are no scan of their form.
    """

    def __init__(self, table: Path) -> None:
        """Open a table, and go on where its review stopped.

        Raises:
            DataError: it cannot be opened, is no such table, or the file beside it is damaged.
        """
        if table.suffix.lower() == ".csv":
            raise DataError(f"{table}: CSV does not say where numbers stand; read with --out of .jsonl")
        self.table, self.path = table, table.parent / f"{table.name}.review"
        self.items: list[ReviewItem] = []
        self.unread = 0
        self._stamp = file_fingerprint(str(table))
        self.columns = ["file", "page"]
        constrained = False
        for number, row in enumerate(_read_rows(table)):
            if "reviewed" in row:
                raise DataError(f"{table}: is a corrected table; review the one that it was made from")
            try:
                found = [*row_items(row)]
            except (KeyError, TypeError, ValueError, AttributeError):
                raise DataError(
                    f"{table}: line {number + 1} is no row that inkwise read --out wrote"
                ) from None
            self.items += found
            self.unread += not found and not _no_ink(row)
            constrained |= row.get("unconstrained") is not None
            if number == 0:
                self.columns = [column for column in row if column != "fields"]
        if "fit" not in self.columns:
            self.columns = [*BatchOptions(constraint={} if constrained else None).columns]
        self.columns.append("reviewed")
        self._confirmed: dict[_ItemKey, str] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read the answers again: another review of this table may have added some.

        Raises:
            DataError: The file cannot be opened, or is damaged.
        """
        settled: dict[_ItemKey, str] = {}
        for number, row in enumerate(_read_rows(self.path) if is_there(self.path) else (), 1):
            try:
                text = row.pop("text")
                settled[_ItemKey(**row)] = text
            except (KeyError, TypeError):
                raise DataError(f"{self.path}: line {number} is damaged") from None
        self._confirmed = settled

    def confirmed(self, item: ReviewItem) -> str | None:
        """What a person said that it is, "" for no number; None where nobody did."""
        return self._confirmed.get(item.key)

    def confirm(self, item: ReviewItem, text: str, before: str | None = None) -> None:
        """Keep the answer to an item; it is on disk when this returns.

        Several reviews of one table may run at once: each answer is added to what the file holds then.

        Args:
            item: What the answer is for.
            text: The number that is written there, "" for none.
            before: The answer that the person saw, None if there was none; no other one is replaced.

        Raises:
            InkwiseError: The text is not a number: it has blanks or "?", or is too long.
            ConflictError: Somebody else gave another answer meanwhile.
            DataError: The file is damaged, or cannot be written.
        """
        if text:
            text = validate_text("text", text, _MAX_NUMBER_LENGTH)
        if "?" in text or any(character.isspace() for character in text):
            raise InkwiseError(f"{text!r} is no number: it has a blank or a question mark")
        with locked(self.path):
            self.refresh()
            now = self._confirmed.get(item.key)
            if now not in (None, before, text):
                where = f"{item.file}, page {item.page}, {item.place}"
                raise ConflictError(f"{where}: somebody else answered {now or 'no number'} meanwhile")
            settled = {**self._confirmed, item.key: text}
            lines = [json_line({**key._asdict(), "text": said}) for key, said in settled.items()]
            write_text(self.path, "".join(lines))
            self._confirmed = settled

    def corrected(self) -> Iterator[dict[str, Any]]:
        """The rows of the table with what was settled; `reviewed` says by place what was read there.

        Raises:
            DataError: The table has changed since it was opened, or the answers are damaged.
        """
        self.refresh()
        if file_fingerprint(str(self.table)) != self._stamp:
            raise DataError(f"{self.table}: has changed; start the review again")
        return (self._corrected(row) for row in _read_rows(self.table))

    def _corrected(self, row: dict[str, Any]) -> dict[str, Any]:
        found = [*row_items(row)]
        said = {item.place: text for item in found if (text := self.confirmed(item)) is not None}
        row["reviewed"] = {item.place: item.read for item in found if item.place in said}
        if "fit" in row:
            for name, text in said.items():
                row.update({name: text, f"{name}_confidence": 1.0, f"{name}_accepted": True})
                row["fields"][name]["reason"] = None
            if said:
                doubts = [
                    f"{name}: {entry['reason']}" for name, entry in row["fields"].items() if entry["reason"]
                ]
                row["reason"] = "; ".join(doubts) or None
        elif said:
            row["text"] = _replace_words(row["text"], [said.get(item.place, item.read) for item in found])
            left = [item for item in found if item.place not in said]
            row["confidence"] = round(prod((item.confidence for item in left), start=1.0), 4)
            row["accepted"] = all(item.accepted for item in left)
            row["reason"] = None if row["accepted"] else row["reason"]
        return row


def row_items(row: Mapping[str, Any]) -> Iterator[ReviewItem]:
    """The numbers in a row: its fields with ink, or what stands between blanks on the page."""
    if "fit" in row:
        for name, entry in row.get("fields", {}).items():
            if entry["reason"] != NO_INK:
                values = row[name], row[f"{name}_confidence"], row[f"{name}_accepted"], entry["reason"]
                yield _make_item(row, name, *values, entry["digits"], entry["corners"], field=True)
    elif "digits" in row and row["reason"] != NO_INK:
        groups = [*_numbers_with_digits(row["text"], row["digits"])]
        for number, (text, digits) in enumerate(groups, 1):
            alone = len(groups) == 1
            sure = row["confidence"] if alone else prod(digit["probability"] for digit in digits)
            accepted = row["accepted"] if alone else all(digit["accepted"] for digit in digits)
            reason = row["reason"] if alone else next((d["doubt"] for d in digits if d["doubt"]), None)
            corners = _corners_around([digit["box"] for digit in digits])
            yield _make_item(row, str(number), text, sure, accepted, reason, digits, corners, field=False)


def _make_item(
    row: Mapping[str, Any],
    place: str,
    text: str,
    confidence: float,
    accepted: bool,
    reason: str | None,
    digits: list[Any],
    corners: Corners | None,
    *,
    field: bool,
) -> ReviewItem:
    labels = [digit["label"] for digit in digits]
    # A gap in a comb is a "?" for which there is no digit.
    guess = "".join(labels) if len(labels) == len(text) else text
    where = str(row["file"]), int(row["page"]), place
    single = len(labels) == 1
    return ReviewItem(
        *where, text, guess, confidence, accepted, reason, corners, field, single, row.get("model")
    )


def _numbers_with_digits(text: str, digits: list[Any]) -> Iterator[tuple[str, list[Any]]]:
    """The numbers of a text with their digits; one without any where nothing was read."""
    left = iter(digits)
    for word in text.split() or [""]:
        taken: list[Any] = []
        told = ""
        while told != word:
            digit = next(left, None)
            if digit is None or not word.startswith(told):
                raise ValueError(f"the digits are not those of {text!r}")
            taken.append(digit)
            told += digit["label"] if digit["accepted"] else "?"
        yield word, taken


def _replace_words(text: str, words: list[str]) -> str:
    """The text with other words, its lines as they were."""
    left = iter(words)
    lines = [[next(left) for _ in line.split()] for line in text.split("\n")] if text else [words]
    return "\n".join(" ".join(word for word in line if word) for line in lines)


def _corners_around(boxes: list[list[float]]) -> Corners | None:
    if not boxes:
        return None
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


def _no_ink(row: Mapping[str, Any]) -> bool:
    """Whether a row without a number is of an empty page, or an empty form."""
    return bool(row.get("fields")) or ("digits" in row and row["reason"] == NO_INK)


def _read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON Lines.

    Raises:
        DataError: it cannot be opened, or is none.
    """
    try:
        with open_input(path) as file, io.TextIOWrapper(file, "utf-8") as text, clear_read_errors(path):
            for number, line in enumerate(bounded_lines(text, _LONGEST_LINE), 1):
                row = parse_json(line)
                if not isinstance(row, dict):
                    raise DataError(f"{path}: line {number} is no JSON object")
                yield row
    except DataError:
        raise
    except ValueError:  # no UTF-8, no JSON, or a line without end
        raise DataError(f"{path}: is not JSON Lines, as inkwise read --out table.jsonl writes them") from None
