"""The widgets of the desktop window: layout, style, and how they show values."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Sequence

import numpy as np

from inkwise._util.errors import InkwiseError
from inkwise._util.text import NOT_A_DIGIT
from inkwise.corrections import Accuracy
from inkwise.preprocessing import GLYPH_SIDE
from inkwise.recognition import Digit

try:
    import tkinter as tk
    from tkinter import font, ttk
except ImportError as missing:
    raise InkwiseError(
        "the window needs tkinter: install it (Debian: apt install python3-tk), or use `inkwise app`"
    ) from missing

_KEYS_HINT = "Type a label to correct it. Enter: confirm."

TEXT_COLOR, MUTED_COLOR, ACCENT_COLOR, ERROR_COLOR = "#1b1c22", "#62636d", "#3a4fb8", "#b3271e"

_BACKGROUND_COLOR, _CANVAS_COLOR, _BORDER_COLOR, _SELECTION_COLOR = "#f6f5f1", "#ffffff", "#dcdad3", "#dfe4f8"


class WindowWidgets:
    """All widgets. Lengths are in points, so that they scale with the screen's resolution."""

    def __init__(self) -> None:
        """Open a window; raises InkwiseError if there is no display."""
        try:
            self.root = root = tk.Tk(className="Inkwise")
        except tk.TclError as error:
            line = f"the window needs a display: {error}; without one, use `inkwise app`"
            raise InkwiseError(line) from None
        self._points = _apply_style(root)
        screen = root.winfo_screenwidth(), root.winfo_screenheight()
        width, height = (
            min(round(size * self._points), most) for size, most in zip((570, 420), screen, strict=True)
        )
        root.geometry(f"{width}x{height}")
        root.title("Inkwise")
        body = ttk.Frame(root, padding="9p")
        body.pack(fill="both", expand=True)
        body.columnconfigure(0, weight=1)
        body.rowconfigure(1, weight=1)

        top = ttk.Frame(body)
        top.grid(columnspan=2, sticky="ew", pady=("0p", "7p"))
        ttk.Label(top, text="Inkwise", style="Title.TLabel").pack(side="left")
        self.writer = ttk.Combobox(top, width=16)
        self.writer.pack(side="right")
        ttk.Label(top, text="Writer", style="Quiet.TLabel").pack(side="right", padx="5p")
        self.letters = tk.BooleanVar(root)
        self.read_letters = ttk.Checkbutton(top, text="letters", variable=self.letters, takefocus=False)
        self.read_letters.pack(side="right", padx="9p")

        # With a minimal requested size it gets the space that the other widgets leave.
        self.canvas = _make_canvas(body, width=1, height=1, cursor="pencil", takefocus=True)
        self.canvas.grid(row=1, sticky="nsew")
        root.event_add("<<Enter>>", "<Return>", "<KP_Enter>")
        self._lay_side(ttk.Frame(body))

        row = ttk.Frame(body)
        row.grid(columnspan=2, sticky="ew", pady="7p")
        self.other = ttk.Entry(row, width=10)
        self.other.pack(side="right", anchor="n")
        other = ttk.Label(row, text="other", style="Quiet.TLabel")
        other.pack(side="right", anchor="n", padx="5p", pady="3p")
        self._row = ttk.Frame(row)
        self._row.pack(side="left", fill="x", expand=True)
        self._row.bind("<Configure>", lambda _: self._arrange())
        self.labels: dict[str, ttk.Button] = {}

        foot = ttk.Frame(body)
        foot.grid(columnspan=2, sticky="ew")
        self.accuracy = ttk.Label(foot)
        self.accuracy.pack(side="right", anchor="s")
        self.status = ttk.Label(foot, text=_KEYS_HINT, style="Quiet.TLabel")
        self.status.pack(side="left", fill="x", expand=True)
        self.status.bind("<Configure>", lambda event: self.status.configure(wraplength=event.width))

    def _lay_side(self, side: ttk.Frame) -> None:
        side.grid(row=1, column=1, sticky="ns", padx=("9p", "0p"))
        self.confirm = _make_button(side, text="Confirm", style="Main.TButton")
        self.confirm.pack(side="bottom", fill="x")
        tools = ttk.Frame(side)
        tools.pack(side="bottom", fill="x", pady="5p")
        self.undo, self.clear, self.join = (
            _make_button(tools, text=name) for name in ("Undo", "Clear", "Join")
        )
        for column, button in enumerate((self.undo, self.clear, self.join)):
            button.grid(row=0, column=column, sticky="ew", padx=(f"{4 * (column > 0)}p", "0p"))
            tools.columnconfigure(column, weight=1)

        self.answer = _make_canvas(side, width="165p", height="66p")
        self.answer.pack()
        self._ends: list[int] = []  # x at which each digit of the answer ends
        self._font = font.nametofont("TkDefaultFont", side).copy()
        self._font.configure(weight="bold")

        seen = ttk.Frame(side)
        seen.pack(fill="x", pady="7p")
        self._zoom = max(1, round(2.25 * self._points))
        self.glyph = tk.PhotoImage(master=side)
        ttk.Label(seen, image=self.glyph, style="Glyph.TLabel").pack(side="left", padx=("0p", "7p"))
        self.probability = ttk.Label(seen, style="Title.TLabel")
        self.probability.pack(anchor="w")
        self.reason = ttk.Label(seen, style="Bad.TLabel", wraplength="90p")
        self.reason.pack(anchor="w")
        ttk.Label(seen, text="model input", style="Quiet.TLabel").pack(side="bottom", anchor="w")

    def show_answer(self, labels: list[str], colours: list[str], selected: int) -> None:
        """Show the labels in large type; the selected one of several is underlined."""
        self.answer.delete("all")
        width, height = self.answer.winfo_reqwidth(), self.answer.winfo_reqheight()
        alone = len(labels) == 1
        texts = [_short(label) if alone or label != NOT_A_DIGIT else "?" for label in labels]
        self._font.configure(size=-round(min(0.7 * height, 1.4 * width / (len("".join(texts)) + 1))))
        widths = [self._font.measure(text) for text in texts]
        x, gap = (width - sum(widths)) // 2, height // 30
        self._ends = []
        for i, (text, wide, colour) in enumerate(zip(texts, widths, colours, strict=True)):
            self.answer.create_text(x, height // 2, text=text, anchor="w", font=self._font, fill=colour)
            if i == selected and len(texts) > 1:
                below = height - 3 * gap
                self.answer.create_line(x + gap, below, x + wide - gap, below, width="2p", fill=ACCENT_COLOR)
            x += wide
            self._ends.append(x)

    def digit_at(self, x: int) -> int:
        """Return the index of the digit of the answer at x."""
        return bisect(self._ends[:-1], x)

    def show_digit(self, digit: Digit | None, probability: float | None, reason: str) -> None:
        """Show a digit's glyph, the probability of the answer, and why the reading is not accepted."""
        self.probability.configure(text="" if probability is None else _percent(probability))
        self.reason.configure(text=reason)
        paper = 255 - digit.glyph if digit else np.full((GLYPH_SIDE, GLYPH_SIDE), 255, np.uint8)
        large = paper.repeat(self._zoom, 0).repeat(self._zoom, 1)
        self.glyph.configure(data=b"P5 %d %d 255\n" % large.shape + large.tobytes())

    def show_labels(self, labels: Sequence[str], press: Callable[[str], None]) -> None:
        """Show a button for each label; `press` is called with the label of a pressed one."""
        if list(self.labels) == list(labels):
            return
        for button in self.labels.values():
            button.destroy()
        self.labels = {
            label: _make_button(self._row, text=_short(label), command=lambda label=label: press(label))  # type: ignore[misc]
            for label in labels
        }
        self._arrange()

    def mark_label(self, chosen: str | None) -> None:
        """Highlight the label that will be kept."""
        for label, button in self.labels.items():
            button.configure(style="Chosen.TButton" if label == chosen else "TButton")

    def show_accuracy(self, accuracy: Accuracy, numbers: Accuracy) -> None:
        """Show the share of digits read right, with its 95 % interval, and the numbers if there are any."""
        text = "no answers yet"
        if accuracy.interval:
            low, high = (round(100 * end) for end in accuracy.interval)
            share = _percent(accuracy.share)
            what, whole = "right", ""
            if numbers.n:
                what, whole = "digits right", f" · {numbers.right} of {numbers.n} numbers"
            text = f"{accuracy.right} of {accuracy.n} {what} · {share} ({low}–{high} %){whole}"
        self.accuracy.configure(text=text)

    def tell(self, text: str, *, bad: bool = False) -> None:
        """Show one line at the bottom."""
        self.status.configure(text=text, style="Bad.TLabel" if bad else "Quiet.TLabel")

    def _arrange(self) -> None:
        """Arrange the label buttons in up to three rows; other labels can be typed."""
        gap = round(3 * self._points)
        x = y = high = 0
        for button in self.labels.values():
            wide, high = button.winfo_reqwidth(), button.winfo_reqheight()
            if x and x + wide > self._row.winfo_width():
                x, y = 0, y + high + gap
            button.place(x=x, y=y)
            x += wide + gap
        self._row.configure(height=min(y + high, 3 * (high + gap)))


def _apply_style(root: tk.Tk) -> float:
    """Set fonts and colours; return the number of pixels per point."""
    points = float(root.tk.call("tk", "scaling"))
    for name in ("TkDefaultFont", "TkTextFont"):
        font.nametofont(name, root).configure(size=10)
    root.configure(background=_BACKGROUND_COLOR)
    root.option_add("*TCombobox*Listbox.font", "TkTextFont")
    style = ttk.Style(root)
    style.theme_use("clam")
    style.configure(".", background=_BACKGROUND_COLOR, foreground=TEXT_COLOR)
    style.configure(".", bordercolor=_BORDER_COLOR, focuscolor=ACCENT_COLOR)
    style.configure("TEntry", padding="3p")
    style.configure("TCombobox", padding="3p", arrowsize=round(10 * points))
    for name, ground, ink in (
        ("TButton", _CANVAS_COLOR, TEXT_COLOR),
        ("Chosen.TButton", _SELECTION_COLOR, TEXT_COLOR),
        ("Main.TButton", ACCENT_COLOR, _CANVAS_COLOR),
    ):
        style.configure(name, background=ground, foreground=ink, padding="4p", width=-2)
        style.configure(name, lightcolor=ground, darkcolor=ground)
        grounds = [("disabled", _BACKGROUND_COLOR), ("active", _SELECTION_COLOR)]
        style.map(name, background=grounds, lightcolor=grounds, darkcolor=grounds)
        style.map(name, foreground=[("disabled", MUTED_COLOR), ("active", TEXT_COLOR)])
    style.configure("Main.TButton", bordercolor=ACCENT_COLOR)
    style.map("Main.TButton", bordercolor=[("disabled", _BORDER_COLOR)])
    style.configure("Quiet.TLabel", foreground=MUTED_COLOR)
    style.configure("Bad.TLabel", foreground=ERROR_COLOR)
    style.configure("Title.TLabel", font=("TkDefaultFont", 14, "bold"))
    style.configure("Glyph.TLabel", background=_BORDER_COLOR, padding=1)
    return points


def _make_canvas(parent: tk.Misc, **options: int | str | bool) -> tk.Canvas:
    return tk.Canvas(
        parent,
        background=_CANVAS_COLOR,
        highlightthickness=1,
        highlightbackground=_BORDER_COLOR,
        highlightcolor=ACCENT_COLOR,
        **options,  # type: ignore[arg-type]
    )


def _make_button(
    parent: tk.Misc, text: str, style: str = "TButton", command: Callable[[], None] | str = ""
) -> ttk.Button:
    # The keyboard focus stays with the canvas.
    return ttk.Button(parent, text=text, style=style, command=command, takefocus=False)


def _short(label: str) -> str:
    return label if len(label) <= 8 or label == NOT_A_DIGIT else f"{label[:7]}…"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
