"""The text that ink shows, for a person to confirm: spreadsheets and review propose it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inkwise._util.text import DIGITS, NOT_A_DIGIT, digits_of


def ink_text(text: str, digits: list[Mapping[str, Any]], unconstrained: str | None) -> str:
    """Return what the ink says: the likeliest labels, "?" for a non-digit, nothing that a constraint forced.

    Args:
        text: What was read, with "?" for digits that are not accepted.
        digits: Its digits, as `Digit.to_dict` returns them.
        unconstrained: What was read without the constraint; None if there was none.
    """
    labels = iter(["?" if digit["doubt"] == NOT_A_DIGIT else digit["label"] for digit in digits])
    places = [place for place, symbol in enumerate(text) if symbol == "?" or symbol in DIGITS]
    if len(digits) == len(text):  # letters have no separators
        guess = "".join(labels)
    elif len(digits) == len(places):
        guess = "".join(next(labels) if place in places else symbol for place, symbol in enumerate(text))
    else:  # an empty cell of a comb is a "?" without a digit
        guess = text
    if unconstrained is None or digits_of(unconstrained) == digits_of(guess):
        return guess
    return unconstrained
