"""What a person asks for in the options, checked as a request to the REST API is."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import ValidationError

from docparse.api import asked
from docparse.api.config import ApiConfig
from docparse.api.job import JobSpec
from docparse.api.problems import from_validation
from docparse.errors import RequestError

OWN = "own"
"""The choice of a schema that is typed in."""


async def spec_of(
    config: ApiConfig, *, engine: str, pages: str, dpi: str, password: str, fields: str, schema: str
) -> JobSpec:
    """Raises ``RequestError`` and ``SchemaError``."""
    definition = schema if fields == OWN else fields
    if fields == OWN and not schema.strip():
        raise RequestError("the JSON Schema is empty.", hint="Write it under Options, or choose other fields.")
    values: dict[str, Any] = {
        "engine": engine,
        "pages": pages.strip() or "all",
        "dpi": dpi,
        "password": password or None,
        "schema": definition or None,
    }
    try:
        wanted = asked.JobFields.model_validate({name: value for name, value in values.items() if value is not None})
    except ValidationError as error:
        raise from_validation(error) from error
    found = await asyncio.to_thread(asked.schema_for, wanted.definition, config)
    return asked.spec(wanted, kind="parse" if found is None else "extract", schema=found)
