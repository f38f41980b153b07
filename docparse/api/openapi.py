"""What OpenAPI says beyond what FastAPI sees: bodies that are read as streams, documents and fields by their own
published schemas, errors of one shape, examples. No answer is without a type.
"""

from __future__ import annotations

import copy
import http
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from docparse import __version__
from docparse.api import asked, examples
from docparse.api.answers import ErrorAnswer, EventAnswer, JobAnswer, ReadingAnswer
from docparse.exporters import FORMATS
from docparse.extract.output.schema import fields_schema
from docparse.schema import document_schema

Json = dict[str, Any]
Responses = dict[int | str, Json]

BODIES: dict[str, tuple[type[BaseModel], type[BaseModel]]] = {
    "Parse": (asked.ParseFields, asked.ParseJson),
    "Extract": (asked.ExtractFields, asked.ExtractJson),
    "Job": (asked.JobFields, asked.JobJson),
    "Ground": (asked.GroundFields, asked.GroundJson),
}
DESCRIPTION = """Documents in, structure and fields out, each with its place on the page.

Small documents are answered at once; larger ones become jobs, which survive restarts and can be followed, cancelled
and fetched again. Send an API key as `Authorization: Bearer KEY` where the service wants one. Every error has the
shape `{"error": {"code", "message", "details"}, "request_id"}`; codes do not change between versions."""


# ------------------------------------------------------------------------------------ parts of routes


def errors(*statuses: int) -> Responses:
    """The errors that a route may answer with."""
    found: Responses = {}
    for status in sorted(statuses):
        headers: Json = {}
        if status in (429, 503):
            headers["Retry-After"] = _header("integer", "Seconds after which the request may be sent again")
        if status == 401:
            headers["WWW-Authenticate"] = _header("string", "How to show a key")
        found[status] = {
            "model": ErrorAnswer,
            "description": http.HTTPStatus(status).phrase if status != 421 else "Misdirected Request",
            "content": {"application/json": {"example": examples.error(status)}},
            **({"headers": headers} if headers else {}),
        }
    return found


def body(name: str) -> Json:
    """A body with a file: a form, or JSON."""
    return {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": _ref(f"{name}Form")},
            "application/json": {"schema": _ref(f"{name}Json"), "example": examples.REQUESTS[name]},
        },
    }


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _header(kind: str, description: str) -> Json:
    return {"schema": {"type": kind}, "description": description}


GROUND_BODY = body("Ground")
RETRY_BODY = {
    "required": False,
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/RetryJson"}, "example": {"dpi": 300}}},
}
FIELDS_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"$ref": "#/components/schemas/FieldsJson"},
            "example": {"schema": "invoice"},
        }
    },
}
FIELDS_EXPORT_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"$ref": "#/components/schemas/FieldsExportJson"},
            "example": {"to": "xlsx", "fields": examples.FIELDS},
        }
    },
}


CORRECTIONS_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"$ref": "#/components/schemas/CorrectionsJson"},
            "example": {"revision": 0, "corrections": [examples.CORRECTION]},
        }
    },
}


READING_BODY = {
    "required": False,
    "content": {
        "application/json": {
            "schema": {"$ref": "#/components/schemas/ReadingJson"},
            "example": {"dpi": 300, "bbox": [310, 94, 658, 132]},
        }
    },
}


def reading() -> Json:
    return {
        "description": "The other reading, and what it says differently",
        "content": {"application/json": {"schema": _ref("ReadingAnswer"), "example": examples.READING}},
    }


def results(first: str) -> Json:
    """A result in any of its formats; ``first`` is the one that comes where none is asked for."""
    content: Json = {}
    schemas = {"json": _ref("Document"), "fields": _ref("Fields")}
    if first == "fields":
        content["application/json"] = {"schema": {"anyOf": [schemas["fields"], schemas["json"]]}}
        content["application/json"]["example"] = examples.FIELDS
    else:
        content["application/json"] = {"schema": {"anyOf": [schemas["json"], schemas["fields"]]}}
        content["application/json"]["example"] = examples.DOCUMENT
    for known in FORMATS.values():
        text = known.media_type.startswith("text/") or known.media_type.endswith("jsonl")
        shape: Json = {"type": "string", **({} if text else {"format": "binary"})}
        content.setdefault(known.media_type, {"schema": {**shape, "description": known.description}})
    content["application/zip"] = {"schema": {"type": "string", "format": "binary", "description": "all of them"}}
    return {
        "description": f"The result in the format that was asked for; {first} where none was",
        "content": content,
        "headers": {"Content-Disposition": _header("string", "A name to save it under")},
    }


