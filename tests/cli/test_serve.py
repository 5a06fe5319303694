import socket

import pytest


@pytest.fixture
def busy():
    """A port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


@pytest.fixture
def tokens(tmp_path):
    file = tmp_path / "tokens.txt"
    file.write_text("a token of four words")
    return file


def test_what_cannot_be_served_is_one_line(inkwise, busy, tokens):
    for options, error in (
        (["--port", busy], f"127.0.0.1:{busy}: cannot be used (Address already in use)"),
        (["--host", "no.such.host.invalid"], "no.such.host.invalid:8000: cannot be used ("),
        (["--port", 0, "--model", "no.onnx"], "no.onnx: cannot be opened"),
        (["--port", 0, "--model", "nothing"], "nothing: cannot be opened (no such file; bundled models:"),
        (["--port", 0, "--host", "0.0.0.0"], "0.0.0.0: not a loopback address, so tokens are required"),
        (["--port", 0, "--tokens", tokens.with_name("no")], f"{tokens.with_name('no')}: cannot be opened"),
        (["--port", 0, "--tokens", tokens], f"{tokens}, line 1: expected an ASCII token"),
        (["--port", 0, "--workers", 2, "--model", "no.onnx"], "no.onnx: cannot be opened"),
    ):
        status, out, line = inkwise("serve", *options)
        assert (status, out) == (1, "")
        assert line.startswith(f"inkwise: {error}")
        assert line.count("\n") == 1


@pytest.mark.parametrize("missing", ["fastapi", "prometheus_client", "uvicorn"])
def test_without_the_extra_it_says_what_to_install(inkwise, missing, without_module):
    without_module(missing, "inkwise.service", "inkwise.http")
    status, _, line = inkwise("serve")
    assert (status, line) == (1, f'inkwise: the service needs {missing}: pip install "inkwise[serve]"\n')
