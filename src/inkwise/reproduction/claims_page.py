"""The page of claims and measurements."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from string import Template

from inkwise._util.files import make_directory, write_bytes, write_text
from inkwise._util.intervals import wilson_interval
from inkwise._util.system import describe_machine
from inkwise.reproduction.claims import EXPERIMENTS, Claim
from inkwise.reproduction.learning_curves import curves_plot
from inkwise.reproduction.seed_runs import RunResult

RunResults = Mapping[str, Sequence[RunResult]]
"""What the seeds came to that are measured, by the name of the row."""

BUNDLED = "bundled weights"
"""The name that stands in `RunResults` for the model that comes with the package."""

_MODIFIED_SETS = ("mnist-test", "mnist-modified", "mnist-modified-read")
_HANDWRITING_SETS = ("canvas", "canvas-read", "hwd1000-naive", "hwd1000-read")


def write_page(path: Path, runs: RunResults, folder: Path) -> None:
    """Write the page, and the picture of the curves beside it.

    Args:
        path: the .md file to make.
        runs: what is measured; rows without a run are left out.
        folder: that of the run folders, ROW-SEED.

    Raises:
        DataError: it cannot be written.
    """
    curves = path.parent / f"{path.stem}-curves.png"
    template = Template(
        resources.files("inkwise.reproduction").joinpath("claims_page.md").read_text(encoding="utf-8")
    )
    page = template.substitute(
        {f"document{number}": _claims(number, runs) for number in range(1, 6)},
        machine=describe_machine(),
        modified=_sets(_MODIFIED_SETS, runs),
        hands=_sets(_HANDWRITING_SETS, runs),
        curves=curves.name,
    )
    make_directory(path.parent)
    picture = curves_plot(folder)
    write_bytes(curves, picture)
    write_text(path, page)


def _claims(document: int, runs: RunResults) -> str:
    """A line for each claim of a document; the first of a row also says how long its fastest seed took."""
    lines = []
    for row in EXPERIMENTS:
        done = runs.get(row.name)
        if row.document != document or not done:
            continue
        minutes = min(run.figures["seconds"] for run in done) / 60
        head = (f"`{row.name}`", _plain("epochs", done), f"{minutes:.1f}")
        for claim in row.claims:
            lines.append((*head, claim.description, *_compare(claim, done), claim.note))
            head = ("", "", "")
    return _table(("row", "epochs", "minutes", "figure", "claim", "ours", "difference", "note"), lines)


def _compare(claim: Claim, runs: Sequence[RunResult]) -> tuple[str, str, str]:
    """The claim, ours, and by how many points it differs."""
    if claim.figure in ("parameters", "epochs"):
        return f"{claim.value:,}", _plain(claim.figure, runs), ""
    values = _values(claim.figure, runs)
    if claim.figure == "loss":
        return f"{claim.value}", f"{statistics.mean(values):.4f}", ""
    if claim.value is None or not values:
        return "" if claim.value is None else f"{claim.value:.2f} %", _shares(claim.figure, runs), ""
    difference = 100 * statistics.mean(values) - claim.value
    return f"{claim.value:.2f} %", _shares(claim.figure, runs), f"{difference:+.2f}"


def _sets(names: Sequence[str], runs: RunResults) -> str:
    """A line for each row, and for the bundled weights, with its accuracy on these sets."""
    shown = [row.name for row in EXPERIMENTS if not row.corrections and runs.get(row.name)]
    lines = [(f"`{row}`", *(_shares(name, runs[row]) for name in names)) for row in shown]
    bundled = (BUNDLED, *(_shares(name, runs[BUNDLED]) for name in names))
    return _table(("row", *(f"`{name}`" for name in names)), [*lines, bundled])


def _values(figure: str, runs: Sequence[RunResult]) -> list[float]:
    return [value for run in runs if (value := run.value(figure)) is not None]


def _plain(figure: str, runs: Sequence[RunResult]) -> str:
    return ", ".join(dict.fromkeys(f"{value:,.0f}" for value in _values(figure, runs)))


def _shares(figure: str, runs: Sequence[RunResult]) -> str:
    """Mean ± std in percent; of a set also the misses of each seed, and the interval of their mean."""
    values = [100 * value for value in _values(figure, runs)]
    if not values:
        return "not measured"
    deviation = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    text = f"{statistics.mean(values):.2f}{deviation} %"
    counts = [run.sets[figure] for run in runs if figure in run.sets]
    if not counts:
        return text
    n = counts[0][1]
    # Of one set: the seeds all read the same samples, so more seeds do not narrow it.
    low, high = wilson_interval(n - round(statistics.mean(misses for misses, _ in counts)), n)
    each = ", ".join(f"{misses:,}" for misses, _ in counts)
    return f"{text} ({each} of {n:,}; {100 * low:.2f} to {100 * high:.2f})"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *map(list, rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
