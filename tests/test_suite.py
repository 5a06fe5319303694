"""The suite itself: with missing modules, and started in the background by a shell."""

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


def collect(folder, missing, ci, tests=HERE):
    """Collect tests without some modules."""
    (folder / "without.py").write_text(WITHOUT.format(sorted(missing)))
    environment = {**os.environ, "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment["PYTHONPATH"] = os.pathsep.join([str(folder), *sys.path])
    command = [sys.executable, "-m", "pytest", "-p", "without", "--collect-only", "-q", "-rs", tests]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("missing", [{"pyarrow", "openpyxl"}, {*modules()} - {"packaging", "pytest"}])
def test_tests_without_missing_extras_are_collected(tmp_path, missing):
    done = collect(tmp_path, missing, ci="")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tests/image/test_decode.py" in done.stdout
    assert 'pip install "inkwise[' in done.stdout


def test_missing_extra_is_an_error_in_ci(tmp_path):
    done = collect(tmp_path, {"openpyxl"}, ci="true", tests=HERE / "batch" / "test_spreadsheet.py")
    assert done.returncode == 2
    assert "No module named 'openpyxl'" in done.stdout


def test_sigint_and_sigterm_have_their_handlers():
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_handlers_are_restored_where_a_shell_ignores_signals():
    name = f"{Path(__file__)}::{test_sigint_and_sigterm_have_their_handlers.__name__}"
    shell = ["sh", "-c", 'trap "" INT TERM; exec "$@"', "sh"]
    done = subprocess.run(
        [*shell, sys.executable, "-m", "pytest", "-q", name], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
