"""An ``Extraction`` from its JSON form, as a service sends it and ``extract --to json`` writes it.

The values of an invoice, a receipt or a pydantic class become what they are in Python again: decimals, dates. Those of
a JSON Schema stay as JSON has them. What this file is not: the other way, which is ``Extraction.to_dict``.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from docparse.document import Document, Issue, Source
from docparse.errors import SchemaError
from docparse.extract.result import Check, Evidence, Extraction, FieldsVerdict
from docparse.extract.schemas import Schema
from docparse.json_place import Place


def fields_from_json(text: str | bytes, schema: Schema | None = None) -> Extraction[Any]:
    """The extraction that ``text`` (UTF-8 if bytes) describes. Raises ``SchemaError``.

    ``schema``: what was asked for; None where only its name is known, as of a schema of the service's own. The pages
    themselves are not in it: ``document`` has none.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SchemaError("not fields: it is no JSON.") from error
    at = Place(data, "")
    source = Document(source=Source(name=at.get("source").text("name"), sha256=at.get("source").text("sha256")))
    found = _one(at, schema, source)
    return replace(found, others=tuple(_one(other, schema, source) for other in at.items("others")))


def _one(at: Place, schema: Schema | None, document: Document) -> Extraction[Any]:
    values = dict(at.get("fields").data)
    data: Any = dict(values)
    if schema is not None and schema.model is not None:
        from pydantic import ValidationError

        # Those of a class that has fewer fields than our own: what it does not ask for is left.
        values = {name: value for name, value in values.items() if name in schema.model.model_fields}
        try:
            data = schema.model.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise SchemaError(
                f"what was found does not fit into {schema.model.__name__}: {place}: {first['msg']}.",
                hint="Let fields that a document may not have be None.",
            ) from error
        values = {name: data.model_dump()[name] for name in values}
    first_page, last_page = (int(number) for number in at.numbers("pages", 2) or (1, 1))
    verdict = at.get("verdict")
    return Extraction(
        schema.name if schema is not None else at.text("schema"),
        data,
        values,
        {name: _evidence(Place(item, name)) for name, item in at.get("evidence").data.items() if _top(name) in values},
        tuple(
            Check(
                check.text("name"),
                None if check.data.get("passed") is None else check.boolean("passed"),
                check.text("message"),
                tuple(map(str, check.array("fields"))),
            )
            for check in at.items("checks")
        ),
        FieldsVerdict(
            verdict.choice("status", None),
            tuple(
                issue.build(
                    Issue,
                    code=issue.text("code", None),
                    message=issue.text("message"),
                    severity=issue.choice("severity", "warning"),
                )
                for issue in verdict.items("issues")
            ),
        ),
        (first_page, last_page),
        document=document,
    )


def _evidence(at: Place) -> Evidence:
    return Evidence(
        text=at.text("text"),
        page=at.maybe_integer("page"),
        bbox=at.bbox(),
        block=None if at.data.get("block") is None else at.text("block"),
        confidence=at.number("confidence", 0.0),
        checks=tuple(map(str, at.array("checks"))),
        source=at.choice("source", "print"),
        note=at.text("note"),
    )


def _top(name: str) -> str:
    return name.split(".", 1)[0].split("[", 1)[0]
