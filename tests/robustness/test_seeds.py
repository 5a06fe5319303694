"""Fuzz targets on their seeds: valid inputs, and every input that was once a finding."""

import time
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from benchmarks.robustness import fuzz
from benchmarks.robustness.fuzz_targets import TARGETS, FindingError, run_target
from inkwise._util.errors import InkwiseError
from inkwise.datasets.unipen_format import DamageError

SEEDS = Path(__file__).parent / "seeds"
FILES = sorted(path for path in SEEDS.rglob("*") if path.is_file())


@pytest.mark.parametrize("seed", FILES, ids=lambda path: path.relative_to(SEEDS).as_posix())
def test_target_accepts_seed_or_reports_one_line(seed, capsys):
    run_target(TARGETS[seed.parent.name], seed.read_bytes())
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_has_an_accepted_seed(name):
    def accepted(path):
        try:
            TARGETS[name](path.read_bytes())
        except InkwiseError:
            return False
        return True

    assert any(accepted(path) for path in FILES if path.parent.name == name)


def test_seeds_are_small():
    assert sum(path.stat().st_size for path in FILES) < 300_000


def test_slow_input_and_exception_are_findings(monkeypatch):
    monkeypatch.setattr("benchmarks.robustness.fuzz_targets.MAX_SECONDS", 0.01)

    def slow(data):
        until = time.process_time() + 0.05
        while time.process_time() < until:
            pass

    with pytest.raises(FindingError, match=r"^3 bytes took 0\.\d s$"):
        run_target(slow, b"abc")
    with pytest.raises(ZeroDivisionError):
        run_target(lambda data: 1 / len(data), b"")


def test_error_of_two_lines_is_a_finding():
    def refuse(data):
        raise DamageError(data.decode())

    run_target(refuse, b"one line")
    with pytest.raises(FindingError, match=r"of more than a line: 'two\\nlines'"):
        run_target(refuse, b"two\nlines")


def test_fuzzer_has_a_seed_folder_for_every_target():
    assert {folder.name for folder in fuzz.SEEDS.iterdir()} == {*TARGETS}


def test_fuzz_each_reports_inputs_and_stops_at_a_finding(monkeypatch, capsys):
    said = {"idx": (0, "Done 12345 runs in 601 second(s)"), "csv": (77, "FindingError: 3 bytes took 9 s")}

    def run(told, **_):
        code, stderr = said[told[4]]
        return CompletedProcess(told, code, stderr=stderr)

    monkeypatch.setattr(fuzz.subprocess, "run", run)
    fuzz.fuzz_each(["idx"], 10)
    assert "| idx | 10.0 | 12,345 |" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="77"):
        fuzz.fuzz_each(["idx", "csv"], 10)
    assert "FindingError" in capsys.readouterr().err
