"""Fine-tuning of the line reader on the handwriting of one writer, with replay of other digits."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from inkwise._util.text import DIGITS
from inkwise.datasets import Dataset, StrokeSet
from inkwise.preprocessing.line_image import to_line_image
from inkwise.training.loop import seeded
from inkwise.training.number_models import number_net_from_onnx, number_net_to_onnx
from inkwise.training.number_training import (
    batches,
    best_path,
    generalized_cross_entropy,
    text_loss,
    to_input,
)
from inkwise.training.svtr_lcnet import SvtrLcnet
from inkwise.training.synthesis.degradation import crop_to_ink
from inkwise.training.synthesis.line_synthesis import random_pen_width, slant
from inkwise.training.synthesis.number_layout import Hand, lay_out_number
from inkwise.training.synthesis.number_pool import NumberPool
from inkwise.training.synthesis.number_synthesis import WIDTH_STEP
from inkwise.training.synthesis.number_texts import random_number_text

Line = tuple[NDArray[np.uint8], str]
"""Ink (48, w) uint8 of a number, and its text."""

_SEPARATORS = {*".,-/:() "}  # those that are drawn without samples
_OWN_LINES, _REPLAY_LINES, _HELD_OUT_LINES = 300, 200, 100
_BATCH_OWN, _BATCH_REPLAY = 12, 4  # lines of a batch
_STEPS = 150
_RATE = 1e-3
_CLIP_NORM = 5.0  # of the gradient
_MARGIN = 20  # around a composed number, pixels
_MAX_WIDTH = 640  # of a line image, pixels
_ALLOWED_EXTRA_MISSES = 0.01  # share of the held-out replay that may be misread in addition


def fine_tune_numbers(
    base: bytes,
    drawn: StrokeSet,
    found: Dataset,
    replay: Dataset,
    *,
    seed: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> bytes:
    """Fine-tune a line reader on numbers that are composed of one writer's digits.

    Neck and head are trained, the backbone stays frozen; numbers composed of other digits are replayed. The
    new weights are interpolated with the old ones, as far as held-out numbers of others allow (after
    M. Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022).

    Args:
        base: content of the file of a line reader.
        drawn: samples of the writer as strokes.
        found: samples of the writer without strokes; one of them, or of the drawn ones, is a digit.
        replay: glyphs of other writers.
        seed: of the composition and the training.
        progress: called with the finished share of the training, 0 to 1.

    Returns:
        The content of the new file.

    Raises:
        ModelError: the base is no line reader that can learn.
    """
    before, metadata = number_net_from_onnx(base)
    rng = np.random.default_rng(seed)
    own = _pooled(before, compose_numbers(digit_pool(drawn, found), _OWN_LINES, rng))
    others = digit_pool(None, replay)
    reminders = _pooled(before, compose_numbers(others, _REPLAY_LINES, rng))
    held_out = _pooled(before, compose_numbers(others, _HELD_OUT_LINES, rng))
    with seeded(seed, torch.device("cpu")):
        after = _train(before, own, reminders, rng, progress)
    net, weight = _interpolate(before, after, held_out)
    metadata |= {"learnt": {"samples": len(drawn) + len(found), "weight": weight}}
    return number_net_to_onnx(net, metadata).SerializeToString()


def digit_pool(drawn: StrokeSet | None, found: Dataset) -> NumberPool:
    """A pool of one writer's digits; samples of other labels, and empty glyphs, are left out."""
    pool = NumberPool()
    inks = [crop_to_ink(glyph) for glyph in found.glyphs]
    kept = np.array([ink.size > 0 for ink in inks], bool)
    for kind, own in (
        (pool.hands, [] if drawn is None else _by_digit(drawn.samples, drawn.labels)),
        (pool.scans, _by_digit(inks, np.where(kept, found.labels, ""))),
    ):
        if any(own):
            kind.append(own)
    return pool


