"""The apps of the pages (drawing and forms, review of a table, form editor), and their server process."""

from __future__ import annotations

import logging
import mimetypes
import secrets
import socket
import threading
import webbrowser
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles

from inkwise._util.errors import InkwiseError, StoreError
from inkwise.app import (
    explanation_routes,
    form_routes,
    learning_routes,
    library_routes,
    review_routes,
    sample_routes,
    statistics_routes,
    transfer_routes,
)
from inkwise.app.form_library import FormLibrary
from inkwise.app.requests import body_limit
from inkwise.corrections import Learner
from inkwise.http.bodies import add_error_handlers, json_response
from inkwise.http.launch import http_url, launch
from inkwise.http.middleware import InFlight, SecurityMiddleware, SecuritySettings
from inkwise.http.origin import is_loopback
from inkwise.http.tokens import PageToken

DEFAULT_PORT = 8420
"""First port to try if none is given."""

_PORT_ATTEMPTS = 20  # ports to try if none is given
_STATIC = Path(__file__).parent / "static"
_THREADS = 8  # together with those that read no more than the database has connections
_HEAVY_THREADS = 2
_HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'; "
    "object-src 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}

_logger = logging.getLogger("inkwise.app")

# Some systems map .js to another type, and browsers then do not run it.
mimetypes.add_type("text/javascript", ".js")


def create_app(
    learner: Learner, *, model: str | Path | None = None, host: str = "127.0.0.1", token: str | None = None
) -> FastAPI:
    """Return the drawing app, for one process: it holds the writers' adapted models.

    Args:
        learner: Reads and keeps; it stays open.
        model: Base model of the learner.
        host: Name or address that the server is bound to; requests for other hosts are rejected.
        token: Token that clients need; None accepts every client, and is allowed on loopback only.

    Raises:
        InkwiseError: The host is not loopback and there is no token.
    """
    job = learning_routes.LazyFineTuningJob(learner, model)
    library = FormLibrary(learner.data_folder / "forms", learner)
    heavy = anyio.CapacityLimiter(_HEAVY_THREADS)
    routers = [
        sample_routes.routes(learner, heavy),
        explanation_routes.routes(learner, heavy),
        statistics_routes.routes(learner),
        transfer_routes.routes(learner, heavy),
        learning_routes.routes(learner, job, heavy),
        library_routes.routes(library, heavy),
    ]
    pages = {
        "/": "index.html",
        "/forms": "forms.html",
        "/forms/{form_id}": "batch.html",
        "/forms/{form_id}/fields": "form.html",
    }

    def end() -> None:
        job.cancel()
        library.close()

    return _create_page_app(pages, routers, host, token, end)


def create_review_app(
    session: review_routes.ReviewSession, *, host: str = "127.0.0.1", token: str | None = None
) -> FastAPI:
    """Return the app of the review page; `host` and `token` as for `create_app`."""
    return _create_page_app({"/": "review.html"}, [review_routes.routes(lambda _: session)], host, token)


def create_editor_app(
    editor: form_routes.FormEditor, *, host: str = "127.0.0.1", token: str | None = None
) -> FastAPI:
    """Return the app of the form editor; `host` and `token` as for `create_app`."""
    return _create_page_app({"/": "form.html"}, [form_routes.routes(lambda _: editor)], host, token)


def serve(learner: Learner, *, model: str | Path | None, **options: Any) -> None:
    """Serve the drawing app until SIGTERM or SIGINT; `model` as for `create_app`, `options` as for `run`."""

    def create(host: str, token: str | None) -> FastAPI:
        try:
            _ = learner.store
        except StoreError as error:
            _logger.error("%s", error)  # drawings are read without a database
        return create_app(learner, model=model, host=host, token=token)

    run(create, **options)


def run(
    create: Callable[[str, str | None], FastAPI],
    *,
    host: str,
    port: int | None,
    token: str | None,
    browser: bool,
    say: Callable[[str], None],
) -> None:
    """Serve the app that `create` returns for a host and a token, until SIGTERM or SIGINT.

    Args:
        create: Creates the app, after the address is bound.
        host: Name or address to bind.
        port: Port to bind; None is the first free one from `DEFAULT_PORT` on.
        token: Token that clients need; None requires none on loopback, and a random one elsewhere.
        browser: Whether to open the page in a browser.
        say: Called with the URL of the page.

    Raises:
        InkwiseError: The address cannot be bound, or the token is empty.
    """
    if token == "":
        raise InkwiseError("the token is empty; omit it for a random one where it is needed")
    if token is None and not is_loopback(host):
        token = secrets.token_urlsafe()
    ports = range(DEFAULT_PORT, DEFAULT_PORT + _PORT_ATTEMPTS) if port is None else [port]

    def announce(bound: int) -> None:
        name = _own_address() if host in ("", "0.0.0.0", "::") else host
        url = f"{http_url(name, bound)}/" + ("" if token is None else f"?token={quote(token, safe='')}")
        say(url)
        if browser:  # the socket already listens, so a quick browser waits for the server
            threading.Thread(target=webbrowser.open, args=[url], daemon=True).start()

    launch(partial(create, host, token), host, ports, announce)


def _own_address() -> str:
    """Return the address by which this machine reaches others; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # reserved for documentation
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _create_page_app(
    pages: Mapping[str, str],
    routers: Sequence[APIRouter],
    host: str,
    token: str | None,
    end: Callable[[], object] = lambda: None,
) -> FastAPI:
    """Return pages, by their paths, with their routes behind the middleware; `end` is called at shutdown."""
    if token is None and not is_loopback(host):
        raise InkwiseError(f"{host}: not a loopback address, so a token is required")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
        yield
        await anyio.to_thread.run_sync(end)

    # FastAPI's documentation pages load scripts from a CDN.
    app = FastAPI(lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    app.state.in_flight = InFlight()
    tokens = None if token is None else PageToken.of(token)
    security = SecuritySettings(host, tokens, _HEADERS, body_limit, api_prefix="/api/")
    app.add_middleware(SecurityMiddleware, settings=security, in_flight=app.state.in_flight)
    add_error_handlers(app)
    app.add_exception_handler(StoreError, _respond_to_store_error)
    for router in routers:
        app.include_router(router)
    static = StaticFiles(directory=_STATIC)
    app.mount("/static", static)

    for path, file in pages.items():
        app.add_api_route(path, partial(_send_page, static, file))
    return app


async def _send_page(static: StaticFiles, file: str, request: Request) -> Response:
    return await static.get_response(file, request.scope)


async def _respond_to_store_error(request: Request, error: Exception) -> Response:
    _logger.error("%s", error)
    return json_response({"error": str(error)}, 503)
