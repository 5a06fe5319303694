import contextlib
import importlib
import io
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.utils.estimator_checks import parametrize_with_checks

from inkwise._util.errors import InkwiseError
from inkwise.recognition.model import model_source
from inkwise.sklearn import DigitClassifier, _glyphs
from inkwise.training import load_recipe
from inkwise.training.onnx_models import net_from_onnx

DOC = Path(__file__).parent.parent / "docs" / "sklearn.md"


# Some checks fit twice and compare bits, which only the CPU guarantees.
@parametrize_with_checks([DigitClassifier(epochs=6, device="cpu")])
def test_digit_classifier_passes_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.fixture
def few():
    """Twenty digits of load_digits, two per class: (20, 64) in 0 to 16, and their labels."""
    X, y = load_digits(return_X_y=True)
    _, X, _, y = train_test_split(X, y, test_size=20, stratify=y, random_state=0)
    return X, y


def test_fit_learns_digits():
    X, y = load_digits(return_X_y=True)
    names = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])[y]
    X_train, X_test, y_train, y_test = train_test_split(X, names, random_state=0)

    classifier = DigitClassifier(epochs=3, random_state=0).fit(X_train, y_train)

    assert 0.9 <= classifier.score(X_test, y_test) < 1
    assert len(classifier.history_) == 3


@pytest.mark.parametrize(("fitted", "given"), [(1, 255), (255, 1), (16, 1)])
def test_predict_warns_of_another_scale(few, fitted, given):
    X, y = few
    classifier = DigitClassifier("tiny", epochs=1, random_state=0).fit(X / 16 * fitted, y)
    with pytest.warns(UserWarning, match=f"values 0 to {given}, but fit saw 0 to {fitted}; scale both alike"):
        classifier.predict(X / 16 * given)


@pytest.mark.parametrize(("fitted", "given"), [(255, 128), (1, 0.5), (1, 1.5), (255, 0)])
def test_predict_does_not_warn_of_the_same_scale(few, fitted, given):
    X, y = few
    DigitClassifier("tiny", epochs=1, random_state=0).fit(X / 16 * fitted, y).predict(X / 16 * given)


def test_example_of_docs():
    (code,) = re.findall(r"```python\n(.*?)```", DOC.read_text(), re.DOTALL)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code, {})

    assert float(printed.getvalue()) == pytest.approx(0.99, abs=0.02)


def test_parameters_are_documented():
    assert not [name for name in DigitClassifier().get_params() if f"| `{name}` |" not in DOC.read_text()]


@pytest.mark.parametrize(
    ("features", "largest", "expected"),
    [
        (784, 200, (0, 255)),  # bytes without white
        (784, 1, (0, 1)),  # fractions of white
        (784, 300, (0, 300)),
        (64, 16, (0, 16)),
    ],
)
def test_fit_sets_range(features, largest, expected):
    X = np.zeros((4, features))
    X[:, ::3] = largest

    assert DigitClassifier(epochs=1).fit(X, [0, 0, 1, 1]).range_ == expected


def test_glyphs_keeps_bytes_and_scales_fractions():
    X = np.random.default_rng(0).integers(0, 256, (8, 784), dtype=np.uint8)

    np.testing.assert_array_equal(_glyphs(X, (0, 255)), X.reshape(8, 28, 28))
    np.testing.assert_array_equal(_glyphs(X / 255, (0, 1)), X.reshape(8, 28, 28))


def test_glyphs_fills_smallest_square_by_row():
    (glyph,) = _glyphs(np.array([[1.0, 2, 3, 4, 5]]), (1, 5)).numpy()

    centres = glyph[4::10, 4::10]
    assert centres.tolist() == [[0, 64, 128], [191, 255, 0], [0, 0, 0]]


def test_glyphs_resizes_by_area():
    fine = np.zeros((1, 56, 56))
    fine[:, ::2, ::2] = 100

    assert (_glyphs(fine.reshape(1, -1), (0, 255)).numpy() == 25).all()


