import numpy as np

from inkwise.corrections import LabelledAnswer, Learner
from inkwise.preprocessing import strokes_to_glyph

SEVEN = [[(0, 0), (55, 0), (25, 75)]]
GLYPH = strokes_to_glyph(SEVEN)


def test_plain_digits_are_known_without_samples(url):
    learner = Learner(url)
    near = learner.known_glyphs("anna").most_similar(GLYPH, 20)
    assert sorted(each.label for each in near) == list("0123456789")
    assert (near[0].label, near[0].own) == ("7", False)
    similarities = [each.similarity for each in near]
    assert similarities == sorted(similarities, reverse=True)
    assert 0.5 < similarities[0] <= 1
    learner.close()


def test_own_samples_are_known_after_the_next_reading(url):
    learner = Learner(url)
    learner.known_glyphs("anna")
    (kept,) = learner.keep("anna", "canvas", [LabelledAnswer("1", SEVEN)])
    near = learner.known_glyphs("anna").most_similar(GLYPH, 3)
    assert (near[0].label, near[0].own, len(near)) == ("1", True, 3)
    assert abs(near[0].similarity - 1) < 1e-5
    np.testing.assert_array_equal(near[0].glyph, kept.glyph)
    assert not any(each.own for each in learner.known_glyphs("otto").most_similar(GLYPH, 20))
    learner.close()
