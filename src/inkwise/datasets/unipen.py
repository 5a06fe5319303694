"""UNIPEN train_r01_v07: pen-drawn characters and digit strings, parsed into stroke files in the cache."""

import hashlib
import logging
import posixpath
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import DataError
from inkwise._util.files import atomic_file, make_directory
from inkwise._util.text import MAX_LABEL_LENGTH
from inkwise.datasets.dataset import Dataset, StrokeSet
from inkwise.datasets.npz import read_npz
from inkwise.datasets.registry import NamedDataset, cache_folder, register_dataset
from inkwise.datasets.unipen_files import CATEGORIES, Files, fetch_archive, open_files
from inkwise.datasets.unipen_format import DamageError, UnipenDocument, move_to_origin, read_document

SETS = ("digits", "nondigits", "digit_strings")

_DIGIT_STRING = re.compile(r"[-()/:,.$]*(?:\d[-()/:,.$]*){2,}", re.ASCII)  # at least two digits
_MAX_DOT_SIZE = 30  # width and height, 0.01 mm
_LYING_ASPECT_RATIO = 2  # width over height beyond which a 1 is horizontal
_MAX_POINTS = 50_000_000  # of all samples, the limit of `read_npz`
_MAX_BAR_THICKNESS = 0.05  # of its length, below which ink is a straight bar

_log = logging.getLogger(__name__)


class UnipenSample(NamedTuple):
    """A labelled piece of ink: strokes (k, 2) int32, x right, y down, 0.01 mm, moved to the origin."""

    strokes: list[NDArray[np.int32]]
    label: str
    writer: int
    category: str


@dataclass
class ParsedSamples:
    """The samples by the names of `SETS`, their number of points, and counts of the reasons for skipping."""

    samples: dict[str, list[UnipenSample]] = field(default_factory=lambda: {name: [] for name in SETS})
    skipped_files: Counter[str] = field(default_factory=Counter)
    skipped_samples: Counter[str] = field(default_factory=Counter)
    points: int = 0

    def skipped(self) -> str:
        """Describe how many files and samples were skipped, and why."""
        parts = []
        for what, reasons in (("files", self.skipped_files), ("samples", self.skipped_samples)):
            why = ", ".join(f"{reason}: {count:,}" for reason, count in reasons.most_common())
            parts.append(f"{reasons.total():,} {what}" + (f" ({why})" if why else ""))
        return ", ".join(parts)


def unipen_file(name: str) -> Path:
    """Return the path of one of `SETS` in the cache, whether it exists or not."""
    return cache_folder("unipen") / f"unipen_{name}.npz"


def fetch_unipen(source: Path | None = None, report: Callable[[str], None] = _log.info) -> Path:
    """Parse UNIPEN into stroke files in the cache; a set without samples gets no file.

    Args:
        source: folder or archive. None keeps files that are in the cache, or else downloads the archive.
        report: receives lines about what was found and skipped.

    Returns:
        The cache folder.

    Raises:
        DataError: the source is not available, unreadable or has no sample, or a file cannot be written.
    """
    folder = cache_folder("unipen")
    if source is None:
        if any(unipen_file(name).is_file() for name in SETS):
            return folder
        report("UNIPEN: asking Zenodo for 156 MB")
        source = fetch_archive(folder)
    with open_files(source) as files:
        parsed = parse(files)
    if not any(parsed.samples.values()):
        raise DataError(f"{source}: no UNIPEN sample in {len(files):,} files; skipped {parsed.skipped()}")
    make_directory(folder)
    for name, samples in parsed.samples.items():
        if samples:
            with atomic_file(unipen_file(name)) as part, part.open("wb") as file:  # a path would get a suffix
                np.savez_compressed(file, **stroke_arrays(name, samples))  # type: ignore[arg-type]
        else:
            unipen_file(name).unlink(missing_ok=True)  # left from an earlier source
    counts = [f"{len(samples):,} {name.replace('_', ' ')}" for name, samples in parsed.samples.items()]
    writers = {sample.writer for samples in parsed.samples.values() for sample in samples}
    report(f"UNIPEN: {', '.join(counts)}; {len(writers):,} writers")
    report(f"skipped: {parsed.skipped()}")
    return folder


def load_unipen(name: str) -> Dataset | StrokeSet:
    """Load one of `SETS` as strokes from the cache; raises DataError if it is missing."""
    path = unipen_file(name)
    if not path.is_file():
        raise DataError(f"{path}: is not in the cache; to fetch and parse it: inkwise data get unipen")
    return read_npz(path)


def parse(files: Files) -> ParsedSamples:
    """Parse the samples of UNIPEN's files, sorted by file name.

    Damaged files and segments are skipped and counted. Texts (folder 7) other than digits and separators are
    left out without a count. Raises DataError if there are too many points.
    """
    parsed = ParsedSamples()
    for name in sorted(files):
        folder, category, contributor, *_ = [*name.split("/"), "", ""]
        if folder == "data":
            try:
                document = read_document(_text(files, name), partial(_read_include, files))
            except DamageError as reason:
                parsed.skipped_files[str(reason)] += 1
            else:
                _collect(document, category, contributor, parsed)
    return parsed


