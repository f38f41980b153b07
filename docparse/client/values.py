"""What a service says, as values. What it says beyond that is left for newer clients; what is missing is an error."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from docparse.api.job import ENDED, EventKind, Kind, PageState, State
from docparse.document import Page, Status
from docparse.errors import DocparseError, SchemaError, ServiceError, all_errors
from docparse.json_place import Place

T = TypeVar("T")
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PageStatus:
    """A page of a job. ``status`` is None until it was read; ``reasons``: (code, message) of what is wrong with it."""

    number: int
    state: PageState
    status: Status | None = None
    reasons: tuple[tuple[str, str], ...] = ()
    confidence: float | None = None
    engine: str = ""
    seconds: float | None = None
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A job as it was when the service was asked.

    pages       those that will be read; None until the file was opened; ``pages_read`` of them are read
    position    jobs that are served before it
    verdicts    pages that were read, by their status
    error       why it failed
    expires     when the service removes it
    """

    id: str
    kind: Kind
    state: State
    name: str
    sha256: str
    pages: int | None
    pages_read: int
    position: int = 0
    verdicts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    error: DocparseError | None = None
    created: datetime.datetime | None = None
    expires: datetime.datetime | None = None

    @property
    def over(self) -> bool:
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class JobEvent:
    """Something that happened to a job; ``number`` counts from 1.

    kind      ``state``: it is in another ``state``; ``opened``: it has so many ``pages``; ``page``: one was read
    content   the page itself, where it was asked for
    """

    number: int
    kind: EventKind
    state: State | None = None
    pages: int | None = None
    page: PageStatus | None = None
    content: Page | None = None

    @property
    def last(self) -> bool:
        """Whether the job is over."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """An engine of the service. ``reason``: why it is not there, or why it is the default; ``answers``: it can be
    asked questions about a page."""

    name: str
    available: bool
    default: bool
    reason: str = ""
    model: str = ""
    answers: bool = False


@dataclass(frozen=True, slots=True)
class SchemaInfo:
    """A schema that the service knows. ``use``: ``extract``, or ``answer`` for those of its own answers."""

    name: str
    use: Literal["extract", "answer"]
    title: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """A result in one format."""

    data: bytes
    media_type: str

    @property
    def text(self) -> str:
        """Raises ``ServiceError`` where it is not text."""
        try:
            return self.data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ServiceError(f"the result ({self.media_type}) is not text.") from error


# ------------------------------------------------------------------------------------ from JSON


def loaded(data: bytes, make: Callable[[Place], T]) -> T:
    """What ``make`` makes of an answer. Raises ``ServiceError`` where it is none of a docparse service."""
    try:
        return make(Place(json.loads(data), ""))
    except (ValueError, RecursionError, SchemaError) as error:
        said = str(error) if isinstance(error, SchemaError) else "it is not JSON"
        raise ServiceError(
            f"the answer is none of a docparse service ({said.rstrip('.')}).", hint="Is that its address?"
        ) from error


def job_status(at: Place) -> JobStatus:
    file, pages = at.get("file"), at.get("pages")
    error = at.data.get("error")
    return JobStatus(
        id=at.text("id", None),
        kind=at.choice("kind", None),
        state=at.choice("state", None),
        name=file.text("name"),
        sha256=file.text("sha256"),
        pages=pages.maybe_integer("total"),
        pages_read=pages.integer("read", 0),
        position=at.integer("position", 0),
        verdicts=MappingProxyType({key: value for key, value in at.get("verdicts").data.items() if value}),
        error=None if error is None else error_of(at.get("error"), file=file.text("name")),
        created=_time(at.text("created")),
        expires=_time(at.text("expires")),
    )


def page_status(at: Place) -> PageStatus:
    return PageStatus(
        number=at.integer("number"),
        state=at.choice("state", "read"),
        status=at.data.get("status"),
        reasons=tuple((reason.text("code"), reason.text("message")) for reason in at.items("reasons")),
        confidence=at.maybe_number("confidence"),
        engine=at.text("engine"),
        seconds=at.maybe_number("seconds"),
        attempt=at.integer("attempt", 1),
    )


def job_event(at: Place) -> JobEvent:
    return JobEvent(
        number=at.integer("number"),
        kind=at.choice("event", None),
        state=at.data.get("state"),
        pages=at.maybe_integer("pages"),
        page=None if at.data.get("page") is None else page_status(at.get("page")),
        content=None if at.data.get("content") is None else page_of(at.data["content"]),
    )


def page_of(data: object) -> Page:
    """A page as it stands in a document's JSON."""
    from docparse.json_form import from_dict

    (page,) = from_dict({"pages": [data]}).pages
    return page


def engine_status(at: Place) -> EngineStatus:
    return EngineStatus(
        name=at.text("name", None),
        available=at.boolean("available"),
        default=at.boolean("default"),
        reason=at.text("reason"),
        model=at.text("model"),
        answers=at.boolean("answers"),
    )


def schema_info(at: Place) -> SchemaInfo:
    return SchemaInfo(at.text("name", None), at.choice("use", "extract"), at.text("title"), at.text("description"))


def _time(text: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


# ------------------------------------------------------------------------------------ errors


def error_of(at: Place, *, file: str | None = None, request_id: str = "") -> DocparseError:
    """The error that a service speaks of, as the class that has its code; that of its group for a code that this
    docparse does not know."""
    code, message = at.text("code", None), at.text("message", "the service gives no reason.")
    details = at.get("details")
    page, hint = details.data.get("page"), details.data.get("hint")
    if not hint and code == DocparseError.code and request_id:
        hint = f"Its log has more under {request_id}."
    named = details.data.get("file")
    error = _kind(code)(
        message,
        file=str(named) if named else file,
        page=page if isinstance(page, int) else None,
        hint=str(hint) if hint else None,
    )
    fields = [(field.text("where"), field.text("message")) for field in details.items("fields")]
    wait = details.maybe_number("retry_after")
    for name, value in (("fields", fields), ("retry_after", wait)):
        if value and hasattr(error, name):
            setattr(error, name, value)
    return error


def _kind(code: str) -> type[DocparseError]:
    known = {kind.code: kind for kind in all_errors()}
    if code in known:
        return known[code]
    group = code.partition(".")[0]
    return next((kind for name, kind in known.items() if name.partition(".")[0] == group), DocparseError)
