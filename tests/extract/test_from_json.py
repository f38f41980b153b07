"""Fields from their JSON form: what comes back is what was found."""

from __future__ import annotations

import dataclasses
import datetime
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import docparse
from docparse.errors import SchemaError
from docparse.extract import Invoice
from docparse.extract.output.from_json import fields_from_json
from docparse.extract.result import Extraction
from docparse.extract.schemas import load_schema

HOME = Path(__file__).parents[2]
USERS = {"type": "object", "properties": {"invoice_number": {"type": "string"}, "total": {"type": "number"}}}


class Own(BaseModel):
    """Somebody's own class."""

    invoice_number: str | None = None
    issue_date: datetime.date | None = None


class Few(Invoice):
    """Ours, under another name."""


@pytest.fixture(scope="module")
def sample() -> Path:
    return next(path for path in sorted((HOME / "samples").rglob("*.pdf")) if "invoice" in path.name)


def whole(found: Extraction[Any]) -> str:
    return json.dumps(found.to_dict())


@pytest.mark.parametrize("schema", ["invoice", "receipt", Own, Few, USERS], ids=str)
def test_what_comes_back_is_what_was_found(sample: Path, schema: Any) -> None:
    found = docparse.extract(sample, schema)
    back = fields_from_json(whole(found), load_schema(schema))
    assert back.to_dict() == found.to_dict()
    assert type(back.data) is type(found.data)
    assert (back.schema, back.pages, back.checks, back.verdict) == (
        found.schema,
        found.pages,
        found.checks,
        found.verdict,
    )
    if schema is not USERS:  # a JSON Schema has no decimals
        assert back.data == found.data
        assert dict(back.values) == dict(found.values)
    assert {name: item.bbox for name, item in back.evidence.items()} == {
        name: item.bbox and item.bbox.rounded() for name, item in found.evidence.items()
    }


def test_amounts_and_dates_are_what_they_were(sample: Path) -> None:
    back = fields_from_json(whole(docparse.extract(sample)), load_schema("invoice"))
    assert isinstance(back["grand_total"], Decimal)
    assert isinstance(back["issue_date"], datetime.date)


def test_several_documents_in_one_file() -> None:
    found = Extraction("invoice", Invoice(), {"currency": "EUR"}, {})
    both = dataclasses.replace(found, others=(dataclasses.replace(found, pages=(2, 3)),))
    back = fields_from_json(whole(both), load_schema("invoice"))
    assert [other.pages for other in back.others] == [(2, 3)]
    assert back.others[0]["currency"] == "EUR"


def test_a_class_that_cannot_hold_it_says_so(sample: Path) -> None:
    class Strict(BaseModel):
        invoice_number: int

    text = whole(docparse.extract(sample))
    with pytest.raises(SchemaError, match=r"does not fit into Strict: invoice_number"):
        fields_from_json(text, load_schema(Strict))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"fields": {}, "verdict": {}}', '{"fields": 1}', b"\xff"])
def test_what_is_no_extraction(text: str | bytes) -> None:
    with pytest.raises(SchemaError):
        fields_from_json(text)
