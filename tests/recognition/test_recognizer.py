import pickle
from multiprocessing import get_context

import numpy as np
import pytest
from PIL import Image

from inkwise import Constraint, ImageError, InkwiseError, Recognizer, read
from inkwise.preprocessing import image_to_glyph
from inkwise.recognition.model import LineModel
from inkwise.recognition.reading import NO_INK


@pytest.fixture(scope="module")
def recognizer():
    return Recognizer()


def test_read_orders_digits_from_left(recognizer, number):
    reading = recognizer.read(number)
    assert reading.text == "714"
    assert reading.accepted
    assert reading.reason is None
    assert [digit.label for digit in reading.digits] == ["7", "1", "4"]
    assert 0.5 < reading.confidence <= 1
    xs = [digit.box[0] for digit in reading.digits]
    assert xs == sorted(xs)


def test_read_orders_lines_from_top(recognizer, number):
    assert recognizer.read(np.vstack([number, number])).text == "714\n714"


def test_read_inserts_space_at_wide_gap(recognizer, number, pen):
    assert recognizer.read(np.hstack([number, pen([]), number])).text == "714 714"


def test_read_accepts_light_on_dark(recognizer, number):
    assert recognizer.read(255 - number).text == "714"


def test_expected_digit_is_not_split(recognizer, pen):
    broken = pen([[(30, 25), (85, 25)], [(77, 42), (55, 100)]])
    reading = recognizer.read(broken, "digit")
    assert len(reading.digits) == 1
    assert reading.text == "7"


def test_expected_digit_becomes_glyph_by_image_to_glyph(recognizer, seven):
    np.testing.assert_array_equal(recognizer.read(seven, "digit").digits[0].glyph, image_to_glyph(seven))


def test_constraint_implies_one_number(recognizer, number):
    reading = recognizer.read(number, constraint=Constraint(length=3))
    assert (len(reading), reading.unconstrained) == (1, "714")
    assert [digit.label for digit in read(number, "number").digits] == ["7", "1", "4"]


@pytest.mark.parametrize(
    ("expect", "constraint", "error"),
    [
        ("digits", None, "expect: there is no 'digits'; did you mean digit?"),
        (["page"], None, r"expect: there is no \['page'\]"),
        ("digit", Constraint(length=1), 'a constraint describes one number, not expect="digit"'),
        ("page", Constraint(length=1), 'a constraint describes one number, not expect="page"'),
    ],
)
def test_invalid_hints_raise(recognizer, seven, expect, constraint, error):
    with pytest.raises(InkwiseError, match=error):
        recognizer.read(seven, expect, constraint)
    with pytest.raises(InkwiseError, match=error):
        recognizer.read_strokes([], expect, constraint)


def test_blank_picture_is_rejected_with_reason(recognizer):
    for expect in (None, "digit", "number", "page"):
        reading = recognizer.read(np.full((100, 80), 200, np.uint8), expect)
        assert (reading.text, reading.digits, reading.confidence, reading.accepted) == ("", (), 0.0, False)
        assert reading.reason == NO_INK


def test_rejected_digit_reads_as_question_mark_and_keeps_label(recognizer, seven, monkeypatch):
    monkeypatch.setattr(recognizer.model, "threshold", 1.1)
    reading = recognizer.read(seven)
    assert reading.text == "?"
    assert not reading.accepted
    assert reading.digits[0].label == "7"


def test_doubt_names_two_labels_or_not_a_digit(recognizer, seven, number, monkeypatch):
    probabilities = np.array([[0, 0, 0, 0, 0.5, 0, 0, 0, 0.1, 0.4]], np.float32)
    monkeypatch.setattr(recognizer.model, "run", lambda glyphs: (probabilities.repeat(len(glyphs), 0), None))
    monkeypatch.setattr(recognizer.model, "threshold", 0.85)
    assert recognizer.read(seven).reason == "not sure: 4 or 9"
    assert recognizer.read(seven).digits[0].doubt == "4 or 9"
    probabilities /= 2
    assert recognizer.read(seven).reason == "not a digit"


@pytest.mark.parametrize(
    ("probabilities", "threshold", "doubt"),
    [
        ([0.5, 0.45, 0.01], 0.97, "0 or 1"),  # certainly a digit
        ([0.4, 0.3, 0.28], 0.97, "0 or 1"),
        ([0.5, 0.2, 0.05], 0.7, "0 or 1"),  # total probability above the model's threshold
        ([0.5, 0.2, 0.05], 0.97, "not a digit"),
        ([0.3, 0.05, 0.05], 0.7, "not a digit"),
        ([0.98, 0.01, 0.0], 0.97, None),
    ],
)
def test_doubt_of_rejecting_model_uses_total_probability(
    recognizer, seven, monkeypatch, probabilities, threshold, doubt
):
    scripted = np.array([[*probabilities, *[0.0] * 7]], np.float32)
    monkeypatch.setattr(recognizer.model, "run", lambda glyphs: (scripted, None))
    monkeypatch.setattr(recognizer.model, "rejects", True)
    monkeypatch.setattr(recognizer.model, "threshold", threshold)
    assert recognizer.read(seven, "digit").digits[0].doubt == doubt


