"""Slashes of dates and scores stay; others are read as ones where the ink allows it."""

import pytest

from inkwise.recognition.ctc.decoding import DecodedText
from inkwise.recognition.slashes import is_usual, resolve_slashes


@pytest.mark.parametrize("text", ["12", "3/4", "31/12/26", "1/1/2026", "2026/11/30", "17/20", "85/100"])
def test_date_score_and_number_are_usual(text):
    assert is_usual(text)


@pytest.mark.parametrize("text", ["904/15", "813/07", "33/71", "0/053", "99/20", "1/2/3/4", "/12"])
def test_other_text_with_slash_is_unusual(text):
    assert not is_usual(text)


def test_unusual_slash_is_one_if_the_ink_allows_it():
    read = resolve_slashes(DecodedText("904/15", 0.8, 1.0), {"904115": 0.15}.__getitem__)
    assert read.text == "904115"
    assert 0.8 < read.probability < 0.95


def test_unusual_slash_stays_if_the_ink_allows_no_one():
    read = resolve_slashes(DecodedText("904/15", 0.9, 1.0), {"904115": 0.001}.__getitem__)
    assert read.text == "904/15"
    assert read.probability < 0.9


def test_one_of_several_slashes_is_read_as_one():
    ink = {"12/8126": 0.2, "1218/26": 0.02, "1218126": 0.05}
    assert resolve_slashes(DecodedText("12/8/26", 0.6, 1.0), ink.__getitem__).text == "12/8/26"
    read = resolve_slashes(DecodedText("52/8/26", 0.6, 1.0), lambda text: 0.3 if text == "5218126" else 0.01)
    assert read.text == "5218126"


def test_text_without_slash_is_kept():
    found = DecodedText("12.50", 0.7, 1.0)
    assert resolve_slashes(found, dict[str, float]().__getitem__) is found
