"""Pages as ALTO and hOCR: structure, places, confidences and ignored regions."""

from xml.etree import ElementTree as ET

import pytest

from inkwise import __version__
from inkwise._util.errors import DataError
from inkwise.batch.page_documents import DOCUMENT_FORMATS, PageDocuments, to_alto, to_hocr
from inkwise.batch.page_rows import PageRow

ALTO = "{http://www.loc.gov/standards/alto/ns-v4#}"
HTML = "{http://www.w3.org/1999/xhtml}"


def digit(label, x, probability=0.9, alternatives=()):
    return {
        "label": label,
        "probability": probability,
        "accepted": probability > 0.5,
        "alternatives": [[label, probability], *alternatives],
        "box": [x, 20, 10, 30],
    }


def number(text, line, *digits, polygon=None):
    left, right = digits[0]["box"][0], digits[-1]["box"][0] + 10
    corners = [[left, 20], [right, 20], [right, 50], [left, 50]]
    return {
        "text": text,
        "confidence": 0.25,
        "line": line,
        "box": [left, 20, right - left, 30],
        "polygon": polygon or corners,
        "digits": list(digits),
    }


TILTED = [[100.5, 20], [110, 22], [108, 50], [99, 48]]
ROW = {
    "file": 'my "scan" & <co>\x01.png',
    "page": 3,
    "confidence": 0.2,
    "model": "default",
    "width": 300,
    "height": 200,
    "numbers": [
        number("4?", 0, digit("4", 10), digit("9", 25, 0.4, [["4", 0.3], ["heart", 0.1]])),
        number("7", 0, digit("7", 100), polygon=TILTED),
        number("0", 1, digit("0", 10)),
    ],
    "ignored": [{"box": [5, 150, 40, 20], "reason": "print, not handwriting"}],
}
EMPTY = {**ROW, "numbers": [], "ignored": []}


def test_alto_has_a_line_per_line_and_a_string_per_number():
    root = ET.fromstring(to_alto(ROW))
    assert (root.tag, root.get("SCHEMAVERSION")) == (f"{ALTO}alto", "4.4")
    lines = root.findall(f".//{ALTO}TextLine")
    words = [[word.get("CONTENT") for word in line.findall(f"{ALTO}String")] for line in lines]
    assert words == [["4?", "7"], ["0"]]
    assert [child.tag.removeprefix(ALTO) for child in lines[0]] == ["String", "SP", "String"]
    assert [lines[0].get(key) for key in ("HPOS", "VPOS", "WIDTH", "HEIGHT")] == ["10", "20", "100", "30"]
    first, second, _ = root.findall(f".//{ALTO}String")
    assert first.get("WC") == "0.25"
    assert first.find(f"{ALTO}Shape") is None
    assert second.find(f"{ALTO}Shape/{ALTO}Polygon").get("POINTS") == "100.5,20 110,22 108,50 99,48"


def test_alto_has_a_glyph_per_digit_with_variants():
    root = ET.fromstring(to_alto(ROW))
    four, nine = root.findall(f".//{ALTO}String")[0].findall(f"{ALTO}Glyph")
    assert (four.get("CONTENT"), four.get("GC"), list(four)) == ("4", "0.9", [])
    assert (nine.get("CONTENT"), nine.get("HPOS"), nine.get("WIDTH")) == ("9", "25", "10")
    assert [variant.attrib for variant in nine] == [{"CONTENT": "4", "VC": "0.3"}], "variants are short"


def test_alto_has_every_attribute_and_reference_that_its_schema_requires():
    root = ET.fromstring(to_alto(ROW))
    page = root.find(f"{ALTO}Layout/{ALTO}Page")
    assert (page.get("ID"), page.get("PHYSICAL_IMG_NR"), page.get("PC")) == ("page", "3", "0.2")
    assert root.find(f"{ALTO}Description/{ALTO}MeasurementUnit").text == "pixel"
    assert root.find(f".//{ALTO}softwareVersion").text == __version__
    assert root.find(f".//{ALTO}fileName").text == 'my "scan" & <co>\N{REPLACEMENT CHARACTER}.png'
    ids = [element.get("ID") for element in root.iter() if element.get("ID")]
    assert len(ids) == len(set(ids))
    for name in ("TextBlock", "GraphicalElement", "OtherTag", "Processing"):
        assert all(element.get("ID") for element in root.iter(f"{ALTO}{name}"))
    references = [element.get(key) for element in root.iter() for key in ("TAGREFS", "PROCESSINGREFS")]
    assert {each for each in references if each} == {"reason0", "reading"}
    order = [child.tag.removeprefix(ALTO) for child in root]
    assert order == ["Description", "Tags", "Layout"]


