"""Routes of the form editor: the scan of an empty form, its fields, what is wrong with them, the YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
from fastapi import APIRouter, Response

from inkwise.app.bodies import JsonBytes
from inkwise.errors import DataError, InkwiseError
from inkwise.forms import KINDS, Form, FormError
from inkwise.ink import Document
from inkwise.ink.align import shrunk
from inkwise.recognition.automata import CHECKS
from inkwise.web.bodies import answer, fields

_LONGEST = 2400  # pixels of the scan as it is shown


class Editor:
    """A form that is being drawn on its scan.

    Attributes:
        path: of the YAML file, beside the scan.
        size: width and height of the page, in the unit of the boxes: pixels, unless the form has another.
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
        self.picture = cv2.imencode(".png", shrunk(grey, _LONGEST)[0])[1].tobytes()
        self.size: tuple[float, float] = (grey.shape[1], grey.shape[0])
        self.path = scan.with_suffix(".yaml")
        self._scan = scan
        self._kept: dict[str, Any] = {"reference": scan.name}
        self._form: Form | None = None
        if self.path.exists():
            self._form = form = Form.read(self.path)
            if form.reference is None or form.reference.resolve() != scan.resolve():
                raise DataError(
                    f"{self.path}: is there, and is not the form of {scan.name}; move one of them"
                )
            self.size = form.size
            self._kept |= {"size": list(form.size), "marks": [list(box) for box in form.marks]}

    def state(self) -> dict[str, Any]:
        """The form as it was opened or written last, and what its fields can be."""
        form = self._form
        return {
            "file": self.path.name,
            "name": self.path.stem if form is None else form.name,
            "size": list(self.size),
            "fields": [] if form is None else [field.to_dict() for field in form.fields],
            "kinds": list(KINDS),
            "checks": list(CHECKS),
        }

    def form(self, plain: dict[str, Any]) -> Form:
        """The form of a name and fields.

        Raises:
            FormError: it cannot be used; `problems` says why.
        """
        drawn = plain.get("fields")
        for field in drawn if isinstance(drawn, list) else ():
            # A text would be the path of a file.
            if isinstance(field, dict) and isinstance(field.get("vocabulary"), str):
                raise InkwiseError("vocabulary is not a list of numbers")
        return Form.from_dict({**self._kept, "name": plain.get("name"), "fields": drawn}, self._scan.parent)

    def write(self, form: Form) -> None:
        """Write it beside the scan.

        Raises:
            DataError: it cannot be written.
        """
        form.write(self.path)
        self._form = form


def routes(editor: Editor) -> APIRouter:
    """What the editor's page asks for: one scan is shown, one file is written, and no other."""
    router = APIRouter()

    @router.get("/api/form")
    def state() -> Response:
        return answer(editor.state())

    @router.get("/api/form/scan")
    def scan() -> Response:
        return Response(editor.picture, media_type="image/png")

    @router.post("/api/form/check")
    def check(body: JsonBytes) -> Response:
        try:
            editor.form(fields(body))
        except FormError as error:
            return answer({"problems": error.problems})
        return answer({"problems": []})

    @router.put("/api/form")
    def write(body: JsonBytes) -> Response:
        editor.write(editor.form(fields(body)))
        return answer(editor.state())

    return router
