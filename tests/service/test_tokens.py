import pytest

from inkwise._util.errors import InkwiseError
from inkwise.service import Tokens


@pytest.fixture
def tokens(tmp_path):
    """Read a file of tokens with this content."""

    def tokens(content):
        file = tmp_path / "tokens.txt"
        file.write_bytes(content)
        return Tokens.read(file)

    return tokens


def test_tokens_have_names_or_the_number_of_their_line(tokens):
    known = tokens(b"\xef\xbb\xbfanna  tea-time\n\n  4711\r\n")
    assert known.name("Bearer tea-time") == "anna"
    assert known.name("bearer   4711") == "line 3"


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer tea", "Basic tea-time", "tea-time", "Bearer \xe4", "Bearer anna"],
)
def test_anything_else_is_none(tokens, header):
    assert tokens(b"anna tea-time").name(header) is None


def test_the_tokens_themselves_are_not_kept(tokens):
    assert "tea-time" not in repr(tokens(b"anna tea-time"))


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "holds no token"),
        (b"\n \n", "holds no token"),
        (b"anna tea time", "line 1: is no token of ASCII, nor a name and a token"),
        ("one\nt\u00e9".encode(), "line 2: is no token of ASCII"),
        (b"anna one\nanna two", "line 2: this name or token was there before"),
        (b"anna one\nbert one", "line 2: this name or token was there before"),
        (b"\xff\xfe", "is not text"),
    ],
)
def test_a_file_that_is_none(tokens, content, error):
    with pytest.raises(InkwiseError, match=error):
        tokens(content)


def test_no_file(tmp_path):
    with pytest.raises(InkwiseError, match="cannot be opened"):
        Tokens.read(tmp_path / "no.txt")
