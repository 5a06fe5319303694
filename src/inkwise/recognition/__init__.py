"""Glyphs become readings: the model, its confidence, and the facade `Recognizer`."""

from inkwise.recognition.model import Model
from inkwise.recognition.reading import Digit, Reading
from inkwise.recognition.recognizer import Recognizer, read

__all__ = ["Digit", "Model", "Reading", "Recognizer", "read"]
