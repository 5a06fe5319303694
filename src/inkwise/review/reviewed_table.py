"""A table of readings under review: its doubtful values, the answers of a person, and the corrected rows."""

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
from inkwise.batch.ink_text import ink_text
from inkwise.batch.page_rows import BatchOptions, file_fingerprint
from inkwise.batch.tables import json_line
from inkwise.recognition import Expect
from inkwise.recognition.number_value import parse_value, plain_value
from inkwise.recognition.reading import NO_INK

_MAX_NUMBER_LENGTH = 100  # characters of an answer
_MAX_ROW_LENGTH = 16_000_000  # characters; a page of 10,000 digits has a fifth of it

Corners = list[list[float]]


class _AnswerKey(NamedTuple):
    """What an answer is for; another reading of the same place needs another answer."""

    file: str
    page: int
    place: str
    read: str


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """A number that was read.

    Attributes:
        file: Path of its file, as in the table.
        page: Page number, from 1.
        place: Name of its field, or its number on the page, from "1".
        read: Its text in the table, with "?" for digits that are not accepted.
        guess: What the ink says without the constraint, "?" for a character that is not a digit.
        confidence: Probability that the text is right.
        accepted: Whether it is accepted.
        reason: Why it is not accepted, else None.
        corners: Four points x, y in pixels of the page, clockwise from the upper left; None for the page.
        field: Whether it is a field of a form.
        single: Whether it was read as one digit.
        model: Name of the model, if the table contains it.
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
    def key(self) -> _AnswerKey:
        """The key of its answer."""
        return _AnswerKey(self.file, self.page, self.place, self.read)

    def doubtful(self, threshold: float) -> bool:
        """Whether a person should check it: it is not accepted, or its confidence is below the threshold."""
        return not self.accepted or self.confidence < threshold


class ReviewedTable:
    """A JSON Lines table of `inkwise read --out`, and a file beside it with the answers.

    Attributes:
        table: Path of the table.
        path: Path of the answers, JSON Lines: that of the table with `.review`.
        items: The numbers in the table, in its order; places without ink are left out. A page that could not
            be read or does not match its form has an empty item for each field, to be typed in.
        unread: Number of other pages that could not be read.
        files: Paths of the files in the table.
        columns: The columns of the corrected table.
    """

    def __init__(self, table: Path) -> None:
        """Open a table and its answers, if there are any.

        Raises:
            DataError: The table or its answers cannot be opened or are damaged.
        """
        if table.suffix.lower() == ".csv":
            raise DataError(f"{table}: CSV has no positions of numbers; read with --out of .jsonl")
        self.table, self.path = table, table.parent / f"{table.name}.review"
        self.items: list[ReviewItem] = []
        self.unread = 0
        self.files: set[str] = set()
        self.columns = ["file", "page"]
        self._fingerprint = file_fingerprint(str(table))
        constrained = has_values = False
        for number, row in enumerate(_read_rows(table), 1):
            if "reviewed" in row:
                raise DataError(f"{table}: is a corrected table; review the original table")
            try:
                found = [*row_items(row)]
                self.files.add(str(row["file"]))
            except (KeyError, TypeError, ValueError, AttributeError):
                raise DataError(f"{table}: line {number} is not a row of inkwise read --out") from None
            self.items += found
            empty = bool(row.get("fields")) or ("numbers" in row and row["reason"] == NO_INK)
            self.unread += not found and not empty
            constrained |= row.get("unconstrained") is not None
            has_values |= "value" in row
            if number == 1:
                self.columns = [column for column in row if column != "fields"]
        if "fit" not in self.columns:
            expect: Expect | None = "number" if has_values else None
            self.columns = [*BatchOptions(expect=expect, constraint={} if constrained else None).columns]
        self.columns.append("reviewed")
        self._answers: dict[_AnswerKey, str] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read the answers again: another review of this table may have added some.

        Raises:
            DataError: The file cannot be opened, or is damaged.
        """
        answers: dict[_AnswerKey, str] = {}
        for number, row in enumerate(_read_rows(self.path) if is_there(self.path) else (), 1):
            try:
                text = row.pop("text")
                answers[_AnswerKey(**row)] = text
            except (KeyError, TypeError):
                raise DataError(f"{self.path}: line {number} is damaged") from None
        self._answers = answers

    def confirmed(self, item: ReviewItem) -> str | None:
        """Return the answer to an item, "" for no number; None if there is none."""
        return self._answers.get(item.key)

    def confirm(self, item: ReviewItem, text: str, before: str | None = None) -> None:
        """Store the answer to an item; it is on disk when this returns.

        Several reviews of one table may run at once: each answer is added to what the file holds then.

        Args:
            item: What the answer is for.
            text: The number that is written there, "" for none.
            before: The answer that the person saw, None if there was none; no other one is replaced.

        Raises:
            InkwiseError: The text is not a number: it has blanks or "?", or is too long.
            ConflictError: Somebody else has given another answer since.
            DataError: The file is damaged, or cannot be written.
        """
        if text:
            text = validate_text("text", text, _MAX_NUMBER_LENGTH)
        if "?" in text or any(character.isspace() for character in text):
            raise InkwiseError(f"{text!r} is not a number: it has a blank or a question mark")
        with locked(self.path):
            self.refresh()
            now = self.confirmed(item)
            if now not in (None, before, text):
                place = f"{item.file}, page {item.page}, {item.place}"
                raise ConflictError(f"{place}: somebody else answered {now or 'no number'} meanwhile")
            answers = {**self._answers, item.key: text}
            lines = [json_line({**key._asdict(), "text": answer}) for key, answer in answers.items()]
            write_text(self.path, "".join(lines))
            self._answers = answers

    def corrected(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of the table with the answers; `reviewed` maps places to what was read there.

        Raises:
            DataError: The table has changed since it was opened, or the answers are damaged.
        """
        self.refresh()
        if file_fingerprint(str(self.table)) != self._fingerprint:
            raise DataError(f"{self.table}: has changed; start the review again")
        return (self._corrected(row) for row in _read_rows(self.table))

    def _corrected(self, row: dict[str, Any]) -> dict[str, Any]:
        found = [*row_items(row)]
        answers = {item.place: text for item in found if (text := self.confirmed(item)) is not None}
        row["reviewed"] = {item.place: item.read for item in found if item.place in answers}
        if "fit" in row:
            entries = row.get("fields") or {}
            if not entries and not any(answers.values()):
                return row  # the page could not be read and was left out, which its reason says
            for name, text in answers.items():
                row.update({name: text, f"{name}_confidence": 1.0, f"{name}_accepted": True})
            for name in answers if entries else ():
                entries[name]["reason"] = None
            if answers:
                whole = row["reason"] if not entries and len(answers) < len(found) else None
                doubts = [f"{name}: {entry['reason']}" for name, entry in entries.items() if entry["reason"]]
                row["reason"] = "; ".join(doubts) or whole
        elif answers:
            before = row["text"]
            row["text"] = _replace_words(before, [answers.get(item.place, item.read) for item in found])
            if "value" in row and row["text"] != before:
                row["value"] = plain_value(parse_value(row["text"]))
            left = [item for item in found if item.place not in answers]
            row["confidence"] = round(prod((item.confidence for item in left), start=1.0), 4)
            row["accepted"] = all(item.accepted for item in left)
            row["reason"] = None if row["accepted"] else row["reason"]
        return row


def row_items(row: Mapping[str, Any]) -> Iterator[ReviewItem]:
    """Yield the numbers in a row: the fields with ink, or the numbers; an empty one if there is none."""
    if "fit" in row and not row.get("fields"):
        for name in (column for column in row if f"{column}_accepted" in row):
            yield ReviewItem(
                **_digit_values(row, "", [], None),
                place=name,
                confidence=0.0,
                accepted=False,
                reason=row["reason"],
                corners=None,
                field=True,
            )
    elif "fit" in row:
        for name, entry in row["fields"].items():
            if entry["reason"] != NO_INK:
                yield ReviewItem(
                    **_digit_values(row, row[name], entry["digits"], entry["unconstrained"]),
                    place=name,
                    confidence=row[f"{name}_confidence"],
                    accepted=row[f"{name}_accepted"],
                    reason=entry["reason"],
                    corners=entry["corners"],
                    field=True,
                )
    elif "numbers" in row and row["reason"] != NO_INK:
        numbers = row["numbers"] or [{"text": "", "digits": [], "polygon": None}]
        if [number["text"] for number in numbers if number["text"]] != row["text"].split():
            raise ValueError("the numbers are not those of the text")
        alone = len(numbers) == 1
        # Each number may be accepted, and the page not, as when other ink was not read.
        rejected = not alone and not row["accepted"] and all(number["accepted"] for number in numbers)
        for place, number in enumerate(numbers, 1):
            verdict, unconstrained = (row, row.get("unconstrained")) if alone else (number, None)
            yield ReviewItem(
                **_digit_values(row, number["text"], number["digits"], unconstrained),
                place=str(place),
                confidence=verdict["confidence"],
                accepted=verdict["accepted"] and not rejected,
                reason=row["reason"] if rejected else verdict["reason"],
                corners=number["polygon"],
                field=False,
            )


def _digit_values(
    row: Mapping[str, Any], text: str, digits: list[Any], unconstrained: str | None
) -> dict[str, Any]:
    """Return the attributes of an item that follow from its row, its text and its digits."""
    guess = ink_text(text, digits, unconstrained)
    return {
        "file": str(row["file"]),
        "page": int(row["page"]),
        "read": text,
        "guess": guess,
        "single": len(digits) == len(guess) == 1,
        "model": row.get("model"),
    }


def _replace_words(text: str, words: list[str]) -> str:
    """Return a text with other words in the same lines; empty words are left out."""
    left = iter(words)
    lines = [[next(left) for _ in line.split()] for line in text.split("\n")] if text else [words]
    return "\n".join(" ".join(word for word in line if word) for line in lines)


def _read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSON Lines file.

    Raises:
        DataError: The file cannot be opened, or is not JSON Lines.
    """
    try:
        with open_input(path) as file, io.TextIOWrapper(file, "utf-8") as text, clear_read_errors(path):
            for number, line in enumerate(bounded_lines(text, _MAX_ROW_LENGTH), 1):
                row = parse_json(line)
                if not isinstance(row, dict):
                    raise DataError(f"{path}: line {number} is not a JSON object")
                yield row
    except DataError:
        raise
    except ValueError:  # not UTF-8, not JSON, or an overlong line
        raise DataError(f"{path}: is not JSON Lines, as inkwise read --out table.jsonl writes them") from None
