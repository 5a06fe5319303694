"""Form templates: reading, writing, and one line for each error, with file and field."""

from pathlib import Path

import pytest
from form_paper import MARKS, YAML, empty, save
from PIL import Image

from inkwise._util.errors import InkwiseError
from inkwise.forms import Field, FormError, FormTemplate, draw_fields
from inkwise.recognition.constraints import Constraint


def test_read_returns_fields_with_their_constraints(tmp_path):
    form = FormTemplate.read(save(tmp_path))
    assert (form.name, form.size, form.reference) == ("meter card", (840, 1188), tmp_path / "empty.png")
    meter, code, amount = form.fields
    assert meter == Field("meter", (300, 250, 300, 50), "comb", 6)
    assert code == Field("code", (300, 400, 60, 60), "digit")
    assert amount == Field("amount", (300, 550, 280, 60), constraint=Constraint(length=(1, 6)))
    assert [*form.columns] == [
        *("meter", "meter_confidence", "meter_accepted"),
        *("code", "code_confidence", "code_accepted"),
        *("amount", "amount_confidence", "amount_accepted"),
        *("fit", "reason"),
    ]


def test_read_accepts_millimetres_and_marks_without_a_reference(tmp_path):
    path = tmp_path / "form.yaml"
    path.write_text(
        "name: mm\nsize: [210, 297]\n"
        "marks: [[8, 8, 15, 15], [192, 8, 10, 10], [8, 280, 10, 10], [192, 280, 10, 10]]\n"
        "fields: [{name: total, box: [75.5, 62, 75, 12.5]}]\n"
    )
    form = FormTemplate.read(path)
    assert (form.size, form.reference, len(form.marks)) == ((210, 297), None, 4)
    assert draw_fields(form).size == (1131, 1600)


def test_read_accepts_a_vocabulary_file(tmp_path):
    (tmp_path / "meters.txt").write_text("000123\n 000456\n\n")
    form = FormTemplate.read(save(tmp_path, YAML.replace("cells: 6", "cells: 6, vocabulary: meters.txt")))
    assert form.fields[0].constraint.vocabulary == ("000123", "000456")


def test_to_yaml_and_read_are_inverse(tmp_path):
    constraint = "length: 4, pattern: '\\d+', range: [1, 9000], check: luhn, vocabulary: ['0018', '0026']"
    form = FormTemplate.read(save(tmp_path, YAML.replace("length: [1, 6]", constraint)))
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "copy.yaml").write_text(form.to_yaml(tmp_path / "deeper"))
    copy = FormTemplate.read(tmp_path / "deeper" / "copy.yaml")
    assert "reference: ../empty.png" in (tmp_path / "deeper" / "copy.yaml").read_text()
    assert (copy.fields, copy.size, copy.name) == (form.fields, form.size, form.name)
    assert copy.digest() == form.digest()


def test_digest_differs_by_fields_and_reference(tmp_path):
    path = save(tmp_path)
    before = FormTemplate.read(path).digest()
    Image.fromarray(empty(words=False)).save(tmp_path / "empty.png")
    other = FormTemplate.read(path).digest()
    path.write_text(YAML.replace("kind: digit", "kind: number"))
    assert len({before, other, FormTemplate.read(path).digest()}) == 3


