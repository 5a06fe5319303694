"""What training minimises, and by what steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from inkwise.training.config import Recipe


def classification_loss(logits: Tensor, classes: Tensor, recipe: Recipe) -> Tensor:
    """The mean loss of logits (n, k) float against the right columns (n,) int64."""
    if recipe.loss == "cross-entropy":
        return F.cross_entropy(logits, classes, label_smoothing=recipe.label_smoothing)
    truth = F.one_hot(classes, logits.shape[1]).to(logits.dtype)
    distance = F.l1_loss if recipe.loss == "mae" else F.mse_loss
    return distance(logits.softmax(1), truth)


def distillation_loss(logits: Tensor, teacher_probabilities: Tensor) -> Tensor:
    """The mean divergence of logits (n, k) from a teacher's probabilities (n, k).

    G. Hinton, O. Vinyals and J. Dean, "Distilling the knowledge in a neural network", 2015, at temperature 1:
    teachers trained with smoothed labels are soft already.
    """
    return F.kl_div(logits.log_softmax(1), teacher_probabilities, reduction="batchmean")


def build_optimizer(net: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimizer; weights decay, biases and the scales of batch-norm do not.

    The rate falls from the head to the first layer by `layer_decay` a layer (J. Howard and S. Ruder,
    "Universal language model fine-tuning for text classification", ACL 2018). What would have none is frozen:
    it needs no gradient. The first group has the whole rate.
    """
    layers = _parameters_by_layer(net)
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


def _parameters_by_layer(net: nn.Module) -> list[list[Tensor]]:
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


class Muon(torch.optim.Optimizer):
    """Steps of filters are orthogonalised, ten times the rate long; all else learns as by AdamW.

    K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024. Every direction in
    which a layer can change is taken alike, so that few steps are enough.
    """

    def __init__(self, groups: list[dict[str, Any]], lr: float) -> None:
        """Take parameters in groups, those of four dimensions are filters."""
        super().__init__(groups, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Change all parameters that have gradients."""
        for group in self.param_groups:
            for weights in group["params"]:
                if weights.grad is None:
                    continue
                state = self.state[weights]
                filters = weights.ndim == 4
                rate = 10 * group["lr"] if filters else group["lr"]
                weights.mul_(1 - rate * group["weight_decay"])
                change = _orthogonal_step(weights.grad, state) if filters else _adam_step(weights.grad, state)
                weights.sub_(change, alpha=rate)


def _orthogonal_step(gradient: Tensor, state: dict[str, Any], momentum: float = 0.9) -> Tensor:
    """The nearest orthogonal matrix, roughly, to the gradient with Nesterov's momentum."""
    past = state.setdefault("momentum", torch.zeros_like(gradient)).mul_(momentum).add_(gradient)
    flat = gradient.add(past, alpha=momentum).flatten(1)
    wide = flat.T if len(flat) > flat.shape[1] else flat
    wide = wide / (wide.norm() + 1e-7)
    a, b, c = 3.4445, -4.775, 2.0315  # Jordan's: singular values in (0, 1] soon come near 1; three turns do
    for _ in range(3):
        gram = wide @ wide.T
        wide = torch.addmm(wide, torch.addmm(gram, gram, gram, beta=b, alpha=c), wide, beta=a)
    return (wide.T if len(flat) > flat.shape[1] else wide).reshape(gradient.shape)


def _adam_step(gradient: Tensor, state: dict[str, Any]) -> Tensor:
    """Adam's step at a rate of 1."""
    if not state:
        state |= {"mean": torch.zeros_like(gradient), "square": torch.zeros_like(gradient), "steps": 0}
    state["steps"] += 1
    mean = state["mean"].lerp_(gradient, 0.1) / (1 - 0.9 ** state["steps"])
    square = state["square"].lerp_(gradient.square(), 0.001) / (1 - 0.999 ** state["steps"])
    change: Tensor = mean / (square.sqrt_() + 1e-8)
    return change


# The documents that use Adadelta and Ftrl are written in Keras: its defaults.
_OPTIMIZERS: dict[str, Callable[[list[dict[str, Any]], float], torch.optim.Optimizer]] = {
    "adamw": lambda groups, lr: torch.optim.AdamW(groups, lr=lr),
    "adam": lambda groups, lr: torch.optim.Adam(groups, lr=lr),
    "rmsprop": lambda groups, lr: torch.optim.RMSprop(groups, lr=lr),
    "adadelta": lambda groups, lr: torch.optim.Adadelta(groups, lr=lr, rho=0.95, eps=1e-7),
    "ftrl": Ftrl,
    "muon": Muon,
}
