"""The desktop window, driven by events."""

from dataclasses import replace

import numpy as np
import pytest

from inkwise import Number
from inkwise.corrections import LabelledAnswer

SEVEN = [[(110, 60), (200, 60), (150, 200)]]
ONE = [[(60, 60), (60, 180)]]
FOUR = [[(270, 60), (245, 130), (320, 130)], [(300, 95), (300, 190)]]
A = [[(100, 200), (150, 40), (200, 200)], [(120, 140), (180, 140)]]
H = [[(100, 60), (100, 200)], [(105, 130), (195, 130)], [(200, 60), (200, 200)]]


def test_window_reads_while_drawing(anna):
    assert anna.empty()
    anna.press(SEVEN[0])
    anna.until(lambda: anna.answer() == "7")
    assert anna.widgets.probability["text"].endswith(" %")
    assert not anna.empty()


def test_enter_keeps_the_reading(anna, learner):
    anna.draw(SEVEN)
    digit = learner.read_strokes("anna", SEVEN).digits[0]
    anna.key("Return")
    (sample,) = learner.store.samples()
    assert (sample.label, sample.answer, sample.writer, sample.source) == ("7", "7", "anna", "canvas")
    assert sample.probability == pytest.approx(digit.probability)
    assert sample.model == learner.base.model.name
    assert sample.strokes == [[[110, 60], [200, 60], [150, 200]]]
    np.testing.assert_array_equal(sample.glyph, digit.glyph)
    assert anna.empty()
    assert anna.answer() == ""
    assert anna.widgets.status["text"] == "saved as 7; Backspace undoes it"


def test_key_corrects_and_keeps(anna, learner):
    anna.draw(SEVEN)
    anna.key("1")
    (sample,) = learner.store.samples()
    assert (sample.label, sample.answer) == ("1", "7")
    assert anna.empty()


def test_key_waits_for_the_reading(anna, kept):
    anna.press(SEVEN[0])
    anna.release()
    for _ in range(3):
        anna.key("1", wait=False)
    anna.rest()
    assert kept() == ["1"]


@pytest.mark.parametrize("key", ["Return", "1"])
def test_stroke_begun_before_the_reading_is_a_new_drawing(anna, learner, key):
    anna.press(ONE[0])
    anna.release()
    anna.key(key, wait=False)
    anna.press(SEVEN[0])
    anna.rest()
    (sample,) = learner.store.samples()
    assert (sample.label, len(sample.strokes)) == ("1", 1)
    anna.release()
    anna.rest()
    assert anna.answer() == "7"
    anna.key("Return")
    assert [sample.label for sample in learner.store.samples()] == ["7", "1"]


def test_keys_are_ignored_without_drawing_or_with_control(anna, kept):
    anna.key("1")
    anna.key("Return")
    anna.draw(SEVEN)
    for name in ("Control-Key-1", "space", "Tab"):
        anna.widgets.canvas.event_generate(f"<{name}>")
        anna.rest()
    anna.widgets.canvas.focus_set()
    assert kept() == []
    assert anna.answer() == "7"


def test_window_shows_accuracy_at_the_bottom_right(anna, learner):
    assert anna.widgets.accuracy["text"] == "no answers yet"
    learner.keep("anna", "canvas", [LabelledAnswer("7", SEVEN, answer="7")] * 41)
    learner.keep("anna", "canvas", [LabelledAnswer("1", SEVEN, answer="7")] * 3)
    anna.draw(SEVEN)
    anna.key("Return" if anna.answer() == "7" else "7")
    assert anna.widgets.accuracy["text"] == "42 of 45 right · 93.3 % (82–98 %)"
    look = anna.widgets
    right, bottom = (
        look.root.winfo_rootx() + look.root.winfo_width(),
        look.root.winfo_rooty() + look.root.winfo_height(),
    )
    assert right - (look.accuracy.winfo_rootx() + look.accuracy.winfo_width()) < 20
    assert bottom - (look.accuracy.winfo_rooty() + look.accuracy.winfo_height()) < 20


