"""What the service answers with, besides documents and fields, which have schemas of their own.

Every answer is one of these models, so that OpenAPI names its parts; ``answered`` makes them. Times are UTC.
"""

from __future__ import annotations

import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from docparse.api.job import Kind, PageState, State
from docparse.document import Severity, Status


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Wrong(_Answer):
    """One part of a request that cannot be taken."""

    where: str = Field(description="Its name: query.dpi, body.pages")
    message: str = Field(description="What is wrong with it")


class ErrorDetails(_Answer):
    """What a program wants to know of an error. Parts that do not apply are left out."""

    file: str | None = Field(None, description="Name of the file that it is about")
    page: int | None = Field(None, description="Page of the file, from 1")
    hint: str | None = Field(None, description="What to do about it")
    fields: list[Wrong] | None = Field(None, description="Parts of the request that cannot be taken")
    retry_after: float | None = Field(None, description="Seconds after which the request may be sent again")


class ErrorBody(_Answer):
    code: str = Field(
        description="Stable name of the kind of error; see `docparse schema --issues`", pattern=r"^[a-z]+\.[a-z_]+$"
    )
    message: str = Field(description="One sentence for a person")
    details: ErrorDetails = Field(default_factory=lambda: ErrorDetails.model_construct())


class ErrorAnswer(_Answer):
    """The one shape of an error."""

    error: ErrorBody
    request_id: str = Field("", description="Names the request in the service's log")


class FileAnswer(_Answer):
    """The file of a job."""

    name: str = Field(description="As the client called it")
    bytes: int = Field(ge=0)
    sha256: str
    media_type: str = Field(description="By its first bytes")


class Progress(_Answer):
    """Pages of a job."""

    total: int | None = Field(description="Pages that will be read; null until the file was opened")
    read: int = Field(ge=0)


class Verdicts(_Answer):
    """Pages that were read, by how far they can be trusted."""

    ok: int = 0
    repaired: int = 0
    partial: int = 0
    fallback: int = 0
    failed: int = 0


class ReadingOf(_Answer):
    """What a job is a reading of, that reads a page of another job once more."""

    job: str = Field(description="Id of that job")
    page: int = Field(ge=1)
    bbox: tuple[float, float, float, float] | None = Field(
        description="The region that is read, in pixels of the page as that job has it; null: all of it"
    )
    dpi: float | None = Field(description="Resolution that was asked for; null: native")
    prompt: str = Field(description="What the model is asked; empty: as usual")


class JobSummary(_Answer):
    """A job in a list."""

    id: str = Field(description="Random; says nothing")
    kind: Kind
    state: State
    file: FileAnswer
    pages: Progress
    engine: str = Field(description="Engine that was asked for; empty for the operator's choice")
    fields_schema: str | None = Field(None, description="Of an extraction: name or title of its schema")
    created: datetime.datetime
    updated: datetime.datetime
    started: datetime.datetime | None = None
    ended: datetime.datetime | None = None
    expires: datetime.datetime | None = Field(None, description="When it will be removed with its results")
    error: ErrorBody | None = Field(None, description="Why it failed")
    reading: ReadingOf | None = Field(None, description="Of a job that reads a page of another one once more")


class JobAnswer(JobSummary):
    """A job."""

    verdicts: Verdicts
    position: int = Field(ge=0, description="Jobs that are served before it; 0 for one that runs or is over")
    events: str = Field(description="Path of its events, as a stream")
    result: str = Field(description="Path of its result")


class JobList(_Answer):
    """Jobs, newest first."""

    jobs: list[JobSummary]
    next: str | None = Field(description="Send it as `cursor` for the jobs after these; null: there are none")


class Reason(_Answer):
    """An issue of a page."""

    code: str = Field(description="Stable name; see `docparse schema --issues`")
    message: str


class PageAnswer(_Answer):
    """A page of a job."""

    number: int = Field(ge=1)
    state: PageState
    status: Status | None = Field(None, description="How far it can be trusted; null until it was read")
    reasons: list[Reason] = Field(default_factory=list, description="Why it is not ok")
    confidence: float | None = Field(None, ge=0, le=1)
    engine: str = Field("", description="Engine that read it")
    seconds: float | None = Field(None, description="How long that took")
    attempt: int = Field(1, ge=1, description="Readings that were asked for")


class ChangeAnswer(_Answer):
    """What became of one element, between two readings of a page."""

    change: Literal["same", "changed", "added", "removed", "moved"] = Field(
        description="moved: the same, elsewhere on the page or in the reading order; changed: says something else, or "
        "is of another kind or form"
    )
    block: str | None = Field(description="Id in this page; null where it was added")
    other: str | None = Field(description="Id in the other reading; null where it was removed")
    similarity: float = Field(ge=0, le=1, description="Of the texts; 1 only where they are the same")
    pieces: list[tuple[Literal["=", "-", "+"], str]] = Field(
        description="Of a changed element, its text by words: = in both, - in this page, + in the other reading"
    )


