"""Routes of the page for forms: the forms, their filled scans, the reading job and the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response

from inkwise._util.errors import ConflictError, DataError
from inkwise.app import form_routes, review_routes
from inkwise.app.form_library import FormLibrary, StoredForm
from inkwise.app.requests import SCAN_BYTES, UPLOAD_BYTES
from inkwise.app.transfer_routes import temporary_space
from inkwise.http.bodies import RequestError, json_response

_T = TypeVar("_T")


def routes(library: FormLibrary, heavy: CapacityLimiter) -> APIRouter:
    """Return the routes; uploads are stored by the `heavy` threads."""
    router = APIRouter(prefix="/api/forms")

    def find(form_id: str) -> StoredForm:
        try:
            return library.form(form_id)
        except DataError as error:
            raise RequestError(404, str(error)) from None

    def requested(request: Request) -> StoredForm:
        return find(request.path_params["form_id"])

    @router.get("")
    def list_forms() -> Response:
        forms = [form.summary() for form in library.forms()]
        return json_response({"forms": forms, "upload_bytes": UPLOAD_BYTES})

    @router.post("")
    async def add_form(request: Request, name: str) -> Response:
        content = await request.body()
        form = await to_thread.run_sync(library.add, name, content, limiter=heavy)
        return json_response(form.summary(), 201)

    @router.get("/{form_id}")
    def state(form_id: str) -> Response:
        return json_response({**find(form_id).state(), "upload_bytes": SCAN_BYTES})

    @router.delete("/{form_id}")
    def delete_form(form_id: str) -> Response:
        find(form_id)
        library.delete(form_id)
        return Response(status_code=204)

    @router.post("/{form_id}/scans")
    async def add_scan(request: Request, form_id: str, name: str) -> Response:
        batch = find(form_id).batch
        with temporary_space(), batch.receive() as part:
            with part.open("wb") as file:
                async for chunk in request.stream():
                    file.write(chunk)
            stored = await to_thread.run_sync(batch.add, name, part, limiter=heavy)
        return json_response({"name": stored}, 201)

    @router.delete("/{form_id}/scans")
    def clear(form_id: str, name: str | None = None) -> Response:
        batch = find(form_id).batch
        if name is None:
            batch.clear()
        else:
            batch.remove(name)
        return Response(status_code=204)

    @router.post("/{form_id}/reading")
    def read(form_id: str) -> Response:
        form = find(form_id)
        form.batch.job.start()
        return json_response(form.state(), 202)

    @router.delete("/{form_id}/reading")
    def stop(form_id: str) -> Response:
        form = find(form_id)
        form.batch.job.stop(by_user=True)
        return json_response(form.state())

    @router.get("/{form_id}/tables/{version}/rows")
    def rows(form_id: str, version: str) -> Response:
        form = find(form_id)
        return json_response(_or_conflict(lambda: form.rows(version)))

    def session(request: Request) -> review_routes.ReviewSession:
        form, version = requested(request), request.path_params["version"]
        return _or_conflict(lambda: form.session(version))

    router.include_router(form_routes.routes(lambda request: requested(request).editor, "/{form_id}/form"))
    router.include_router(review_routes.routes(session, "/{form_id}/tables/{version}"))
    return router


def _or_conflict(get: Callable[[], _T]) -> _T:
    """Respond with 409 if the table has another version."""
    try:
        return get()
    except ConflictError as error:
        raise RequestError(409, str(error)) from None
