"""The evaluation report: one self-contained HTML page, the numbers as JSON and the figures as PNG."""

import base64
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape

from inkwise._util.files import make_directory, write_bytes, write_text
from inkwise.evaluation import image_grids, plots
from inkwise.evaluation.metrics import json_safe
from inkwise.evaluation.results import MAX_SHOWN, EvaluationResult

SUMMARY_HEAD = ("set", "n", "misses", "accuracy", "95 % interval", "log-loss", "calibration error")


def write_report(
    path: Path,
    model_facts: Mapping[str, Any],
    results: Sequence[EvaluationResult],
    history: Sequence[Mapping[str, object]] | None = None,
) -> None:
    """Write the report to `path` (.html), and beside it evaluation.json and every figure as pictures/*.png.

    Args:
        model_facts: names and values of any nesting.
        history: rows of a training run, see `plots.history_plot`.

    Raises:
        DataError: a file cannot be written.
    """
    training = plots.history_plot(history) if history else None
    sections = [(result, _figures(result)) for result in results]
    pngs = {"training": training} if training else {}
    for number, (result, figures) in enumerate(sections, start=1):
        slug = re.sub(r"[^\w.-]+", "-", result.name).strip("-.")
        pngs |= {f"{number}-{slug}-{kind}": png for kind, png in figures.items()}
    folder = path.parent / "pictures"
    make_directory(folder)
    for name, png in pngs.items():
        write_bytes(folder / f"{name}.png", png)
    write_text(path.with_name("evaluation.json"), to_json(model_facts, results))
    page = _templates.get_template("report.html").render(
        name=model_facts.get("name", "model"),
        model={key: value for key, value in model_facts.items() if key != "net"},
        layers=_layer_rows(model_facts.get("net")),
        training=training,
        results=results,
        sections=sections,
        summary_head=SUMMARY_HEAD,
        max_shown=MAX_SHOWN,
    )
    write_text(path, page)


def to_json(model_facts: Mapping[str, Any], results: Sequence[EvaluationResult]) -> str:
    """Return {"model": facts, "sets": [result, ..]} as indented JSON text."""
    content = {"model": dict(model_facts), "sets": [result.to_dict() for result in results]}
    return json.dumps(json_safe(content), indent=2, ensure_ascii=False, default=str, allow_nan=False) + "\n"


def summary_row(result: EvaluationResult) -> tuple[str, ...]:
    """Return the row of a set below SUMMARY_HEAD."""
    e = result.evaluation
    low, high = e.interval
    return (
        result.name,
        f"{e.n}",
        f"{e.misses}",
        _percent(e.accuracy),
        f"{100 * low:.2f} to {_percent(high)}",
        "–" if math.isnan(e.log_loss) else f"{e.log_loss:.4f}",
        _percent(e.calibration_error),
    )


def _figures(result: EvaluationResult) -> dict[str, bytes]:
    explained = {"explained": image_grids.explanations_plot(result.explained)} if result.explained else {}
    return explained | {
        "predictions": image_grids.predictions_plot(result.first),
        "mistakes": image_grids.mistakes_plot(result.mistakes),
        "confusion": plots.confusion_plot(result.evaluation),
        "coverage": plots.coverage_plot(result.evaluation),
        "reliability": plots.reliability_plot(result.evaluation),
    }


def _layer_rows(layers: Any) -> list[tuple[str, str, str]]:
    """Format the layers [[kind, shape, parameters], ..] of a model's metadata; [] if it has none such."""
    try:
        rows = [(str(kind), " × ".join(map(str, shape)), f"{count:,}") for kind, shape, count in layers]
        total = sum(count for _, _, count in layers)
    except (TypeError, ValueError):  # no such key, or one of another program
        return []
    return [*rows, ("total", "", f"{total:,}")]


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{share:.2%}".replace("%", " %")


def template_environment(package: str) -> Environment:
    """Create the Jinja2 environment of a package's templates, which escapes all values in HTML."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=select_autoescape(),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


_templates = template_environment("inkwise.evaluation")
_templates.filters["base64"] = lambda png: base64.b64encode(png).decode("ascii")
_templates.filters["percent"] = _percent
_templates.filters["summary_row"] = summary_row
