"""`NumberReader.read_line`: the text of a line image, with a box and probabilities for each digit."""

import numpy as np
import pytest

from inkwise import Recognizer
from inkwise._util.errors import ModelError
from inkwise._util.text import DIGITS
from inkwise.recognition import model as models
from inkwise.recognition.constraints import Constraint
from inkwise.recognition.model import FRAME_COLUMNS, UNKNOWN, LineModel, line_model_source, model_source
from inkwise.recognition.number_reader import NOT_A_NUMBER, UNREAD_MARK, NumberReader

SEVEN, ONE = (10, 4, 14, 24), (40, 6, 6, 20)  # bars, the ink of a line image


def read_line(model, image, constraint=None, singles=None):
    return NumberReader(model).read_line(image.ink, constraint, singles)


@pytest.fixture
def seventy_one(scripted):
    """A model that is sure of a 7, and in doubt between a 1, a 7 and nothing."""
    return scripted((16, {"7": 0.98}), (42, {"1": 0.6, "7": 0.3}))


def test_read_line_returns_most_likely_text(seventy_one, line):
    read = read_line(seventy_one, line(SEVEN, ONE))
    assert (read.text, read.unconstrained) == ("71", "71")
    assert read.probability == pytest.approx(0.98 * 0.6, abs=1e-4)
    assert read.support == 1
    assert [digit.label for digit in read.digits] == ["7", "1"]


def test_digit_alternatives_are_conditional_on_other_digits(seventy_one, line):
    _, one = read_line(seventy_one, line(SEVEN, ONE)).digits
    probabilities = dict(one.alternatives)
    assert len(probabilities) == 10
    assert [probabilities["1"], probabilities["7"]] == pytest.approx([0.6, 0.3], abs=0.01)
    assert sum(probabilities.values()) == pytest.approx(0.9, abs=0.01), "with 10 % there is no digit"


def test_boxes_fit_ink(seventy_one, line):
    assert [digit.box for digit in read_line(seventy_one, line(SEVEN, ONE)).digits] == [SEVEN, ONE]


def test_touching_digits_are_split_at_thinnest_ink(scripted, line):
    image = line((10, 4, 14, 24), (24, 15, 6, 2), (30, 4, 14, 24))  # a thin line connects two bars
    one, two = read_line(scripted((16, {"8": 1}), (36, {"3": 1})), image).digits
    assert one.box[0] == 10
    assert 24 <= one.box[0] + one.box[2] <= 30
    assert two.box[0] == one.box[0] + one.box[2]
    assert two.box[0] + two.box[2] == 44


@pytest.mark.parametrize("column", [-8, -2, 90, 95, 102])
def test_box_of_digit_at_edge_is_inside_image(scripted, line, column):
    (digit,) = read_line(scripted((column, {"1": 0.9})), line((46, 4, 4, 24))).digits
    x, y, w, h = digit.box
    assert 0 <= x < x + w <= 96
    assert 0 <= y < y + h <= 48


def test_boxes_of_digits_in_margin_are_inside_image(scripted, line):
    model = scripted(*((column, {"1": 0.9}) for column in (64, 72, 80, 88, 96)))
    digits = read_line(model, line((10, 4, 80, 24))).digits
    assert len(digits) == 5
    for x, _, w, _ in (digit.box for digit in digits):
        assert 0 <= x < x + w <= 96


def test_read_line_reads_many_digits(scripted, line):
    model = scripted(*((20 + 20 * n, {str(n % 10): 0.99}) for n in range(48)), width=1000)
    bars = [(14 + 20 * number, 4, 12, 24) for number in range(48)]
    read = read_line(model, line(*bars, width=1000))
    assert read.text == "0123456789" * 4 + "01234567"
    assert [digit.box for digit in read.digits] == bars


def test_empty_line_image_has_no_digits(scripted, line):
    read = read_line(scripted(), line())
    assert (read.text, read.digits, read.support) == ("", (), 1)


def test_constraint_selects_among_possible_texts(seventy_one, line):
    read = read_line(seventy_one, line(SEVEN, ONE), Constraint(pattern=r"7[02-9]"))
    assert (read.text, read.unconstrained) == ("77", "71")
    assert read.probability == pytest.approx(1, abs=1e-3), "no other text satisfies the constraint"
    assert read.support == pytest.approx(0.98 * 0.3, abs=1e-3)
    assert [digit.label for digit in read.digits] == ["7", "7"]


def test_text_is_none_if_no_allowed_text_fits(scripted, line):
    read = read_line(scripted((42, {"1": 1})), line(ONE), Constraint(length=60))  # 56 frames
    assert (read.text, read.probability, read.digits, read.unconstrained) == (None, 0, (), "1")


