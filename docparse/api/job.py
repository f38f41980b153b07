"""Jobs as values: what is asked for, how far it is, what happened. Standard library only.

A job belongs to an owner, the key that it was sent with; nobody else can see that it is there. Its id is
random and says nothing. Times are seconds since 1970, UTC.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any, Literal

from docparse.document import Status

Kind = Literal["parse", "extract"]
State = Literal["queued", "running", "done", "failed", "cancelled"]
STATES: tuple[State, ...] = ("queued", "running", "done", "failed", "cancelled")
ENDED: frozenset[State] = frozenset({"done", "failed", "cancelled"})
PageState = Literal["waiting", "reading", "read"]
EventKind = Literal["state", "opened", "page"]

URGENT, USUAL, BULK = 0, 1, 2
"""Priorities: somebody waits for it; a job; many of them. Within one, clients take turns."""


def new_id() -> str:
    """128 random bits, safe in URLs and file names."""
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What a client asks for. Whatever it says was checked where it came in.

    engine    a name, or '' for the operator's choice
    pages     like ``1-5,8,r3-r1``; None: all
    dpi       None: native resolution
    schema    of an extraction: a name, or a JSON Schema
    formats   results that are made when the job ends; others are made when they are asked for

    Of a job that reads a page of another job again (``readings``):

    of         the id of that job
    region     the part of the page that is read, in pixels of its image as it was read first; None: all of it
    page_size  width and height of that image
    prompt     what a model is asked, by name or in words; '' as usual
    """

    kind: Kind = "parse"
    engine: str = ""
    pages: str | None = None
    dpi: float | None = None
    password: str | None = None
    schema: str | dict[str, Any] | None = None
    formats: tuple[str, ...] = ()
    webhook: str | None = None
    of: str | None = None
    region: tuple[float, float, float, float] | None = None
    page_size: tuple[int, int] | None = None
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it lies in the data directory. ``name`` is the client's word for it: shown, never a path."""

    key: str
    name: str
    bytes: int
    sha256: str
    media_type: str


@dataclass(frozen=True, slots=True)
class PageRecord:
    """One page of a job. ``attempt`` counts the readings that a client asked for, from 1.

    Of a page that waits to be read again, ``engine`` and ``dpi`` are those that were asked for, if any.
    """

    number: int
    state: PageState = "waiting"
    status: Status | None = None
    reasons: tuple[tuple[str, str], ...] = ()
    confidence: float | None = None
    engine: str = ""
    seconds: float | None = None
    attempt: int = 1
    dpi: float | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job failed: an error of docparse's, by its stable code."""

    code: str
    message: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the store knows it. ``num_pages``: those that will be read; None until the file was opened.

    ``turn``: given by the store, so that clients of one priority take turns; the lower one is served first.
    """

    id: str
    owner: str
    spec: JobSpec
    upload: Upload
    priority: int = USUAL
    state: State = "queued"
    created: float = 0.0
    updated: float = 0.0
    started: float | None = None
    ended: float | None = None
    expires: float | None = None
    num_pages: int | None = None
    pages_read: int = 0
    failure: Failure | None = None
    idempotency_key: str | None = None
    turn: int = 0

    @property
    def over(self) -> bool:
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a job. ``number`` counts a job's events from 1, without a gap."""

    job: str
    number: int
    kind: EventKind
    at: float
    state: State | None = None
    page: PageRecord | None = None
    num_pages: int | None = None
