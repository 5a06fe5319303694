"""A virtual display of 640x480, and a driver of the window on it."""

import gc
import importlib.util
import os
import shutil
import subprocess
import time

import pytest
from extras import lacking

from inkwise.corrections import Learner


@pytest.fixture(scope="session")  # Tk ends the process if its display has gone
def display():
    """The name of a display; a virtual one if Xvfb is installed."""
    own, given = shutil.which("Xvfb"), os.environ.get("DISPLAY")
    if not importlib.util.find_spec("tkinter"):
        lacking("tkinter is not installed (Debian: apt install python3-tk)")
    if not own and not given:
        lacking("there is neither Xvfb (Debian: apt install xvfb) nor a display to show the window on")
    if not own:
        yield given
        return
    told, tell = os.pipe()
    command = [
        "Xvfb",
        "-displayfd",
        str(tell),
        "-screen",
        "0",
        "640x480x24",
        "-dpi",
        "96",
        "-nolisten",
        "tcp",
    ]
    server = subprocess.Popen(command, pass_fds=[tell], stderr=subprocess.DEVNULL)
    os.close(tell)
    with os.fdopen(told) as number:
        yield f":{number.readline().strip()}"
    server.terminate()
    server.wait()


class Driver:
    """Operates a window by events."""

    def __init__(self, window):
        self.window, self.widgets = window, window.widgets
        self.failures = []
        self.widgets.root.report_callback_exception = lambda *failure: self.failures.append(failure)
        self.widgets.root.focus_force()
        self.clock = 0
        self.until(lambda: self.widgets.labels and self.widgets.canvas.winfo_width() > 100)
        self.rest()

    def until(self, true):
        end = time.monotonic() + 20
        while not true():
            self.widgets.root.update()
            assert not self.failures, self.failures
            assert time.monotonic() < end, "nothing came of it"
            time.sleep(0.001)

    def rest(self):
        """Wait until all jobs are done."""
        self.until(lambda: not self.window._worker.busy)
        self.widgets.root.update()

    def press(self, points):
        self.widgets.canvas.event_generate("<ButtonPress-1>", x=points[0][0], y=points[0][1])
        for x, y in points[1:]:
            self.widgets.canvas.event_generate("<B1-Motion>", x=x, y=y)

    def release(self):
        self.widgets.canvas.event_generate("<ButtonRelease-1>")

    def draw(self, strokes):
        for stroke in strokes:
            self.press(stroke)
            self.release()
        self.rest()

    def key(self, name, widget=None, up=True, wait=True):
        self.clock += 100
        (widget or self.widgets.canvas).event_generate(f"<KeyPress-{name}>", time=self.clock)
        if up:
            (widget or self.widgets.canvas).event_generate(f"<KeyRelease-{name}>", time=self.clock + 50)
        if wait:
            self.rest()

    def click(self, button):
        button.invoke()
        self.rest()

    def enter(self, entry, text):
        entry.focus_set()
        entry.delete(0, "end")
        entry.insert(0, text)
        self.until(lambda: self.widgets.root.focus_get() is entry)
        self.key("Return", entry)
        self.until(lambda: self.widgets.root.focus_get() is self.widgets.canvas)

    def answer(self):
        items = self.widgets.answer.find_all()
        return "".join(self.widgets.answer.itemcget(item, "text") for item in items if self.is_text(item))

    def is_text(self, item):
        return self.widgets.answer.type(item) == "text"

    def colours(self):
        items = self.widgets.answer.find_all()
        return [self.widgets.answer.itemcget(item, "fill") for item in items if self.is_text(item)]

    def empty(self):
        return bool(self.widgets.canvas.find_withtag("hint"))

    def close(self):
        self.widgets.root.destroy()
        self.window.close()
        # Garbage collection of a window in another thread would crash the interpreter.
        del self.widgets, self.window
        gc.collect()


@pytest.fixture
def learner(tmp_path):
    learner = Learner(f"sqlite:///{tmp_path / 'taught.db'}")
    yield learner
    learner.close()


@pytest.fixture
def drive(display, monkeypatch):
    """Open a window and return its driver: drive(learner); a given `window` is closed by the test."""
    monkeypatch.setenv("DISPLAY", display)
    drivers = []

    def drive(learner=None, window=None):
        from inkwise.app.window.window import Window

        if window:
            return Driver(window)
        drivers.append(Driver(Window(learner, "anna")))
        return drivers[-1]

    yield drive
    for driver in drivers:
        driver.close()


@pytest.fixture
def anna(drive, learner):
    """The driver of a window of the writer Anna."""
    return drive(learner)


@pytest.fixture
def kept(learner):
    """Return the labels of a writer's samples, oldest first: kept("anna")."""

    def kept(writer="anna"):
        return [sample.label for sample in reversed(learner.store.samples(writer=writer))]

    return kept