def document_page() -> Json:
    return {
        "description": "The page as in the document's JSON",
        "content": {"application/json": {"schema": _ref("DocumentPage"), "example": examples.DOCUMENT["pages"][0]}},
    }


def found_fields() -> Json:
    return {
        "description": "The fields, each with the place that proves it",
        "content": {"application/json": {"schema": _ref("Fields"), "example": examples.FIELDS}},
        "headers": {"Content-Disposition": _header("string", "A name to save it under")},
    }


def spreadsheet() -> Json:
    shape: Json = {"type": "string", "format": "binary"}
    return {
        "description": "The file",
        "content": {
            "text/csv": {"schema": {"type": "string", "description": "A row for each line item"}},
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {
                "schema": {**shape, "description": "Fields with their evidence, and line items, as a workbook"}
            },
        },
        "headers": {"Content-Disposition": _header("string", "A name to save it under")},
    }


def page_corrections() -> Json:
    return {
        "description": "The corrections",
        "content": {
            "application/json": {
                "schema": _ref("PageCorrections"),
                "example": {"revision": 1, "corrections": [examples.CORRECTED]},
            }
        },
    }


def corrected_page() -> Json:
    (page,) = examples.DOCUMENT["pages"]
    example = {"revision": 1, "page": page, "dropped": [], "corrections": [examples.CORRECTED]}
    return {
        "description": "The page as it is now",
        "content": {"application/json": {"schema": _ref("CorrectedPage"), "example": example}},
    }


def picture() -> Json:
    return {
        "description": "The picture",
        "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary", "description": "a JPEG"}}},
        "headers": {
            "ETag": _header("string", "Send it as If-None-Match to ask whether it is still the same"),
            "Content-Disposition": _header("string", "A name to save it under"),
        },
    }


def not_modified() -> Json:
    return {"description": "It is the one that the client has", "headers": {"ETag": _header("string", "Of it")}}


def job_accepted() -> Json:
    return {
        "model": JobAnswer,
        "description": "The job",
        "content": {"application/json": {"example": examples.JOB}},
        "headers": {
            "Location": _header("string", "Where to look at the job"),
            "Retry-After": _header("integer", "Seconds after which to look"),
            "Preference-Applied": _header("string", "respond-async, where it was asked for"),
        },
    }


def event_stream() -> Json:
    return {
        "description": "Events: `id` is a number, `event` is state, opened or page, `data` is JSON in one line",
        "content": {
            "text/event-stream": {
                "schema": {
                    "type": "string",
                    "contentMediaType": "application/json",
                    "contentSchema": _ref("EventAnswer"),
                    "description": "The data of each event",
                },
                "example": examples.EVENTS,
            }
        },
    }


# ------------------------------------------------------------------------------------ the whole


def describe(app: FastAPI) -> Json:
    """The OpenAPI document of the app, made once."""
    if app.openapi_schema is None:
        found = get_openapi(
            title="docparse",
            version=__version__,
            description=DESCRIPTION,
            routes=app.routes,
            openapi_version="3.1.0",
            tags=[
                {"name": "documents", "description": "A document comes in, its content goes out."},
                {"name": "jobs", "description": "Documents that are read in their turn."},
                {"name": "service", "description": "What the service can do, and how it is."},
            ],
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        )
        parts = found.setdefault("components", {})
        parts.setdefault("schemas", {}).update(components())
        for validation in ("HTTPValidationError", "ValidationError"):
            parts["schemas"].pop(validation, None)
        parts["securitySchemes"] = {
            "key": {"type": "http", "scheme": "bearer", "description": "An API key; X-API-Key: KEY does too"}
        }
        for methods in found["paths"].values():
            for operation in methods.values():
                for parameter in operation.get("parameters", ()):
                    parameter["schema"] = _without_nulls(parameter["schema"])
        # A service without keys is open: both are said.
        found["security"] = [{"key": []}, {}]
        app.openapi_schema = found
    return app.openapi_schema


