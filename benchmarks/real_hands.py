"""Real handwriting, through `read_digit` and `read_strokes`, with the bundled weights.

    python benchmarks/real_hands.py FOLDER [--misses PICTURE.png]

FOLDER holds own_hand, hwd1000, usps_train, semeion and unipen_digits as .npz, in the layouts of docs/data.md.
Of unipen_digits only the writers of the test third are read: no sample of theirs was trained on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from common import machine, print_table
from PIL import Image, ImageDraw, ImageOps

from inkwise import Reading, Recognizer, datasets
from inkwise.intervals import wilson_interval

PICTURES = ("own_hand", "hwd1000", "usps_train", "semeion")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--misses", type=Path, help="write a picture of every miss of own_hand")
    arguments = parser.parse_args()
    recognizer = Recognizer()
    readings: dict[str, list[tuple[str, Reading]]] = {}
    for name in PICTURES:
        labelled = pictures(arguments.folder / f"{name}.npz")
        readings[name] = [(label, recognizer.read_digit(picture)) for label, picture in labelled]
    strokes = datasets.load_raw(arguments.folder / "unipen_digits.npz")
    strokes = strokes.select(datasets.split_writers(strokes.writers) == "test")
    readings["unipen_digits, test writers"] = [
        (label, recognizer.read_strokes(sample, single=True))
        for label, sample in zip(strokes.labels, strokes.samples, strict=True)
    ]
    print(f"Model {recognizer.model.name}. {machine()}.\n")
    print_table(
        ("set", "n", "misses", "accuracy", "95 % interval"), (row(*item) for item in readings.items())
    )
    if arguments.misses:
        wall([pair for pair in readings["own_hand"] if missed(*pair)]).save(arguments.misses)


def pictures(path: Path) -> list[tuple[str, np.ndarray]]:
    """Labels and grey pictures of an archive, of one size or of many."""
    with np.load(path, allow_pickle=False) as archive:
        labels = archive["labels"].astype(str).tolist()
        if "images" in archive:
            return list(zip(labels, archive["images"], strict=True))
        pieces = np.split(archive["pixels"], archive["offsets"][1:-1])
        return [
            (label, piece.reshape(shape))
            for label, piece, shape in zip(labels, pieces, archive["shapes"], strict=True)
        ]


def missed(label: str, reading: Reading) -> bool:
    return not reading.digits or reading.digits[0].label != label


def row(name: str, pairs: list[tuple[str, Reading]]) -> tuple[str, ...]:
    misses = sum(missed(*pair) for pair in pairs)
    low, high = wilson_interval(len(pairs) - misses, len(pairs))
    return name, f"{len(pairs):,}", str(misses), f"{1 - misses / len(pairs):.2%}", f"{low:.2%} to {high:.2%}"


def wall(pairs: list[tuple[str, Reading]]) -> Image.Image:
    """Each picture above the glyph that the model saw, and what it was read as."""
    image = Image.new("L", (130 * max(len(pairs), 1), 280), 255)
    for number, (label, reading) in enumerate(pairs):
        assert reading.picture is not None
        picture = ImageOps.contain(Image.fromarray(reading.picture), (120, 120))
        image.paste(picture, (130 * number + 5, 5))
        if reading.digits:
            image.paste(
                Image.fromarray(np.asarray(reading.digits[0].glyph)).resize((112, 112)),
                (130 * number + 5, 130),
            )
        text = f"{label} read as {reading.digits[0].label if reading.digits else 'nothing'}"
        ImageDraw.Draw(image).text((130 * number + 5, 250), text, fill=0)
    return image


if __name__ == "__main__":
    main()
