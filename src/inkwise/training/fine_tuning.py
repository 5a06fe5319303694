"""A model learns one person's hand, and forgets nothing of what it knew."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from inkwise._util.errors import ModelError
from inkwise._util.text import NOT_A_DIGIT
from inkwise.datasets import Dataset, StrokeSet
from inkwise.recognition.model import has_reject_class
from inkwise.training.calibration import fit_temperature
from inkwise.training.callbacks import Callback
from inkwise.training.glyph_loop import GlyphLoop, GlyphSamples, glyph_logits
from inkwise.training.glyph_task import to_glyph_samples
from inkwise.training.initialization import head_classes, net_from_onnx
from inkwise.training.loop import AnyTrainingLoop
from inkwise.training.models.network import Net
from inkwise.training.models.summary import summarize_layers
from inkwise.training.onnx_export import export_classifier
from inkwise.training.recipes import FineTuningRecipe
from inkwise.training.seeding import seeded
from inkwise.training.synthesis.negatives import corrupt_digits, synthesize_negatives
from inkwise.training.training_data import Glyphs, Labels, redraw_strokes, simulate_rescan
from inkwise.training.training_run import build_callbacks

_MAX_REPLAY_CANDIDATES = (
    30_000  # samples of the replay of which half are kept apart, and the hardest others learnt
)
_CENTROID_SAMPLES = 2_000  # samples of the replay that tell what all digits have in common
_MAX_NEGATIVES = (
    1_200  # things that are no digits in the replay of a model that rejects, a tenth of it at most
)
_ALLOWED_EXTRA_MISSES = 5 / 10_000  # of those kept apart, how many more may be missed


def fine_tune(
    base: str | Path | bytes,
    path: Path,
    writer: str,
    drawn: StrokeSet,
    found: Dataset,
    replay: Dataset,
    *,
    recipe: FineTuningRecipe = FineTuningRecipe(),  # noqa: B008  # frozen
    progress: Callable[[float], None] = lambda share: None,
) -> None:
    """Have a model learn one person's hand, with replay of what it was trained on, and write the new model.

    Its features stay, its head learns; a label that it does not know becomes a class of it. Of the way from
    the head as it was to the one that was learnt, it goes as far as hardly any more mistakes are made on a
    part of the replay that is kept apart (after M. Wortsman et al., "Robust fine-tuning of zero-shot models",
    CVPR 2022). A model that rejects is reminded of what is no digit as well.

    Args:
        base: a model file, or its bytes.
        path: the file to make.
        writer: whose hand, for the model's name.
        drawn: samples of the person as strokes.
        found: samples of the person of which there are no strokes.
        replay: what must not be forgotten.
        recipe: how to learn.
        progress: is told the share of the training that is done, 0 to 1.

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
        replay = _with_negatives(replay, recipe)
    rng = np.random.default_rng(recipe.seed)
    replay = replay.select(rng.permutation(len(replay)))
    own, own_labels = _augment_own_samples(drawn, found, recipe, rng)
    news = sorted({*own_labels.tolist()} - {*old})
    known = len(metadata["labels"])
    classes = [*old[:known], *news, *old[known:]]
    _extend_head(
        before, [own[own_labels == label] for label in news], replay.glyphs[:_CENTROID_SAMPLES], known
    )
    count = round(len(own) / recipe.share) - len(own)
    reminders, check, said = _select_replay(
        before, to_glyph_samples(replay.glyphs, replay.labels, classes), count
    )
    training = _join(to_glyph_samples(own, own_labels, classes), reminders)
    with seeded(recipe.seed, torch.device("cpu")):
        callbacks = [*build_callbacks(recipe), _ProgressReport(progress)]
        net = GlyphLoop(
            copy.deepcopy(before), recipe, training, _select(check, slice(_CENTROID_SAMPLES)), callbacks
        ).fit()
    says = glyph_logits(net, check.glyphs)
    way = _interpolation_weight(said, says, check.classes)
    for old_part, new_part in zip(before.head.parameters(), net.head.parameters(), strict=True):
        new_part.data.lerp_(old_part.data, 1 - way)
    # Both have been trained on most of these: only by how they differ is anything told.
    temperature = (
        metadata["temperature"]
        * _fit_temperature(torch.lerp(said, says, way), check)
        / _fit_temperature(said, check)
    )
    count = len(drawn) + len(found)
    trained = str(metadata.pop("trained", ""))[:10]
    metadata |= {
        "name": f"{metadata['name']}{f' ({trained})' if trained else ''}, learnt from {count} of {writer}",
        "labels": classes[: known + len(news)],
        "net": summarize_layers(net),
        "temperature": round(temperature, 4),
        "metrics": {},
        "learnt": {"writer": writer, "samples": count, "way": way, "recipe": recipe.to_dict()},
    }
    export_classifier(net, path, temperature, metadata)


