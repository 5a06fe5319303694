"""A net as a table: what each layer makes, and how many parameters it learns."""

from __future__ import annotations

import torch
from torch import nn

from inkwise.training.models.network import Net

LayerSummary = tuple[str, tuple[int, ...], int]
"""Kind, shape of what it makes of one glyph, number of parameters."""


@torch.no_grad()
def summarize_layers(net: Net) -> list[LayerSummary]:
    """The layers of a net on the CPU, in the order in which a glyph passes through them."""
    rows: list[LayerSummary] = []

    def note(part: nn.Module, inputs: object, output: torch.Tensor) -> None:
        count = sum(parameter.numel() for parameter in part.parameters())
        rows.append((type(part).__name__.lstrip("_"), tuple(output.shape[1:]), count))

    leaves = [part for part in net.modules() if not [*part.children()]]
    hooks = [part.register_forward_hook(note) for part in leaves]
    training = net.training
    # In eval mode batch-norm neither learns from this glyph nor asks for a second one.
    net.eval()(torch.zeros(1, 1, 28, 28))
    net.train(training)
    for hook in hooks:
        hook.remove()
    return rows
