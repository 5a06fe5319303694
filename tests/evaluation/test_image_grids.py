from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from shown import pixels, red

from inkwise.evaluation import Explanation, Neighbour, Prediction
from inkwise.evaluation.image_grids import explanations_plot, mistakes_plot, predictions_plot

INK = np.zeros((28, 28), np.uint8)
INK[4:24, 4:24] = 255


def blue(picture: NDArray[np.int16]) -> int:
    return int((picture[..., 2] - picture[..., 0] > 60).sum())


def explanation(influence: float, *labels: str) -> Explanation:
    """Explain a glyph read as 7, all of whose ink has the same influence, with neighbours of these labels."""
    near = tuple(Neighbour(i, INK, label, 0.9) for i, label in enumerate(labels))
    return Explanation(
        Prediction(0, INK, "1", "7", 0.9), "1", np.where(INK, influence, 0).astype(np.float32), near
    )


@pytest.mark.parametrize("plot", [mistakes_plot, predictions_plot])
def test_plots_have_rows_of_eight_up_to_forty_glyphs(plot: Callable[[list[Prediction]], bytes]) -> None:
    answers = [Prediction(i, INK, "$1$", "7", 0.9) for i in range(50)]
    one, two, full, more = (pixels(plot(answers[:count])) for count in (8, 9, 40, 50))

    assert one.shape[1] == two.shape[1] == full.shape[1]
    assert one.shape[0] < two.shape[0] < full.shape[0]
    np.testing.assert_array_equal(full, more)


def test_mistakes_plot_draws_dark_ink_on_white() -> None:
    dark, light = (
        (pixels(mistakes_plot([Prediction(0, glyph, "4", "9", 0.9)])).max(axis=-1) < 50).mean()
        for glyph in (INK, np.zeros_like(INK))
    )
    assert dark > 0.2 > 0.05 > light


def test_mistakes_plot_without_mistakes() -> None:
    assert (pixels(mistakes_plot([])) < 200).any()


def test_predictions_plot_marks_wrong_answers_red() -> None:
    right, wrong, unread = (Prediction(0, INK, "4", read, 0.9) for read in ("4", "9", ""))
    assert red(pixels(predictions_plot([right]))) == 0
    assert red(pixels(predictions_plot([right, wrong]))) > 10
    assert red(pixels(predictions_plot([unread]))) > 10


def test_explanations_plot_colors_ink_by_influence() -> None:
    supporting, opposing, neutral = (
        pixels(explanations_plot([explanation(value)])) for value in (1.0, -1.0, 0.0)
    )
    assert blue(supporting) > 10 * blue(opposing)
    assert red(opposing) > 10 * red(supporting)
    assert blue(neutral) < 0.1 * blue(supporting)
    assert red(neutral) < 0.1 * red(opposing)
    assert (np.ptp(neutral, axis=-1) < 20).mean() > 0.98


def test_explanations_plot_keeps_small_influence_pale() -> None:
    strong, weak = (pixels(explanations_plot([explanation(value)])) for value in (1.0, 0.02))
    assert blue(weak) < 0.1 * blue(strong)


def test_explanations_plot_marks_neighbours_with_other_label() -> None:
    same, other = (pixels(explanations_plot([explanation(0.0, *labels)])) for labels in ("77", "71"))
    assert red(other) > red(same)


def test_explanations_plot_places_narrow_explanations_side_by_side() -> None:
    short, long = explanation(1.0), explanation(1.0, *"77777777")
    low, high = (pixels(explanations_plot([each] * 4)) for each in (short, long))
    assert low.shape[0] < high.shape[0]
    assert pixels(explanations_plot([long] * 2)).shape[0] < high.shape[0]
