"""What the comparison with others is reckoned from, and the page that it is written to."""

import math
from pathlib import Path

import numpy as np
import pytest

from inkwise.recognition.model import model_source

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")


def looks(*misses):
    from peers import AccuracyCheckpoint

    return [
        AccuracyCheckpoint(float(number), 15_000 * number, wrong) for number, wrong in enumerate(misses, 1)
    ]


def test_the_first_moment_at_a_mark():
    from versus_tables import first_reaching

    assert first_reaching(looks(150, 100, 120, 90), 100).seconds == 2
    assert first_reaching(looks(150, 101), 100) is None


def test_a_mark_is_reached_by_the_shortest_recipe_that_is_good_enough_on_average():
    from versus_tables import RecipeRuns, shortest

    ours = {
        "short": RecipeRuns(30_000, [2.0, 2.1], [90, 104]),
        "long": RecipeRuns(60_000, [9.0, 9.5], [40, 50]),
        "longer": RecipeRuns(60_000, [20.0, 20.5], [40, 44]),
    }
    assert shortest(ours, 100) == "short"
    assert shortest(ours, 50) == "long"
    assert shortest(ours, 30) is None


def test_a_ratio_has_an_interval_where_something_varies():
    from versus_tables import time_ratio, times_as_fast

    assert times_as_fast(time_ratio([30.0], [2.0])) == "15.0"
    middle, low, high = time_ratio([30.0], [1.9, 2.0, 2.1])
    assert low < middle < high
    assert middle == pytest.approx(15.0, abs=0.05)
    # By hand: t of two degrees of freedom, times the standard error of the mean logarithm.
    error = np.std(np.log([1.9, 2.0, 2.1]), ddof=1) / math.sqrt(3)
    assert math.log(high / middle) == pytest.approx(4.303 * error, rel=1e-3)
    wider = time_ratio([28.0, 30.0, 32.0], [1.9, 2.0, 2.1])
    assert wider[2] / wider[0] < high / middle * 1.2  # more freedom makes up for more spread


def test_the_interval_of_a_ratio_holds_what_it_promises():
    from versus_tables import time_ratio

    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(500):
        theirs, ours = np.exp(rng.normal(2, 0.1, 4)), np.exp(rng.normal(1, 0.3, 10))
        _, low, high = time_ratio(theirs, ours)
        hits += low < math.e < high
    assert 0.93 <= hits / 500 <= 0.97


def test_who_never_gets_there_is_said():
    from versus_tables import RecipeRuns, finals, ratios, times

    ours = {"sprint-99": RecipeRuns(30_000, [2.0], [95])}
    curves = {"pytorch": [looks(200, 100, 90)], "svc": [looks(160)]}
    _, rows = times(ours, curves)
    assert rows[0][1:3] == ("2.00 s, 30,000 images (`sprint-99`)", "never")
    assert rows[1][1] == "2.00 s, 30,000 images"
    assert rows[2][1] == "never"
    _, (pytorch, svc, best) = ratios(ours, curves)
    assert pytorch[1] == best[1] == "1.0"
    assert svc[1] == "it never gets there"
    assert best[2] == "neither gets there"
    _, (pytorch, svc) = finals(ours, curves)
    assert pytorch[4:] == ["never", "-", "-"]  # 90 misses at its end, ours has 95
    assert svc[4:] == ["2.00 s (`sprint-99`)", "0.50", "0.50"]


def test_a_seed_that_fails_a_mark_fails_it_for_all():
    from versus_tables import RecipeRuns, times

    curves = {"pytorch": [looks(100, 90), looks(130, 110)]}
    _, (_, row) = times({"sprint-99": RecipeRuns(1, [1.0], [100])}, curves)
    assert row[1] == "never"


def test_operations_of_a_graph_are_those_of_the_net():
    import torch
    from speed import operations
    from torch.utils.flop_counter import FlopCounterMode

    from inkwise.training import load_recipe
    from inkwise.training.onnx_models import initial_net

    net = initial_net(load_recipe("hands").model, (*"0123456789", "not a digit"))  # of the bundled weights
    with FlopCounterMode(display=False) as counter:
        net(torch.zeros(1, 1, 28, 28))
    assert operations(model_source("default")) == counter.get_total_flops()


def test_where_the_time_of_reading_goes(monkeypatch):
    import speed
    from versus_tables import shares

    class Test:
        glyphs = np.random.default_rng(0).integers(0, 256, (4, 28, 28), np.uint8)

    monkeypatch.setattr(speed.datasets, "load_dataset", lambda _: Test)
    found, rate = speed.reading_shares(batches=2, batch=4)
    assert any(name.startswith("Conv 32 to 32 at 14x14") for name in found)
    assert 0.5 < sum(found.values()) <= 1
    assert rate > 0
    assert shares({"Conv": 0.7, "Gemm": 0.2, "Add": 0.04}, most=2) == "`Conv` 70%, `Gemm` 20%, all else 10%"


def test_peers_learn_and_keep_what_they_learnt(tmp_path):
    from peers import TITLES, LabelledGlyphs, load_baseline

    rng = np.random.default_rng(0)
    glyphs = np.zeros((40, 28, 28), np.uint8)
    classes = np.arange(40) % 2
    glyphs[classes == 1, 4:24, 12:16] = rng.integers(200, 256, (20, 20, 4))
    glyphs[classes == 0, 4:8, 4:24] = rng.integers(200, 256, (20, 4, 20))
    digits = LabelledGlyphs(glyphs, classes)
    for key in TITLES:
        peer = load_baseline(key)
        *_, last = peer.train(digits, digits, epochs=3)
        assert last.images == (40 if key in ("svc", "knn") else 120)
        assert last.misses < 20
        peer.save(tmp_path / key)
        again = load_baseline(key, tmp_path / key)
        assert (again.predict(glyphs) == peer.predict(glyphs)).all()
        assert peer.operations()[0] > 0


def test_a_peer_that_cannot_be_had_is_named(monkeypatch):
    from peers import available_baselines

    monkeypatch.setitem(__import__("sys").modules, "sklearn_peers", None)
    there, skipped = available_baselines()
    assert there == ["pytorch", "keras"]
    assert [line.split(" is skipped")[0] for line in skipped] == [
        "scikit-learn's SVC",
        "scikit-learn's k-nearest neighbours",
    ]


def test_a_section_of_the_page_is_replaced_and_the_others_stay():
    from report import INTRODUCTION, page, sections

    before = page({"Stacks": "    python benchmarks/stacks.py\n\n| a |", "App": "by hand"})
    assert before.startswith(INTRODUCTION)
    found = sections(before)
    assert found["App"] == "by hand"
    after = page(found | {"App": "measured"})
    assert sections(after)["Stacks"] == found["Stacks"]
    assert page(sections(after)) == after


def test_the_page_opens_as_the_command_writes_it():
    from report import PAGE, page, sections

    text = PAGE.read_text()
    assert page(sections(text)) == text


def test_the_memory_of_a_start_is_its_own():
    import sys

    from starts import start

    held = np.ones(30_000_000)  # of the process that asks
    seconds, memory = start([sys.executable, "-S", "-c", ""])
    assert seconds > 0
    assert 1e6 < memory < held.nbytes / 2


def test_a_package_is_measured_with_what_it_requires():
    from importlib.metadata import distribution

    from starts import size, with_dependencies

    assert with_dependencies("scipy") >= size(distribution("scipy")) + size(distribution("numpy"))