class ReadingAnswer(_Answer):
    """Another reading of a page, compared with the page as it stands."""

    page: dict[str, JsonValue] = Field(description="The page as read again, in pixels of this page's image")
    changes: list[ChangeAnswer] = Field(description="In the order of this page")


class PageList(_Answer):
    """The pages of a job, in order; none until its file was opened."""

    pages: list[PageAnswer]


class EventAnswer(_Answer):
    """The data of an event. `opened`: the file is open, its pages are counted. `page`: a page was read.
    `state`: the job is in another state; after one that is `done`, `failed` or `cancelled` the stream ends."""

    event: Literal["state", "opened", "page"]
    number: int = Field(ge=1, description="Counts the job's events, without a gap; also the id of the event")
    at: datetime.datetime
    state: State | None = None
    pages: int | None = Field(None, description="opened: pages that will be read")
    page: PageAnswer | None = None
    content: dict[str, JsonValue] | None = Field(
        None, description="page, where `content=true` was asked for: the page as in the document's JSON"
    )


class EngineAnswer(_Answer):
    """An engine."""

    name: str
    available: bool
    default: bool = Field(description="It reads where no engine is asked for")
    reason: str = Field(description="Why it is not available, or why it is the default")
    model: str = Field(description="Its model; empty if it has none")
    answers: bool = Field(description="Questions about a page can be put to it (`/v1/ground`)")


class EngineList(_Answer):
    engines: list[EngineAnswer]


class SchemaSummary(_Answer):
    """A schema that fields can be extracted with, or one of docparse's own answers."""

    name: str
    use: Literal["extract", "answer"] = Field(
        description="extract: send its name as `schema`; answer: it describes what the service answers with"
    )
    title: str
    description: str


class SchemaList(_Answer):
    schemas: list[SchemaSummary]


class JsonSchema(BaseModel):
    """A JSON Schema (2020-12)."""

    model_config = ConfigDict(extra="allow", populate_by_name=True, serialize_by_alias=True)
    __pydantic_extra__: dict[str, JsonValue]

    dialect: str | None = Field(None, alias="$schema")
    title: str | None = None
    description: str | None = None
    type: str | list[str] | None = None
    properties: dict[str, JsonValue] | None = None
    required: list[str] | None = None
    definitions: dict[str, JsonValue] | None = Field(None, alias="$defs")


class PlaceAnswer(_Answer):
    """A place on a page, in pixels of its image, origin top left. It has a box or a point."""

    label: str
    bbox: tuple[float, float, float, float] | None
    point: tuple[float, float] | None
    confidence: float | None


class IssueAnswer(_Answer):
    code: str
    message: str
    severity: Severity


class GroundAnswer(_Answer):
    """What a model says to a question about a page."""

    page: int
    width: int = Field(description="Of the page image, in pixels")
    height: int
    question: str
    region: tuple[float, float, float, float] | None = Field(description="The part that was asked about; null: all")
    answer: str = Field(description="The model's answer as it stands")
    places: list[PlaceAnswer]
    issues: list[IssueAnswer]


class EvidenceAnswer(_Answer):
    """What was seen on a page, beside what was read on it."""

    words: list[tuple[str, float, float, float, float, bool]] | None = Field(
        description="Text, box (x1, y1, x2, y2: pixels of the page), whether an element covers it; "
        "null where nobody knows the words"
    )
    unsupported: dict[str, list[tuple[int, int]]] = Field(
        description="By the id of a block, or of an item of a list: stretches of its text that are nowhere on the "
        "page; from and to, in Unicode code points. The text of a table is its rows, their cells joined by tabs"
    )
    by_person: dict[str, list[tuple[int, int]]] = Field(
        description="Those stretches of `unsupported` that a person wrote, in a correction"
    )


class PageText(_Answer):
    """A page in a format of text."""

    to: Literal["markdown", "html", "text", "json"]
    text: str
    spans: list[tuple[str, int, int]] = Field(
        description="Id of a block, and the part of `text` that it became: from and to, in Unicode code points"
    )


class Health(_Answer):
    """The process answers."""

    status: Literal["ok"] = "ok"
    version: str


class Readiness(_Answer):
    """Whether requests can be served. Parts: the store, the disk, the engine."""

    ready: bool
    parts: dict[str, Literal["ok", "failed"]]
