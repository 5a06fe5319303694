"""Train a small model on your own data, export it to ONNX and read with it; takes seconds.

python examples/train_and_export.py [FOLDER]
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from inkwise import Recognizer
from inkwise.training import load_recipe, train

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/example")
folder.mkdir(parents=True, exist_ok=True)

digits = load_digits()  # 1,797 images of 8 x 8 pixels, values 0 to 16
images = np.kron(digits.images * 255 / 16, np.ones((4, 4))).astype(np.uint8)
np.savez(folder / "digits.npz", images=images, labels=digits.target)

data = (str(folder / "digits.npz"),)
recipe = load_recipe("default").set(
    data={"train": data, "test": ()}, model={"channels": (8, 16, 16)}, optimization={"epochs": 4, "batch": 64}
)
model = train(recipe, folder / "run", device="cpu")

reading = Recognizer(model).read("docs/seven.jpg")
print(f"{model.name}: {reading.digits[0].label}, probability {reading.digits[0].probability:.2f}")
