"""Routes of the form editor: the scan of an empty form, its fields, what is wrong with them, the YAML."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import cv2
from fastapi import APIRouter, Response

from inkwise._util.errors import ConflictError, DataError, InkwiseError
from inkwise._util.files import locked, write_text
from inkwise._util.inputs import is_there
from inkwise.app.requests import JsonBody
from inkwise.forms import KINDS, FormError, FormTemplate
from inkwise.http.bodies import RequestError, json_response, parse_json_object
from inkwise.image import Document
from inkwise.preprocessing.background import limit_side
from inkwise.recognition.ctc.automata import CHECKS

_MAX_SHOWN_SIDE = 2400  # pixels of the scan as it is shown


class FormEditor:
    """A form that is being drawn on its scan.

    Attributes:
        path: of the YAML file, beside the scan.
        picture: the page as PNG.
    """

    def __init__(self, scan: Path) -> None:
        """Open a scan, its first page; where it is a form already, that is gone on with.

        Raises:
            PictureError: the scan cannot be read.
            FormError: the file beside it is no form.
            DataError: it is the form of another scan.
        """
        with Document(scan) as document:
            grey = document.page(1).grey
        self.picture = cv2.imencode(".png", limit_side(grey, _MAX_SHOWN_SIDE)[0])[1].tobytes()
        self.path = scan.with_suffix(".yaml")
        self._scan = scan
        self._pixels: tuple[float, float] = (grey.shape[1], grey.shape[0])
        self._kept: dict[str, Any] = {}
        self._read()

    def _read(self) -> FormTemplate | None:
        """Read the form file, where there is one; its size and marks are kept for forms that are drawn."""
        form = FormTemplate.read(self.path) if is_there(self.path) else None
        if form and (form.reference is None or form.reference.resolve() != self._scan.resolve()):
            raise DataError(
                f"{self.path}: is there, and is not the form of {self._scan.name}; move one of them"
            )
        self._kept = {"reference": self._scan.name}
        if form:
            self._kept |= {"size": list(form.size), "marks": [list(box) for box in form.marks]}
        return form

    def state(self) -> dict[str, Any]:
        """Return the form as it is on disk, with its version, and what its fields can be.

        Raises:
            InkwiseError: The file has become unusable, see `__init__`.
        """
        version = self._version()  # Before the form: if it changes meanwhile, the version is out of date.
        form = self._read()
        return {
            "file": self.path.name,
            "version": version,
            "name": self.path.stem if form is None else form.name,
            "size": list(self._pixels if form is None else form.size),
            "fields": [] if form is None else [field.to_dict() for field in form.fields],
            "kinds": list(KINDS),
            "checks": list(CHECKS),
        }

    def form(self, plain: dict[str, Any]) -> FormTemplate:
        """The form of a name and fields.

        Raises:
            FormError: it cannot be used; `problems` says why.
        """
        drawn = plain.get("fields")
        for field in drawn if isinstance(drawn, list) else ():
            # A text would be the path of a file.
            if isinstance(field, dict) and isinstance(field.get("vocabulary"), str):
                raise InkwiseError("vocabulary is not a list of numbers")
        return FormTemplate.from_dict(
            {**self._kept, "name": plain.get("name"), "fields": drawn}, self._scan.parent
        )

    def write(self, form: FormTemplate, version: str | None) -> str:
        """Write a form beside the scan, and return its version.

        Args:
            form: What to write.
            version: Version of the file that the form was made from, None if there was no file.

        Raises:
            ConflictError: The file has another version: another editor wrote it, or a person.
            DataError: The file cannot be written.
        """
        text = form.to_yaml(self.path.parent)
        written = _version(text.encode())
        with locked(self.path):
            if self._version() not in (None, version, written):
                raise ConflictError(
                    f"{self.path.name}: has changed since this page read it; "
                    "reload the page, or move the file away and save again"
                )
            write_text(self.path, text)
        return written

    def _version(self) -> str | None:
        """Return the version of the file on disk, None if there is no file."""
        try:
            return _version(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DataError(f"{self.path}: cannot be opened ({error.strerror})") from None


def _version(content: bytes) -> str:
    """Return what tells one content of a file from all others."""
    return hashlib.sha256(content).hexdigest()


def routes(editor: FormEditor) -> APIRouter:
    """What the editor's page asks for: one scan is shown, one file is written, and no other."""
    router = APIRouter()

    @router.get("/api/form")
    def state() -> Response:
        return json_response(editor.state())

    @router.get("/api/form/scan")
    def scan() -> Response:
        return Response(editor.picture, media_type="image/png")

    @router.post("/api/form/check")
    def check(body: JsonBody) -> Response:
        try:
            editor.form(parse_json_object(body))
        except FormError as error:
            return json_response({"problems": error.problems})
        return json_response({"problems": []})

    @router.put("/api/form")
    def write(body: JsonBody) -> Response:
        plain = parse_json_object(body)
        try:
            version = editor.write(editor.form(plain), plain.get("version"))
        except ConflictError as error:
            raise RequestError(409, str(error)) from None
        return json_response({"file": editor.path.name, "version": version})

    return router
