import torch

from inkwise.reproduction.document_systems import Ftrl


def test_ftrl_discards_initial_weights():
    """Why document 5 reports 10 % with Ftrl: its state starts at zero."""
    weights = torch.full((3,), 5.0, requires_grad=True)
    weights.grad = torch.full((3,), 1e-6)
    Ftrl([{"params": [weights]}], lr=1e-3).step()
    assert weights.abs().max() < 0.01
