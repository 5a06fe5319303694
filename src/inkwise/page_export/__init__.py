"""Files that read drawings in a browser, without a server: a page, and the element `<inkwise-pad>`."""

from inkwise.page_export.bundle import MAX_FILE_BYTES, export_pad, export_page

__all__ = ["MAX_FILE_BYTES", "export_pad", "export_page"]
