"""Errors as answers: the status of each code, and the one shape."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from docparse.api.answered import error_body
from docparse.api.answers import ErrorAnswer
from docparse.api.job import Failure
from docparse.errors import DocparseError, LimitError, MethodNotAllowed, RequestError, RouteNotFound

STATUS: Mapping[str, int] = {
    "docparse.failed": 500,
    "source.unsupported": 415,
    "source.too_large": 413,
    "source.": 422,
    "range.": 422,
    "engine.unavailable": 409,
    "engine.timeout": 504,
    "engine.out_of_memory": 503,
    "engine.": 502,
    "schema.": 422,
    "output.in_use": 409,
    "output.": 507,
    "export.": 422,
    "settings.": 422,
    "job.not_found": 404,
    "job.queue_full": 429,
    "job.idempotency": 422,
    "job.store": 503,
    "job.": 409,
    "request.too_large": 413,
    "request.too_slow": 408,
    "request.media_type": 415,
    "request.not_found": 404,
    "request.method": 405,
    "request.": 422,
    "access.key_": 401,
    "access.host": 421,
    "access.": 403,
    "limit.": 429,
}
"""By the longest beginning of a code that is here."""
AGAIN: Mapping[int, float] = {429: 5.0, 503: 5.0}
"""Seconds after which a client may try again, where the error does not say."""
_MOST_WRONG = 20


def status_of(code: str) -> int:
    best = max((start for start in STATUS if code.startswith(start)), key=len, default="")
    return STATUS.get(best, 500)


def answer(error: DocparseError, *, request_id: str = "") -> Response:
    """An error as it is sent."""
    wait = error.retry_after if isinstance(error, LimitError) else None
    return _response(error.code, error.message, dict(error.details()), wait, request_id)


def failure_answer(failure: Failure, *, request_id: str = "") -> Response:
    """Why a job failed, to somebody who waited for it."""
    return _response(failure.code, failure.message, failure.details, None, request_id)


def _response(code: str, message: str, details: dict[str, Any], wait: float | None, request_id: str) -> Response:
    status = status_of(code)
    wait = AGAIN.get(status) if wait is None else wait
    headers = {}
    if wait is not None:
        details = {**details, "retry_after": round(wait, 3)}
        headers["Retry-After"] = str(max(1, math.ceil(wait)))
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="docparse"'
    body = ErrorAnswer(error=error_body(code, message, details), request_id=request_id)
    # What was left out, not what is null, is not there: nothing in an error is null.
    text = body.model_dump_json(exclude_none=True)
    return Response(text, status, headers, media_type="application/json")


def from_validation(error: RequestValidationError | ValidationError, *, where: str = "") -> RequestError:
    """What pydantic does not take, without the values: they may be a password, or a document."""
    found = [
        (".".join([*([where] if where else []), *map(_shown, each["loc"])])[:200], str(each["msg"])[:500])
        for each in list(error.errors())[:_MOST_WRONG]
    ]
    named = ", ".join(dict.fromkeys(name for name, _ in found))
    problem = RequestError(f"the request cannot be taken: {found[0][1]} ({named}).")
    problem.fields = found
    return problem


def _shown(part: str | int) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in str(part)[:80])


def from_http(error: HTTPException) -> DocparseError:
    """Starlette's own errors: there is no such route, or not with this method."""
    if error.status_code == 405:
        return MethodNotAllowed("this address takes other methods.", hint="See the header Allow.")
    if error.status_code == 404:
        return RouteNotFound("there is nothing at this address.", hint="See /openapi.json for what there is.")
    return RequestError("the request cannot be taken.")
