"""Jobs, pages and events as flat fields and JSON text: what the stores write, whichever they are.

Fields that a newer docparse wrote and this one does not know are left out on the way back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from docparse.api.job import Event, Failure, Job, JobSpec, PageRecord, Upload
from docparse.errors import IdempotencyMismatch, StoreUnavailable

PLAIN = (
    "id",
    "owner",
    "priority",
    "state",
    "created",
    "updated",
    "started",
    "ended",
    "expires",
    "num_pages",
    "pages_read",
    "idempotency_key",
    "turn",
)
"""Fields of a job that are numbers and strings. ``spec``, ``upload`` and ``failure`` are JSON."""

Record = JobSpec | Upload | Failure | PageRecord


def pack(record: Record) -> str:
    """As JSON text, ASCII only: file names may hold what UTF-8 cannot say."""
    return json.dumps(asdict(record), separators=(",", ":"))


def job_fields(job: Job) -> dict[str, Any]:
    """A job as numbers, strings and None."""
    plain = {name: getattr(job, name) for name in PLAIN}
    failure = None if job.failure is None else pack(job.failure)
    return {**plain, "spec": pack(job.spec), "upload": pack(job.upload), "failure": failure}


def job_of(row: Mapping[str, Any]) -> Job:
    """The job that ``job_fields`` wrote."""
    try:
        spec = _known(JobSpec, json.loads(row["spec"]))
        arrays = {name: tuple(spec[name]) for name in ("formats", "region", "page_size") if spec.get(name) is not None}
        failure = row["failure"]
        return Job(
            **{name: row[name] for name in PLAIN},
            spec=JobSpec(**{**spec, **arrays}),
            upload=Upload(**_known(Upload, json.loads(row["upload"]))),
            failure=None if failure is None else Failure(**_known(Failure, json.loads(failure))),
        )
    except (ValueError, TypeError, KeyError) as error:
        raise StoreUnavailable(f"a job in the store cannot be read ({error}).") from error


def page_of(text: str | bytes) -> PageRecord:
    parts = _known(PageRecord, json.loads(text))
    reasons = tuple((code, message) for code, message in parts.pop("reasons", ()))
    return PageRecord(**parts, reasons=reasons)


def event_of(job: str, number: int, kind: Any, at: float, body: str | bytes) -> Event:
    """``body``: a state, the number of pages or a page, as ``kind`` says."""
    if kind == "page":
        return Event(job, number, kind, at, page=page_of(body))
    value = json.loads(body)
    return (
        Event(job, number, kind, at, state=value) if kind == "state" else Event(job, number, kind, at, num_pages=value)
    )


def same_request(earlier: Job, later: Job) -> Job:
    """The earlier of two jobs with one idempotency key. Raises ``IdempotencyMismatch`` where they are not the same."""
    if (earlier.upload.sha256, earlier.spec) != (later.upload.sha256, later.spec):
        what = "something else" if earlier.upload.sha256 == later.upload.sha256 else "another file"
        raise IdempotencyMismatch(
            f"this idempotency key belongs to a request for {what}.", hint="Send a new key with each new request."
        )
    return earlier


def supersedes(told: PageRecord, known: PageRecord) -> bool:
    """Whether what is told of a page is news. What was read stays; a reading that is no longer wanted is not."""
    if told.attempt != known.attempt:
        return told.attempt > known.attempt
    return known.state != "read" and told != known


def _known(kind: type[Record], parts: dict[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in parts.items() if name in names}
