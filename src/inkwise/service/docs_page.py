"""The interactive description of the API at /docs: Swagger UI with its files from this machine."""

from __future__ import annotations

from pathlib import Path

import fastapi_offline
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

DOCS_PATH = "/docs"

_FILES = Path(fastapi_offline.__file__).parent / "static"
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Inkwise API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/files/swagger-ui.css">
<main id="api"></main>
<script src="docs/files/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
"""
_SCRIPT = 'SwaggerUIBundle({url: "openapi.json", dom_id: "#api", deepLinking: true});\n'
_POLICY = (
    "default-src 'none'; connect-src 'self'; font-src data:; frame-ancestors 'none'; img-src 'self' data:; "
    "script-src 'self'; style-src 'self' 'unsafe-inline'"
)


def add_docs_page(app: FastAPI) -> None:
    """Add the page, its script and the files of Swagger UI, none of which the OpenAPI description lists."""

    @app.get("/", include_in_schema=False)
    async def root() -> Response:
        return RedirectResponse(DOCS_PATH.lstrip("/"))

    @app.get(DOCS_PATH, include_in_schema=False)
    async def page() -> Response:
        return HTMLResponse(_PAGE, headers={"content-security-policy": _POLICY})

    @app.get(f"{DOCS_PATH}/start.js", include_in_schema=False)
    async def script() -> Response:
        return Response(_SCRIPT, media_type="text/javascript")

    app.mount(f"{DOCS_PATH}/files", StaticFiles(directory=_FILES))
