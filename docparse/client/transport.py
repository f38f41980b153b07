"""The one place that knows httpx, which is not there without an extra: requests and answers as it has them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from docparse.client.wire import Answer, Call, Fault, Service
from docparse.errors import ServiceUnreachable

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS = 10.0
KEEP_SECONDS = 4.0
"""Idle connections are closed before the service does it: uvicorn's limit is 5 s."""


def client(service: Service, timeout: float) -> httpx.Client:
    """Raises ``ServiceUnreachable`` where httpx is not installed."""
    _check_installed()
    import httpx

    return httpx.Client(**_how(service, timeout))


def async_client(service: Service, timeout: float) -> httpx.AsyncClient:
    """As ``client``."""
    _check_installed()
    import httpx

    return httpx.AsyncClient(**_how(service, timeout))


def _check_installed() -> None:
    try:
        import httpx  # noqa: F401
    except ImportError as missing:
        raise ServiceUnreachable(
            "asking a docparse service needs the package httpx, which is not installed.",
            hint="Run pip install 'docparse[remote]'.",
        ) from missing


def _how(service: Service, timeout: float) -> dict[str, Any]:
    import httpx

    return {
        "base_url": service.url,
        "headers": service.headers(),
        "timeout": httpx.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS), pool=None),
        "limits": httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=KEEP_SECONDS),
        # A proxy of the network is no way to this machine.
        "trust_env": httpx.URL(service.url).host not in ("localhost", "127.0.0.1", "::1"),
        "follow_redirects": False,  # nobody else is shown the key
    }


@contextlib.contextmanager
def body(call: Call) -> Iterator[dict[str, Any]]:
    """What a request carries, while it is sent. Its file is opened anew each time."""
    if call.file is None:
        yield {} if call.json is None else {"json": call.json}
        return
    with call.file.open() as stream:
        yield {"data": dict(call.form), "files": {"file": (call.file.name, stream, "application/octet-stream")}}


def request(http: httpx.Client | httpx.AsyncClient, call: Call, body: dict[str, Any]) -> httpx.Request:
    import httpx

    more: dict[str, Any] = {}
    if call.seconds is not None:
        more["timeout"] = httpx.Timeout(call.seconds, connect=min(call.seconds, CONNECT_SECONDS), pool=None)
    return http.build_request(call.method, call.path, params=dict(call.params), headers=call.headers, **body, **more)


def answer(response: httpx.Response) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, response.content)


def fault(error: Exception) -> Fault | None:
    """What an exception of httpx means; None for one that is not of httpx."""
    import httpx

    if not isinstance(error, httpx.HTTPError | httpx.InvalidURL | httpx.StreamError):
        return None
    reason = str(error) or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in reason or isinstance(
        error, httpx.InvalidURL | httpx.UnsupportedProtocol | httpx.LocalProtocolError | httpx.DecodingError
    ):
        return Fault("never", reason, sent=True)
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return Fault("connection", reason, sent=False)
    if isinstance(error, httpx.TimeoutException):
        return Fault("timeout", reason, sent=True)
    return Fault("connection", reason, sent=True)