@cache
def _components() -> Json:
    found: Json = {}
    for name, (form, json) in BODIES.items():
        for title, model in ((f"{name}Form", form), (f"{name}Json", json)):
            found |= _of_model(title, model)
        shape = _without_nulls(found[f"{name}Form"])
        shape["properties"] = {
            "file": {"type": "string", "format": "binary", "description": "The document"},
            **shape["properties"],
        }
        shape["required"] = ["file"]
        found[f"{name}Form"] = shape
    found |= _of_model("RetryJson", asked.RetryJson)
    found |= _of_model("ReadingJson", asked.ReadingJson)
    found |= _of_model("ReadingAnswer", ReadingAnswer, mode="serialization")
    found["ReadingAnswer"]["properties"]["page"] = _ref("DocumentPage")
    found |= _of_model("FieldsJson", asked.FieldsJson)
    found |= _of_model("FieldsExportJson", asked.FieldsExportJson)
    found |= _of_model("EventAnswer", EventAnswer, mode="serialization")
    found |= _published("Document", document_schema())
    found |= _of_model("CorrectionsJson", asked.CorrectionsJson)
    found["CorrectionsJson"]["properties"]["corrections"]["items"] = _ref("SentCorrection")
    found |= _corrections(found["DocumentCorrection"])
    fields = _published("Fields", fields_schema())
    fields["FieldValue"] = {
        "description": "A value, as JSON has it",
        "anyOf": [
            {"type": ["string", "number", "boolean", "null"]},
            {"type": "array", "items": _ref("FieldValue")},
            {"type": "object", "additionalProperties": _ref("FieldValue")},
        ],
    }
    for shape in (fields["Fields"], fields["FieldsOther"]):
        shape["properties"]["fields"]["additionalProperties"] = _ref("FieldValue")
    return found | fields


def _corrections(correction: Json) -> Json:
    """A correction as it is sent, and what is answered. Which page it is of, the address says."""
    revision = {"type": "integer", "minimum": 0, "description": "Goes up whenever the page changes"}
    listed = {"type": "array", "items": _ref("DocumentCorrection"), "description": "In their order"}
    dropped = {
        "type": "object",
        "properties": {
            "index": {"type": "integer", "minimum": 0, "description": "In the list that was sent"},
            "reason": {"type": "string", "description": "One sentence for a person"},
        },
        "required": ["index", "reason"],
    }
    parts: Json = {"revision": revision, "corrections": listed}
    more = {"page": _ref("DocumentPage"), "dropped": {"type": "array", "items": dropped}}
    return {
        "SentCorrection": {**correction, "required": [name for name in correction["required"] if name != "page"]},
        "PageCorrections": {"type": "object", "properties": parts, "required": [*parts]},
        "CorrectedPage": {"type": "object", "properties": parts | more, "required": [*parts, *more]},
    }


def components() -> Json:
    return copy.deepcopy(_components())


def _of_model(title: str, model: type[BaseModel], *, mode: Any = "validation") -> Json:
    shape = model.model_json_schema(ref_template="#/components/schemas/{model}", mode=mode)
    others = shape.pop("$defs", {})
    return {**others, title: {**shape, "title": title}}


def _without_nulls(shape: Any) -> Any:
    """Of forms and addresses, where nothing is null: what is not said is left out."""
    if isinstance(shape, list):
        return [_without_nulls(part) for part in shape]
    if not isinstance(shape, dict):
        return shape
    kept = {key: _without_nulls(value) for key, value in shape.items() if not (key == "default" and value is None)}
    choices = [choice for choice in kept.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        kept.pop("anyOf")
        return {**choices[0], **kept}
    return {**kept, "anyOf": choices} if choices else kept


def _published(title: str, schema: Json) -> Json:
    """A schema with definitions of its own, as components."""
    names = {f"#/$defs/{name}": f"{title}{_camel(name)}" for name in schema.get("$defs", {})}
    moved = _moved(schema, names)
    found = {f"{title}{_camel(name)}": part for name, part in moved.pop("$defs", {}).items()}
    moved.pop("$schema", None)
    return {**found, title: moved}


def _moved(part: Any, names: dict[str, str]) -> Any:
    if isinstance(part, list):
        return [_moved(each, names) for each in part]
    if not isinstance(part, dict):
        return part
    return {
        key: f"#/components/schemas/{names[value]}" if key == "$ref" and value in names else _moved(value, names)
        for key, value in part.items()
    }


def _camel(name: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))
