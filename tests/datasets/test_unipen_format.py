import numpy as np
import pytest

from inkwise.datasets import unipen_format
from inkwise.datasets.unipen_format import DamageError, LabelledSegment, read_document

HEAD = ".COORD X Y\n.X_POINTS_PER_MM 100\n.Y_POINTS_PER_MM 100\n"


def read(text, **included):
    """Parse a text; ``included`` are texts by the names in .INCLUDE, without .dat."""

    def look_up(name):
        try:
            return included[name.removesuffix(".dat")]
        except KeyError:
            raise DamageError("include not found") from None

    return read_document(text, look_up)


def strokes(document, delineation):
    return [stroke.tolist() for stroke in document.ink(delineation)[0]]


def test_component_ends_at_next_keyword():
    document = read(HEAD + ".PEN_DOWN\n1 -2\n3 -4\n.DT 100\n.PEN_UP\n5 -6\n.COMMENT 7 8\n")
    assert [component.down for component in document.components] == [True, False]
    assert strokes(document, "0") == [[[1, 2], [3, 4]]]


def test_points_may_start_on_keyword_line():
    assert strokes(read(HEAD + ".PEN_DOWN 1 -2\n3 -4\n"), "0") == [[[1, 2], [3, 4]]]


def test_keyword_needs_capital_at_line_start():
    document = read(HEAD + ".PEN_DOWN\n.5 -.25\n  .PEN_DOWN")
    with pytest.raises(DamageError, match="points not numbers"):  # the indented word is not a keyword
        document.ink("0")
    assert strokes(read(HEAD + ".PEN_DOWN\n.5 -.25\n"), "0") == [[[0.5, 0.25]]]


def test_points_y_axis_is_flipped():
    assert strokes(read(HEAD + ".PEN_DOWN\n0 100\n0 0\n"), "0") == [[[0, -100], [0, 0]]]


def test_coord_may_span_lines():
    head = HEAD.replace("X Y", "T Y\n X\nP")
    assert strokes(read(head + ".PEN_DOWN\n9 -2 1 50\n9 -4 3 60\n"), "0") == [[[1, 2], [3, 4]]]


@pytest.mark.parametrize(
    ("units", "point"),
    [
        (".X_POINTS_PER_INCH 254\n.Y_POINTS_PER_MM 50\n", [10, 2]),
        (".X_POINTS_PER_INCH 254\n", [10, 10]),
        (".Y_POINTS_PER_INCH 508\n", [5, 5]),
        ("", [1, 1]),
    ],
    ids=["each axis its own", "x speaks for y", "y speaks for x", "none: 0.01 mm"],
)
def test_points_scale(units, point):
    np.testing.assert_allclose(strokes(read(f".COORD X Y\n{units}.PEN_DOWN\n1 -1\n"), "0"), [[point]])


INK = HEAD + "".join(
    f".PEN_DOWN\n{n} 0\n{n} -1\n{n} -2\n.PEN_UP\n" + ("0 0\n" if n == 10 else "") for n in (10, 12, 13, 14)
)


@pytest.mark.parametrize(
    ("delineation", "columns", "lengths"),
    [
        ("0", [10], [3]),
        ("2", [12], [3]),  # 1 is the pen-up with points; the others are not numbered
        ("0-2", [10, 12], [3, 3]),  # the pen-up has no ink
        ("0-1,4", [10, 14], [3, 3]),
        ("2:1-4:1", [12, 13, 14], [2, 3, 2]),
        ("3:2", [13], [1]),
        ("3-4:0", [13, 14], [3, 1]),
    ],
)
def test_ink_follows_delineation(delineation, columns, lengths):
    ink = strokes(read(INK), delineation)
    assert [stroke[0][0] for stroke in ink] == columns
    assert [len(stroke) for stroke in ink] == lengths


@pytest.mark.parametrize(
    ("delineation", "reason"),
    [
        ("5", "missing components"),
        ("3-2", "missing components"),
        ("0-999999999", "missing components"),
        ("0:3-2", "missing points"),
        ("0-2:3", "missing points"),
        ("0:2-0:1", "missing points"),
        ("1", "no ink"),
        (",".join(["0-4"] * 300), "too many components"),
        ("", "no delineation"),
        ("0-", "no delineation"),
        ("-1", "no delineation"),
        ("0,,1", "no delineation"),
        ("9" * 5000, "no delineation"),
        ("²", "no delineation"),
    ],
)
def test_ink_rejects_delineation(delineation, reason):
    with pytest.raises(DamageError, match=reason):
        read(INK).ink(delineation)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((".COORD X Y\n", ""), "no columns X and Y"),
        (("X Y", "X P"), "no columns X and Y"),
        (("X Y", "X Y P T"), "points unlike columns"),
        (("1 2", "1 abc"), "points not numbers"),
        (("1 2", "1 \x00\xff"), "points not numbers"),
        (("1 2", "1 nan"), "coordinates out of range"),
        (("1 2", "1 " + "9" * 400), "coordinates out of range"),
        (("1 2", "1 1e8"), "coordinates out of range"),
        (("MM 100", "MM 0"), "scale out of range"),
        (("MM 100", "MM -5"), "scale out of range"),
        (("MM 100", "MM inf"), "scale out of range"),
        (("MM 100", "MM many"), "scale out of range"),
        (("MM 100", "MM"), "scale out of range"),
    ],
)
def test_ink_rejects_damaged_component(change, reason):
    text = (HEAD + ".PEN_DOWN\n1 2\n").replace(*change)
    with pytest.raises(DamageError, match=reason):
        read(text).ink("0")


