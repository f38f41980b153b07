"""What is said of a document's fields in one line: who, when, how much, how sure, and whether all is well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from docparse.document import Issue, Severity
from docparse.extract.output.flat import Cell, cell, documents, evidence_of, layout, value_at
from docparse.extract.result import Extraction, ExtractionStatus
from docparse.extract.schemas import Schema

KEYS: Mapping[str, tuple[str, str, str]] = {
    "invoice": ("invoice_number", "issue_date", "grand_total"),
    "receipt": ("company", "date", "total"),
}
"""What one looks for first: what names the document, its date, its total."""
_WORST: tuple[Severity, ...] = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Summary:
    """One document of a file.

    pages       first and last one
    keys        what ``KEYS`` name; empty for a schema of the user's own
    currency    of the total
    found       fields with a value, of ``fields``
    confidence  the lowest of those of the keys that are there, or of all fields
    reason      the worst that the verdict says, in words
    row         every plain field, in the order of ``layout(schema).scalars``
    """

    pages: tuple[int, int]
    keys: tuple[Cell, ...]
    currency: str
    found: int
    fields: int
    confidence: float | None
    status: ExtractionStatus
    reason: str
    row: tuple[Cell, ...]


def summaries(found: Extraction[Any], schema: Schema) -> tuple[Summary, ...]:
    """One for every document of the file."""
    return tuple(_summary(one, schema) for one in documents(found))


def _summary(found: Extraction[Any], schema: Schema) -> Summary:
    shape = layout(schema)
    keys = KEYS.get(schema.kind, ())
    evidence = [proof for name in keys or found.values for proof in evidence_of(found.evidence, name)]
    names = (*shape.scalars, *shape.lists)
    return Summary(
        found.pages,
        tuple(cell(found.values.get(name)) for name in keys),
        str(found.values.get("currency") or "") if keys else "",
        sum(value_at(found.values, name) not in (None, [], "") for name in names),
        len(names),
        min((proof.confidence for proof in evidence), default=None),
        found.verdict.status,
        first_reason(found.verdict.issues),
        tuple(cell(value_at(found.values, name)) for name in shape.scalars),
    )


def first_reason(issues: tuple[Issue, ...]) -> str:
    """The worst issue in words; of equal ones the first."""
    worst = min(issues, key=lambda issue: _WORST.index(issue.severity), default=None)
    return "" if worst is None else worst.message
