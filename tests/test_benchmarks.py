"""The model card is held to the figures, the figures to the weights, and what makes them to its word."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from inkwise import Recognizer
from inkwise.recognition.model import bundled_models, model_source

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")


def test_model_card_shows_the_figures():
    from card import filled_in

    page = (ROOT / "docs" / "model.md").read_text()
    assert filled_in(page) == page


def test_model_card_replaces_figures():
    from card import filled_in

    page = "<!-- figures: sureness -->\nby hand\n<!-- end -->\nprose"
    filled = filled_in(page)
    assert "by hand" not in filled
    assert "surest 95 %" in filled
    assert filled.endswith("<!-- end -->\nprose")


@pytest.mark.parametrize("name", bundled_models())
def test_figures_belong_to_the_bundled_weights(name):
    model = json.loads((ROOT / "docs" / "figures" / f"{name}.json").read_text())["model"]
    assert model["sha256"] == hashlib.sha256(model_source(name)).hexdigest()


def test_bundled_weights_are_small():
    sizes = {name: len(model_source(name)) for name in bundled_models()}
    assert sizes["default"] <= 2_000_000


@pytest.mark.parametrize("kind", ["empty", "dot", "noise", "scribble", "solid", "stripes"])
def test_non_digit_images_are_reproducible(kind):
    from nothing import SIZES, non_digit_images

    once, again, other = (list(non_digit_images(kind, 12, seed)) for seed in (0, 0, 1))
    assert all(np.array_equal(one, two) for one, two in zip(once, again, strict=True))
    assert not all(np.array_equal(one, two) for one, two in zip(once, other, strict=True))
    assert {picture.shape for picture in once} == set(SIZES)
    light = [np.median(picture) > 127 for picture in non_digit_images("dot", 10, 0)]
    assert light == [True] * 5 + [False] * 5


def test_non_digit_strokes_can_be_read():
    from nothing import STROKES, non_digit_strokes

    recognizer = Recognizer()
    found = {
        kind: [recognizer.read_strokes(line) for line in non_digit_strokes(kind, 3, 0)] for kind in STROKES
    }
    assert not any(reading.digits for reading in found["empty"])
    assert all(reading.digits for kind in ("dot", "scribble") for reading in found[kind])


def test_auroc_and_its_interval():
    from real_hands import auroc

    rng = np.random.default_rng(0)
    digits, others = rng.normal(1, 1, 300), rng.normal(0, 1, 300)
    writers = np.arange(300) // 10
    area, (low, high) = auroc(digits, others, writers, writers)
    assert area == pytest.approx(0.76, abs=0.03)  # of two normal distributions one deviation apart
    assert low < area < high
    assert high - low == pytest.approx(0.075, abs=0.03)
    assert auroc(digits + 9, others, writers, writers)[0] == 1


def test_ablation_compares_with_the_whole_recipe_of_the_same_seeds():
    from ingredients_table import ablation_table

    def run(name, seed, misses, area):
        rest = {"unipen": 30, "photographed": 90, "rejected_at_99": 0.5}
        return {"ingredient": name, "seed": seed, "mnist": misses, "auroc": area, **rest}

    runs = [run("whole", 0, 100, 0.97), run("whole", 1, 104, 0.99), run("styles", 0, 110, 0.96)]
    lines = ablation_table({"n": {"mnist": 10_000}, "runs": runs}).splitlines()
    rows = {line.split(" | ")[0]: line for line in lines}
    assert "MNIST, misses of 10,000" in lines[0]
    assert rows["| nothing"].startswith(
        "| nothing | 2 | 102.0 ± 2.8 | 30.0 ± 0.0 | 90.0 ± 0.0 | 0.9800 ± 0.0141"
    )
    assert rows["| styles"].startswith(
        "| styles | 1 | 110.0 (+10.0) | 30.0 (+0.0) | 90.0 (+0.0) | 0.9600 (-0.0100)"
    )
    assert rows["| dropout"].count("–") == 6
