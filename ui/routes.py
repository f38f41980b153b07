"""What the viewer asks for beside the service's own routes: pages as HTML to be shown."""

from __future__ import annotations

import asyncio
import json

from fastapi import APIRouter
from starlette.responses import Response

from docparse.api.desk import AtDesk, Owner
from docparse.api.headers import RESULT_POLICY
from docparse.api.openapi import errors
from docparse.api.routes_jobs import OURS, JobId, PageNumber, check_page
from docparse.json_form import from_dict
from docparse.ui.rendered import rendered

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

RENDERED = {
    "description": 'A piece of HTML, `<article class="rendered">`. Elements have `data-block` (the block\'s id) and '
    "`data-kind`, cells of tables `data-cell` (row,column), formulas are MathML, pictures are those of the page.",
    "content": {
        "text/html": {
            "schema": {"type": "string", "description": "HTML that was made of the page's blocks; nothing in it runs"},
            "example": '<article class="rendered" data-page="1">\n'
            '<p data-block="p1b1" data-kind="paragraph" dir="auto">Text.</p>\n</article>\n',
        }
    },
}


@router.get(
    "/{id}/pages/{number}/rendered",
    summary="Fetch a page as HTML to be shown",
    response_class=Response,
    responses={200: RENDERED, **OURS, **errors(409)},
)
async def page_rendered(desk: AtDesk, owner: Owner, id: JobId, number: PageNumber) -> Response:
    """The page with its corrections, as soon as it was read: what stands on it, in its order."""
    await check_page(desk, owner, id, number)
    result = await desk.service.result(id, f"page-{number}", owner=owner)
    html = await asyncio.to_thread(_html, result.data, f"/v1/jobs/{id}/pages/{number}")
    return Response(
        html, headers={"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": RESULT_POLICY}
    )


def _html(data: bytes, path: str) -> str:
    (page,) = from_dict({"pages": [json.loads(data)]}).pages
    return rendered(page, path)
