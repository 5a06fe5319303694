"""Accuracy of a model that reads letters, on UNIPEN's digits, letters and symbols.

    python -m benchmarks letters FOLDER [--model NAME|FILE] [--part test|validation] [--json FILE]

FOLDER holds unipen_letters, unipen_digits and unipen_digits_more as .npz. Only the writers of one part are
read: those of "test" were used neither for training nor for model selection. All labels of the model compete,
so a letter that is read as a symbol is a miss.
"""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.accuracy.handwriting import Figures, facts, share
from benchmarks.common.handwriting_sets import load_strokes
from benchmarks.common.reporting import argument_parser, markdown_table
from inkwise._util.errors import InkwiseError
from inkwise._util.text import DIGITS
from inkwise.datasets.splits import SPLITS, split_by_writer
from inkwise.recognition import Model
from inkwise.recognition.model import LETTERS_MODEL, model_content, model_source
from inkwise.training.letters import LETTERS_AND_DIGITS, SYMBOLS

LOOK_ALIKES = ("0Oo", "1Il", "2Zz", "5Ss", "9gq")
"""Characters that are hardly told apart alone, besides the two cases of a letter."""

SETS = ("unipen_letters", "unipen_digits", "unipen_digits_more")
LISTED_CONFUSIONS = 20


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--model", default=LETTERS_MODEL, help="an .onnx file, a run folder or a bundled name"
    )
    parser.add_argument("--part", choices=SPLITS[1:], default="test")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args(argv)
    try:
        figures = measure(model_content(model_source(arguments.model)), arguments.folder, arguments.part)
    except (InkwiseError, OSError, KeyError) as error:
        parser.error(str(error))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    print(f"Model {figures['model']['name']}, {arguments.part}.\n\n{table(figures)}")


def measure(content: bytes, folder: Path, part: str) -> Figures:
    """Return the figures of a model for the writers of a part, as JSON values."""
    model = Model(content, threads=1)
    drawn = [load_strokes(folder / f"{name}.npz") for name in SETS]
    chosen = [strokes.select(split_by_writer(writers) == part).to_dataset() for strokes, writers in drawn]
    glyphs, truth, writers = (
        np.concatenate([getattr(found, name) for found in chosen]) for name in ("glyphs", "labels", "writers")
    )
    probabilities, _ = model.run(glyphs)
    answers, accepted = (
        np.array(model.labels)[probabilities.argmax(1)],
        probabilities.max(1) >= model.threshold,
    )
    known, right = np.isin(truth, [*LETTERS_AND_DIGITS]), answers == truth
    alike = np.array([are_alike(*pair) for pair in zip(answers.tolist(), truth.tolist(), strict=True)])
    rows = (
        ("digits and letters, 62 classes", known, right),
        ("the same, case and look-alikes as one", known, alike),
        ("digits", np.isin(truth, [*DIGITS]), right),
        ("capitals", np.isin(truth, [*LETTERS_AND_DIGITS[10:36]]), right),
        ("small letters", np.isin(truth, [*LETTERS_AND_DIGITS[36:]]), right),
        ("symbols of the model", np.isin(truth, [*SYMBOLS]), right),
        ("digits and letters that are accepted", known, accepted),
        ("of these right", known & accepted, right),
        ("of these right, case and look-alikes as one", known & accepted, alike),
        ("other symbols that are rejected", ~np.isin(truth, model.labels), ~accepted),
    )
    wrong = known & ~right
    pairs = Counter(zip(truth[wrong].tolist(), answers[wrong].tolist(), strict=True))
    return {
        "model": facts(model, content),
        "part": part,
        "writers": len({*writers.tolist()}),
        "rows": [{"what": what, **share(int(hits[of].sum()), int(of.sum()))} for what, of, hits in rows],
        "mean_of_classes": float(np.mean([right[truth == label].mean() for label in LETTERS_AND_DIGITS])),
        "mean_of_writers": float(
            np.mean([right[known & (writers == writer)].mean() for writer in np.unique(writers[known])])
        ),
        "confusions": [[*pair, count] for pair, count in pairs.most_common(LISTED_CONFUSIONS)],
    }


def are_alike(answer: str, truth: str) -> bool:
    """Whether two labels are the same, the two cases of a letter, or of one group of look-alikes."""
    return answer.lower() == truth.lower() or any({answer, truth} <= {*group} for group in LOOK_ALIKES)


def table(figures: Figures) -> str:
    """Return the figures as a Markdown table with notes."""
    rows = []
    for row in figures["rows"]:
        low, high = row["interval"]
        interval = f"{low:.2%} to {high:.2%}"
        rows.append([row["what"], f"{row['n']:,}", f"{row['hits']:,}", f"{row['share']:.2%}", interval])
    listed = ", ".join(f"`{truth}` as `{answer}` {count}" for truth, answer, count in figures["confusions"])
    return (
        f"{markdown_table(('what', 'n', 'hits', 'share', '95 % interval'), rows)}\n\n"
        f"{figures['writers']} writers; mean of the 62 classes {figures['mean_of_classes']:.2%}, "
        f"of the writers {figures['mean_of_writers']:.2%}.\n{textwrap.fill(f'Most misses: {listed}.', 110)}"
    )
