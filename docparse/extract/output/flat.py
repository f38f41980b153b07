"""Fields as tables: which columns a schema gives, and what stands in them.

A nested field has a name with dots, ``buyer.name``. A list of plain values is one cell, a list of objects is rows.
What this file is not: a file format; cells keep their types.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from docparse.extract.result import Evidence, Extraction, plain
from docparse.extract.schemas import Schema
from docparse.extract.user.schema import Wanted, compile_schema

Cell = str | bool | int | float | Decimal | datetime.date | datetime.time | None

FRONT: Mapping[str, tuple[str, ...]] = {
    "invoice": ("invoice_number", "issue_date", "seller_name", "currency"),
    "receipt": ("company", "date", "currency"),
}
"""What stands in front of every line item: whose it is."""
ITEMS: Mapping[str, str] = {"invoice": "line_items", "receipt": "items"}


@dataclass(frozen=True, slots=True)
class Layout:
    """The names of a schema's plain fields, and of the fields of each of its lists of objects, in its order."""

    scalars: tuple[str, ...]
    lists: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Table:
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def layout(schema: Schema) -> Layout:
    """Raises ``SchemaError`` for a schema that cannot be followed."""
    wanted = compile_schema(schema.definition)
    lists = {path: tuple(name for name, _ in _leaves(item.members)) for path, item in _lists(wanted)}
    return Layout(tuple(path for path, _ in _leaves(wanted) if path not in lists), lists)


def _leaves(wanted: Sequence[Wanted]) -> Iterator[tuple[str, Wanted]]:
    for one in wanted:
        if one.kind == "object":
            yield from _leaves(one.members)
        else:
            yield one.path, one


def _lists(wanted: Sequence[Wanted]) -> Iterator[tuple[str, Wanted]]:
    for path, one in _leaves(wanted):
        if one.kind == "array" and one.members[0].kind == "object":
            yield path, one.members[0]


def documents(found: Extraction[Any]) -> tuple[Extraction[Any], ...]:
    """All documents that were found in one file."""
    return (found, *found.others)


def line_items(found: Extraction[Any], schema: Schema) -> Table:
    """What becomes a CSV file: a row for each line item, with what it belongs to in front.

    A document without line items has one row all the same. Those of a user's own schema: a row with the plain
    fields, and below it a row for each element of its lists; there the plain fields are empty, so that a column
    can be summed.
    """
    shape = layout(schema)
    if schema.kind != "user":
        return _of_items(found, schema, shape)
    columns = (*shape.scalars, *(f"{path}.{name}" for path, names in shape.lists.items() for name in names))
    rows: list[tuple[Cell, ...]] = []
    for one in documents(found):
        rows.append(_filled(columns, {name: cell(value_at(one.values, name)) for name in shape.scalars}))
        for path, names in shape.lists.items():
            rows += [
                _filled(columns, {f"{path}.{name}": cell(value_at(item, name)) for name in names})
                for item in value_at(one.values, path) or ()
            ]
    return Table(columns, tuple(rows))


def _of_items(found: Extraction[Any], schema: Schema, shape: Layout) -> Table:
    front, field = FRONT[schema.kind], ITEMS[schema.kind]
    columns = (*front, "line", *shape.lists[field], "page", "confidence")
    rows: list[tuple[Cell, ...]] = []
    for one in documents(found):
        whose = tuple(cell(one.values.get(name)) for name in front)
        for number, item in enumerate(one.values.get(field) or (), 1):
            evidence = evidence_of(one.evidence, f"{field}[{number - 1}]")
            values = (cell(item.get(name)) for name in shape.lists[field])
            page = next((proof.page for proof in evidence if proof.page is not None), None)
            sure = round(min(proof.confidence for proof in evidence), 4) if evidence else None
            rows.append((*whose, number, *values, page, sure))
        if not one.values.get(field):
            rows.append((*whose, *(None for _ in columns[len(front) :])))
    return Table(columns, tuple(rows))


def evidence_of(evidence: Mapping[str, Evidence], path: str) -> list[Evidence]:
    """The evidence of a value, or of its parts."""
    return [item for name, item in evidence.items() if name == path or name.startswith((f"{path}.", f"{path}["))]


def value_at(values: Mapping[str, Any], path: str) -> Any:
    """What stands at ``buyer.name``; None where nothing does."""
    found: Any = values
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def cell(value: Any) -> Cell:
    """A value as one cell has it: a list of plain ones parted by semicolons, anything deeper as JSON."""
    if isinstance(value, list | tuple):
        if any(isinstance(item, Mapping | list | tuple) for item in value):
            return json.dumps(plain(value), ensure_ascii=False)
        return "; ".join(str(plain(item)) for item in value)
    if isinstance(value, Mapping):
        return json.dumps(plain(value), ensure_ascii=False)
    if isinstance(value, str | bool | int | float | Decimal | datetime.date | datetime.time) or value is None:
        return value
    return str(value)


def _filled(columns: Sequence[str], known: Mapping[str, Cell]) -> tuple[Cell, ...]:
    return tuple(known.get(column) for column in columns)
