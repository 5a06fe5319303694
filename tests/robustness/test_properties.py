"""Decoders with generated input of roughly the right structure."""

import json
import struct

import numpy as np
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.robustness.fuzz_targets import constraint, idx, pattern, run_target, strokes, template
from inkwise.datasets.idx import idx_bytes, read_idx
from inkwise.recognition.constraints import Constraint

QUICK = settings(max_examples=40, deadline=None, database=None, derandomize=True)

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
numbers = st.integers(-(10**9), 10**9) | st.floats() | plain
points = st.lists(st.tuples(numbers, numbers) | plain, max_size=6)


@QUICK
@given(st.lists(points, max_size=5) | plain, st.text(max_size=70) | plain)
def test_strokes_of_any_json(drawn, writer):
    run_target(strokes, json.dumps({"writer": writer, "strokes": drawn}).encode())


finite = st.floats(-1e6, 1e6)


@QUICK
@given(st.lists(st.lists(st.tuples(finite, finite), min_size=1, max_size=8), min_size=1, max_size=4))
def test_valid_strokes_are_read(drawn):
    strokes(json.dumps({"writer": "anna", "strokes": drawn}).encode())


keys = st.sampled_from(["length", "range", "pattern", "check", "vocabulary"]) | st.text(max_size=8)
bounds = st.lists(st.integers(0, 10**12) | plain, min_size=1, max_size=3)
TOKENS = (
    r"\d",
    r"\.",
    "7",
    "[0-3]",
    "[^5]",
    "(",
    "(?:",
    ")",
    "|",
    "*",
    "+",
    "?",
    "{2}",
    "{,3}",
    "^",
    "$",
    r"\1",
)
patterns = st.lists(st.sampled_from(TOKENS), max_size=9)
words = st.lists(st.integers(0, 10**12) | st.text("0123456789.-", max_size=8) | plain, max_size=5)
known = st.one_of(
    plain, bounds, patterns.map("".join), words, st.sampled_from(["luhn", "mod11", "mod97", "ean"])
)


@QUICK
@given(st.dictionaries(keys, known, max_size=3))
def test_constraint_of_any_json(values):
    run_target(constraint, json.dumps(values).encode())


@QUICK
@given(patterns.map("".join) | st.text(max_size=12))
def test_pattern_of_any_text(text):
    run_target(pattern, text.encode("utf-8", "surrogatepass"))


@QUICK
@given(st.integers(0, 10**15), st.integers(0, 10**6))
def test_valid_range_is_accepted(least, more):
    assert Constraint(range=(least, least + more)).range == (least, least + more)


box = st.lists(st.floats(0, 200) | st.integers(0, 200) | plain, min_size=3, max_size=4)
field = st.fixed_dictionaries(
    {"name": st.text("abc -_1", max_size=8) | plain, "box": box | plain},
    optional={"kind": st.sampled_from(["number", "digit", "comb"]) | plain, "cells": plain, "length": bounds},
)
form = st.fixed_dictionaries(
    {"name": st.text(max_size=8) | plain, "fields": st.lists(field | plain, max_size=4) | plain},
    optional={
        "size": st.lists(st.integers(1, 200) | plain, max_size=3),
        "marks": st.lists(box, max_size=5) | plain,
        "reference": st.just("empty.png") | plain,
    },
)


@QUICK
@given(form)
def test_form_of_any_yaml(values):
    run_target(template, yaml.safe_dump(values, allow_unicode=True).encode("utf-8", "replace"))


@QUICK
@given(st.lists(st.integers(0, 2**32 - 1), max_size=4), st.binary(max_size=40), st.integers(0, 255))
def test_idx_header_of_any_shape(shape, content, kind):
    run_target(idx, bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + content)


@QUICK
@given(st.lists(st.integers(0, 5), min_size=1, max_size=4))
def test_idx_round_trip(tmp_path_factory, shape):
    path = tmp_path_factory.mktemp("idx") / "array"
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    path.write_bytes(idx_bytes(array))
    np.testing.assert_array_equal(read_idx(path, len(shape)), array)
