"""What people changed of a page: fetched, and sent anew."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from docparse.api import asked
from docparse.api.corrected import MOST, Layer
from docparse.api.desk import AtDesk, Owner
from docparse.api.openapi import CORRECTIONS_BODY, corrected_page, errors, page_corrections
from docparse.api.routes_jobs import OURS, JobId, PageNumber
from docparse.api.upload import LONG_JSON, read_json
from docparse.correction import Correction
from docparse.document import Document
from docparse.errors import RequestError
from docparse.json_form import correction_from_dict, correction_to_dict, to_dict
from docparse.qwenvl_html import write_block

router = APIRouter(prefix="/v1/jobs/{id}/pages/{number}", tags=["jobs"])


@router.get(
    "/corrections",
    summary="Fetch a page's corrections",
    response_class=Response,
    responses={200: page_corrections(), **OURS, **errors(409)},
)
async def fetched(desk: AtDesk, owner: Owner, id: JobId, number: PageNumber) -> Response:
    """In their order, each with what it replaced (`was`). One that does not fit the page any more, because it was read
    again, has `applied: false` and the reason."""
    found = await desk.service.corrections(id, number, owner=owner)
    return await asyncio.to_thread(lambda: JSONResponse({"revision": found.revision, "corrections": _said(found)}))


@router.put(
    "/corrections",
    summary="Correct a page",
    response_class=Response,
    responses={200: corrected_page(), **OURS, **errors(400, 408, 409, 413, 415, 507)},
    openapi_extra={"requestBody": CORRECTIONS_BODY},
)
async def sent(request: Request, desk: AtDesk, owner: Owner, id: JobId, number: PageNumber) -> Response:
    """All of them, in the order in which they are applied; those left out are taken back. `revision` is the one that
    they were made on: 409 where the page was changed or read again meanwhile. One that cannot be applied is kept, and
    is among `dropped`; sent with `applied: false` it stays aside."""
    await desk.service.job(id, owner=owner)
    said = await read_json(request, desk.config, asked.CorrectionsJson, most=LONG_JSON)
    if len(said.corrections) > MOST:
        raise RequestError(f"a page takes {MOST:,} corrections; these are {len(said.corrections):,}.")
    # In threads: a table of many cells is read and written for a second, in which the service answers others too.
    corrections = await asyncio.to_thread(_asked, said.corrections, number)
    now = await desk.service.correct(id, number, said.revision, corrections, owner=owner)
    return await asyncio.to_thread(_corrected, now)


def _asked(said: Sequence[dict[str, Any]], number: int) -> list[Correction]:
    return [correction_from_dict(each, page=number, at=f"corrections[{index}]") for index, each in enumerate(said)]


def _corrected(now: Layer) -> JSONResponse:
    (page,) = to_dict(Document((now.page,)), html=write_block)["pages"]
    dropped = [{"index": index, "reason": reason} for index, reason in now.dropped]
    return JSONResponse({"revision": now.revision, "page": page, "dropped": dropped, "corrections": _said(now)})


def _said(layer: Layer) -> list[dict[str, object]]:
    return [correction_to_dict(each) for each in layer.corrections]
