"""Few-shot adaptation: corrections near samples, new labels and rejection."""

import numpy as np
import pytest

from inkwise import InkwiseError, Recognizer
from inkwise._util.text import NOT_A_DIGIT
from inkwise.preprocessing import strokes_to_glyph
from inkwise.recognition.adaptation import Adaptation, reference_glyphs, reference_strokes

LABELS = ("0", "1", "2")
EAST, NORTH, UP = np.eye(3, dtype=np.float32)


def near(direction, n, seed=0):
    """Return n embeddings close to a direction."""
    return direction + np.random.default_rng(seed).normal(0, 0.1, (n, 3)).astype(np.float32)


def sure_of(column, n):
    return np.tile(np.where(np.arange(3) == column, 0.96, 0.02).astype(np.float32), (n, 1))


class FakeModel:
    """Reads every reference digit as 0, with an embedding far from all directions."""

    labels = LABELS
    rejects = False

    def run(self, glyphs):
        return sure_of(0, len(glyphs)), np.tile(-EAST - NORTH - UP, (len(glyphs), 1))


def adapted(*samples):
    """Return an adaptation to samples (label, column that the model is sure of, direction, count)."""
    return Adaptation(
        FakeModel(),
        np.concatenate([[label] * n for label, _, _, n in samples]),
        np.concatenate([sure_of(column, n) for _, column, _, n in samples]),
        np.concatenate([near(direction, n) for _, _, direction, n in samples]),
    )


def answers(adaptation, column, direction, n=20):
    probabilities = adaptation.adjust(sure_of(column, n), near(direction, n, seed=1))
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
    return {adaptation.labels[i] for i in probabilities.argmax(1)}


def test_adaptation_corrects_only_inputs_near_samples():
    adaptation = adapted(("1", 2, EAST, 3), ("2", 2, NORTH, 3), ("0", 0, UP, 3))
    assert answers(adaptation, 2, EAST) == {"1"}
    assert answers(adaptation, 2, NORTH) == {"2"}
    assert answers(adaptation, 0, UP) == {"0"}


def test_adaptation_changes_correct_answers_little():
    adaptation = adapted(("0", 0, EAST, 5), ("1", 1, NORTH, 5))
    corrected = adaptation.adjust(sure_of(0, 1), near(EAST, 1, seed=1))
    np.testing.assert_allclose(corrected, sure_of(0, 1), atol=0.05)


def test_new_label_is_read_after_five_samples():
    adaptation = adapted(("A", 2, EAST, 5), ("2", 2, NORTH, 2))
    assert adaptation.labels == ("0", "1", "2", "A")
    assert answers(adaptation, 2, EAST) == {"A"}
    assert answers(adaptation, 2, NORTH) == {"2"}


def test_contradictory_samples_reduce_weight():
    guessing = np.full((60, 3), 1 / 3, np.float32)
    labels = np.array(LABELS * 20)  # one shape with all labels equally often: nothing can be learnt
    assert Adaptation(FakeModel(), labels, guessing, near(EAST, 60)).weight < 1
    assert adapted(("1", 2, EAST, 30), ("2", 2, NORTH, 30)).weight == 1


def test_zero_embedding_gives_finite_probabilities():
    adaptation = Adaptation(FakeModel(), np.array(["1"]), sure_of(2, 1), np.zeros((1, 3), np.float32))
    assert np.isfinite(adaptation.adjust(sure_of(2, 2), np.zeros((2, 3), np.float32))).all()


A = [[(0, 100), (40, 0), (80, 100)], [(15, 60), (65, 60)]]
SEVEN = [[(0, 0), (55, 0), (25, 75)]]


def big(digit):
    return [np.array(stroke, float) * 4 for stroke in reference_strokes()[digit]]


def drawn(strokes, n, seed):
    rng = np.random.default_rng(seed)
    return [[np.array(s, float) + rng.normal(0, 3, (len(s), 2)) for s in strokes] for _ in range(n)]


def test_letter_is_read_after_five_drawings():
    recognizer = Recognizer()
    samples = drawn(A, 5, 0) + drawn(SEVEN, 2, 0)
    glyphs = np.stack([strokes_to_glyph(strokes) for strokes in samples])
    adapted_recognizer = recognizer.adapt(glyphs, np.array(["A"] * 5 + ["7"] * 2))
    assert adapted_recognizer.labels == (*recognizer.labels, "A")
    assert recognizer.labels == tuple("0123456789"), "the original recognizer is unchanged"
    for strokes in drawn(A, 5, 1):
        assert adapted_recognizer.read_strokes(strokes, "digit").digits[0].label == "A"
    for strokes in drawn(SEVEN, 5, 1):
        assert adapted_recognizer.read_strokes(strokes, "digit").digits[0].label == "7"
    assert adapted_recognizer.classify(glyphs).shape == (7, 11)


