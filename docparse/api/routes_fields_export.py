"""Fields come in, with what a person changed in them; a file of a spreadsheet goes out."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from docparse.api import asked
from docparse.api.desk import AtDesk, Owner
from docparse.api.fields_export import exported
from docparse.api.openapi import FIELDS_EXPORT_BODY, errors, spreadsheet
from docparse.api.results import result_answer
from docparse.api.upload import LONG_JSON, read_json
from docparse.errors import SchemaError

router = APIRouter(tags=["service"])


@router.post(
    "/v1/fields/export",
    summary="Write fields as a spreadsheet",
    response_class=Response,
    responses={200: spreadsheet(), **errors(400, 401, 403, 408, 413, 415, 421, 422, 429, 500, 503)},
    openapi_extra={"requestBody": FIELDS_EXPORT_BODY},
)
async def export(request: Request, desk: AtDesk, owner: Owner) -> Response:
    """Fields as `/v1/extract` answers with them, as they came or with other values, as CSV or XLSX: as
    `docparse extract --to csv,xlsx` writes them. Nothing is kept, and nothing is checked again."""
    wanted = await read_json(request, desk.config, asked.FieldsExportJson, most=LONG_JSON)
    schema = asked.schema_for(wanted.definition or str(wanted.fields.get("schema") or ""), desk.config)
    if schema is None:
        raise SchemaError("the fields do not say by which schema they are.", hint="Send it as schema.")
    return result_answer(await asyncio.to_thread(exported, wanted.fields, schema, wanted.to))
