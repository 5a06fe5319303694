"""Files of a request body: the body itself, or the parts of a form."""

from __future__ import annotations

from python_multipart import create_form_parser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import File

from inkwise._util.errors import InkwiseError

FORM = "multipart/form-data"

MAX_FILES = 100
"""Maximum number of files in one request."""


def uploaded_files(content_type: str, body: bytes) -> list[tuple[str, bytes]]:
    """Return name and content of each file of a form, whatever its field is called; other fields are ignored.

    Args:
        content_type: The header of the request, with its boundary.
        body: multipart/form-data (RFC 7578).

    Raises:
        InkwiseError: The body is not such a form, or holds no file or more than `MAX_FILES`.
    """
    files: list[File] = []
    try:
        parser = create_form_parser(
            {"Content-Type": content_type.encode("latin-1")},
            None,
            files.append,
            {"MAX_MEMORY_FILE_SIZE": len(body)},  # the body is in memory already; nothing is written to disk
        )
        parser.write(body)
        parser.finalize()
    except (FormParserError, ValueError):
        raise InkwiseError(f"the body is not a valid form ({FORM})") from None
    if not 0 < len(files) <= MAX_FILES:
        raise InkwiseError(f"the form has {len(files):,} files; expected 1 to {MAX_FILES}")
    return [(_name(file), _content(file)) for file in files]


def _name(file: File) -> str:
    return (file.file_name or b"").decode("utf-8", "replace")[:200]


def _content(file: File) -> bytes:
    file.file_object.seek(0)
    return file.file_object.read()
