"""Random numbers as people write them: amounts, decimals, dates, times, phone numbers, codes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

OTHER = "\N{REPLACEMENT CHARACTER}"
"""Stands for a word or a symbol that is neither a digit nor a separator."""

RAISED = "^"
"""Stands before digits that are raised, such as the cents of 12⁵⁰."""

SEPARATORS = ".,-/:()#+*=%€$£'½"
"""Characters of numbers besides digits; a space is one more."""

NUMBER_CHARACTERS = f"0123456789{SEPARATORS} {RAISED}{OTHER}"
"""The classes of a line reader, in their order, without the blank."""


def random_digits(rng: np.random.Generator, count: int | None = None) -> str:
    """One to ten digits, with repeated digits and trailing zeros.

    In half of the numbers the first digit follows F. Benford, "The law of anomalous numbers", 1938.
    """
    if count is None:
        count = 1 + int(rng.binomial(9, rng.choice([0.25, 0.45, 0.8], p=[0.35, 0.5, 0.15])))
    digits = rng.integers(0, 10, count)
    if rng.random() < 0.5:
        digits[0] = int(10 ** rng.random())
    if rng.random() < 0.3:
        digits[count - int(rng.integers(0, min(4, count) + 1)) :] = 0
    for at in range(1, count):
        if rng.random() < 0.08:
            digits[at] = digits[at - 1]
    return "".join(map(str, digits))


def random_number_text(rng: np.random.Generator) -> str:
    """A number with its separators; sometimes words or symbols beside it, as `OTHER`."""
    kind = rng.choice(len(_KINDS), p=_SHARES)
    text = _KINDS[kind](rng)
    if rng.random() < 0.04:
        text = f"{OTHER}{_pick(rng, '', ' ', '. ', ': ')}{text}"
    elif rng.random() < 0.03:
        text = f"{text}{_pick(rng, '', ' ')}{OTHER}"
    return text


def _pick(rng: np.random.Generator, *choices: str) -> str:
    return choices[rng.integers(len(choices))]


def _between(rng: np.random.Generator, low: int, high: int) -> str:
    return str(int(rng.integers(low, high + 1)))


def _whole(rng: np.random.Generator) -> str:
    return random_digits(rng)


def _grouped(rng: np.random.Generator) -> str:
    """Digits in groups of three, or of two or four."""
    digits = random_digits(rng, int(rng.integers(4, 10)))
    size = int(rng.choice([2, 3, 4], p=[0.06, 0.88, 0.06]))
    return _group(digits, _pick(rng, ".", ".", ",", ",", " ", " ", "'", "-"), size)


def _group(digits: str, separator: str, size: int = 3) -> str:
    first = len(digits) % size
    groups = [digits[:first]] if first else []
    return separator.join([*groups, *(digits[at : at + size] for at in range(first, len(digits), size))])


def _decimal(rng: np.random.Generator) -> str:
    point = _pick(rng, ".", ".", ",")
    sign = _pick(rng, "-", "-", "+") if rng.random() < 0.25 else ""
    places = int(rng.choice([1, 2, 3, 4, 6], p=[0.3, 0.4, 0.15, 0.1, 0.05]))
    return f"{sign}{random_digits(rng, int(rng.integers(1, 5)))}{point}{random_digits(rng, places)}"


def _signed(rng: np.random.Generator) -> str:
    return _pick(rng, "-", "-", "-", "+") + random_digits(rng, int(rng.integers(1, 5)))


def random_amount(rng: np.random.Generator) -> str:
    """An amount of money, with a currency mark, cents or closing strokes, each or none."""
    digits = random_digits(rng, int(rng.integers(1, 7)))
    point, thousands = [(".", ","), (",", "."), (".", "'"), (".", " "), (",", " ")][rng.integers(5)]
    whole = _group(digits, thousands) if len(digits) > 3 and rng.random() < 0.6 else digits
    kind, cents = rng.random(), random_digits(rng, 2)
    if kind < 0.4:
        whole += point + cents
    elif kind < 0.52:
        whole += RAISED + _pick(rng, cents, "00", "50")
    elif kind < 0.85:
        whole += _pick(rng, "-", "-", "=", ".-", ",-", f"{point}--", "--", ".", "/", "#", f"{point}00-")
    mark = rng.random()
    if mark < 0.35:
        space = " " if rng.random() < 0.2 else ""
        return f"{_pick(rng, '$', '$', '€', '£', '#', '*', '-', '=', '(')}{space}{whole}"
    if mark < 0.5:
        space = " " if rng.random() < 0.5 else ""
        return f"{whole}{space}{_pick(rng, '€', '€', '$', '£')}"
    if mark < 0.58:
        frame = _pick(rng, "#", "*", "-", "=", "**", "##")
        return f"{frame}{whole}{frame}"
    return whole


def _date(rng: np.random.Generator) -> str:
    day, month = _between(rng, 1, 31), _between(rng, 1, 12)
    if rng.random() < 0.4:
        day, month = day.zfill(2), month.zfill(2)
    year = _between(rng, 1900, 2039)
    separator = _pick(rng, "/", "/", "/", "-", ".", ". ")
    if rng.random() < 0.15:
        return "-".join([year, month.zfill(2), day.zfill(2)])
    if rng.random() < 0.2:
        return f"{day}{separator}{month}"
    return separator.join([day, month, year if rng.random() < 0.5 else year[2:]])


def _time(rng: np.random.Generator) -> str:
    parts = [_between(rng, 0, 23), _between(rng, 0, 59).zfill(2), _between(rng, 0, 59).zfill(2)]
    return _pick(rng, ":", ":", ":", ".").join(parts[: 2 + int(rng.random() < 0.2)])


def _phone(rng: np.random.Generator) -> str:
    area, exchange, line = (random_digits(rng, count) for count in (3, 3, 4))
    return _pick(
        rng,
        f"({area})",
        f"({area}) {exchange}-{line}",
        f"({area}){exchange}-{line}",
        f"{exchange}-{line}",
        f"{area}-{exchange}-{line}",
        f"+{_between(rng, 1, 99)} {area[:2]} {exchange} {line[:2]} {line[2:]}",
        f"0{area[:2]}/{exchange}{line}",
        f"00-{_between(rng, 1, 999)}-{area}-{line}",
    )


def _code(rng: np.random.Generator) -> str:
    """Digits with brackets, a hash, dashes or slashes."""
    parts = [random_digits(rng, int(rng.integers(1, 5))) for _ in range(int(rng.integers(1, 4)))]
    joined = _pick(rng, "-", "-", "/", ".", ":", " ").join(parts)
    return _pick(
        rng, f"#{parts[0]}", f"({joined})", joined, joined, f"{parts[0]})", f"{parts[0]}.", f"{joined},"
    )


def _formula(rng: np.random.Generator) -> str:
    first, second, third = (random_digits(rng, int(rng.integers(1, 4))) for _ in range(3))
    operator = _pick(rng, "+", "-", "*", "/", ":", "=")
    return f"{first}{operator}{second}" + (f"={third}" if rng.random() < 0.5 else "")


def _percent(rng: np.random.Generator) -> str:
    number = random_digits(rng, int(rng.integers(1, 4)))
    if rng.random() < 0.4:
        number += _pick(rng, ".", ",") + random_digits(rng, int(rng.integers(1, 3)))
    return f"{number}{_pick(rng, '', '', ' ')}%"


def _half(rng: np.random.Generator) -> str:
    return f"{_between(rng, 1, 99) if rng.random() < 0.9 else ''}½"


def _word(rng: np.random.Generator) -> str:
    return OTHER


_WEIGHTED_KINDS: tuple[tuple[Callable[[np.random.Generator], str], float], ...] = (
    (_whole, 0.24),
    (_grouped, 0.07),
    (_decimal, 0.12),
    (_signed, 0.03),
    (random_amount, 0.15),
    (_date, 0.15),
    (_time, 0.04),
    (_phone, 0.06),
    (_code, 0.03),
    (_formula, 0.01),
    (_percent, 0.01),
    (_half, 0.01),
    (_word, 0.08),
)
_KINDS = [kind for kind, _ in _WEIGHTED_KINDS]
_SHARES = [share for _, share in _WEIGHTED_KINDS]
