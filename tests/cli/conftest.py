"""Run the command line as a user does."""

import io
import sys

import pytest

from inkwise import cli


@pytest.fixture
def inkwise(monkeypatch, capsys):
    """Run the command line in this process; return exit status, standard output and standard error."""

    def run(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "argv", ["inkwise", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, *capsys.readouterr()

    return run


@pytest.fixture
def inkwise_fails(inkwise):
    """Run the command line, expect exit status 1 and nothing but one error line, and return its message."""

    def run(*arguments):
        status, out, err = inkwise(*arguments)
        assert (status, out) == (1, "")
        assert err.count("\n") == 1
        assert err.startswith("inkwise: ")
        return err.removeprefix("inkwise: ").rstrip("\n")

    return run
