"""Synthetic pictures of handwritten digits of many kinds, by writers of one part of UNIPEN.

`pictures(samples, kind, count, seed)` yields pictures of one of `KINDS`, reproducibly: a picture depends on
the writers, its kind, the seed and its index alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy import picture_kinds as small
from benchmarks.accuracy import picture_marks as marks
from benchmarks.accuracy import picture_rejects as rejects
from benchmarks.accuracy import picture_sheets as sheets
from benchmarks.accuracy.picture_canvas import Handwriting
from benchmarks.accuracy.picture_kinds import Kind

KINDS: dict[str, Kind] = {
    function.__name__: function
    for function in (
        *(small.pencil, small.hair_line, small.thick_marker, small.narrow_gaps, small.low_resolution),
        *(sheets.large_over_small, sheets.large_alone, small.digit_in_frame, small.number_in_frame),
        *(small.joined_boxes, small.separate_boxes, sheets.boxed_page, small.table_cell),
        *(small.ruled_digit, small.ruled_number, small.squared_small, small.underlined),
        *(small.dates, small.amounts, small.real_strings, small.shadow_edge, small.dark_edges),
        *(small.strong_jpeg, small.phone_photo, small.lamp_glare, small.rotated_number),
        *(sheets.plain_page, sheets.ruled_page, sheets.squared_page, sheets.rotated_page),
        *(sheets.two_people, sheets.coloured_pens, sheets.tinted_paper, sheets.chalkboard),
        *(sheets.whiteboard, sheets.sticky_note, sheets.stains, sheets.office_page, sheets.folded),
        *(marks.circled, marks.dotted_paper, marks.printed_label, marks.column_sum),
        *(rejects.corrected, rejects.crossed_out, rejects.letters, rejects.drawings, rejects.print_or_blank),
    )
}
"""Functions that draw the pictures of a kind."""

REJECTED = frozenset({"corrected", "crossed_out", "letters", "drawings", "print_or_blank"})
"""Kinds that must not be accepted: no digit, or none that is valid without doubt."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture and what it shows.

    Attributes:
        kind: one of `KINDS`.
        image: (h, w, 3) uint8, RGB.
        lines: digits of each text line from the top, without spaces and separators; empty if `rejected`.
        rejected: whether a reading of it must not be accepted.
    """

    kind: str
    image: NDArray[np.uint8]
    lines: tuple[str, ...]
    rejected: bool


def pictures(samples: Handwriting, kind: str, count: int, seed: int) -> Iterator[Picture]:
    """Yield `count` pictures of a kind."""
    for index in range(count):
        rng = np.random.default_rng([seed, zlib.crc32(kind.encode()), index])
        image, lines = KINDS[kind](samples, rng)
        yield Picture(kind, image, lines, kind in REJECTED)