def test_window_shows_the_glyph_enlarged(anna, learner):
    anna.draw(SEVEN)
    glyph = learner.read_strokes("anna", SEVEN).digits[0].glyph
    zoom = anna.widgets.glyph.width() // 28
    assert zoom >= 3
    shown = [[anna.widgets.glyph.get(x * zoom, y * zoom)[0] for x in range(28)] for y in range(28)]
    np.testing.assert_array_equal(255 - np.array(shown), glyph)


def test_rejected_reading_shows_its_reason(anna, learner, monkeypatch):
    anna.draw(SEVEN)
    (sure,) = anna.colours()
    assert anna.widgets.reason["text"] == ""
    reading = learner.read_strokes("anna", SEVEN)
    digit = replace(reading.digits[0], label="4", accepted=False, doubt="4 or 9")
    number = Number.from_digits((digit,))
    doubtful = replace(reading, numbers=(number,), reason=number.reason)
    monkeypatch.setattr(learner, "read_strokes", lambda *_, **__: doubtful)
    anna.draw(SEVEN)
    assert anna.answer() == "4"
    assert anna.widgets.reason["text"] == "not sure: 4 or 9"
    assert anna.colours() != [sure]


def test_enter_on_a_rejected_drawing_keeps_the_rejection(anna, learner):
    anna.draw(A)
    assert (anna.answer(), anna.widgets.reason["text"]) == ("not a digit", "")
    assert float(anna.widgets.probability["text"].removesuffix(" %")) > 90
    assert str(anna.widgets.labels["not a digit"]["style"]) == "Chosen.TButton"
    anna.key("Return")
    (sample,) = learner.store.samples()
    assert (sample.label, sample.answer) == ("not a digit", "not a digit")
    assert anna.widgets.status["text"] == "saved as not a digit; Backspace undoes it"
    assert anna.widgets.accuracy["text"].startswith("1 of 1 right")
    anna.draw(A)
    assert anna.answer() == "not a digit"


def test_window_scores_numbers_and_digits_apart(anna):
    anna.draw(ONE + SEVEN)
    assert anna.answer() == "17"
    anna.key("4")
    anna.key("Return")
    assert anna.widgets.accuracy["text"].startswith("1 of 2 digits right")
    assert anna.widgets.accuracy["text"].endswith("0 of 1 numbers")


def test_window_corrects_a_number_as_text(anna, kept):
    anna.draw(ONE + SEVEN)
    assert anna.answer() == "17"
    anna.enter(anna.widgets.other, "245")
    assert anna.widgets.status["text"].startswith("245 has 3 digits, but 2 were read")
    anna.enter(anna.widgets.other, "24")
    assert kept() == ["2", "4"]


def test_new_label_gets_a_button(anna, kept):
    assert list(anna.widgets.labels) == [*"0123456789", "not a digit"]
    anna.draw(SEVEN)
    anna.key("A")
    assert list(anna.widgets.labels) == [*"0123456789", "A", "not a digit"]
    anna.draw(SEVEN)
    anna.enter(anna.widgets.other, "seven")
    anna.draw(SEVEN)
    anna.click(anna.widgets.labels["seven"])
    assert kept() == ["A", "seven", "seven"]
    assert anna.widgets.other.get() == ""


def test_corrections_change_the_next_reading_in_the_window(anna):
    for _ in range(5):
        anna.draw(SEVEN)
        anna.key("A")
    anna.draw(SEVEN)
    assert anna.answer() == "A"


def test_window_keeps_a_number_as_digits(anna, learner, kept):
    anna.draw(ONE + SEVEN + FOUR)
    assert anna.answer() == "174"
    anna.key("Right")
    anna.key("2")
    assert anna.answer() == "124"
    assert kept() == []
    anna.key("Return")
    samples = list(reversed(learner.store.samples()))
    assert [(sample.label, sample.answer) for sample in samples] == [("1", "1"), ("2", "7"), ("4", "4")]
    assert [len(sample.strokes) for sample in samples] == [1, 1, 2]
    assert samples[1].strokes == [[[110, 60], [200, 60], [150, 200]]]


