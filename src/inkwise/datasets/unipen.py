"""UNIPEN train_r01_v07 in the cache: characters and digit strings drawn with a pen, as stroke files."""

from __future__ import annotations

import hashlib
import logging
import posixpath
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
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
from inkwise.datasets.registry import NAMED_DATASETS, cache_folder
from inkwise.datasets.unipen_files import CATEGORIES, Files, fetch_archive, open_files
from inkwise.datasets.unipen_format import DamageError, UnipenDocument, read_document

SETS = ("digits", "nondigits", "digit_strings")

_DIGIT_STRING = re.compile(r"[-()/:,.$]*(?:\d[-()/:,.$]*){2,}", re.ASCII)  # two digits at least
_MAX_DOT_SIZE = 30  # 0.3 mm: what is nowhere larger is a dot
_LYING_ASPECT_RATIO = 2  # times as wide as high: a 1 that lies
_MOST_POINTS = 50_000_000  # of all samples, as `read_npz` loads
_MAX_BAR_THICKNESS = 0.05  # of its length: what is nowhere thicker is a bar

_log = logging.getLogger(__name__)


class UnipenSample(NamedTuple):
    """One labelled piece of ink: strokes (k, 2) int32, x right, y down, 0.01 mm, moved to its own corner."""

    strokes: list[NDArray[np.int32]]
    label: str
    writer: int
    category: str


@dataclass
class ParsedSamples:
    """What was found, by the names of `SETS`, and its points; how often what was skipped, by the reason."""

    samples: dict[str, list[UnipenSample]] = field(default_factory=lambda: {name: [] for name in SETS})
    skipped_files: Counter[str] = field(default_factory=Counter)
    skipped_samples: Counter[str] = field(default_factory=Counter)
    points: int = 0

    def found(self) -> str:
        """How many samples of how many writers."""
        writers = {sample.writer for samples in self.samples.values() for sample in samples}
        counts = [f"{len(self.samples[name]):,} {name.replace('_', ' ')}" for name in SETS]
        return f"{', '.join(counts)}; {len(writers):,} writers"

    def skipped(self) -> str:
        """How many damaged files and samples were left out, and why."""
        return f"{_skip_counts('files', self.skipped_files)}, {_skip_counts('samples', self.skipped_samples)}"


def unipen_file(name: str) -> Path:
    """Where the cache keeps one of `SETS`, be it there or not."""
    return cache_folder("unipen") / f"unipen_{name}.npz"


