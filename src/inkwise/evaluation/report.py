"""Results become one HTML page that stands alone, and beside it the numbers as JSON, the pictures as PNG."""

import base64
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from inkwise._util.files import make_directory, write_bytes, write_text
from inkwise.evaluation import image_grids as walls
from inkwise.evaluation import plots
from inkwise.evaluation.metrics import json_safe
from inkwise.evaluation.results import MAX_SHOWN, EvaluationResult

SUMMARY_HEAD = ("set", "n", "misses", "accuracy", "95 % interval", "log-loss", "calibration error")

STYLE = """
:root { color-scheme: light dark; --text: #1f2937; --faint: #6b7280; --line: #e5e7eb; --page: #fafaf9 }
@media (prefers-color-scheme: dark) {
  :root { --text: #e5e7eb; --faint: #9ca3af; --line: #374151; --page: #16181d }
}
body { max-width: 68rem; margin: 2rem auto; padding: 0 1.25rem; color: var(--text); background: var(--page);
       font: 16px/1.5 system-ui, sans-serif }
h1, h2 { line-height: 1.2 } h2 { margin-top: 3rem }
p { color: var(--faint); margin: .25rem 0 1rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); text-align: right;
         vertical-align: top; white-space: nowrap }
th:first-child, td:first-child { text-align: left }
th { font-weight: 600; color: var(--faint) }
.facts td { text-align: left } .facts td + td { white-space: normal; overflow-wrap: anywhere }
.wide { overflow-x: auto }
.cards { display: flex; flex-wrap: wrap; gap: 1.25rem; align-items: flex-start; margin-bottom: 1.25rem }
.cards > * { max-width: 100% }
figure { margin: 0 } figcaption { color: var(--faint); font-size: .9rem; margin-bottom: .3rem }
img { display: block; max-width: 100%; background: white; border-radius: 8px; border: 1px solid var(--line) }
"""


def write_report(
    path: Path,
    model_facts: Mapping[str, Any],
    results: Sequence[EvaluationResult],
    history: Sequence[Mapping[str, object]] | None = None,
) -> None:
    """Write the report to `path` (.html), and beside it evaluation.json and every picture as pictures/*.png.

    model_facts: names and values, nested at will; history: a training's rows, see `plots.history_plot`.
    Raises DataError when the files cannot be written.
    """
    training = {"training": plots.history_plot(history)} if history else {}
    pictures = [_pictures(result) for result in results]
    numbered = {
        f"{number}-{_slug(result.name)}-{kind}": png
        for number, (result, drawn) in enumerate(zip(results, pictures, strict=True), start=1)
        for kind, png in drawn.items()
    }
    folder = path.parent / "pictures"
    make_directory(folder)
    for name, png in (training | numbered).items():
        write_bytes(folder / f"{name}.png", png)
    write_text(path.with_name("evaluation.json"), to_json(model_facts, results))
    write_text(path, _page(model_facts, results, pictures, training))


def to_json(model_facts: Mapping[str, Any], results: Sequence[EvaluationResult]) -> str:
    """Return {"model": facts, "sets": [result, ..]} as indented JSON text."""
    content = {"model": dict(model_facts), "sets": [result.to_dict() for result in results]}
    return json.dumps(json_safe(content), indent=2, ensure_ascii=False, default=str, allow_nan=False) + "\n"


def summary_row(result: EvaluationResult) -> tuple[str, ...]:
    """Return one set's line under SUMMARY_HEAD."""
    e = result.evaluation
    low, high = e.interval
    return (
        result.name,
        f"{e.n}",
        f"{e.misses}",
        _percent(e.accuracy),
        f"{100 * low:.2f} to {_percent(high)}",
        _number(e.log_loss),
        _percent(e.calibration_error),
    )


def _pictures(result: EvaluationResult) -> dict[str, bytes]:
    explained = {"explained": walls.explanations_plot(result.explained)} if result.explained else {}
    return explained | {
        "predictions": walls.predictions_plot(result.first),
        "mistakes": walls.mistakes_plot(result.mistakes),
        "confusion": plots.confusion_plot(result.evaluation),
        "coverage": plots.coverage_plot(result.evaluation),
        "reliability": plots.reliability_plot(result.evaluation),
    }


