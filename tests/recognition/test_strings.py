"""A strip becomes a text, with a box and probabilities for each digit."""

from types import SimpleNamespace

import numpy as np
import pytest

from inkwise._util.errors import ModelError
from inkwise.recognition import line_reader as strings
from inkwise.recognition.constraints import Constraint
from inkwise.recognition.line_reader import LineModel, line_model_source, read_line_image

SEVEN, ONE = (10, 4, 14, 24), (40, 6, 6, 20)  # bars where a strip has ink


@pytest.fixture
def seventy_one(scripted):
    """Surely a 7, and then a 1, a 7 or nothing."""
    return scripted((16, {"7": 0.98}), (42, {"1": 0.6, "7": 0.3}))


def test_the_likeliest_text_and_its_probability(seventy_one, line):
    read = read_line_image(seventy_one, line(SEVEN, ONE).ink, pytest.fail)
    assert (read.text, read.unconstrained) == ("71", "71")
    assert read.probability == pytest.approx(0.98 * 0.6, abs=1e-4)
    assert read.support == 1
    assert [piece.label for piece in read.digits] == ["7", "1"]


def test_each_digit_has_the_probabilities_of_all_given_the_others(seventy_one, line):
    _, one = read_line_image(seventy_one, line(SEVEN, ONE).ink, pytest.fail).digits
    assert one.probabilities.shape == (10,)
    assert one.probabilities[[1, 7]] == pytest.approx([0.6, 0.3], abs=0.01)
    assert one.probabilities.sum() == pytest.approx(0.9, abs=0.01), "with 10 % there is none"


def test_boxes_fit_the_ink(seventy_one, line):
    assert [
        piece.box for piece in read_line_image(seventy_one, line(SEVEN, ONE).ink, pytest.fail).digits
    ] == [
        SEVEN,
        ONE,
    ]


def test_digits_that_touch_are_parted_where_the_ink_is_thinnest(scripted, line):
    ink = line((10, 4, 14, 24), (24, 15, 6, 2), (30, 4, 14, 24)).ink  # a thin line from one to the other
    one, two = read_line_image(scripted((16, {"8": 1}), (36, {"3": 1})), ink, pytest.fail).digits
    assert one.box[0] == 10
    assert 24 <= one.box[0] + one.box[2] <= 30
    assert two.box[0] == one.box[0] + one.box[2]
    assert two.box[0] + two.box[2] == 44


@pytest.mark.parametrize("column", [-8, -2, 90, 95, 102])
def test_a_digit_told_at_the_edge_or_beside_the_strip_has_a_box_inside(scripted, line, column):
    (piece,) = read_line_image(scripted((column, {"1": 0.9})), line((46, 4, 4, 24)).ink, pytest.fail).digits
    x, y, w, h = piece.box
    assert 0 <= x < x + w <= 96
    assert 0 <= y < y + h <= 32


def test_digits_told_beyond_the_strip_have_boxes_inside(scripted, line):
    told = [(column, {"1": 0.9}) for column in (80, 88, 92, 96, 102)]
    pieces = read_line_image(scripted(*told), line((10, 4, 80, 24)).ink, pytest.fail).digits
    assert len(pieces) == 5
    for x, _, w, _ in (piece.box for piece in pieces):
        assert 0 <= x < x + w <= 96


def test_many_digits_in_a_wide_strip(scripted, line):
    told = [(20 + 20 * number, {str(number % 10): 0.99}) for number in range(48)]
    bars = [(14 + 20 * number, 4, 12, 24) for number in range(48)]
    read = read_line_image(scripted(*told, width=1000), line(*bars, width=1000).ink, pytest.fail)
    assert read.text == "0123456789" * 4 + "01234567"
    assert [piece.box for piece in read.digits] == bars


def test_an_empty_strip_has_no_digits(scripted, line):
    read = read_line_image(scripted(), line().ink, pytest.fail)
    assert (read.text, read.digits, read.support) == ("", (), 1)


def test_a_constraint_chooses_among_what_the_ink_leaves_open(seventy_one, line):
    read = read_line_image(seventy_one, line(SEVEN, ONE).ink, pytest.fail, Constraint(pattern=r"7[02-9]"))
    assert (read.text, read.unconstrained) == ("77", "71")
    assert read.probability == pytest.approx(1, abs=1e-3), "there is nothing else that satisfies it"
    assert read.support == pytest.approx(0.98 * 0.3, abs=1e-3)
    assert [piece.label for piece in read.digits] == ["7", "7"]


def test_no_text_where_none_that_satisfies_the_constraint_fits(scripted, line):
    read = read_line_image(
        scripted((42, {"1": 1})), line(ONE).ink, pytest.fail, Constraint(length=60)
    )  # in 56 frames
    assert (read.text, read.probability, read.digits, read.unconstrained) == (None, 0, (), "1")


def test_what_a_larger_view_alone_has_room_for_is_no_text(scripted, line):
    noise = np.random.default_rng(0).normal(0, 1, (70, 11)).astype(np.float32)  # a digit in every frame
    views = iter([noise[:50], noise, noise[:40]])
    model = SimpleNamespace(run=lambda strip: (v := next(views)) - np.logaddexp.reduce(v, 1, keepdims=True))
    read = read_line_image(model, line(SEVEN, ONE).ink, pytest.fail, Constraint(length=60))
    assert (read.text, read.digits) == (None, ())


