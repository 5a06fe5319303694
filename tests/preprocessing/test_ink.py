"""Ink of pictures: thick strokes, shadows, the table around the paper, noise."""

import cv2
import numpy as np
import pytest

from inkwise.preprocessing.ink import find_ink


def ink_of(grey):
    found = find_ink(grey)
    return found.mask(found.dark) > 0


@pytest.mark.parametrize("width", [1, 8, 40, 120])
def test_strokes_of_any_width_are_ink(width):
    paper = np.full((600, 600), 240, np.uint8)
    cv2.line(paper, (300, 100), (300, 500), 20, width)
    stroke = paper < 100
    ink = ink_of(paper)
    assert ink[stroke].mean() > 0.9
    assert ink[~cv2.dilate(stroke.astype(np.uint8), np.ones((5, 5))).astype(bool)].mean() < 0.001


@pytest.mark.parametrize("shade", [0.8, 0.5])
def test_edge_of_shadow_is_no_ink(shade):
    paper = np.full((300, 300), 230, np.uint8)
    cv2.line(paper, (60, 150), (240, 150), 40, 12)
    stroke = paper < 100
    paper[:, :150] = paper[:, :150] * shade
    ink = ink_of(paper)
    assert ink[stroke].mean() > 0.9
    assert ink[~cv2.dilate(stroke.astype(np.uint8), np.ones((5, 5))).astype(bool)].mean() < 0.01


@pytest.mark.parametrize("shape", [(28, 28), (160, 120), (400, 400)])
@pytest.mark.parametrize("seed", range(4))
def test_noise_and_slope_of_a_dark_blank_picture_are_no_ink(shape, seed):
    rng = np.random.default_rng(seed)
    light = 250 * (1 - 0.2 * np.linspace(0, 1, shape[1]))
    dark = 255 - np.clip(light + rng.normal(0, 3, shape), 0, 255).astype(np.uint8)
    assert ink_of(dark).mean() < 0.003


def test_table_around_the_paper_is_no_ink():
    table = np.full((500, 700), 30, np.uint8)
    table[60:440, 80:620] = 235
    assert ink_of(table).mean() < 0.02


@pytest.mark.parametrize("noise", [2, 8, 15])
def test_noise_is_no_ink(noise):
    paper = np.random.default_rng(0).normal(200, noise, (300, 400)).clip(0, 255).astype(np.uint8)
    assert ink_of(paper).mean() < 0.002


@pytest.mark.parametrize("side", [300, 1200])
def test_faint_ink_of_a_drawing_is_found_but_not_beside_dark_ink(side):
    paper = np.full((side, side), 255, np.uint8)
    faint = cv2.line(paper.copy(), (side // 4, side // 4), (side // 4, side // 2), 243, side // 50)
    both = cv2.line(faint.copy(), (side // 2, side // 4), (side * 3 // 4, side // 2), 20, side // 50)
    place = np.s_[side // 3, side // 4]
    alone, beside = find_ink(faint), find_ink(both)
    assert alone.mask(alone.dark)[place]
    assert not beside.mask(beside.dark)[place]
