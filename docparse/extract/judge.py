"""How far the fields of a document can be trusted: its checks, what they do to confidences, the verdict.

A check never changes a value. One that fails lowers the confidence of every field it is about, because it
cannot say which of them is wrong; one that passes is named with its fields, and is a reason that the
extractors have weighed already.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from docparse.document import Issue
from docparse.extract import checks
from docparse.extract.einvoice.find import EInvoice
from docparse.extract.page_text import DocumentText
from docparse.extract.result import Check, Evidence, ExtractionStatus, Fields, FieldsVerdict
from docparse.extract.schemas import Schema

DOUBT = 0.6
"""What is left of a confidence when a check of the field fails."""
IDENTIFIES: Mapping[str, float] = {
    "invoice_number": 1.0,
    "grand_total": 1.0,
    "amount_due": 0.5,
    "issue_date": 0.5,
    "due_date": 0.5,
    "line_items": 0.5,
    "net_total": 0.5,
    "tax_total": 0.5,
    "iban": 0.5,
    "seller_vat_id": 0.5,
}
"""What makes a document an invoice, and how much: each field that was found, by its confidence."""
LEAST = 1.6
"""The sum of that below which it is none: a letter with a date and an amount is not an invoice. Real invoices have 2.5
or more, pages of other kinds at most 1.1 (49 looked at)."""
IDENTIFIES_RECEIPT: Mapping[str, float] = {
    "total": 1.0,
    "date": 0.5,
    "company": 0.5,
    "items": 0.5,
    "address": 0.25,
    "subtotal": 0.25,
    "tax": 0.25,
    "time": 0.25,
    "payment": 0.25,
}
LEAST_OF_RECEIPT = 1.3
"""The same for a receipt. Receipts have 2.6 or more, pages of other kinds at most 1.05; a slip may be cut off."""
CHARGES = ("discount", "shipping", "surcharge")
"""Labels of what may stand between the lines and the total."""
STANDING = 0.5
"""How much like a label, and not like a word of a sentence, it must be printed."""
_GTIN = re.compile(r"\b(?:GTIN|EAN)(?:[- ]?(?:8|12|13|14))?[^\w]{0,4}(\d(?:[ -]?\d){6,13})\b", re.IGNORECASE)
COIN = Decimal("0.05")
"""The coarsest rounding of totals in cash."""
SURE_CURRENCY = 0.8
"""How sure a currency on the page must be, to contradict the field's: a $ may be of any country."""


def judge(found: Fields, text: DocumentText, schema: Schema, xml: EInvoice | None) -> tuple[Fields, FieldsVerdict]:
    """The fields with their checks, and the verdict on them."""
    if schema.kind == "invoice":
        if xml is not None:
            from docparse.extract.einvoice.witness import heard

            found = heard(found, xml, text)
        elif not is_invoice(found):
            found = _none_of_it(found, "invoice", "too little of an invoice is on it.")
        done = (_with_charges(check, text) for check in invoice_checks(found.values))
        found = _checked(found, (*done, _one_currency(found.values, text)))
    elif schema.kind == "receipt":
        if not is_receipt(found):
            found = _none_of_it(found, "receipt", "too little of a receipt is on it.")
        found = _checked(found, receipt_checks(found.values))
    return found, FieldsVerdict(*_verdict(found, text, schema))


def is_invoice(found: Fields) -> bool:
    """Whether enough of an invoice was found."""
    return _weight(found, IDENTIFIES) >= LEAST


def is_receipt(found: Fields) -> bool:
    """Whether enough of a receipt was found."""
    return _weight(found, IDENTIFIES_RECEIPT) >= LEAST_OF_RECEIPT


def _weight(found: Fields, identifies: Mapping[str, float]) -> float:
    return sum(weight * _confidence(found, name) for name, weight in identifies.items() if found.values.get(name))


def _confidence(found: Fields, name: str) -> float:
    if name in found.evidence:
        return found.evidence[name].confidence
    parts = [item.confidence for key, item in found.evidence.items() if key.startswith((f"{name}[", f"{name}."))]
    return sum(parts) / len(parts) if parts else 0.0


def _none_of_it(found: Fields, kind: str, why: str) -> Fields:
    return Fields(issues=(*found.issues, Issue(f"not-{kind}", f"This is no {kind}: {why}", "error")))


def invoice_checks(values: Mapping[str, Any]) -> tuple[Check, ...]:
    """All that can be asked of an invoice's values without looking at the page."""
    lines = values.get("line_items") or []
    taxes = values.get("tax_lines") or []
    net, tax, gross = values.get("net_total"), values.get("tax_total"), values.get("grand_total")
    rate = taxes[0].get("rate") if len(taxes) == 1 else None
    rounded = max(1, len(lines))  # some round the tax of each line
    return (
        checks.totals_add_up(net, tax, gross),
        checks.tax_lines_add_up(taxes, net, tax, rounded_lines=rounded),
        checks.tax_rate_fits(net, tax, rate, rounded_lines=rounded),
        checks.due_consistent(values.get("amount_due"), gross),
        checks.lines_add_up(lines, net, gross),
        checks.line_amounts(lines),
        checks.no_duplicate_lines(lines),
        checks.dates_in_order(values.get("issue_date"), values.get("due_date"), values.get("delivery_date")),
        checks.iban_valid(values.get("iban")),
        checks.bic_valid(values.get("bic")),
        checks.vat_id_valid(values.get("seller_vat_id"), "seller_vat_id"),
        checks.vat_id_valid(values.get("buyer_vat_id"), "buyer_vat_id"),
        *(checks.gtin_valid(code, field) for code, field in _article_numbers(lines)),
    )


