"""What benchmarks/real_hands.py measured as Markdown tables, for its output and for the model card."""

from __future__ import annotations

from typing import Any

from common import table

Figures = dict[str, Any]

HEADINGS = {
    "sets": "Digits",
    "styles": "Styles and pens",
    "corrupted": "MNIST under corruptions",
    "sureness": "How sure",
    "others": "Letters and symbols",
    "nothing": "No digit at all",
}


def tables(figures: Figures) -> dict[str, str]:
    """The text of each heading that there are figures for."""
    makers = {
        "sets": _sets,
        "styles": _allographs,
        "corrupted": _corrupted,
        "sureness": _calibration,
        "others": _negatives,
        "nothing": _non_digits,
    }
    return {name: makers[name](figures[name]) for name in HEADINGS if name in figures}


def sizes(models: dict[str, Figures | None]) -> str:
    """A row for each bundled model; – where it was not measured."""
    head = ("model", "parameters", "MB", "glyphs/s, one thread", "MNIST test", "UNIPEN, test writers")
    return table(head, ((f"`{name}`", *_size(figures)) for name, figures in models.items()))


def _size(figures: Figures | None) -> tuple[str, ...]:
    if figures is None:
        return ("–",) * 5
    model, sets = figures["model"], {row["set"]: row for row in figures["sets"]}
    return (
        f"{model['parameters']:,}",
        f"{model['bytes'] / 1e6:.2f}",
        f"{model['glyphs_per_second']:,.0f}",
        *(_percent(sets[name]["accuracy"]) for name in ("mnist-test", "unipen_digits, test writers")),
    )


def _sets(rows: list[Figures]) -> str:
    return table(("set", *_COUNT_HEADINGS), ((row["set"], *_count_cells(row)) for row in rows))


def _allographs(rows: list[Figures]) -> str:
    return table(("style", *_COUNT_HEADINGS), ((row["style"], *_count_cells(row)) for row in rows))


def _corrupted(rows: list[Figures]) -> str:
    """The mean is over the corruptions; "identity" is the digits as they were."""
    fifteen = [row for row in rows if row["corruption"] != "identity"]
    lines = [
        (row["corruption"], f"{row['n']:,}", _error(row), _interval(row, errors=True), _error(row["raw"]))
        for row in rows
    ]
    means = [
        sum(1 - row["accuracy"] for row in chosen) / len(fifteen)
        for chosen in (fifteen, [row["raw"] for row in fifteen])
    ]
    lines.append(
        (f"mean of {len(fifteen)}, without identity", "", _percent(means[0]), "", _percent(means[1]))
    )
    return table(("corruption", "n", "error, read", "95 % interval", "error, raw pixels as a glyph"), lines)


def _calibration(found: Figures) -> str:
    surest = found["surest"]
    return table(
        ("what", "n", "measured", "95 % interval"),
        [
            ("calibration error, 15 bins", f"{found['n']:,}", _percent(found["calibration_error"]), ""),
            ("accuracy on the surest 95 %", f"{surest['n']:,}", _percent(surest["share"]), _interval(surest)),
        ],
    )


def _negatives(found: Figures) -> str:
    rows = [
        (
            row["set"],
            f"{row['rejected']['n']:,}",
            f"{row['auroc']:.4f} ({row['auroc_interval'][0]:.4f} to {row['auroc_interval'][1]:.4f})",
            *(
                f"{_percent(row[key]['share'])} ({_interval(row[key])})"
                for key in ("rejected_at_99", "rejected")
            ),
        )
        for row in found["rows"]
    ]
    head = (
        "set",
        "n",
        "AUROC",
        "rejected where 99 % of digits are accepted",
        "rejected at the model's threshold",
    )
    accepted = found["digits_accepted"]
    most = ", ".join(
        f"{_code(row['label'])} {row['accepted']} of {row['n']}" for row in found["accepted_most"]
    )
    return (
        f"{table(head, rows)}\n\n"
        f"The model's threshold accepts {_percent(accepted['share'])} of the {accepted['n']:,} digits"
        f" ({_interval(accepted)}).\nLeft out as look-alikes: {' '.join(map(_code, found['left_out']))}.\n"
        f"Accepted most, at the model's threshold: {most or 'none'}."
    )


def _non_digits(rows: list[Figures]) -> str:
    return table(
        (
            "kind",
            "pictures",
            "accepted by `read_digit`",
            "by `read`",
            "strokes",
            "accepted by `read_strokes`",
        ),
        (
            (
                row["kind"],
                str(row["pictures"]),
                str(row["read_digit"]),
                str(row["read"]),
                str(row["strokes"] or "-"),
                str(row["read_strokes"]) if row["strokes"] else "-",
            )
            for row in rows
        ),
    )


_COUNT_HEADINGS = ("n", "misses", "accuracy", "95 % interval")


def _count_cells(row: Figures) -> tuple[str, ...]:
    return f"{row['n']:,}", f"{row['misses']:,}", _percent(row["accuracy"]), _interval(row)


def _interval(row: Figures, *, errors: bool = False) -> str:
    low, high = row["interval"]
    return " to ".join(map(_percent, (1 - high, 1 - low) if errors else (low, high)))


def _error(row: Figures) -> str:
    return _percent(1 - row["accuracy"])


def _percent(share: float) -> str:
    return f"{share:.2%}"


def _code(label: str) -> str:
    """The label as code, whatever it is; a bar would end a cell."""
    return f"`` {label} ``" if "`" in label else f"`{label}`"
