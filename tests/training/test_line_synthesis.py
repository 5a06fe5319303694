"""Photos of composed lines."""

import numpy as np

from inkwise.training.synthesis.line_synthesis import security_pattern, simulate_line_photo, slant


def test_slant_keeps_all_ink():
    canvas = np.zeros((80, 40), np.uint8)
    canvas[8:72, 17:23] = 255
    for seed in range(20):
        slanted = slant(canvas, np.random.default_rng(seed))
        assert len(slanted) == 80
        assert np.flatnonzero((slanted >= 128).any(1)).tolist() == [*range(8, 72)]


def test_line_photo_is_grey_with_ink_on_paper():
    cover = np.zeros((64, 100), np.float32)
    cover[:, ::20] = 1
    rng = np.random.default_rng(0)
    for _ in range(5):
        grey = simulate_line_photo(cover, rng)
        assert grey.dtype == np.uint8
        assert np.ptp(grey) > 20
        assert 20 <= grey.shape[0] < 200


def test_security_pattern_is_fine_and_covers_the_paper():
    rng = np.random.default_rng(0)
    for _ in range(10):
        waves = security_pattern((60, 200), rng)
        assert (waves.shape, waves.dtype) == ((60, 200), np.float32)
        assert np.isfinite(waves).all()
        assert waves.std() > 0.02