FIELD = "  - {name: code, box: [300, 400, 60, 60], kind: digit}\n"


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (
            "{name: code, box: [800, 400, 60, 60]}",
            "the box leaves the page: from 800, 400 to 860, 460 on a page",
        ),
        ("{name: code, box: [580, 290, 60, 60]}", "field 'meter': the box overlaps that of field 'code'"),
        ("{name: code, box: [1, 2, 3]}", "field 'code': box: expected [x, y, width, height], numbers"),
        ("{name: code, box: [1, 2, .nan, 3]}", "field 'code': box: expected [x, y, width, height]"),
        ("{name: code, box: [1, 2, 3, 1" + "0" * 400 + "]}", "field 'code': box: expected"),
        ("{name: code, box: [1, 2, 0, 3]}", "sides of more than 0"),
        ("{name: code}", "field 'code': box: expected"),
        ("{box: [300, 400, 60, 60]}", "field 2: name is missing"),
        ("{name: meter, box: [300, 400, 60, 60]}", "field 'meter': 2 columns have this name"),
        ("{name: meter_accepted, box: [300, 400, 60, 60]}", "2 columns have this name"),
        ("{name: reason, box: [300, 400, 60, 60]}", "name: 'reason' is reserved for a column"),
        ("{name: numbers, box: [300, 400, 60, 60]}", "name: 'numbers' is reserved for a column"),
        ("{name: '=a', box: [300, 400, 60, 60]}", "name: expected a letter"),
        ("{name: 'a: b', box: [300, 400, 60, 60]}", "name: expected a letter"),
        (
            "{name: '" + 65 * "a" + "', box: [300, 400, 60, 60]}",
            "expected at most 64 characters, got 65",
        ),
        ("{name: code, box: [300, 400, 2, 60]}", "the box is too small to write a digit into"),
        (
            "{name: code, box: [300, 400, 60, 60], kind: comb, cells: 20}",
            "the cells of the box are too small to write a digit into",
        ),
        ("{name: code, box: [300, 400, 60, 60], kind: comp}", "unknown kind 'comp'; did you mean comb?"),
        ("{name: code, box: [300, 400, 60, 60], kind: comb}", "a comb has at least 2 cells"),
        ("{name: code, box: [300, 400, 60, 60], cells: 3}", "a number has no cells"),
        ("{name: code, box: [300, 400, 60, 60], lenght: 3}", "unknown key 'lenght'; did you mean length?"),
        ("{name: code, box: [300, 400, 60, 60], pattern: '('}", "field 'code': pattern"),
        (
            "{name: code, box: [300, 400, 60, 60], kind: digit, length: 2}",
            "length 2 does not fit into 1 cell",
        ),
        ("{name: code, box: [300, 400, 60, 60], kind: digit, pattern: '\\d\\d'}", "no number that satisfies"),
        ("{name: code, box: [300, 400, 60, 60], vocabulary: none.txt}", "none.txt: cannot be opened"),
        (
            '{name: code, box: [300, 400, 60, 60], vocabulary: "a\\0b"}',
            "vocabulary 'a\\x00b' holds a control",
        ),
        ("just text", "field 2: expected keys with values"),
    ],
)
def test_read_reports_an_invalid_field_in_one_line(tmp_path, wrong, problem):
    path = save(tmp_path, YAML.replace(FIELD, f"  - {wrong}\n"))
    with pytest.raises(FormError) as caught:
        FormTemplate.read(path)
    (line,) = caught.value.problems
    assert line.startswith(f"{path}: field ")
    assert problem in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            ("reference: empty.png", ""),
            "needs a size (width and height of the page) where it has no reference",
        ),
        (
            ("reference: empty.png", "size: [840, 1188]"),
            "needs a reference (a scan of the empty form) or four",
        ),
        (
            ("empty.png", "none.png"),
            "reference: {folder}/none.png: cannot be opened (No such file or directory)",
        ),
        (("empty.png", "card.yaml"), "reference: {folder}/card.yaml: is not a picture"),
        (
            ("reference:", "size: [840, 840]\nreference:"),
            "has another shape than its reference, 840 x 1188 pixels",
        ),
        (("reference:", "marks: [[1, 1, 9, 9]]\nreference:"), "marks: expected four, got 1"),
        (("reference:", "marks: [[1, 1]]\nreference:"), "mark 1: the box: expected [x, y, width, height]"),
        (
            ("reference:", f"marks: {[[x, 1, 9, 9] for x in (1, 21, 41, 61)]}\nreference:"),
            "marks: expected one in each quarter of the page",
        ),
        (
            ("reference: empty.png", "size: [4000, 9]"),
            "needs a reference (a scan of the empty form) or four",
        ),
        (("name: meter card", 'name: "meter\\ncard"'), "name 'meter\\ncard' holds a control character"),
        (("reference:", "referense:"), "unknown key 'referense'; did you mean reference?"),
        (("name: meter card", ""), "name is missing"),
        (("fields:", "fields: 3\nolder:"), "unknown key 'older'"),
        ((YAML, "fields: ["), "line 1: "),
        ((YAML, "- 1"), "expected keys with values"),
        ((YAML, "a: &a [1]\nb: *a"), "line 2: aliases (*) are not allowed"),
        ((YAML, "name: 1\nname: 2"), "line 2: duplicate key 'name'"),
        ((YAML, "name: !!set [1]"), "line 1: expected a mapping node, but found sequence"),
        ((YAML, "[" * 2000), "is not YAML"),
        ((YAML, "a: !!timestamp z"), "is not YAML"),
        ((YAML, "a: !!int ''"), "is not YAML"),
        ((YAML, "a: !!bool x"), "is not YAML"),
        ((YAML, "name: !!python/object/apply:os.getcwd []"), "line 1: could not determine a constructor"),
    ],
)
def test_read_reports_an_invalid_form_in_one_line(tmp_path, change, problem):
    path = save(tmp_path, YAML.replace(*change))
    with pytest.raises(InkwiseError) as caught:
        FormTemplate.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert problem.format(folder=tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_template_reports_overlapping_fields_in_one_line_each():
    fields = tuple(Field(f"f{number}", (300, 250, 300, 50)) for number in range(30))
    with pytest.raises(FormError) as caught:
        FormTemplate("card", (840, 1188), fields, Path("empty.png"))
    assert len(caught.value.problems) == 29


def test_template_rejects_slim_pages():
    with pytest.raises(FormError, match="a page of 4000 x 9 is too slim"):
        FormTemplate("card", (4000, 9), (Field("meter", (0, 0, 100, 9)),), Path("empty.png"))


def test_read_reports_all_problems(tmp_path):
    wrong = YAML.replace("kind: digit", "kind: digits").replace("[300, 550,", "[700, 550,")
    with pytest.raises(FormError, match=r"\(and 1 more, see `inkwise form check`\)") as caught:
        FormTemplate.read(save(tmp_path, wrong))
    assert [line.split(": ")[1] for line in caught.value.problems] == ["field 'code'", "field 'amount'"]


def test_template_without_reference_needs_a_larger_mark():
    field = Field("meter", (300, 250, 300, 50))
    alike = tuple((x, y, 40, 40) for x, y, _, _ in MARKS)
    FormTemplate("card", (840, 1188), (field,), marks=MARKS)
    FormTemplate("card", (840, 1188), (field,), Path("empty.png"), marks=alike)
    with pytest.raises(FormError, match="without a reference, one must have"):
        FormTemplate("card", (840, 1188), (field,), marks=alike)


@pytest.mark.parametrize("number", ["9" * 9999, "0x" + "f" * 9999, "1" + ":1" * 99_999, "1." + "9" * 9999])
@pytest.mark.parametrize("key", ["cells", "length", "marks"])
def test_read_rejects_overlong_numbers(tmp_path, key, number):
    """Such a number exceeds the digits that Python prints, or takes long to compute."""
    path = save(tmp_path, f"name: a\nsize: [9, 9]\n{key}: {number}\n")
    with pytest.raises(FormError, match=r"card\.yaml: line 3: a number is too long$"):
        FormTemplate.read(path)


@pytest.mark.parametrize("name", ["Member no.", "Date (ddmmyy)", "Größe in m", "R&D", "No. 1/2", "x"])
def test_field_may_have_the_name_that_is_printed(tmp_path, name):
    path = save(tmp_path, YAML.replace(FIELD, f'  - {{name: "{name}", box: [300, 400, 60, 60]}}\n'))
    form = FormTemplate.read(path)
    assert name in [field.name for field in form.fields]
    path.write_text(form.to_yaml(tmp_path))
    assert FormTemplate.read(path).fields == form.fields
