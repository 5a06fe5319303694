"""`inkwise export`."""

import pytest

from inkwise.page_export import export_pad, export_page


@pytest.mark.parametrize(("kind", "export"), [("page", export_page), ("pad", export_pad)])
def test_export_writes_one_file_with_the_smallest_model(inkwise, tmp_path, kind, export):
    file = tmp_path / "out"
    code, out, err = inkwise("export", kind, file)
    assert (code, err) == (0, "")
    assert out == f"wrote {file}: {len(file.read_bytes()) / 1000:.0f} kB, model tiny\n"
    assert file.read_bytes() == export("tiny")


def test_export_names_the_operator_that_a_page_lacks(inkwise_fails, tmp_path):
    message = inkwise_fails("export", "page", tmp_path / "digits.html", "--model", "int8")
    assert message.startswith("int8: a page cannot run the operator DequantizeLinear; it knows Add, ")
    assert not (tmp_path / "digits.html").exists()


def test_export_does_not_replace_its_model(inkwise_fails, tmp_path):
    model = tmp_path / "model.onnx"
    model.write_bytes(b"")
    message = inkwise_fails("export", "pad", model, "--model", model)
    assert message == f"{model}: is read, and would be replaced; name another file to write"


def test_export_without_its_extra_names_the_extra(inkwise_fails, without_module, tmp_path):
    without_module("onnx", "inkwise.page_export")
    message = inkwise_fails("export", "page", tmp_path / "digits.html")
    assert message == 'a page needs onnx: pip install "inkwise[page]"'
