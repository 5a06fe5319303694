"""One file from JavaScript modules, a style sheet and the weights of a classifier."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from importlib import resources
from string import Template
from typing import Any

from inkwise._util.errors import ModelError
from inkwise._util.text import NOT_A_DIGIT
from inkwise.page_export.network import network_to_dict
from inkwise.preprocessing import normalization
from inkwise.preprocessing.strokes import MAX_COORDINATE, MIN_STROKE_OVERLAP, PEN_WIDTH
from inkwise.recognition import Model
from inkwise.recognition.digit_reader import MIN_DIGIT_PROBABILITY
from inkwise.recognition.model import model_content, model_source
from inkwise.recognition.reading import NO_INK
from inkwise.recognition.stroke_reader import SURE_PROBABILITY

MAX_FILE_BYTES = 1_000_000
"""Maximum size of an exported file; a larger one would be slow to load on a phone, and to read."""

_PAGE = resources.files("inkwise.page_export") / "static"
_APP = resources.files("inkwise") / "app" / "static"  # not a package that the base install can import

_READER = (
    *(_PAGE / name for name in ("rasterizer.js", "normalization.js", "strokes.js")),
    *(_PAGE / name for name in ("network.js", "stroke-reader.js")),
    *(_APP / name for name in ("dom.js", "ink.js")),
    _PAGE / "pad.js",
)
"""The modules of the element, each after those that it imports; the generated model.js comes first."""

_IMPORT = re.compile(r'^import \{ ([\w$, ]+) \} from "\./([\w.-]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:class|const|function) ([\w$]+))", re.MULTILINE)


def export_page(model: str) -> bytes:
    """Return the HTML of a page that reads drawn digits; it opens from a file and makes no request.

    Args:
        model: as for `Recognizer`.

    Raises:
        ModelError: the model cannot be used, has an operator that the page does not know, or is too large.
    """
    script = _join_modules(model, (*_READER, _APP / "feature-maps.js", _PAGE / "page.js"))
    icon = (_APP / "icon.svg").read_bytes()
    page = Template((_PAGE / "page.html").read_text("utf-8")).substitute(
        style=(_APP / "style.css").read_text("utf-8") + (_PAGE / "page.css").read_text("utf-8"),
        icon=f"data:image/svg+xml;base64,{b64encode(icon).decode()}",
        script=script,
        script_hash=b64encode(sha256(script.encode()).digest()).decode(),
    )
    return _checked(page, model)


def export_pad(model: str) -> bytes:
    """Return the script of the element `<inkwise-pad>`; arguments and errors as for `export_page`."""
    return _checked(_join_modules(model, _READER), model)


def _checked(text: str, model: str) -> bytes:
    content = text.encode()
    if len(content) > MAX_FILE_BYTES:
        size, limit = (f"{count / 1e6:.1f} MB" for count in (len(content), MAX_FILE_BYTES))
        raise ModelError(f"{model}: is too large for a page, which would have {size}; at most {limit}")
    return content


def _join_modules(model: str, modules: tuple[Any, ...]) -> str:
    """Join modules to one script: each becomes a function, whose result holds what the module exports."""
    sources = [("model.js", _model_module(model))]
    sources += [(module.name, module.read_text("utf-8")) for module in modules]
    parts = ['"use strict";', "{", "const modules = {};"]
    for name, source in sources:
        exported = ", ".join(found[1] for found in _EXPORT.findall(source))
        body = _EXPORT.sub(r"\1", _IMPORT.sub(r'const { \1 } = modules["\2"];\n', source))
        parts.append(f'modules["{name}"] = (() => {{\n{body}return {{ {exported} }};\n}})();')
    return "\n".join([*parts, "}\n"])


def _model_module(source: str) -> str:
    """Return the source of a module that exports the model and Python's constants."""
    content = model_content(model_source(source))
    model = Model(content, threads=1)
    values = {
        "name": model.name,
        "labels": model.labels,
        "threshold": model.threshold,
        "rejects": model.rejects,
        **network_to_dict(content, source),
    }
    constants = {
        "glyphSide": normalization.GLYPH_SIDE,
        "inkBoxSide": normalization.INK_BOX_SIDE,
        "glyphCentre": normalization.GLYPH_CENTRE,
        "supersampling": normalization.SUPERSAMPLING,
        "minStrokeWidth": normalization.MIN_STROKE_WIDTH,
        "maxStrokeWidth": normalization.MAX_STROKE_WIDTH,
        "penWidth": PEN_WIDTH,
        "maxCoordinate": MAX_COORDINATE,
        "minStrokeOverlap": MIN_STROKE_OVERLAP,
        "minDigitProbability": MIN_DIGIT_PROBABILITY,
        "sureProbability": SURE_PROBABILITY,
        "notADigit": NOT_A_DIGIT,
        "noInk": NO_INK,
    }
    exported = {"MODEL": values, "CONSTANTS": constants}
    return "".join(f"export const {name} = {_script_json(value)};\n" for name, value in exported.items())


def _script_json(values: Any) -> str:
    """Return JSON without "<", which could end the script element."""
    return json.dumps(values, allow_nan=False).replace("<", "\\u003c")
