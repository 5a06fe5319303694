"""Recognition of glyphs, numbers and pages: models, their confidence, and the facade `Recognizer`."""

from inkwise.recognition.constraints import Constraint
from inkwise.recognition.model import Model
from inkwise.recognition.reading import Digit, IgnoredRegion, Number, Reading
from inkwise.recognition.recognizer import Expect, Recognizer, read

__all__ = [
    "Constraint",
    "Digit",
    "Expect",
    "IgnoredRegion",
    "Model",
    "Number",
    "Reading",
    "Recognizer",
    "read",
]
