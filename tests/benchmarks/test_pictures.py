"""Scores of pictures, the order of recognized lines, the cells of a sheet, and the files of real pictures."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.accuracy.picture_readers import Answer, reading_order
from benchmarks.accuracy.picture_synthesis import Picture
from benchmarks.accuracy.pictures import hinted, report, row, score_pictures
from benchmarks.accuracy.real_pictures import _in_part, count_cells, is_right, real_sets
from inkwise.recognition.reading import Digit, Number, Reading

WHITE = np.full((8, 8, 3), 255, np.uint8)


def digit(label, box, accepted=True):
    return Digit(label, 0.9, accepted, None, (), box, None, np.zeros((28, 28), np.uint8))


def test_scores_count_right_and_accepted_readings(tmp_path):
    made = [
        Picture("dates", WHITE, ("12", "34"), rejected=False),
        Picture("dates", WHITE, ("1239",), rejected=False),
        Picture("letters", WHITE, (), rejected=True),
    ]
    certain, doubtful = (lambda _, expect, a=accepted: Answer("1234", a) for accepted in (True, False))
    scores = score_pictures(made, {"inkwise": certain, "other": doubtful}, tmp_path)
    assert scores["inkwise"] - Counter(ms=9) == Counter(
        {"n": 3, "right": 1, "right, accepted": 1, "wrong, accepted": 2}
    )
    assert {key: count for key, count in scores["other"].items() if count and key != "ms"} == {
        "n": 3,
        "right": 2,
    }
    assert len([*tmp_path.glob("accepted/*.png")]) == 2
    assert not [*tmp_path.glob("not-accepted/*.png")]
    shown = row("letters", scores, ["inkwise", "other"])
    assert shown[:2] == ["letters", "3"]
    assert shown[2].startswith("33.3% (")
    assert shown[3] == "66.7%"
    assert shown[5] == "0.0%"


def test_mark_with_a_half_must_not_be_one_accepted_digit():
    assert is_right("", Answer("2", accepted=False))
    assert is_right("", Answer("212", accepted=True))
    assert not is_right("", Answer("2", accepted=True))
    halves = Reading.from_numbers([Number("2½", 1.0, None, ())], model="numbers", reason=None)
    assert is_right("", Answer("2", accepted=True, reading=halves))
    assert is_right("2", Answer("2", accepted=False))


def test_only_inkwise_is_read_with_hints():
    assert hinted(["rapidocr", "inkwise"]) == ["inkwise, hint"]


def test_boxes_are_ordered_by_line_and_place():
    def box(x, y):
        return [[x, y], [x + 10, y], [x + 10, y + 10], [x, y + 10]]

    assert reading_order(np.array([box(40, 3), box(0, 30), box(0, 0), box(20, 33)], float)) == [2, 0, 1, 3]


def test_cells_of_a_sheet_are_counted():
    sheet = np.full((100, 200), 255, np.uint8)
    sheet[[10, 50, 90], 10:191] = 0
    sheet[10:91, [10, 70, 130, 190]] = 0
    digits = [
        digit("4", (30, 20, 10, 20)),
        digit("4", (90, 20, 10, 20), accepted=False),
        digit("9", (150, 20, 10, 20)),  # wrong
        digit("4", (30, 60, 10, 20)),
        digit("4", (40, 60, 10, 20)),  # a second one in its cell
        digit("4", (0, 95, 4, 4), accepted=False),  # outside
    ]
    count = count_cells(sheet, "4", (2, 3), SimpleNamespace(digits=digits))
    assert count == Counter({"n": 6, "right": 3, "wrong, accepted": 2})


def test_halves_of_real_sets_are_disjoint():
    parts = {
        part: {block for block in range(200) if _in_part(block, part)} for part in ("validation", "test")
    }
    assert parts["validation"].isdisjoint(parts["test"])
    assert min(map(len, parts.values())) > 70


@pytest.mark.parametrize("part", ["validation", "test"])
def test_digits_of_real_files_are_read_with_their_labels(part, tmp_path):
    shapes = np.array([[3, 4], [5, 2]] * 20, np.int32)
    offsets = np.concatenate([[0], np.cumsum(shapes.prod(1))])
    arrays = {
        "pixels": np.repeat(np.arange(40), shapes.prod(1)).astype(np.uint8),
        "offsets": offsets,
        "shapes": shapes,
        "labels": np.arange(40) % 10,
        "person": np.arange(40) // 2,
    }
    np.savez(tmp_path / "own_hand.npz", **arrays)
    (found,) = real_sets(tmp_path, part)
    pictures = [*found.pictures()]
    assert 0 < len(pictures) < 40
    for image, label in pictures:
        assert image.shape == tuple(shapes[image[0, 0]])
        assert label == str(image[0, 0] % 10)
        assert (image == image[0, 0]).all()


def test_rows_are_reported_with_the_mean_of_kinds(capsys):
    half, whole = ({"inkwise": Counter({"n": 2, "right": right})} for right in (1, 2))
    report([("dates", half), ("letters", whole)], ["inkwise"], "kind")
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in rows] == ["| kind", "|---|---|---|---|", "| dates", "| letters", "| mean", ""]
    assert rows[4][1] == "4"
    assert rows[4][2].startswith("75.0% (")
