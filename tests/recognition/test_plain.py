from inkwise import Recognizer
from inkwise.recognition.reference_digits import reference_glyphs


def test_the_ten_digits_are_read_as_what_they_are():
    glyphs = reference_glyphs()
    assert glyphs.shape == (10, 28, 28)
    assert Recognizer().classify(glyphs).argmax(1).tolist() == list(range(10))