def fetch_unipen(source: Path | None = None, report: Callable[[str], None] = _log.info) -> Path:
    """See to it that the cache holds UNIPEN's stroke files, and say in which folder.

    Parses the folder or archive ``source``, or else, where the cache has none of the files yet, what Zenodo
    gives; ``report`` is told what was found and skipped. A set of which there is no sample gets no file.
    Raises DataError if the source cannot be had or read, holds no sample, or a file cannot be written.
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
        raise DataError(f"{source}: no sample of UNIPEN in {len(files):,} files; skipped {parsed.skipped()}")
    make_directory(folder)
    for name, samples in parsed.samples.items():
        if samples:
            with atomic_file(unipen_file(name)) as part, part.open("wb") as file:  # a path would get a suffix
                np.savez_compressed(file, **stroke_arrays(name, samples))  # type: ignore[arg-type]
        else:
            unipen_file(name).unlink(missing_ok=True)  # of an earlier source: the three files are one set
    report(f"UNIPEN: {parsed.found()}")
    report(f"skipped: {parsed.skipped()}")
    return folder


def load_unipen(name: str) -> Dataset | StrokeSet:
    """UNIPEN by a name of `NAMED_DATASETS`, such as "unipen-digits", as strokes.

    Raises DataError if the cache does not hold it: 156 MB are fetched only when asked for.
    """
    path = unipen_file(NAMED_DATASETS[name].part)
    if not path.is_file():
        raise DataError(f"{name}: is not in the cache; to fetch and parse it: inkwise data get unipen")
    return replace(read_npz(path), name=name)


def parse(files: Files) -> ParsedSamples:
    """The samples of UNIPEN's files, sorted by file, in a file in its own order.

    A damaged file or segment is skipped and counted. Of the strings of text (7) those of digits and
    separators are samples, the others are not counted. Raises DataError if there are too many points.
    """
    parsed = ParsedSamples()
    for name in sorted(files):
        folder, _, rest = name.partition("/")
        category, _, rest = rest.partition("/")
        if folder == "data":
            try:
                document = read_document(_text(files, name), partial(_included, files))
            except DamageError as reason:
                parsed.skipped_files[str(reason)] += 1
                continue
            _collect(document, category, rest.partition("/")[0], parsed)
    return parsed


def stroke_arrays(name: str, samples: list[UnipenSample]) -> dict[str, NDArray[Any]]:
    """The arrays of a stroke file: those that `read_npz` reads, and what one of `SETS` has besides.

    ``points`` (N, 2) int32, ``stroke_offsets`` and ``sample_offsets`` int32, ``labels`` int64 for digits, str
    for others, ``writer`` int32; digits have ``suspect`` bool, non-digits ``category`` str, strings
    ``digits_only`` bool.
    """
    strokes = [stroke for sample in samples for stroke in sample.strokes]
    labels = np.array([sample.label for sample in samples])
    arrays: dict[str, NDArray[Any]] = {
        "points": np.concatenate(strokes),
        "stroke_offsets": np.array([0, *accumulate(map(len, strokes))], np.int32),
        "sample_offsets": np.array([0, *accumulate(len(sample.strokes) for sample in samples)], np.int32),
        "labels": labels.astype(np.int64) if name == "digits" else labels,
        "writer": np.array([sample.writer for sample in samples], np.int32),
    }
    if name == "digits":
        arrays["suspect"] = np.array([is_suspect(sample.label, sample.strokes) for sample in samples])
    elif name == "nondigits":
        arrays["category"] = np.array([sample.category for sample in samples])
    else:
        arrays["digits_only"] = np.array([sample.label.isdigit() for sample in samples])
    return arrays


def is_suspect(label: str, strokes: list[NDArray[np.int32]]) -> bool:
    """Whether ink (k, 2), in 0.01 mm, can hardly be the digit that its label says.

    It is a dot, at most 0.3 mm wide and high; or a 1 that lies, more than twice as wide as high; or no 1 and
    yet a bar: across the line from its first point to the one farthest away it measures less than 5 % of it.
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
    """The number, 0 to 2^31 - 1, that stands for a writer's name, the same in every file, set and release.

    31 bits of the SHA-256 of "inkwise-unipen-writer-" and the name in lower case, blanks as one.
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
        corner = np.min([stroke.min(axis=0) for stroke in strokes], axis=0)
        moved = [np.rint(stroke - corner).astype(np.int32) for stroke in strokes]
        # Nameless writers of a contributor are taken for one: no third then shares a hand with another.
        number = writer_number(writer or f"somebody of {contributor}")
        parsed.samples[name].append(UnipenSample(moved, segment.label, number, category))
        parsed.points += sum(map(len, moved))
        if parsed.points > _MOST_POINTS:
            raise DataError(f"data/{category}: there are more points than UNIPEN has ({_MOST_POINTS:,})")


def _set_of(category: str, label: str) -> str | None:
    is_digit = label.isascii() and label.isdigit()
    if category == "7":
        return "digit_strings" if len(label) <= MAX_LABEL_LENGTH and _DIGIT_STRING.fullmatch(label) else None
    if len(label) != 1 or is_digit != (category == "1a") or not label.isprintable() or label.isspace():
        return None
    return "digits" if is_digit else "nondigits"


def _text(files: Files, name: str) -> str:
    return files[name]().decode("latin-1").replace("\r", "\n")


def _included(files: Files, name: str) -> str:
    path = posixpath.normpath(posixpath.join("include", name))
    if not path.startswith("include/") or path not in files:
        raise DamageError("include not found")
    return _text(files, path)


def _skip_counts(what: str, reasons: Counter[str]) -> str:
    why = ", ".join(f"{reason}: {count:,}" for reason, count in reasons.most_common())
    return f"{reasons.total():,} {what}" + (f" ({why})" if why else "")
