"""Adapt a recognizer to a writer: after five examples it reads a sign that the model does not know.

python examples/adapt_to_writer.py
"""

import numpy as np

from inkwise import Recognizer


def heart(seed):
    """Return the strokes of a heart, drawn with a slightly unsteady pen."""
    t = np.linspace(0, 2 * np.pi, 60)
    x = 16 * np.sin(t) ** 3
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
    wobble = np.random.default_rng(seed).normal(0, 0.4, (60, 2))
    return [np.stack([x, y], axis=1) + wobble]


recognizer = Recognizer()
glyphs = np.stack([recognizer.read_strokes(heart(seed)).digits[0].glyph for seed in range(5)])
adapted = recognizer.adapt(glyphs, np.array(["heart"] * 5))

new = heart(seed=99)
print("before:", recognizer.read_strokes(new).text)
print("after:", adapted.read_strokes(new).text)
