"""mkdocs hook: adds digits.html, the page of `inkwise export page`, which the first page shows."""

from __future__ import annotations

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from inkwise.page_export import export_page


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the exported page to the files of the site."""
    files.append(File.generated(config, "digits.html", content=export_page("tiny")))
    return files
