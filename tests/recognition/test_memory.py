import numpy as np
import pytest

from inkwise import InkwiseError, Recognizer
from inkwise._util.text import NOT_A_DIGIT
from inkwise.preprocessing import strokes_to_glyph
from inkwise.recognition.adaptation import Adaptation
from inkwise.recognition.reference_digits import reference_strokes

LABELS = ("0", "1", "2")
EAST, NORTH, UP = np.eye(3, dtype=np.float32)


def near(direction, n, seed=0):
    """n embeddings about a direction."""
    return direction + np.random.default_rng(seed).normal(0, 0.1, (n, 3)).astype(np.float32)


def sure_of(column, n):
    return np.tile(np.where(np.arange(3) == column, 0.96, 0.02).astype(np.float32), (n, 1))


class FakeModel:
    """Reads every plain digit as 0, and none of them lies near a direction."""

    labels = LABELS
    rejects = False

    def run(self, glyphs):
        return sure_of(0, len(glyphs)), np.tile(-EAST - NORTH - UP, (len(glyphs), 1))


def taught(*samples):
    """A memory of (label, column that the model is sure of, direction, how many)."""
    return Adaptation(
        FakeModel(),
        np.concatenate([[label] * n for label, _, _, n in samples]),
        np.concatenate([sure_of(column, n) for _, column, _, n in samples]),
        np.concatenate([near(direction, n) for _, _, direction, n in samples]),
    )


def answers(memory, column, direction, n=20):
    probabilities = memory.adjust(sure_of(column, n), near(direction, n, seed=1))
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
    return {memory.labels[i] for i in probabilities.argmax(1)}


def test_what_lies_near_a_corrected_sample_is_corrected_and_the_rest_stays():
    memory = taught(("1", 2, EAST, 3), ("2", 2, NORTH, 3), ("0", 0, UP, 3))
    assert answers(memory, 2, EAST) == {"1"}
    assert answers(memory, 2, NORTH) == {"2"}
    assert answers(memory, 0, UP) == {"0"}


def test_what_the_model_knows_changes_little():
    memory = taught(("0", 0, EAST, 5), ("1", 1, NORTH, 5))
    corrected = memory.adjust(sure_of(0, 1), near(EAST, 1, seed=1))
    np.testing.assert_allclose(corrected, sure_of(0, 1), atol=0.05)


def test_a_label_of_ones_own_is_read_after_five_examples():
    memory = taught(("A", 2, EAST, 5), ("2", 2, NORTH, 2))
    assert memory.labels == ("0", "1", "2", "A")
    assert answers(memory, 2, EAST) == {"A"}
    assert answers(memory, 2, NORTH) == {"2"}


def test_samples_that_contradict_one_another_have_less_of_a_say():
    guessing = np.full((60, 3), 1 / 3, np.float32)
    labels = np.array(LABELS * 20)  # one shape, called anything equally often: nothing can be learnt
    assert Adaptation(FakeModel(), labels, guessing, near(EAST, 60)).weight < 1
    assert taught(("1", 2, EAST, 30), ("2", 2, NORTH, 30)).weight == 1


def test_an_embedding_of_zeros_is_no_trouble():
    memory = Adaptation(FakeModel(), np.array(["1"]), sure_of(2, 1), np.zeros((1, 3), np.float32))
    assert np.isfinite(memory.adjust(sure_of(2, 2), np.zeros((2, 3), np.float32))).all()


A = [[(0, 100), (40, 0), (80, 100)], [(15, 60), (65, 60)]]
SEVEN = [[(0, 0), (55, 0), (25, 75)]]


def big(digit):
    return [np.array(stroke, float) * 4 for stroke in reference_strokes()[digit]]


def drawn(strokes, n, seed):
    rng = np.random.default_rng(seed)
    return [[np.array(s, float) + rng.normal(0, 3, (len(s), 2)) for s in strokes] for _ in range(n)]


