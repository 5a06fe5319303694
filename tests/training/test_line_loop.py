"""Learning to read lines of which only the texts are known."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from inkwise.recognition.ctc.decoding import text_likelihoods
from inkwise.training.callbacks import OneCycle
from inkwise.training.line_loop import (
    LineLoop,
    LineSamples,
    ctc_loss,
    generalized_cross_entropy,
    greedy_decode,
    line_logits,
)
from inkwise.training.models.line_model import LineNet

# Where each digit of the made task has its ink: rows and width.
SHAPES = {"1": (slice(4, 28), 3), "2": (slice(4, 12), 12), "3": (slice(20, 28), 12)}


def made(count, seed):
    """Strips of one to three such digits, far enough apart to be told."""
    rng = np.random.default_rng(seed)
    strips, texts = [], []
    for _ in range(count):
        text = "".join(rng.choice([*SHAPES], rng.integers(1, 4)))
        strip, x = np.zeros((32, 8 + 22 * len(text)), np.uint8), 4
        for digit in text:
            rows, width = SHAPES[digit]
            strip[rows, x : x + width] = 255
            x += width + int(rng.integers(4, 10))
        strips.append(torch.from_numpy(strip))
        texts.append(text)
    return LineSamples(strips, texts)


@pytest.fixture
def make(lines_recipe):
    """make(*callbacks, **changes) is a loop over the made task, without augmentation."""
    still = dict.fromkeys(
        ("rotate", "scale", "aspect", "shear", "shift", "elastic", "stroke", "dropout"), 0.0
    )

    def make(*callbacks, **changes):
        recipe = lines_recipe.set(**still | changes)
        torch.manual_seed(recipe.seed)
        net = LineNet(recipe.channels, 11, recipe.dropout)
        return LineLoop(net, recipe, made(256, 0), made(40, 1), list(callbacks))

    return make


def test_it_learns(make):
    loop = make(OneCycle(0.3), channels=(8, 8, 16, 16, 32), epochs=8, batch=8, lr=2e-2)
    net = loop.fit()
    assert loop.history[-1]["validation_accuracy"] >= 0.9
    assert loop.history[-1]["validation_loss"] < 0.3 < loop.history[0]["validation_loss"]
    unseen = made(20, 2)
    for places, logits in line_logits(net, unseen.strips):
        right = [
            said == unseen.texts[place] for place, said in zip(places, greedy_decode(logits), strict=True)
        ]
        assert np.mean(right) >= 0.9


def test_the_same_seed_gives_the_same_net(make):
    one, two = (make(epochs=1).fit().state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_batches_hold_strips_of_like_widths_and_each_once(make):
    loop = make(batch=32)
    batches = list(loop._batches())
    assert sorted(torch.cat(batches).tolist()) == list(range(256))
    widths = torch.tensor([strip.shape[1] for strip in loop.training.strips]).float()
    spread = np.mean([widths[batch].std() for batch in batches])
    assert spread < 0.5 * widths.std()
    again = list(loop._batches())
    assert [batch.tolist() for batch in again] != [batch.tolist() for batch in batches], "drawn anew"
    assert any(a > b for a, b in pairwise(widths[batch].mean() for batch in batches)), "not by size"


def test_the_loss_is_that_of_all_alignments():
    rng = np.random.default_rng(0)
    logits = torch.tensor(rng.normal(0, 2, (2, 9, 11)), dtype=torch.float32)
    texts = ["370", "55"]
    lattices = logits.log_softmax(2).numpy()
    expected = [
        -np.log(text_likelihoods(lattice, np.array([[int(digit) + 1 for digit in text]]))[0])
        for lattice, text in zip(lattices, texts, strict=True)
    ]
    assert ctc_loss(logits, texts).tolist() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("texts", [["", ""], ["", "3"]], ids=["words alone", "a word and a number"])
def test_of_a_strip_without_digits_every_frame_is_to_tell_the_blank(texts):
    logits = torch.randn(2, 9, 11, generator=torch.Generator().manual_seed(0))
    blanks = -logits[:1].log_softmax(2)[0, :, 0].sum()
    (others,) = ctc_loss(logits[1:], texts[1:])
    assert ctc_loss(logits, texts).tolist() == pytest.approx([float(blanks), float(others)], rel=1e-5)


def test_a_text_that_does_not_fit_is_passed_over():
    assert float(ctc_loss(torch.zeros(1, 3, 11), ["1111"])) == 0


def test_greedily_repeats_merge_and_blanks_vanish():
    rows = [[0, 2, 2, 0, 2, 3, 0], [0, 0, 0, 0, 0, 0, 0], [10, 10, 1, 1, 10, 0, 10]]
    logits = torch.nn.functional.one_hot(torch.tensor(rows), 11).float()
    assert greedy_decode(logits) == ["112", "", "9099"]


def test_strips_come_back_with_their_numbers_whatever_their_order(make):
    loop = make()
    strips = loop.validation.strips
    found = dict(
        pair
        for places, logits in line_logits(loop.net, strips, batch=7)
        for pair in zip(places, logits, strict=True)
    )
    assert sorted(found) == list(range(40))
    assert all(len(found[place]) >= (strips[place].shape[1] + 16) // 2 for place in found)


def test_what_nobody_can_read_counts_for_little():
    losses = torch.tensor([0.01, 1.0, 20.0], requires_grad=True)
    generalized_cross_entropy(losses).sum().backward()
    readable, doubtful, hopeless = losses.grad.tolist()
    assert readable > 0.99
    assert 0.5 < doubtful < 0.9
    assert hopeless < 0.01
