"""Inkwise reads handwritten digits, says how sure it is, and says nothing where there is no digit."""

from inkwise._util.errors import DataError, ImageError, InkwiseError, ModelError, StoreError
from inkwise.recognition import Constraint, Digit, IgnoredRegion, Number, Reading, Recognizer, read

__version__ = "0.1.0"

__all__ = [
    "Constraint",
    "DataError",
    "Digit",
    "IgnoredRegion",
    "ImageError",
    "InkwiseError",
    "ModelError",
    "Number",
    "Reading",
    "Recognizer",
    "StoreError",
    "__version__",
    "read",
]