def test_a_model_file_reads_strips_of_any_width(bars_reader):
    model = LineModel(bars_reader, threads=1)
    assert (model.name, model.threshold) == ("bars (2026-01-01)", 0.5)
    for width in (32, 33, 34, 35, 1024):
        lattice = model.run(np.zeros((32, width), np.uint8))
        assert lattice.dtype == np.float32
        assert lattice.shape == (2 * -(-(width + 16) // 4), 11)
        np.testing.assert_allclose(np.exp(lattice).sum(1), 1, rtol=1e-5)


def test_where_in_the_lattice_a_column_is_told(bars_reader, line):
    lattice = LineModel(bars_reader, threads=1).run(line((40, 0, 2, 32)).ink)
    assert lattice[:, 1:].max(1).argmax() == (8 + 40) // 2


def test_a_model_by_its_bundled_name_or_its_run_folder(bars_reader, monkeypatch, tmp_path):
    monkeypatch.setattr(strings, "_WEIGHTS", bars_reader.parent)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model.onnx").write_bytes(bars_reader.read_bytes())
    for name in ("default", "run", str(bars_reader)):
        assert LineModel(line_model_source(name)).name == "bars (2026-01-01)"
    assert LineModel.bundled().name == "bars (2026-01-01)"
    with pytest.raises(ModelError, match=r"big: cannot be opened \(no such file; bundled models: default\)"):
        line_model_source("big")


def test_a_model_of_single_glyphs_reads_no_lines(tmp_path):
    from inkwise.recognition.model import model_source

    with pytest.raises(ModelError, match="the model: its metadata or its inputs and outputs are not those"):
        LineModel(model_source("tiny"))


def test_where_the_sizes_differ_the_mean_counts(scripted, line):
    told = [{"1": 0.6, "7": 0.3}, {"1": 0.3, "7": 0.6}, {"1": 0.2, "7": 0.7}]
    lattices = iter([scripted((16, {"7": 0.9}), (42, says)).lattice for says in told])
    model = SimpleNamespace(run=lambda strip: next(lattices))
    read = read_line_image(model, line(SEVEN, ONE).ink, pytest.fail)
    assert read.text == "77"
    assert read.probability == pytest.approx(0.9 * np.mean([0.3, 0.6, 0.7]), abs=0.01)


@pytest.mark.parametrize(
    ("mark", "chance", "text"),
    [
        pytest.param((40, 6, 6, 20), 0.3, "71", id="tall ink is read, also where it may be no digit"),
        pytest.param((40, 6, 6, 20), 0.02, "7", id="unless it hardly can be one: a bracket"),
        pytest.param((40, 20, 6, 6), 0.3, "7", id="a dot is passed over"),
    ],
)
def test_ink_that_no_digit_explains_speaks_against_a_text(scripted, line, mark, chance, text):
    model = scripted((16, {"7": 0.98}), (42, {"1": chance}))
    read = read_line_image(model, line(SEVEN, mark).ink, pytest.fail)
    assert read.text == text
    assert read.probability == pytest.approx(0.98 * {"7": 1 - chance, "71": chance}[text], abs=0.01)


@pytest.fixture
def glyphs():
    """Two glyphs; what they show does not matter to a classifier that is made up."""
    return np.zeros((2, 28, 28), np.uint8)


def sure_of(*digits):
    """A classifier of as many glyphs, sure of these digits; "-" is none."""

    def classify(glyphs):
        assert len(glyphs) == len(digits)
        return np.array([[0.95 if digit == str(ten) else 0.001 for ten in range(10)] for digit in digits])

    return classify


@pytest.mark.parametrize(
    ("spelled", "text"),
    [
        pytest.param("77", "77", id="possible"),
        pytest.param("70", "71", id="ruled out by the line"),
        pytest.param("--", "71", id="none is a digit"),
        pytest.param("7-", "7", id="one is none"),
    ],
)
def test_what_single_digits_spell_is_taken_where_the_line_holds_it_for_possible(
    seventy_one, line, glyphs, spelled, text
):
    read = read_line_image(seventy_one, line(SEVEN, ONE).ink, sure_of(*spelled), singles=glyphs)
    assert read.text == text
    assert read.probability == pytest.approx(0.98 * {"71": 0.6, "77": 0.3, "7": 0.1}[text], abs=0.01)
    assert "".join(piece.label for piece in read.digits) == text


def test_what_single_digits_spell_must_satisfy_the_constraint(seventy_one, line, glyphs):
    ink, classify = line(SEVEN, ONE).ink, sure_of("7", "7")
    read = read_line_image(seventy_one, ink, classify, Constraint(pattern="71"), glyphs)
    assert (read.text, read.unconstrained) == ("71", "77")


def test_where_nothing_stands_apart_the_line_is_read_alone(seventy_one, line, glyphs):
    assert read_line_image(seventy_one, line(SEVEN, ONE).ink, pytest.fail, singles=glyphs[:0]).text == "71"
