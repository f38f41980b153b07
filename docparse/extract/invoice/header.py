"""The head of an invoice: its number, dates, currency, accounts, tax numbers, order and terms.

Every label gives candidates: a value of the right kind in a place where the label's value may stand
(``beside``). A candidate's score is the label's own weight times how the label stands, how the value
stands to it, and how surely it is such a value; the best that agree with each other are chosen.

What this file is not: totals and items (``totals``, ``items``), names and addresses (``parties``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docparse.extract.invoice.beside import Surroundings
from docparse.extract.invoice.dates import find_dates
from docparse.extract.invoice.money import find_accounts, find_currency
from docparse.extract.invoice.numbering import numbers_in
from docparse.extract.invoice.parties import role_boxes
from docparse.extract.invoice.scored import Found, best, evidence_of
from docparse.extract.invoice.tax_ids import find_tax_ids
from docparse.extract.page_text import DocumentText, Span
from docparse.extract.result import Evidence, Fields
from docparse.extract.vocabulary import Label, find_labels

NUMBERS: Mapping[str, Mapping[str, float]] = {
    "invoice_number": {"invoice_number": 1.0, "title": 0.85, "number": 0.5},
    "purchase_order": {"purchase_order": 1.0, "order_number": 0.62},
}
"""The labels whose values may be a field's, and how surely."""
LEAST = 0.35


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A page with its labels."""

    number: int
    surroundings: Surroundings
    labels: Sequence[Label]


def find_header(text: DocumentText) -> Fields:
    """The fields of the head that the document says; none that it does not."""
    sheets = []
    for page in text.pages:
        labels = find_labels(page, kind="invoice")
        sheets.append(Sheet(page.number, Surroundings(page, labels), labels))
    around = [sheet.surroundings for sheet in sheets]
    found: dict[str, Found] = {}
    for name, fields in NUMBERS.items():
        chosen = best(_numbers(sheets, fields))
        if chosen is not None and chosen.score >= LEAST:
            found[name] = chosen
    found |= find_dates(text, around)
    found |= find_accounts(text, around)
    found |= find_tax_ids(text, around, role_boxes(text))
    currency = find_currency(text, around)
    if currency is not None:
        found["currency"] = currency
    terms = best(_terms(text, sheets))
    if terms is not None:
        found["payment_terms"] = terms
    values: dict[str, Any] = {name: one.value for name, one in found.items()}
    evidence: dict[str, Evidence] = {name: evidence_of(one) for name, one in found.items()}
    return Fields(values, evidence)


def _numbers(sheets: Sequence[Sheet], fields: Mapping[str, float]) -> Iterator[Found]:
    for index, sheet in enumerate(sheets):
        page = sheet.surroundings.page
        for label in sheet.labels:
            weight = fields.get(label.field)
            if weight is None or (
                label.field in ("number", "title") and label.standing < 0.8 and not _led(label, sheet)
            ):
                continue
            if label.field == "number" and not _led(label, sheet):
                # "Number" alone is anybody's; it is the invoice's at the head of the page, beside its title.
                weight *= 0.9 if label.row.box.y1 < 0.3 * page.page.height and index == 0 else 0.5
            elif label.field == "number":
                weight = 0.9
            heading = sheet.surroundings.in_headings(label)
            for place in sheet.surroundings.places(label):
                if label.field == "title" and place.relation not in ("after", "right") and not heading:
                    continue
                for value, start, end, sure in numbers_in(place.text, titled=label.field == "title"):
                    stand = 0.8 if label.standing >= 0.5 or _led(label, sheet) else label.standing
                    score = weight * sure * place.fit * label.likeness * (0.5 + 0.5 * max(stand, label.standing))
                    score *= 0.97 if index or label.row.box.y1 > 0.5 * page.page.height else 1.0
                    yield Found(value, place.span(start, end), score)
                    break


def _led(label: Label, sheet: Sheet) -> bool:
    """Whether "No." follows the invoice's title, perhaps with some words between: ``Invoice (380) No.``"""
    return any(
        other.field == "title"
        and (
            (other.row is label.row and 0 <= label.start - other.end <= 12)
            or (label.standing >= 0.8 and other.standing == 1.0 and _under(label, other))
        )
        for other in sheet.labels
    )


def _under(label: Label, title: Label) -> bool:
    """Whether a label stands in the line below the title."""
    box, above = label.span.box, title.span.box
    gap = box.y1 - above.y2
    return -0.3 * box.height < gap < 2.5 * above.height and box.x1 < above.x2 and above.x1 < box.x2 + 2 * box.height


_PAY = (
    *("zahlbar", "zahlung", "zahlungsziel", "payable", "payment", "pay(?:ment)? (?:is )?due", "net", "netto"),
    *("paiement", "règlement", "pago", "pagamento", "betaling", "betalen", "te betalen", "rimessa", "bonifico"),
)
_DAYS = ("tage?n?", "days?", "jours?", "días", "giorni", "gg", "dagen", "天")
_WITHIN = ("innerhalb(?: von)?", "binnen", "within", "sous", "dans un délai de", "entro")
_TERMS = re.compile(
    rf"\b(?:{'|'.join(_PAY)})\b[^.;]{{0,60}}?\b\d{{1,3}}\s*(?:{'|'.join(_DAYS)})\b"
    rf"|\b(?:{'|'.join(_WITHIN)})\s\d{{1,3}}\s(?:{'|'.join(_DAYS)})\b",
    re.IGNORECASE,
)


def _terms(text: DocumentText, sheets: Sequence[Sheet]) -> Iterator[Found]:
    """What stands beside "Payment terms", else a line that speaks of paying within some days."""
    for sheet in sheets:
        for label in sheet.labels:
            if label.field != "payment_terms" or label.standing < 0.8:
                continue
            for place in sheet.surroundings.places(label)[:2]:
                if place.relation == "before" or not any(c.isalnum() for c in place.text):
                    continue
                heading = sheet.surroundings.in_headings(label)
                if place.relation == "below" and not heading and not _TERMS.search(place.text):
                    continue
                short = place.text.strip()
                if len(short) > 160:
                    continue
                start = len(place.text) - len(place.text.lstrip())
                yield Found(short, place.span(start, start + len(short)), 0.8 * place.fit * label.likeness)
    for row in text.rows:
        at = 0
        for segment in row.segments:
            match = _TERMS.search(segment.text)
            if match and len(segment.text) <= 160:
                span: Span = row.span(at, at + len(segment.text))
                yield Found(segment.text.strip(), span, 0.55)
            at += len(segment.text) + 1
