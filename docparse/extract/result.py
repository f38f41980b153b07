"""What an extraction says: values, the places that prove them, and the checks they passed.

What it is: plain frozen values and their one JSON form (``<stem>.fields.json``). What it is not: an
extractor. A field that the document does not say is None, and has no evidence.

A field is named by its path: ``grand_total``, ``line_items[0].amount``. Amounts are ``Decimal`` in
memory and strings with a point in JSON, dates are ``datetime.date`` and ISO.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar

from docparse.document import Document, Issue
from docparse.geometry import BBox

T = TypeVar("T")

ExtractionStatus = Literal["ok", "partial", "empty", "failed"]
STATUSES: tuple[ExtractionStatus, ...] = ("ok", "partial", "empty", "failed")
"""How far an extraction can be trusted, best first.

ok       every check that could be made was passed, and the pages were read without a fault
partial  a check failed, witnesses contradict each other, or a page it needs was read in part
empty    the document is none of its kind: next to nothing of the schema is on it
failed   no page could be read
"""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a value stands, and how sure it is.

    text        as printed; '' where the value is not printed as such (from the file's XML alone)
    page        number of the page, from 1
    bbox        pixels of the page image, around the words of the value
    block       id of the element that it stands in
    confidence  0 to 1: how surely the value is right
    checks      names of the checks that it passed; failed ones have ``!`` before them
    source      who says so: ``print``, ``xml``, ``model``, ``derived`` (worked out from other fields)
    note        ``unanchored`` where a model says it and the page does not show it, and the like
    """

    text: str = ""
    page: int | None = None
    bbox: BBox | None = None
    block: str | None = None
    confidence: float = 0.0
    checks: tuple[str, ...] = ()
    source: Literal["print", "xml", "model", "derived"] = "print"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked. ``passed`` is None where it could not be judged."""

    name: str
    passed: bool | None
    message: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldsVerdict:
    """``status`` as in ``STATUSES``; ``issues`` say why."""

    status: ExtractionStatus = "ok"
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Fields:
    """What an extractor found, before it is judged: values and evidence by field name."""

    values: dict[str, Any] = field(default_factory=dict)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Extraction(Generic[T]):
    """The fields of one document, or of one of several in a file.

    schema    name of the schema
    data      the values as an object of the schema's own class
    values    the values by name, None where the document does not say
    pages     first and last page it was taken from
    others    more documents of the same file, in order; theirs is empty
    document  the pages as they were read
    """

    schema: str
    data: T
    values: Mapping[str, Any]
    evidence: Mapping[str, Evidence]
    checks: tuple[Check, ...] = ()
    verdict: FieldsVerdict = FieldsVerdict()
    pages: tuple[int, int] = (1, 1)
    others: tuple[Extraction[T], ...] = ()
    document: Document = Document()

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def to_dict(self) -> dict[str, Any]:
        """The JSON form: schema, pages, fields, evidence, checks, verdict and, if there are any, others."""
        found: dict[str, Any] = {
            "schema": self.schema,
            "source": {"name": self.document.source.name, "sha256": self.document.source.sha256},
            "pages": list(self.pages),
            "fields": plain(dict(self.values)),
            "evidence": {name: _evidence(item) for name, item in self.evidence.items()},
            "checks": [
                {"name": c.name, "passed": c.passed, "message": c.message, "fields": list(c.fields)}
                for c in self.checks
            ],
            "verdict": {
                "status": self.verdict.status,
                "issues": [{"code": i.code, "severity": i.severity, "message": i.message} for i in self.verdict.issues],
            },
        }
        if self.others:
            found["others"] = [{k: v for k, v in other.to_dict().items() if k != "source"} for other in self.others]
        return found


def plain(value: Any) -> Any:
    """A value as JSON has it: decimals as strings without an exponent, dates and times as ISO."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value


def _evidence(item: Evidence) -> dict[str, Any]:
    box = None if item.bbox is None else [int(v) for v in item.bbox.rounded().as_tuple()]
    found: dict[str, Any] = {
        "text": item.text,
        "page": item.page,
        "bbox": box,
        "block": item.block,
        "confidence": round(item.confidence, 4),
        "checks": list(item.checks),
        "source": item.source,
    }
    return {**found, "note": item.note} if item.note else found
