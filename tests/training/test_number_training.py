"""Fine-tuning on composed numbers."""

import numpy as np
import pytest
import torch

from inkwise.training import number_training
from inkwise.training.number_training import Trainer, batches, best_path, text_loss, train
from inkwise.training.svtr_lcnet import SvtrLcnet
from inkwise.training.synthesis.number_texts import NUMBER_CHARACTERS

CLASSES = len(NUMBER_CHARACTERS) + 1


class Blocks(torch.utils.data.Dataset):
    """Two batches of noise per block."""

    def __len__(self):
        return 100

    def __getitem__(self, block):
        rng = np.random.default_rng(block)
        return batches([(rng.integers(0, 256, (48, width), np.uint8), "1.5") for width in (32, 48)])


def lattice(path):
    """Logits (1, frames, classes) of a path of characters, a blank for each _."""
    classes = [0 if character == "_" else NUMBER_CHARACTERS.index(character) + 1 for character in path]
    return 20 * torch.nn.functional.one_hot(torch.tensor([classes]), CLASSES).float()


@pytest.fixture
def no_phase(monkeypatch):
    monkeypatch.setattr(number_training, "_NECK_STEPS", 2)


def trainer(folder):
    torch.manual_seed(0)
    return Trainer(SvtrLcnet(CLASSES), folder, 1e-3, 3)


def test_best_path_merges_repeats_between_blanks():
    assert best_path(lattice("_11_1..5^50_")) == ["11.5^50"]


def test_the_text_of_a_lattice_costs_nothing_and_another_much():
    same, other = (float(text_loss(lattice("_1_.5_"), [text])) for text in ("1.5", "15"))
    assert same < 0.01
    assert other > 10


def test_batches_hold_lines_of_one_width():
    rng = np.random.default_rng(0)
    lines = [(np.zeros((48, width), np.uint8), str(width)) for width in (32, 640, 32, 48, 640)]
    found = batches(lines, rng)
    assert sorted(text for _, texts in found for text in texts) == sorted(text for _, text in lines)
    assert all({*texts} == {str(pictures.shape[3])} for pictures, texts in found)


def test_a_killed_training_goes_on_from_its_checkpoint(tmp_path, no_phase):
    train(first := trainer(tmp_path), Blocks(), 3)
    again = trainer(tmp_path)
    assert (again.step, again.block, again.batch) == (3, 1, 1)
    for name, value in first.net.state_dict().items():
        torch.testing.assert_close(again.net.state_dict()[name], value)
        torch.testing.assert_close(again.average[name], first.average[name])


def test_stem_and_first_blocks_stay_and_neck_comes_first(tmp_path, no_phase):
    before = {name: value.clone() for name, value in trainer(tmp_path).net.state_dict().items()}

    def changed(steps):
        own = trainer(tmp_path)
        train(own, Blocks(), steps)
        after = own.net.state_dict()
        return {name.rsplit(".", 2)[0] for name in before if not torch.equal(before[name], after[name])}

    assert not any(name.startswith(("stem", "blocks")) for name in changed(2))
    later = changed(4)
    assert not any(name.startswith(("stem", "blocks.0", "blocks.1.", "blocks.2")) for name in later)
    assert "blocks.12" in {".".join(name.split(".")[:2]) for name in later}
