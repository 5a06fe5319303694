"""The desktop window: draws, reads while drawing, and keeps confirmed or corrected answers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from inkwise._util.errors import InkwiseError
from inkwise._util.text import NOT_A_DIGIT
from inkwise.app.answers import answer_of, labels_text, undo_message
from inkwise.app.drawing_session import DrawingSession
from inkwise.app.window.background_worker import BackgroundWorker
from inkwise.app.window.stroke_canvas import Stroke, StrokeCanvas
from inkwise.app.window.widgets import ACCENT_COLOR, ERROR_COLOR, TEXT_COLOR, WindowWidgets
from inkwise.corrections import Accuracy, Learner, Sample
from inkwise.recognition import Reading

if TYPE_CHECKING:
    import tkinter as tk

_READ_DELAY = 60  # milliseconds between readings while a stroke is drawn; its end is read at once


class Window:
    """One open window."""

    def __init__(self, learner: Learner, writer: str) -> None:
        """Open a window; raises InkwiseError if there is no display."""
        self.widgets = look = WindowWidgets()
        self._learner, self._writer = learner, writer
        self._worker = BackgroundWorker(look.root, partial(look.tell, bad=True))
        self._ink = StrokeCanvas(look.canvas, grew=self._read_later, ended=self._read)
        self._session = DrawingSession()
        self._read_strokes: list[Stroke] = []  # the strokes of the reading; the last may have grown since
        self._read_points: list[Stroke] = []  # their points at the time of the reading
        self._delayed: str | None = None  # id of the timer that starts the next reading
        self._saving = False
        self._shown_damage: str | None = None  # damage of the writer's model version, shown once
        self._backspace_released: int | None = -2  # time of release in milliseconds; None while held
        self._bind()
        self._focus_canvas()
        self._show()
        self._refresh()

    def close(self) -> None:
        """Wait until all answers are kept; raises InkwiseError if they cannot be kept."""
        self._worker.close()

    def _bind(self) -> None:
        look = self.widgets
        for event, act in {
            "<Key>": self._key,
            "<Control-Key>": lambda _: None,  # shortcuts are not labels
            "<Alt-Key>": lambda _: None,
            "<Control-Alt-Key>": self._key,  # AltGr on some systems
            "<<Enter>>": lambda _: self._settled(self._keep),
            "<Escape>": lambda _: self._clear(),
            "<BackSpace>": self._backspace,
            "<KeyRelease-BackSpace>": self._release_backspace,
            "<Left>": lambda _: self._choose(self._session.selected - 1),
            "<Right>": lambda _: self._choose(self._session.selected + 1),
        }.items():
            look.canvas.bind(event, act)
        look.answer.bind("<ButtonPress-1>", lambda event: self._choose(look.digit_at(event.x)))
        look.confirm.configure(command=lambda: self._settled(self._keep))
        look.undo.configure(command=self._undo)
        look.clear.configure(command=self._clear)
        look.join.configure(command=self._join)
        look.read_letters.configure(command=self._switch_letters)
        if self._learner.base.model.reads_letters:  # and nothing else
            look.read_letters.pack_forget()
        look.other.bind("<<Enter>>", lambda _: self._enter_other())
        for event in ("<<Enter>>", "<<ComboboxSelected>>"):
            look.writer.bind(event, lambda _: self._enter_writer())
        look.writer.bind("<FocusOut>", lambda _: self._change_writer())
        for entry in (look.writer, look.other):
            entry.bind("<Escape>", lambda _: self._focus_canvas())

    # Reading

    def _read_later(self) -> None:
        self._delayed = self._delayed or self.widgets.root.after(_READ_DELAY, self._read_growing)

    def _read_growing(self) -> None:
        self._delayed = None
        if self._worker.busy:
            self._read_later()
        elif self._ink.drawing:
            self._read()

    def _read(self, then: Callable[[], None] | None = None) -> None:
        drawing, writer, session = self._ink.strokes, self._writer, self._session
        single, read, points = session.single, list(drawing), [list(stroke) for stroke in drawing]
        letters = self.widgets.letters.get()

        def take(future: Future[Reading]) -> None:
            if drawing is not self._ink.strokes or session is not self._session:
                return  # the drawing has changed since
            if (writer, single, letters) != (self._writer, session.single, self.widgets.letters.get()):
                return
            session.show(future.result())
            self._read_strokes, self._read_points = read, points
            self._show()
            if then:
                then()

        read_drawing = partial(self._learner.read_strokes, letters=letters)
        self._worker.do(partial(read_drawing, writer, points, "digit" if single else None), take)

    def _settled(self, act: Callable[[], None]) -> None:
        """Act on the reading of the complete drawing."""
        if self._ink.drawing or self._saving or not self._ink.strokes:
            return
        if self._read_points == self._ink.strokes:
            act()
        else:
            self._read(act)

    def _edited(self) -> None:
        """Read again after strokes were removed or restored, or are to be read in another way."""
        self._read_points = []
        if self._ink.strokes:
            self._read()
        else:
            self._session = DrawingSession()
            self._show()

    def _show(self) -> None:
        look, session = self.widgets, self._session
        digits, labels = session.digits, session.labels
        colours = [
            ACCENT_COLOR if session.is_corrected(index) else TEXT_COLOR if digit.accepted else ERROR_COLOR
            for index, digit in enumerate(digits)
        ]
        look.show_answer(labels, colours, session.selected)
        digit = digits[session.selected] if digits else None
        look.show_digit(digit, answer_of(digit)[1] if digit else None, session.reason)
        look.mark_label(labels[session.selected] if digits else None)
        look.join.state(["!disabled" if len(digits) > 1 else "disabled"])
        for button in (look.clear, look.confirm):
            button.state(["!disabled" if digits else "disabled"])

    # Answering

    def _key(self, event: tk.Event[tk.Misc]) -> None:
        if len(event.char) == 1 and event.char.isprintable() and not event.char.isspace():
            self._label(event.char)

    def _enter_other(self) -> None:
        label = self.widgets.other.get().strip()
        self._focus_canvas()
        if label:
            self._label(label)

    def _label(self, label: str) -> None:
        def correct() -> None:
            try:
                complete = self._session.correct_number(label) or self._session.correct(label)
            except InkwiseError as error:
                self.widgets.tell(str(error), bad=True)
                return
            self._show()
            if complete:
                self._keep()

        self._settled(correct)

    def _choose(self, index: int) -> None:
        self._session.choose(index)
        self._show()

    def _join(self) -> None:
        self._session.join()
        self._edited()

    def _keep(self) -> None:
        if self._saving or not self._session.digits:
            return
        drawn, labels = self._read_strokes, labels_text(self._session.labels)

        def kept(future: Future[list[Sample]]) -> None:
            self._saving = False
            future.result()
            self._ink.drop(drawn)
            self._session = DrawingSession()
            self._edited()
            self.widgets.tell(f"saved as {labels}; Backspace undoes it")
            self._refresh()

        self._saving = True
        answers = self._session.answers(self._read_points)
        self._worker.do(partial(self._learner.keep, self._writer, "canvas", answers), kept)

    # Undo

    def _clear(self) -> None:
        if self._ink.strokes:
            self._ink.clear()
            self._edited()

    def _backspace(self, event: tk.Event[tk.Misc]) -> None:
        # A held key repeats, on some systems with a release each time. It may undo strokes, not answers.
        held = self._backspace_released is None or event.time - self._backspace_released <= 1
        self._backspace_released = None
        if self._ink.strokes or not held:
            self._undo()

    def _release_backspace(self, event: tk.Event[tk.Misc]) -> None:
        self._backspace_released = event.time

    def _undo(self) -> None:
        """Undo the last stroke, the clearing, or the last answer."""
        if self._ink.drawing or self._saving:
            return
        if self._ink.undo():
            self._session.truncate(len(self._ink.strokes))
            self._edited()
        else:
            writer = self._writer
            self._worker.do(lambda: self._learner.store.undo_answer(writer), self._undone)

    def _undone(self, future: Future[list[Sample]]) -> None:
        samples = future.result()[::-1]  # in the order of the digits
        if samples:
            self._refresh()
            strokes = [stroke for sample in samples if sample.deleted for stroke in sample.strokes or ()]
            if strokes and not self._ink.strokes:
                self._ink.put(strokes)
                self._edited()
        self.widgets.tell(undo_message(samples))

    def _switch_letters(self) -> None:
        self._refresh()
        self._edited()

    # The writer

    def _focus_canvas(self) -> None:
        """Focus the drawing and discard unfinished input."""
        self.widgets.writer.set(self._writer)
        self.widgets.other.delete(0, "end")
        self.widgets.canvas.focus_set()

    def _enter_writer(self) -> None:
        self._change_writer()
        self._focus_canvas()

    def _change_writer(self) -> None:
        writer = self.widgets.writer.get().strip()
        if writer and writer != self._writer:
            self._writer = writer
            self._refresh()
            self._edited()
        self.widgets.writer.set(self._writer)

    def _refresh(self) -> None:
        """Show the writer's labels and accuracy; also adapts the model before the next reading."""
        writer, learner, letters = self._writer, self._learner, self.widgets.letters.get()

        def show_labels(future: Future[tuple[tuple[str, ...], str | None]]) -> None:
            labels, damage = future.result()
            self.widgets.show_labels(list(dict.fromkeys((*labels, NOT_A_DIGIT))), self._label)
            self._show()
            if damage and damage != self._shown_damage:
                self.widgets.tell(damage, bad=True)
            self._shown_damage = damage

        def show_accuracy(future: Future[tuple[Accuracy, Accuracy, list[str]]]) -> None:
            accuracy, numbers, writers = future.result()
            self.widgets.show_accuracy(accuracy, numbers)
            self.widgets.writer.configure(values=writers)

        self._worker.do(
            lambda: (learner.recognizer(writer, letters=letters).labels, learner.damage(writer)), show_labels
        )
        self._worker.do(
            lambda: (
                learner.store.accuracy(writer),
                learner.store.number_accuracy(writer),
                learner.store.writers(),
            ),
            show_accuracy,
        )
