"""Benchmarks: their command line, the tables of the model card and the synthetic non-digits."""

import hashlib
import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.__main__ import MODULES, describe
from benchmarks.__main__ import main as run_benchmark
from benchmarks.accuracy import handwriting, letters
from benchmarks.accuracy.card_tables import ablation_table
from benchmarks.accuracy.drawing_reading import MADE
from benchmarks.accuracy.handwriting import auroc
from benchmarks.accuracy.model_card import filled_in
from benchmarks.accuracy.non_digits import SIZES, STROKES, non_digit_images, non_digit_strokes
from benchmarks.common.handwriting_sets import load_pictures, load_plain_symbols, read_glyphs
from inkwise import Recognizer
from inkwise.preprocessing.stroke_layout import find_stroke_numbers
from inkwise.recognition.model import bundled_models, model_source

ROOT = Path(__file__).parent.parent
QUOTING = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile")),
    *(ROOT / "docs").glob("*.md"),
    *(path for folder in ("benchmarks", "src", "tests") for path in (ROOT / folder).rglob("*.py")),
]
"""Files that may quote the command of a benchmark."""


def test_command_without_name_lists_every_benchmark():
    command = [sys.executable, "-m", "benchmarks"]
    listed = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    lines = [line.split(maxsplit=1) for line in listed.splitlines() if line.startswith("  ")]
    assert lines == [[name, describe(name)] for name in MODULES]


def test_command_rejects_unknown_name():
    with pytest.raises(SystemExit, match=r"^no benchmark 'speed'; expected one of handwriting, "):
        run_benchmark(["speed"])


@pytest.mark.parametrize("name", MODULES)
def test_benchmark_describes_itself_and_its_options(name, capsys):
    assert describe(name).endswith((".", "?"))
    with pytest.raises(SystemExit) as exit_:
        import_module(MODULES[name]).main(["--help"])
    assert exit_.value.code == 0
    assert describe(name) in " ".join(capsys.readouterr().out.split())


def test_quoted_benchmarks_exist():
    texts = {path: path.read_text() for path in QUOTING}
    quoted = {
        (path.name, name)
        for path, text in texts.items()
        for name in re.findall(r"python -m benchmarks (?!NAME)([\w-]+)", text)
    }
    assert {name for _, name in quoted} == MODULES.keys()
    assert not [path.name for path, text in texts.items() if re.search(r"python benchmarks/\w", text)]


def test_model_card_shows_the_figures():
    page = (ROOT / "docs" / "model.md").read_text()
    assert filled_in(page) == page


def test_model_card_tables_are_replaced():
    page = "<!-- figures: sureness -->\nby hand\n<!-- end -->\nprose"
    filled = filled_in(page)
    assert "by hand" not in filled
    assert "surest 95 %" in filled
    assert filled.endswith("<!-- end -->\nprose")


@pytest.mark.parametrize("name", bundled_models())
def test_figures_are_of_the_bundled_weights(name):
    model = json.loads((ROOT / "docs" / "figures" / f"{name}.json").read_text())["model"]
    assert model["sha256"] == hashlib.sha256(model_source(name)).hexdigest()


def test_default_weights_are_at_most_2_megabytes():
    assert len(model_source("default")) <= 2_000_000


@pytest.mark.parametrize("kind", ["empty", "dot", "noise", "scribble", "solid", "stripes"])
def test_non_digit_images_are_reproducible(kind):
    once, again, other = (list(non_digit_images(kind, 12, seed)) for seed in (0, 0, 1))
    assert all(np.array_equal(one, two) for one, two in zip(once, again, strict=True))
    assert not all(np.array_equal(one, two) for one, two in zip(once, other, strict=True))
    assert {picture.shape for picture in once} == set(SIZES)
    light = [np.median(picture) > 127 for picture in non_digit_images("dot", 10, 0)]
    assert light == [True] * 5 + [False] * 5


def test_non_digit_strokes_are_readable():
    recognizer = Recognizer()
    found = {
        kind: [recognizer.read_strokes(line) for line in non_digit_strokes(kind, 3, 0)] for kind in STROKES
    }
    assert not any(reading.digits for reading in found["empty"])
    assert all(reading.digits for kind in ("dot", "scribble") for reading in found[kind])


def test_auroc_and_its_interval(monkeypatch):
    monkeypatch.setattr(handwriting, "RESAMPLES", 200)
    rng = np.random.default_rng(0)
    digits, others = rng.normal(1, 1, 300), rng.normal(0, 1, 300)
    writers = np.arange(300) // 10
    area, (low, high) = auroc(digits, others, writers, writers)
    assert area == pytest.approx(0.76, abs=0.03)  # of two normal distributions one deviation apart
    assert low < area < high
    assert high - low == pytest.approx(0.075, abs=0.03)
    assert auroc(digits + 9, others, writers, writers)[0] == 1


