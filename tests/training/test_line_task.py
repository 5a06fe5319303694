"""The line reader: composition, training, calibration, export."""

import io
from itertools import pairwise

import numpy as np
import onnx
import pytest
import torch
from recipe_keys import with_keys
from rich.console import Console
from safetensors.torch import load_file

from inkwise._util.errors import InkwiseError
from inkwise._util.text import DIGITS
from inkwise.recognition.ctc.decoding import text_likelihoods
from inkwise.recognition.model import LINE_MARGIN, LineModel
from inkwise.recognition.number_reader import NumberReader
from inkwise.training import resumed_recipe, train
from inkwise.training.callbacks import OneCycle
from inkwise.training.line_task import (
    LineLoop,
    LineSamples,
    LineTask,
    accuracy_threshold,
    ctc_loss,
    fit_line_temperature,
    generalized_cross_entropy,
    greedy_decode,
    line_logits,
)
from inkwise.training.models import LineNet, pad_batch
from inkwise.training.synthesis.digit_pool import build_digit_pools
from inkwise.training.synthesis.line_synthesis import compose_line


@pytest.fixture(scope="module")
def finished(lines_recipe, tmp_path_factory):
    """The folder of a whole run, and what it printed."""
    folder, printed = tmp_path_factory.mktemp("lines-run"), io.StringIO()
    path = train(lines_recipe, folder, device="cpu", console=Console(file=printed, width=100))
    assert path == folder / "model.onnx"
    return folder, printed.getvalue()


@pytest.fixture(scope="module")
def model(finished):
    return LineModel(finished[0] / "model.onnx", threads=1)


def test_run_folder_is_complete_and_described(finished):
    folder, printed = finished
    names = {path.name for path in folder.iterdir()}
    assert names == {"recipe.json", "history.csv", "weights.safetensors", "model.onnx", "checkpoint.pt"}
    assert "48 training and 1 validation lines" in printed
    assert "recipe=lines" in printed


def test_line_model_is_one_valid_file_with_metadata(finished, model, lines_recipe):
    onnx.checker.check_model(onnx.load(finished[0] / "model.onnx"), full_check=True)
    assert model.name.startswith("lines (")
    assert model.metadata["recipe"]["data"]["synthetic_lines"] == 48
    assert model.metadata["data"] == list(lines_recipe.data.train)
    assert 0 <= model.threshold <= 1
    assert 0.2 <= model.metadata["temperature"] <= 5
    assert model.metadata["metrics"]["validation"]["n"] == 1
    assert {"versions", "commit", "trained", "seconds"} <= {*model.metadata}


@pytest.mark.parametrize("width", [32, 57, 400])
def test_exported_lattice_matches_torch(finished, model, lines_recipe, width):
    net = LineNet(lines_recipe.model.channels, 1 + len(DIGITS), 0.0)
    net.load_state_dict(load_file(finished[0] / "weights.safetensors"))
    rng = np.random.default_rng(0)
    strip = np.where(rng.random((32, width)) < 0.2, 255, 0).astype(np.uint8)
    wide = pad_batch([torch.from_numpy(strip)], LINE_MARGIN)
    left = (wide.shape[3] - width) // 2 - LINE_MARGIN  # of the paper that four columns each want
    with torch.no_grad():
        logits = net.eval()(torch.roll(wide, -left, 3).float() / 255)
    expected = (logits / model.metadata["temperature"]).log_softmax(2)[0].numpy()
    assert expected.std(0).max() > 1e-3, "else the comparison would mean little"
    # The metadata hold the temperature to four digits.
    np.testing.assert_allclose(model.run(strip), expected, rtol=2e-4, atol=1e-4)


def test_exported_model_reads_line_images(model, lines_recipe):
    strip, _ = compose_line(build_digit_pools(lines_recipe)[0], np.random.default_rng(0))
    read = NumberReader(None, model).read_line(strip)
    assert set(read.text) <= set(DIGITS)
    assert 0 < read.probability <= 1


def test_finished_run_resumes_without_training(finished, lines_recipe):
    folder, _ = finished
    assert resumed_recipe(folder) == lines_recipe
    before = (folder / "history.csv").read_text()
    train(resumed_recipe(folder), folder, device="cpu", console=Console(file=io.StringIO()))
    assert (folder / "history.csv").read_text() == before, "it was finished"


def test_composed_lines_depend_on_the_seed_only(lines_recipe):
    one, two = (
        LineTask(lines_recipe.set(data={"synthetic_lines": 4}), torch.device("cpu")).loop([])
        for _ in range(2)
    )
    assert one.training.texts == two.training.texts
    assert all(map(torch.equal, one.training.images, two.training.images))
    assert len(one.validation) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"train": ("none",), "init": "default"},
            "starts anew: leave out",
        ),
        (
            {"train": ("none",), "teachers": ("default",)},
            "starts anew: leave out",
        ),
        ({"train": ("none",), "net": "compact"}, r"data\.synthetic_lines needs model\.net line, not compact"),
        ({"train": ("none",), "channels": (8, 8, 8)}, "net line takes five channels"),
    ],
)
def test_invalid_recipes_are_rejected_before_composition(lines_recipe, tmp_path, changes, reason):
    with pytest.raises(InkwiseError, match=reason):
        train(with_keys(lines_recipe, **changes), tmp_path, device="cpu", console=Console(file=io.StringIO()))


