"""Write the figures of docs/figures into the model card, docs/model.md, between its markers.

    python benchmarks/real_hands.py FOLDER --model MODEL --json docs/figures/NAME.json
    python benchmarks/ingredients.py FOLDER
    python benchmarks/card.py

NAME is that of a bundled model. The tables are those of `default`; each has a row of sizes.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from hands_tables import sizes, tables
from ingredients_table import ablation_table

DOCS = Path(__file__).parent.parent / "docs"
MODELS = ("default", "tiny", "max", "int8")


def main() -> None:
    page = DOCS / "model.md"
    page.write_text(filled_in(page.read_text()))


def filled_in(page: str) -> str:
    """The page with what is measured between `<!-- figures: NAME -->` and `<!-- end -->`."""
    files = {name: DOCS / "figures" / f"{name}.json" for name in (*MODELS, "ingredients")}
    figures = {name: json.loads(file.read_text()) if file.exists() else None for name, file in files.items()}
    texts = {
        "sizes": sizes({name: figures[name] for name in MODELS}),
        "ingredients": ablation_table(figures["ingredients"]),
        **tables(figures["default"] or {}),
    }
    return re.sub(
        r"(<!-- figures: (\w+) -->\n).*?(?=<!-- end -->)",
        lambda found: f"{found[1]}\n{texts[found[2]]}\n\n",
        page,
        flags=re.DOTALL,
    )


if __name__ == "__main__":
    main()
