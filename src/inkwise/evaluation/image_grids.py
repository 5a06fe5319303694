"""Figures of many glyphs with captions, each returned as the bytes of a PNG on white."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from inkwise.evaluation.plots import BLUE, DPI, GREY, PALE, RED, figure_to_png, new_figure
from inkwise.evaluation.results import MAX_SHOWN, Explanation, Prediction

RGBImage = NDArray[np.floating[Any]]  # (h, w, 3), 0..1

_COLUMNS = 8
_ZOOM = 4  # pixels of the figure per glyph pixel
_TILE, _GAP, _CAPTION = 28, 4, 9  # glyph pixels
_MAX_EXPLANATION_COLUMNS = 9  # of explanations side by side, each followed by an empty column
_FOR_COLOR, _AGAINST_COLOR, _NEUTRAL_COLOR = "#1456b8", "#d92b1c", "#d2d2cc"  # of ink, by its influence
_MIN_INFLUENCE = 0.5  # nats of log-odds below which ink stays pale


def mistakes_plot(mistakes: Sequence[Prediction]) -> bytes:
    """Draw the first 40 mistakes, each with "true → read" and the probability of the answer."""
    return _captioned_plot(
        [(m, f"{_caption(m)}  ({m.probability:.0%})" if m.read else _caption(m), "black") for m in mistakes]
    )


def predictions_plot(answers: Sequence[Prediction]) -> bytes:
    """Draw the first 40 answers, each with "true → read", red if wrong."""
    return _captioned_plot([(a, _caption(a), "black" if a.read == a.true else RED) for a in answers])


def explanations_plot(explanations: Sequence[Explanation]) -> bytes:
    """Draw a row per explanation, at least one: the glyph, its ink by influence, its neighbours.

    Ink that supports the answer is blue, ink that opposes it red, stronger colours have more influence; other
    ink is grey. The label of a neighbour is blue if it equals the answer, else red.
    """
    width = 2 + max(len(explanation.neighbours) for explanation in explanations)
    abreast = min(len(explanations), max(1, _MAX_EXPLANATION_COLUMNS // (width + 1)))
    grid = _ImageGrid(math.ceil(len(explanations) / abreast), abreast * (width + 1) - 1)
    for place, explanation in enumerate(explanations):
        row, block = divmod(place, abreast)
        left, answer = block * (width + 1), explanation.answer
        caption = _caption(answer) if answer.true else answer.read
        grid.add(row, left, _glyph_to_rgb(answer.glyph), f"{caption}  ({answer.probability:.1%})")
        grid.add(row, left + 1, _influence_to_rgb(explanation))
        grid.write(row, left + 1, f"for {answer.read}", BLUE, at=0.25)
        against = "against" if explanation.against is None else f"for {explanation.against}"
        grid.write(row, left + 1, against, RED, at=0.75)
        for column, near in enumerate(explanation.neighbours, start=left + 2):
            color = BLUE if near.label == answer.read else RED
            grid.add(row, column, _glyph_to_rgb(near.glyph), near.label, color)
    return grid.png()


class _ImageGrid:
    """Tiles in rows and columns, with room for a caption below each.

    They are drawn into one image of the figure's own pixels; axes would be laid out and resampled for longer.
    """

    def __init__(self, rows: int, columns: int) -> None:
        self._width, self._height = columns * (_TILE + _GAP), rows * (_TILE + _GAP + _CAPTION)
        self._canvas = np.full((_ZOOM * self._height, _ZOOM * self._width, 3), 255, np.uint8)
        # half a pixel more, as sizes are rounded down
        width, height = ((_ZOOM * side + 0.5) / DPI for side in (self._width, self._height))
        self._fig = Figure((width, height))

    def add(self, row: int, column: int, tile: RGBImage, caption: str = "", color: str = "black") -> None:
        """Place a tile (28, 28, 3) and its caption."""
        top, left = (_ZOOM * place for place in self._corner(row, column))
        bottom, right = top + _ZOOM * _TILE, left + _ZOOM * _TILE
        self._canvas[top - 1 : bottom + 1, left - 1 : right + 1] = np.multiply(to_rgb(PALE), 255)
        pixels = np.rint(255 * tile).repeat(_ZOOM, 0).repeat(_ZOOM, 1)
        self._canvas[top:bottom, left:right] = pixels
        self.write(row, column, caption, color)

    def write(self, row: int, column: int, text: str, color: str, at: float = 0.5) -> None:
        """Write below a tile, centred at a fraction of its width."""
        top, left = self._corner(row, column)
        x, y = (left + at * _TILE) / self._width, 1 - (top + _TILE + _CAPTION / 2) / self._height
        self._fig.text(x, y, text, ha="center", va="center", fontsize=8.5, color=color, parse_math=False)

    def _corner(self, row: int, column: int) -> tuple[int, int]:
        return row * (_TILE + _GAP + _CAPTION) + _GAP // 2, column * (_TILE + _GAP) + _GAP // 2

    def png(self) -> bytes:
        """Render the figure."""
        self._fig.figimage(self._canvas)
        return figure_to_png(self._fig)


def _captioned_plot(captioned: Sequence[tuple[Prediction, str, str]]) -> bytes:
    shown = captioned[:MAX_SHOWN]
    if not shown:
        fig, ax = new_figure(4, 1)
        ax.axis("off")
        ax.text(0.5, 0.5, "no mistakes", ha="center", va="center", color=GREY, fontsize=13)
        return figure_to_png(fig)
    grid = _ImageGrid(math.ceil(len(shown) / _COLUMNS), min(_COLUMNS, len(shown)))
    for place, (answer, caption, color) in enumerate(shown):
        grid.add(*divmod(place, _COLUMNS), _glyph_to_rgb(answer.glyph), caption, color)
    return grid.png()


def _caption(answer: Prediction) -> str:
    return f"{answer.true} → {answer.read or 'not read'}"


def _glyph_to_rgb(glyph: NDArray[np.uint8]) -> RGBImage:
    """Draw a glyph (28, 28) as black ink on white."""
    return np.repeat(1 - glyph[..., None] / 255, 3, axis=2)


def _influence_to_rgb(explanation: Explanation) -> RGBImage:
    influence = explanation.influence[..., None]
    strength = np.abs(influence) / max(_MIN_INFLUENCE, float(np.abs(influence).max()))
    side = np.where(influence > 0, to_rgb(_FOR_COLOR), to_rgb(_AGAINST_COLOR))
    color = (1 - strength) * np.array(to_rgb(_NEUTRAL_COLOR)) + strength * side
    # The root keeps the colours of thin strokes visible.
    cover = np.sqrt(explanation.answer.glyph[..., None] / 255)
    return 1 - cover + cover * color
