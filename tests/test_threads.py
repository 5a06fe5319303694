"""Concurrent work keeps the settings of the process."""

import warnings

import cv2
import pytest

from inkwise.datasets import load_dataset
from inkwise.image import load_image
from inkwise.recognition.ctc.automata import DIGITS
from inkwise.recognition.ctc.regex import regex_automaton


def decoding(seven, folder):
    content = cv2.imencode(".png", seven)[1].tobytes()
    return (lambda: load_image(content)), 500


def parsing_a_pattern(seven, folder):
    return (lambda: regex_automaton("[[1&&2]", DIGITS)), 300


def reading_a_table(seven, folder):
    path = folder / "glyphs.csv"
    head = ",".join(["label", *(f"pixel{number}" for number in range(784))])
    path.write_text("\n".join([head, "7" + ",0" * 784, ""]))
    return (lambda: load_dataset(str(path))), 2000


@pytest.mark.parametrize("work", [decoding, parsing_a_pattern, reading_a_table])
def test_concurrent_work_keeps_the_warning_filters(work, together, seven, tmp_path):
    work, times = work(seven, tmp_path)
    before = list(warnings.filters)
    together(work, times)
    assert warnings.filters == before
