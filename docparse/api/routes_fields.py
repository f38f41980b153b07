"""Fields of a job that is over, by any schema: what a person corrected is in them."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from docparse.api import asked
from docparse.api.desk import AtDesk, Owner
from docparse.api.openapi import FIELDS_BODY, errors, found_fields
from docparse.api.results import result_answer
from docparse.api.routes_jobs import OURS, JobId
from docparse.api.upload import SHORT_JSON, read_json
from docparse.errors import SchemaError

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.post(
    "/{id}/fields",
    summary="Find fields in a job's pages",
    response_class=Response,
    responses={200: found_fields(), **OURS, **errors(400, 408, 409, 413, 415, 502, 504)},
    openapi_extra={"requestBody": FIELDS_BODY},
)
async def found(request: Request, desk: AtDesk, owner: Owner, id: JobId) -> Response:
    """What `/v1/extract` answers with, without reading anything again: from the pages as they are corrected now.
    Nothing is kept, and the job stays as it is. 409 while it is not over."""
    await desk.service.job(id, owner=owner)
    wanted = await read_json(request, desk.config, asked.FieldsJson, most=SHORT_JSON)
    schema = await asyncio.to_thread(asked.schema_for, wanted.definition, desk.config)
    if schema is None:
        raise SchemaError("a schema is missing.")
    return result_answer(await desk.service.fields(id, schema, owner=owner))
