"""Requests that schemathesis generates from the OpenAPI description, valid and invalid."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.slow
def test_responses_match_the_openapi_description(start, tmp_path):
    import schemathesis  # noqa: F401

    with start() as service:
        command = [sys.executable, "-m", "schemathesis.cli"]
        command += ["--config-file", HERE / "schemathesis.toml", "run"]
        options = ["--seed=0", "--max-examples=20", "--phases=examples,coverage,fuzzing", "--no-color"]
        found = subprocess.run(
            [*command, f"{service.url}/openapi.json", *options, "--generation-database=none"],
            cwd=tmp_path,  # schemathesis writes files there
            env={**os.environ, "SCHEMATHESIS_HOOKS": str(HERE / "schemathesis_bodies.py")},
            capture_output=True,
            text=True,
        )
        assert found.returncode == 0, found.stdout + found.stderr
        asked = {(line.get("path"), line.get("status")) for line in service.lines()}
    assert asked >= {(f"/v1/{path}", 200) for path in ("read", "batch", "strokes", "classify")}
