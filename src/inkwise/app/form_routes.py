"""Routes of the form editor: the scan of an empty form, its fields, their problems, and the YAML file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import cv2
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from inkwise._util.errors import ConflictError, DataError, InkwiseError
from inkwise._util.files import locked, write_text
from inkwise._util.inputs import is_there
from inkwise.forms import KINDS, FormError, FormTemplate
from inkwise.http.bodies import RequestError, json_body, json_response
from inkwise.image import Document
from inkwise.preprocessing.background import limit_side
from inkwise.recognition.ctc.automata import CHECKS

_MAX_SHOWN_SIDE = 2400  # maximum side of the displayed scan in pixels


class FormBody(BaseModel):
    """A form as the page has it; `version` is that of the file it was made from, None if there was none."""

    name: Any = None
    fields: Any = None
    version: str | None = None


class FormEditor:
    """A form template that is drawn on its scan: `path` is the YAML file, `image` the page as PNG."""

    def __init__(self, scan: Path) -> None:
        """Open the first page of a scan, and the form beside it if there is one.

        Raises:
            ImageError: The scan cannot be read.
            FormError: The file beside it is not a form.
            DataError: It is the form of another scan.
        """
        with Document(scan) as document:
            grey = document.page(1)
        self.image = cv2.imencode(".png", limit_side(grey, _MAX_SHOWN_SIDE)[0])[1].tobytes()
        self.path = scan.with_suffix(".yaml")
        self._scan = scan
        self._pixels: tuple[float, float] = (grey.shape[1], grey.shape[0])
        self._kept: dict[str, Any] = {}
        self._read()

    def _read(self) -> FormTemplate | None:
        """Read the form file if there is one; its size and marks are kept for the forms that are drawn."""
        form = FormTemplate.read(self.path) if is_there(self.path) else None
        if form and (form.reference is None or form.reference.resolve() != self._scan.resolve()):
            raise DataError(f"{self.path}: is not the form of {self._scan.name}; move one of them")
        self._kept = {"reference": self._scan.name}
        if form:
            self._kept |= {"size": list(form.size), "marks": [list(box) for box in form.marks]}
        return form

    def state(self) -> dict[str, Any]:
        """Return the form on disk, its version, and the possible kinds and checks; raises as `__init__`."""
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

    def form(self, name: object, fields: object) -> FormTemplate:
        """Return the form of a name and fields; raises FormError with its `problems`."""
        for field in fields if isinstance(fields, list) else ():
            # FormTemplate would read a text as the path of a file.
            if isinstance(field, dict) and isinstance(field.get("vocabulary"), str):
                raise InkwiseError("vocabulary: expected a list of numbers")
        return FormTemplate.from_dict({**self._kept, "name": name, "fields": fields}, self._scan.parent)

    def write(self, form: FormTemplate, version: str | None) -> str:
        """Write a form that was made from this `version` of the file, and return its version.

        Raises:
            ConflictError: The file has another version, so somebody else has written it.
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
    """Return a digest that identifies the content of a file."""
    return hashlib.sha256(content).hexdigest()


def routes(find: Callable[[Request], FormEditor], prefix: str = "/api/form") -> APIRouter:
    """Return the routes; for each editor they read one scan and write one file, and no others.

    Args:
        find: Returns the editor that a request is about.
        prefix: Path of the routes; it may have parameters, for `find`.
    """
    router = APIRouter(prefix=prefix)

    @router.get("")
    def state(request: Request) -> Response:
        return json_response(find(request).state())

    @router.get("/scan")
    def scan(request: Request) -> Response:
        return Response(find(request).image, media_type="image/png")

    @router.post("/check")
    def check(request: Request, body: Annotated[FormBody, json_body(FormBody)]) -> Response:
        try:
            find(request).form(body.name, body.fields)
        except FormError as error:
            return json_response({"problems": error.problems})
        return json_response({"problems": []})

    @router.put("")
    def write(request: Request, body: Annotated[FormBody, json_body(FormBody)]) -> Response:
        editor = find(request)
        try:
            version = editor.write(editor.form(body.name, body.fields), body.version)
        except ConflictError as error:
            raise RequestError(409, str(error)) from None
        return json_response({"file": editor.path.name, "version": version})

    return router
