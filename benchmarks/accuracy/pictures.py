"""Pictures of many kinds, synthetic and real, read without a hint by Inkwise, RapidOCR and tesseract.

    python -m benchmarks pictures FOLDER [--part test|validation] [--only synthetic|real|cases]
                                  [--kinds KIND ...] [--count 40] [--readers NAME,..]
                                  [--cases FOLDER] [--misses FOLDER]

FOLDER holds UNIPEN's digits, strings and other symbols, and the sets of real pictures. Synthetic pictures are
drawn, reproducibly, by the writers of one part; those of "test" were used neither for training nor for a
choice. Real sets are split into halves by person, by blocks of neighbouring pictures, or by sheet; cheques
and strings as in `number-reading`.

A reading is right if the digits of all lines, in reading order, are those written, accepted or not; spaces,
line breaks and separators are ignored. A picture without a valid digit (letters, drawings, corrected and
crossed-out digits) is right if nothing is accepted, a mark with a half if it is not accepted as one digit.
RapidOCR (detection, orientation, recognition) and tesseract (digits only, a block of text) accept what they
return. Intervals are Wilson's of 95 %, as if pictures were independent; the mean is that of the kinds.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks.accuracy.picture_canvas import load_handwriting
from benchmarks.accuracy.picture_readers import READERS, Answer, Read, ReadableImage, color_pixels
from benchmarks.accuracy.picture_synthesis import KINDS, Picture, pictures
from benchmarks.accuracy.real_pictures import cases, count_cells, is_right, real_sets, sheets
from benchmarks.common.handwriting_sets import SEEDS
from benchmarks.common.reporting import argument_parser, print_table
from inkwise._util.errors import InkwiseError
from inkwise._util.intervals import wilson_interval
from inkwise._util.system import describe_machine, use_one_thread
from inkwise.recognition.recognizer import Expect

Scores = dict[str, Counter[str]]
"""By reader: "n", "right", "right, accepted", "wrong, accepted"."""


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", choices=SEEDS, default="validation")
    parser.add_argument("--only", nargs="+", choices=("synthetic", "real", "cases"))
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=[*KINDS], metavar="KIND")
    parser.add_argument("--count", type=int, default=40, help="synthetic pictures of each kind")
    parser.add_argument("--readers", default="inkwise", help="inkwise, rapidocr, tesseract")
    parser.add_argument("--cases", type=Path, help="folder of reported cases")
    parser.add_argument("--misses", type=Path, help="save the pictures that inkwise misreads in this folder")
    arguments = parser.parse_args(argv)
    use_one_thread()
    only = arguments.only or ("synthetic", "real", *(["cases"] if arguments.cases else []))
    print(f"Writers and pictures of {arguments.part}. {describe_machine()}.\n")
    try:
        readers = {name: READERS[name]() for name in arguments.readers.split(",")}
        if "synthetic" in only:
            hand = load_handwriting(arguments.folder, arguments.part)
            made = {
                kind: pictures(hand, kind, arguments.count, SEEDS[arguments.part]) for kind in arguments.kinds
            }
            scores = ((kind, score_pictures(made[kind], readers, arguments.misses)) for kind in made)
            report(scores, [*readers], "kind")
        if "real" in only:
            measured = score_real(arguments.folder, arguments.part, readers, arguments.misses)
            report(measured, [*readers, *hinted(readers)], "set")
        if "cases" in only and arguments.cases:
            report_cases(arguments.cases, readers)
    except (InkwiseError, OSError, KeyError) as error:
        parser.error(str(error))


# ---- scores


def score(right: bool, accepted: bool) -> Counter[str]:
    """Count one reading."""
    return Counter(
        {
            "n": 1,
            "right": int(right),
            "right, accepted": int(right and accepted),
            "wrong, accepted": int(accepted and not right),
        }
    )


def picture_is_right(picture: Picture, answer: Answer) -> bool:
    """Return whether the digits are those of the picture's lines or, if it has none, nothing is accepted."""
    return not answer.accepted if picture.rejected else answer.digits == "".join(picture.lines)


def score_pictures(made: Iterable[Picture], readers: dict[str, Read], misses: Path | None) -> Scores:
    """Read synthetic pictures."""
    scores: Scores = defaultdict(Counter)
    for index, picture in enumerate(made):
        for name, read in readers.items():
            answer = read(picture.image, None)
            right = picture_is_right(picture, answer)
            scores[name] += score(right, answer.accepted)
            if misses and name == "inkwise" and not right:
                digits = "_".join(picture.lines)
                save_miss(misses, f"{picture.kind}-{index:02}", picture.image, digits, answer)
    return scores