def _page(
    model_facts: Mapping[str, Any],
    results: Sequence[EvaluationResult],
    pictures: Sequence[Mapping[str, bytes]],
    training: Mapping[str, bytes],
) -> str:
    title = escape(f"Inkwise evaluation: {model_facts.get('name', 'model')}")
    facts = {name: value for name, value in model_facts.items() if name != "net"}
    net = _layer_table(model_facts.get("net"))
    summary = _table(SUMMARY_HEAD, (summary_row(result) for result in results))
    sets = "".join(_section(*both) for both in zip(results, pictures, strict=True))
    learned = "".join(
        f"<h2>Training</h2>{_figure('loss and accuracy by epoch', png)}" for png in training.values()
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f"<body><h1>{title}</h1>{summary}<h2>Model</h2>"
        f'<div class="cards">{_facts(facts)}{net}</div>{learned}{sets}</body></html>\n'
    )


def _section(result: EvaluationResult, pictures: Mapping[str, bytes]) -> str:
    e = result.evaluation
    classes = _table(
        ("digit", "n", "precision", "recall", "F1"),
        (
            (s.label, str(s.support), _percent(s.precision), _percent(s.recall), _percent(s.f1))
            for s in e.scores
        ),
    )
    shown = min(len(result.mistakes), MAX_SHOWN)
    wall = _figure(f"worst mistakes, the surest first: {shown} of {e.misses}", pictures["mistakes"])
    explained = _figure(_legend(result), pictures["explained"]) if result.explained else ""
    first = _figure(f"the first {len(result.first)}: true → read", pictures["predictions"])
    confusion = _figure("confusion: true digit by row, answer by column", pictures["confusion"])
    coverage = _figure("coverage: accuracy when only the surest are answered", pictures["coverage"])
    reliability = _figure("reliability: accuracy against probability", pictures["reliability"])
    return (
        f"<h2>{escape(result.name)}</h2><p>{escape(_counts(result))}</p>"
        f'<div class="cards"><div>{classes}</div>{confusion}</div>'
        f'<div class="cards">{wall}</div><div class="cards">{explained}</div>'
        f'<div class="cards">{coverage}{reliability}</div><div class="cards">{first}</div>'
    )


def _legend(result: EvaluationResult) -> str:
    legend = (
        f"the surest {len(result.explained)} explained: blue ink speaks for what was read, "
        "red ink for the true digit"
    )
    near = any(explanation.neighbours for explanation in result.explained)
    return legend + (", and the training digits that are most like it" if near else "")


def _layer_table(layers: Any) -> str:
    """The net as a table, where the model's metadata tell of it: [[kind, shape, parameters], ..]."""
    try:
        rows = [(str(kind), " × ".join(map(str, shape)), f"{count:,}") for kind, shape, count in layers]
        total = sum(count for _, _, count in layers)
    except (TypeError, ValueError):  # no such key, or another program's
        return ""
    return _table(("layer", "output", "parameters"), [*rows, ("in all", "", f"{total:,}")])


def _counts(result: EvaluationResult) -> str:
    e = result.evaluation
    apart = {
        "without ink, not read": e.unread,
        "with a label that the model does not know": e.unknown,
        "no digits": e.others,
        "of these not accepted": e.others_rejected,
        "unlabelled, left out": e.unlabelled,
    }
    said = [f"{e.misses} misses in {e.n}", *(f"{count} {what}" for what, count in apart.items() if count)]
    return " · ".join(said)


def _facts(facts: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{escape(str(name))}</td><td>{_value(value)}</td></tr>" for name, value in facts.items()
    )
    return f'<div class="wide"><table class="facts">{rows}</table></div>'


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"<details><summary>show</summary>{_facts(value)}</details>"
    if isinstance(value, list | tuple):
        return escape(", ".join(map(str, value)))
    return escape(str(value))


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{cells}</tr>{body}</table></div>'


def _figure(caption: str, png: bytes) -> str:
    source = "data:image/png;base64," + base64.b64encode(png).decode("ascii")
    text = escape(caption)
    return f'<figure><figcaption>{text}</figcaption><img alt="{text}" src="{source}"></figure>'


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{share:.2%}".replace("%", " %")


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.4f}"


def _slug(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")
