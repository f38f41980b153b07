"""An invoice from the text of its pages: header, parties, items and totals, put together.

The parts are found by files of their own; here they are joined, and it is asked whether the document
is an invoice at all. What this file is not: the checks (``judge``), and the file's own XML (``witness``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from decimal import Decimal

from docparse.document import Issue
from docparse.extract.invoice.header import find_header
from docparse.extract.invoice.parties import find_parties
from docparse.extract.items.find import find_items
from docparse.extract.page_text import DocumentText
from docparse.extract.result import Fields
from docparse.extract.totals.find import find_totals

DERIVED = 0.7
"""Confidence of what the document means without printing it."""


def read_invoice(text: DocumentText) -> Fields:
    """What the pages of one invoice say."""
    items = one_of_each(find_items(text))
    return joined((find_header(text), find_parties(text), items, find_totals(text, items)))


def one_of_each(items: Fields) -> Fields:
    """Lines that have an amount and nothing else are one of each, at that price, where no line of the document
    has a quantity or a price: it is what such a line means, and what programs need. It says that it was derived."""
    lines = items.values.get("line_items") or []
    if not lines or any(line.get("quantity") is not None or line.get("unit_price") is not None for line in lines):
        return items
    values, evidence = [], dict(items.evidence)
    for number, line in enumerate(lines):
        amount = line.get("amount")
        values.append(line if amount is None else {**line, "quantity": Decimal(1), "unit_price": amount})
        place = evidence.get(f"line_items[{number}].amount")
        if amount is not None and place is not None:
            for part in ("quantity", "unit_price"):
                derived = dataclasses.replace(place, confidence=min(place.confidence, DERIVED), source="derived")
                evidence[f"line_items[{number}].{part}"] = derived
    return dataclasses.replace(items, values={**items.values, "line_items": values}, evidence=evidence)


def joined(parts: Iterable[Fields]) -> Fields:
    """Parts as one; of two values of one field, the surer."""
    found = Fields()
    for part in parts:
        for name, value in part.values.items():
            if value is None:
                continue
            before, now = found.evidence.get(name), part.evidence.get(name)
            if found.values.get(name) is not None and (now is None or (before and before.confidence >= now.confidence)):
                continue
            found.values[name] = value
            if now is not None:
                found.evidence[name] = now
        # Evidence of parts of a value: line_items[0].amount
        found.evidence.update(
            {k: v for k, v in part.evidence.items() if k not in part.values and k not in found.evidence}
        )
        found = dataclasses.replace(found, checks=found.checks + part.checks, issues=found.issues + part.issues)
    return found


def nothing(kind: str, why: str) -> Fields:
    """The fields of a document that is none of its kind."""
    return Fields(issues=(Issue(f"not-{kind}", why, "error"),))
