"""What training minimises, and by what steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from inkwise.training.recipe import Recipe


def loss_of(logits: Tensor, classes: Tensor, recipe: Recipe) -> Tensor:
    """The mean loss of logits (n, k) float against the right columns (n,) int64."""
    if recipe.loss == "cross-entropy":
        return F.cross_entropy(logits, classes, label_smoothing=recipe.label_smoothing)
    truth = F.one_hot(classes, logits.shape[1]).to(logits.dtype)
    distance = F.l1_loss if recipe.loss == "mae" else F.mse_loss
    return distance(logits.softmax(1), truth)


def distance_of(logits: Tensor, taught: Tensor) -> Tensor:
    """The mean divergence of logits (n, k) from a teacher's probabilities (n, k).

    G. Hinton, O. Vinyals and J. Dean, "Distilling the knowledge in a neural network", 2015, at temperature 1:
    teachers trained with smoothed labels are soft already.
    """
    return F.kl_div(logits.log_softmax(1), taught, reduction="batchmean")


def optimizer_of(net: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimizer; weights decay, biases and the scales of batch-norm do not.

    The rate falls from the head to the first layer by `layer_decay` a layer (J. Howard and S. Ruder,
    "Universal language model fine-tuning for text classification", ACL 2018). What would have none is frozen:
    it needs no gradient. The first group has the whole rate.
    """
    layers = _layers(net)
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for depth, layer in zip(reversed(range(len(layers))), layers, strict=True):
        share = recipe.layer_decay**depth
        for parameter in layer:
            if share:
                decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
                groups.setdefault((share, decay), []).append(parameter)
            else:
                parameter.requires_grad_(False)
    parts = [
        {"params": parameters, "lr": recipe.lr * share, "weight_decay": decay}
        for (share, decay), parameters in sorted(groups.items(), key=lambda group: -group[0][0])
    ]
    return _OPTIMIZERS[recipe.optimizer](parts, recipe.lr)


def _layers(net: nn.Module) -> list[list[Tensor]]:
    """The parameters, layer by layer; those of a batch-norm belong to the layer before it."""
    layers: list[list[Tensor]] = []
    for part in net.modules():
        own: list[Tensor] = list(part.parameters(recurse=False))
        if own and isinstance(part, nn.BatchNorm2d) and layers:
            layers[-1] += own
        elif own:
            layers.append(own)
    return layers


class Ftrl(torch.optim.Optimizer):
    """Follow the regularised leader, without its penalties, as Keras has it.

    H. B. McMahan et al., "Ad click prediction: a view from the trenches", KDD 2013. Its state begins at zero
    and does not know of the first weights, so that the first step takes them away.
    """

    def __init__(self, groups: list[dict[str, Any]], lr: float) -> None:
        """Take parameters in groups; a weight decay of theirs is passed over."""
        super().__init__(groups, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Change all parameters that have gradients."""
        for group in self.param_groups:
            for weights in group["params"]:
                if weights.grad is None:
                    continue
                state = self.state[weights]
                if not state:
                    state["sum"] = torch.full_like(weights, 0.1)
                    state["linear"] = torch.zeros_like(weights)
                before = state["sum"].sqrt()
                state["sum"] += weights.grad.square()
                after = state["sum"].sqrt()
                state["linear"] += weights.grad - (after - before) / group["lr"] * weights
                weights.copy_(-state["linear"] * group["lr"] / after)


# The documents that use Adadelta and Ftrl are written in Keras: its defaults.
_OPTIMIZERS: dict[str, Callable[[list[dict[str, Any]], float], torch.optim.Optimizer]] = {
    "adamw": lambda groups, lr: torch.optim.AdamW(groups, lr=lr),
    "adam": lambda groups, lr: torch.optim.Adam(groups, lr=lr),
    "rmsprop": lambda groups, lr: torch.optim.RMSprop(groups, lr=lr),
    "adadelta": lambda groups, lr: torch.optim.Adadelta(groups, lr=lr, rho=0.95, eps=1e-7),
    "ftrl": Ftrl,
}