def test_read_strokes_accepts_any_unit(recognizer):
    seven = np.array([(0, 0), (5.5, 0), (2.5, 7.5)])
    for unit in (1e-3, 1, 1e6):
        assert recognizer.read_strokes([seven * unit], "digit").text == "7"


def test_read_strokes_groups_overlapping_strokes(recognizer):
    seven = [(0, 0), (55, 0), (25, 75)]
    one = [(90, 0), (90, 75)]
    four = [[(135, 0), (120, 45), (175, 45)], [(160, 20), (160, 80)]]
    reading = recognizer.read_strokes([*four, one, seven])
    assert reading.text == "714"
    assert [digit.box for digit in reading.digits] == [None] * 3
    assert [digit.strokes for digit in reading.digits] == [(3,), (2,), (0, 1)]


def test_read_strokes_of_nothing_is_empty(recognizer):
    for expect in (None, "digit", "number", "page"):
        reading = recognizer.read_strokes([], expect)
        assert (reading.text, reading.reason) == ("", NO_INK)


def test_classify_and_embed_accept_glyphs(recognizer, seven):
    glyph = image_to_glyph(seven)[None]
    assert recognizer.classify(glyph).argmax() == 7
    assert recognizer.embed(glyph).shape[0] == 1


def test_read_accepts_path(tmp_path, seven):
    Image.fromarray(seven).save(tmp_path / "seven.png")
    assert read(tmp_path / "seven.png").text == "7"
    assert read(str(tmp_path / "seven.png")).text == "7"


def test_read_names_undecodable_file(recognizer, tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ImageError, match=r"text\.png"):
        recognizer.read(tmp_path / "text.png")


def test_read_many_reads_pages_folders_and_arrays(recognizer, tmp_path, seven, number):
    pages = [Image.fromarray(seven), Image.fromarray(number)]
    pages[0].save(tmp_path / "10.pdf", save_all=True, append_images=pages[1:], resolution=72)
    Image.fromarray(number).save(tmp_path / "9.png")
    readings = recognizer.read_many([tmp_path, seven])
    assert next(readings).text == recognizer.read(number).text
    assert [reading.text for reading in readings] == ["7", recognizer.read(number).text, "7"]
    assert [reading.text for reading in recognizer.read_many(np.stack([seven, seven]))] == ["7", "7"]
    assert [len(reading.digits) for reading in recognizer.read_many([number], expect="digit")] == [1]


def test_read_many_checks_hints_at_once(recognizer):
    with pytest.raises(InkwiseError, match="expect"):
        recognizer.read_many([], expect="letter")


@pytest.mark.parametrize(
    "forms",
    [
        {"strokes": [[[30, 25], [85, 25], [55, 100]]]},
        [{"x": 30, "y": 25}, {"x": 85, "y": 25}, {"x": 55, "y": 100}],
    ],
)
@pytest.mark.parametrize("expect", [None, "number"])
def test_read_strokes_takes_dicts(recognizer, forms, expect):
    reading = recognizer.read_strokes(forms, expect)
    assert reading.text == "7"
    assert reading.digits[0].strokes == (0,)


def test_recognizer_pickles_with_adaptation(recognizer, seven, number):
    glyph = recognizer.read(seven, "digit").digits[0].glyph[None]
    adapted = recognizer.adapt(glyph, np.array(["seven"]))
    for original in (recognizer, adapted, Recognizer(line_model=LineModel.bundled(threads=1), threads=1)):
        copy = pickle.loads(pickle.dumps(original))
        assert copy.labels == original.labels
        np.testing.assert_array_equal(copy.classify(glyph), original.classify(glyph))
        for expect in ("digit", "number"):
            one, other = copy.read(number, expect), original.read(number, expect)
            assert one.to_dict() | {"elapsed_ms": 0} == other.to_dict() | {"elapsed_ms": 0}


def test_recognizer_reads_in_spawned_processes(seven):
    with get_context("spawn").Pool(1) as pool:
        assert [reading.text for reading in pool.map(Recognizer("tiny", threads=1).read, [seven])] == ["7"]


def test_wrong_types_are_errors_of_one_line():
    recognizer = Recognizer()
    with pytest.raises(InkwiseError, match="expected a Constraint"):
        recognizer.read(np.zeros((40, 40), np.uint8), constraint={"length": 2})
    with pytest.raises(InkwiseError, match="glyphs must be"):
        recognizer.classify([[1, 2], [3, 4]])


def test_path_may_be_text_of_numpy(tmp_path):
    Image.new("L", (40, 40), 255).save(tmp_path / "a.png")
    assert Recognizer().read(np.str_(tmp_path / "a.png")).reason == NO_INK
    assert len([*Recognizer().read_many(np.full((40, 40), 255, np.uint8))]) == 1
