"""Errors that a user can cause and fix; each message is one line."""

from collections.abc import Iterator
from contextlib import contextmanager

TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
"""PyTorch's own index of builds without CUDA, which have a tenth of the size."""


class InkwiseError(ValueError):
    """An input cannot be used; the message names it and the reason, in one line."""

    def __init__(self, message: str) -> None:
        """Escape unprintable characters of the message, such as a line end in a file name."""
        super().__init__(one_line(message))


class ImageError(InkwiseError):
    """An image cannot be decoded, or is rejected before decoding."""


class DataError(InkwiseError):
    """A data set is not available, or its content is invalid."""


class ModelError(InkwiseError):
    """A model file cannot be used."""


class ConflictError(InkwiseError):
    """Another process changed the content that a change is based on; nothing was written."""


class StoreError(InkwiseError):
    """A database of corrections or trials cannot be used, or rejects a value."""


def one_line(text: str) -> str:
    """Escape unprintable characters: line ends, terminal codes, lone surrogates."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def missing_module_message(what: str, module: str, extra: str) -> str:
    """Return which module is missing, and the commands that install it."""
    torch = f"pip install torch --index-url {TORCH_INDEX} && " if module == "torch" else ""
    return f'{what} needs {module}: {torch}pip install "inkwise[{extra}]"'


@contextmanager
def requires_extra(extra: str, what: str) -> Iterator[None]:
    """Turn a failed import of an optional module into an InkwiseError that says which extra to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise InkwiseError(missing_module_message(what, str(error.name), extra)) from error
