"""Make window.png, the screenshot of the desktop window with a 3 of a UNIPEN writer.

xvfb-run --server-args "-screen 0 800x600x24 -dpi 96" python docs/window_screen.py unipen_digits.npz
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import ImageGrab

from inkwise import datasets
from inkwise.app.window.window import Window
from inkwise.corrections import Learner

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "app" / "window"), str(HERE.parent / "tests")]

from conftest import Driver  # noqa: E402
from screens import WRITERS  # noqa: E402

HEIGHT = 320  # pixels of the digit


def main() -> None:
    strokes = datasets.load_strokes_or_dataset(sys.argv[1])
    own = strokes.select((strokes.writers == WRITERS["me"]) & (strokes.labels == "3"))
    with tempfile.TemporaryDirectory() as folder:
        learner = Learner(f"sqlite:///{folder}/samples.db")
        shoot(Driver(Window(learner, "me")), stroke_pixels(own.samples[-1]))
        learner.close()


def stroke_pixels(sample: list[np.ndarray]) -> list[list[tuple[int, int]]]:
    """Scale strokes to the canvas."""
    points = np.concatenate(sample)
    scale = HEIGHT / np.ptp(points[:, 1])
    return [((stroke - points.min(0)) * scale + (150, 50)).astype(int).tolist() for stroke in sample]


def shoot(driver: Driver, strokes: list[list[tuple[int, int]]]) -> None:
    """Draw and confirm a digit, draw it again, and keep the picture of the window."""
    driver.draw(strokes)
    driver.key("Return")
    driver.draw(strokes)
    root = driver.widgets.root
    x, y = root.winfo_rootx(), root.winfo_rooty()
    ImageGrab.grab((x, y, x + root.winfo_width(), y + root.winfo_height())).save(HERE / "window.png")
    driver.close()


if __name__ == "__main__":
    main()
