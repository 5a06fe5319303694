"""Fine-tuning of the pre-trained line reader on composed numbers, without end and resumable.

    python -m inkwise.training.number_training WEIGHTS.onnx DATA RUN [--steps N] [--lr RATE] [--frozen BLOCKS]

Trains with a constant rate until it is stopped, and keeps a moving average of the weights, which is what is
measured and exported: it can be stopped at any time. Rerun the same command to resume.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.data import DataLoader, Dataset

from inkwise.training.svtr_lcnet import SvtrLcnet, load_pretrained
from inkwise.training.synthesis.number_pool import NumberPool, build_number_pool
from inkwise.training.synthesis.number_synthesis import compose_number
from inkwise.training.synthesis.number_texts import NUMBER_CHARACTERS

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""What `OTHER` stands for at first."""

Batch = tuple[Tensor, list[str]]
"""Pictures (n, 1, 48, w) uint8 and their texts."""

_BLOCK_LINES = 1024  # lines composed at once, from one seed
_BATCH_COLUMNS = 4096  # columns of a batch: 24 lines of the mean width
_AVERAGE_DECAY = 0.998  # of the moving average of the weights, per step
_WARM_UP = 300  # steps; the fused norms of the backbone do not absorb large first steps of Adam
_NECK_STEPS = 600  # steps in which only neck and head are trained, after A. Kumar et al., "Fine-Tuning can
# Distort Pretrained Features and Underperform Out-of-Distribution", ICLR 2022
_FIRST_RATE, _LAST_RATE = 0.1, 0.4  # of the trained blocks of the backbone, relative to the neck's
_CLIP_NORM = 5.0  # of the gradient
_CHECKPOINT_SECONDS = 300
_GCE_EXPONENT = 0.25  # q of the generalized cross-entropy


class ComposedBlocks(Dataset[list[Batch]]):
    """Blocks of composed lines in batches of equal width; block i always holds the same lines."""

    def __init__(self, pool: NumberPool, seed: int) -> None:
        """Take what lines are composed of."""
        self.pool, self.seed = pool, seed

    def __len__(self) -> int:
        """Enough for any training."""
        return 1_000_000

    def __getitem__(self, block: int) -> list[Batch]:
        """The batches of a block, shuffled."""
        rng = np.random.default_rng([self.seed, block])
        return batches([compose_number(self.pool, rng) for _ in range(_BLOCK_LINES)], rng)


