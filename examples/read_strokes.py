"""Read pen strokes from a JSON file: {"strokes": [[[x, y], ...], ...]}, x right, y down, any unit.

python examples/read_strokes.py [FILE]
"""

import json
import sys
from pathlib import Path

import numpy as np

from inkwise import Recognizer

path = Path(sys.argv[1] if len(sys.argv) > 1 else "examples/seven.json")
strokes = [np.array(stroke, np.float64) for stroke in json.loads(path.read_text())["strokes"]]
print(Recognizer().read_strokes(strokes).to_json())
