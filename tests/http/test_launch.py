import socket

import pytest

from inkwise._util.errors import InkwiseError
from inkwise.http.launch import http_url, listen
from inkwise.http.origin import is_loopback


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("ink", False),
    ],
)
def test_is_loopback(host, loopback):
    assert is_loopback(host) == loopback


def test_listen_binds_the_first_free_port():
    with socket.create_server(("127.0.0.1", 0)) as other:
        busy = other.getsockname()[1]
        with pytest.raises(InkwiseError, match=f"127.0.0.1:{busy}: cannot be used"):
            listen("127.0.0.1", [busy])
        with listen("127.0.0.1", range(busy, busy + 20)) as bound:
            assert busy < bound.getsockname()[1] < busy + 20


@pytest.mark.parametrize(
    ("host", "address"), [("localhost", "http://localhost:80"), ("::1", "http://[::1]:80")]
)
def test_http_url(host, address):
    assert http_url(host, 80) == address
