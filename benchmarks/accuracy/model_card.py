"""Write the figures of docs/figures into the tables of the model card, docs/model.md.

    python -m benchmarks handwriting FOLDER --model MODEL --json docs/figures/NAME.json
    python -m benchmarks letters FOLDER --json docs/figures/letters.json
    python -m benchmarks ablation FOLDER
    python -m benchmarks model-card

NAME is a bundled model. The tables show `default`; the table of sizes has a row for each model.
"""

from __future__ import annotations

import json
import re

from benchmarks.accuracy import letters
from benchmarks.accuracy.card_tables import ablation_table, sizes, tables
from benchmarks.common.reporting import ROOT, argument_parser

DOCS = ROOT / "docs"
MODELS = ("default", "tiny", "max", "int8")


def main(argv: list[str]) -> None:
    argument_parser(__doc__).parse_args(argv)
    page = DOCS / "model.md"
    page.write_text(filled_in(page.read_text()))


def filled_in(page: str) -> str:
    """Fill in the tables between `<!-- figures: NAME -->` and `<!-- end -->`."""
    files = {name: DOCS / "figures" / f"{name}.json" for name in (*MODELS, "ingredients", "letters")}
    figures = {name: json.loads(file.read_text()) if file.exists() else None for name, file in files.items()}
    texts = {
        "sizes": sizes({name: figures[name] for name in MODELS}),
        "letters": letters.table(figures["letters"]) if figures["letters"] else "",
        "ingredients": ablation_table(figures["ingredients"]),
        **tables(figures["default"] or {}),
    }
    return re.sub(
        r"(<!-- figures: (\w+) -->\n).*?(?=<!-- end -->)",
        lambda found: f"{found[1]}\n{texts[found[2]]}\n\n",
        page,
        flags=re.DOTALL,
    )
