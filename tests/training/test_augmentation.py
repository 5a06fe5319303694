"""Each augmentation key does what its unit says, in one resampling."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from inkwise.training import load_recipe
from inkwise.training.augmentation import augment

KINDS = {
    "rotate": 20.0,
    "scale": 0.2,
    "aspect": 0.2,
    "shear": 0.3,
    "shift": 0.1,
    "elastic": 1.0,
    "stroke_width_jitter": 0.7,
    "brightness": 0.3,
    "contrast": 0.5,
    "noise": 0.3,
    "occlusion": 12.0,
}
STILL = load_recipe("default").set(augmentation=dict.fromkeys(KINDS, 0.0)).augmentation
MIDDLE = 14.0


@pytest.fixture
def glyphs(shapes):
    return torch.from_numpy(shapes[0])[:, None].float() / 255


def drawn(glyphs, seed=0, **ranges):
    return augment(glyphs, replace(STILL, **ranges), torch.Generator().manual_seed(seed))


def moments(glyphs):
    """Centre of mass (x, y) in pixels and the covariance of the ink, (n, 2) and (n, 2, 2)."""
    axis = torch.arange(28) + 0.5
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    places = torch.stack([x, y]).reshape(2, -1)
    mass = glyphs.flatten(1) / glyphs.flatten(1).sum(1, keepdim=True)
    centre = mass @ places.T
    off = places[None] - centre[:, :, None]
    return centre, (off * mass[:, None]) @ off.transpose(1, 2)


def blobs(n, x=0.0, y=0.0, wide=3.0, high=3.0):
    """n soft spots, so that moments are exact; x and y off the middle."""
    axis = torch.arange(28) + 0.5 - MIDDLE
    spot = torch.exp(-(((axis - x) / wide) ** 2) / 2) * torch.exp(-(((axis[:, None] - y) / high) ** 2) / 2)
    return spot.expand(n, 1, 28, 28).clone()


def test_augment_with_zero_ranges_changes_nothing(glyphs):
    torch.testing.assert_close(drawn(glyphs), glyphs, atol=1e-4, rtol=0)


def test_augment_keeps_its_input(glyphs):
    before = glyphs.clone()
    drawn(glyphs, **KINDS)
    assert torch.equal(glyphs, before)


@pytest.mark.parametrize("kind", KINDS)
def test_each_augmentation_changes_glyphs_within_0_and_1(glyphs, kind):
    after = drawn(glyphs, **{kind: KINDS[kind]})
    assert after.shape == glyphs.shape
    assert after.dtype == torch.float32
    assert after.min() >= 0
    assert after.max() <= 1
    changes = (after - glyphs).abs().mean((1, 2, 3))
    assert (changes > 1e-3).float().mean() > 0.3
    assert changes.std() > 0, "one draw a glyph"


def test_all_augmentations_stay_within_0_and_1(glyphs):
    after = drawn(glyphs, **KINDS)
    assert after.min() >= 0
    assert after.max() <= 1
    assert after.isfinite().all()


def test_augment_depends_on_the_generator_only(glyphs):
    torch.manual_seed(1)
    one, two = drawn(glyphs, 5, **KINDS), drawn(glyphs, 6, **KINDS)
    torch.manual_seed(2)
    assert torch.equal(drawn(glyphs, 5, **KINDS), one)
    assert not torch.equal(one, two)


def test_affine_and_elastic_are_one_resampling(glyphs, monkeypatch):
    calls = []
    sample = F.grid_sample
    monkeypatch.setattr(F, "grid_sample", lambda *args, **more: calls.append(1) or sample(*args, **more))
    drawn(glyphs, **KINDS)
    assert len(calls) == 1


@pytest.mark.parametrize("share", [0.05, 0.15])
def test_shift_is_a_share_of_the_side(share):
    centre, _ = moments(drawn(blobs(2000, wide=2, high=2), shift=share))
    moved = centre - MIDDLE
    assert moved.abs().max() <= share * 28 + 0.05
    assert moved.amax(0).tolist() == pytest.approx([share * 28] * 2, rel=0.03)
    assert moved.amin(0).tolist() == pytest.approx([-share * 28] * 2, rel=0.03)
    assert moved.mean(0).tolist() == pytest.approx([0, 0], abs=0.1)
    assert abs(np.corrcoef(moved.T)[0, 1]) < 0.1, "x and y by themselves"


def test_rotation_is_in_degrees():
    right, _ = moments(drawn(blobs(2000, x=6, wide=1.5, high=1.5), rotate=30))
    below, _ = moments(drawn(blobs(2000, y=6, wide=1.5, high=1.5), rotate=30))
    angles = torch.atan2(right[:, 1] - MIDDLE, right[:, 0] - MIDDLE) * 180 / math.pi
    same = torch.atan2(MIDDLE - below[:, 0], below[:, 1] - MIDDLE) * 180 / math.pi
    torch.testing.assert_close(angles, same, atol=0.5, rtol=0)
    assert angles.abs().max() <= 30.1
    assert angles.max() > 29
    assert angles.min() < -29


def test_scale_is_a_share_of_the_size():
    _, spread = moments(drawn(blobs(2000), scale=0.2))
    sizes = spread[:, 0, 0].sqrt() / 3
    assert sizes.max().item() == pytest.approx(1.2, abs=0.02)
    assert sizes.min().item() == pytest.approx(0.8, abs=0.02)
    torch.testing.assert_close(spread[:, 1, 1], spread[:, 0, 0], rtol=0.01, atol=0)


def test_aspect_widens_and_lowers_alike():
    _, spread = moments(drawn(blobs(2000), aspect=0.2))
    wide, high = spread[:, 0, 0].sqrt() / 3, spread[:, 1, 1].sqrt() / 3
    assert wide.max().item() == pytest.approx(1.2, abs=0.02)
    torch.testing.assert_close(wide * high, torch.ones(2000), rtol=0.03, atol=0)


def test_shear_is_in_horizontal_per_vertical_pixel():
    centre, _ = moments(drawn(blobs(2000, y=8, wide=1.5, high=1.5), shear=0.25))
    sideways = centre[:, 0] - MIDDLE
    assert sideways.abs().max().item() == pytest.approx(0.25 * 8, abs=0.06)
    assert (centre[:, 1] - MIDDLE - 8).abs().max() < 0.2


def test_elastic_is_in_pixels():
    centre, _ = moments(drawn(blobs(2000, wide=0.7, high=0.7), elastic=1.0))
    # A spot of a pixel goes where the field takes it: a normal draw, a little less between its points.
    assert (centre - MIDDLE).std(0).tolist() == pytest.approx([0.85, 0.85], abs=0.2)


def test_stroke_width_jitter_is_in_pixels_per_side():
    bar = torch.zeros(2000, 1, 28, 28)
    bar[..., 10:18] = 1
    width = drawn(bar, stroke_width_jitter=0.8)[:, 0, 14].sum(1) - 8
    assert width.max().item() == pytest.approx(2 * 0.8, abs=0.02)
    assert width.min().item() == pytest.approx(-2 * 0.8, abs=0.02)


def test_brightness_and_contrast_are_shares_of_white_and_contrast():
    grey = torch.full((2000, 1, 28, 28), 0.5)
    assert (drawn(grey, brightness=0.2) - 0.5).abs().amax().item() == pytest.approx(0.2, abs=0.002)
    assert drawn(grey, contrast=0.4).amax().item() == pytest.approx(0.7, abs=0.002)


def test_noise_has_the_maximum_deviation():
    grey = torch.full((2000, 1, 28, 28), 0.5)
    strengths = (drawn(grey, noise=0.1) - 0.5).std((1, 2, 3))
    assert strengths.max().item() == pytest.approx(0.1, abs=0.01)
    assert strengths.min() < 0.005


def test_occlusion_is_one_black_square():
    white = torch.ones(500, 1, 28, 28)
    for glyph in drawn(white, occlusion=10.0):
        rows, columns = np.where(glyph[0].numpy() == 0)
        if len(rows):
            assert max(np.ptp(rows), np.ptp(columns)) + 1 <= 11
            assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