def test_glyphs_clips_values():
    assert _glyphs(np.array([[-9.0], [2.0], [9.0]]), (1, 3))[:, 0, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize("value", [0, 7])
def test_constant_features(value):
    probabilities = DigitClassifier(epochs=1).fit(np.full((4, 9), value), [0, 0, 1, 1]).predict_proba
    assert np.isfinite(probabilities(np.array([[value] * 9, [99] * 9]))).all()


def test_fit_accepts_class_with_one_sample(few):
    X, _ = few
    one_of_two = DigitClassifier(epochs=1).fit(X, [0] * 19 + [1])
    all_of_five = DigitClassifier(epochs=1).fit(X[:5], list("abcde"))

    assert one_of_two.predict(X).shape == all_of_five.predict(X).shape == (20,)
    assert all_of_five.classes_.tolist() == list("abcde")


def test_fit_rejects_one_class(few):
    with pytest.raises(InkwiseError, match=r"one class only \(seven\)"):
        DigitClassifier().fit(few[0], ["seven"] * 20)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"recipe": "defalt"}, "no recipe 'defalt'; did you mean default"),
        (
            {"recipe": load_recipe("default").set(model={"net": "compat"})},
            "no net 'compat'; did you mean compact",
        ),
        ({"device": "tpu"}, "no device 'tpu'"),
        ({"epochs": 0}, r"optimization\.epochs must be in \[1, inf\), not 0"),
    ],
)
def test_fit_rejects_parameter(few, wrong, message):
    with pytest.raises(InkwiseError, match=message):
        DigitClassifier(**wrong).fit(*few)


def test_fit_uses_custom_recipe(few):
    own = load_recipe("default").set(model={"channels": (4, 4, 8)}, optimization={"epochs": 2}, seed=5)

    classifier = DigitClassifier(own).fit(*few)

    assert classifier.recipe_ == own.set(optimization={"batch": 8}, seed=classifier.recipe_.seed)
    assert [row["epoch"] for row in classifier.history_] == [1, 2]
    assert classifier.net_.head.in_features == 8 * 16


def test_fit_is_deterministic_and_keeps_torch_state(few):
    X, y = few
    torch.manual_seed(3)
    before = torch.get_rng_state()

    first, again, other = (
        DigitClassifier(epochs=1, random_state=seed, device="cpu").fit(X, y).predict_proba(X)
        for seed in (1, 1, 2)
    )

    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert torch.equal(torch.get_rng_state(), before)


def test_fit_shows_progress_if_verbose(few, capsys):
    DigitClassifier(epochs=1).fit(*few)
    assert capsys.readouterr() == ("", "")

    DigitClassifier(epochs=1, verbose=True).fit(*few)
    assert "epoch   1/1" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["torch", "sklearn.base"])
def test_import_without_extra_says_what_to_install(missing, monkeypatch):
    monkeypatch.delitem(sys.modules, "inkwise.sklearn")
    monkeypatch.setitem(sys.modules, missing, None)

    with pytest.raises(InkwiseError, match=rf'needs {missing}: pip install .*"inkwise\[train\]"'):
        importlib.import_module("inkwise.sklearn")


def test_fit_starts_from_model_of_recipe(few):
    chosen = load_recipe("default").set(model={"init": "default"}, optimization={"layer_decay": 0.0})
    model = DigitClassifier(chosen, epochs=1, random_state=0, device="cpu").fit(*few)
    bundled, _ = net_from_onnx(model_source("default"))
    for ours, theirs in zip(model.net_.features.parameters(), bundled.features.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs.double(), atol=0, rtol=0)
    assert model.recipe_.model.channels == (16, 32, 48, 64, 64)


def test_not_a_digit_is_an_ordinary_label(few):
    X, y = few
    labels = np.where(y < 8, y.astype(str), "not a digit")

    classifier = DigitClassifier(epochs=1).fit(X, labels)

    assert classifier.classes_[-1] == "not a digit"
    np.testing.assert_allclose(classifier.predict_proba(X).sum(1), 1)
