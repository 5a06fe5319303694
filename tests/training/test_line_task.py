"""The recipe `lines` from end to end: strips composed, a net trained, calibrated and exported."""

import io

import numpy as np
import onnx
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

from inkwise._util.errors import InkwiseError
from inkwise._util.text import DIGITS
from inkwise.recognition.model import LINE_MARGIN, LineModel
from inkwise.recognition.number_reader import NumberReader
from inkwise.training import line_task, resumed_recipe, train
from inkwise.training.line_task import LineTask, accuracy_threshold, fit_line_temperature
from inkwise.training.models.line_model import LineNet, pad_batch
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


def test_a_run_leaves_a_whole_folder_and_says_what_it_does(finished):
    folder, printed = finished
    names = {path.name for path in folder.iterdir()}
    assert names == {"recipe.json", "history.csv", "weights.safetensors", "model.onnx", "checkpoint.pt"}
    assert "48 strips to train on, 1 to choose by" in printed
    assert "recipe=lines" in printed


def test_the_model_is_one_sound_file_that_carries_all_that_reading_needs(finished, model, lines_recipe):
    onnx.checker.check_model(onnx.load(finished[0] / "model.onnx"), full_check=True)
    assert model.name.startswith("lines (")
    assert model.metadata["recipe"]["strips"] == 48
    assert model.metadata["data"] == list(lines_recipe.data)
    assert 0 <= model.threshold <= 1
    assert 0.2 <= model.metadata["temperature"] <= 5
    assert model.metadata["metrics"]["validation"]["n"] == 1
    assert {"versions", "commit", "trained", "seconds"} <= {*model.metadata}


@pytest.mark.parametrize("width", [32, 57, 400])
def test_the_same_lattice_from_onnx_and_from_torch(finished, model, lines_recipe, width):
    net = LineNet(lines_recipe.channels, 1 + len(DIGITS), 0.0)
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


def test_what_was_exported_reads_strips(model, lines_recipe):
    strip, _ = compose_line(build_digit_pools(lines_recipe)[0], np.random.default_rng(0))
    read = NumberReader(None, model).read_line(strip)
    assert set(read.text) <= set(DIGITS)
    assert 0 < read.probability <= 1


def test_a_run_can_be_gone_on_with(finished, lines_recipe, monkeypatch):
    monkeypatch.setattr(line_task, "export_line_model", lambda *_: None)
    folder, _ = finished
    assert resumed_recipe(folder) == lines_recipe
    before = (folder / "history.csv").read_text()
    train(resumed_recipe(folder), folder, device="cpu", console=Console(file=io.StringIO()))
    assert (folder / "history.csv").read_text() == before, "it was finished"


def test_the_same_seed_composes_the_same_strips(lines_recipe):
    one, two = (LineTask(lines_recipe.set(strips=4), torch.device("cpu")).loop([]) for _ in range(2))
    assert one.training.texts == two.training.texts
    assert all(map(torch.equal, one.training.strips, two.training.strips))
    assert len(one.validation) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"data": ("none",), "init": "default"}, "starts anew: leave out init and teachers"),
        ({"data": ("none",), "teachers": ("default",)}, "starts anew: leave out init and teachers"),
        ({"data": ("none",), "net": "compact"}, "strips are read by net line, not compact"),
        ({"data": ("none",), "channels": (8, 8, 8)}, "net line takes five channels"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_composed(lines_recipe, tmp_path, changes, reason):
    with pytest.raises(InkwiseError, match=reason):
        train(lines_recipe.set(**changes), tmp_path, device="cpu", console=Console(file=io.StringIO()))


def test_single_glyphs_are_not_learnt_by_the_net_of_lines(lines_recipe, tmp_path):
    with pytest.raises(InkwiseError, match="no net 'line'"):
        train(lines_recipe.set(strips=0), tmp_path, device="cpu", console=Console(file=io.StringIO()))


def test_the_temperature_makes_logits_as_sure_as_they_may_be():
    rng = np.random.default_rng(0)
    logits = torch.tensor(rng.normal(0, 2, (400, 1, 11)), dtype=torch.float32)
    drawn = torch.distributions.Categorical(logits=logits[:, 0]).sample().tolist()
    texts = ["" if column == 0 else str(column - 1) for column in drawn]
    for sharpened in (1.0, 3.0):
        assert fit_line_temperature([(logits * sharpened, texts)]) == pytest.approx(sharpened, rel=0.25)


def test_the_threshold_lets_99_percent_right_pass():
    sure = np.linspace(1, 0, 1000, endpoint=False)
    right = np.ones(1000, bool)
    right[[100, 300, *range(500, 1000)]] = False
    passed = sure >= accuracy_threshold(sure, right)
    assert right[passed].mean() >= 0.99
    assert passed.sum() >= 500
    assert accuracy_threshold(sure, np.zeros(1000, bool)) == 1
    assert accuracy_threshold(np.array([0.98765]), np.array([True])) == 0.9876
