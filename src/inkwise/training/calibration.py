"""Make probabilities mean what they say."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logit, logsumexp

from inkwise.training.models.network import Net

_NEGATIVE_PRIOR = 0.1  # share of what people show that is no digit: a guess, but less than is trained on


def fit_temperature(logits: NDArray[np.float32], classes: NDArray[np.int64]) -> float:
    """The temperature that gives held-back samples the highest likelihood.

    After Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.

    Args:
        logits: (n, k) float.
        classes: (n,) int, the right columns.

    Returns:
        What to divide logits by, within 0.05 and 20.
    """

    def log_loss(log_temperature: float) -> float:
        scaled = logits.astype(np.float64) / np.exp(log_temperature)
        return float(np.mean(logsumexp(scaled, axis=1) - scaled[np.arange(len(classes)), classes]))

    return float(np.exp(minimize_scalar(log_loss, bounds=(np.log(0.05), np.log(20)), method="bounded").x))


@torch.no_grad()
def adjust_class_prior(net: Net, share: float) -> None:
    """Have a net that was taught with this share of non-digits, its last class, expect fewer in use.

    M. Saerens, P. Latinne and C. Decaestecker, "Adjusting the outputs of a classifier to new a priori
    probabilities", Neural Computation 14, 2002.
    """
    net.head.bias[-1] += min(0.0, float(logit(_NEGATIVE_PRIOR) - logit(share)))
