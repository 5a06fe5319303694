"""Fine-tuning of the line reader on the handwriting of one writer, with distillation on other digits."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from inkwise._util.text import DIGITS
from inkwise.datasets import Dataset
from inkwise.training.loop import seeded
from inkwise.training.number_models import number_net_from_onnx, number_net_to_onnx
from inkwise.training.number_training import batches, best_path, text_loss, to_input
from inkwise.training.svtr_lcnet import SvtrLcnet
from inkwise.training.synthesis.allographs import draw_allograph
from inkwise.training.synthesis.number_synthesis import WIDTH_STEP
from inkwise.training.synthesis.writer_numbers import Line, WriterDigits, compose_lines

_OWN_LINES, _REPLAY_LINES, _HELD_OUT_LINES = 400, 200, 100
_BATCH_OWN, _BATCH_REPLAY = 12, 8  # lines of a batch
_STEPS = 150
_RATE = 2e-3
_DISTILLATION_WEIGHT = 2.0  # of the mean divergence of a frame, beside the mean loss of a character
_CLIP_NORM = 5.0  # of the gradient
_REPLAY_DIGITS = 1000  # glyphs of others in the replay; about as many allographs are drawn
_WEIGHTS = 0.75, 0.5, 0.25  # of the new weights; at 1 much more is forgotten, and hardly more is learnt
_COMPOSED_OWN, _COMPOSED = 0.27, 0.52  # shares of the time that composing the lines takes, on one core
_ALLOWED_EXTRA_MISSES = 0.05  # share of the held-out replay that may be misread in addition


def fine_tune_numbers(
    base: bytes,
    digits: WriterDigits,
    replay: Dataset,
    *,
    seed: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> bytes:
    """Fine-tune a line reader on numbers that are composed of one writer's digits.

    Neck and head are trained, the backbone stays frozen. On numbers composed of other digits the network
    keeps its outputs (Z. Li & D. Hoiem, "Learning without forgetting", ECCV 2016). Then the new weights are
    interpolated with the old ones, as far as held-out numbers of others allow (M. Wortsman et al., "Robust
    fine-tuning of zero-shot models", CVPR 2022).

    Args:
        base: content of the file of a line reader.
        digits: of the writer, at least one.
        replay: glyphs of other writers.
        seed: of the composition and the training.
        progress: called with the finished share of the work, 0 to 1; it grows about evenly.

    Returns:
        The content of the new file.

    Raises:
        ModelError: the base is no line reader that can learn.
    """
    before, metadata = number_net_from_onnx(base)
    rng = np.random.default_rng(seed)
    own = _pooled(before, compose_lines(digits, _OWN_LINES, rng))
    progress(_COMPOSED_OWN)
    others = _other_digits(replay, rng)
    reminders = _pooled(before, compose_lines(others, _REPLAY_LINES, rng))
    held_out = _pooled(before, compose_lines(others, _HELD_OUT_LINES, rng))
    progress(_COMPOSED)
    with seeded(seed, torch.device("cpu")):
        after = _train(before, own, reminders, rng, progress)
    net, weight = _interpolate(before, after, held_out)
    metadata |= {"learnt": {"samples": len(digits), "weight": weight}}
    return number_net_to_onnx(net, metadata).SerializeToString()


def _other_digits(replay: Dataset, rng: np.random.Generator) -> WriterDigits:
    """Glyphs of others, and as many allographs drawn from strokes."""
    chosen = rng.permutation(len(replay))[:_REPLAY_DIGITS]
    glyphs = zip(replay.glyphs[chosen], replay.labels[chosen].tolist(), strict=True)
    each = -(-len(chosen) // len(DIGITS))
    drawn = [[draw_allograph(digit, rng) for _ in range(each)] for digit in DIGITS]
    return WriterDigits(drawn, WriterDigits.of(None, glyphs).inks)


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
    """Train neck and head with a rate that falls to zero.

    The loss of a line is that of its characters on average, so that a long one, or one that the reader
    misreads, counts as much as another.
    """
    net = copy.deepcopy(before).train()
    parameters = [*net.neck.parameters(), *net.head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0, _STEPS)
    for step in range(_STEPS):
        chosen = [own[at] for at in rng.integers(0, len(own), _BATCH_OWN)]
        chosen += [reminders[at] for at in rng.integers(0, len(reminders), _BATCH_REPLAY)]
        width = max(features.shape[2] for features, _ in chosen)
        pooled = [F.pad(features, (0, width - features.shape[2]), mode="replicate") for features, _ in chosen]
        batch = torch.stack(pooled)
        logits = net.classify(batch)
        texts = [text for _, text in chosen[:_BATCH_OWN]]
        lengths = torch.tensor([len(text) for text in texts])
        own_loss = (text_loss(logits[:_BATCH_OWN], texts) / lengths).mean()
        with torch.no_grad():
            target = before.classify(batch[_BATCH_OWN:]).log_softmax(2)
        divergence = F.kl_div(logits[_BATCH_OWN:].log_softmax(2), target, log_target=True, reduction="none")
        optimizer.zero_grad()
        (own_loss + _DISTILLATION_WEIGHT * divergence.sum(2).mean()).backward()
        nn.utils.clip_grad_norm_(parameters, _CLIP_NORM)
        optimizer.step()
        schedule.step()
        progress(_COMPOSED + (1 - _COMPOSED) * (step + 1) / _STEPS)
    return net.eval()


def _interpolate(
    before: SvtrLcnet, after: SvtrLcnet, held_out: list[tuple[Tensor, str]]
) -> tuple[SvtrLcnet, float]:
    """The network with the largest weight of `after` that hardly misreads more; that weight."""
    allowed = _misses(before, held_out) + round(_ALLOWED_EXTRA_MISSES * len(held_out))
    for weight in _WEIGHTS:
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
