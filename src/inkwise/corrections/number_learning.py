"""Learning of a writer's numbers: the line reader is fine-tuned on numbers composed of corrected digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from inkwise.corrections.accuracy import Accuracy
from inkwise.corrections.sample import Sample, to_dataset, to_strokes
from inkwise.datasets import Dataset, StrokeSet
from inkwise.recognition.ctc.decoding import decode
from inkwise.recognition.model import LineModel, line_model_source, model_content

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
    from inkwise.training.number_fine_tuning import compose_numbers, digit_pool, fine_tune_numbers

    learnt_pool, held_pool = (digit_pool(*drawn_and_found(part)) for part in (learnt, held))
    if not all(pool.hands or pool.scans for pool in (learnt_pool, held_pool)):
        return present, Accuracy(0, 0), Accuracy(0, 0)
    base = model_content(line_model_source("default"))
    new = fine_tune_numbers(base, *drawn_and_found(learnt), replay, progress=progress)
    rng = np.random.default_rng(0)
    numbers = compose_numbers(held_pool, _HELD_OUT_NUMBERS, rng)
    before, after = (_accuracy(model, numbers) for model in (present or base, new))
    return (new, before, after) if after.right > before.right else (present, before, before)


def drawn_and_found(samples: Sequence[Sample]) -> tuple[StrokeSet, Dataset]:
    """The samples that were drawn, as strokes, and the glyphs of the others."""
    found = [sample for sample in samples if not sample.strokes]
    return to_strokes(samples, "drawn"), to_dataset(found, "found")


def _accuracy(model: bytes, numbers: Sequence[tuple[NDArray[np.uint8], str]]) -> Accuracy:
    """Evaluate a line reader on ink (48, w) uint8 of numbers and their texts; spaces do not count."""
    reader = LineModel(model)
    answers = [decode(reader.run(ink), reader.symbols).text for ink, _ in numbers]
    right = [answer == text.replace(" ", "") for answer, (_, text) in zip(answers, numbers, strict=True)]
    return Accuracy(sum(right), len(right))
