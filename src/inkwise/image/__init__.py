"""Files, PDF pages and arrays become grey images."""

from inkwise.image.decode import DOCUMENT_SUFFIXES, SUFFIXES, Document, load_image, open_image
from inkwise.image.sources import FileSource, ImageSource

__all__ = [
    "DOCUMENT_SUFFIXES",
    "SUFFIXES",
    "Document",
    "FileSource",
    "ImageSource",
    "load_image",
    "open_image",
]
