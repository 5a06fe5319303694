import pytest
from starlette.datastructures import Headers

from inkwise._util.errors import InkwiseError
from inkwise.http.tokens import Tokens


def authenticate(tokens, header):
    return tokens.authenticate(Headers({"Authorization": header}))


@pytest.fixture
def tokens(tmp_path):
    """Read a token file with this content."""

    def tokens(content):
        file = tmp_path / "tokens.txt"
        file.write_bytes(content)
        return Tokens.read(file)

    return tokens


def test_tokens_are_named_by_the_file_or_its_lines(tokens):
    known = tokens(b"\xef\xbb\xbfanna  tea-time\n\n  4711\r\n")
    assert authenticate(known, "Bearer tea-time") == "anna"
    assert authenticate(known, "bearer   4711") == "line 3"


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer tea", "Basic tea-time", "tea-time", "Bearer \xe4", "Bearer anna"],
)
def test_other_authorization_headers_are_unknown(tokens, header):
    assert authenticate(tokens(b"anna tea-time"), header) is None


def test_tokens_are_stored_as_digests(tokens):
    assert "tea-time" not in repr(tokens(b"anna tea-time"))


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "no token found"),
        (b"\n \n", "no token found"),
        (b"anna tea time", "line 1: expected an ASCII token, or a name and a token"),
        ("one\nt\u00e9".encode(), "line 2: expected an ASCII token"),
        (b"anna one\nanna two", "line 2: duplicate name or token"),
        (b"anna one\nbert one", "line 2: duplicate name or token"),
        (b"\xff\xfe", "expected UTF-8 text"),
    ],
)
def test_invalid_token_file_is_rejected(tokens, content, error):
    with pytest.raises(InkwiseError, match=error):
        tokens(content)


def test_tokens_file_is_missing(tmp_path):
    with pytest.raises(InkwiseError, match="cannot be opened"):
        Tokens.read(tmp_path / "no.txt")
