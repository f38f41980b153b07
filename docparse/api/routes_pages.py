"""A page of a job beside what was read on it: how it looks, and what was seen on it."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from docparse.api.answered import evidence_answer
from docparse.api.answers import EvidenceAnswer
from docparse.api.desk import AtDesk, Owner
from docparse.api.headers import shown
from docparse.api.openapi import errors, not_modified, picture
from docparse.api.pictures import CROP, view
from docparse.api.routes_jobs import OURS, JobId, PageNumber

router = APIRouter(prefix="/v1/jobs/{id}/pages/{number}", tags=["jobs"])

KEEP = "private, max-age=3600"
"""A page looks as it looks; but one that was removed shall not be seen for ever."""


@router.get(
    "/image",
    summary="Look at a page",
    response_class=Response,
    responses={200: picture(), 304: not_modified(), **OURS, **errors(409, 413, 502, 504)},
)
async def image(
    desk: AtDesk,
    owner: Owner,
    id: JobId,
    number: PageNumber,
    width: Annotated[
        int | None,
        Query(ge=1, le=100_000, description="Pixels: the next of a few sizes that has them; left out: the page's own"),
    ] = None,
    crop: Annotated[
        str | None, Query(pattern=CROP, description="A part of it: x1,y1,x2,y2 in pixels of the page as it was read")
    ] = None,
    if_none_match: Annotated[str | None, Header(alias="If-None-Match", description="ETag of one that is there")] = None,
) -> Response:
    """The page as a JPEG, as soon as it was read; never larger than it was read. Of a crop, `width` is its own."""
    found = await desk.service.picture(id, number, view(width, crop), owner=owner)
    tag = f'"{hashlib.sha256(found.data).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": KEEP, "Vary": "Authorization, X-API-Key, Cookie"}
    known = [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]
    if tag in known or known == ["*"]:
        return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = shown(found.filename)
    return Response(found.data, headers=headers, media_type=found.media_type)


@router.get("/evidence", summary="Compare a page with what was seen on it", responses={**OURS, **errors(409)})
async def evidence(desk: AtDesk, owner: Owner, id: JobId, number: PageNumber) -> EvidenceAnswer:
    """Words that were seen on the page independently of its elements (its text layer, or what OCR read), which of them
    stand in no element, and what elements say that stands nowhere on the page."""
    return evidence_answer(await desk.service.evidence(id, number, owner=owner))
