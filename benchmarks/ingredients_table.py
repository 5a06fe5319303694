"""What benchmarks/ingredients.py measured as a Markdown table, for its output and for the model card."""

from __future__ import annotations

import statistics
from typing import Any

from common import table

Figures = dict[str, Any]

COMPONENTS = {
    "whole": "nothing",
    "photographs": "photographs",
    "rescans": "pictures read again",
    "hands": "strokes drawn by another hand",
    "styles": "styles",
    "letters": "letters, symbols and strings of digits",
    "invented": "what is no digit, as far as it is made up",
    "others": "all that is no digit",
    "smoothing": "label smoothing",
    "averaging": "averaging of weights",
    "dropout": "dropout",
    "elastic": "elastic",
    "schedule": "one-cycle; a constant rate of the same mean instead",
    "teachers": "nothing; two teachers added",
}
MEASURES = {
    "mnist": ("MNIST, misses", ".1f"),
    "unipen": ("UNIPEN, misses", ".1f"),
    "photographed": ("both photographed, misses", ".1f"),
    "auroc": ("AUROC, letters and symbols", ".4f"),
    "rejected_at_99": ("rejected where 99 % of digits are accepted", ".1%"),
}


def ablation_table(figures: Figures | None) -> str:
    """A row for each ingredient; – where it was not measured."""
    found = figures or {"n": {}, "runs": []}
    runs = {name: [run for run in found["runs"] if run["ingredient"] == name] for name in COMPONENTS}
    head = [
        f"{title} of {found['n'][key]:,}" if key in found["n"] else title
        for key, (title, _) in MEASURES.items()
    ]
    return table(
        ("left out", "runs", *head),
        ((left_out, *_row(runs[name], runs["whole"])) for name, left_out in COMPONENTS.items()),
    )


def _row(runs: list[Figures], whole: list[Figures]) -> list[str]:
    """In brackets the mean difference to the whole recipe, of the seeds that both have."""
    if not runs:
        return ["–"] * (1 + len(MEASURES))
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