def test_line_model_runs_images_of_any_width(bars_reader):
    model = LineModel(bars_reader, threads=1)
    assert (model.name, model.threshold) == ("bars (2026-01-01)", 0.5)
    for width in (32, 33, 34, 35, 1024):
        lattice = model.run(np.zeros((48, width), np.uint8))
        assert lattice.dtype == np.float32
        assert lattice.shape == (2 * -(-width // 8), 11)
        np.testing.assert_allclose(np.exp(lattice).sum(1), 1, rtol=1e-5)


def test_line_model_maps_columns_to_frames(bars_reader, line):
    lattice = LineModel(bars_reader, threads=1).run(line((40, 0, 2, 48)).ink)
    assert lattice[:, 1:].max(1).argmax() == 40 // FRAME_COLUMNS


def test_line_model_source_resolves_bundled_name_and_run_folder(bars_reader, monkeypatch, tmp_path):
    monkeypatch.setattr(models, "_LINE_WEIGHTS", bars_reader.parent)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model.onnx").write_bytes(bars_reader.read_bytes())
    for name in ("default", "run", str(bars_reader)):
        assert LineModel(line_model_source(name)).name == "bars (2026-01-01)"
    assert LineModel.bundled().name == "bars (2026-01-01)"
    with pytest.raises(ModelError, match=r"big: cannot be opened \(no such file; bundled models: default\)"):
        line_model_source("big")


def test_line_model_rejects_glyph_classifier():
    with pytest.raises(ModelError, match="the model: its metadata or its inputs and outputs are not those"):
        LineModel(model_source("tiny"))


@pytest.mark.parametrize(
    ("bar", "probability", "text"),
    [
        pytest.param((40, 6, 6, 26), 0.3, "71", id="tall ink is read although it may not be a digit"),
        pytest.param((40, 6, 6, 26), 0.02, "7", id="tall ink that is hardly a digit, a bracket, is skipped"),
        pytest.param((40, 20, 6, 6), 0.3, "7", id="a dot is skipped"),
    ],
)
def test_skipped_tall_ink_penalizes_text(scripted, line, bar, probability, text):
    model = scripted((16, {"7": 0.98}), (42, {"1": probability}))
    read = read_line(model, line(SEVEN, bar))
    assert read.text == text
    assert read.probability == pytest.approx(0.98 * {"7": 1 - probability, "71": probability}[text], abs=0.01)


def sure_of(*labels):
    """Return digit probabilities of characters that are surely these; "-" is a non-digit."""
    return np.array([[0.95 if label == str(digit) else 0.001 for digit in range(10)] for label in labels])


@pytest.mark.parametrize(
    ("spelled", "text"),
    [
        pytest.param("77", "77", id="possible"),
        pytest.param("70", "71", id="ruled out by the line"),
        pytest.param("--", "71", id="only non-digits"),
        pytest.param("7-", "7", id="one non-digit"),
    ],
)
def test_spelled_text_is_used_if_line_model_allows_it(seventy_one, line, spelled, text):
    read = read_line(seventy_one, line(SEVEN, ONE), singles=sure_of(*spelled))
    assert read.text == text
    probability = 0.98 * {"71": 0.6, "77": 0.3, "7": 0.1}[text]
    if text == spelled.strip("-"):  # both agree
        single = np.prod([0.99 if label == "-" else 0.95 for label in spelled])
        present = 0.9 if len(text) == 2 else 0.98
        share = probability / present
        odds = share / (1 - share) * (single / (1 - single)) ** 0.5
        probability = present * odds / (1 + odds)
    assert read.probability == pytest.approx(probability, abs=0.02)
    assert "".join(digit.label for digit in read.digits) == text


def test_spelled_text_must_satisfy_constraint(seventy_one, line):
    read = read_line(seventy_one, line(SEVEN, ONE), Constraint(pattern="71"), sure_of("7", "7"))
    assert (read.text, read.unconstrained) == ("71", "77")


def test_line_without_single_characters_is_read_alone(seventy_one, line):
    assert read_line(seventy_one, line(SEVEN, ONE), singles=sure_of("7")[:0]).text == "71"


SYMBOLS = f"{DIGITS}.,-/{UNKNOWN}"


def test_text_holds_separators_and_digits_have_boxes(scripted, line):
    point = (30, 36, 4, 4)
    model = scripted((16, {"7": 0.98}), (32, {".": 0.9}), (44, {"1": 0.98}), symbols=SYMBOLS)
    read = read_line(model, line((10, 8, 14, 32), point, (42, 8, 6, 32)))
    assert (read.text, read.reason) == ("7.1", None)
    assert [(digit.label, digit.box) for digit in read.digits] == [
        ("7", (10, 8, 14, 32)),
        ("1", (42, 8, 6, 32)),
    ]
    assert read.probability == pytest.approx(0.98 * 0.9 * 0.98, abs=1e-3)


@pytest.mark.parametrize(
    ("mark", "reason"),
    [
        pytest.param((30, 36, 4, 4), UNREAD_MARK, id="point"),
        pytest.param((30, 36, 5, 11), UNREAD_MARK, id="comma"),
        pytest.param((27, 23, 12, 3), UNREAD_MARK, id="dash"),
        pytest.param((22, 8, 8, 4), None, id="bar of a 5"),
        pytest.param((31, 37, 1, 1), None, id="speck"),
        pytest.param((4, 43, 80, 3), None, id="underline"),
    ],
)
def test_number_with_an_unread_mark_is_doubtful(scripted, line, mark, reason):
    model = scripted((16, {"7": 0.98}), (48, {"1": 0.98}), symbols=SYMBOLS)
    read = read_line(model, line((8, 8, 10, 32), mark, (45, 8, 6, 32)))
    assert (read.text, read.reason) == ("71", reason)


def test_number_beside_a_word_is_doubtful(scripted, line):
    model = scripted((16, {"7": 0.98}), (48, {UNKNOWN: 0.98}), symbols=SYMBOLS)
    read = read_line(model, line((8, 8, 10, 32), (45, 8, 6, 32)))
    assert (read.text, read.reason) == ("7", NOT_A_NUMBER)


def test_line_that_is_surely_unknown_is_a_word(scripted, line):
    image = line((8, 8, 10, 32), (45, 8, 6, 32))
    for probability, is_word in ((0.9, True), (0.4, False)):
        read = read_line(scripted((30, {UNKNOWN: probability}), symbols=SYMBOLS), image)
        assert (read.text, read.digits, read.is_word) == ("", (), is_word)


def test_single_digits_say_nothing_about_separators(scripted, line):
    last = {"1": 0.6, "7": 0.39}
    model = scripted((16, {"7": 0.98}), (32, {".": 0.5, ",": 0.45}), (44, last), symbols=SYMBOLS)
    image = line((10, 8, 14, 32), (30, 36, 4, 4), (42, 8, 6, 32))
    read = read_line(model, image, singles=sure_of("7", "1"))
    assert read.text == "7.1"
    assert 0.5 * 0.7 < read.probability < 0.5, "surer of the digits, not of the point"


@pytest.mark.parametrize(("other", "surer"), [("7", True), ("/", False)])
def test_single_digits_do_not_tell_a_one_from_a_slash(scripted, line, other, surer):
    model = scripted((16, {"7": 0.98}), (44, {"1": 0.6, other: 0.39}), symbols=SYMBOLS)
    read = read_line(model, line((10, 8, 14, 32), (42, 8, 6, 32)), singles=sure_of("7", "1"))
    assert read.text == "71"
    assert (read.probability > 0.7) == surer


def test_single_digits_do_not_remove_separators(scripted, line):
    model = scripted(
        (16, {"7": 0.98}), (32, {".": 0.4, ",": 0.3}), (44, {"4": 0.5, "1": 0.4}), symbols=SYMBOLS
    )
    image = line((10, 8, 14, 32), (30, 36, 4, 4), (42, 8, 6, 32))
    assert read_line(model, image, singles=sure_of("7", "1")).text == "7.1"


@pytest.mark.parametrize(
    ("constraint", "text"),
    [
        (Constraint(length=2), "7.1"),
        (Constraint(pattern=r"\d\d"), "71"),
        (Constraint(pattern=r"\d,\d"), "7,1"),
        (Constraint(vocabulary=["71", "74"]), "71"),
    ],
)
def test_constraints_of_digits_leave_separators_out(scripted, line, constraint, text):
    model = scripted((16, {"7": 0.98}), (32, {".": 0.6, ",": 0.3}), (44, {"1": 0.9}), symbols=SYMBOLS)
    image = line((10, 8, 14, 32), (30, 36, 4, 4), (42, 8, 6, 32))
    read = read_line(model, image, constraint)
    assert (read.text, read.reason) == (text, None)
    assert "".join(digit.label for digit in read.digits) == "71"


def test_box_of_each_digit_holds_its_ink(number):
    reading = Recognizer(threads=1).read(number)
    assert reading.text == "714"
    for digit, (left, right) in zip(reading.digits, ((0, 75), (75, 150), (150, 225)), strict=True):
        x, y, w, h = digit.box
        assert left <= x < x + w <= right
        assert (number[y : y + h, x : x + w] < 128).sum() > 0.95 * (number[:, left:right] < 128).sum()