def test_ink_ignores_damage_of_other_components():
    document = read(HEAD + ".PEN_DOWN\n1 x\n.PEN_UP\n.PEN_DOWN\n5 -5\n")
    assert strokes(document, "1") == [[[5, 5]]]


@pytest.mark.parametrize(
    ("line", "segment"),
    [
        ('.SEGMENT CHARACTER 0-1 ? "4"', LabelledSegment("0-1", "4")),
        ('.SEGMENT CHARACTER 3 OK "4"', LabelledSegment("3", "4")),
        ('.SEGMENT WORD 12:3-13:8 BAD "5/27"', LabelledSegment("12:3-13:8", "5/27")),
        ('.SEGMENT WORD 3 "two words"', LabelledSegment("3", "two words")),
        ('.SEGMENT CHARACTER\t3\n\tOK "4"', LabelledSegment("3", "4")),
        (r'.SEGMENT CHARACTER 3 OK "\""', LabelledSegment("3", '"')),
        (r'.SEGMENT CHARACTER 3 OK "\\"', LabelledSegment("3", "\\")),
        ('.SEGMENT CHARACTER 3 OK """', LabelledSegment("3", '"')),
        (".SEGMENT CHARACTER 3 OK", None),
        (".SEGMENT", None),
    ],
)
def test_read_document_parses_segment(line, segment):
    assert read(line + "\n").segments == [segment]


def test_included_components_are_numbered_in_place():
    text = '.INCLUDE a.dat\n.INCLUDE b.dat\n.PEN_DOWN\n3 0\n.SEGMENT CHARACTER 1 OK "7"\n'
    document = read(text, a=HEAD + ".PEN_DOWN\n1 0\n", b=".PEN_DOWN\n2 0\n")
    assert [strokes(document, str(n))[0][0][0] for n in range(3)] == [1, 2, 3]
    assert document.segments == [LabelledSegment("1", "7")]


def test_included_file_may_include():
    document = read(".INCLUDE a.dat\n", a=".INCLUDE b.dat\n.PEN_DOWN\n1 0\n", b=HEAD)
    assert strokes(document, "0") == [[[1, 0]]]


def test_segments_of_included_file_are_ignored():
    assert read(".INCLUDE a.dat\n", a='.SEGMENT TEXT 0 OK "long"\n').segments == []


def test_circular_includes_end():
    document = read(".INCLUDE a.dat\n", a=HEAD + ".INCLUDE b.dat\n.PEN_DOWN\n1 0\n", b=".INCLUDE a.dat\n")
    assert len(document.components) == 1


def test_lexicon_is_not_read():
    assert read(".INCLUDE basic.lex\n").components == []


def test_read_document_rejects_missing_include():
    with pytest.raises(DamageError, match="include not found"):
        read(".INCLUDE none.dat\n")


def test_read_document_limits_includes():
    chain = {f"n{i}": f".INCLUDE n{i + 1}.dat\n" for i in range(60)}
    with pytest.raises(DamageError, match="too many includes"):
        read(".INCLUDE n0.dat\n", **chain)


@pytest.mark.parametrize(
    ("limit", "value", "reason"),
    [
        ("_MAX_NUMBERS", 8, "too many points"),
        ("_MAX_POINTS", 3, "too many points"),
        ("_MAX_TEXT", 9, "too much text"),
    ],
)
def test_read_document_limits_size(monkeypatch, limit, value, reason):
    """A segment may name a component many times, and many files may have the same include."""
    text = HEAD + ".PEN_DOWN\n1 -2\n3 -4\n"
    assert len(strokes(read(text), "0,0,0")) == 3
    monkeypatch.setattr(unipen_format, limit, value)
    with pytest.raises(DamageError, match=reason):
        strokes(read(text), "0,0,0")


def test_ink_returns_writer_of_first_stroke():
    text = f"{HEAD}.WRITER_ID anna\n.PEN_DOWN\n0 0\n.WRITER_ID bert k\nnoise\n.PEN_DOWN\n1 0\n"
    document = read(text)
    assert [document.ink(delineation)[1] for delineation in ("0", "1", "0-1")] == ["anna", "bert k", "anna"]


def test_ink_returns_empty_writer_without_name():
    assert read(HEAD + ".PEN_DOWN\n0 0\n").ink("0")[1] == ""


@pytest.mark.parametrize("text", ["", "\n", ".", "no keyword at all", "\x00\xff\x1f\x8b" * 100])
def test_read_document_accepts_files_without_keywords(text):
    document = read(text)
    assert document.components == document.segments == []
