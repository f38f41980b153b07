"""The invoice's own XML as the first witness: what it says is the value, and the page has to show it.

What the seller's program wrote into the file is exact, but nobody who looks at the page sees it. So each of
its values is looked for on the page: where it stands there, that place is the evidence; where the page says
something else, a check fails and both are named. What this file is not: a reader of XML (``einvoice``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from docparse.extract.checks import line_amounts, same_as_xml
from docparse.extract.einvoice.find import EInvoice
from docparse.extract.page_text import DocumentText, Span
from docparse.extract.places.anchor import Anchor, Kind, Places
from docparse.extract.result import Check, Evidence, Fields

AGREED = 0.99
"""Confidence of a value that XML and print both have."""
SEEN = 0.95
"""Of one that the XML has and that stands on the page, though it was not read there as this field."""
UNSEEN = 0.85
"""Of one that only the XML has: hardly ever wrong, but nobody can see it."""
CONTRADICTED = 0.5
"""Of one that the page contradicts."""

ALIKE = 0.85
"""Score of a place from which it says the value: an address may have its country in the middle."""

KINDS: Mapping[str, Kind] = {
    "invoice_number": "code",
    "seller_vat_id": "code",
    "seller_tax_id": "code",
    "buyer_vat_id": "code",
    "iban": "code",
    "bic": "code",
    "purchase_order": "code",
    "currency": "currency",
    "tax_rate": "percent",
    "rate": "percent",
}
"""What a value is printed like, where its type does not say it."""
_LISTS: Mapping[str, tuple[str, ...]] = {
    "line_items": ("description", "amount", "quantity", "unit_price", "tax_rate"),
    "tax_lines": ("tax", "net", "rate"),
}
"""Lists of a schema, and which of their parts are looked for on the page, the tellingest first. Units are codes
there, not words."""


def heard(found: Fields, xml: EInvoice, text: DocumentText) -> Fields:
    """The fields as the XML has them, with their places on the page; what only the page says stays."""
    places = Places(text.pages)
    values, evidence, checks = dict(found.values), dict(found.evidence), list(found.checks)
    for name, value in xml.fields.items():
        if name in _LISTS:
            rows = [row for row in value if not _says_nothing(row)]
            if rows:
                printed = found.values.get(name) or []
                check = _same_list(name, printed, rows)
                known = {key: item for key, item in evidence.items() if key.startswith(f"{name}[")}
                _forget(evidence, name)
                # Of rows that are the same ones, the one whose numbers fit each other is right.
                kept = _sounder(printed, rows) if check.passed else frozenset[int]()
                rows = _in_words(rows, printed) if check.passed else rows
                values[name] = [dict(printed[i]) if i in kept else row for i, row in enumerate(rows)]
                evidence |= _list_evidence(name, rows, places)
                for number in kept:
                    own = {key: item for key, item in known.items() if key.startswith(f"{name}[{number}].")}
                    _forget(evidence, f"{name}[{number}]")
                    evidence |= own
                checks.append(check)
            continue
        item, check = _scalar(name, value, found, places)
        values[name], evidence[name] = value, item
        checks.append(check)
    return dataclasses.replace(found, values=values, evidence=evidence, checks=tuple(checks))


def _scalar(name: str, value: Any, found: Fields, places: Places) -> tuple[Evidence, Check]:
    printed, known = found.values.get(name), found.evidence.get(name)
    check = same_as_xml(name, printed, value)
    if check.passed and known is not None:
        return dataclasses.replace(known, confidence=max(known.confidence, AGREED)), check
    anchors = places.find(value, kind=KINDS.get(name))
    if anchors and anchors[0].score >= ALIKE:
        # What was read as the field is not what the XML calls it: the page has both.
        return _evidence(anchors[0], SEEN), same_as_xml(name, value, value)
    if printed is None:
        return Evidence(confidence=UNSEEN, source="xml", note="not printed"), check
    return Evidence(confidence=CONTRADICTED, source="xml", note=f"the page says {printed}"), check


def _list_evidence(name: str, rows: Sequence[Mapping[str, Any]], places: Places) -> dict[str, Evidence]:
    """Evidence of each part of each row; parts of a row are looked for near its first one."""
    found: dict[str, Evidence] = {}
    taken: list[Span] = []  # equal descriptions stand in as many places
    for number, row in enumerate(rows):
        near: list[Span] = []
        for part in _LISTS[name]:
            if row.get(part) in (None, ""):
                continue
            anchors = places.find(row[part], kind=KINDS.get(part), near=near, taken=taken)
            path = f"{name}[{number}].{part}"
            if anchors:
                near.append(anchors[0].span)
                found[path] = _evidence(anchors[0], AGREED if anchors[0].places == 1 else SEEN)
            else:
                found[path] = Evidence(confidence=UNSEEN, source="xml", note="not printed")
        taken += near
    return found


def _same_list(name: str, printed: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> Check:
    """Whether as many rows were read from the page, of the same amounts."""
    part = _LISTS[name][1] if name == "line_items" else _LISTS[name][0]
    if not printed:
        return Check("same-as-xml", None, f"{name} is not on the page, or was not read.", (name,))
    if len(printed) == len(rows) and all(
        same_as_xml(part, a.get(part), b.get(part)).passed is not False
        for a, b in zip(_by(printed, part), _by(rows, part), strict=True)
    ):
        return Check("same-as-xml", True, f"{name} has the same amounts in print and XML.", (name,))
    return Check(
        "same-as-xml",
        None,
        f"{len(printed)} {name} were read from the page, the XML has {len(rows)}; they do not match one to one.",
        (name,),
    )


def _says_nothing(row: Mapping[str, Any]) -> bool:
    """Whether a row is a title or a note: some programs write those as lines of nothing."""
    return not any(row.get(part) for part in ("amount", "quantity", "unit_price", "net", "tax"))


def _sounder(printed: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> frozenset[int]:
    """The rows of which the print's numbers multiply and the XML's do not."""
    pairs = enumerate(zip(printed, rows, strict=True))
    return frozenset(
        i
        for i, (ours, theirs) in pairs
        if ours.get("amount") == theirs.get("amount")
        and line_amounts([theirs]).passed is False
        and line_amounts([ours]).passed
    )


def _in_words(rows: Sequence[Mapping[str, Any]], printed: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The XML's rows with the units as printed: ``C62`` means something to programs only."""
    pairs = list(zip(rows, printed, strict=True))
    if any(ours.get("amount") != theirs.get("amount") for ours, theirs in pairs):
        return [dict(row) for row in rows]  # in another order
    return [{**row, "unit": theirs.get("unit") or row["unit"]} if "unit" in row else dict(row) for row, theirs in pairs]


def _by(rows: Sequence[Mapping[str, Any]], part: str) -> list[Mapping[str, Any]]:
    return sorted(rows, key=lambda row: (row.get(part) is None, row.get(part) or 0))


def _forget(evidence: dict[str, Evidence], name: str) -> None:
    for key in [key for key in evidence if key == name or key.startswith((f"{name}[", f"{name}."))]:
        del evidence[key]


def _evidence(anchor: Anchor, confidence: float) -> Evidence:
    span = anchor.span
    return Evidence(span.text, span.page, span.box, span.block, confidence)
