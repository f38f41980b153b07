"""A page of a job read again, all of it or a region, and the two readings compared."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from docparse.api import asked
from docparse.api.answered import reading_answer
from docparse.api.desk import AtDesk, Owner
from docparse.api.openapi import READING_BODY, errors, job_accepted, reading
from docparse.api.ports import Again
from docparse.api.routes_documents import accepted
from docparse.api.routes_jobs import OURS, JobId, PageNumber, ReadingId
from docparse.api.upload import SHORT_JSON, read_json

router = APIRouter(prefix="/v1/jobs/{id}/pages/{number}/readings", tags=["jobs"])


@router.post(
    "",
    summary="Read a page once more, beside what was read",
    status_code=202,
    response_class=Response,
    responses={202: job_accepted(), **OURS, **errors(400, 408, 409, 413, 415)},
    openapi_extra={"requestBody": READING_BODY},
)
async def read_again(request: Request, desk: AtDesk, owner: Owner, id: JobId, number: PageNumber) -> Response:
    """All of it or a region, with another engine, resolution or prompt. The reading is a job of its own, that is
    followed as any job; the page stays as it is. It is removed with the job that it is a reading of; of a page the last
    20 are kept."""
    how = await read_json(request, desk.config, asked.ReadingJson, empty=True, most=SHORT_JSON)
    again = Again(how.engine or "", how.dpi, how.prompt or "", how.bbox)
    job = await desk.service.reread(id, number, again, owner=owner)
    return await accepted(desk, job, owner=owner)


@router.get(
    "/{reading}",
    summary="Compare two readings of a page",
    response_class=Response,
    responses={200: reading(), **OURS, **errors(409)},
)
async def compared(desk: AtDesk, owner: Owner, id: JobId, number: PageNumber, reading: ReadingId) -> Response:
    """What the other reading has, in pixels of this page, and element by element what it says differently. Of a region
    only what stands in it is compared."""
    found = await desk.service.reading(id, number, reading, owner=owner)
    return Response(reading_answer(found).model_dump_json(), media_type="application/json")