@pytest.mark.parametrize("render", [to_alto, to_hocr])
def test_ignored_regions_keep_place_and_reason(render):
    text = render(ROW)
    assert "print, not handwriting" in text
    assert ('HPOS="5" VPOS="150" WIDTH="40" HEIGHT="20"' in text) or ("bbox 5 150 45 170" in text)


def test_hocr_text_of_a_line_is_its_numbers():
    root = ET.fromstring(to_hocr(ROW).removeprefix("<!DOCTYPE html>\n"))
    lines = root.findall(f".//{HTML}div[@class='ocr_line']")
    assert ["".join(line.itertext()) for line in lines] == ["4? 7 ", "0 "]
    page = root.find(f".//{HTML}div[@class='ocr_page']").get("title")
    assert page == "image \"my 'scan' & <co>\N{REPLACEMENT CHARACTER}.png\"; bbox 0 0 300 200; ppageno 2"
    words = [word.get("title") for word in root.iter(f"{HTML}span") if word.get("class") == "ocrx_word"]
    assert words[:2] == [
        "bbox 10 20 35 50; x_wconf 25",
        "bbox 100 20 110 50; x_wconf 25; poly 100.5 20 110 22 108 50 99 48",
    ]
    characters = [each for each in root.iter(f"{HTML}span") if each.get("class") == "ocrx_cinfo"]
    assert [(each.text, each.get("title")) for each in characters[:2]] == [
        ("4", "x_bboxes 10 20 20 50; x_confs 90"),
        ("?", "x_bboxes 25 20 35 50; x_confs 40"),
    ]


def test_hocr_names_its_system_and_capabilities():
    root = ET.fromstring(to_hocr(ROW).removeprefix("<!DOCTYPE html>\n"))
    named = {meta.get("name"): meta.get("content") for meta in root.iter(f"{HTML}meta")}
    assert named["ocr-system"] == f"inkwise {__version__}"
    classes = {each.get("class") for each in root.iter() if each.get("class")}
    assert classes == set(named["ocr-capabilities"].split())


@pytest.mark.parametrize("render", [to_alto, to_hocr])
def test_numbers_with_separators_or_long_labels_have_no_characters(render):
    row = {
        **ROW,
        "numbers": [number("4.9", 0, *ROW["numbers"][0]["digits"]), number("heart", 1, digit("heart", 9))],
    }
    text = render(row)
    assert "4.9" in text
    assert "Glyph" not in text
    assert '"ocrx_cinfo"' not in text


@pytest.mark.parametrize("render", [to_alto, to_hocr])
def test_page_without_numbers_has_no_lines(render):
    root = ET.fromstring(render(EMPTY).removeprefix("<!DOCTYPE html>\n"))
    assert not [*root.iter(f"{ALTO}TextLine"), *root.iter(f"{HTML}span")]


def test_documents_are_named_after_file_and_page(tmp_path):
    sink = PageDocuments(DOCUMENT_FORMATS["alto"], tmp_path / "new" / "folder")
    sink.count("scans/b.pdf", 2)
    for file, page in (("scans/a.png", 1), ("scans/b.pdf", 1), ("scans/b.pdf", 2), ("-", 1)):
        sink.add(PageRow({**ROW, "file": file, "page": page}, failed=False))
    sink.add(PageRow({"file": "bad.png", "page": 1}, failed=True))
    names = sorted(path.name for path in (tmp_path / "new" / "folder").iterdir())
    assert names == ["a.png.xml", "b.pdf-1.xml", "b.pdf-2.xml", "stdin.xml"]
    with pytest.raises(DataError, match=r"other/a\.png: another file has this name"):
        sink.add(PageRow({**ROW, "file": "other/a.png", "page": 1}, failed=False))


def test_folder_that_cannot_be_created_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="is not a folder, and none can be created here"):
        PageDocuments(DOCUMENT_FORMATS["hocr"], tmp_path / "file" / "folder")


def test_file_that_is_named_twice_is_entered_once(tmp_path):
    documents = PageDocuments(DOCUMENT_FORMATS["alto"], tmp_path)
    assert [documents.enter(name) for name in ("a.png", "b.png", "a.png")] == [None, None, []]


def test_pages_of_a_file_whose_name_is_not_utf8_have_documents_of_their_own(tmp_path):
    documents = PageDocuments(DOCUMENT_FORMATS["alto"], tmp_path)
    documents.count("\udcff.pdf", 2)
    for number in (1, 2):
        documents.add(PageRow({**ROW, "file": "\\udcff.pdf", "page": number}, failed=False))
    assert len([*tmp_path.iterdir()]) == 2
