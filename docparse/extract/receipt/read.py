"""The fields of a till receipt or a simplified invoice, from its rows.

    receipt_rows.py    the rows, their amounts, and what they say they are
    receipt_head.py    company and address
    receipt_items.py   what was bought
    receipt_totals.py  subtotal, tax, total, payment

This file puts them together, and reads date, time and currency.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from docparse.extract.page_text import DocumentText, Row, Span
from docparse.extract.receipt.head import Named, find_head
from docparse.extract.receipt.items import Items, find_items
from docparse.extract.receipt.places import country_of, legal_form
from docparse.extract.receipt.rows import ReceiptRow, receipt_rows
from docparse.extract.receipt.totals import Found, Totals, find_totals
from docparse.extract.receipt.words import meanings
from docparse.extract.result import Check, Evidence, Fields
from docparse.extract.values import Match, Order, currencies, date_order, dates, times

_DOLLARS = {"SG": "SGD", "US": "USD", "CA": "CAD", "AU": "AUD", "HK": "HKD"}
LEAST = 0.3
"""Confidence below which a value is not given."""


def read_receipt(text: DocumentText) -> Fields:
    """The fields of schema ``receipt`` that the document says, each with its place."""
    rows = receipt_rows(text)
    head = find_head(rows)
    items = find_items(rows, head.end)
    totals = find_totals(rows, items)
    place = _country(rows, head.address)
    writer = _Writer()
    doubt = 1.0 if any(row.moneys for row in rows) else 0.45  # a page without amounts is hardly a receipt
    writer.named("company", head.company, doubt)
    writer.named("address", head.address, doubt)
    when = find_date(rows, place)
    if when is not None:
        writer.put("date", when.value, when.span, when.confidence)
        clock = find_time(rows, when.row)
        if clock is not None:
            writer.put("time", clock.value, clock.span, clock.confidence)
    _put_currency(writer, rows[head.end :], totals, place)
    for name, found in (("subtotal", totals.subtotal), ("tax", totals.tax), ("total", totals.total)):
        writer.amount(name, found)
    _put_payment(writer, totals)
    _put_items(writer, items, totals)
    return Fields(writer.values, writer.evidence, _checks(items, totals), totals.issues)


class _Writer:
    """Values and evidence; what is too unsure is left out."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.evidence: dict[str, Evidence] = {}

    def put(self, name: str, value: Any, span: Span, confidence: float, checks: Sequence[str] = ()) -> None:
        if confidence >= LEAST:
            self.values[name] = value
            self.prove(name, span, confidence, checks)

    def prove(self, name: str, span: Span, confidence: float, checks: Sequence[str] = ()) -> None:
        self.evidence[name] = Evidence(
            span.text, span.page, span.box, span.block, round(min(confidence, 0.99), 4), tuple(checks)
        )

    def named(self, name: str, found: Named | None, doubt: float) -> None:
        if found is not None and found.value:
            self.put(name, found.value, found.span, found.confidence * doubt)

    def amount(self, name: str, found: Found | None) -> None:
        if found is not None:
            value = found.money.value if found.value is None else found.value
            self.put(name, value, found.money.span, found.confidence, found.checks)


@dataclass(frozen=True, slots=True)
class When:
    """A date or a time with its place."""

    value: Any
    span: Span
    confidence: float
    row: int


def _country(rows: Sequence[ReceiptRow], address: Named | None) -> str | None:
    """The country that the receipt is from, by its address, or by how its companies are called."""
    found = country_of(address.value) if address is not None else None
    if found is None:
        for row in rows[:12]:
            at = legal_form(row.text)
            if at is not None and re.match(r"(?i)s[do]?n\b|bhd|berhad", row.text[at:]):
                return "MY"
        if address is not None and re.search(r"\b[A-Z]{2}\.? \d{5}(?:-\d{4})?\b", address.value):
            return "US"
    return found


def find_date(rows: Sequence[ReceiptRow], country: str | None) -> When | None:
    """The day of the purchase: beside its label or a time, rather than one that a promotion ends on."""
    order: Order | None = date_order(row.text for row in rows)
    if order is None and country is not None:
        order = "mdy" if country == "US" else "ymd" if country == "CN" else "dmy"
    if order is None and any(m.value == "USD" for row in rows for m in currencies(row.text)):
        order = "mdy"
    found: list[tuple[float, ReceiptRow, Match[date]]] = []
    for row in rows:
        for match in dates(row.text, order=order, ocr=True):
            score = _date_score(row, rows, match)
            found.append((score, row, match))
    if not found:
        return None
    days = Counter(match.value for _, _, match in found)
    ranked = sorted(found, key=lambda f: (-(f[0] + 0.3 * (days[f[2].value] - 1)), f[1].number))
    score, row, match = ranked[0]
    if score < 0.2:
        return None
    confidence = min(0.97, 0.55 + 0.2 * score) * min(1.0, 0.2 + match.sure if order is None else 0.55 + match.sure)
    rivals = [f for f in ranked[1:] if f[2].value != match.value and f[0] > score - 0.5]
    if rivals:
        confidence = min(confidence, 0.75)
    span = row.row.span(match.start, match.end)
    if span.confidence is not None and span.confidence < 0.93 and days[match.value] < 2:
        confidence = min(confidence, 0.85 if span.confidence > 0.85 else 0.7)
    return When(match.value, span, confidence, row.number)


