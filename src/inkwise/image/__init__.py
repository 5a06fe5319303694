"""Files, PDF pages and arrays become grey images."""

from inkwise.image.arrays import scale_to_8_bits
from inkwise.image.decode import DOCUMENT_SUFFIXES, SUFFIXES, Document, load_image
from inkwise.image.folders import (
    find_files,
    find_skipped,
    iterate_images,
    no_pictures_error,
    skipped_message,
)
from inkwise.image.sources import FileSource, ImageSource

__all__ = [
    "DOCUMENT_SUFFIXES",
    "SUFFIXES",
    "Document",
    "FileSource",
    "ImageSource",
    "find_files",
    "find_skipped",
    "iterate_images",
    "load_image",
    "no_pictures_error",
    "scale_to_8_bits",
    "skipped_message",
]
