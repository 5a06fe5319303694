"""Output in any encoding, with any file name."""

import json
import os
import subprocess
import sys

import pytest
from PIL import Image

from inkwise._util.errors import InkwiseError, one_line
from inkwise.cli.console import print_rows

FORKS = """
import contextlib, io, os, sys
import inkwise.datasets, inkwise.forms  # before the forks, like the modules that the first command imports
from inkwise.cli import main
sys.argv = ["inkwise", "--version"]
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main()
for case in {cases!r}:
    sys.argv = ["inkwise", *map(os.fsdecode, case)]
    if not os.fork():
        main()
    os.write(1, b"%d\\0" % os.waitstatus_to_exitcode(os.wait()[1]))
    os.write(2, b"\\0")
"""


def run(folder, encoding, *cases):
    """Run the command line with each list of arguments; return exit status, stdout and stderr of each."""
    done = subprocess.run(
        [sys.executable, "-c", FORKS.format(cases=cases)],
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=True,
    )
    streams = zip(done.stdout.split(b"\0")[:-1], done.stderr.split(b"\0")[:-1], strict=True)
    return [(int(out[-1:]), out[:-1], err) for out, err in streams]


@pytest.fixture
def folder(tmp_path, seven):
    for name in (os.fsencode("grün.png"), b"bad\xff.png", b"two\nlines.png"):
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:  # noqa: PTH118, PTH123
            Image.fromarray(seven).save(file, "PNG")
    return tmp_path


@pytest.mark.parametrize(("encoding", "own"), [("ascii", rb"gr\u00fcn.png"), ("utf-8", "grün.png".encode())])
def test_read_escapes_names_that_the_encoding_lacks(folder, encoding, own):
    (status, out, err), as_csv = run(folder, encoding, ["read", "."], ["read", "--csv", "."])
    assert (status, err) == (0, b"")
    lines = out.splitlines()
    assert [json.loads(line)["file"] for line in lines] == ["bad\\udcff.png", "grün.png", "two\nlines.png"]
    assert own in lines[1]
    assert (as_csv[0], as_csv[2]) == (0, b"")
    assert own in as_csv[1]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_error_is_one_line_for_any_name(tmp_path, encoding):
    commands = ["form", "check"], ["data", "info"], ["read", "x.png", "--model"]
    names = b"a\nb.png", b"\xff.png", "ü.png".encode(), b"\x1b[2J.png"
    for status, out, err in run(
        tmp_path, encoding, *([*command, name] for command in commands for name in names)
    ):
        assert (status, out) == (1, b"")
        assert err.count(b"\n") == 1
        assert err.startswith(b"inkwise: ")
        assert err.strip().decode(encoding).isprintable()


def test_error_escapes_unprintable_characters_once():
    error = InkwiseError("two\nlines\x1b[2J \udcff ü")
    assert str(error) == r"two\nlines\x1b[2J \udcff ü"
    assert str(InkwiseError(str(error))) == str(error)
    assert one_line("a\tb") == r"a\tb"


def test_piped_table_has_no_wrapped_lines_and_no_markup(capsys):
    print_rows(("path", "what"), [("folder/" * 30, "[bold] :smile:")])
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["path", "what"]
    assert row.split() == ["folder/" * 30, "[bold]", ":smile:"]