def test_window_selects_digits_by_key_and_click(anna):
    anna.draw(ONE + SEVEN + FOUR)
    for name in ("Right", "Right", "Right", "Left"):
        anna.key(name)
    anna.key("9")
    assert anna.answer() == "194"
    boxes = [anna.widgets.answer.bbox(item) for item in anna.widgets.answer.find_all() if anna.is_text(item)]
    x = (boxes[0][0] + boxes[0][2]) // 2
    anna.widgets.answer.event_generate("<ButtonPress-1>", x=x, y=20)
    anna.key("8")
    assert anna.answer() == "894"


def test_window_drops_corrections_with_their_strokes(anna):
    anna.draw(ONE + SEVEN)
    anna.key("Right")
    anna.key("2")
    anna.draw(FOUR)
    assert anna.answer() == "124"
    for _ in range(3):
        anna.key("BackSpace")
    assert anna.answer() == "1"
    anna.draw(SEVEN)
    assert anna.answer() == "17"


def test_join_reads_strokes_as_one_character(anna, learner):
    anna.draw(ONE + SEVEN)
    assert len(anna.answer()) > 1
    anna.click(anna.widgets.join)
    assert anna.answer() == "not a digit"
    anna.key("H")
    (sample,) = learner.store.samples()
    assert (sample.label, len(sample.strokes)) == ("H", 2)


def test_backspace_undoes_strokes_clearing_and_answers(anna, kept):
    anna.draw(ONE + SEVEN)
    anna.key("BackSpace")
    assert anna.answer() == "1"
    anna.key("Escape")
    assert anna.empty()
    anna.key("BackSpace")
    assert anna.answer() == "1"
    anna.key("Return")
    anna.key("BackSpace")
    assert kept() == []
    assert anna.answer() == "1", "it is there again, to be answered otherwise"
    assert anna.widgets.status["text"] == "removed the answer 1"
    anna.key("BackSpace")
    anna.key("BackSpace")
    assert anna.widgets.status["text"] == "nothing left to undo"


def test_held_backspace_undoes_no_answers(anna, kept):
    anna.draw(SEVEN)
    anna.key("Return")
    anna.draw(ONE + SEVEN)
    for _ in range(9):
        anna.key("BackSpace", up=False)
    assert anna.empty()
    assert kept() == ["7"]
    # X reports a held key as released and pressed again at the same time.
    for _ in range(5):
        anna.widgets.canvas.event_generate("<KeyRelease-BackSpace>", time=5000)
        anna.widgets.canvas.event_generate("<KeyPress-BackSpace>", time=5000)
        anna.rest()
    assert kept() == ["7"]
    anna.clock = 6000
    anna.widgets.canvas.event_generate("<KeyRelease-BackSpace>", time=5500)
    anna.key("BackSpace")
    assert kept() == []


def test_window_undoes_a_relabelling(anna, learner):
    (sample,) = learner.keep("anna", "canvas", [LabelledAnswer("7", SEVEN)])
    learner.store.label(sample.id, "1")
    anna.click(anna.widgets.undo)
    assert anna.widgets.status["text"] == "undone: the label is 7 again"
    assert anna.empty()


def test_restored_drawing_is_scaled_to_the_canvas(anna, learner):
    learner.keep("anna", "canvas", [LabelledAnswer("7", [[(2000, 1000), (3000, 1000), (2500, 2600)]])])
    anna.click(anna.widgets.undo)
    assert anna.answer() == "7"
    left, top, right, bottom = anna.widgets.canvas.bbox("all")
    assert left >= 0
    assert top >= 0
    assert right <= anna.widgets.canvas.winfo_width()
    assert bottom <= anna.widgets.canvas.winfo_height()


def test_clear_ends_the_current_stroke(anna):
    anna.press(SEVEN[0])
    anna.key("Escape")
    anna.widgets.canvas.event_generate("<B1-Motion>", x=10, y=10)
    anna.release()
    anna.rest()
    assert anna.empty()
    assert anna.answer() == ""
