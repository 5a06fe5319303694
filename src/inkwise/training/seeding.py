"""Torch's random numbers, drawn from a seed without a trace in the caller's process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int, device: torch.device, *, deterministic: bool | None = None) -> Iterator[None]:
    """Seed torch's generators of the CPU and of a device, and restore their states at the end.

    Args:
        seed: of both generators.
        device: the device of the training; generators of other devices are left alone.
        deterministic: if given, whether torch uses deterministic algorithms only; restored as well.
    """
    accelerator = {"cuda": torch.cuda, "mps": torch.mps}.get(device.type)
    state = accelerator.get_rng_state() if accelerator else None
    enabled = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    with torch.random.fork_rng([]):
        # torch.manual_seed would seed every device.
        torch.default_generator.manual_seed(seed)
        if accelerator:
            accelerator.manual_seed(seed)
        if deterministic is not None:
            torch.use_deterministic_algorithms(deterministic)
        try:
            yield
        finally:
            if accelerator:
                accelerator.set_rng_state(state)
            torch.use_deterministic_algorithms(enabled, warn_only=warn_only)
