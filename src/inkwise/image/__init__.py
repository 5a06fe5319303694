"""Files, PDF pages and arrays become grey images."""

from inkwise.image.decode import SUFFIXES, Picture, decode
from inkwise.image.documents import DOCUMENT_SUFFIXES, Document, Page, pages

__all__ = ["DOCUMENT_SUFFIXES", "SUFFIXES", "Document", "Page", "Picture", "decode", "pages"]
