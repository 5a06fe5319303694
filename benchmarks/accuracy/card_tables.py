"""Markdown tables of the benchmarks `handwriting` and `ablation`, also for the model card."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

from benchmarks.common.reporting import markdown_table

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
    """Return the text below each heading for which there are figures."""
    makers: dict[str, Callable[[Any], str]] = {
        "sets": _sets,
        "styles": _allographs,
        "corrupted": _corrupted,
        "sureness": _calibration,
        "others": _negatives,
        "nothing": _non_digits,
    }
    return {name: makers[name](figures[name]) for name in HEADINGS if name in figures}


def sizes(models: dict[str, Figures | None]) -> str:
    """Return a row for each bundled model; – if it was not measured."""
    head = ("model", "parameters", "MB", "glyphs/s, one thread", "MNIST test", "UNIPEN, test writers")
    return markdown_table(head, ((f"`{name}`", *_size(figures)) for name, figures in models.items()))


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
    return markdown_table(("set", *_COUNT_HEADINGS), ((row["set"], *_count_cells(row)) for row in rows))


def _allographs(rows: list[Figures]) -> str:
    return markdown_table(("style", *_COUNT_HEADINGS), ((row["style"], *_count_cells(row)) for row in rows))


def _corrupted(rows: list[Figures]) -> str:
    """The mean excludes "identity", the digits without corruption."""
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
    return markdown_table(
        ("corruption", "n", "error, read", "95 % interval", "error, raw pixels as a glyph"), lines
    )


def _calibration(found: Figures) -> str:
    surest = found["surest"]
    return markdown_table(
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
        f"{markdown_table(head, rows)}\n\n"
        f"The model's threshold accepts {_percent(accepted['share'])} of the {accepted['n']:,} digits"
        f" ({_interval(accepted)}).\nLeft out as look-alikes: {' '.join(map(_code, found['left_out']))}.\n"
        f"Accepted most, at the model's threshold: {most or 'none'}."
    )


def _non_digits(rows: list[Figures]) -> str:
    return markdown_table(
        (
            "kind",
            "pictures",
            'accepted with `expect="digit"`',
            "by `read`",
            "strokes",
            "accepted by `read_strokes`",
        ),
        (
            (
                row["kind"],
                str(row["pictures"]),
                str(row["expect_digit"]),
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
    """Format a label as code."""
    return f"`` {label} ``" if "`" in label else f"`{label}`"


COMPONENTS = {
    "whole": "nothing",
    "photographs": "photographs",
    "rescans": "pictures read again",
    "hands": "strokes drawn by another hand",
    "styles": "styles",
    "writers": "digits of further writers: more of UNIPEN, pendigits, Swiss",
    "letters": "letters, symbols and strings of digits",
    "invented": "synthetic negatives",
    "others": "all negatives",
    "smoothing": "label smoothing",
    "averaging": "averaging of weights",
    "elastic": "elastic",
    "schedule": "one-cycle; a constant rate of the same mean instead",
    "optimizer": "Muon; AdamW instead",
    "class": "the class of non-digits; entropic open-set loss instead",
    "teachers": "nothing; two teachers added",
}
MEASURES = {
    "mnist": ("MNIST, misses", ".1f"),
    "unipen": ("UNIPEN, misses", ".1f"),
    "photographed": ("both photographed, misses", ".1f"),
    "further": ("pendigits and Swiss, misses", ".1f"),
    "auroc": ("AUROC, letters and symbols", ".4f"),
    "rejected_at_99": ("rejected where 99 % of digits are accepted", ".1%"),
}


def ablation_table(figures: Figures | None) -> str:
    """Return a row for each component that was measured."""
    found = figures or {"n": {}, "runs": []}
    measured = {run["ingredient"] for run in found["runs"]}
    runs = {
        name: [run for run in found["runs"] if run["ingredient"] == name]
        for name in COMPONENTS
        if name in measured
    }
    head = [
        f"{title} of {found['n'][key]:,}" if key in found["n"] else title
        for key, (title, _) in MEASURES.items()
    ]
    return markdown_table(
        ("left out", "runs", *head),
        ((COMPONENTS[name], *_ablation_row(own, runs["whole"])) for name, own in runs.items()),
    )


def _ablation_row(runs: list[Figures], whole: list[Figures]) -> list[str]:
    """In brackets: mean difference to the whole recipe over the common seeds."""
    pairs = [(run, other) for run in runs for other in whole if run["seed"] == other["seed"]]
    cells = [str(len(runs))]
    for key, (_, form) in MEASURES.items():
        values = [run[key] for run in runs]
        cell = f"{statistics.mean(values):{form}}"
        if len(values) > 1:
            cell += f" ± {statistics.stdev(values):{form}}"
        if pairs and runs is not whole:
            cell += f" ({statistics.mean(run[key] - other[key] for run, other in pairs):+{form}})"
        cells.append(cell)
    return cells
