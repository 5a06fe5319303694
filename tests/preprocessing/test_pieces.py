"""Pieces of ink on one line are one, unless the wall of a cell parts them."""

import numpy as np
import pytest

from inkwise.preprocessing.components import join_neighbours

DIGITS = np.array([[0, 0, 30, 40], [50, 0, 30, 40]])
CELL = [40, -100, 2, 400]
COMB = [[-10, -5, 2, 50], [40, -5, 2, 50], [90, -5, 2, 50]]
ELSEWHERE = [90, 200, 2, 60]  # a short wall lower on the page


@pytest.mark.parametrize(
    ("walls", "groups"), [([], 1), ([CELL], 2), (COMB, 1), ([CELL, ELSEWHERE], 2)], ids=str
)
def test_walls_of_cells_part_numbers_and_those_of_combs_do_not(walls, groups):
    walls = np.array(walls, np.int32).reshape(-1, 4)
    assert len(np.unique(join_neighbours(DIGITS, np.arange(2), np.zeros(2, int), walls, gap=1.0))) == groups
