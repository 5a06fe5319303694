"""Files, PDF pages and arrays become grey images."""

from inkwise.image.decode import (
    DOCUMENT_SUFFIXES,
    SUFFIXES,
    Document,
    ImageSource,
    load_image,
    open_image,
)

__all__ = ["DOCUMENT_SUFFIXES", "SUFFIXES", "Document", "ImageSource", "load_image", "open_image"]
