"""What schemathesis makes of the service's description of itself: requests that fit it, and that do not."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def test_all_that_is_asked_is_answered_as_described(start, tmp_path):
    import schemathesis  # noqa: F401

    with start() as service:
        command = [sys.executable, "-m", "schemathesis.cli"]
        command += ["--config-file", HERE / "schemathesis.toml", "run"]
        options = ["--seed=0", "--max-examples=20", "--phases=examples,coverage,fuzzing", "--no-color"]
        found = subprocess.run(
            [*command, f"{service.url}/openapi.json", *options, "--generation-database=none"],
            cwd=tmp_path,  # where it keeps what it learns
            env={**os.environ, "SCHEMATHESIS_HOOKS": str(HERE / "schemathesis_bodies.py")},
            capture_output=True,
            text=True,
        )
        assert found.returncode == 0, found.stdout + found.stderr
        asked = {(line.get("path"), line.get("status")) for line in service.lines()}
    assert asked >= {(f"/v1/{path}", 200) for path in ("read", "strokes", "classify")}  # it got that far
