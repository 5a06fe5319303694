"""The loop: what is drawn is read, what is read is said to be right or corrected, what is said is kept."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from inkwise.app.window.background_worker import BackgroundWorker
from inkwise.app.window.stroke_canvas import Stroke, StrokeCanvas
from inkwise.app.window.widgets import ACCENT_COLOR, ERROR_COLOR, TEXT_COLOR, WindowWidgets
from inkwise.corrections import Accuracy, LabelledAnswer, Learner, Sample
from inkwise.recognition import Digit, Reading

if TYPE_CHECKING:
    import tkinter as tk

_READ_DELAY = 60  # milliseconds between readings while a stroke is drawn; its end does not wait


class Window:
    """One open window."""

    def __init__(self, learner: Learner, writer: str) -> None:
        """Open it.

        Raises:
            InkwiseError: there is no display.
        """
        self.widgets = look = WindowWidgets()
        self._learner, self._writer = learner, writer
        self._worker = BackgroundWorker(look.root, partial(look.tell, bad=True))
        self._ink = StrokeCanvas(look.canvas, grew=self._rest, ended=self._read)
        self._read_strokes: list[Stroke] = []  # those that were read; one may have been begun since
        self._read_from: list[Stroke] = []  # as they were when they were read
        self._resting: str | None = None
        self._saving = False
        self._damage: str | None = None  # of the writer's version, as it was told
        self._backspace_up: int | None = -2  # when it was let go, milliseconds; None while it is down
        self._forget()
        self._bind()
        self._leave()
        self._show()
        self._refresh()

    def close(self) -> None:
        """Wait until all that was answered is kept.

        Raises:
            InkwiseError: it cannot be.
        """
        self._worker.close()

    def _bind(self) -> None:
        look = self.widgets
        for event, act in {
            "<Key>": self._key,
            "<Control-Key>": lambda _: None,  # a shortcut is no label
            "<Alt-Key>": lambda _: None,
            "<Control-Alt-Key>": self._key,  # some systems say so for AltGr
            "<<Enter>>": lambda _: self._next(),
            "<Escape>": lambda _: self._clear(),
            "<BackSpace>": self._backspace,
            "<KeyRelease-BackSpace>": self._let_go,
            "<Left>": lambda _: self._choose(self._selected - 1),
            "<Right>": lambda _: self._choose(self._selected + 1),
        }.items():
            look.canvas.bind(event, act)
        look.answer.bind("<ButtonPress-1>", lambda event: self._choose(look.digit_at(event.x)))
        look.next.configure(command=self._next)
        look.undo.configure(command=self._undo)
        look.clear.configure(command=self._clear)
        look.join.configure(command=self._join)
        look.other.bind("<<Enter>>", lambda _: self._take_other())
        for event in ("<<Enter>>", "<<ComboboxSelected>>"):
            look.writer.bind(event, lambda _: self._take_writer())
        look.writer.bind("<FocusOut>", lambda _: self._change_writer())
        for entry in (look.writer, look.other):
            entry.bind("<Escape>", lambda _: self._leave())

    # Reading

    def _forget(self) -> None:
        self._reading: Reading | None = None
        self._corrections: dict[tuple[int, ...], str] = {}  # by its strokes, so that it outlives the reading
        self._selected = 0
        self._selected_by_hand = self._single = False

    def _rest(self) -> None:
        self._resting = self._resting or self.widgets.root.after(_READ_DELAY, self._rested)

    def _rested(self) -> None:
        self._resting = None
        if self._worker.busy:
            self._rest()
        elif self._ink.drawing:
            self._read()

    def _read(self, then: Callable[[], None] | None = None) -> None:
        drawing, writer, single = self._ink.strokes, self._writer, self._single
        read, strokes = list(drawing), [list(stroke) for stroke in drawing]

        def take(future: Future[Reading]) -> None:
            if drawing is not self._ink.strokes or (writer, single) != (self._writer, self._single):
                return  # something else is asked by now
            self._reading, self._read_strokes, self._read_from = future.result(), read, strokes
            doubtful = [i for i, digit in enumerate(self._digits) if not digit.accepted]
            if not self._selected_by_hand or self._selected >= len(self._digits):
                self._selected = min(doubtful, default=0)
            self._show()
            if then:
                then()

        self._worker.do(partial(self._learner.read_strokes, writer, strokes, single=single), take)

    def _settled(self, act: Callable[[], None]) -> None:
        """Act on the reading of the drawing as it is now."""
        if self._ink.drawing or self._saving or not self._ink.strokes:
            return
        if self._read_from == self._ink.strokes:
            act()
        else:
            self._read(act)

    def _edited(self) -> None:
        """Strokes went or came back, or are to be read in another way."""
        self._read_from = []
        if self._ink.strokes:
            self._read()
        else:
            self._forget()
            self._show()

    @property
    def _digits(self) -> tuple[Digit, ...]:
        return self._reading.digits if self._reading else ()

    def _label(self, digit: Digit) -> str:
        return self._corrections.get(digit.strokes or (), digit.label)

    def _show(self) -> None:
        look, digits = self.widgets, self._digits
        digit = digits[self._selected] if digits else None
        colours = [
            ACCENT_COLOR
            if digit.strokes in self._corrections
            else TEXT_COLOR
            if digit.accepted
            else ERROR_COLOR
            for digit in digits
        ]
        look.show_answer([self._label(digit) for digit in digits], colours, self._selected)
        look.show_digit(digit, (self._reading and self._reading.reason) or "")
        look.mark_label(self._label(digit) if digit else None)
        look.join.state(["!disabled" if len(digits) > 1 else "disabled"])
        for button in (look.clear, look.next):
            button.state(["!disabled" if digits else "disabled"])

    # Answering

    def _key(self, event: tk.Event[tk.Misc]) -> None:
        if len(event.char) == 1 and event.char.isprintable() and not event.char.isspace():
            self._say(event.char)

    def _take_other(self) -> None:
        label = self.widgets.other.get().strip()
        self._leave()
        if label:
            self._say(label)

    def _say(self, label: str) -> None:
        self._settled(partial(self._correct, label))

    def _correct(self, label: str) -> None:
        self._corrections[self._digits[self._selected].strokes or ()] = label
        one = len(self._digits) == 1
        self._choose(min(self._selected + 1, len(self._digits) - 1))
        if one:
            self._keep()

    def _choose(self, number: int) -> None:
        if 0 <= number < len(self._digits):
            self._selected, self._selected_by_hand = number, True
            self._show()

    def _join(self) -> None:
        self._single = True
        self._corrections = {}
        self._edited()

    def _next(self) -> None:
        self._settled(self._keep)

    def _keep(self) -> None:
        if self._saving or not self._reading:
            return
        drawn, labels = self._read_strokes, [self._label(digit) for digit in self._digits]
        answers = [
            LabelledAnswer(
                label,
                [self._read_from[i] for i in digit.strokes or ()],
                answer=digit.label,
                probability=digit.probability,
                model=self._reading.model,
            )
            for label, digit in zip(labels, self._digits, strict=True)
        ]

        def kept(future: Future[list[Sample]]) -> None:
            self._saving = False
            future.result()
            self._ink.drop(drawn)
            self._forget()
            self._edited()
            self.widgets.tell(f"saved as {''.join(labels)}; Backspace takes it back")
            self._refresh()

        self._saving = True
        self._worker.do(partial(self._learner.keep, self._writer, "canvas", answers), kept)

    # Taking back

    def _clear(self) -> None:
        if self._ink.strokes:
            self._ink.clear()
            self._edited()

    def _backspace(self, event: tk.Event[tk.Misc]) -> None:
        # A key that is held repeats, on some systems as if it were let go each time: it may eat what is
        # drawn, but not answer after answer.
        held = self._backspace_up is None or event.time - self._backspace_up <= 1
        self._backspace_up = None
        if self._ink.strokes or not held:
            self._undo()

    def _let_go(self, event: tk.Event[tk.Misc]) -> None:
        self._backspace_up = event.time

    def _undo(self) -> None:
        """Take back the last stroke, the clearing, or the last answer."""
        if self._ink.drawing or self._saving:
            return
        if self._ink.undo():
            made = len(self._ink.strokes)  # the number that the next stroke will have
            self._corrections = {of: label for of, label in self._corrections.items() if made not in of}
            self._edited()
        else:
            writer = self._writer
            self._worker.do(lambda: self._learner.store.undo(writer), self._take_back)

    def _take_back(self, future: Future[Sample | None]) -> None:
        sample = future.result()
        if sample is None:
            return self.widgets.tell("nothing left to undo")
        self._refresh()
        if not sample.deleted:
            return self.widgets.tell(f"undone: it is {sample.label or 'unlabelled'} again")
        if sample.strokes and not self._ink.strokes:
            self._ink.put(sample.strokes)
            self._edited()
        return self.widgets.tell(f"the answer {sample.label} was taken back")

    # Who draws

    def _leave(self) -> None:
        """Back to the drawing; what was typed and not said is gone."""
        self.widgets.writer.set(self._writer)
        self.widgets.other.delete(0, "end")
        self.widgets.canvas.focus_set()

    def _take_writer(self) -> None:
        self._change_writer()
        self._leave()

    def _change_writer(self) -> None:
        writer = self.widgets.writer.get().strip()
        if writer and writer != self._writer:
            self._writer = writer
            self._refresh()
            self._edited()
        self.widgets.writer.set(self._writer)

    def _refresh(self) -> None:
        """Show what this writer taught by now; it makes the memory ready for the next reading, too."""
        writer = self._writer

        def count() -> tuple[Accuracy, list[str]]:
            return self._learner.store.accuracy(writer), self._learner.store.writers()

        def know() -> tuple[tuple[str, ...], str | None]:
            return self._learner.recognizer(writer).labels, self._learner.damage(writer)

        def show_known(future: Future[tuple[tuple[str, ...], str | None]]) -> None:
            labels, damage = future.result()
            self.widgets.show_labels(labels, self._say)
            self._show()
            if damage and damage != self._damage:
                self.widgets.tell(damage, bad=True)
            self._damage = damage

        def show_count(future: Future[tuple[Accuracy, list[str]]]) -> None:
            accuracy, writers = future.result()
            self.widgets.show_accuracy(accuracy)
            self.widgets.writer.configure(values=writers)

        self._worker.do(know, show_known)
        self._worker.do(count, show_count)