def test_a_letter_drawn_five_times_is_read_from_then_on():
    recognizer = Recognizer()
    samples = drawn(A, 5, 0) + drawn(SEVEN, 2, 0)
    glyphs = np.stack([strokes_to_glyph(strokes) for strokes in samples])
    knows = recognizer.adapt(glyphs, np.array(["A"] * 5 + ["7"] * 2))
    assert knows.labels == (*recognizer.labels, "A")
    assert recognizer.labels == tuple("0123456789"), "the other one stays as it was"
    for strokes in drawn(A, 5, 1):
        assert knows.read_strokes(strokes, single=True).digits[0].label == "A"
    for strokes in drawn(SEVEN, 5, 1):
        assert knows.read_strokes(strokes, single=True).digits[0].label == "7"
    assert knows.classify(glyphs).shape == (7, 11)


def test_glyphs_and_labels_must_fit():
    with pytest.raises(InkwiseError, match="2 glyphs and 1 labels"):
        Recognizer().adapt(np.zeros((2, 28, 28), np.uint8), np.array(["7"]))


def test_one_label_taught_alone_does_not_spread_over_the_others():
    recognizer = Recognizer()
    glyphs = np.stack([strokes_to_glyph(strokes) for strokes in drawn(A, 40, 0)])
    knows = recognizer.adapt(glyphs, np.array(["A"] * 40))
    for digit in range(10):
        for strokes in drawn(big(digit), 5, digit):
            before, after = (each.read_strokes(strokes, single=True) for each in (recognizer, knows))
            assert after.digits[0].label == before.digits[0].label


class Rejecting(FakeModel):
    """Knows what is no digit: gives it a probability of 0.02 for plain digits."""

    rejects = True

    def run(self, glyphs):
        probabilities, embeddings = super().run(glyphs)
        return 0.98 * probabilities, embeddings


def no_digit(n):
    """What a model says that is 97 % sure that it is no digit."""
    return np.full((n, 3), 0.01, np.float32)


def test_what_is_no_digit_stays_none_and_what_was_taught_becomes_one():
    labels = np.array(["1", "1", "1", "0", "0"])
    probabilities = np.concatenate([no_digit(3), 0.98 * sure_of(0, 2)])
    embeddings = np.concatenate([near(EAST, 3), near(UP, 2)])
    memory = Adaptation(Rejecting(), labels, probabilities, embeddings)

    assert memory.labels == LABELS
    corrected = memory.adjust(no_digit(20), near(EAST, 20, seed=1))
    assert corrected.shape == (20, 3)
    assert (corrected[:, 1] > 0.5).all()
    assert (corrected.sum(1) <= 1).all()
    far = memory.adjust(no_digit(20), near(NORTH, 20, seed=1))
    assert (far.sum(1) < 0.05).all()


def test_that_it_is_no_digit_can_be_taught():
    labels = np.array([NOT_A_DIGIT] * 3 + ["0", "0"])
    probabilities = 0.98 * np.concatenate([sure_of(2, 3), sure_of(0, 2)])
    memory = Adaptation(Rejecting(), labels, probabilities, np.concatenate([near(EAST, 3), near(UP, 2)]))

    assert memory.labels == LABELS, "it has no column"
    assert (memory.adjust(0.98 * sure_of(2, 20), near(EAST, 20, seed=1)).sum(1) < 0.5).all()
    assert (memory.adjust(0.98 * sure_of(0, 20), near(UP, 20, seed=1)).sum(1) > 0.9).all()
    assert taught((NOT_A_DIGIT, 2, EAST, 5)).labels == (*LABELS, NOT_A_DIGIT), "a model that does not reject"


def test_a_new_label_and_no_digit_have_columns_of_their_own():
    memory = Adaptation(
        Rejecting(),
        np.array(["A"] * 5 + ["0"]),
        np.concatenate([no_digit(5), sure_of(0, 1)]),
        np.concatenate([near(EAST, 5), near(UP, 1)]),
    )
    corrected = memory.adjust(no_digit(20), near(EAST, 20, seed=1))
    assert corrected.shape == (20, 4)
    assert (corrected[:, 3] > 0.5).all()
    memory._duals[:] = 0  # the memory has no say: the model's own, with a column for the label
    np.testing.assert_array_equal(memory.adjust(no_digit(2), near(EAST, 2)), np.c_[no_digit(2), [0, 0]])