def stroke_arrays(name: str, samples: list[UnipenSample]) -> dict[str, NDArray[Any]]:
    """Build the arrays of a stroke file: those of `read_npz`, and an additional one per set.

    ``points`` (N, 2) int32, ``stroke_offsets`` and ``sample_offsets`` int32, ``labels`` int64 for digits and
    str for others, ``writer`` int32; digits have ``suspect`` bool, non-digits ``category`` str, strings
    ``digits_only`` bool.
    """
    strokes = [stroke for sample in samples for stroke in sample.strokes]
    labels = np.array([sample.label for sample in samples])
    additional: dict[str, tuple[str, Callable[[UnipenSample], object]]] = {
        "digits": ("suspect", lambda sample: is_suspect(sample.label, sample.strokes)),
        "nondigits": ("category", lambda sample: sample.category),
        "digit_strings": ("digits_only", lambda sample: sample.label.isdigit()),
    }
    key, value = additional[name]
    return {
        "points": np.concatenate(strokes),
        "stroke_offsets": np.array([0, *accumulate(map(len, strokes))], np.int32),
        "sample_offsets": np.array([0, *accumulate(len(sample.strokes) for sample in samples)], np.int32),
        "labels": labels.astype(np.int64) if name == "digits" else labels,
        "writer": np.array([sample.writer for sample in samples], np.int32),
        key: np.array([value(sample) for sample in samples]),
    }


def is_suspect(label: str, strokes: list[NDArray[np.int32]]) -> bool:
    """Return whether ink (k, 2), in 0.01 mm, is unlikely to be the digit of its label.

    Suspect are a dot of at most 0.3 mm; a horizontal 1, more than twice as wide as high; and a straight bar
    with another label, less than 5 % as thick as the distance from its first to its farthest point.
    """
    points = np.concatenate(strokes).astype(np.float64)
    width, height = np.ptp(points, axis=0)
    if max(width, height) <= _MAX_DOT_SIZE:
        return True
    if label == "1":
        return bool(width > _LYING_ASPECT_RATIO * height)
    along = points - points[0]
    length = np.hypot(*along.T)
    x, y = along[length.argmax()]
    across = (along[:, 0] * y - along[:, 1] * x) / length.max()
    return bool(np.ptp(across) < _MAX_BAR_THICKNESS * length.max())


def writer_number(name: str) -> int:
    """Derive a writer's number, 0 to 2^31 - 1, from the name alone, so that it is the same in every release.

    It is the first 31 bits of the SHA-256 of "inkwise-unipen-writer-" and the name in lower case, each run of
    blanks as one.
    """
    text = f"inkwise-unipen-writer-{' '.join(name.split()).lower()}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def _collect(document: UnipenDocument, category: str, contributor: str, parsed: ParsedSamples) -> None:
    for segment in document.segments:
        if segment is None:
            parsed.skipped_samples["no label"] += 1
            continue
        name = _set_of(category, segment.label)
        if name is None:
            if category != "7":
                parsed.skipped_samples[f"label not one of the {CATEGORIES[category]}"] += 1
            continue
        try:
            strokes, writer = document.ink(segment.delineation)
        except DamageError as reason:
            parsed.skipped_samples[str(reason)] += 1
            continue
        moved = move_to_origin(strokes)
        # All unnamed writers of a contributor count as one, so that no two splits share a writer.
        number = writer_number(writer or f"somebody of {contributor}")
        parsed.samples[name].append(UnipenSample(moved, segment.label, number, category))
        parsed.points += sum(map(len, moved))
        if parsed.points > _MAX_POINTS:
            raise DataError(f"data/{category}: expected at most {_MAX_POINTS:,} points, got more")


def _set_of(category: str, label: str) -> str | None:
    is_digit = label.isascii() and label.isdigit()
    if category == "7":
        return "digit_strings" if len(label) <= MAX_LABEL_LENGTH and _DIGIT_STRING.fullmatch(label) else None
    if len(label) != 1 or is_digit != (category == "1a") or not label.isprintable() or label.isspace():
        return None
    return "digits" if is_digit else "nondigits"


def _text(files: Files, name: str) -> str:
    return files[name]().decode("latin-1").replace("\r", "\n")


def _read_include(files: Files, name: str) -> str:
    path = posixpath.normpath(posixpath.join("include", name))
    if not path.startswith("include/") or path not in files:
        raise DamageError("include not found")
    return _text(files, path)


def _register(name: str, set_name: str, description: str) -> None:
    loader = partial(load_unipen, set_name)
    register_dataset(
        name, NamedDataset(description, None, "unipen", lambda: unipen_file(set_name).is_file(), loader)
    )


_register("unipen-digits", "digits", "UNIPEN, digits drawn with a pen")
_register("unipen-nondigits", "nondigits", "UNIPEN, letters and symbols")
_register("unipen-strings", "digit_strings", "UNIPEN, strings of digits")