def _article_numbers(lines: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Article numbers that call themselves so, with the field that they are printed in."""
    for number, line in enumerate(lines):
        for match in _GTIN.finditer(line.get("description") or ""):
            yield match[1], f"line_items[{number}].description"


def _with_charges(check: Check, text: DocumentText) -> Check:
    """A sum of lines that is not the total proves nothing where a discount or a charge stands between them."""
    if check.name != "lines-add-up" or check.passed is not False:
        return check
    from docparse.extract.vocabulary import find_labels

    labels = (label for page in text.pages for label in find_labels(page, kind="invoice"))
    if any(label.field in CHARGES and label.standing >= STANDING for label in labels):
        why = "There are discounts or charges on the whole invoice."
        return dataclasses.replace(check, passed=None, message=f"{check.message} {why}")
    return check


def _one_currency(values: Mapping[str, Any], text: DocumentText) -> Check:
    from docparse.extract.values import currencies

    codes = [match.value for row in text.rows for match in currencies(row.text) if match.sure >= SURE_CURRENCY]
    return checks.currency_consistent(codes, values.get("currency"))


def receipt_checks(values: Mapping[str, Any]) -> tuple[Check, ...]:
    """The same for a receipt; that its items come to its total is asked where they are read."""
    sums = _receipt_total(values.get("subtotal"), values.get("tax"), values.get("total"))
    return sums, _renamed(checks.line_amounts(values.get("items") or []), {"line_items": "items"})


def _receipt_total(subtotal: Decimal | None, tax: Decimal | None, total: Decimal | None) -> Check:
    """Subtotal and tax against the total. Tax may be in the subtotal, the total may be rounded to what coins can
    pay, and service or a discount may stand between them: then nothing can be said."""
    fields = ("subtotal", "tax", "total")
    if subtotal is None or total is None:
        return Check("totals-add-up", None, "There is no subtotal, or no total.", fields)
    for sum_, said in ((subtotal + (tax or 0), f"{subtotal} + {tax or 0}"), (subtotal, f"{subtotal}, tax included")):
        if abs(sum_ - total) <= COIN:
            return Check("totals-add-up", True, f"{said} is {total}, or is rounded to it.", fields)
    return Check("totals-add-up", None, f"{subtotal} + {tax or 0} is not {total}: something stands between.", fields)


def _renamed(check: Check, names: Mapping[str, str]) -> Check:
    """``check`` with a receipt's names of fields; that of a line is ``line_items[3]``."""
    fields = (name.partition("[") for name in check.fields)
    return dataclasses.replace(check, fields=tuple(names.get(top, top) + cut + rest for top, cut, rest in fields))


def _checked(found: Fields, done: Iterable[Check]) -> Fields:
    """The fields with their checks noted, and doubted where one failed."""
    every = (*found.checks, *done)
    evidence = {name: _noted(name, item, every) for name, item in found.evidence.items()}
    return dataclasses.replace(found, evidence=evidence, checks=every)


def _noted(name: str, item: Evidence, every: Iterable[Check]) -> Evidence:
    about = [check for check in every if check.passed is not None and _is_about(check, name)]
    failed = [check for check in about if check.passed is False]
    names = [check.name if check.passed else f"!{check.name}" for check in about]
    confidence = item.confidence * DOUBT if failed else item.confidence
    return dataclasses.replace(item, checks=(*item.checks, *names), confidence=confidence)


def _is_about(check: Check, name: str) -> bool:
    return any(name == field or name.startswith((f"{field}[", f"{field}.")) for field in check.fields)


def _verdict(found: Fields, text: DocumentText, schema: Schema) -> tuple[ExtractionStatus, tuple[Issue, ...]]:
    issues = list(found.issues)
    issues += [Issue("check-failed", f"{c.name}: {c.message}", "warning") for c in found.checks if c.passed is False]
    for page in text.pages:
        verdict = page.page.verdict
        if verdict.status in ("partial", "failed"):
            why = "; ".join(issue.message for issue in verdict.issues if issue.severity == "error")
            issues.append(Issue("page-in-doubt", f"Page {page.number} was read in part: {why}", "warning"))
    if not any(value not in (None, [], "") for value in found.values.values()):
        if not any(issue.severity == "error" for issue in issues):
            issues.append(Issue("nothing-found", f"Nothing that the schema {schema.name} asks for was found.", "error"))
        return "empty", tuple(issues)
    return ("partial" if any(issue.severity != "info" for issue in issues) else "ok"), tuple(issues)
