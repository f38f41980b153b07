"""Other ways to the same fields, as a program of its own: ``invoice2data``, and a few regular expressions.

    python field_peers.py NAME LIST OUT

``LIST``: JSON ``[{"path", "text", "kind"}, ...]``; ``text`` is a file with the rows that docparse read. ``OUT`` gets
``<id>.fields.json`` with our names of fields. invoice2data reads PDFs itself; of scans it gets that text, since it
brings no OCR.
"""

from __future__ import annotations

import datetime
import json
import logging
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Finder = Callable[[Path, Path, str], dict[str, Any]]

NAMES = {
    "invoice_number": ("invoice_number",),
    "issue_date": ("date",),
    "due_date": ("date_due",),
    "seller_name": ("partner_name", "issuer"),
    "seller_vat_id": ("vat",),
    "currency": ("currency",),
    "net_total": ("amount_untaxed",),
    "tax_total": ("amount_tax",),
    "grand_total": ("amount",),
    "iban": ("iban",),
}
"""Our names of invoice2data's fields (``INVOICE_FIELDS`` of its ``extract.schema``)."""
OF_RECEIPTS = {"seller_name": "company", "issue_date": "date", "grand_total": "total"}
ITEMS = {
    "description": ("name", "product", "desc"),
    "quantity": ("qty",),
    "unit_price": ("price_unit",),
    "amount": ("price_subtotal", "price_total"),
}
DATE = re.compile(
    r"\b\d{1,2}\s?[./-]\s?\d{1,2}\s?[./-]\s?\d{2,4}\b|\b\d{4}-\d{2}-\d{2}\b"
    r"|\b\d{1,2}\.?\s?[^\W\d]{3,9}\.?,?\s\d{4}\b|\b[A-Z][a-z]{2,8}\s\d{1,2},?\s\d{4}\b"
)
AMOUNT = re.compile(r"\d[\d.,]*[.,]\d{2}(?!\d)")
NUMBER = re.compile(
    r"(?:invoice|bill|rechnung|facture|factuur|factura|fattura)\w*\W*(?:no|nr|number|num|nummer|id|#)?\W*"
    r"((?=\S*\d)[\w/.-]+)",
    re.IGNORECASE,
)
SIGNS = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR", "RM": "MYR"}
CURRENCY = re.compile(r"\b(?:EUR|USD|GBP|CHF|INR|MYR|RM)\b|[€$£¥₹]")
LABELS = {
    "grand_total": r"(?<!sub)(?<!sub )(?<!sub-)\b(?:grand |net )?(?:total|gesamt\w*|totaal|montant|summe|endbetrag)\b",
    "net_total": r"\b(?:net|netto|sub-? ?total|untaxed|zwischensumme)\w*",
    "tax_total": r"\b(?:vat|tax|mwst|ust|umsatzsteuer|tva|btw|gst|iva)\b",
    "amount_due": r"\b(?:amount due|balance due|zahlbetrag|payable)\b",
}


def invoice2data() -> Finder:
    logging.disable(logging.CRITICAL)
    from invoice2data import extract_data
    from invoice2data.extract.loader import read_templates

    templates = read_templates()

    def find(path: Path, text: Path, kind: str) -> dict[str, Any]:
        told = extract_data(str(path if path.suffix == ".pdf" else text), templates=templates) or {}
        found = {ours: _first(told, theirs) for ours, theirs in NAMES.items()}
        rows = [row for row in told.get("lines") or [] if isinstance(row, dict)]
        items = [{ours: _first(row, theirs) for ours, theirs in ITEMS.items()} for row in rows]
        found["line_items"] = [item for item in items if any(value is not None for value in item.values())]
        if kind == "receipts":
            found = {OF_RECEIPTS[name]: value for name, value in found.items() if name in OF_RECEIPTS}
        return {name: value for name, value in found.items() if value not in (None, "", [])}

    return find


def _first(told: dict[str, Any], names: tuple[str, ...]) -> Any:
    value = next((told[name] for name in names if told.get(name) not in (None, "")), None)
    if isinstance(value, datetime.datetime | datetime.date):
        return value.isoformat()[:10]
    return value if value is None or isinstance(value, str) else str(value)


def regexes() -> Finder:
    def find(path: Path, text: Path, kind: str) -> dict[str, Any]:
        lines = [" ".join(line.split()) for line in text.read_text("utf-8").splitlines() if line.strip()]
        found = _contract(" ".join(lines)) if kind == "contracts" else _invoice(lines)
        if kind == "receipts":
            found = {OF_RECEIPTS.get(name, name): value for name, value in found.items()}
        return {name: value for name, value in found.items() if value}

    return find


def _invoice(lines: list[str]) -> dict[str, Any]:
    """The first line is the seller, the next three the address; the first date; the last amount beside a word."""
    whole = "\n".join(lines)
    named = [i for i, line in enumerate(lines) if sum(map(str.isalpha, line)) >= 3]
    head = named[0] if named else 0
    due = re.search(rf"(?:due|fällig|zahlbar|échéance)[^\n]{{0,40}}?({DATE.pattern})", whole, re.IGNORECASE)
    currency = _match(CURRENCY, whole)
    found: dict[str, Any] = {
        "seller_name": lines[head] if lines else None,
        "address": " ".join(lines[head + 1 : head + 4]),
        "issue_date": _match(DATE, whole),
        "due_date": due and due[1],
        "invoice_number": _match(NUMBER, whole, 1),
        "currency": SIGNS.get(currency or "", currency),
        "iban": _match(re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b"), whole),
        "seller_vat_id": _match(re.compile(r"\b(?:DE|FR|NL|ATU|BE|ES|IT|LU)[A-Z0-9]{8,12}\b"), whole),
    }
    for name, label in LABELS.items():
        beside = [AMOUNT.findall(line) for line in lines if re.search(label, line, re.IGNORECASE)]
        amounts = [own[-1] for own in beside if own]
        found[name] = amounts[-1] if amounts else None
    return found


def _contract(whole: str) -> dict[str, Any]:
    law = re.search(r"laws of (?:the )?(?:state|commonwealth)? ?(?:of )?([A-Z]\w+(?: [A-Z]\w+)?)", whole)
    term = re.search(r"\(?(\d+)\)? (year|month|day)s?\b", whole, re.IGNORECASE)
    parties = re.search(r"between (.{3,80}?)(?:,| \().{0,200}? and (.{3,80}?)(?:,| \()", whole)
    return {
        "effective_date": _match(DATE, whole),
        "jurisdiction": law and law[1],
        "term": term and f"{term[1]} {term[2].lower()}s",
        "party": list(parties.groups()) if parties else [],
    }


def _match(pattern: re.Pattern[str], text: str, group: int = 0) -> str | None:
    found = pattern.search(text)
    return found[group] if found else None


PROGRAMS: dict[str, Callable[[], Finder]] = {"invoice2data": invoice2data, "regexes": regexes}


def main(name: str, listing: str, out: str) -> int:
    find = PROGRAMS[name]()
    for task in json.loads(Path(listing).read_text("utf-8")):
        path = Path(task["path"])
        try:
            found = find(path, Path(task["text"]), task["kind"])
        except Exception as error:  # noqa: BLE001  (a file that fails has no fields; the others go on)
            print(f"{path.name}: {type(error).__name__}: {error}", file=sys.stderr)
            found = {}
        told = json.dumps({"fields": found}, ensure_ascii=False)
        Path(out, f"{path.stem}.fields.json").write_text(told, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
