"""Benchmark `comparison`: statistics, tables, baselines, and the page of results."""

import math
import sys
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.common.results_page import INTRODUCTION, PAGE, page, sections
from benchmarks.speed import throughput
from benchmarks.speed.baselines import (
    TITLES,
    AccuracyCheckpoint,
    LabelledGlyphs,
    available_baselines,
    load_baseline,
)
from benchmarks.speed.cold_start import size, start, with_dependencies
from benchmarks.speed.comparison_tables import (
    RecipeRuns,
    finals,
    first_reaching,
    ratios,
    shares,
    shortest,
    time_ratio,
    times,
    times_as_fast,
)
from benchmarks.speed.throughput import operations
from inkwise.recognition.model import model_source
from inkwise.training import load_recipe
from inkwise.training.onnx_models import initial_net

ROOT = Path(__file__).parent.parent


def checkpoints(*misses):
    return [
        AccuracyCheckpoint(float(number), 15_000 * number, wrong) for number, wrong in enumerate(misses, 1)
    ]


def test_first_reaching_returns_first_checkpoint_at_target():
    assert first_reaching(checkpoints(150, 100, 120, 90), 100).seconds == 2
    assert first_reaching(checkpoints(150, 101), 100) is None


def test_shortest_recipe_reaches_target_on_average():
    ours = {
        "short": RecipeRuns(30_000, [2.0, 2.1], [90, 104]),
        "long": RecipeRuns(60_000, [9.0, 9.5], [40, 50]),
        "longer": RecipeRuns(60_000, [20.0, 20.5], [40, 44]),
    }
    assert shortest(ours, 100) == "short"
    assert shortest(ours, 50) == "long"
    assert shortest(ours, 30) is None


def test_time_ratio_has_interval_if_times_vary():
    assert times_as_fast(time_ratio([30.0], [2.0])) == "15.0"
    middle, low, high = time_ratio([30.0], [1.9, 2.0, 2.1])
    assert low < middle < high
    assert middle == pytest.approx(15.0, abs=0.05)
    # By hand: t of two degrees of freedom, times the standard error of the mean logarithm.
    error = np.std(np.log([1.9, 2.0, 2.1]), ddof=1) / math.sqrt(3)
    assert math.log(high / middle) == pytest.approx(4.303 * error, rel=1e-3)
    wider = time_ratio([28.0, 30.0, 32.0], [1.9, 2.0, 2.1])
    assert wider[2] / wider[0] < high / middle * 1.2  # more freedom makes up for more spread


def test_time_ratio_interval_has_95_percent_coverage():
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(500):
        theirs, ours = np.exp(rng.normal(2, 0.1, 4)), np.exp(rng.normal(1, 0.3, 10))
        _, low, high = time_ratio(theirs, ours)
        hits += low < math.e < high
    assert 0.93 <= hits / 500 <= 0.97


def test_tables_name_missed_targets():
    ours = {"sprint-99": RecipeRuns(30_000, [2.0], [95])}
    curves = {"pytorch": [checkpoints(200, 100, 90)], "svc": [checkpoints(160)]}
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


def test_times_require_every_seed_to_reach_target():
    curves = {"pytorch": [checkpoints(100, 90), checkpoints(130, 110)]}
    _, (_, row) = times({"sprint-99": RecipeRuns(1, [1.0], [100])}, curves)
    assert row[1] == "never"


def test_operations_equal_those_of_torch():
    net = initial_net(load_recipe("small").model, (*"0123456789", "not a digit"))  # of the bundled weights
    with FlopCounterMode(display=False) as counter:
        net(torch.zeros(1, 1, 28, 28))
    assert operations(model_source("default")) == counter.get_total_flops()


def test_reading_shares_sum_to_the_run_time(monkeypatch):
    class Test:
        glyphs = np.random.default_rng(0).integers(0, 256, (4, 28, 28), np.uint8)

    monkeypatch.setattr(throughput.datasets, "load_dataset", lambda _: Test)
    found, rate = throughput.reading_shares(batches=2, batch=4)
    assert any(name.startswith("Conv 16 to 32 at 14x14") for name in found)
    assert 0.5 < sum(found.values()) <= 1
    assert rate > 0
    assert shares({"Conv": 0.7, "Gemm": 0.2, "Add": 0.04}, most=2) == "`Conv` 70%, `Gemm` 20%, all else 10%"


def test_baselines_train_save_and_load(tmp_path):
    rng = np.random.default_rng(0)
    glyphs = np.zeros((40, 28, 28), np.uint8)
    classes = np.arange(40) % 2
    glyphs[classes == 1, 4:24, 12:16] = rng.integers(200, 256, (20, 20, 4))
    glyphs[classes == 0, 4:8, 4:24] = rng.integers(200, 256, (20, 4, 20))
    digits = LabelledGlyphs(glyphs, classes)
    for key in TITLES:
        baseline = load_baseline(key)
        *_, last = baseline.train(digits, digits, epochs=3)
        assert last.images == (40 if key in ("svc", "knn") else 120)
        assert last.misses < 20
        baseline.save(tmp_path / key)
        loaded = load_baseline(key, tmp_path / key)
        assert (loaded.predict(glyphs) == baseline.predict(glyphs)).all()
        assert baseline.operations()[0] > 0


def test_missing_baseline_is_reported(monkeypatch):
    monkeypatch.setitem(sys.modules, "benchmarks.speed.sklearn_baselines", None)
    there, skipped = available_baselines()
    assert there == ["pytorch", "keras"]
    assert [line.split(" is skipped")[0] for line in skipped] == [
        "scikit-learn's SVC",
        "scikit-learn's k-nearest neighbours",
    ]


def test_results_page_replaces_one_section():
    before = page({"Stacks": "    python -m benchmarks batch-reading\n\n| a |", "App": "by hand"})
    assert before.startswith(INTRODUCTION)
    found = sections(before)
    assert found["App"] == "by hand"
    after = page(found | {"App": "measured"})
    assert sections(after)["Stacks"] == found["Stacks"]
    assert page(sections(after)) == after


def test_results_page_is_as_generated():
    text = PAGE.read_text()
    assert page(sections(text)) == text


def test_cold_start_memory_excludes_the_parent():
    held = np.ones(30_000_000)  # of the process that asks
    seconds, memory = start([sys.executable, "-S", "-c", ""])
    assert seconds > 0
    assert 1e6 < memory < held.nbytes / 2


def test_package_size_includes_dependencies():
    assert with_dependencies("scipy") >= size(distribution("scipy")) + size(distribution("numpy"))
