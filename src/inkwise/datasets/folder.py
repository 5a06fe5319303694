"""A folder of images, one digit each, labelled by the name of their folder or of the file."""

import logging
import re
from pathlib import Path

import numpy as np

from inkwise._util.errors import DataError, ImageError
from inkwise._util.text import natural_key
from inkwise.datasets.dataset import Dataset, stack_glyphs
from inkwise.image import SUFFIXES, load_image, skipped_message
from inkwise.preprocessing import image_to_glyph

_log = logging.getLogger(__name__)


def read_image_folder(folder: Path) -> Dataset:
    """Read the images of a folder and its sub-folders as glyphs, in natural order: img2 before img10.

    The label is the name of the sub-folder (``7/anna.png``), or else the file name up to the first ``_``,
    ``-`` or ``.`` (``7_anna.png``). Without such images, those of a folder for each writer are read
    (``anna/7/1.png``), and the writers are numbered from 1. The paths in the folder are the names of the
    samples. Other files, and deeper ones, are skipped; a warning of the log counts and names them.

    Raises:
        DataError: an image cannot be read, or there is none.
    """
    files = [*folder.glob("[!.]*"), *folder.glob("[!.]*/[!.]*")]
    paths = [path for path in files if path.suffix.lower() in SUFFIXES]
    by_writer = not paths
    if by_writer:
        files += folder.glob("[!.]*/[!.]*/[!.]*")
        paths = [path for path in files if path.suffix.lower() in SUFFIXES]
    paths.sort(key=lambda path: natural_key(path.relative_to(folder).as_posix()))
    if not paths:
        raise DataError(f"{folder}: contains neither IDX files nor images ({', '.join(SUFFIXES)})")
    others = {path for path in (*files, *folder.glob("[!.]*/[!.]*/**/[!.]*")) if not path.is_dir()} - {*paths}
    if others:
        _log.warning(
            "%s", skipped_message(sorted((str(p.relative_to(folder)) for p in others), key=natural_key))
        )
    try:
        glyphs = stack_glyphs((image_to_glyph(load_image(path)) for path in paths), len(paths))
    except ImageError as error:
        raise DataError(str(error)) from error
    labels = [re.split(r"[_.-]", p.name)[0] if p.parent == folder else p.parent.name for p in paths]
    found = np.array([path.relative_to(folder).as_posix() for path in paths], np.str_)
    writers = None
    if by_writer:
        people = [path.parent.parent.name for path in paths]
        numbers = {name: number for number, name in enumerate(dict.fromkeys(people), 1)}
        writers = np.array([numbers[name] for name in people], np.int64)
    return Dataset(folder.name, glyphs, np.array(labels, np.str_), writers, names=found)
