"""What a request asks for, checked: options from the address, from the fields of a form, or from JSON.

Nothing here is trusted. A schema that is named is one of the service's; a name is never a path.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from fastapi import Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, WithJsonSchema

from docparse.api.config import ApiConfig
from docparse.api.job import JobSpec
from docparse.convert import MAX_DPI
from docparse.errors import RequestError, SchemaError
from docparse.exporters import FORMATS, is_ready
from docparse.extract.schemas import BUILT_IN, load_schema
from docparse.extract.user.schema import compile_schema

ZIP, FIELDS = "zip", "fields"
RESULTS = (*(name for name, known in FORMATS.items() if is_ready(known)), ZIP, FIELDS)
"""Everything that a job's result can be asked for as, by what is installed."""
LONGEST_SCHEMA = 256 * 1024
"""Bytes of a schema that comes with a request."""
_ALIASES = {alias: known.name for known in FORMATS.values() for alias in known.aliases}
_RANGE = r"r?[0-9]{1,9}(-r?[0-9]{1,9})?"


def _result_name(value: str) -> str:
    name = _ALIASES.get(value.strip().lower(), value.strip().lower())
    if name not in RESULTS:
        raise ValueError(f"there is no such format; choose one of {', '.join(RESULTS)}")
    return name


def _result_names(value: object) -> object:
    return [part for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _native(value: object) -> object:
    return None if value == "native" else value


_FORMAT_SCHEMA = {"type": "string", "enum": [*RESULTS, *_ALIASES]}
To = Annotated[str, AfterValidator(_result_name), WithJsonSchema(_FORMAT_SCHEMA)]
Engine = Annotated[Literal["auto", "embedded", "qwen", "remote"], Field(description="Who reads; auto: as configured")]
Pages = Annotated[
    str,
    Field(
        max_length=1000,
        pattern=rf"^\s*(all|{_RANGE}(\s*,\s*{_RANGE})*)\s*$",
        description="Pages like 1-5,8,r3-r1 (r1: the last)",
        examples=["1-5,8,r1"],
    ),
]
Dpi = Annotated[
    float, Field(gt=0, le=MAX_DPI, allow_inf_nan=False, description="Resolution of page images; left out: native")
]
AsRead = Annotated[bool, Query(description="As the engine read it, without corrections")]
Side = Annotated[float, Field(ge=-1_000_000, le=1_000_000, allow_inf_nan=False)]
Password = Annotated[str, Field(max_length=256, description="Of an encrypted PDF")]
SchemaName = Annotated[
    str, Field(max_length=100, description="Name of a schema: see /v1/schemas", examples=["invoice"])
]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False)


class _Reading(_Asked):
    engine: Engine | None = None
    pages: Pages | None = None
    dpi: Annotated[Dpi | None, BeforeValidator(_native)] = None


_Definition = Annotated[str, Field(max_length=LONGEST_SCHEMA, description="Name of a schema, or a JSON Schema")]
_Inline = Annotated[SchemaName | dict[str, JsonValue], Field(description="Name of a schema, or a JSON Schema")]
_Formats = Annotated[list[To], BeforeValidator(_result_names), Field(max_length=len(RESULTS))]


class ParseQuery(_Reading):
    """Options in the address. What stands there is in the logs of proxies: no password."""

    to: To | None = Field(None, description="Format of the answer")


class ExtractQuery(ParseQuery):
    # "schema" would hide a method of pydantic's; clients see the alias only.
    definition: SchemaName | None = Field(None, alias="schema")


class JobQuery(_Reading):
    to: _Formats | None = Field(
        None, description="Results to make when the job is over, with commas between; others are made when asked for"
    )
    definition: SchemaName | None = Field(None, alias="schema", description="Extract fields too")
    priority: Literal["usual", "bulk"] | None = Field(None, description="bulk: after everything that is usual")


class _Secret(_Asked):
    password: Password | None = None


class ParseFields(ParseQuery, _Secret):
    """Fields of a form."""


class ExtractFields(ExtractQuery, _Secret):
    definition: _Definition | None = Field(None, alias="schema")


class JobFields(JobQuery, _Secret):
    definition: _Definition | None = Field(None, alias="schema", description="Extract fields too")
    webhook: Annotated[str, Field(max_length=2000)] | None = Field(
        None, description="https address that is told when the job is over, on a host that the operator allows"
    )


class FileJson(_Asked):
    """A file in JSON."""

    name: str = Field("document", max_length=1000, description="What to call it")
    content: str = Field(description="Its bytes in base64", json_schema_extra={"contentEncoding": "base64"})


class ParseJson(ParseFields):
    file: FileJson


class ExtractJson(ExtractFields):
    file: FileJson
    definition: _Inline | None = Field(None, alias="schema")  # type: ignore[assignment]


class JobJson(JobFields):
    file: FileJson
    definition: _Inline | None = Field(None, alias="schema", description="Extract fields too")  # type: ignore[assignment]


class GroundFields(_Asked):
    """A question about a page."""

    question: Annotated[str, Field(max_length=2000)] | None = Field(
        None, description="What to look for; with `bbox` any question about that region, and without one it is read"
    )
    bbox: Annotated[tuple[float, float, float, float], BeforeValidator(lambda value: _box(value))] | None = Field(
        None, description="Region in pixels of the page: x1,y1,x2,y2", examples=["310,94,658,132"]
    )
    page: int = Field(1, ge=1, le=10**9)
    points: bool = Field(False, description="Points instead of boxes")
    dpi: Annotated[Dpi | None, BeforeValidator(_native)] = None
    password: Password | None = None


