"""The service as an ASGI app with its routes, and as one or several server processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from fastapi import FastAPI, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from inkwise._util.errors import InkwiseError, ModelError
from inkwise._util.system import ignore_pillow_warnings, use_one_thread
from inkwise.http.bodies import RequestError, add_error_handlers, json_response
from inkwise.http.launch import http_url, launch
from inkwise.http.middleware import SHUTTING_DOWN, InFlight, SecurityMiddleware, SecuritySettings
from inkwise.http.origin import is_loopback, parse_origin
from inkwise.http.tokens import Tokens
from inkwise.recognition import Model, Recognizer
from inkwise.recognition.adaptation import reference_glyphs, reference_strokes
from inkwise.recognition.model import model_source
from inkwise.service.docs_page import add_docs_page
from inkwise.service.dynamic_batching import BatchedModel
from inkwise.service.executor import BoundedExecutor, RequestLimits
from inkwise.service.observability import Metrics, RequestLog, log_to_stderr, shared_metrics
from inkwise.service.routes import CLASSIFY_PATH, MAX_GLYPH_BYTES, routes
from inkwise.service.schema import HEALTH_PATH, Health, describe, failures

_HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


_CORS_HEADERS = ["Authorization", "Content-Type", "X-Request-ID"]


@dataclass(frozen=True)
class Settings:
    """Settings of each process of a service.

    Attributes:
        host: Name or address that the server is bound to.
        model: Name of a bundled model, an .onnx file, or a run folder.
        tokens: Accepted tokens; None accepts every client, and is allowed on loopback only.
        limits: Limits of one process.
        cors: Origins, as https://forms.example, whose pages may send requests.
    """

    host: str = "127.0.0.1"
    model: str = "default"
    tokens: Tokens | None = None
    limits: RequestLimits = field(default_factory=RequestLimits)
    cors: tuple[str, ...] = ()


def serve(settings: Settings, *, port: int, workers: int, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT, then respond to the requests under way.

    Args:
        settings: Settings of each process.
        port: Port to bind; 0 is any free one.
        workers: Number of processes.
        say: Called with the URL.

    Raises:
        InkwiseError: The address cannot be bound, or an error of `create_app`.
    """
    with shared_metrics() if workers > 1 else nullcontext():
        launch(
            partial(_create_process_app, settings),
            settings.host,
            [port],
            lambda bound: say(http_url(settings.host, bound)),
            workers=workers,
        )


def _create_process_app(settings: Settings) -> FastAPI:
    app = create_app(settings)
    log_to_stderr()
    use_one_thread()
    ignore_pillow_warnings()
    return app


def create_app(settings: Settings) -> FastAPI:
    """Return the service as an ASGI app; `app.state` has its `in_flight` requests and its `executor`.

    Raises:
        InkwiseError: The host is not loopback and there are no tokens, an origin is not valid, or the model
            cannot be used.
    """
    limits, origins = settings.limits, [parse_origin(origin) for origin in settings.cors]
    if settings.tokens is None and not is_loopback(settings.host):
        raise InkwiseError(f"{settings.host}: not a loopback address, so tokens are required (--tokens)")
    metrics, executor, in_flight = Metrics(), BoundedExecutor(limits), InFlight(limits.seconds)
    model = BatchedModel(model_source(settings.model), observe=metrics.batch, check=executor.check)
    _check_model(model)
    recognizer = Recognizer(model, threads=1)
    recognizer.read_strokes(reference_strokes()[7], "number")  # loads the other models in advance

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        executor.end()

    # FastAPI's own documentation pages load scripts from a CDN; see `add_docs_page`.
    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.in_flight, app.state.executor = in_flight, executor
    app.state.busy = lambda: executor.busy
    add_error_handlers(app)
    app.include_router(routes(recognizer, executor, limits.pixels))
    health_check: asyncio.Task[None] | None = None

    @app.get(
        HEALTH_PATH,
        tags=["operation"],
        responses={200: {"model": Health}, **failures(_503="shutting down, or the model cannot be used")},
    )
    async def health() -> Response:
        """Tell whether requests are accepted: the model classifies a glyph."""
        nonlocal health_check
        if in_flight.stopping:
            raise RequestError(503, SHUTTING_DOWN)
        if health_check is None or health_check.done():  # one at a time, since any client can ask
            health_check = asyncio.create_task(asyncio.to_thread(_check_model, model))  # passes the queue
        try:
            await asyncio.shield(health_check)
        except ModelError as error:
            raise RequestError(503, str(error)) from None
        return json_response({"status": "ready"})

    @app.get(
        "/metrics",
        tags=["operation"],
        response_class=PlainTextResponse,
        responses=failures(_503="shutting down"),
    )
    async def metrics_() -> Response:
        """Return counts and times in Prometheus' text format."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    describe(app, settings.tokens is not None)
    if settings.tokens is None:  # a browser sends no token with the address of a page
        add_docs_page(app)
    security = SecuritySettings(
        settings.host,
        settings.tokens,
        _HEADERS,
        # The body of /v1/classify has its own limit.
        lambda path: min(limits.body_bytes, MAX_GLYPH_BYTES) if path == CLASSIFY_PATH else limits.body_bytes,
        public_path=HEALTH_PATH,
        check_origin=settings.tokens is None,  # other sites have no token, and a proxy may use any host name
        origins=frozenset(origins),
        command="inkwise serve",
    )
    log = RequestLog(metrics, {*app.openapi()["paths"]})
    app.add_middleware(SecurityMiddleware, settings=security, in_flight=in_flight, log=log)
    if origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=origins, allow_methods=["GET", "POST"], allow_headers=_CORS_HEADERS
        )
    return app


def _check_model(model: Model) -> None:
    """Classify a glyph; raises ModelError if the model fails or returns no finite probabilities."""
    try:
        probabilities, _ = model.run(reference_glyphs()[7:8])
        sound = bool(np.isfinite(probabilities).all())
    except Exception:  # onnxruntime raises classes of its own
        sound = False
    if not sound:
        raise ModelError(f"{model.name}: the model cannot be used (it returns no probabilities)")
