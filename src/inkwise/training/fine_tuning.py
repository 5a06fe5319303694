"""Fine-tuning of a classifier on the handwriting of one writer, with replay of its training data."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from inkwise._util.errors import ModelError
from inkwise._util.files import write_bytes
from inkwise._util.text import NOT_A_DIGIT
from inkwise.datasets import Dataset, StrokeSet
from inkwise.recognition.model import has_reject_class
from inkwise.training.callbacks import Callback, build_callbacks
from inkwise.training.glyph_task import (
    GlyphLoop,
    GlyphSamples,
    fit_temperature,
    glyph_logits,
    to_glyph_samples,
)
from inkwise.training.loop import AnyTrainingLoop, seeded
from inkwise.training.models import Net, summarize_layers
from inkwise.training.onnx_models import classifier_to_onnx, head_classes, net_from_onnx
from inkwise.training.recipes import FINE_TUNING, FineTuningRecipe, OwnSamplesSection
from inkwise.training.synthesis.negatives import corrupt_digits, synthesize_negatives
from inkwise.training.training_data import Glyphs, Labels, redraw_strokes, simulate_rescan

_MAX_REPLAY_CANDIDATES = 30_000  # replay samples: half are held out, the hardest of the others learnt again
_CENTROID_SAMPLES = 2_000  # replay samples whose mean embedding stands for all digits
_MAX_NEGATIVES = 1_200  # non-digits in the replay of a model that rejects, a tenth of it at most
_ALLOWED_EXTRA_MISSES = 5 / 10_000  # share of the held-out replay that may be missed in addition
_PREPARED, _AUGMENTED, _REPLAYED, _TRAINED = 0.1, 0.46, 0.73, 0.9  # shares of the time, on one core


def fine_tune(
    base: str | Path | bytes,
    path: Path,
    writer: str,
    drawn: StrokeSet,
    found: Dataset,
    replay: Dataset,
    *,
    recipe: FineTuningRecipe = FINE_TUNING,
    progress: Callable[[float], None] = lambda share: None,
) -> None:
    """Fine-tune the head of a model on one writer's samples, with replay, and write the new model.

    The features stay frozen; an unknown label becomes a new class. The new head is interpolated between the
    old and the trained one, as far as a held-out part of the replay allows (after M. Wortsman et al., "Robust
    fine-tuning of zero-shot models", CVPR 2022). The replay of a model that rejects includes non-digits.

    Args:
        base: a model file, or its bytes.
        path: the file to make.
        writer: name of the writer, for the model's name.
        drawn: samples of the writer as strokes.
        found: samples of the writer without strokes.
        replay: samples that must not be forgotten.
        recipe: of the fine-tuning.
        progress: called with the finished share of the work, 0 to 1; it grows about evenly.

    Raises:
        ModelError: the base cannot be read, is no model that `inkwise train` made, or knows no label of the
            replay.
        DataError: the file cannot be written.
    """
    before, metadata = net_from_onnx(base)
    old = head_classes(metadata)
    replay = replay.select(np.isin(replay.labels, metadata["labels"]))
    if not len(replay):
        raise ModelError("the model knows no label of the replay, so it would forget all it knows")
    if has_reject_class(metadata):
        replay = _with_negatives(replay, recipe.seed)
    progress(_PREPARED)
    rng = np.random.default_rng(recipe.seed)
    replay = replay.select(rng.permutation(len(replay)))
    own, own_labels = _augment_own_samples(drawn, found, recipe.own_samples, rng)
    progress(_AUGMENTED)
    new = sorted({*own_labels.tolist()} - {*old})
    known = len(metadata["labels"])
    classes = [*old[:known], *new, *old[known:]]
    new_glyphs = [own[own_labels == label] for label in new]
    _extend_head(before, new_glyphs, replay.glyphs[:_CENTROID_SAMPLES], known)
    count = round(len(own) / recipe.own_samples.own_share) - len(own)
    samples = to_glyph_samples(replay.glyphs, replay.labels, classes)
    reminders, held_out, old_logits = _select_replay(before, samples, count)
    training = _join(to_glyph_samples(own, own_labels, classes), reminders)
    validation = held_out.select(slice(_CENTROID_SAMPLES))
    progress(_REPLAYED)
    with seeded(recipe.seed, torch.device("cpu")):
        callbacks = [*build_callbacks(recipe.callbacks), _ProgressReport(progress)]
        net = GlyphLoop(copy.deepcopy(before), recipe, training, validation, callbacks).fit()
    new_logits = glyph_logits(net, held_out.glyphs)
    weight = _interpolation_weight(old_logits, new_logits, held_out.classes)
    for old_part, new_part in zip(before.head.parameters(), net.head.parameters(), strict=True):
        new_part.data.lerp_(old_part.data, 1 - weight)
    # a ratio, as both heads were trained on most of the held-out samples
    numbers = held_out.classes.numpy()
    temperature = (
        metadata["temperature"]
        * fit_temperature(torch.lerp(old_logits, new_logits, weight).numpy(), numbers)
        / fit_temperature(old_logits.numpy(), numbers)
    )
    count = len(drawn) + len(found)
    trained = str(metadata.pop("trained", ""))[:10]
    metadata |= {
        "name": f"{metadata['name']}{f' ({trained})' if trained else ''}, learnt from {count} of {writer}",
        "labels": classes[: known + len(new)],
        "net": summarize_layers(net),
        "temperature": round(temperature, 4),
        "metrics": {},
        "learnt": {"writer": writer, "samples": count, "way": weight, "recipe": recipe.to_dict()},
    }
    write_bytes(path, classifier_to_onnx(net, temperature, metadata).SerializeToString())
    progress(1)


class _ProgressReport(Callback):
    """Reports the finished share of the work after each step."""

    def __init__(self, progress: Callable[[float], None]) -> None:
        self.progress = progress

    def on_step_end(self, loop: AnyTrainingLoop) -> None:
        self.progress(_REPLAYED + (_TRAINED - _REPLAYED) * loop.step / loop.total_steps)


def _augment_own_samples(
    drawn: StrokeSet, found: Dataset, keys: OwnSamplesSection, rng: np.random.Generator
) -> tuple[Glyphs, Labels]:
    """About `glyph_count` glyphs of the writer's samples, each sample equally often, some unaugmented."""
    times = max(1, round(keys.glyph_count / (len(drawn) + len(found))))
    glyphs = []
    for number in range(times):
        plain = number < keys.unaugmented_share * times
        if len(drawn):
            glyphs.append(drawn.to_dataset().glyphs if plain else redraw_strokes(drawn, 0.0, rng))
        glyphs.append(found.glyphs if plain else simulate_rescan(found.glyphs, rng))
    return np.concatenate(glyphs), np.tile(np.concatenate([drawn.labels, found.labels]), times)


def _with_negatives(replay: Dataset, seed: int) -> Dataset:
    """The replay with non-digits, half of them synthetic, half corrupted digits."""
    rng, half = np.random.default_rng(seed), min(_MAX_NEGATIVES, len(replay) // 10) // 2
    glyphs = [
        replay.glyphs,
        synthesize_negatives(half, rng),
        corrupt_digits(replay.glyphs, replay.labels, half, rng),
    ]
    labels = np.concatenate([replay.labels, np.full(2 * half, NOT_A_DIGIT)])
    return Dataset(replay.name, np.concatenate(glyphs), labels)


def _extend_head(net: Net, new: list[Glyphs], others: Glyphs, place: int) -> None:
    """Insert a class for the glyphs of each new label into the head, from `place` on.

    Its row separates the mean embedding of its glyphs from that of the others.
    """
    weight, bias = net.head.weight.detach(), net.head.bias.detach()
    length = weight.norm(dim=1).mean()
    middle = _embed(net, others).mean(0)
    for at, glyphs in enumerate(new, start=place):
        mean = _embed(net, glyphs).mean(0)
        row = length * F.normalize(mean - middle, dim=0)
        weight = torch.cat([weight[:at], row[None], weight[at:]])
        bias = torch.cat([bias[:at], -(row @ (mean + middle) / 2)[None], bias[at:]])
    net.head = nn.Linear(weight.shape[1], len(weight))
    net.head.load_state_dict({"weight": weight, "bias": bias})


@torch.no_grad()
def _embed(net: Net, glyphs: Glyphs) -> Tensor:
    parts = torch.from_numpy(glyphs[:, None]).split(256)
    return torch.cat([net.features(part.float() / 255) for part in parts])


def _join(one: GlyphSamples, other: GlyphSamples) -> GlyphSamples:
    return GlyphSamples(torch.cat([one.glyphs, other.glyphs]), torch.cat([one.classes, other.classes]))


def _select_replay(net: Net, replay: GlyphSamples, count: int) -> tuple[GlyphSamples, GlyphSamples, Tensor]:
    """`count` samples to learn again, half of them the hardest; held-out samples, and their logits."""
    looking = min(_MAX_REPLAY_CANDIDATES, len(replay) // 2)
    candidates, rest = replay.select(slice(looking)), replay.select(slice(looking, None))
    logits = glyph_logits(net, candidates.glyphs)
    hardest = _margins(logits, candidates.classes).argsort()
    # every second one is held out, so that both halves are equally hard
    held_out, hard = hardest[::2], candidates.select(hardest[1::2][: count // 2])
    reminders = _join(hard, rest.select(slice(count - len(hard))))
    return reminders, candidates.select(held_out), logits[held_out]


def _margins(logits: Tensor, classes: Tensor) -> Tensor:
    """Difference between the right logit and the highest other, (n,)."""
    right = classes[:, None]
    return (logits.gather(1, right) - logits.scatter(1, right, -torch.inf).amax(1, keepdim=True))[:, 0]


def _interpolation_weight(before: Tensor, after: Tensor, classes: Tensor) -> float:
    """The largest weight, 0.1 to 1, of the new logits that hardly adds misses."""

    def misses(weight: float) -> int:
        return int((_margins(torch.lerp(before, after, weight), classes) < 0).sum())

    allowed = misses(0) + round(_ALLOWED_EXTRA_MISSES * len(classes))
    return next((tenths / 10 for tenths in range(10, 1, -1) if misses(tenths / 10) <= allowed), 0.1)