def test_archives_of_pictures_and_of_formula_symbols_are_loaded(tmp_path):
    picture = np.full((60, 40), 230, np.uint8)
    picture[10:50, 18:23] = 20
    jpegs = [np.frombuffer(cv2.imencode(".jpg", each)[1], np.uint8) for each in (picture, picture.T, picture)]
    offsets = np.cumsum([0, *map(len, jpegs)])
    path = tmp_path / "scans.npz"
    np.savez(path, jpeg=np.concatenate(jpegs), offsets=offsets, labels=np.array([1, 7, 1]))
    pictures, labels = load_pictures(path, count=2)
    assert ([each.shape for each in pictures], labels.tolist()) == ([(60, 40), (40, 60)], ["1", "7"])
    glyphs = read_glyphs(Recognizer(), [*pictures, np.full((60, 40), 230, np.uint8)])
    assert [glyph.any(axis=0).mean() > 0.5 for glyph in glyphs] == [False, True, False]
    assert not glyphs[2].any()
    np.savez(
        path,
        pixels=np.concatenate([picture.ravel(), picture.T.ravel()]),
        offsets=np.array([0, picture.size, 2 * picture.size]),
        shapes=np.array([picture.shape, picture.T.shape]),
        labels=np.array([1, 7]),
    )
    pictures, labels = load_pictures(path)
    assert labels.tolist() == ["1", "7"]
    np.testing.assert_array_equal(pictures[1], picture.T)

    np.savez(
        tmp_path / "symbols.npz",
        points=np.array([[0, 0], [0, 9], [0, 0], [9, 0], [0, 0], [9, 9]], np.int32),
        stroke_offsets=np.arange(0, 7, 2),
        sample_offsets=np.arange(4),
        labels=np.array(["l", "-", "x"]),
        writer=np.zeros(3, np.int64),
        confusable=np.array([True, False, False]),
    )
    assert load_plain_symbols(tmp_path / "symbols.npz").labels.tolist() == ["-", "x"]


def test_ablation_table_compares_runs_of_the_same_seeds():
    def run(name, seed, misses, area):
        rest = {"unipen": 30, "photographed": 90, "further": 60, "rejected_at_99": 0.5}
        return {"ingredient": name, "seed": seed, "mnist": misses, "auroc": area, **rest}

    runs = [run("whole", 0, 100, 0.97), run("whole", 1, 104, 0.99), run("styles", 0, 110, 0.96)]
    lines = ablation_table({"n": {"mnist": 10_000}, "runs": runs}).splitlines()
    rows = {line.split(" | ")[0]: line for line in lines}
    assert "MNIST, misses of 10,000" in lines[0]
    assert rows["| nothing"].startswith(
        "| nothing | 2 | 102.0 ± 2.8 | 30.0 ± 0.0 | 90.0 ± 0.0 | 60.0 ± 0.0 | 0.9800 ± 0.0141"
    )
    assert rows["| styles"].startswith(
        "| styles | 1 | 110.0 (+10.0) | 30.0 (+0.0) | 90.0 (+0.0) | 60.0 (+0.0) | 0.9600 (-0.0100)"
    )
    assert len(lines) == 4, "what was not measured is not listed"


@pytest.mark.parametrize("kind", MADE)
def test_made_drawings_hold_the_numbers_of_their_text(kind):
    bars = [[np.array([(0.0, 0.0), (0.2, 1.0 + label / 50)])] for label in range(10)]
    writer = [(strokes, str(label)) for label, strokes in enumerate(bars)]
    for seed in range(20):
        drawing = MADE[kind](np.random.default_rng(seed), [writer])
        assert drawing.text.split() == [text for _, text in drawing.parts]
        layout = find_stroke_numbers(drawing.strokes, stacked=False)
        assert [len(line) for line in layout] == [len(line.split()) for line in drawing.text.split("\n")]


@pytest.mark.parametrize(
    ("answer", "truth", "alike"),
    [
        *(("a", "a", True), ("A", "a", True), ("O", "0", True), ("0", "o", True), ("l", "I", True)),
        *(("L", "1", False), ("a", "o", False), ("i", "1", False), ("q", "9", True), ("Q", "9", False)),
    ],
)
def test_case_and_look_alikes_count_as_one(answer, truth, alike):
    assert letters.are_alike(answer, truth) is alike


def test_letters_table_has_a_row_for_each_figure():
    figures = json.loads((ROOT / "docs" / "figures" / "letters.json").read_text())
    shown = letters.table(figures)
    assert shown.count("\n| ") == len(figures["rows"])
    assert all(f"| {row['what']} | {row['n']:,} |" in shown for row in figures["rows"])
