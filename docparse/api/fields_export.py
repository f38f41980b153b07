"""Fields that somebody has, perhaps with values that a person changed, as a file of a spreadsheet.

What it is: the writers of ``docparse extract --to csv,xlsx`` for fields that come back. What it is not: an extraction;
nothing is checked again, and no page is looked at.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import PurePath
from typing import Any, Literal

from docparse.api.ports import Result
from docparse.errors import SchemaError
from docparse.extract.output.files import find
from docparse.extract.output.flat import documents, layout, value_at
from docparse.extract.output.from_json import fields_from_json
from docparse.extract.result import Extraction
from docparse.extract.schemas import Schema, load_schema

MEDIA_TYPES: Mapping[str, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
LARGEST = 60
"""Powers of ten of an amount: ``1E+999999999`` is a gigabyte of digits when it is written out."""


def exported(fields: Mapping[str, Any], schema: str | dict[str, Any], to: Literal["csv", "xlsx"]) -> Result:
    """``fields`` (the JSON form of an ``Extraction``) as a file. Raises ``SchemaError`` for what is no such form, or
    not of ``schema``; ``SettingsError`` where a package that ``to`` needs is not installed."""
    wanted = load_schema(schema)
    chosen = find(to)
    found = fields_from_json(json.dumps(fields), wanted)
    for one in documents(found):
        _check(one, wanted)
    ((suffix, data),) = chosen.write(found, wanted, _no_images)
    stem = PurePath(found.document.source.name).stem or "document"
    return Result(data, MEDIA_TYPES[to], f"{stem}{suffix}")


def _check(found: Extraction[Any], schema: Schema) -> None:
    """What a table needs beyond what the schema's class sees to; a JSON Schema of the user's own has no class."""
    for path in layout(schema).lists:
        value = value_at(found.values, path)
        if value is not None and not isinstance(value, list | tuple):
            raise SchemaError(f"fields.{path}: this is no list.")
    for value in _leaves(found.values):
        if isinstance(value, Decimal) and value and abs(value.adjusted()) > LARGEST:
            raise SchemaError("an amount is too large or too small to be written out.")


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from _leaves(part)
    else:
        yield value


def _no_images(number: int) -> Any:
    raise AssertionError("tables have no pictures")
