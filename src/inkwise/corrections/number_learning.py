"""Learning of a writer's numbers: digits are cut from corrected ones, and the line reader is fine-tuned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from inkwise.corrections.accuracy import Accuracy
from inkwise.corrections.sample import Sample, to_strokes
from inkwise.datasets import Dataset
from inkwise.preprocessing import binarize
from inkwise.preprocessing.line_image import to_line_image
from inkwise.recognition import Constraint, Digit, Recognizer
from inkwise.recognition.ctc.decoding import decode
from inkwise.recognition.model import LineModel, line_model_source, model_content

if TYPE_CHECKING:
    from inkwise.training.synthesis.writer_numbers import WriterDigits

_HELD_OUT_NUMBERS = 100  # composed of the held-out digits


def learn_numbers(
    present: bytes | None,
    learnt: Sequence[Sample],
    held: Sequence[Sample],
    replay: Dataset,
    progress: Callable[[float], None],
) -> tuple[bytes | None, Accuracy, Accuracy]:
    """Fine-tune the line reader on numbers composed of a writer's digits.

    Args:
        present: The writer's present line reader, None for the bundled one.
        learnt: Samples to learn.
        held: Samples of which other numbers are composed, to compare both readers.
        replay: Digits of others.
        progress: Receives the finished share.

    Returns:
        The present line reader, or the new one if it reads more of these numbers; and the accuracy of the
        present and of the returned one, of no numbers if there are no digits.
    """
    from inkwise.training.number_fine_tuning import fine_tune_numbers
    from inkwise.training.synthesis.writer_numbers import compose_lines

    learnt_digits, held_digits = map(_writer_digits, (learnt, held))
    if not (len(learnt_digits) and len(held_digits)):
        return present, Accuracy(0, 0), Accuracy(0, 0)
    base = model_content(line_model_source("default"))
    new = fine_tune_numbers(base, learnt_digits, replay, progress=progress)
    numbers = compose_lines(held_digits, _HELD_OUT_NUMBERS, np.random.default_rng(0))
    before, after = (_accuracy(model, numbers) for model in (present or base, new))
    return (new, before, after) if after.right > before.right else (present, before, before)


def _writer_digits(samples: Sequence[Sample]) -> WriterDigits:
    """The samples as strokes, as columns of a line, or else as glyphs."""
    from inkwise.training.synthesis.writer_numbers import WriterDigits

    found = [sample for sample in samples if not sample.strokes]
    inks = [sample.glyph if sample.line_ink is None else sample.line_ink for sample in found]
    labels = [sample.label or "" for sample in found]
    return WriterDigits.of(to_strokes(samples, "drawn"), zip(inks, labels, strict=True))


def cut_number(
    recognizer: Recognizer, picture: NDArray[np.uint8], text: str
) -> list[tuple[Digit, NDArray[np.uint8]]]:
    """Cut the digits of a number where the line reader finds its true text.

    Args:
        recognizer: Reads the number.
        picture: (H, W) uint8 of one number.
        text: What is written.

    Returns:
        Each digit, and its columns (48, w) uint8 of the line image.
    """
    image = to_line_image(binarize(picture, ink_expected=True))
    if image is None:
        return []
    cut = []
    for digit in recognizer.read(picture, constraint=Constraint(vocabulary=[text])).digits:
        assert digit.box is not None
        left, width = digit.box[0], digit.box[2]
        first, last = ((x - image.left) * image.scale for x in (left, left + width))
        cut.append((digit, image.ink[:, max(0, int(first)) : max(int(first), int(last)) + 1]))
    return cut


def _accuracy(model: bytes, numbers: Sequence[tuple[NDArray[np.uint8], str]]) -> Accuracy:
    """Evaluate a line reader on ink (48, w) uint8 of numbers and their texts; spaces do not count."""
    reader = LineModel(model)
    answers = [decode(reader.run(ink), reader.symbols).text for ink, _ in numbers]
    right = [answer == text.replace(" ", "") for answer, (_, text) in zip(answers, numbers, strict=True)]
    return Accuracy(sum(right), len(right))
