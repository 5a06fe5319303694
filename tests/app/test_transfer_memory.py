"""Imports and exports use little memory, whatever their unpacked size."""

import subprocess
import sys

import pytest

# The peak is that of this process alone; ru_maxrss would count the process that started it, too.
PEAK = """
import json, sys, uuid, zipfile
from pathlib import Path
from inkwise.app import transfer_routes as transfer
from inkwise.app.transfer_routes import _export, _import
from inkwise.corrections import Learner, Sample
import numpy

def peak():
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
    return int(line.split()[1]) // 1024

def packed(name, piece, times, more=()):
    upload = open(sys.argv[1] + ".zip", "w+b")
    with zipfile.ZipFile(upload, "w", zipfile.ZIP_DEFLATED) as archive:
        for other, text in more:
            archive.writestr(other, text)
        with archive.open(name, "w") as file:
            for number in range(times):
                file.write(piece(number))
    return upload

blank = ",".join(["0"] * 784) + "\\n"
plain = Sample.now(numpy.zeros((28, 28), numpy.uint8), writer="anna", source="canvas").to_dict()
learner = Learner("sqlite:///" + sys.argv[1])
learner.store
"""

ROWS = """
line = lambda number: json.dumps({**plain, "id": str(uuid.UUID(int=number))}).encode() + b"\\n"
upload = packed("samples.jsonl", line, 30_000)
before = peak()
assert _import(learner, "anna", upload) == 30_000
after = peak()
_export(learner, None)
print(before, after, peak())
"""

BOMB = """
upload = packed("labels.csv", lambda number: b"\\n" * 2**20, 100, [("images.csv", blank)])
before = peak()
try:
    _import(learner, "anna", upload)
except Exception as error:
    assert "has 1 rows" in str(error), error
print(before, peak())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("work", [ROWS, BOMB], ids=["rows", "bomb"])
def test_transfer_memory_stays_below_a_limit(work, tmp_path):
    command = [sys.executable, "-c", PEAK + work, str(tmp_path / "taught.db")]
    before, *after = map(int, subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.split())
    assert max(after) - before < 60, "MB"
