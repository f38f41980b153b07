"""Checks as data: arithmetic, dates, check digits, currency, duplicates, XML against print.

Every check takes values, any of them None where the document does not say, and returns a ``Check``:
passed, failed, or None where it could not be judged. It never raises and changes no value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from docparse.extract.result import Check

Line = Mapping[str, Any]


def _open(name: str) -> Check:
    return Check(name, None, "Not judged.", ())


def totals_add_up(net: Decimal | None, tax: Decimal | None, gross: Decimal | None) -> Check:
    return _open("totals-add-up")


def lines_add_up(lines: Sequence[Line], net: Decimal | None, gross: Decimal | None) -> Check:
    return _open("lines-add-up")


def line_amounts(lines: Sequence[Line]) -> Check:
    return _open("line-amounts")


def tax_lines_add_up(tax_lines: Sequence[Line], net: Decimal | None, tax: Decimal | None) -> Check:
    return _open("tax-lines-add-up")


def tax_rate_fits(net: Decimal | None, tax: Decimal | None, rate: Decimal | None) -> Check:
    return _open("tax-rate-fits")


def due_consistent(due: Decimal | None, gross: Decimal | None, prepaid: Decimal | None = None) -> Check:
    return _open("due-consistent")


def dates_in_order(issue: date | None, due: date | None, delivery: date | None = None) -> Check:
    return _open("dates-in-order")


def iban_valid(iban: str | None) -> Check:
    return _open("iban-valid")


def bic_valid(bic: str | None) -> Check:
    return _open("bic-valid")


def vat_id_valid(vat_id: str | None, field: str = "seller_vat_id") -> Check:
    return _open("vat-id-valid")


def gtin_valid(gtin: str | None, field: str = "gtin") -> Check:
    return _open("gtin-valid")


def currency_consistent(codes_seen: Sequence[str], currency: str | None = None) -> Check:
    return _open("currency-consistent")


def no_duplicate_lines(lines: Sequence[Line]) -> Check:
    return _open("no-duplicate-lines")


def same_as_xml(field: str, printed: Any, xml: Any) -> Check:
    return _open("same-as-xml")
