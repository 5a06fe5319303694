"""A folder of pictures, one digit each, the label in the name of the sub-folder or of the file."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from inkwise._util.errors import DataError, ImageError
from inkwise.datasets.dataset import Dataset, stack_glyphs
from inkwise.image import SUFFIXES, load_image
from inkwise.preprocessing import image_to_glyph


def read_image_folder(folder: Path) -> Dataset:
    """The pictures of ``folder`` and its sub-folders as glyphs, sorted by path.

    A picture in a sub-folder is labelled by the sub-folder (``7/anna.png``), any other by its name up to the
    first ``_``, ``-`` or ``.`` (``7_anna.png``). Files that are no pictures by their suffix are passed over.
    Raises DataError if a picture cannot be read or there is none.
    """
    files = [*folder.glob("[!.]*"), *folder.glob("[!.]*/[!.]*")]
    paths = sorted(path for path in files if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise DataError(f"{folder}: holds neither IDX files nor pictures ({', '.join(SUFFIXES)})")
    try:
        glyphs = stack_glyphs((image_to_glyph(load_image(path)) for path in paths), len(paths))
    except ImageError as error:
        raise DataError(str(error)) from error
    labels = [
        re.split(r"[_.-]", path.name)[0] if path.parent == folder else path.parent.name for path in paths
    ]
    return Dataset(folder.name, glyphs, np.array(labels, dtype=np.str_))