def test_classifier_rejects_the_line_network(lines_recipe, tmp_path):
    with pytest.raises(InkwiseError, match="no net 'line'"):
        train(
            lines_recipe.set(data={"synthetic_lines": 0}),
            tmp_path,
            device="cpu",
            console=Console(file=io.StringIO()),
        )


def test_fit_line_temperature_finds_a_known_temperature():
    rng = np.random.default_rng(0)
    logits = torch.tensor(rng.normal(0, 2, (400, 1, 11)), dtype=torch.float32)
    drawn = torch.distributions.Categorical(logits=logits[:, 0]).sample().tolist()
    texts = ["" if column == 0 else str(column - 1) for column in drawn]
    for sharpened in (1.0, 3.0):
        assert fit_line_temperature([(logits * sharpened, texts)]) == pytest.approx(sharpened, rel=0.25)


def test_accuracy_threshold_keeps_99_percent_right():
    sure = np.linspace(1, 0, 1000, endpoint=False)
    right = np.ones(1000, bool)
    right[[100, 300, *range(500, 1000)]] = False
    passed = sure >= accuracy_threshold(sure, right)
    assert right[passed].mean() >= 0.99
    assert passed.sum() >= 500
    assert accuracy_threshold(sure, np.zeros(1000, bool)) == 1
    assert accuracy_threshold(np.array([0.98765]), np.array([True])) == 0.9876


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
        ("rotate", "scale", "aspect", "shear", "shift", "elastic", "stroke_width_jitter", "dropout"), 0.0
    )

    def make(*callbacks, **changes):
        recipe = with_keys(lines_recipe, **still | changes)
        torch.manual_seed(recipe.seed)
        net = LineNet(recipe.model.channels, 11, recipe.model.dropout)
        return LineLoop(net, recipe, made(256, 0), made(40, 1), list(callbacks))

    return make


def test_line_loop_learns(make):
    loop = make(OneCycle(0.3), channels=(8, 8, 16, 16, 32), epochs=8, batch=8, lr=2e-2)
    net = loop.fit()
    assert loop.history[-1]["validation_accuracy"] >= 0.9
    assert loop.history[-1]["validation_loss"] < 0.3 < loop.history[0]["validation_loss"]
    unseen = made(20, 2)
    for logits, texts in line_logits(net, unseen):
        assert np.mean([*map(str.__eq__, greedy_decode(logits), texts)]) >= 0.9


def test_line_loop_is_deterministic(make):
    one, two = (make(epochs=1).fit().state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_batches_group_similar_widths_and_cover_each_line_once(make):
    loop = make(batch=32)
    batches = list(loop._batches())
    assert sorted(torch.cat(batches).tolist()) == list(range(256))
    widths = torch.tensor([strip.shape[1] for strip in loop.training.images]).float()
    spread = np.mean([widths[batch].std() for batch in batches])
    assert spread < 0.5 * widths.std()
    again = list(loop._batches())
    assert [batch.tolist() for batch in again] != [batch.tolist() for batch in batches], "drawn anew"
    assert any(a > b for a, b in pairwise(widths[batch].mean() for batch in batches)), "not by size"


def test_ctc_loss_sums_all_alignments():
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
def test_ctc_loss_of_an_empty_text_is_that_of_blanks(texts):
    logits = torch.randn(2, 9, 11, generator=torch.Generator().manual_seed(0))
    blanks = -logits[:1].log_softmax(2)[0, :, 0].sum()
    (others,) = ctc_loss(logits[1:], texts[1:])
    assert ctc_loss(logits, texts).tolist() == pytest.approx([float(blanks), float(others)], rel=1e-5)


def test_ctc_loss_ignores_a_text_that_does_not_fit():
    assert float(ctc_loss(torch.zeros(1, 3, 11), ["1111"])) == 0


def test_greedy_decode_merges_repeats_and_removes_blanks():
    rows = [[0, 2, 2, 0, 2, 3, 0], [0, 0, 0, 0, 0, 0, 0], [10, 10, 1, 1, 10, 0, 10]]
    logits = torch.nn.functional.one_hot(torch.tensor(rows), 11).float()
    assert greedy_decode(logits) == ["112", "", "9099"]


def test_line_logits_cover_every_line_with_its_text(make):
    loop = make()
    found = [*line_logits(loop.net, loop.validation, batch=7)]
    assert sorted(text for _, texts in found for text in texts) == sorted(loop.validation.texts)
    widths = sorted(image.shape[1] for image in loop.validation.images)
    frames = [logits.shape[1] for logits, texts in found for _ in texts]
    assert all(many >= (width + 16) // 2 for many, width in zip(frames, widths, strict=True))


def test_generalized_cross_entropy_limits_illegible_lines():
    losses = torch.tensor([0.01, 1.0, 20.0], requires_grad=True)
    generalized_cross_entropy(losses).sum().backward()
    readable, doubtful, hopeless = losses.grad.tolist()
    assert readable > 0.99
    assert 0.5 < doubtful < 0.9
    assert hopeless < 0.01
