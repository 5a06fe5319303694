"""The canvas of the desktop window: strokes in canvas pixels, and the lines that show them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from inkwise.app.window.widgets import MUTED_COLOR, TEXT_COLOR

if TYPE_CHECKING:
    import tkinter as tk

Stroke = list[tuple[float, float]]

_FIT_SHARE = 0.8  # share of the canvas that strokes are fitted to


class StrokeCanvas:
    """The strokes of a drawing.

    Attributes:
        strokes: Grows while the user draws; replaced by another list when strokes are removed or restored.
        drawing: Whether the pen is down.
    """

    def __init__(self, canvas: tk.Canvas, grew: Callable[[], None], ended: Callable[[], None]) -> None:
        """Draw on a canvas; `grew` is called at each point, `ended` at the end of each stroke."""
        self.strokes: list[Stroke] = []
        self.drawing = False
        self._cleared: list[Stroke] = []
        self._canvas, self._grew, self._ended = canvas, grew, ended
        canvas.bind("<ButtonPress-1>", self._press)
        canvas.bind("<B1-Motion>", self._drag)
        canvas.bind("<ButtonRelease-1>", self._release)
        canvas.bind("<Configure>", lambda _: self._redraw())

    def undo(self) -> bool:
        """Remove the last stroke, or restore cleared ones; return False if there are neither."""
        if self.strokes:
            self._put(self.strokes[:-1])
        elif self._cleared:
            self._put(self._cleared)
        else:
            return False
        return True

    def clear(self) -> None:
        """Remove all strokes."""
        cleared = self.strokes
        self._put([])
        self._cleared = cleared

    def drop(self, saved: list[Stroke]) -> None:
        """Remove saved strokes; a stroke begun since remains."""
        drawing = self.drawing and not any(self.strokes[-1] is stroke for stroke in saved)
        self._put([stroke for stroke in self.strokes if not any(stroke is one for one in saved)])
        self.drawing = drawing

    def put(self, strokes: Sequence[Sequence[Sequence[float]]]) -> None:
        """Replace the drawing by strokes of another canvas, scaled if they do not fit."""
        points = np.concatenate([np.asarray(stroke) for stroke in strokes])
        low, high = points.min(0), points.max(0)
        room = np.array([self._canvas.winfo_width(), self._canvas.winfo_height()])
        middle, scale = (low + high) / 2, 1.0
        if (low < 0).any() or (high > room).any():
            middle, scale = room / 2, _FIT_SHARE * float((room / np.maximum(high - low, 1e-9)).min())
        moved = [(np.asarray(stroke) - (low + high) / 2) * scale + middle for stroke in strokes]
        self._put([[(x, y) for x, y in stroke.tolist()] for stroke in moved])

    def _put(self, strokes: list[Stroke]) -> None:
        self.strokes, self._cleared, self.drawing = strokes, [], False
        self._redraw()

    def _press(self, event: tk.Event[tk.Misc]) -> None:
        self._canvas.focus_set()
        self._canvas.delete("hint")
        self._cleared, self.drawing = [], True
        self.strokes.append([])
        self._drag(event)

    def _drag(self, event: tk.Event[tk.Misc]) -> None:
        if self.drawing:  # False after clearing
            self.strokes[-1].append((event.x, event.y))
            self._line(self.strokes[-1][-2:])
            self._grew()

    def _release(self, event: tk.Event[tk.Misc]) -> None:
        if self.drawing:
            self.drawing = False
            self._ended()

    def _line(self, points: Stroke) -> None:
        self._canvas.create_line(points[0], points[-1], width="6p", fill=TEXT_COLOR, capstyle="round")

    def _redraw(self) -> None:
        self._canvas.delete("all")
        if not self.strokes:
            middle = self._canvas.winfo_width() // 2, self._canvas.winfo_height() // 2
            self._canvas.create_text(middle, text="draw a digit, or a number", fill=MUTED_COLOR, tags="hint")
        for stroke in self.strokes:
            for i in range(len(stroke)):
                self._line(stroke[max(i - 1, 0) : i + 1])