def save_miss(folder: Path, name: str, image: ReadableImage, digits: str, answer: Answer) -> None:
    """Save a misread picture, named by kind or set, index, digits and answer, by acceptance."""
    folder = folder / ("accepted" if answer.accepted else "not-accepted")
    folder.mkdir(parents=True, exist_ok=True)
    file = f"{name}-{digits[:60] or 'none'}-read-{answer.digits[:60] or 'nothing'}.png"
    cv2.imwrite(str(folder / file), np.ascontiguousarray(color_pixels(image)[..., ::-1]))


def hinted(readers: Iterable[str]) -> list[str]:
    """Return the name of Inkwise with a hint, if it is among the readers."""
    return [f"{name}, hint" for name in readers if name == "inkwise"]


def score_real(
    folder: Path, part: str, readers: dict[str, Read], misses: Path | None
) -> Iterator[tuple[str, Scores]]:
    """Read the sets of real pictures, Inkwise also with the hint that fits; yield the names and scores."""
    ways: list[tuple[str, Read, bool]] = [(name, read, False) for name, read in readers.items()]
    ways += [(name, readers["inkwise"], True) for name in hinted(readers)]
    for found in real_sets(folder, part):
        scores: Scores = defaultdict(Counter)
        for index, (image, truth) in enumerate(found.pictures()):
            for name, read, hint in ways:
                expect: Expect | None = found.expect if hint else None
                answer = read(image, expect)
                right = is_right(truth, answer)
                scores[name] += score(right, answer.accepted)
                if misses and name == "inkwise" and not right:
                    save_miss(misses, f"{found.name}-{index:04}", image, truth, answer)
        yield found.name, scores
    path = folder / "ruled_sheets_jpeg.npz"
    if path.exists() and "inkwise" in readers:
        scores = defaultdict(Counter)
        for image, label, shape in sheets(path, part):
            for name, read, hint in ways:
                reading = read(image, "page" if hint else None).reading
                if reading is not None:
                    scores[name] += count_cells(image, label, shape, reading)
        yield "ruled_sheets_jpeg, cells", scores


# ---- tables


def report(measured: Iterable[tuple[str, Scores]], readers: list[str], first: str) -> None:
    """Print a row for each kind or set as soon as it is measured; kinds also have a mean."""
    columns = (f"{name}: {what}" for name in readers for what in ("right", "wrong and accepted"))
    print_table([first, "n", *columns], [])
    total: Scores = defaultdict(Counter)
    for name, scores in measured:
        print_row(row(name, scores, readers))
        for reader, count in scores.items():
            total[reader] += count
    if first == "kind":
        print_row(row("mean", total, readers))
    print()


def print_row(cells: list[str]) -> None:
    """Print a row of a table at once."""
    print(f"| {' | '.join(cells)} |", flush=True)


def row(name: str, scores: Scores, readers: list[str]) -> list[str]:
    """Return the cells of a row."""
    cells = [name.replace("_", " ") if name in KINDS else name, f"{scores[readers[0]]['n']:,}"]
    for reader in readers:
        count = scores[reader]
        if not count["n"]:
            cells += ["–", "–"]
            continue
        low, high = wilson_interval(count["right"], count["n"])
        cells.append(f"{count['right'] / count['n']:.1%} ({low:.1%} to {high:.1%})")
        cells.append(f"{count['wrong, accepted'] / count['n']:.1%}")
    return cells


def report_cases(folder: Path, readers: dict[str, Read]) -> None:
    """Print what each reader reads in the reported cases."""
    rows = []
    right: Counter[str] = Counter()
    for path, digits in cases(folder):
        answers = {name: read(path, None) for name, read in readers.items()}
        right += Counter(name for name, answer in answers.items() if answer.digits == digits)
        rows.append([path.name, digits, *map(shown, answers.values())])
    rows.append([f"right of {len(rows)}", "", *(str(right[name]) for name in readers)])
    print_table(["case", "digits", *readers], rows)


def shown(answer: Answer) -> str:
    """Return the digits, in brackets if they are not accepted."""
    return answer.digits if answer.accepted else f"({answer.digits})"
