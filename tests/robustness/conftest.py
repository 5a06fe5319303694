"""What is tried here is what `benchmarks/fuzz.py` and `benchmarks/faults.py` try for longer."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
