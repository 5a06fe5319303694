from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from shown import pixels, red

from inkwise.evaluation import Explanation, Neighbour, Prediction
from inkwise.evaluation import image_grids as walls

INK = np.zeros((28, 28), np.uint8)
INK[4:24, 4:24] = 255


def blue(picture: NDArray[np.int16]) -> int:
    return int((picture[..., 2] - picture[..., 0] > 60).sum())


def explanation(influence: float, *labels: str) -> Explanation:
    """A glyph, all of whose ink has the same influence, read as 7, with neighbours of these labels."""
    near = tuple(Neighbour(i, INK, label, 0.9) for i, label in enumerate(labels))
    return Explanation(
        Prediction(0, INK, "1", "7", 0.9), "1", np.where(INK, influence, 0).astype(np.float32), near
    )


@pytest.mark.parametrize("plot", [walls.mistakes_plot, walls.predictions_plot])
def test_a_wall_grows_by_rows_of_eight_up_to_forty(plot: Callable[[list[Prediction]], bytes]) -> None:
    answers = [Prediction(i, INK, "$1$", "7", 0.9) for i in range(50)]
    one, two, full, more = (pixels(plot(answers[:count])) for count in (8, 9, 40, 50))

    assert one.shape[1] == two.shape[1] == full.shape[1]
    assert one.shape[0] < two.shape[0] < full.shape[0]
    np.testing.assert_array_equal(full, more)


def test_glyphs_are_dark_ink_on_white() -> None:
    dark, light = (
        (pixels(walls.mistakes_plot([Prediction(0, glyph, "4", "9", 0.9)])).max(axis=-1) < 50).mean()
        for glyph in (INK, np.zeros_like(INK))
    )
    assert dark > 0.2 > 0.05 > light


def test_no_mistakes_still_make_a_picture() -> None:
    assert (pixels(walls.mistakes_plot([])) < 200).any()


def test_of_the_predictions_the_wrong_ones_are_red() -> None:
    right, wrong, unread = (Prediction(0, INK, "4", read, 0.9) for read in ("4", "9", ""))
    assert red(pixels(walls.predictions_plot([right]))) == 0
    assert red(pixels(walls.predictions_plot([right, wrong]))) > 10
    assert red(pixels(walls.predictions_plot([unread]))) > 10


def test_ink_is_blue_for_the_answer_and_red_against_it_and_grey_for_neither() -> None:
    speaks_for, against, neither = (
        pixels(walls.explanations_plot([explanation(value)])) for value in (1.0, -1.0, 0.0)
    )
    assert blue(speaks_for) > 10 * blue(against)
    assert red(against) > 10 * red(speaks_for)
    assert blue(neither) < 0.1 * blue(speaks_for)
    assert red(neither) < 0.1 * red(against)
    assert (np.ptp(neither, axis=-1) < 20).mean() > 0.98


def test_an_influence_that_is_next_to_nothing_stays_pale() -> None:
    strong, weak = (pixels(walls.explanations_plot([explanation(value)])) for value in (1.0, 0.02))
    assert blue(weak) < 0.1 * blue(strong)


def test_a_neighbour_with_another_label_is_marked() -> None:
    same, other = (pixels(walls.explanations_plot([explanation(0.0, *labels)])) for labels in ("77", "71"))
    assert red(other) > red(same)


def test_explanations_stand_abreast_while_there_is_room() -> None:
    short, long = explanation(1.0), explanation(1.0, *"77777777")
    low, high = (pixels(walls.explanations_plot([each] * 4)) for each in (short, long))
    assert low.shape[0] < high.shape[0]
    assert pixels(walls.explanations_plot([long] * 2)).shape[0] < high.shape[0]
