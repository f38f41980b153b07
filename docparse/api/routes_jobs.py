"""Jobs: made, looked at, followed, fetched, ended, forgotten."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse

from docparse.api import asked, sse
from docparse.api.answered import event_answer, job_summary, page_answer
from docparse.api.answers import EventAnswer, JobAnswer, JobList, PageList
from docparse.api.desk import AtDesk, Desk, Owner
from docparse.api.job import BULK, USUAL, Event
from docparse.api.openapi import RETRY_BODY, body, document_page, errors, event_stream, job_accepted, results
from docparse.api.results import result_answer
from docparse.api.routes_documents import REFUSED, IdempotencyKey, accepted, described
from docparse.api.upload import SHORT_JSON, read_json, receive
from docparse.errors import DocparseError, JobNotFound, PageRangeError
from docparse.selection import Selection

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

_ID = "^[0-9a-f]{32}$"
OURS = errors(401, 403, 404, 421, 422, 429, 500, 503)


async def _job_id(
    id: Annotated[str, Path(description="Of the job", json_schema_extra={"pattern": _ID}, examples=["0" * 32])],
) -> str:
    # Nobody has such a job: whether it could be one is not worth an answer of its own.
    if not re.fullmatch(_ID, id):
        raise JobNotFound("there is no such job.")
    return id


async def _number(
    number: Annotated[int, Path(ge=1, le=10**9, description="Of the page, from 1")],
) -> int:
    return number


async def _reading_id(
    reading: Annotated[
        str, Path(description="Of the job that is the reading", json_schema_extra={"pattern": _ID}, examples=["0" * 32])
    ],
) -> str:
    return await _job_id(reading)


JobId = Annotated[str, Depends(_job_id)]
ReadingId = Annotated[str, Depends(_reading_id)]
PageNumber = Annotated[int, Depends(_number)]


@router.post(
    "",
    summary="Make a job",
    status_code=202,
    response_class=Response,
    responses={202: job_accepted(), **REFUSED},
    openapi_extra={"requestBody": body("Job")},
)
async def make(
    request: Request,
    desk: AtDesk,
    owner: Owner,
    query: Annotated[asked.JobQuery, Query()],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """A document to be read when it is its turn; with `schema`, its fields too."""
    service, config = desk.service, desk.config
    if query.definition is not None:
        asked.schema_for(query.definition, config)
    await service.room(owner=owner)
    with desk.upload(owner):
        fields, upload = await receive(request, service, config, asked.JobFields, asked.JobJson, owner=owner)
    desk.metrics.upload_bytes.inc(upload.bytes)
    try:
        fields = asked.combined(fields, query)
        schema = await asyncio.to_thread(asked.schema_for, fields.definition, config)
        kind: Literal["parse", "extract"] = "parse" if schema is None else "extract"
        for name in fields.to or ():
            asked.check_result(name, kind)
        webhook = asked.check_webhook(fields.webhook, config)
        spec = asked.spec(fields, kind=kind, schema=schema, formats=fields.to or (), webhook=webhook)
    except BaseException:
        await asyncio.shield(service.discard(upload, owner=owner))
        raise
    priority = BULK if fields.priority == "bulk" else USUAL
    job = await service.submit(upload, spec, owner=owner, priority=priority, idempotency_key=idempotency_key)
    return await accepted(desk, job, owner=owner)


@router.get("", summary="List jobs", responses=errors(401, 403, 404, 421, 422, 429, 500, 503))
async def listed(
    desk: AtDesk,
    owner: Owner,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(pattern=_ID, description="`next` of the list before")] = None,
    readings: Annotated[bool, Query(description="Those that read a page of another job once more, too")] = False,
) -> JobList:
    """Those of the key that asks, newest first."""
    found = await desk.service.jobs(owner=owner, limit=limit + 1, before=cursor, readings=readings)
    more = len(found) > limit
    return JobList(jobs=[job_summary(job) for job in found[:limit]], next=found[limit - 1].id if more else None)


@router.get("/{id}", summary="Look at a job", responses=OURS)
async def looked_at(desk: AtDesk, owner: Owner, id: JobId) -> JobAnswer:
    return await described(desk, await desk.service.job(id, owner=owner), owner=owner)


@router.delete("/{id}", summary="Remove a job, its file and its results", status_code=204, responses=OURS)
async def removed(desk: AtDesk, owner: Owner, id: JobId) -> None:
    """One that runs is cancelled first."""
    await desk.service.job(id, owner=owner)
    await desk.service.remove(id, owner=owner)


@router.post("/{id}/cancel", summary="Cancel a job", responses=OURS)
async def cancelled(desk: AtDesk, owner: Owner, id: JobId) -> JobAnswer:
    """Pages that were read stay. A job that is over stays as it is."""
    return await described(desk, await desk.service.cancel(id, owner=owner), owner=owner)


@router.get(
    "/{id}/result",
    summary="Fetch a result",
    response_class=Response,
    responses={200: results("json"), **OURS, **errors(409, 413, 415, 502, 504, 507)},
)
async def fetched(
    desk: AtDesk,
    owner: Owner,
    id: JobId,
    to: Annotated[asked.To | None, Query(description="Left out: json, or fields of an extraction")] = None,
    pages: Annotated[asked.Pages | None, Query(description="Of these pages only, as soon as they were read")] = None,
    blocks: Annotated[
        str | None,
        Query(
            max_length=20_000,
            pattern=r"^[A-Za-z0-9_.:-]{1,100}(,[A-Za-z0-9_.:-]{1,100})*$",
            description="Of these blocks only: ids as in the document's JSON, with commas between",
            examples=["p1b2,p1b5"],
        ),
    ] = None,
    as_read: asked.AsRead = False,
) -> Response:
    """Made when it is asked for; that of the whole document is kept. 409 while the job is not over, or the pages are
    not read."""
    job = await desk.service.job(id, owner=owner)
    selection = Selection(pages, tuple(blocks.split(",")) if blocks else ())
    wanted = to or ("fields" if job.spec.kind == "extract" and not selection else "json")
    asked.check_result(wanted, job.spec.kind)
    return result_answer(await desk.service.result(id, wanted, owner=owner, selection=selection, as_read=as_read))


@router.get("/{id}/pages", summary="List a job's pages", responses=OURS)
async def pages(desk: AtDesk, owner: Owner, id: JobId) -> PageList:
    return PageList(pages=[page_answer(page) for page in await desk.service.pages(id, owner=owner)])


@router.get(
    "/{id}/pages/{number}",
    summary="Fetch a page",
    response_class=Response,
    responses={200: document_page(), **OURS, **errors(409)},
)
async def page(desk: AtDesk, owner: Owner, id: JobId, number: PageNumber, as_read: asked.AsRead = False) -> Response:
    """A page as in the document's JSON, as soon as it was read."""
    await check_page(desk, owner, id, number)
    return result_answer(await desk.service.result(id, f"page-{number}", owner=owner, as_read=as_read))


