"""The service over HTTP.

    app = create_app(service, ApiConfig(keys=read_keys(path)))

From the outside in: envelope (id, log, metrics, headers), CORS where it is allowed, door (name, origin, key, rate),
routes. What this file is not: it starts no server, and does no work (``ports.Service``).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import compile_path

from docparse import __version__
from docparse.api import (
    docs_page,
    openapi,
    problems,
    routes_corrections,
    routes_documents,
    routes_fields,
    routes_fields_export,
    routes_jobs,
    routes_pages,
    routes_readings,
    routes_service,
    routes_texts,
)
from docparse.api.config import ApiConfig
from docparse.api.desk import Desk
from docparse.api.door import Door
from docparse.api.envelope import Envelope
from docparse.api.ports import Service
from docparse.errors import DocparseError, MethodNotAllowed


def create_app(service: Service, config: ApiConfig) -> FastAPI:
    """The app. The service is started and stopped with it. ``app.state.desk.ending`` is set by whoever runs the
    server when it is told to end, so that streams do not keep it waiting."""
    desk = Desk(service, config)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(service.start)
        yield
        desk.ending.set()
        await desk.finish()
        await asyncio.to_thread(service.stop, drain=config.drain_seconds)

    app = FastAPI(
        title="docparse",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    app.state.desk = desk
    for routes in (
        routes_documents,
        routes_fields,
        routes_fields_export,
        routes_jobs,
        routes_pages,
        routes_readings,
        routes_corrections,
        routes_texts,
        routes_service,
    ):
        app.include_router(routes.router)
    app.add_api_route("/docs", _docs, methods=["GET"], include_in_schema=False)
    app.openapi = lambda: openapi.describe(app)  # type: ignore[method-assign]

    app.add_exception_handler(DocparseError, _refused)
    app.add_exception_handler(RequestValidationError, _refused)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(ClientDisconnect, _gone)

    # The last one that is added is the outermost.
    app.add_middleware(Door, config=config, gate=desk.gate, metrics=desk.metrics)
    if config.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(config.origins),
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Prefer", "Last-Event-ID", "X-API-Key"],
            expose_headers=["Location", "Retry-After", "X-Request-ID", "Content-Disposition"],
            max_age=600,
        )
    app.add_middleware(Envelope, metrics=desk.metrics)
    return app


async def _docs(request: Request) -> Response:
    """The OpenAPI document, to be read by people."""
    return HTMLResponse(docs_page.page(request.app.openapi()), headers={"Content-Security-Policy": docs_page.POLICY})


async def _refused(request: Request, error: Exception) -> Response:
    """Any error that was foreseen, in the one shape."""
    if isinstance(error, RequestValidationError):
        error = problems.from_validation(error)
    elif isinstance(error, HTTPException):
        error = problems.from_http(error)
    assert isinstance(error, DocparseError)
    state = request.scope["state"]
    state["code"] = error.code
    request.app.state.desk.metrics.refused(error.code)
    answer = problems.answer(error, request_id=state.get("request_id", ""))
    if isinstance(error, MethodNotAllowed):
        answer.headers["Allow"] = ", ".join(_methods(request))
    return answer


def _methods(request: Request) -> list[str]:
    """What the address takes. Each route knows of its own method only."""
    document = request.app.openapi()
    path = request.url.path
    return sorted(
        {
            method.upper()
            for template, methods in document["paths"].items()
            if compile_path(template)[0].fullmatch(path)
            for method in methods
        }
    )


async def _gone(request: Request, error: Exception) -> Response:
    """Nobody is there to read it."""
    return Response(status_code=499)
