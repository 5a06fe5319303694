"""Slashes and ones: a straight stroke between digits is a slash where the text is then a date or a score."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product

from inkwise.recognition.ctc.decoding import DecodedText

_UNUSUAL = 0.02  # probability of a slash elsewhere, relative to that in a date or a score
_MAX_SLASHES = 4  # maximum number of slashes that are compared with ones; each doubles the texts
_DAY_MONTH = re.compile(r"(\d{1,2})/(\d{1,2})(?:/(?:\d{2}|\d{4}))?|(?:\d{4})/(\d{1,2})/(\d{1,2})")
_SCORE = re.compile(r"(\d{1,3})/(\d{1,3})")
_MAX_DAY = 31
_SCORE_STEP = 5  # the maximum of a score is mostly a multiple of this


def resolve_slashes(found: DecodedText, likelihood: Callable[[str], float]) -> DecodedText:
    """Read slashes as ones where that is more probable, given what numbers with slashes are.

    Args:
        found: the text of a line, and its probability.
        likelihood: probability of a text by the ink alone.
    """
    text = found.text or ""
    if not 0 < text.count("/") <= _MAX_SLASHES or is_usual(text):
        return found
    parts = text.split("/")
    texts = [
        parts[0] + "".join(mark + part for mark, part in zip(marks, parts[1:], strict=True))
        for marks in product("/1", repeat=len(parts) - 1)
    ]
    by_ink = {one: found.probability if one == text else likelihood(one) for one in texts}
    weights = {
        one: share * (1 if is_usual(one) else _UNUSUAL ** one.count("/")) for one, share in by_ink.items()
    }
    best = max(texts, key=weights.__getitem__)
    mass = min(sum(by_ink.values()), 1.0)
    return DecodedText(best, mass * weights[best] / max(sum(weights.values()), 1e-300), found.support)


def is_usual(text: str) -> bool:
    """Whether the slashes of a text are those of a date, or of points out of a round number."""
    if date := _DAY_MONTH.fullmatch(text):
        return all(int(part) <= _MAX_DAY for part in date.groups() if part is not None)
    if score := _SCORE.fullmatch(text):
        points, most = map(int, score.groups())
        return points <= most and most % _SCORE_STEP == 0
    return "/" not in text