def _date_score(row: ReceiptRow, rows: Sequence[ReceiptRow], match: Match[date]) -> float:
    before = row.text[: match.start]
    score = match.sure
    said = meanings(before)
    if any(m.kind == "date" for m in said):
        score += 1.0
    elif not before.strip() and row.number and any(m.kind == "date" for m in meanings(rows[row.number - 1].text)):
        score += 0.4
    if any(abs(t.start - match.end) <= 12 or abs(match.start - t.end) <= 12 for t in times(row.text)):
        score += 0.8
    other = [m for m in said if m.kind == "otherdate" and (m.exact or m.words > 1)]
    if other and not any(m.kind == "date" and m.start > other[-1].start for m in said):
        score -= 1.2
    if len({m.value for m in dates(row.text, ocr=True)}) > 1:
        score -= 0.8
    if not 1990 <= match.value.year <= 2060:
        score -= 1.0
    return score


def find_time(rows: Sequence[ReceiptRow], day: int) -> When | None:
    """The time of the purchase: beside the date, or in the rows next to it, or beside a label of its own."""
    near = sorted(rows, key=lambda row: abs(row.number - day))
    for row in near:
        far = abs(row.number - day)
        for match in times(row.text):
            labelled = bool(
                re.search(r"(?i)\b(?:time|masa|uhr|uhrzeit|heure|hora|ora|tijd)\b|时间", row.text[: match.start])
            )
            late = {"otherdate"} & {m.kind for m in meanings(row.text[: match.start])}
            if match.sure < 0.4 or (late and far) or not (far <= 1 or (far <= 3 and match.sure > 0.9) or labelled):
                continue
            sure = 0.92 if far == 0 else 0.85 if labelled else 0.65
            span = row.row.span(match.start, match.end)
            return When(match.value, span, sure * min(1.0, match.sure + 0.1), row.number)
    return None


def _put_currency(writer: _Writer, rows: Sequence[ReceiptRow], totals: Totals, country: str | None) -> None:
    """The currency that is printed; the country says whose dollar it is."""
    seen: list[tuple[float, Row, Match[str]]] = []
    for row in rows:
        for match in currencies(row.text):
            if match.value == "BHD" and re.search(r"(?i)s\w{0,2}n\W*$", row.text[: match.start]):
                continue  # Sdn Bhd is no dinar
            beside = bool(row.moneys) or match.text in ("RM", "€", "£", "$", "¥", "￥")
            seen.append((match.sure * (1.0 if beside else 0.5), row.row, match))
    if not seen:
        return
    weight: Counter[str] = Counter()
    for sure, _, match in seen:
        weight[match.value] += sure  # type: ignore[assignment]
    code, most = weight.most_common(1)[0]
    sure, where, match = max((s for s in seen if s[2].value == code), key=lambda s: s[0])
    if totals.total is not None:
        beside_total = [s for s in seen if s[1] is totals.total.money.row and s[2].value == code]
        sure, where, match = max(beside_total, key=lambda s: s[0]) if beside_total else (sure, where, match)
    value, confidence = code, min(0.97, sure + 0.03 * len(seen))
    if match.text == "$":
        value = _DOLLARS.get(country or "US", code)
        confidence = 0.9 if country in _DOLLARS else 0.55
    if country == "MY" and code == "MYR":
        confidence = 0.97
    if sum(weight.values()) > 1.5 * most:
        confidence = min(confidence, 0.6)
    writer.put("currency", value, where.span(match.start, match.end), confidence)


def _put_payment(writer: _Writer, totals: Totals) -> None:
    row = totals.payment
    if row is None:
        return
    kinds = {"card", "cash"}
    said = [m for m in meanings(row.label) if m.kind in kinds and m.end <= len(row.row.text)]
    if not said:
        return
    kind = row.kind if any(m.kind == row.kind for m in said) else said[0].kind
    of_kind = [m for m in said if m.kind == kind]
    start, end = min(m.start for m in of_kind), max(m.end for m in of_kind)
    span = row.row.span(start, end)
    writer.put("payment", span.text, span, 0.85 if kind == "cash" else 0.8)


def _put_items(writer: _Writer, items: Items, totals: Totals) -> None:
    if not items.items:
        return
    added = totals.total is not None and "items-add-up" in totals.total.checks
    added = added or (totals.subtotal is not None and items.sum == totals.subtotal.money.value)
    checks = ("items-add-up",) if added else ()
    listed = []
    for index, item in enumerate(items.items):
        name = f"items[{index}]"
        unit = item.unit_price.value if item.unit_price is not None else None
        listed.append(
            {
                "description": item.description,
                "quantity": item.quantity,
                "unit_price": unit,
                "amount": item.amount.value,
            }
        )
        proved = item.unit_price is not None
        if item.described is not None:
            writer.prove(f"{name}.description", item.described, 0.75 if added else 0.6)
        if item.counted is not None:
            writer.prove(f"{name}.quantity", item.counted, 0.92 if proved else 0.6)
        if item.unit_price is not None:
            writer.prove(f"{name}.unit_price", item.unit_price.span, 0.92)
        sure = 0.95 if added else 0.8 if proved else 0.6
        writer.prove(f"{name}.amount", item.amount.span, min(sure, item.amount.sure), checks)
    writer.values["items"] = listed


def _checks(items: Items, totals: Totals) -> tuple[Check, ...]:
    """What was checked of the total: the items, and cash less change."""
    total = totals.total
    if total is None:
        return ()
    found = []
    value = total.money.value
    if items.items and items.sum is not None:
        passed = "items-add-up" in total.checks or (
            totals.subtotal is not None and items.sum == totals.subtotal.money.value
        )
        message = f"The items come to {items.sum}, the total is {value}."
        found.append(Check("items-add-up", passed, message, ("items", "total")))
    if "cash-less-change" in total.checks:
        found.append(Check("cash-less-change", True, f"What was given less the change is {value}.", ("total",)))
    return tuple(found)
