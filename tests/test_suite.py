"""The suite itself: where something is missing, and where a shell started it in the background."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from extras import modules

HERE = Path(__file__).parent

WITHOUT = """
from importlib.machinery import PathFinder

find = PathFinder.find_spec

def find_spec(name, path=None, target=None):
    return None if name.partition(".")[0] in {} else find(name, path, target)

PathFinder.find_spec = find_spec
"""


def collect(folder, missing, ci):
    """What pytest says when it collects all tests without some modules."""
    (folder / "without.py").write_text(WITHOUT.format(sorted(missing)))
    environment = {**os.environ, "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment["PYTHONPATH"] = os.pathsep.join([str(folder), *sys.path])
    command = [sys.executable, "-m", "pytest", "-p", "without", "--collect-only", "-q", "-rs", HERE]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("missing", [{"pyarrow", "openpyxl"}, {*modules()} - {"packaging", "pytest"}])
def test_without_extras_the_other_tests_are_collected(tmp_path, missing):
    done = collect(tmp_path, missing, ci="")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tests/image/test_decode.py" in done.stdout
    assert 'pip install "inkwise[' in done.stdout


def test_in_ci_a_missing_extra_is_an_error(tmp_path):
    done = collect(tmp_path, {"openpyxl"}, ci="true")
    assert done.returncode == 2
    assert "No module named 'openpyxl'" in done.stdout


def test_ctrl_c_and_sigterm_are_heard():
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_they_are_heard_where_a_shell_ignores_them():
    name = f"{Path(__file__)}::{test_ctrl_c_and_sigterm_are_heard.__name__}"
    shell = ["sh", "-c", 'trap "" INT TERM; exec "$@"', "sh"]
    done = subprocess.run(
        [*shell, sys.executable, "-m", "pytest", "-q", name], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
