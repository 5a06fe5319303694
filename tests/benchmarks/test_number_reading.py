"""`python -m benchmarks number-reading`: the row of a reader and a set."""

import pytest

from benchmarks.accuracy.number_reading import NumberSet, row


@pytest.mark.parametrize(
    ("texts", "right", "wrong_and_accepted"),
    [
        pytest.param(["1.50", "2,00"], "50.0%", "50.0%", id="with separators"),
        pytest.param(["150", "200"], "–", "0.0%", id="digits alone"),
    ],
)
def test_reader_of_digits_alone_is_judged_by_them(texts, right, wrong_and_accepted):
    answers = [(text, 0.9, True) for text in texts]
    _, _, digits, exact, _, accepted, *_ = row(NumberSet("amounts", [], ["1.50", "2.00"]), answers, 0.0)
    assert digits.startswith("100.0%")
    assert (exact[: len(right)], accepted) == (right, wrong_and_accepted)
