"""A docparse service, asked from Python.

    import docparse
    with docparse.Client("http://localhost:8000", api_key="docparse_...") as client:
        document = client.parse("report.pdf")
        found = client.extract("invoice.pdf", "invoice")
        job = client.submit("long.pdf")
        for event in job.events(): print(event.kind, event.page)
        open("long.md", "wb").write(job.result("md").data)

``AsyncClient`` is the same with ``await``. What the service refuses is raised here as the error that it is in
docparse, by its code. Lost connections, and a service that has too much to do, are met with patience.

values.py        what comes back: jobs, pages, events, engines, schemas, results
wire.py          a request, its answer, and whether to send it again; no socket
operations.py    each call as steps, which both clients take
following.py     a job's events over connections that may break
sync.py          Client; asynchronous.py: AsyncClient

Importing this imports no httpx: that happens when a client is made (pip install 'docparse[remote]').
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docparse.client.asynchronous import AsyncClient, AsyncJob
    from docparse.client.sync import Client, Job
    from docparse.client.values import EngineStatus, JobEvent, JobStatus, PageStatus, Result, SchemaInfo

__all__ = [
    "AsyncClient",
    "AsyncJob",
    "Client",
    "EngineStatus",
    "Job",
    "JobEvent",
    "JobStatus",
    "PageStatus",
    "Result",
    "SchemaInfo",
]

_LATER = {
    "AsyncClient": "docparse.client.asynchronous",
    "AsyncJob": "docparse.client.asynchronous",
    "Client": "docparse.client.sync",
    "EngineStatus": "docparse.client.values",
    "Job": "docparse.client.sync",
    "JobEvent": "docparse.client.values",
    "JobStatus": "docparse.client.values",
    "PageStatus": "docparse.client.values",
    "Result": "docparse.client.values",
    "SchemaInfo": "docparse.client.values",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        import importlib

        return getattr(importlib.import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
