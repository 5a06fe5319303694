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

`make bench` writes this page; `make bench DATA=FOLDER` also measures the real handwriting. Machines differ
and are noisy: compare figures within one table only.

## Real hands

    python -m benchmarks handwriting FOLDER --json docs/figures/default.json
    python -m benchmarks model-card

The tables are in the [model card](model.md#how-well-it-reads). To choose between models, measure both with
`--part validation`, which reads neither the test writers nor a test set.

## Kinds of pictures

    python -m benchmarks pictures FOLDER --part test --readers inkwise,rapidocr,tesseract

Pictures of more than forty kinds are drawn by UNIPEN's test writers, 40 of each: a one-pixel pencil, hair
lines and thick markers; large and small numbers; frames, boxes, tables, ruled and squared paper; underlined
and circled numbers, dates, amounts and sums; pages, also turned by 90 or 180 degrees; boards, sticky notes
and tinted paper; shadows, glare, folds, stains, dark edges, low resolution. Five kinds must not be
accepted: corrected and crossed-out digits, letters, drawings, print or nothing. The same command reads real
pictures: cells of exam mark tables, digits that people made to try a reader, coloured pens, cheque amounts,
pen strings and squared sheets. Tables are below.

## Side by side

    python -m benchmarks comparison --unipen FOLDER

Inkwise is compared with common baselines: the networks and settings of PyTorch's MNIST example and of Keras'
simple MNIST convnet, both reimplemented in PyTorch, and of scikit-learn an SVC (RBF kernel, C 10, gamma
"scale") and the three nearest neighbours (brute force), on pixels divided by 255, trained on all 60,000
digits. Each part of the command has a section below. Intervals are of 95 %.

- Time: Inkwise trains for a length fixed beforehand, once for each seed, and reads the test set once, when
  all is trained; for a target it takes the shortest recipe whose seeds reach it on average. The baselines are
  evaluated four times an epoch on the test set itself, with the clock stopped, and take the best moment;
  their scaling and file reading are not counted, nor is validation of Inkwise. The neighbours only store the
  digits, and pay when they read.
- Ratios of times are those of geometric means, with Welch's interval over the seeds; what has one seed counts
  as exact. Ratios of speeds are over rounds in turns. The networks read in batches of 64, as Inkwise does,
  which fit the processor's cache.
- Operations are those of convolutions and matrix products; the peak is that of a large square matrix product.
- A cold start is a new process until its first answer: of Inkwise the command on a photograph, of the
  baselines a script that imports, loads the weights and reads one glyph. The size is that of the files of all
  required packages: of Inkwise in a fresh environment, of the baselines as installed here (without GPU
  packages if there are none).
- The bundled weights were also trained on UNIPEN's training writers, the baselines on MNIST alone. The
  baselines get Inkwise's glyphs of UNIPEN's strokes, 28x28 as MNIST's.
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
    "Forms": "clerk",
    "One picture": "reading-cost",
    "Pictures of many kinds": "pictures FOLDER --part test --readers inkwise,rapidocr,tesseract",
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
        if "FOLDER" in command and not folder:
            failed.append(heading)
            continue
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
