"""The command line as a user runs it."""

import io
import sys

import pytest

from inkwise import cli


@pytest.fixture
def inkwise(monkeypatch, capsys):
    """Run the command line and give exit status, standard output and standard error."""

    def run(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "argv", ["inkwise", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, *capsys.readouterr()

    return run
