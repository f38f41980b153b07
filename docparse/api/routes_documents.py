"""A document comes in, its content goes out: parse, extract, ground."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from docparse.api import asked
from docparse.api.answered import ground_answer, job_answer
from docparse.api.answers import GroundAnswer, JobAnswer
from docparse.api.desk import AtDesk, Desk, Owner
from docparse.api.job import URGENT, USUAL, Job, JobSpec, Upload
from docparse.api.openapi import GROUND_BODY, body, errors, job_accepted, results
from docparse.api.ports import Question
from docparse.api.problems import failure_answer
from docparse.api.results import result_answer
from docparse.api.upload import receive
from docparse.api.waiting import preferred, waited
from docparse.errors import EngineUnavailable, JobNotReady
from docparse.grounding import check_question

router = APIRouter(tags=["documents"])

Prefer = Annotated[
    str | None,
    Header(
        max_length=200,
        description="`respond-async`: a job at once; `wait=5`: a job after so many seconds",
        examples=["respond-async"],
    ),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="Sent again with the same request, it gives the same job and reads nothing twice",
    ),
]
REFUSED = errors(400, 401, 403, 408, 409, 413, 415, 421, 422, 429, 500, 502, 503, 504, 507)


@router.post(
    "/v1/parse",
    summary="Read a document",
    response_class=Response,
    responses={200: results("json"), 202: job_accepted(), **REFUSED},
    openapi_extra={"requestBody": body("Parse")},
)
async def parse(
    request: Request,
    desk: AtDesk,
    owner: Owner,
    query: Annotated[asked.ParseQuery, Query()],
    prefer: Prefer = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """A small document is answered with its content, in the format `to` (json where it is left out). A longer one,
    or one that takes longer, is answered with a job (202): look for it at `Location`."""
    fields, upload = await _received(request, desk, owner, query, asked.ParseFields, asked.ParseJson)
    spec = asked.spec(fields, kind="parse")
    return await _answered(request, desk, owner, upload, spec, fields.to or "json", prefer, idempotency_key)


@router.post(
    "/v1/extract",
    summary="Extract fields from a document",
    response_class=Response,
    responses={200: results("fields"), 202: job_accepted(), **REFUSED},
    openapi_extra={"requestBody": body("Extract")},
)
async def extract(
    request: Request,
    desk: AtDesk,
    owner: Owner,
    query: Annotated[asked.ExtractQuery, Query()],
    prefer: Prefer = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Fields with the place on the page that proves each, by the `schema` (invoice where it is left out): the name
    of one of `/v1/schemas`, or a JSON Schema."""
    config = desk.config
    if query.definition is not None:
        asked.schema_for(query.definition, config)  # before a file is sent in vain
    fields, upload = await _received(request, desk, owner, query, asked.ExtractFields, asked.ExtractJson)
    async with _theirs(desk, upload, owner):
        schema = await asyncio.to_thread(asked.schema_for, fields.definition or "invoice", config)
    spec = asked.spec(fields, kind="extract", schema=schema)
    return await _answered(request, desk, owner, upload, spec, fields.to or "fields", prefer, idempotency_key)


@router.post(
    "/v1/ground",
    summary="Ask where something is on a page",
    responses=errors(400, 401, 403, 408, 409, 413, 415, 421, 422, 429, 500, 502, 503, 504, 507),
    openapi_extra={"requestBody": GROUND_BODY},
)
async def ground(request: Request, desk: AtDesk, owner: Owner) -> GroundAnswer:
    """Only a model can be asked: where no engine has one (`answers` in `/v1/engines`), the answer is 409."""
    if not any(engine.available and engine.answers for engine in await desk.service.engines()):
        raise EngineUnavailable(
            "a question about a page needs a model, and this service has none.",
            hint="Whoever runs it can configure one: docparse serve --model.",
        )
    with desk.upload(owner):
        fields, upload = await receive(
            request, desk.service, desk.config, asked.GroundFields, asked.GroundJson, owner=owner
        )
    async with _theirs(desk, upload, owner):
        check_question(fields.question, fields.bbox)
    question = Question(fields.question or "", fields.bbox, fields.page, fields.points, fields.dpi, fields.password)
    return ground_answer(await desk.service.ground(upload, question, owner=owner))


# ------------------------------------------------------------------------------------ what they share


class _theirs:  # noqa: N801  (reads as a phrase)
    """While an upload belongs to us: whatever goes wrong, it is removed."""

    def __init__(self, desk: Desk, upload: Upload, owner: str) -> None:
        self.desk, self.upload, self.owner = desk, upload, owner

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            await asyncio.shield(self.desk.service.discard(self.upload, owner=self.owner))


async def _received(
    request: Request, desk: Desk, owner: str, query: Any, form: type[Any], json: type[Any]
) -> tuple[Any, Upload]:
    """What is asked for, from the body and from the address, and the file."""
    await desk.service.room(owner=owner)
    with desk.upload(owner):
        fields, upload = await receive(request, desk.service, desk.config, form, json, owner=owner)
    desk.metrics.upload_bytes.inc(upload.bytes)
    async with _theirs(desk, upload, owner):
        return asked.combined(fields, query), upload


async def _answered(
    request: Request,
    desk: Desk,
    owner: str,
    upload: Upload,
    spec: JobSpec,
    to: str,
    prefer: str | None,
    idempotency_key: str | None,
) -> Response:
    """The result, if it comes in time; else the job. A job that was answered is removed, as nobody knows of it; one
    with an idempotency key is kept, for the same request sent again."""
    async with _theirs(desk, upload, owner):
        asked.check_result(to, spec.kind)
    seconds = preferred(prefer, most=desk.config.sync_seconds)
    job = await desk.service.submit(
        upload, spec, owner=owner, priority=URGENT if seconds else USUAL, idempotency_key=idempotency_key
    )
    keep = bool(idempotency_key) or not seconds
    try:
        if seconds:
            job = await waited(request, desk, job, owner=owner, seconds=seconds)
        if not job.over:
            keep = True
            return await accepted(desk, job, owner=owner, applied="respond-async" if not seconds else None)
        if job.state == "failed" and job.failure is not None:
            request.scope["state"]["code"] = job.failure.code
            return failure_answer(job.failure, request_id=request.scope["state"]["request_id"])
        if job.state == "cancelled":
            raise JobNotReady("the job was cancelled.")
        return result_answer(await desk.service.result(job.id, to, owner=owner))
    except (ClientDisconnect, asyncio.CancelledError):
        if not keep:
            desk.chore(_dropped(desk, job, owner))
            keep = True
        raise
    finally:
        if not keep:
            desk.chore(desk.service.remove(job.id, owner=owner))


async def _dropped(desk: Desk, job: Job, owner: str) -> None:
    await desk.service.cancel(job.id, owner=owner)
    await desk.service.remove(job.id, owner=owner)


async def accepted(desk: Desk, job: Job, *, owner: str, applied: str | None = None) -> Response:
    """202: the job, and where to look for it."""
    answer = await described(desk, job, owner=owner)
    headers = {"Location": f"/v1/jobs/{job.id}", "Retry-After": "1"}
    if applied:
        headers["Preference-Applied"] = applied
    return Response(answer.model_dump_json(), 202, headers, media_type="application/json")


async def described(desk: Desk, job: Job, *, owner: str) -> JobAnswer:
    pages = await desk.service.pages(job.id, owner=owner)
    position = 0 if job.state != "queued" else await desk.service.position(job.id, owner=owner)
    return job_answer(job, pages, position)


Kind = Literal["parse", "extract"]
