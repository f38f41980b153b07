"""The published JSON schema (2020-12) of ``<name>.fields.json``, and those of what can be asked for.

Built from the same tables as ``result`` and ``schemas``. What this file is not: a reader of the user's own schema.
"""

from __future__ import annotations

from typing import Any

from docparse.document import SEVERITIES
from docparse.extract.result import STATUSES
from docparse.extract.schemas import BUILT_IN, load_schema

Json = dict[str, Any]

SOURCES = ("print", "xml", "model", "derived")
"""What ``Evidence.source`` can be; a test compares."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_STATUS_MEANING = (
    "ok: all checks were passed and all pages read; partial: something contradicts itself or is in doubt; "
    "empty: the document is none of its kind, or says nothing that was asked; failed: no page could be read"
)


def built_in_schema(name: str) -> Json:
    """The schema ``invoice`` or ``receipt``: what ``fields`` holds."""
    return {"$schema": DIALECT, **load_schema(name).definition}


def fields_schema() -> Json:
    """The schema of the JSON form of an ``Extraction``, as plain dicts, fresh on every call."""
    parts: Json = {}
    kinds = []
    for name in BUILT_IN:
        definition = load_schema(name).definition
        parts |= definition.get("$defs", {})
        parts[name] = {key: value for key, value in definition.items() if key != "$defs"}
        kinds.append(
            {
                "if": {"properties": {"schema": {"const": name}}},
                "then": {"properties": {"fields": {"$ref": f"#/$defs/{name}"}}},
            }
        )
    source = _object(
        {
            "name": {"type": "string", "description": "Name of the file, without folders."},
            "sha256": {"type": "string", "pattern": "^([0-9a-f]{64})?$"},
        }
    )
    others = {
        "type": "array",
        "items": {"$ref": "#/$defs/other"},
        "description": "More documents of the same file, in order.",
    }
    return {
        "$schema": DIALECT,
        "title": "docparse fields",
        "description": "Fields of a document with the evidence of each. Boxes are in pixels of the page image, origin "
        "top left. Amounts are strings with a point, dates are ISO 8601.",
        **_object({"schema": _text("Name of the schema."), "source": source, **_found()}, {"others": others}),
        "allOf": kinds,
        "$defs": {
            "other": {**_object({"schema": _text("Name of the schema."), **_found()}), "allOf": kinds},
            "evidence": _evidence(),
            "check": _check(),
            "issue": _issue(),
            **parts,
        },
    }


def _found() -> Json:
    return {
        "pages": {
            "type": "array",
            "items": {"type": "integer", "minimum": 1},
            "minItems": 2,
            "maxItems": 2,
            "description": "First and last page that the fields were taken from.",
        },
        "fields": {
            "type": "object",
            "description": "The values by name; null, or an empty list, where the document does not say.",
        },
        "evidence": {
            "type": "object",
            "additionalProperties": {"$ref": "#/$defs/evidence"},
            "description": "By path of the value: grand_total, line_items[0].amount.",
        },
        "checks": {"type": "array", "items": {"$ref": "#/$defs/check"}},
        "verdict": _object(
            {
                "status": {"enum": list(STATUSES), "description": f"{_STATUS_MEANING}."},
                "issues": {"type": "array", "items": {"$ref": "#/$defs/issue"}},
            }
        ),
    }


def _evidence() -> Json:
    return _object(
        {
            "text": _text("As printed; empty where the value is not printed as such."),
            "page": {"type": ["integer", "null"], "minimum": 1},
            "bbox": {
                "type": ["array", "null"],
                "items": {"type": "integer"},
                "minItems": 4,
                "maxItems": 4,
                "description": "x1 y1 x2 y2 around the words of the value.",
            },
            "block": {"type": ["string", "null"], "description": "Id of the element that it stands in."},
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
            "checks": {
                "type": "array",
                "items": {"type": "string", "pattern": "^!?[a-z]+(-[a-z]+)*$"},
                "description": "Names of checks that it passed; failed ones have ! before them.",
            },
            "source": {"enum": list(SOURCES), "description": "Who says so; derived: worked out from other fields."},
        },
        {"note": _text("unanchored where a model says it and the page does not show it, and the like.")},
    )


def _check() -> Json:
    return _object(
        {
            "name": {"type": "string", "pattern": "^[a-z]+(-[a-z]+)*$"},
            "passed": {"type": ["boolean", "null"], "description": "null where it could not be judged."},
            "message": {"type": "string"},
            "fields": {"type": "array", "items": {"type": "string"}},
        }
    )


def _issue() -> Json:
    return _object(
        {
            "code": {"type": "string", "description": "Stable name: see docparse schema --issues."},
            "severity": {"enum": list(SEVERITIES)},
            "message": {"type": "string"},
        }
    )


def _text(description: str) -> Json:
    return {"type": "string", "description": description}


def _object(needed: Json, optional: Json | None = None) -> Json:
    return {
        "type": "object",
        "properties": {**needed, **(optional or {})},
        "required": list(needed),
        "additionalProperties": False,
    }
