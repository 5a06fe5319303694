"""What is printed, whatever a name holds and whatever the encoding is."""

import json
import os
import subprocess
import sys

import pytest
from PIL import Image

from inkwise._util.errors import InkwiseError, one_line


def run(folder, encoding, *arguments):
    """The command line in a process of its own: exit status, and the bytes of both streams."""
    done = subprocess.run(
        [sys.executable, "-c", "from inkwise.cli import main; main()", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def folder(tmp_path, seven):
    for name in (os.fsencode("grün.png"), b"bad\xff.png", b"two\nlines.png"):
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:  # noqa: PTH118, PTH123
            Image.fromarray(seven).save(file, "PNG")
    return tmp_path


@pytest.mark.parametrize(("encoding", "own"), [("ascii", rb"gr\u00fcn.png"), ("utf-8", "grün.png".encode())])
def test_names_that_the_encoding_lacks_are_escaped(folder, encoding, own):
    status, out, err = run(folder, encoding, "read", ".")
    assert (status, err) == (0, b"")
    lines = out.splitlines()
    assert [json.loads(line)["file"] for line in lines] == ["bad\\udcff.png", "grün.png", "two\nlines.png"]
    assert own in lines[1]
    status, out, err = run(folder, encoding, "read", "--csv", ".")
    assert (status, err) == (0, b"")
    assert own in out


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("name", [b"a\nb.png", b"\xff.png", "ü.png".encode(), b"\x1b[2J.png"])
def test_an_error_is_one_line_whatever_the_name(tmp_path, encoding, name):
    for arguments in (["form", "check", name], ["data", "info", name], ["read", "--model", name, "x.png"]):
        status, out, err = run(tmp_path, encoding, *arguments)
        assert (status, out) == (1, b"")
        assert err.count(b"\n") == 1
        assert err.startswith(b"inkwise: ")
        assert err.strip().decode(encoding).isprintable()


def test_an_error_escapes_what_is_not_printable_once():
    error = InkwiseError("two\nlines\x1b[2J \udcff ü")
    assert str(error) == r"two\nlines\x1b[2J \udcff ü"
    assert str(InkwiseError(str(error))) == str(error)
    assert one_line("a\tb") == r"a\tb"
