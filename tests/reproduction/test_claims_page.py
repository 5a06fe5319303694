import re

import pytest

from inkwise._util.errors import DataError
from inkwise.reproduction.claims_page import BUNDLED, write_page
from inkwise.reproduction.seed_runs import RunResult


def lenet_result(misses):
    return RunResult(
        {"parameters": 72_968, "epochs": 20, "seconds": 120.0, "train": 0.98, "loss": 0.05}
        | {"train 2": 0.95, "validation 2": 0.97},
        {"mnist-test": (misses, 10_000), "mnist-modified": (7_000, 10_000)},
    )


@pytest.fixture
def runs():
    return {
        "lenet-dropout": [lenet_result(70), lenet_result(80), lenet_result(90)],
        BUNDLED: [RunResult({}, {"mnist-test": (33, 10_000)})],
    }


@pytest.fixture
def page(tmp_path, runs):
    write_page(tmp_path / "papers.md", runs, tmp_path)
    return (tmp_path / "papers.md").read_text()


def line(page, start):
    """Return the first table row that starts with a text."""
    return re.findall(rf"^\| {start} .*$", page, re.MULTILINE)[0]


def test_write_page_compares_claims_with_measurements(page):
    # 80 misses of 10,000 on average, ± 10.
    assert "| test | 99.32 % | 99.20 ± 0.10 % (70, 80, 90 of 10,000; 99.01 to 99.36) | -0.12 |" in page
    assert "| `lenet-dropout` | 20 | 2.0 | parameters | 72,968 | 72,968 |" in page
    assert "| loss | 0.0475 | 0.0500 |" in page


def test_write_page_omits_deviation_of_single_run(page):
    assert line(page, BUNDLED).startswith("| bundled weights | 99.67 % (33 of 10,000; ")


def test_write_page_marks_missing_measurements(page):
    assert line(page, "`lenet-dropout` \\| not measured").count("not measured") == 4
    assert "cnn-small" not in page.partition("## 4.")[0].partition("## 3.")[2]


def test_write_page_writes_curves(page, tmp_path):
    assert "](papers-curves.png)" in page
    assert (tmp_path / "papers-curves.png").read_bytes().startswith(b"\x89PNG")


def test_write_page_rejects_unwritable_path(tmp_path, runs):
    (tmp_path / "taken").write_text("")
    with pytest.raises(DataError, match=r"taken: cannot be made"):
        write_page(tmp_path / "taken" / "papers.md", runs, tmp_path)
