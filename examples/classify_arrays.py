"""Classify a batch of arrays: (n, 28, 28) uint8 glyphs in, probabilities out.

python examples/classify_arrays.py
"""

import numpy as np

from inkwise import Recognizer

recognizer = Recognizer()
sheet = recognizer.read("docs/sample-sheet.jpg")
glyphs = np.stack([digit.glyph for digit in sheet.digits])  # white ink on black, as in MNIST

probabilities = recognizer.classify(glyphs)  # (n, k) float32
labels = np.array(recognizer.labels)[probabilities.argmax(axis=1)]
print(f"{len(glyphs)} glyphs: {' '.join(labels)}")
print(f"lowest probability: {probabilities.max(axis=1).min():.3f}")
