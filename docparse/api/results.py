"""Results as they are sent."""

from __future__ import annotations

from starlette.responses import Response

from docparse.api.headers import RESULT_POLICY, attachment
from docparse.api.ports import Result


def result_answer(result: Result, headers: dict[str, str] | None = None) -> Response:
    """A result as a file to save; in a browser it runs nothing and loads nothing."""
    kind = result.media_type
    if kind.startswith("text/") and "charset" not in kind:
        kind = f"{kind}; charset=utf-8"
    return Response(
        result.data,
        headers={
            "Content-Type": kind,
            "Content-Disposition": attachment(result.filename),
            "Content-Security-Policy": RESULT_POLICY,
            **(headers or {}),
        },
    )
