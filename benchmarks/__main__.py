"""Run a benchmark: `python -m benchmarks NAME [options]`; without a name, list the benchmarks."""

from __future__ import annotations

import ast
import sys
from importlib import import_module
from pathlib import Path

BENCHMARKS = {
    "accuracy": (
        *("handwriting", "letters", "page-reading", "number-reading", "drawing-reading", "pictures"),
        *("page-agreement", "correction-learning", "number-learning", "transfer", "quantization", "ablation"),
        *("held-out", "model-card"),
    ),
    "speed": (
        *("comparison", "training-speed", "service-latency", "app-latency", "batch-reading"),
        *("reading-cost", "clerk"),
    ),
    "robustness": ("faults", "connection-flood", "endurance", "fuzz"),
    "common": ("results-page",),
}
"""Benchmarks of each subpackage. A name is that of a module, with hyphens for underscores."""

MODULES = {
    name: f"benchmarks.{package}.{name.replace('-', '_')}"
    for package, names in BENCHMARKS.items()
    for name in names
}


def describe(name: str) -> str:
    """Return the first line of a benchmark's docstring without importing it."""
    path = Path(__file__).parents[1].joinpath(*MODULES[name].split(".")).with_suffix(".py")
    return (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]


def main(argv: list[str]) -> None:
    """Run the benchmark that the first argument names."""
    if not argv or argv[0] in ("-h", "--help"):
        print("usage: python -m benchmarks NAME [options]\n")
        for name in MODULES:
            print(f"  {name:20} {describe(name)}")
    elif argv[0] not in MODULES:
        sys.exit(f"no benchmark {argv[0]!r}; expected one of {', '.join(MODULES)}")
    else:
        sys.argv[0] = f"python -m benchmarks {argv[0]}"  # argparse's usage line
        import_module(MODULES[argv[0]]).main(argv[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
