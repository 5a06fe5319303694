"""Files, PDF pages and arrays become grey images."""

from inkwise.image.decode import SUFFIXES, ImageSource, load_image
from inkwise.image.documents import DOCUMENT_SUFFIXES, Document, Page, iter_pages

__all__ = ["DOCUMENT_SUFFIXES", "SUFFIXES", "Document", "ImageSource", "Page", "iter_pages", "load_image"]
