"""The page that compares the documents' claims with our measurements, and its learning curves."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from inkwise._util.files import make_directory, write_bytes, write_text
from inkwise._util.intervals import wilson_interval
from inkwise._util.system import describe_machine
from inkwise.evaluation.plots import figure_to_png
from inkwise.evaluation.report import template_environment
from inkwise.evaluation.results import read_history
from inkwise.reproduction.claims import EXPERIMENTS, Claim
from inkwise.reproduction.seed_runs import RunResult

RunResults = Mapping[str, Sequence[RunResult]]
"""The measured seeds by the name of the row."""

BUNDLED = "bundled weights"
"""The key of the bundled model in `RunResults`."""

_PANELS = ("lenet-dropout", "cnn-batchnorm", "cnn-small", "lenet-robust", "mlp-50", "cnn-adadelta")
_COLORS = colormaps["tab10"](range(10))

_templates = template_environment("inkwise.reproduction")
_templates.filters["format_code"] = "`{}`".format


def write_page(path: Path, runs: RunResults, folder: Path) -> None:
    """Write the page (.md) and the figure of learning curves beside it; rows without a run are left out.

    Args:
        folder: contains the run folders, ROW-SEED.

    Raises:
        DataError: a file cannot be written.
    """
    curves = path.parent / f"{path.stem}-curves.png"
    page = _templates.get_template("claims_page.md").render(
        claims={document: _claim_rows(document, runs) for document in range(1, 6)},
        set_rows=lambda names: _set_rows(names, runs),
        machine=describe_machine(),
        curves=curves.name,
    )
    make_directory(path.parent)
    write_bytes(curves, _curves_plot(folder))
    write_text(path, page)


def _claim_rows(document: int, runs: RunResults) -> list[tuple[str, ...]]:
    """Build a row per claim; the first of an experiment has its epochs and the time of its fastest seed."""
    rows: list[tuple[str, ...]] = []
    for row in EXPERIMENTS:
        done = runs.get(row.name)
        if row.document == document and done:
            minutes = min(run.figures["seconds"] for run in done) / 60
            head = (f"`{row.name}`", _integers("epochs", done), f"{minutes:.1f}")
            for claim in row.claims:
                rows.append((*head, claim.description, *_compare(claim, done), claim.note))
                head = ("", "", "")
    return rows


def _compare(claim: Claim, runs: Sequence[RunResult]) -> tuple[str, str, str]:
    """Return the claim, our figure, and the difference in percentage points."""
    if claim.figure in ("parameters", "epochs"):
        return f"{claim.value:,}", _integers(claim.figure, runs), ""
    values = _values(claim.figure, runs)
    if claim.figure == "loss":
        return f"{claim.value}", f"{statistics.mean(values):.4f}", ""
    ours = _percentage(claim.figure, runs)
    if claim.value is None:
        return "", ours, ""
    difference = f"{100 * statistics.mean(values) - claim.value:+.2f}" if values else ""
    return f"{claim.value:.2f} %", ours, difference


def _set_rows(names: Sequence[str], runs: RunResults) -> list[list[str]]:
    """Build a row per experiment, and one for the bundled weights, with the accuracy on each set."""
    rows = [row.name for row in EXPERIMENTS if not row.corrections and runs.get(row.name)]
    shown = {f"`{name}`": runs[name] for name in rows}
    shown[BUNDLED] = runs[BUNDLED]
    return [[label, *(_percentage(name, done) for name in names)] for label, done in shown.items()]


def _values(figure: str, runs: Sequence[RunResult]) -> list[float]:
    return [value for run in runs if (value := run.value(figure)) is not None]


def _integers(figure: str, runs: Sequence[RunResult]) -> str:
    return ", ".join(dict.fromkeys(f"{value:,.0f}" for value in _values(figure, runs)))


def _percentage(figure: str, runs: Sequence[RunResult]) -> str:
    """Format mean ± std; for a set also the misses of each seed, and the interval of their mean."""
    values = [100 * value for value in _values(figure, runs)]
    if not values:
        return "not measured"
    deviation = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    text = f"{statistics.mean(values):.2f}{deviation} %"
    counts = [run.sets[figure] for run in runs if figure in run.sets]
    if not counts:
        return text
    n = counts[0][1]
    # The interval for one seed: all seeds read the same samples, so more of them do not narrow it.
    low, high = wilson_interval(n - round(statistics.mean(misses for misses, _ in counts)), n)
    each = ", ".join(f"{misses:,}" for misses, _ in counts)
    return f"{text} ({each} of {n:,}; {100 * low:.2f} to {100 * high:.2f})"


def _curves_plot(folder: Path) -> bytes:
    """Draw accuracy by epoch of seed 0 of each row, a panel per network; training is dotted."""
    fig = Figure(figsize=(11, 7.5), layout="constrained")
    for ax, net in zip(fig.subplots(2, 3).flat, _PANELS, strict=True):
        ax.set_title(net, loc="left", fontsize=10)
        names = [row.name for row in EXPERIMENTS if row.recipe.model.net == net and not row.corrections]
        for name, color in zip(names, _COLORS, strict=False):
            rows = read_history(str(folder / f"{name}-0")) or []
            for part, style in (("train", ":"), ("validation", "-")):
                label = (name.removeprefix(net).lstrip("-") or net) if style == "-" else None
                accuracy = [float(row[f"{part}_accuracy"]) for row in rows]
                ax.plot(range(1, len(rows) + 1), accuracy, style, color=color, label=label, linewidth=1.3)
        ax.legend(frameon=False, fontsize=8)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.yaxis.set_major_formatter(PercentFormatter(1))
        ax.set_xlabel("epoch")
        ax.spines[["top", "right"]].set_visible(False)
    return figure_to_png(fig)
