"""The values of the service as what it answers with (``answers``)."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable
from typing import Any

from docparse.api.answers import (
    ChangeAnswer,
    EngineAnswer,
    ErrorBody,
    ErrorDetails,
    EventAnswer,
    EvidenceAnswer,
    FileAnswer,
    GroundAnswer,
    JobAnswer,
    JobSummary,
    PageAnswer,
    Progress,
    ReadingAnswer,
    ReadingOf,
    Reason,
    Verdicts,
)
from docparse.api.evidence import Evidence
from docparse.api.job import Event, Job, JobSpec, PageRecord, Upload
from docparse.api.ports import EngineState, Reading
from docparse.document import Document
from docparse.grounding import Grounding
from docparse.json_form import to_dict
from docparse.qwenvl_html import write_block


def job_summary(job: Job) -> JobSummary:
    return JobSummary(**_summary(job))


def job_answer(job: Job, pages: Iterable[PageRecord], position: int) -> JobAnswer:
    found = Counter(str(page.status) for page in pages if page.status is not None)
    return JobAnswer(
        **_summary(job),
        verdicts=Verdicts(**found),
        position=position,
        events=f"/v1/jobs/{job.id}/events",
        result=f"/v1/jobs/{job.id}/result",
    )


def _summary(job: Job) -> dict[str, Any]:
    failure = job.failure
    return {
        "id": job.id,
        "kind": job.spec.kind,
        "state": job.state,
        "file": file_answer(job.upload),
        "pages": Progress(total=job.num_pages, read=job.pages_read),
        "engine": job.spec.engine,
        "fields_schema": _schema_name(job.spec.schema),
        "created": _time(job.created),
        "updated": _time(job.updated),
        "started": _maybe(job.started),
        "ended": _maybe(job.ended),
        "expires": _maybe(job.expires),
        "error": None if failure is None else error_body(failure.code, failure.message, failure.details),
        "reading": _reading_of(job.spec),
    }


def _reading_of(spec: JobSpec) -> ReadingOf | None:
    if spec.of is None:
        return None
    return ReadingOf(job=spec.of, page=int(spec.pages or 0), bbox=spec.region, dpi=spec.dpi, prompt=spec.prompt)


def _schema_name(schema: str | dict[str, Any] | None) -> str | None:
    if isinstance(schema, dict):
        return str(schema.get("title") or "schema")[:200]
    return schema


def file_answer(upload: Upload) -> FileAnswer:
    return FileAnswer(name=upload.name, bytes=upload.bytes, sha256=upload.sha256, media_type=upload.media_type)


def error_body(code: str, message: str, details: dict[str, Any]) -> ErrorBody:
    """Only what the model knows: what else an error says is not for clients."""
    known = {key: details[key] for key in ErrorDetails.model_fields if details.get(key) is not None}
    return ErrorBody(code=code, message=message, details=ErrorDetails(**known))


def page_answer(page: PageRecord) -> PageAnswer:
    return PageAnswer(
        number=page.number,
        state=page.state,
        status=page.status,
        reasons=[Reason(code=code, message=message) for code, message in page.reasons],
        confidence=page.confidence,
        engine=page.engine,
        seconds=page.seconds,
        attempt=page.attempt,
    )


def reading_answer(found: Reading) -> ReadingAnswer:
    (page,) = to_dict(Document((found.page,)), html=write_block)["pages"]
    changes = [
        ChangeAnswer(
            change=each.change,
            block=each.block,
            other=each.other,
            similarity=each.similarity,
            pieces=list(each.pieces),
        )
        for each in found.changes
    ]
    return ReadingAnswer(page=page, changes=changes)


def event_answer(event: Event, content: dict[str, Any] | None = None) -> EventAnswer:
    return EventAnswer(
        event=event.kind,
        number=event.number,
        at=_time(event.at),
        state=event.state,
        pages=event.num_pages,
        page=None if event.page is None else page_answer(event.page),
        content=content,
    )


def engine_answer(engine: EngineState) -> EngineAnswer:
    return EngineAnswer(
        name=engine.name,
        available=engine.available,
        default=engine.default,
        reason=engine.reason,
        model=engine.model,
        answers=engine.answers,
    )


def ground_answer(found: Grounding) -> GroundAnswer:
    return GroundAnswer.model_validate(found.to_dict())


def evidence_answer(found: Evidence) -> EvidenceAnswer:
    words = None if found.words is None else list(found.words)
    unsupported, by_person = (
        {id: list(each) for id, each in which.items()} for which in (found.unsupported, found.by_person)
    )
    return EvidenceAnswer(words=words, unsupported=unsupported, by_person=by_person)


def _time(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def _maybe(seconds: float | None) -> datetime.datetime | None:
    return None if seconds is None else _time(seconds)
