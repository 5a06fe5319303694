"""Read the MNIST test digits with the bundled weights: a few to look at, then all of them."""

import numpy as np

from inkwise import Recognizer, datasets

recognizer = Recognizer()
test = datasets.load_dataset("mnist-test")
probabilities = recognizer.classify(test.glyphs)
read = np.array(recognizer.model.labels)[probabilities.argmax(1)]

for index in range(8):
    sure = probabilities[index].max()
    print(f"MNIST test digit {index}: {test.labels[index]} read as {read[index]} ({sure:.1%})")
misses = int((read != test.labels).sum())
print(f"all {len(test):,}: {misses} misses, {1 - misses / len(test):.2%} right")
