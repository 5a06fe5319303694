"""Optimizers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from inkwise.training.config import OptimizationSection
from inkwise.training.recipes import load_plugins


class Optimizer(Protocol):
    """What the training loop uses of an optimizer; `torch.optim.Optimizer` has it."""

    param_groups: list[dict[str, Any]]

    def step(self) -> object: ...  # noqa: D102

    def zero_grad(self) -> None: ...  # noqa: D102

    def state_dict(self) -> dict[str, Any]: ...  # noqa: D102

    def load_state_dict(self, state_dict: dict[str, Any], /) -> None: ...  # noqa: D102


def build_optimizer(net: nn.Module, keys: OptimizationSection) -> Optimizer:
    """The recipe's optimizer; weights decay, biases and the scales of batch-norm do not.

    The learning rate falls from the head to the first layer by `layer_decay` per layer (J. Howard and
    S. Ruder, "Universal language model fine-tuning for text classification", ACL 2018). Layers with a rate of
    zero are frozen and need no gradient. The first parameter group has the full rate.
    """
    layers = _parameters_by_layer(net)
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for depth, layer in zip(reversed(range(len(layers))), layers, strict=True):
        share = keys.layer_decay**depth
        for parameter in layer:
            if share:
                decay = keys.weight_decay if parameter.ndim > 1 else 0.0
                groups.setdefault((share, decay), []).append(parameter)
            else:
                parameter.requires_grad_(False)
    parts = [
        {"params": parameters, "lr": keys.lr * share, "weight_decay": decay}
        for (share, decay), parameters in sorted(groups.items(), key=lambda group: -group[0][0])
    ]
    if keys.optimizer not in OPTIMIZERS:
        load_plugins()
    return OPTIMIZERS[keys.optimizer](parts, keys.lr)


def _parameters_by_layer(net: nn.Module) -> list[list[Tensor]]:
    """The parameters by layer; those of a batch-norm belong to the layer before it."""
    layers: list[list[Tensor]] = []
    for part in net.modules():
        own: list[Tensor] = list(part.parameters(recurse=False))
        if own and isinstance(part, nn.BatchNorm2d) and layers:
            layers[-1] += own
        elif own:
            layers.append(own)
    return layers


class Muon:
    """Orthogonalized steps of convolution filters at ten times the rate; AdamW for all other parameters.

    K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024. A layer changes equally
    in all directions, so that few steps suffice. No subclass of torch's optimizer, whose first use imports
    torch's compiler, as long as a third of a sprint.
    """

    def __init__(self, groups: list[dict[str, Any]], lr: float) -> None:
        """Take parameter groups; parameters of four dimensions are filters."""
        self.param_groups = [{"lr": lr} | group for group in groups]
        self._states: list[list[dict[str, Any]]] = [[{} for _ in group["params"]] for group in groups]

    def zero_grad(self) -> None:
        """Remove the gradients."""
        for group in self.param_groups:
            for weights in group["params"]:
                weights.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Rates and states, to resume from."""
        return {"rates": [group["lr"] for group in self.param_groups], "states": self._states}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Resume from `state_dict`."""
        self._states = saved["states"]
        for group, rate in zip(self.param_groups, saved["rates"], strict=True):
            group["lr"] = rate

    @torch.no_grad()
    def step(self) -> None:
        """Update all parameters that have gradients."""
        for group, states in zip(self.param_groups, self._states, strict=True):
            for weights, state in zip(group["params"], states, strict=True):
                if weights.grad is None:
                    continue
                filters = weights.ndim == 4
                rate = 10 * group["lr"] if filters else group["lr"]
                weights.mul_(1 - rate * group["weight_decay"])
                change = _orthogonal_step(weights.grad, state) if filters else _adam_step(weights.grad, state)
                weights.sub_(change, alpha=rate)


def _orthogonal_step(gradient: Tensor, state: dict[str, Any], momentum: float = 0.8) -> Tensor:
    """The nearest orthogonal matrix, approximately, to the gradient with Nesterov momentum."""
    past = state.setdefault("momentum", torch.zeros_like(gradient)).mul_(momentum).add_(gradient)
    flat = gradient.add(past, alpha=momentum).flatten(1)
    wide = flat.T if len(flat) > flat.shape[1] else flat
    wide = wide / (wide.norm() + 1e-7)
    a, b, c = 3.4445, -4.775, 2.0315  # Jordan's coefficients; three iterations bring singular values near 1
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


OPTIMIZERS: dict[str, Callable[[list[dict[str, Any]], float], Optimizer]] = {
    "adamw": lambda groups, lr: torch.optim.AdamW(groups, lr=lr),
    "adam": lambda groups, lr: torch.optim.Adam(groups, lr=lr),
    "rmsprop": lambda groups, lr: torch.optim.RMSprop(groups, lr=lr),
    "adadelta": lambda groups, lr: torch.optim.Adadelta(groups, lr=lr, rho=0.95, eps=1e-7),  # as in Keras
    "muon": Muon,
}
"""Functions that build an optimizer from parameter groups and a rate, by name."""
