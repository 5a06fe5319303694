"""Pages with their routes, and what becomes of errors: the app, the review of a table, the form editor."""

from __future__ import annotations

import logging
import mimetypes
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles

from inkwise._util.errors import InkwiseError, StoreError
from inkwise.app import form_routes as editing
from inkwise.app import learning_routes as learning
from inkwise.app import read_routes as reading
from inkwise.app import review_routes as reviewing
from inkwise.app import sample_routes as samples
from inkwise.app import statistics_routes as progress
from inkwise.app import transfer_routes as transfer
from inkwise.app.form_routes import FormEditor
from inkwise.app.review_routes import ReviewSession
from inkwise.app.security import SecurityMiddleware
from inkwise.corrections import Learner
from inkwise.http.bodies import add_error_handlers, json_response
from inkwise.http.connections import Trusted
from inkwise.http.sockets import is_loopback

_STATIC = Path(__file__).parent / "static"

_THREADS = 8  # with those that read, no more than the database has connections
_HEAVY_THREADS = 2

_logger = logging.getLogger("inkwise.app")

# Some machines call it something else, and then no browser runs it.
mimetypes.add_type("text/javascript", ".js")


def create_app(
    learner: Learner, *, model: str | Path | None = None, host: str = "127.0.0.1", token: str | None = None
) -> FastAPI:
    """The web app, to be run by any ASGI server, in one process: the memory of what was taught is in it.

    Args:
        learner: reads and keeps; it stays open.
        model: what the learner began with.
        host: the name or address that the server is bound to: requests for others are refused.
        token: what to demand of whoever asks; None demands nothing, which is for loopback alone.

    Raises:
        InkwiseError: no token for a host that others can reach.
    """
    job = learning.LazyFineTuningJob(learner, model)
    heavy = anyio.CapacityLimiter(_HEAVY_THREADS)
    routers = [
        reading.routes(learner, heavy),
        samples.routes(learner),
        progress.routes(learner),
        transfer.routes(learner, heavy),
        learning.routes(learner, job, heavy),
    ]
    return _create_page_app("index.html", routers, host, token, job.cancel)


def create_review_app(
    session: ReviewSession, *, host: str = "127.0.0.1", token: str | None = None
) -> FastAPI:
    """The page on which what is doubtful is settled; `host` and `token` as for `create_app`."""
    return _create_page_app("review.html", [reviewing.routes(session)], host, token)


def create_editor_app(editor: FormEditor, *, host: str = "127.0.0.1", token: str | None = None) -> FastAPI:
    """The page on which the fields of a form are drawn; `host` and `token` as for `create_app`."""
    return _create_page_app("form.html", [editing.routes(editor)], host, token)


def _create_page_app(
    page: str,
    routers: Sequence[APIRouter],
    host: str,
    token: str | None,
    end: Callable[[], object] = lambda: None,
) -> FastAPI:
    """A page with its routes behind the guard; `end` is called when the app ends."""
    if token is None and not is_loopback(host):
        raise InkwiseError(f"{host} can be reached from elsewhere: a token is needed")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
        yield
        await anyio.to_thread.run_sync(end)

    # FastAPI's own pages come from a CDN.
    app = FastAPI(lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    app.add_middleware(Trusted)
    app.add_middleware(SecurityMiddleware, host=host, token=token)  # before all others
    add_error_handlers(app)
    app.add_exception_handler(StoreError, _handle_store_error)
    for router in routers:
        app.include_router(router)

    static = StaticFiles(directory=_STATIC)
    app.mount("/static", static)

    @app.get("/")
    async def main(request: Request) -> Response:
        return await static.get_response(page, request.scope)

    return app


async def _handle_store_error(request: Request, error: Exception) -> Response:
    _logger.error("%s", error)
    return json_response({"error": str(error)}, 503)