def batches(lines: list[tuple[np.ndarray, str]], rng: np.random.Generator | None = None) -> list[Batch]:
    """Batches of lines of equal width, shuffled if `rng` is given."""
    by_width: dict[int, list[tuple[np.ndarray, str]]] = {}
    for picture, text in lines:
        by_width.setdefault(picture.shape[1], []).append((picture, text))
    found: list[Batch] = []
    for width, own in sorted(by_width.items()):
        size = max(2, _BATCH_COLUMNS // width)
        for start in range(0, len(own), size):
            part = own[start : start + size]
            pictures = torch.from_numpy(np.stack([picture for picture, _ in part]))[:, None]
            found.append((pictures, [text for _, text in part]))
    if rng is not None:
        found = [found[place] for place in rng.permutation(len(found))]
    return found


def text_loss(logits: Tensor, texts: list[str]) -> Tensor:
    """Negative log-likelihoods (n,) of texts, given logits (n, frames, classes), the blank first."""
    targets = [NUMBER_CHARACTERS.index(character) + 1 for text in texts for character in text]
    return F.ctc_loss(
        logits.log_softmax(2).transpose(0, 1),
        torch.tensor(targets),
        torch.full((len(texts),), logits.shape[1]),
        torch.tensor([len(text) for text in texts]),
        reduction="none",
        zero_infinity=True,
    )


def generalized_cross_entropy(losses: Tensor) -> Tensor:
    """Transform negative log-likelihoods (n,) so that illegible lines have little weight.

    Z. Zhang & M. Sabuncu, "Generalized cross entropy loss for training deep neural networks with noisy
    labels", NeurIPS 2018: (1 - p^q) / q, which is -log p for q = 0 and 1 - p for q = 1.
    """
    return (1 - torch.exp(-_GCE_EXPONENT * losses)) / _GCE_EXPONENT


def best_path(logits: Tensor) -> list[str]:
    """Texts of the best class of each frame (n, frames, classes), with repeats merged and blanks removed."""
    texts = []
    for row in logits.argmax(2).tolist():
        kept = [one for one, before in zip(row, [0, *row], strict=False) if one and one != before]
        texts.append("".join(NUMBER_CHARACTERS[one - 1] for one in kept))
    return texts


def to_input(pictures: Tensor) -> Tensor:
    """Pictures as the network takes them."""
    return (pictures.float() / 255).contiguous(memory_format=torch.channels_last)


def parameter_groups(net: SvtrLcnet, rate: float, frozen: int) -> list[dict[str, Any]]:
    """Neck and head at the full rate, the blocks of the backbone at falling rates, the first ones frozen."""
    neck = {"params": [*net.neck.parameters(), *net.head.parameters()], "lr": rate}
    parts = [net.stem, *net.blocks] if frozen < 0 else [*net.blocks][frozen:]
    shares = np.linspace(_FIRST_RATE, _LAST_RATE, len(parts)).tolist()
    groups = [
        {"params": [*part.parameters()], "lr": rate * share}
        for part, share in zip(parts, shares, strict=True)
    ]
    return [group | {"rate": group["lr"]} for group in (neck, *groups)]


class Trainer:
    """A training that goes on from its last checkpoint."""

    def __init__(self, net: SvtrLcnet, folder: Path, rate: float, frozen: int) -> None:
        """Resume from `folder` if it holds a checkpoint."""
        self.net, self.folder = net, folder
        self.optimizer = torch.optim.AdamW(parameter_groups(net, rate, frozen), weight_decay=0.01)
        self.average = {name: value.clone() for name, value in net.state_dict().items()}
        self.step = self.block = self.batch = 0  # the next batch of the next block
        self.path = folder / "checkpoint.pt"
        if self.path.exists():
            state = torch.load(self.path, weights_only=True)
            net.load_state_dict(state["net"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.average, self.step = state["average"], state["step"]
            self.block, self.batch = state["block"], state["batch"]

    def save(self) -> None:
        """Write a checkpoint, in one step."""
        state = {
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average,
            "step": self.step,
            "block": self.block,
            "batch": self.batch,
        }
        draft = self.path.with_suffix(".draft")
        torch.save(state, draft)
        draft.replace(self.path)

    def freeze(self) -> None:
        """Let only those parts have gradients that are trained at this step."""
        for part in [self.net.stem, *self.net.blocks]:
            part.requires_grad_(False)
        if self.step >= _NECK_STEPS:
            for group in self.optimizer.param_groups:
                for parameter in group["params"]:
                    parameter.requires_grad_(True)

    def train_step(self, logits: Tensor, texts: list[str]) -> float:
        """Update the weights and their average; return the mean loss."""
        losses = text_loss(logits, texts)
        loss = generalized_cross_entropy(losses).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_([p for p in self.net.parameters() if p.grad is not None], _CLIP_NORM)
        neck, *backbone = self.optimizer.param_groups
        for groups, start in (([neck], 0), (backbone, _NECK_STEPS)):
            for group in groups:
                group["lr"] = group["rate"] * min(1.0, max(0, self.step + 1 - start) / _WARM_UP)
        self.optimizer.step()
        decay = min(_AVERAGE_DECAY, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            for name, value in self.net.state_dict().items():
                self.average[name].lerp_(value, 1 - decay)
        self.step += 1
        return float(losses.detach().mean())


def train(trainer: Trainer, blocks: ComposedBlocks, steps: int) -> None:
    """Train on fresh lines until `steps` are done; one more process composes them."""
    saved = time.monotonic()
    lines, losses, right = 0, [], 0
    trainer.net.train()
    for found in _blocks_from(blocks, trainer.block):
        for pictures, texts in found[trainer.batch :]:
            trainer.freeze()
            logits = trainer.net(to_input(pictures))
            losses.append(trainer.train_step(logits, texts))
            right += sum(read == text for read, text in zip(best_path(logits.detach()), texts, strict=True))
            lines += len(texts)
            trainer.batch += 1
            seconds = time.monotonic() - saved
            if seconds > _CHECKPOINT_SECONDS or trainer.step >= steps:
                trainer.save()
                note = f"{time.strftime('%H:%M')} step {trainer.step} block {trainer.block}"
                note += f" loss {np.mean(losses):.3f} right {right / lines:.1%} {lines / seconds:.1f} lines/s"
                print(note, flush=True)
                lines, losses, right, saved = 0, [], 0, time.monotonic()
            if trainer.step >= steps:
                return
        trainer.block, trainer.batch = trainer.block + 1, 0


def _blocks_from(blocks: ComposedBlocks, first: int) -> Iterator[list[Batch]]:
    return iter(
        DataLoader(
            blocks, batch_size=None, sampler=range(first, len(blocks)), num_workers=1, prefetch_factor=1
        )
    )


def pretrained(weights: Path) -> SvtrLcnet:
    """The pre-trained network with the classes of numbers."""
    return load_pretrained(weights, NUMBER_CHARACTERS, LETTERS)


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--start", type=Path, help="weights of an earlier run to start from")
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--lr", type=float, default=2e-4)
    parser.add_argument("--frozen", type=int, default=3, help="blocks after the stem that stay; -1: none")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed + os.getpid())
    arguments.run.mkdir(parents=True, exist_ok=True)
    net = pretrained(arguments.weights)
    net.dropout.p = 0.1
    if arguments.start:
        net.load_state_dict(torch.load(arguments.start, weights_only=True)["average"])
    trainer = Trainer(net, arguments.run, arguments.lr, arguments.frozen)
    if arguments.start:  # its neck and head are trained
        trainer.step = max(trainer.step, _NECK_STEPS)
    train(
        trainer, ComposedBlocks(build_number_pool(arguments.data, "train"), arguments.seed), arguments.steps
    )


if __name__ == "__main__":
    main()
