"""A folder of images, one digit each, labelled by the name of the sub-folder or of the file."""

import re
from pathlib import Path

import numpy as np

from inkwise._util.errors import DataError, ImageError
from inkwise.datasets.dataset import Dataset, stack_glyphs
from inkwise.image import SUFFIXES, load_image
from inkwise.preprocessing import image_to_glyph


def read_image_folder(folder: Path) -> Dataset:
    """Read the images of a folder and its sub-folders as glyphs, sorted by path.

    The label is the name of the sub-folder (``7/anna.png``), or else the file name up to the first ``_``,
    ``-`` or ``.`` (``7_anna.png``). Files with other suffixes are skipped.

    Raises:
        DataError: an image cannot be read, or there is none.
    """
    files = [*folder.glob("[!.]*"), *folder.glob("[!.]*/[!.]*")]
    paths = sorted(path for path in files if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise DataError(f"{folder}: contains neither IDX files nor images ({', '.join(SUFFIXES)})")
    try:
        glyphs = stack_glyphs((image_to_glyph(load_image(path)) for path in paths), len(paths))
    except ImageError as error:
        raise DataError(str(error)) from error
    labels = [re.split(r"[_.-]", p.name)[0] if p.parent == folder else p.parent.name for p in paths]
    return Dataset(folder.name, glyphs, np.array(labels, dtype=np.str_))
