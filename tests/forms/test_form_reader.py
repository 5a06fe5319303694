"""The reading of filled forms, in any position, and the reasons of what is not accepted."""

import form_paper
import numpy as np
import pytest
from form_paper import BOXES, MARKS, empty, filled, photo, save, turned, write

from inkwise.forms import Field, FormReader, FormTemplate
from inkwise.recognition import Recognizer
from inkwise.recognition.constraints import Constraint
from inkwise.recognition.model import LineModel
from inkwise.recognition.reading import NO_INK


@pytest.fixture(scope="module")
def recognizer(bars_reader):
    return Recognizer(line_model=LineModel(bars_reader))  # reads bars as 1


@pytest.fixture(scope="module")
def reader(recognizer, tmp_path_factory):
    return FormReader(FormTemplate.read(save(tmp_path_factory.mktemp("form"))), recognizer)


def texts(reading):
    return [reading.to_dict()[name] for name in BOXES]


SCANS = {
    "as it is": lambda page, rng: page,
    "askew": lambda page, rng: turned(page, 10),
    "coarse": lambda page, rng: turned(page, -4, 0.7),
    "fine": lambda page, rng: turned(page, 2, 1.7),
    "on its side": lambda page, rng: np.rot90(page).copy(),
    "photo": lambda page, rng: photo(page, rng, 0.08, 8),
    "photo upside down": lambda page, rng: np.rot90(photo(page, rng), 2).copy(),
}


@pytest.mark.parametrize("scan", SCANS)
def test_read_accepts_scans_in_any_position(reader, scan):
    page = SCANS[scan](filled(amount="111"), np.random.default_rng(1))
    reading = reader.read(page)
    assert (texts(reading), reading.reason) == (["014752", "3", "111"], None)
    assert reading.fit > 0.9
    assert all(reading.to_dict()[f"{name}_accepted"] for name in BOXES)


def test_corners_are_those_of_the_field_in_the_scan(reader):
    reading = reader.read(np.rot90(filled(), 2).copy())
    x, y, w, h = BOXES["code"]
    expected = np.array([(839 - x, 1187 - y), (839 - x - w, 1187 - y), (839 - x - w, 1187 - y - h)])
    assert np.abs(reading.fields_read["code"].corners[:3] - expected).max() < 2


def test_read_accepts_writing_over_printed_lines(reader):
    x, y, w, h = BOXES["meter"]
    page = write(empty(), "208943", (x + 14, y + 13, w, h), 6)
    assert texts(reader.read(write(page, "8", (288, 408, 60, 60))))[:2] == ["208943", "8"]


def test_read_finds_no_ink_in_an_empty_form(reader):
    reading = reader.read(photo(empty(), np.random.default_rng(2)))
    assert texts(reading) == ["", "", ""]
    assert {entry.reason for entry in reading.fields_read.values()} == {NO_INK}
    assert reading.reason == "; ".join(f"{name}: {NO_INK}" for name in BOXES)


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (1, 3000), (3000, 2)])
def test_read_rejects_tiny_images(reader, size):
    reading = reader.read(np.full(size, 200, np.uint8))
    assert (reading.fit, reading.reason) == (0.0, "does not match the form 'meter card'")


def test_read_reports_an_empty_cell_between_others(reader):
    page = write(empty(), "52", (300, 250, 100, 50), 2)
    write(page, "7", (450, 250, 50, 50))
    entry = reader.read(page).fields_read["meter"]
    assert (entry.reading.text, entry.reading.confidence) == ("52?7", 0)
    assert entry.reason == "cell 3 is empty between others"


def test_read_applies_constraints_and_keeps_the_unconstrained_text(recognizer, tmp_path):
    form = FormTemplate.read(save(tmp_path))
    known = Field("meter", BOXES["meter"], "comb", 6, Constraint(vocabulary=("014752", "914752")))
    other = Field("meter", BOXES["meter"], "comb", 6, Constraint(vocabulary=("999999",)))
    entries = []
    for field in (known, other):
        reader = FormReader(FormTemplate("card", form.size, (field,), form.reference), recognizer)
        entries.append(reader.read(filled()).fields_read["meter"])
    assert (entries[0].reading.text, entries[0].reading.unconstrained) == ("014752", "014752")
    assert entries[1].reason == "the ink says 014752, which the constraint rules out"


def moved(monkeypatch):
    """Return another edition of the form, with the same words and moved boxes."""
    boxes = {name: (x - 150, y + 40, w, h) for name, (x, y, w, h) in BOXES.items()}
    monkeypatch.setattr(form_paper, "BOXES", boxes)
    return empty()


@pytest.mark.parametrize("page", ["other words", "blank", "noise", "mirrored"])
def test_read_rejects_other_pages(reader, page):
    noise = np.random.default_rng(0).integers(0, 255, (800, 600)).astype(np.uint8)
    pages = {
        "other words": write(empty(words=False), "123456", BOXES["meter"], 6),
        "blank": np.full((800, 600), 240, np.uint8),
        "noise": noise,
        "mirrored": filled()[:, ::-1].copy(),
    }
    reading = reader.read(pages[page])
    assert (texts(reading), reading.fields_read) == (["", "", ""], {})
    assert reading.fit < 0.5
    assert reading.reason == "does not match the form 'meter card'"


def test_read_rejects_fields_that_have_moved(reader, monkeypatch):
    reading = reader.read(moved(monkeypatch))
    assert {entry.reason for entry in reading.fields_read.values()} == {"is not where the form has it"}


def test_read_reports_fields_that_are_cut_off(reader):
    reading = reader.read(filled()[:, :520].copy())
    assert texts(reading) == ["", "3", ""]
    assert reading.reason == "meter: is cut off; amount: is cut off"


def test_read_uses_marks_with_a_reference(recognizer, tmp_path):
    """The reference shows the print to remove from the field."""
    save(tmp_path, marks=True, words=False)
    code = Field("code", BOXES["code"], "digit")
    form = FormTemplate("card", form_paper.SIZE, (code,), tmp_path / "empty.png", MARKS)
    page = np.rot90(photo(filled(marks=True, words=False), np.random.default_rng(4)), 2).copy()
    assert FormReader(form, recognizer).read(page).fields_read["code"].reading.text == "3"


def test_read_uses_marks_without_a_reference(recognizer):
    bare = Field("code", (500, 800, 60, 60), "digit")
    page = write(empty(marks=True), "7", (500, 800, 60, 60))
    reader = FormReader(FormTemplate("card", form_paper.SIZE, (bare,), marks=MARKS), recognizer)
    for turn in range(4):
        assert reader.read(np.rot90(page, turn).copy()).fields_read["code"].reading.text == "7"
    assert reader.read(empty(marks=False)).reason == "does not match the form 'card'"
