"""The window: writers, damage, a lost database, small screens, letters, and its end."""

import gc
import importlib

import pytest

from inkwise import InkwiseError, StoreError
from inkwise.corrections import Accuracy, LabelledAnswer, Learner, VersionScores

SEVEN = [[(110, 60), (200, 60), (150, 200)]]
A = [[(100, 200), (150, 40), (200, 200)], [(120, 140), (180, 140)]]
H = [[(100, 60), (100, 200)], [(105, 130), (195, 130)], [(200, 60), (200, 200)]]


def test_window_separates_writers(anna, kept):
    for _ in range(5):
        anna.draw(SEVEN)
        anna.key("A")
    anna.enter(anna.widgets.writer, " ben ")
    assert anna.widgets.accuracy["text"] == "no answers yet"
    assert "A" not in anna.widgets.labels
    anna.draw(SEVEN)
    assert anna.answer() == "7"
    anna.enter(anna.widgets.writer, "anna")
    assert anna.answer() == "A", "what is drawn is read again"
    anna.enter(anna.widgets.writer, "ben")
    anna.key("Return")
    assert kept("ben") == ["7"]
    assert anna.widgets.writer["values"] == ("anna", "ben")
    anna.enter(anna.widgets.writer, "")
    assert anna.widgets.writer.get() == "ben"


def test_window_reports_a_damaged_version_once(anna, learner, damage_model, default_weights):
    scores = VersionScores(Accuracy(9_950, 10_000), Accuracy(3, 4))
    weights = damage_model("truncated", default_weights)
    number = learner.store.versions.add("ben", weights, 8, scores, scores, promote=True).number
    anna.enter(anna.widgets.writer, "ben")
    assert anna.widgets.status["text"].startswith(f"version {number} is damaged (")
    assert anna.widgets.status["style"] == "Bad.TLabel"
    anna.draw(SEVEN)
    assert anna.answer() == "7"
    anna.key("Return")
    assert anna.widgets.status["text"].startswith("saved as 7")
    anna.enter(anna.widgets.writer, "anna")
    anna.enter(anna.widgets.writer, "ben")
    assert anna.widgets.status["text"].startswith(f"version {number} is damaged (")


def test_window_keeps_the_drawing_after_an_invalid_label(anna, kept):
    anna.draw(SEVEN)
    anna.enter(anna.widgets.other, "x" * 10_000)
    assert anna.widgets.status["text"] == "label has 10,000 characters; at most 32 are possible"
    assert not anna.empty()
    anna.key("7")
    assert kept() == ["7"]


def test_window_keeps_the_drawing_after_a_database_error(anna, learner, monkeypatch, kept):
    def full(samples):
        raise StoreError("taught.db: database or disk is full")

    anna.draw(SEVEN)
    with monkeypatch.context() as broken:
        broken.setattr(learner.store, "extend", full)
        anna.key("1")
    assert anna.widgets.status["text"] == "taught.db: database or disk is full"
    assert anna.widgets.status["style"] == "Bad.TLabel"
    assert anna.answer() == "1"
    assert not anna.empty()
    anna.key("Return")
    assert kept() == ["1"]
    assert anna.widgets.status["style"] == "Quiet.TLabel"


def test_window_reads_without_database(drive, tmp_path):
    learner = Learner(f"sqlite:///{tmp_path / 'no folder' / 'taught.db'}")
    driver = drive(learner)
    assert driver.widgets.status["text"].endswith("unable to open database file")
    driver.draw(SEVEN)
    assert driver.answer() == "7"


def test_window_fits_a_small_screen(anna, learner):
    learner.keep(
        "anna", "canvas", [LabelledAnswer(label, SEVEN) for label in [*"ABCDEFGHIJKLM", "a very long label"]]
    )
    anna.draw(SEVEN)
    anna.key("7")
    look = anna.widgets
    assert (look.root.winfo_width(), look.root.winfo_height()) == (640, 480)
    for part in (look.canvas, look.answer, look.confirm, look.undo, look.other, look.status, look.accuracy):
        assert part.winfo_rootx() + part.winfo_width() <= 640
        assert part.winfo_rooty() + part.winfo_height() <= 480
        assert part.winfo_height() >= min(part.winfo_reqheight(), 200), part
    assert look.canvas.winfo_height() > 200


def test_window_reads_letters_if_asked(anna, kept):
    anna.draw(H)
    assert anna.answer() != "H"
    anna.click(anna.widgets.read_letters)
    assert anna.answer() == "H"
    assert "z" in anna.widgets.labels
    anna.key("Return")
    assert kept() == ["H"]
    anna.click(anna.widgets.read_letters)
    assert list(anna.widgets.labels) == [*"0123456789", "not a digit"]


def test_answer_is_kept_when_window_closes_at_once(drive, learner, kept, monkeypatch):
    import tkinter

    from inkwise.app import window as module
    from inkwise.app.window.window import Window

    opened = []

    def open_window(*given):
        opened.append(Window(*given))
        return opened[0]

    def answer_and_close(root):
        driver = drive(window=opened.pop())
        driver.draw(SEVEN)
        driver.key("1", up=False, wait=False)
        root.destroy()

    monkeypatch.setattr(module, "Window", open_window)
    monkeypatch.setattr(tkinter.Tk, "mainloop", answer_and_close)
    module.run(learner)
    gc.collect()
    assert kept("me") == ["1"]


def test_window_without_display_suggests_the_page(learner, monkeypatch):
    pytest.importorskip("tkinter")
    from inkwise.app.window import run

    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(InkwiseError, match=r"needs a display: .*; without one, use `inkwise app`"):
        run(learner)


def test_window_without_tkinter_names_the_package(without_module):
    without_module("tkinter", "inkwise.app.window", "tkinter")
    with pytest.raises(InkwiseError, match=r"needs tkinter: install it \(Debian: apt install python3-tk\)"):
        importlib.import_module("inkwise.app.window")
