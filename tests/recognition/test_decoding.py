from itertools import groupby, product

import numpy as np
import pytest

from inkwise.recognition.ctc.automata import any_text, digit_count, explore, vocabulary
from inkwise.recognition.ctc.beam_search import BeamSearchDecoder


def test_a_text_is_the_sum_of_its_alignments():
    # Two frames, one symbol: "" is 00, "1" is 01, 10 and 11; "11" would need a blank between.
    lattice = np.log(np.array([[0.6, 0.4], [0.7, 0.3]], np.float32))
    text, likeliest, support = BeamSearchDecoder(explore(any_text("1"), "1", 10)).best(lattice)
    assert text == (1,)
    assert likeliest == pytest.approx(0.6 * 0.3 + 0.4 * 0.7 + 0.4 * 0.3)
    assert support == pytest.approx(1)
    assert BeamSearchDecoder(explore(digit_count("1", (2,)), "1", 10)).best(lattice) == (None, 0.0, 0.0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("sharp", [0.5, 3.0, 15.0])
def test_sums_and_the_best_text_of_a_list_are_those_of_all_alignments(seed, sharp):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, sharp, (6, 4))
    lattice = (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)
    probabilities = {}
    for path in product(range(4), repeat=6):
        text = tuple(column for column, _ in groupby(path) if column)
        chance = np.exp(sum(float(lattice[i, column]) for i, column in enumerate(path)))
        probabilities[text] = probabilities.get(text, 0.0) + chance
    texts = sorted(probabilities)
    chosen = [texts[i] for i in rng.choice(len(texts), 40, replace=False)]
    words = ["".join("012"[column - 1] for column in text) for text in chosen]
    text, likeliest, support = BeamSearchDecoder(explore(vocabulary(words, "012"), "012", 1000)).best(lattice)
    assert text == max(chosen, key=probabilities.__getitem__)
    assert likeliest == pytest.approx(probabilities[text], rel=1e-9)
    assert support == pytest.approx(sum(map(probabilities.__getitem__, chosen)), rel=1e-9)


def test_what_is_very_unlikely_is_still_told_apart():
    lattice = np.full((30, 11), -40, np.float32)
    lattice[:, 0] = 0  # an empty line
    lattice[20, 3] = -35
    decoder = BeamSearchDecoder(explore(digit_count("0123456789", (12,)), "0123456789", 100))
    text, likeliest, support = decoder.best(lattice)
    assert len(text) == 12
    assert 3 in text
    assert 0 < likeliest < support < np.exp(-400)


def test_an_impossible_symbol_is_never_read():
    with np.errstate(divide="ignore"):
        lattice = np.log(np.array([[0.5, 0.5, 0], [0.5, 0.5, 0]], np.float32))
    assert BeamSearchDecoder(explore(vocabulary(["1", "0"], "01"), "01", 10)).best(lattice)[0] == (1,)
    assert BeamSearchDecoder(explore(vocabulary(["1"], "01"), "01", 10)).best(lattice) == (None, 0.0, 0.0)


def test_no_frames_hold_only_the_empty_text():
    lattice = np.empty((0, 3), np.float32)
    assert BeamSearchDecoder(explore(any_text("01"), "01", 10)).best(lattice) == ((), 1.0, 1.0)
    assert BeamSearchDecoder(explore(digit_count("01", (1,)), "01", 10)).best(lattice) == (None, 0.0, 0.0)


@pytest.mark.parametrize(
    ("columns", "accepted"), [((1, 2), True), ((2,), True), ((1,), False), ((2, 1), False), ((), False)]
)
def test_a_text_of_the_graph_is_accepted(columns, accepted):
    assert BeamSearchDecoder(explore(vocabulary(["01", "1"], "01"), "01", 10)).accepts(columns) is accepted
