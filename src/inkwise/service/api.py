"""The service as an ASGI app: its routes behind the gate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
from fastapi import FastAPI, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from inkwise._util.errors import InkwiseError, ModelError
from inkwise.http.bodies import RequestError, add_error_handlers, json_response
from inkwise.http.sockets import is_loopback
from inkwise.recognition import Model, Recognizer
from inkwise.recognition.adaptation import reference_glyphs, reference_strokes
from inkwise.recognition.model import model_source
from inkwise.service.dynamic_batching import BatchedModel
from inkwise.service.executor import BoundedExecutor, RequestLimits
from inkwise.service.middleware import HEALTH_PATH, SHUTTING_DOWN, InFlight, ServiceMiddleware
from inkwise.service.prometheus import Metrics
from inkwise.service.routes import routes
from inkwise.service.schema import Health, describe, failures
from inkwise.service.tokens import Tokens


@dataclass(frozen=True)
class Settings:
    """What each process of a service is started with.

    Attributes:
        host: the name or address that the server is bound to.
        model: a bundled model by its name, an .onnx file, or a run folder.
        tokens: what to demand of whoever asks; None demands nothing, which is for loopback alone.
        limits: what one process takes in.
    """

    host: str = "127.0.0.1"
    model: str = "default"
    tokens: Tokens | None = None
    limits: RequestLimits = field(default_factory=RequestLimits)


def create_app(settings: Settings) -> FastAPI:
    """The service, to be run by any ASGI server; `app.state` has its `traffic` and `work`.

    Raises:
        InkwiseError: no tokens for a host that others can reach, or the model cannot be used.
    """
    if settings.tokens is None and not is_loopback(settings.host):
        raise InkwiseError(f"{settings.host} can be reached from elsewhere: tokens are needed (--tokens)")
    metrics, work, traffic = Metrics(), BoundedExecutor(settings.limits), InFlight()
    model = BatchedModel(model_source(settings.model), observe=metrics.batch, check=work.check)
    _check_model(model)
    recognizer = Recognizer(model, threads=1)
    recognizer.read_number(reference_strokes()[7])  # opens what else there is, before the first request

    trying: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        work.end()

    # FastAPI's own pages come from a CDN.
    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.in_flight, app.state.executor = traffic, work
    add_error_handlers(app)
    app.include_router(routes(recognizer, work, settings.limits.pixels))

    @app.get(
        HEALTH_PATH,
        responses={200: {"model": Health}, **failures(_503="it is stopping, or its model is unusable")},
    )
    async def health() -> Response:
        """Whether requests are taken: has the model classify a glyph."""
        nonlocal trying
        if traffic.stopping:
            raise RequestError(503, SHUTTING_DOWN)
        if trying is None or trying.done():  # one at a time: anybody can ask
            trying = asyncio.create_task(
                asyncio.to_thread(_check_model, model)
            )  # before all that waits in the queue
        try:
            await asyncio.shield(trying)
        except ModelError as error:
            raise RequestError(503, str(error)) from None
        return json_response({"status": "ready"})

    @app.get("/metrics", response_class=PlainTextResponse, responses=failures(_503="it is stopping"))
    async def metrics_() -> Response:
        """Counts and times, as Prometheus reads them."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    describe(app, settings.tokens is not None)
    app.add_middleware(
        ServiceMiddleware,
        host=settings.host,
        tokens=settings.tokens,
        metrics=metrics,
        traffic=traffic,
        paths={*app.openapi()["paths"]},
    )
    return app


def _check_model(model: Model) -> None:
    """Have a model classify a glyph.

    Raises:
        ModelError: it fails, or gives no probabilities.
    """
    try:
        probabilities, _ = model.run(reference_glyphs()[7:8])
        sound = bool(np.isfinite(probabilities).all())
    except Exception:  # onnxruntime raises classes of its own
        sound = False
    if not sound:
        raise ModelError(f"{model.name}: the model cannot be used (it gives no probabilities)")