def _by_digit(samples: Sequence[Any], labels: NDArray[np.str_]) -> list[list[Any]]:
    return [[samples[at] for at in np.flatnonzero(labels == digit).tolist()] for digit in DIGITS]


def compose_numbers(pool: NumberPool, count: int, rng: np.random.Generator) -> list[Line]:
    """Numbers with separators, composed of the digits of a pool, at least one, as they were written."""
    lines: list[Line] = []
    while len(lines) < count:
        hand = Hand(pool, random_pen_width(rng), rng, varied=False)
        known = [digit for digit in DIGITS if (hand.scans or hand.samples)[int(digit)]]
        text = random_number_text(rng)
        if {*text} <= {*DIGITS, *_SEPARATORS}:
            text = "".join(str(rng.choice(known)) if sign in DIGITS else sign for sign in text)
            image = to_line_image(np.pad(slant(lay_out_number(text, hand), rng), _MARGIN))
            if image is not None and image.ink.shape[1] <= _MAX_WIDTH:
                lines.append((image.ink, text))
    return lines


@torch.no_grad()
def _pooled(net: SvtrLcnet, lines: Sequence[Line]) -> list[tuple[Tensor, str]]:
    """Pooled features (384, 1, frames) of lines, which training does not change, and their texts."""
    found: list[tuple[Tensor, str]] = []
    dark = [(_to_width(255 - ink), text) for ink, text in lines]
    for pictures, texts in batches(dark):
        found += zip(net.pool(net.features(to_input(pictures))), texts, strict=True)
    return found


def _to_width(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    missing = -picture.shape[1] % WIDTH_STEP
    return np.pad(picture, ((0, 0), (0, missing)), constant_values=255)


def _train(
    before: SvtrLcnet,
    own: list[tuple[Tensor, str]],
    reminders: list[tuple[Tensor, str]],
    rng: np.random.Generator,
    progress: Callable[[float], None],
) -> SvtrLcnet:
    """Train neck and head with a rate that falls to zero."""
    net = copy.deepcopy(before).train()
    parameters = [*net.neck.parameters(), *net.head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0, _STEPS)
    for step in range(_STEPS):
        chosen = [own[at] for at in rng.integers(0, len(own), _BATCH_OWN)]
        chosen += [reminders[at] for at in rng.integers(0, len(reminders), _BATCH_REPLAY)]
        width = max(features.shape[2] for features, _ in chosen)
        pooled = [F.pad(features, (0, width - features.shape[2]), mode="replicate") for features, _ in chosen]
        losses = text_loss(net.classify(torch.stack(pooled)), [text for _, text in chosen])
        optimizer.zero_grad()
        generalized_cross_entropy(losses).mean().backward()
        nn.utils.clip_grad_norm_(parameters, _CLIP_NORM)
        optimizer.step()
        schedule.step()
        progress((step + 1) / _STEPS)
    return net.eval()


def _interpolate(
    before: SvtrLcnet, after: SvtrLcnet, held_out: list[tuple[Tensor, str]]
) -> tuple[SvtrLcnet, float]:
    """The network with the largest weight of `after`, 0.25 to 1, that hardly misreads more; that weight."""
    allowed = _misses(before, held_out) + round(_ALLOWED_EXTRA_MISSES * len(held_out))
    for weight in (1.0, 0.75, 0.5, 0.25):
        net = copy.deepcopy(before)
        for own, trained in zip(net.parameters(), after.parameters(), strict=True):
            own.data.lerp_(trained.data, weight)
        if _misses(net, held_out) <= allowed:
            break
    return net, weight


@torch.no_grad()
def _misses(net: SvtrLcnet, lines: list[tuple[Tensor, str]]) -> int:
    answers = [best_path(net.classify(features[None]))[0] for features, _ in lines]
    return sum(
        answer.replace(" ", "") != text.replace(" ", "")
        for answer, (_, text) in zip(answers, lines, strict=True)
    )