class _ProgressReport(Callback):
    """Tells the share of the steps that are done."""

    def __init__(self, progress: Callable[[float], None]) -> None:
        self.progress = progress

    def on_step_end(self, loop: AnyTrainingLoop) -> None:
        self.progress(loop.step / loop.total_steps)


def _augment_own_samples(
    drawn: StrokeSet, found: Dataset, recipe: FineTuningRecipe, rng: np.random.Generator
) -> tuple[Glyphs, Labels]:
    """About `recipe.glyphs` glyphs of the person's samples, each sample equally often, some as they are."""
    times = max(1, round(recipe.glyphs / (len(drawn) + len(found))))
    glyphs = []
    for number in range(times):
        plain = number < recipe.plain * times
        if len(drawn):
            glyphs.append(drawn.to_dataset().glyphs if plain else redraw_strokes(drawn, 0.0, rng))
        glyphs.append(found.glyphs if plain else simulate_rescan(found.glyphs, rng))
    return np.concatenate(glyphs), np.tile(np.concatenate([drawn.labels, found.labels]), times)


def _with_negatives(replay: Dataset, recipe: FineTuningRecipe) -> Dataset:
    """The replay, and things that are no digits, half of them digits spoilt."""
    rng, half = np.random.default_rng(recipe.seed), min(_MAX_NEGATIVES, len(replay) // 10) // 2
    glyphs = [
        replay.glyphs,
        synthesize_negatives(half, rng),
        corrupt_digits(replay.glyphs, replay.labels, half, rng),
    ]
    labels = np.concatenate([replay.labels, np.full(2 * half, NOT_A_DIGIT)])
    return Dataset(replay.name, np.concatenate(glyphs), labels)


def _extend_head(net: Net, news: list[Glyphs], others: Glyphs, place: int) -> None:
    """Put a class into the head for the glyphs of each new label: it is told from others by its mean.

    The classes stand one after another from `place` on, before what stands there.
    """
    weight, bias = net.head.weight.detach(), net.head.bias.detach()
    length = weight.norm(dim=1).mean()
    middle = _embed(net, others).mean(0)
    for at, glyphs in enumerate(news, start=place):
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


def _select(samples: GlyphSamples, chosen: Tensor | slice) -> GlyphSamples:
    return GlyphSamples(samples.glyphs[chosen], samples.classes[chosen])


def _select_replay(net: Net, replay: GlyphSamples, count: int) -> tuple[GlyphSamples, GlyphSamples, Tensor]:
    """So many samples to learn again, half of them the hardest; others to check by, and the net's logits."""
    looking = min(_MAX_REPLAY_CANDIDATES, len(replay) // 2)
    looked, rest = _select(replay, slice(looking)), _select(replay, slice(looking, None))
    said = glyph_logits(net, looked.glyphs)
    hardest = _margins(said, looked.classes).argsort()
    # Every other one is kept apart, so that both halves are equally hard.
    check, hard = hardest[::2], _select(looked, hardest[1::2][: count // 2])
    return _join(hard, _select(rest, slice(count - len(hard)))), _select(looked, check), said[check]


def _margins(logits: Tensor, classes: Tensor) -> Tensor:
    """By how much the right logit exceeds the highest other, (n,)."""
    right = classes[:, None]
    return (logits.gather(1, right) - logits.scatter(1, right, -torch.inf).amax(1, keepdim=True))[:, 0]


def _interpolation_weight(before: Tensor, after: Tensor, classes: Tensor) -> float:
    """How far to go from logits to others, for hardly any more mistakes: 0.1 to 1."""

    def misses(way: float) -> int:
        return int((_margins(torch.lerp(before, after, way), classes) < 0).sum())

    allowed = misses(0) + round(_ALLOWED_EXTRA_MISSES * len(classes))
    return next((tenths / 10 for tenths in range(10, 1, -1) if misses(tenths / 10) <= allowed), 0.1)


def _fit_temperature(logits: Tensor, samples: GlyphSamples) -> float:
    return fit_temperature(logits.numpy(), samples.classes.numpy())
