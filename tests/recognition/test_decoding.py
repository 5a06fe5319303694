"""CTC likelihoods, alignments and beam search against brute force over all paths of small lattices."""

from itertools import groupby, product

import numpy as np
import pytest

from inkwise.recognition.ctc.automata import any_text, digit_count, explore, vocabulary
from inkwise.recognition.ctc.decoding import (
    BeamSearchDecoder,
    symbol_posteriors,
    text_likelihoods,
    viterbi_alignment,
)

FRAMES, SYMBOLS = 5, 2
ONE, TWO = 1, 2


@pytest.fixture(params=range(3))
def lattice(request):
    logits = np.random.default_rng(request.param).normal(0, 2, (FRAMES, 1 + SYMBOLS))
    return (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)


def every_path(lattice):
    """Yield the text, the probability and the columns of each path through the lattice."""
    for path in product(range(lattice.shape[1]), repeat=len(lattice)):
        text = tuple(column for column, _ in groupby(path) if column)
        yield (
            text,
            float(np.exp(sum(float(lattice[place, column]) for place, column in enumerate(path)))),
            path,
        )


def summed(lattice):
    sums = {}
    for text, chance, _ in every_path(lattice):
        sums[text] = sums.get(text, 0.0) + chance
    return sums


def test_text_likelihood_sums_all_alignments(lattice):
    sums = summed(lattice)
    for length in range(FRAMES + 1):
        texts = list(product((ONE, TWO), repeat=length))
        found = text_likelihoods(lattice, np.array(texts, np.int64).reshape(len(texts), length))
        np.testing.assert_allclose(found, [sums.get(text, 0.0) for text in texts], rtol=1e-5)


def test_viterbi_alignment_is_most_likely_path(lattice):
    for text in [(ONE,), (TWO, ONE), (ONE, ONE), (ONE, TWO, ONE), (TWO, TWO, ONE)]:
        best = max((chance, path) for said, chance, path in every_path(lattice) if said == text)[1]
        runs, place = [], 0
        for column, run in groupby(best):
            length = len(list(run))
            if column:
                runs.append((place, place + length - 1))
            place += length
        assert viterbi_alignment(lattice, np.array(text)) == runs


def test_viterbi_alignment_of_symbol_in_all_frames():
    sure = np.log(np.array([[0.01, 0.98, 0.01]] * 4, np.float32))
    assert viterbi_alignment(sure, np.array([ONE])) == [(0, 3)]


def test_symbol_posteriors_are_conditional_on_other_symbols(lattice):
    sums = summed(lattice)
    for text in [(ONE,), (TWO, ONE), (ONE, ONE, TWO)]:
        found = symbol_posteriors(lattice, np.array(text))
        for place, row in enumerate(found):
            before, after = text[:place], text[place + 1 :]
            swapped = [sums.get((*before, symbol, *after), 0.0) for symbol in (ONE, TWO)]
            whole = sum(swapped) + sums.get((*before, *after), 0.0)
            np.testing.assert_allclose(row, np.array(swapped) / whole, rtol=1e-5)


def test_symbol_posteriors_leave_probability_for_no_symbol():
    # One frame: 60 % blank, 30 % the first symbol, 10 % the second.
    frame = np.log(np.array([[0.6, 0.3, 0.1]], np.float32))
    np.testing.assert_allclose(symbol_posteriors(frame, np.array([ONE])), [[0.3, 0.1]], rtol=1e-5)


def test_symbol_posteriors_of_underflowing_text_are_finite():
    hopeless = np.full((40, 3), -80, np.float32)
    hopeless[:, 0] = 0
    found = symbol_posteriors(hopeless, np.array([ONE, TWO] * 6))
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert (found.sum(1) <= 1).all()


def test_best_sums_alignments_of_text():
    # Two frames, one symbol: "" is 00, "1" is 01, 10 and 11; "11" would need a blank between.
    lattice = np.log(np.array([[0.6, 0.4], [0.7, 0.3]], np.float32))
    text, likelihood, support = BeamSearchDecoder(explore(any_text("1"), "1", 10)).best(lattice)
    assert text == (1,)
    assert likelihood == pytest.approx(0.6 * 0.3 + 0.4 * 0.7 + 0.4 * 0.3)
    assert support == pytest.approx(1)
    assert BeamSearchDecoder(explore(digit_count("1", (2,)), "1", 10)).best(lattice) == (None, 0.0, 0.0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("sharp", [0.5, 3.0, 15.0])
def test_best_of_vocabulary_agrees_with_brute_force(seed, sharp):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, sharp, (6, 4))
    lattice = (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)
    probabilities = summed(lattice)
    texts = sorted(probabilities)
    chosen = [texts[i] for i in rng.choice(len(texts), 40, replace=False)]
    words = ["".join("012"[column - 1] for column in text) for text in chosen]
    text, likelihood, support = BeamSearchDecoder(explore(vocabulary(words, "012"), "012", 1000)).best(
        lattice
    )
    assert text == max(chosen, key=probabilities.__getitem__)
    assert likelihood == pytest.approx(probabilities[text], rel=1e-9)
    assert support == pytest.approx(sum(map(probabilities.__getitem__, chosen)), rel=1e-9)


def test_best_compares_very_unlikely_texts():
    lattice = np.full((30, 11), -40, np.float32)
    lattice[:, 0] = 0  # an empty line
    lattice[20, 3] = -35
    decoder = BeamSearchDecoder(explore(digit_count("0123456789", (12,)), "0123456789", 100))
    text, likelihood, support = decoder.best(lattice)
    assert len(text) == 12
    assert 3 in text
    assert 0 < likelihood < support < np.exp(-400)


def test_best_never_returns_impossible_symbol():
    with np.errstate(divide="ignore"):
        lattice = np.log(np.array([[0.5, 0.5, 0], [0.5, 0.5, 0]], np.float32))
    assert BeamSearchDecoder(explore(vocabulary(["1", "0"], "01"), "01", 10)).best(lattice)[0] == (1,)
    assert BeamSearchDecoder(explore(vocabulary(["1"], "01"), "01", 10)).best(lattice) == (None, 0.0, 0.0)


def test_best_of_no_frames_is_empty_text():
    lattice = np.empty((0, 3), np.float32)
    assert BeamSearchDecoder(explore(any_text("01"), "01", 10)).best(lattice) == ((), 1.0, 1.0)
    assert BeamSearchDecoder(explore(digit_count("01", (1,)), "01", 10)).best(lattice) == (None, 0.0, 0.0)


@pytest.mark.parametrize(
    ("columns", "accepted"), [((1, 2), True), ((2,), True), ((1,), False), ((2, 1), False), ((), False)]
)
def test_accepts_texts_of_graph(columns, accepted):
    assert BeamSearchDecoder(explore(vocabulary(["01", "1"], "01"), "01", 10)).accepts(columns) is accepted
