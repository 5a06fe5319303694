"""Sums and alignments against all there are, on small lattices."""

from itertools import groupby, product

import numpy as np
import pytest

from inkwise.recognition.ctc.alignment import symbol_posteriors, text_likelihoods, viterbi_alignment

FRAMES, SYMBOLS = 5, 2
ONE, TWO = 1, 2


@pytest.fixture(params=range(3))
def lattice(request):
    logits = np.random.default_rng(request.param).normal(0, 2, (FRAMES, 1 + SYMBOLS))
    return (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)


def every_path(lattice):
    """The text, the probability and the columns of each path through the lattice."""
    for path in product(range(lattice.shape[1]), repeat=len(lattice)):
        text = tuple(column for column, _ in groupby(path) if column)
        yield text, float(np.exp(sum(lattice[place, column] for place, column in enumerate(path)))), path


def summed(lattice):
    sums = {}
    for text, chance, _ in every_path(lattice):
        sums[text] = sums.get(text, 0.0) + chance
    return sums


def test_a_likelihood_is_the_sum_of_all_alignments(lattice):
    sums = summed(lattice)
    for length in range(FRAMES + 1):
        texts = list(product((ONE, TWO), repeat=length))
        found = text_likelihoods(lattice, np.array(texts, np.int64).reshape(len(texts), length))
        np.testing.assert_allclose(found, [sums.get(text, 0.0) for text in texts], rtol=1e-5)


def test_symbols_stand_where_the_likeliest_alignment_has_them(lattice):
    for text in [(ONE,), (TWO, ONE), (ONE, ONE), (ONE, TWO, ONE), (TWO, TWO, ONE)]:
        best = max((chance, path) for said, chance, path in every_path(lattice) if said == text)[1]
        runs, place = [], 0
        for column, run in groupby(best):
            length = len(list(run))
            if column:
                runs.append((place, place + length - 1))
            place += length
        assert viterbi_alignment(lattice, np.array(text)) == runs


def test_a_symbol_that_fills_all_frames():
    sure = np.log(np.array([[0.01, 0.98, 0.01]] * 4, np.float32))
    assert viterbi_alignment(sure, np.array([ONE])) == [(0, 3)]


def test_alternatives_are_what_else_may_stand_at_a_place(lattice):
    sums = summed(lattice)
    for text in [(ONE,), (TWO, ONE), (ONE, ONE, TWO)]:
        found = symbol_posteriors(lattice, np.array(text))
        for place, row in enumerate(found):
            before, after = text[:place], text[place + 1 :]
            swapped = [sums.get((*before, symbol, *after), 0.0) for symbol in (ONE, TWO)]
            whole = sum(swapped) + sums.get((*before, *after), 0.0)
            np.testing.assert_allclose(row, np.array(swapped) / whole, rtol=1e-5)


def test_what_is_lacking_to_one_is_that_nothing_stands_there():
    # One frame: 60 % blank, 30 % the first symbol, 10 % the second.
    frame = np.log(np.array([[0.6, 0.3, 0.1]], np.float32))
    np.testing.assert_allclose(symbol_posteriors(frame, np.array([ONE])), [[0.3, 0.1]], rtol=1e-5)


def test_a_text_too_unlikely_to_tell_has_no_probabilities_and_no_warnings():
    hopeless = np.full((40, 3), -80, np.float32)
    hopeless[:, 0] = 0
    found = symbol_posteriors(hopeless, np.array([ONE, TWO] * 6))
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert (found.sum(1) <= 1).all()
