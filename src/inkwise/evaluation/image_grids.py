"""Glyphs become pictures, many on one: each plot returns the bytes of a PNG on white."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from inkwise.evaluation.plots import BLUE, GREY, PALE, RED, figure_to_png, new_figure
from inkwise.evaluation.results import MAX_SHOWN, Explanation, Prediction

RGBImage = NDArray[np.floating[Any]]  # (h, w, 3), red, green and blue in 0..1

_COLUMNS = 8
_TILE, _GAP, _CAPTION = 28, 4, 9  # in glyph pixels
_MAX_EXPLANATION_COLUMNS = (
    9  # columns that explanations may fill beside one another, each with an empty one after it
)
_FOR_COLOR, _AGAINST_COLOR, _NEUTRAL_COLOR = (
    "#1456b8",
    "#d92b1c",
    "#d2d2cc",
)  # ink by what it says; that which says nothing
_MIN_INFLUENCE = 0.5  # nats: what moves the odds by less stays pale


def mistakes_plot(mistakes: Sequence[Prediction]) -> bytes:
    """Draw the first 40 mistakes, each with "true → read" and the probability it was read with."""
    return _captioned_plot(
        [(m, f"{_caption(m)}  ({m.probability:.0%})" if m.read else _caption(m), "black") for m in mistakes]
    )


def predictions_plot(answers: Sequence[Prediction]) -> bytes:
    """Draw the first 40 answers, each with "true → read", red where it is wrong."""
    return _captioned_plot([(a, _caption(a), "black" if a.read == a.true else RED) for a in answers])


def explanations_plot(explanations: Sequence[Explanation]) -> bytes:
    """Draw explanations, at least one, each as a line: the glyph, its ink by influence, its neighbours.

    Ink that speaks for the answer is blue, ink that speaks against it red, the more the stronger; what does
    neither is grey. The label of a neighbour is blue where it is the answer, else red.
    """
    wide = 2 + max(len(explanation.neighbours) for explanation in explanations)
    abreast = min(len(explanations), max(1, _MAX_EXPLANATION_COLUMNS // (wide + 1)))
    wall = _ImageGrid(math.ceil(len(explanations) / abreast), abreast * (wide + 1) - 1)
    for place, explanation in enumerate(explanations):
        row, block = divmod(place, abreast)
        left, answer = block * (wide + 1), explanation.answer
        said = _caption(answer) if answer.true else answer.read
        wall.put(row, left, _glyph_to_rgb(answer.glyph))
        wall.write(row, left, f"{said}  ({answer.probability:.1%})")
        wall.put(row, left + 1, _influence_to_rgb(explanation))
        wall.write(row, left + 1, f"for {answer.read}", BLUE, at=0.25)
        against = "against" if explanation.against is None else f"for {explanation.against}"
        wall.write(row, left + 1, against, RED, at=0.75)
        for column, near in enumerate(explanation.neighbours, start=left + 2):
            wall.put(row, column, _glyph_to_rgb(near.glyph))
            wall.write(row, column, near.label, BLUE if near.label == answer.read else RED)
    return wall.png()


class _ImageGrid:
    """Tiles in rows and columns, with room for a line of text below each."""

    def __init__(self, rows: int, columns: int) -> None:
        width, height = columns * (_TILE + _GAP), rows * (_TILE + _GAP + _CAPTION)
        self._card = np.ones((height, width, 3))
        self._fig, self._ax = new_figure(1.15 * columns + 0.2, 1.15 * height / (_TILE + _GAP) + 0.2)

    def put(self, row: int, column: int, tile: RGBImage) -> None:
        """Put up a tile (28, 28, 3)."""
        top, left = self._corner(row, column)
        self._card[top : top + _TILE, left : left + _TILE] = tile
        corner = (left - 0.5, top - 0.5)
        frame = Rectangle(corner, _TILE, _TILE, fill=False, edgecolor=PALE, linewidth=0.8)
        self._ax.add_patch(frame)

    def write(self, row: int, column: int, text: str, color: str = "black", at: float = 0.5) -> None:
        """Write below a tile, centred at this share of its width."""
        top, left = self._corner(row, column)
        x, y = left + at * _TILE - 0.5, top + _TILE + _CAPTION / 2
        self._ax.text(x, y, text, ha="center", va="center", fontsize=8.5, color=color, parse_math=False)

    def _corner(self, row: int, column: int) -> tuple[int, int]:
        return row * (_TILE + _GAP + _CAPTION), column * (_TILE + _GAP) + _GAP // 2

    def png(self) -> bytes:
        """Return the finished picture."""
        self._ax.imshow(self._card)
        self._ax.axis("off")
        return figure_to_png(self._fig)


def _captioned_plot(captioned: Sequence[tuple[Prediction, str, str]]) -> bytes:
    shown = captioned[:MAX_SHOWN]
    if not shown:
        fig, ax = new_figure(4, 1)
        ax.axis("off")
        ax.text(0.5, 0.5, "no mistakes", ha="center", va="center", color=GREY, fontsize=13)
        return figure_to_png(fig)
    wall = _ImageGrid(math.ceil(len(shown) / _COLUMNS), min(_COLUMNS, len(shown)))
    for place, (answer, caption, color) in enumerate(shown):
        row, column = divmod(place, _COLUMNS)
        wall.put(row, column, _glyph_to_rgb(answer.glyph))
        wall.write(row, column, caption, color)
    return wall.png()


def _caption(answer: Prediction) -> str:
    return f"{answer.true} → {answer.read or 'not read'}"


def _glyph_to_rgb(glyph: NDArray[np.uint8]) -> RGBImage:
    """A glyph (28, 28) as black ink on white."""
    return np.repeat(1 - glyph[..., None] / 255, 3, axis=2)


def _influence_to_rgb(explanation: Explanation) -> RGBImage:
    influence = explanation.influence[..., None]
    strength = np.abs(influence) / max(_MIN_INFLUENCE, float(np.abs(influence).max()))
    side = np.where(influence > 0, to_rgb(_FOR_COLOR), to_rgb(_AGAINST_COLOR))
    color = (1 - strength) * np.array(to_rgb(_NEUTRAL_COLOR)) + strength * side
    # The root, or the colours of thin strokes would be lost in the white.
    cover = np.sqrt(explanation.answer.glyph[..., None] / 255)
    return np.asarray(1 - cover + cover * color)