@router.post(
    "/{id}/pages/{number}/retry",
    summary="Read a page again",
    status_code=202,
    response_class=Response,
    responses={202: job_accepted(), **OURS, **errors(400, 408, 409, 413, 415)},
    openapi_extra={"requestBody": RETRY_BODY},
)
async def retried(request: Request, desk: AtDesk, owner: Owner, id: JobId, number: PageNumber) -> Response:
    """With another engine or resolution, where they are said. Results are made anew."""
    await check_page(desk, owner, id, number)
    how = await read_json(request, desk.config, asked.RetryJson, empty=True, most=SHORT_JSON)
    engine = "" if how.engine in (None, "auto") else str(how.engine)
    job = await desk.service.retry(id, number, owner=owner, engine=engine, dpi=how.dpi)
    return await accepted(desk, job, owner=owner)


async def check_page(desk: Desk, owner: str, id: str, number: int) -> None:
    """Raises ``PageRangeError`` for a page that the job does not have, ``JobNotFound``."""
    job = await desk.service.job(id, owner=owner)
    known = await desk.service.pages(id, owner=owner)
    if known and all(page.number != number for page in known):
        raise PageRangeError(f"the job has no page {number}.", file=job.upload.name)


# ------------------------------------------------------------------------------------ events


class EventQuery(BaseModel):
    model_config = {"extra": "forbid"}

    after: Annotated[int, Query(ge=0, le=10**9, description="Number of the last event that is known")] = 0
    content: Annotated[bool, Query(description="Send each page's content with its event")] = False


@router.get(
    "/{id}/events", summary="Follow a job", response_class=StreamingResponse, responses={200: event_stream(), **OURS}
)
async def followed(
    desk: AtDesk,
    owner: Owner,
    id: JobId,
    query: Annotated[EventQuery, Query()],
    last_event_id: Annotated[
        str | None, Header(alias="Last-Event-ID", pattern="^[0-9]{0,9}$", description="Sent by browsers: see `after`")
    ] = None,
) -> StreamingResponse:
    """What happened, then what happens, as it comes (server-sent events), until the job is over. Each event has its
    number as id, so that a client which lost the line goes on where it was."""
    await desk.service.job(id, owner=owner)
    desk.check_streams(owner)
    after = int(last_event_id) if last_event_id else query.after

    async def sent() -> AsyncGenerator[bytes, None]:
        with desk.stream(owner):
            told = _told(desk, owner, id, after, query.content)
            lines = sse.stream(told, heartbeat=desk.config.heartbeat, ending=desk.ending.is_set)
            async with aclosing(told), aclosing(lines):
                async for line in lines:
                    yield line

    return StreamingResponse(sent(), media_type=sse.MEDIA_TYPE, headers={"X-Accel-Buffering": "no"})


async def _told(desk: Desk, owner: str, id: str, after: int, content: bool) -> AsyncGenerator[EventAnswer, None]:
    events: AsyncIterator[Event] = desk.service.events(id, owner=owner, after=after)
    try:
        async for event in events:
            wanted = content and event.page is not None and event.page.state == "read"
            yield event_answer(event, await _content(desk, owner, event) if wanted else None)
    except DocparseError:
        return  # the job was removed meanwhile: there is no more to tell
    finally:
        close: Any = getattr(events, "aclose", None)
        if close is not None:
            await close()


async def _content(desk: Desk, owner: str, event: Event) -> dict[str, Any] | None:
    assert event.page is not None
    try:
        result = await desk.service.result(event.job, f"page-{event.page.number}", owner=owner)
    except DocparseError:
        return None  # it is being read again
    import json

    found: dict[str, Any] = json.loads(result.data)
    return found