class GroundJson(GroundFields):
    file: FileJson


class RetryJson(_Asked):
    """How a page is read again; left out: as before."""

    engine: Engine | None = None
    dpi: Annotated[Dpi | None, BeforeValidator(_native)] = None


class FieldsJson(_Asked):
    """What fields are to be found."""

    definition: _Inline = Field(alias="schema")


class FieldsExportJson(_Asked):
    """Fields, and what they are to be written as."""

    to: Literal["csv", "xlsx"]
    fields: dict[str, JsonValue] = Field(description="As `/v1/extract` answers with them")
    definition: _Inline | None = Field(
        None, alias="schema", description="What they were asked by; left out: the schema that they name"
    )


class CorrectionsJson(_Asked):
    """All corrections of a page."""

    revision: int = Field(ge=0, le=10**12, description="The one of the page that they were made on")
    corrections: list[dict[str, JsonValue]] = Field(description="In the order in which they are applied")


class ReadingJson(_Asked):
    """How a page is read once more; left out: as it was, and all of it."""

    engine: Engine | None = None
    dpi: Annotated[Dpi | None, BeforeValidator(_native)] = None
    prompt: Annotated[str, Field(max_length=2000)] | None = Field(
        None,
        description="What a model is asked: html, markdown, plain, or words; only engines that answer take one",
        examples=["Read the table as HTML with data-bbox, amounts as they are printed."],
    )
    bbox: tuple[Side, Side, Side, Side] | None = Field(
        None, description="Region in pixels of the page as it was read: x1,y1,x2,y2", examples=[[310, 94, 658, 132]]
    )


def _box(value: object) -> object:
    """``1,2,3,4`` of a form, or the array of JSON."""
    if isinstance(value, str):
        try:
            return tuple(float(part) for part in value.split(","))
        except ValueError:
            return value
    return tuple(value) if isinstance(value, list) else value


Fields = TypeVar("Fields", bound=BaseModel)


def combined(body: Fields, query: BaseModel) -> Fields:
    """Options of the body and of the address. Raises ``RequestError`` for one that is in both, and not the same."""
    both = body.model_fields_set & query.model_fields_set
    fields = type(body).model_fields
    twice = sorted(fields[name].alias or name for name in both if getattr(body, name) != getattr(query, name))
    if twice:
        problem = RequestError(f"{twice[0]} is one thing in the address and another in the body.", hint="Say it once.")
        problem.fields = [(f"query.{name}", "the body says something else") for name in twice]
        raise problem
    return body.model_copy(update={name: getattr(query, name) for name in query.model_fields_set})


# ------------------------------------------------------------------------------------ schemas


def schema_for(asked: str | Mapping[str, Any] | None, config: ApiConfig) -> str | dict[str, Any] | None:
    """A schema as a job keeps it: the name of one of ours, or a JSON Schema that can be followed.

    Raises ``SchemaError``. A text is a name or JSON, and nothing else.
    """
    if asked is None:
        return None
    if isinstance(asked, str):
        name = asked.strip()
        if name in BUILT_IN:
            return name
        if name in config.schemas:
            return dict(config.schemas[name])
        if not name.startswith("{"):
            known = ", ".join([*BUILT_IN, *config.schemas])
            raise SchemaError("there is no schema of that name.", hint=f"There are {known}, or send a JSON Schema.")
        try:
            asked = json.loads(name)
        except (ValueError, RecursionError) as error:
            raise SchemaError("the schema is no JSON.") from error
    if not isinstance(asked, Mapping):
        raise SchemaError("the schema is no JSON object.")
    definition = dict(asked)
    try:
        size = len(json.dumps(definition))
    except (ValueError, RecursionError) as error:
        raise SchemaError("the schema cannot be written as JSON.") from error
    if size > LONGEST_SCHEMA:
        raise SchemaError(f"the schema is longer than {LONGEST_SCHEMA // 1024} KiB.")
    compile_schema(load_schema(definition).definition)
    return definition


def check_result(name: str, kind: Literal["parse", "extract"]) -> None:
    """Raises ``RequestError`` for a result that a job of this kind does not have."""
    if name == FIELDS and kind == "parse":
        problem = RequestError("fields are there where they were asked for only.", hint="Use /v1/extract, or a schema.")
        problem.fields = [("to", "the job extracts no fields")]
        raise problem


# ------------------------------------------------------------------------------------ webhooks


def check_webhook(url: str | None, config: ApiConfig) -> str | None:
    """Raises ``RequestError`` for an address that the operator does not allow."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    named = host if port is None else f"{host}:{port}"
    fine = parts.scheme == "https" and parts.username is None and url.isascii() and url.isprintable()
    if not fine or " " in url or named.lower() not in {name.lower() for name in config.webhook_hosts}:
        raise RequestError(
            "this webhook is not allowed.", hint="It must be an https address on a host that the operator has named."
        )
    return url


# ------------------------------------------------------------------------------------ jobs


def spec(
    asked: _Reading,
    *,
    kind: Literal["parse", "extract"],
    schema: str | dict[str, Any] | None = None,
    formats: Iterable[str] = (),
    webhook: str | None = None,
) -> JobSpec:
    pages = "".join((asked.pages or "").split())
    return JobSpec(
        kind=kind,
        engine="" if asked.engine in (None, "auto") else str(asked.engine),
        pages=pages if pages not in ("", "all") else None,
        dpi=asked.dpi,
        password=getattr(asked, "password", None),
        schema=schema,
        formats=tuple(dict.fromkeys(formats)),
        webhook=webhook,
    )
