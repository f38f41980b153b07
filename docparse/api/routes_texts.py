"""A page in a format of text, and which part of that text each of its blocks became.

So that whoever shows the text can point from it to the page and back, and an editor can jump to what it is told of.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from docparse import __version__
from docparse.api.answers import PageText
from docparse.api.desk import AtDesk, Owner
from docparse.api.job import Job
from docparse.api.making import stem
from docparse.api.openapi import errors
from docparse.api.routes_jobs import OURS, JobId, PageNumber, check_page
from docparse.document import Source
from docparse.exporters import export
from docparse.json_form import from_dict

router = APIRouter(prefix="/v1/jobs/{id}/pages/{number}", tags=["jobs"])

Format = Literal["markdown", "html", "text", "json"]


@router.get(
    "/text", summary="Fetch a page as text, with the place of each block in it", responses={**OURS, **errors(409)}
)
async def text(
    desk: AtDesk,
    owner: Owner,
    id: JobId,
    number: PageNumber,
    to: Annotated[Format, Query(description="A format that is one text")] = "markdown",
) -> PageText:
    """The page with its corrections, as soon as it was read. What a format leaves out (page headers in Markdown) has
    no place in it."""
    await check_page(desk, owner, id, number)
    job = await desk.service.job(id, owner=owner)
    result = await desk.service.result(id, f"page-{number}", owner=owner)
    return await asyncio.to_thread(_text, job, result.data, to)


def _text(job: Job, data: bytes, to: Format) -> PageText:
    upload = job.upload
    source = Source(upload.name, upload.sha256, upload.bytes, upload.media_type, job.num_pages or 0)
    document = replace(from_dict({"pages": [json.loads(data)]}), source=source, version=__version__)
    made = export(document, to, stem=stem(job))
    return PageText(to=to, text=made.text, spans=[(span.block, span.start, span.end) for span in made.spans])


__all__ = ["router"]
