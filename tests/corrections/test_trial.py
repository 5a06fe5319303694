from datetime import UTC, datetime, timedelta

import pytest

from inkwise import InkwiseError
from inkwise.corrections.accuracy import TEST_SOURCE, accuracy_test

DIGITS = tuple("0123456789")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def draw(store, glyph, asked, read, source=TEST_SOURCE, writer="anna"):
    store.add(glyph, writer=writer, source=source, label=asked, answer=read)


def test_accuracy_test_asks_for_each_digit_once_in_ten(store, glyph):
    series = []
    for _ in range(2):
        asked = []
        for _ in range(10):
            asked.append(accuracy_test(store, "anna", LONG_AGO, 0.1, DIGITS).ask)
            assert accuracy_test(store, "anna", LONG_AGO, 0.1, DIGITS).ask == asked[-1], (
                "asking again changes nothing"
            )
            draw(store, glyph, asked[-1], asked[-1])
        assert sorted(asked) == list(DIGITS)
        series.append(asked)
    assert series[0] != series[1]


def test_accuracy_test_is_done_when_the_interval_is_narrow(store, glyph):
    assert not accuracy_test(store, "anna", LONG_AGO, 0.5, DIGITS).done
    for right in (True, True, True, False) + (True,) * 6:
        draw(store, glyph, "7", "7" if right else "1")
    stand = accuracy_test(store, "anna", LONG_AGO, 0.4, DIGITS)
    assert (stand.accuracy.right, stand.accuracy.n) == (9, 10)
    low, high = stand.accuracy.interval  # 0.596 to 0.982
    assert stand.done
    assert not accuracy_test(store, "anna", LONG_AGO, high - low - 1e-9, DIGITS).done


def test_accuracy_test_counts_the_writers_answers_since_the_start(store, glyph):
    draw(store, glyph, "7", "7")
    draw(store, glyph, "7", "7", source="canvas")
    draw(store, glyph, "7", "7", writer="ben")
    assert accuracy_test(store, "anna", LONG_AGO, 0.1, DIGITS).accuracy.n == 1
    later = datetime.now(UTC) + timedelta(seconds=1)
    assert accuracy_test(store, "anna", later, 0.1, DIGITS).accuracy.n == 0


@pytest.mark.parametrize("width", [0, 1, -1, float("nan")])
def test_accuracy_test_rejects_an_invalid_width(store, width):
    with pytest.raises(InkwiseError, match="width of the interval"):
        accuracy_test(store, "anna", LONG_AGO, width, DIGITS)


def test_accuracy_test_rejects_a_time_without_a_zone(store):
    with pytest.raises(InkwiseError, match="time zone"):
        accuracy_test(store, "anna", datetime(2020, 1, 1), 0.1, DIGITS)
