"""Run the benchmarks and write docs/benchmarks.md, each table below the command that makes it.

    python -m benchmarks results-page [FOLDER] [--only SECTION ...]

FOLDER holds the sets for the benchmark `handwriting`, whose figures go into the model card.
The page is written after each section. A section that cannot be measured, or is not named, keeps its content.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping

from benchmarks.common.reporting import ROOT, argument_parser

PAGE = ROOT / "docs" / "benchmarks.md"
INTRODUCTION = """# Benchmarks

`make bench` writes this page; `make bench DATA=FOLDER` measures the real handwriting anew as well. Machines
differ and are noisy: compare figures of one table, not of two.

## Real hands

    python -m benchmarks handwriting FOLDER --json docs/figures/default.json
    python -m benchmarks model-card

The tables are in the [model card](model.md#how-well-it-reads). To choose between models, measure both with
`--part validation`: it reads neither the test writers nor a test set.

## Side by side

    python -m benchmarks comparison --unipen FOLDER

Inkwise is measured beside what else would be picked: the nets and settings of PyTorch's MNIST example and of
Keras' simple MNIST convnet, both written anew in PyTorch, and of scikit-learn an SVC (RBF kernel, C 10, gamma
"scale") and the three nearest neighbours (brute force), on pixels divided by 255, of all 60,000 digits. Each
part of the command stands below by itself. Intervals are of 95 %.

- Time: Inkwise trains for a length fixed beforehand, once for each seed, and reads the test set once, when
  all is trained; to a mark it takes the shortest recipe whose seeds reach it on average. The peers are looked
  at four times an epoch on the test set itself, their clock stopped, and take the best moment; scaling
  and file reading are not counted to them, nor validation to Inkwise. The neighbours only store the digits,
  and pay when they read.
- Ratios of times are those of geometric means, with Welch's interval over the seeds; what has one seed counts
  as exact. Ratios of speeds are over rounds in turns. The nets read in batches of 64, as ours does: they fit
  the processor's cache.
- Operations are those of convolutions and matrix products, the peak is that of a large square matrix product.
- A cold start is a fresh process until its first answer, ours by the command on a photograph, theirs by a
  script that imports, loads the weights and reads one glyph. The size is that of the files of all packages
  needed: ours in a fresh environment, theirs as they are installed here (no GPU packages, where there are
  none).
- The bundled weights were trained on UNIPEN's training writers too, the peers on MNIST alone. The peers are
  given our glyphs of UNIPEN's strokes, 28x28 as MNIST's are.
"""
SECTIONS = {
    "Training": "comparison training",
    "Speed": "comparison rates",
    "One digit": "comparison latency",
    "One digit over HTTP": "service-latency --rate 200 --seconds 30",
    "Start, memory, size": "comparison start",
    "Accuracy": "comparison accuracy --unipen FOLDER",
    "Stacks": "batch-reading",
    "Integers": "quantization",
    "App": "app-latency",
}


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, metavar="SECTION")
    arguments = parser.parse_args(argv)
    folder = arguments.folder
    if folder and not arguments.only:
        output("handwriting", folder, "--json", "docs/figures/default.json")
        output("model-card")
    bodies, failed = sections(PAGE.read_text()), []
    for heading in arguments.only or SECTIONS:
        command = SECTIONS[heading] if folder else SECTIONS[heading].removesuffix(" --unipen FOLDER")
        try:
            found = output(*(folder if word == "FOLDER" else word for word in command.split()))
        except subprocess.CalledProcessError:
            failed.append(heading)
            continue
        bodies[heading] = f"    python -m benchmarks {command}\n\n{found.strip()}"
        PAGE.write_text(page(bodies))
    if failed:
        sys.exit(f"not measured: {', '.join(failed)}")


def sections(page: str) -> dict[str, str]:
    """What stands below each heading of a page."""
    parts = re.split(r"^## (.+)\n", page, flags=re.MULTILINE)
    return {heading: body.strip("\n") for heading, body in zip(parts[1::2], parts[2::2], strict=True)}


def page(bodies: Mapping[str, str]) -> str:
    """The page with those sections that have been measured."""
    found = (f"\n## {heading}\n\n{bodies[heading]}\n" for heading in SECTIONS if heading in bodies)
    return INTRODUCTION + "".join(found)


def output(*arguments: str) -> str:
    """What a benchmark prints."""
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
