"""The errors that a user can cause and mend: each is one clear line."""

from collections.abc import Iterator
from contextlib import contextmanager


class InkwiseError(ValueError):
    """Something the user gave cannot be used; the message is one line that names it and says why."""

    def __init__(self, message: str) -> None:
        """Escape in the message what is not printable, such as the line end in a file's name."""
        super().__init__(one_line(message))


class ImageError(InkwiseError):
    """A picture that cannot be decoded, or that is refused before it is decoded."""


class DataError(InkwiseError):
    """A data set that cannot be had, or whose bytes are not what they claim to be."""


class ModelError(InkwiseError):
    """A model file that cannot be used."""


class ConflictError(InkwiseError):
    """A change based on content that somebody else has changed since; nothing was written."""


class StoreError(InkwiseError):
    """A database of corrections or trials that cannot be used, or what it cannot take in."""


def one_line(text: str) -> str:
    """The text with escapes for what is not printable: line ends, terminal codes, lone surrogates."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


@contextmanager
def requires_extra(extra: str, what: str) -> Iterator[None]:
    """Around imports of what the base install lacks: a missing module becomes what to install.

    Raises:
        InkwiseError: a module is missing; the message says which, and the extra that brings it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise InkwiseError(f'{what} needs {error.name}: pip install "inkwise[{extra}]"') from error
