"""The exported files as text; test_page opens them in a browser."""

import re
from base64 import b64encode
from hashlib import sha256

import numpy as np
import pytest
from onnx import helper

from inkwise._util.errors import ModelError
from inkwise.page_export import MAX_FILE_BYTES, bundle, export_pad, export_page


@pytest.mark.parametrize("model", ["tiny", "default", "letters"])
def test_bundled_models_fit_into_one_file(model):
    assert 100_000 < len(export_page(model)) <= MAX_FILE_BYTES


def test_page_holds_everything_and_permits_no_request():
    page = export_page("tiny").decode()
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert "url(" not in page
    assert "@import" not in page
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    allowed = b64encode(sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; script-src 'sha256-{allowed}';" in page


def test_modules_are_joined_without_imports_and_exports():
    script = export_pad("tiny").decode()
    assert not re.findall(r"^(?:import|export) ", script, re.MULTILINE)
    order = re.findall(r'^modules\["([\w.-]+)"\] = ', script, re.MULTILINE)
    uses = re.findall(r'modules\["([\w.-]+)"\](?! =)', script)
    assert order[0] == "model.js"
    assert order[-1] == "pad.js"
    assert {*uses} <= {*order}


def test_metadata_cannot_end_the_script(monkeypatch):
    monkeypatch.setattr(bundle, "NO_INK", "</script><script>alert(1)")
    assert "</script><script>alert" not in export_page("tiny").decode()


def test_model_that_is_too_large_is_named(write_model):
    wide = np.random.default_rng(0).normal(size=(784, 300)).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["rows", "wide"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "narrow"], ["logits"]),
    ]
    path = write_model(*nodes, wide=wide, narrow=np.ones((300, 2), np.float32))
    with pytest.raises(ModelError, match=r"bars\.onnx: is too large for a page, which would have 1\.3 MB"):
        export_page(path)