@pytest.mark.parametrize(
    ("shape", "labels"), [((2, 28, 28), ["7"]), ((28, 28), ["7"]), ((1, 28, 28), "7"), ((0, 28, 28), [])]
)
def test_adapt_rejects_other_shapes_than_glyphs_with_a_label_each(shape, labels):
    with pytest.raises(InkwiseError, match=r"glyphs \(.*\) and labels \(.*\): \(n, 28, 28\) and \(n,\)"):
        Recognizer().adapt(np.zeros(shape, np.uint8), labels)


def test_adapt_takes_lists_of_labels():
    glyph = strokes_to_glyph(drawn(A, 1, 0)[0])
    assert Recognizer().adapt(glyph[None], ["A"]).labels[-1] == "A"


def test_single_taught_label_does_not_change_other_digits():
    recognizer = Recognizer()
    glyphs = np.stack([strokes_to_glyph(strokes) for strokes in drawn(A, 40, 0)])
    adapted_recognizer = recognizer.adapt(glyphs, np.array(["A"] * 40))
    for digit in range(10):
        for strokes in drawn(big(digit), 5, digit):
            before, after = (each.read_strokes(strokes, "digit") for each in (recognizer, adapted_recognizer))
            assert after.digits[0].label == before.digits[0].label


class RejectingModel(FakeModel):
    """A model with a rejection class: reference digits are non-digits with a probability of 0.02."""

    rejects = True

    def run(self, glyphs):
        probabilities, embeddings = super().run(glyphs)
        return 0.98 * probabilities, embeddings


def non_digit(n):
    """Return probabilities of a model that is 97 % sure of a non-digit."""
    return np.full((n, 3), 0.01, np.float32)


def test_non_digits_stay_rejected_unless_near_samples():
    labels = np.array(["1", "1", "1", "0", "0"])
    probabilities = np.concatenate([non_digit(3), 0.98 * sure_of(0, 2)])
    embeddings = np.concatenate([near(EAST, 3), near(UP, 2)])
    adaptation = Adaptation(RejectingModel(), labels, probabilities, embeddings)

    assert adaptation.labels == LABELS
    corrected = adaptation.adjust(non_digit(20), near(EAST, 20, seed=1))
    assert corrected.shape == (20, 3)
    assert (corrected[:, 1] > 0.5).all()
    assert (corrected.sum(1) <= 1).all()
    far = adaptation.adjust(non_digit(20), near(NORTH, 20, seed=1))
    assert (far.sum(1) < 0.05).all()


def test_rejection_can_be_taught():
    labels = np.array([NOT_A_DIGIT] * 3 + ["0", "0"])
    probabilities = 0.98 * np.concatenate([sure_of(2, 3), sure_of(0, 2)])
    adaptation = Adaptation(
        RejectingModel(), labels, probabilities, np.concatenate([near(EAST, 3), near(UP, 2)])
    )

    assert adaptation.labels == LABELS, "rejection has no column"
    assert (adaptation.adjust(0.98 * sure_of(2, 20), near(EAST, 20, seed=1)).sum(1) < 0.5).all()
    assert (adaptation.adjust(0.98 * sure_of(0, 20), near(UP, 20, seed=1)).sum(1) > 0.9).all()
    assert adapted((NOT_A_DIGIT, 2, EAST, 5)).labels == (*LABELS, NOT_A_DIGIT), (
        "without a rejection class it is a label"
    )


def test_new_label_and_rejection_have_separate_classes():
    adaptation = Adaptation(
        RejectingModel(),
        np.array(["A"] * 5 + ["0"]),
        np.concatenate([non_digit(5), sure_of(0, 1)]),
        np.concatenate([near(EAST, 5), near(UP, 1)]),
    )
    corrected = adaptation.adjust(non_digit(20), near(EAST, 20, seed=1))
    assert corrected.shape == (20, 4)
    assert (corrected[:, 3] > 0.5).all()
    adaptation._duals[:] = 0  # weight 0: probabilities of the model, with a column for the label
    np.testing.assert_array_equal(adaptation.adjust(non_digit(2), near(EAST, 2)), np.c_[non_digit(2), [0, 0]])


def test_reference_digits_are_read_correctly():
    glyphs = reference_glyphs()
    assert glyphs.shape == (10, 28, 28)
    assert Recognizer().classify(glyphs).argmax(1).tolist() == list(range(10))
