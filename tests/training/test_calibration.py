import numpy as np
import pytest
import torch
from scipy.special import expit, softmax

from inkwise.training import load_recipe
from inkwise.training.glyph_task import adjust_class_prior, fit_temperature
from inkwise.training.models import build_net


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5, 8.0])
def test_fit_temperature_finds_a_known_temperature(temperature):
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 2, (20_000, 10))
    # Labels drawn by the probabilities themselves: then these are right, and logits times T are T too hot.
    chance = rng.random((20_000, 1))
    classes = (softmax(honest, 1).cumsum(1) < chance).sum(1)
    logits = (honest * temperature).astype(np.float32)
    assert fit_temperature(logits, classes) == pytest.approx(temperature, rel=0.04)


@pytest.mark.parametrize(("wrong", "end"), [(0, 0.05), (1, 20)])
def test_fit_temperature_stays_within_bounds(wrong, end):
    logits = np.eye(10, dtype=np.float32)[np.arange(50) % 10]
    classes = (np.arange(50) + wrong) % 10
    assert fit_temperature(logits, classes) == pytest.approx(end, rel=0.01)


def test_fit_temperature_accepts_large_logits():
    logits = np.array([[1e4, 0], [0, 1e4], [1e4, 0]], np.float32)
    assert np.isfinite(fit_temperature(logits, np.array([0, 1, 1])))


@pytest.mark.parametrize(("share", "expected"), [(0.5, 0.1), (0.1, 0.1), (0.02, 0.02)])
def test_adjust_class_prior_lowers_the_prior_of_non_digits(share, expected):
    net = build_net(load_recipe("hands").model, 11)
    before = net.head.bias.detach().clone()
    adjust_class_prior(net, share)
    shift = (net.head.bias - before).detach()
    assert torch.count_nonzero(shift[:-1]) == 0, "the digits keep what they have"
    assert expit(np.log(share / (1 - share)) + shift[-1].item()) == pytest.approx(expected)
