"""Pages as documents of text recognition: ALTO 4.4 and hOCR 1.2, one for each page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

from inkwise import __version__
from inkwise._util.errors import DataError
from inkwise._util.files import write_text
from inkwise._util.text import to_valid_utf8
from inkwise.batch.batch_loop import RowSink
from inkwise.batch.page_rows import STANDARD_INPUT, PageRow

_Row = Mapping[str, Any]  # of a page, with the keys of `Reading.to_dict`
_Box = list[int]

_ALTO_NAMESPACE = "http://www.loc.gov/standards/alto/ns-v4#"
_ALTO_SCHEMA = "http://www.loc.gov/standards/alto/v4/alto-4-4.xsd"
_MAX_VARIANT_LENGTH = 3  # characters of a variant in ALTO
_HOCR_DOCTYPE = "<!DOCTYPE html>\n"
_CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # XML cannot hold them


class PageDocuments(RowSink):
    """Writes a document for each page into a folder."""

    def __init__(self, kind: DocumentFormat, folder: Path) -> None:
        """Create the folder.

        Raises:
            DataError: It cannot be created.
        """
        self._kind, self._folder = kind, folder
        self._pages: dict[str, int] = {}
        self._entered: set[str] = set()
        self._written: set[str] = set()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError):
            raise DataError(f"{folder}: is not a folder, and none can be created here") from None

    def enter(self, file: str) -> list[int] | None:
        """Return None, as its page count is unknown, or nothing for a file that was entered before."""
        if file in self._entered:
            return []
        self._entered.add(file)
        return None

    def count(self, file: str, pages: int) -> None:
        """Store the page count of a file."""
        self._pages[to_valid_utf8(file)] = pages

    def add(self, row: PageRow) -> None:
        """Write the document of a page that could be read.

        Raises:
            DataError: Another page has the same name, or the file cannot be written.
        """
        if row.failed:
            return
        file, page = row.values["file"], row.values["page"]
        name = "stdin" if file == STANDARD_INPUT else Path(file).name
        name += (f"-{page}" if self._pages.get(file, 1) > 1 else "") + self._kind.suffix
        if name in self._written:
            raise DataError(f"{file}: another file has this name; read each folder into one of its own")
        self._written.add(name)
        write_text(self._folder / name, self._kind.render(row.values))


def to_alto(row: _Row) -> str:
    """Return the ALTO document of a page.

    Each line is a TextLine, each number a String, and each digit a Glyph with its other labels as Variants.
    Ignored regions are GraphicalElements, each with a tag that has the reason.
    """
    root = ET.Element(
        "alto",
        {
            "xmlns": _ALTO_NAMESPACE,
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:schemaLocation": f"{_ALTO_NAMESPACE} {_ALTO_SCHEMA}",
            "SCHEMAVERSION": "4.4",
        },
    )
    description = ET.SubElement(root, "Description")
    ET.SubElement(description, "MeasurementUnit").text = "pixel"
    source = ET.SubElement(description, "sourceImageInformation")
    ET.SubElement(source, "fileName").text = _xml_text(row["file"])
    step = ET.SubElement(description, "Processing", ID="reading")
    ET.SubElement(step, "processingCategory").text = "contentGeneration"
    ET.SubElement(step, "processingStepSettings").text = f"model {row['model']}"
    software = ET.SubElement(step, "processingSoftware")
    ET.SubElement(software, "softwareName").text = "Inkwise"
    ET.SubElement(software, "softwareVersion").text = __version__
    if row["ignored"]:
        tags = ET.SubElement(root, "Tags")
        for index, region in enumerate(row["ignored"]):
            ET.SubElement(tags, "OtherTag", ID=f"reason{index}", TYPE="ignored", LABEL=region["reason"])
    page = ET.SubElement(
        ET.SubElement(root, "Layout"),
        "Page",
        {
            "ID": "page",
            "PHYSICAL_IMG_NR": str(row["page"]),
            "WIDTH": str(row["width"]),
            "HEIGHT": str(row["height"]),
            "PC": str(row["confidence"]),
            "PROCESSINGREFS": "reading",
        },
    )
    space = ET.SubElement(page, "PrintSpace", _alto_box([0, 0, row["width"], row["height"]]))
    if lines := [*_lines(row)]:
        outline = _union([box for box, _ in lines])
        block = ET.SubElement(space, "TextBlock", {"ID": "numbers", **_alto_box(outline)})
        for box, numbers in lines:
            _add_alto_line(block, box, numbers)
    for index, region in enumerate(row["ignored"]):
        attributes = {"ID": f"ignored{index}", "TAGREFS": f"reason{index}", **_alto_box(region["box"])}
        ET.SubElement(space, "GraphicalElement", attributes)
    ET.indent(root)
    return _xml(root, '<?xml version="1.0" encoding="UTF-8"?>\n')


def _add_alto_line(block: ET.Element, box: _Box, numbers: list[_Row]) -> None:
    line = ET.SubElement(block, "TextLine", _alto_box(box))
    for index, number in enumerate(numbers):
        if index:
            ET.SubElement(line, "SP")
        word = ET.SubElement(
            line, "String", _alto_box(number["box"]) | _confidence("WC", number["text"], number["confidence"])
        )
        if corners := _tilted_corners(number):
            shape = ET.SubElement(word, "Shape")
            ET.SubElement(shape, "Polygon", POINTS=" ".join(f"{x},{y}" for x, y in corners))
        digits = number["digits"]
        if any(len(digit["label"]) > 1 for digit in digits) or len(digits) != len(number["text"]):
            continue  # a glyph is one character of the string
        for digit in digits:
            values = _confidence("GC", digit["label"], digit["probability"])
            glyph = ET.SubElement(word, "Glyph", _alto_box(digit["box"]) | values)
            for label, probability in digit["alternatives"]:
                if label != digit["label"] and len(label) <= _MAX_VARIANT_LENGTH:
                    ET.SubElement(glyph, "Variant", _confidence("VC", label, probability))


def to_hocr(row: _Row) -> str:
    """Return the hOCR document of a page.

    Each line is an ocr_line, each number an ocrx_word, and each digit an ocrx_cinfo. Ignored regions are
    of the class ocrx_block, with the reason in `data-reason`.
    """
    root = ET.Element("html", {"xmlns": "http://www.w3.org/1999/xhtml", "lang": "en"})
    head = ET.SubElement(root, "head")
    ET.SubElement(head, "meta", charset="utf-8")
    ET.SubElement(head, "title").text = _xml_text(row["file"])
    capabilities = "ocr_page ocr_line ocrx_word ocrx_cinfo ocrx_block"
    for name, content in (("ocr-system", f"inkwise {__version__}"), ("ocr-capabilities", capabilities)):
        ET.SubElement(head, "meta", name=name, content=content)
    image = _xml_text(row["file"]).replace('"', "'")
    title = f'image "{image}"; bbox 0 0 {row["width"]} {row["height"]}; ppageno {row["page"] - 1}'
    page = ET.SubElement(
        ET.SubElement(root, "body"), "div", {"class": "ocr_page", "id": "page", "title": title}
    )
    for place, (box, numbers) in enumerate(_lines(row)):
        line = ET.SubElement(page, "div", {"class": "ocr_line", "id": f"line_{place}", "title": _bbox(box)})
        line.tail = "\n"
        for index, number in enumerate(numbers):
            word = _add_hocr_word(line, number)
            word.set("id", f"word_{place}_{index}")
            word.tail = " "
    for index, region in enumerate(row["ignored"]):
        attributes = {"class": "ocrx_block", "id": f"ignored_{index}", "title": _bbox(region["box"])}
        ET.SubElement(page, "div", {**attributes, "data-reason": region["reason"]})
    return _xml(root, _HOCR_DOCTYPE)


def _add_hocr_word(line: ET.Element, number: _Row) -> ET.Element:
    title = f"{_bbox(number['box'])}; x_wconf {round(100 * number['confidence'])}"
    if corners := _tilted_corners(number):
        title += "; poly " + " ".join(f"{x} {y}" for x, y in corners)
    word = ET.SubElement(line, "span", {"class": "ocrx_word", "title": title})
    digits = number["digits"]
    if len(digits) != len(number["text"]):
        word.text = number["text"]
        return word
    for character, digit in zip(number["text"], digits, strict=True):
        title = f"x_bboxes {_bbox(digit['box'])[5:]}; x_confs {round(100 * digit['probability'])}"
        ET.SubElement(word, "span", {"class": "ocrx_cinfo", "title": title}).text = character
    return word


def _lines(row: _Row) -> Iterator[tuple[_Box, list[_Row]]]:
    """Yield the box and the numbers of each text line."""
    for _, found in groupby(row["numbers"], key=lambda number: number["line"]):
        numbers = [*found]
        yield _union([number["box"] for number in numbers]), numbers


def _union(boxes: list[_Box]) -> _Box:
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    return [left, top, right - left, bottom - top]


def _tilted_corners(number: _Row) -> list[list[float]] | None:
    """Return the polygon of a number if it is not its box."""
    x, y, w, h = number["box"]
    corners: list[list[float]] = number["polygon"]
    return None if corners == [[x, y], [x + w, y], [x + w, y + h], [x, y + h]] else corners


def _alto_box(box: _Box) -> dict[str, str]:
    return dict(zip(("HPOS", "VPOS", "WIDTH", "HEIGHT"), map(str, box), strict=True))


def _confidence(name: str, content: str, value: float) -> dict[str, str]:
    return {"CONTENT": content, name: str(value)}


def _bbox(box: _Box) -> str:
    return f"bbox {box[0]} {box[1]} {box[0] + box[2]} {box[1] + box[3]}"


def _xml_text(text: str) -> str:
    return _CONTROL_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", text)


def _xml(root: ET.Element, head: str) -> str:
    return f"{head}{ET.tostring(root, encoding='unicode')}\n"


class DocumentFormat(NamedTuple):
    """A format of documents: the suffix of its files, and a function that makes the document of a row."""

    suffix: str
    render: Callable[[_Row], str]


DOCUMENT_FORMATS = {"alto": DocumentFormat(".xml", to_alto), "hocr": DocumentFormat(".hocr", to_hocr)}
