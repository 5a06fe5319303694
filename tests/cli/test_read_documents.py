"""`inkwise read --format`: documents of text recognition on standard output and in a folder."""

from xml.etree import ElementTree as ET

import pytest
from PIL import Image


@pytest.fixture
def scans(tmp_path, seven, number):
    Image.fromarray(seven).save(tmp_path / "a.png")
    Image.fromarray(number).save(tmp_path / "b.png")
    return tmp_path


def test_read_prints_the_document_of_one_page(inkwise, scans):
    status, out, err = inkwise("read", "--format", "alto", scans / "b.png")
    assert (status, err) == (0, "")
    words = [each.get("CONTENT") for each in ET.fromstring(out).iter() if each.tag.endswith("}String")]
    assert words == ["714"]
    status, out, _ = inkwise("read", "--format", "hocr", scans / "a.png")
    assert (status, out[:15]) == (0, "<!DOCTYPE html>")
    assert ">7</span>" in out


def test_read_writes_a_document_per_page(inkwise, scans):
    folder = scans / "documents"
    status, out, _ = inkwise("read", "--format", "hocr", scans, "--out", folder, "--jobs", "2")
    assert (status, out) == (0, "")
    assert sorted(path.name for path in folder.iterdir()) == ["a.png.hocr", "b.png.hocr"]


def test_read_alternatives_become_variants(inkwise, scans):
    for count in (1, 4):
        _, out, _ = inkwise("read", "--format", "alto", "--alternatives", count, scans / "a.png")
        assert out.count("<Variant ") == count - 1


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--format", "pdf"], "--format 'pdf': expected alto or hocr"),
        (["--format", "alto", "--json"], "--json, --csv and --format: choose one"),
        (["--format", "alto", "--on", "ray"], "--format and --on: choose one"),
        (
            ["--format", "alto"],
            "--format prints the document of one page; for more, name a folder with --out",
        ),
        (["--format", "alto", "--out", "a.png"], "a.png: is not a folder, and none can be created here"),
    ],
)
def test_read_reports_bad_use_of_formats(inkwise, scans, monkeypatch, arguments, error):
    monkeypatch.chdir(scans)
    status, _, err = inkwise("read", *arguments, "a.png", "b.png")
    assert (status, err) == (1, f"inkwise: {error}\n")
