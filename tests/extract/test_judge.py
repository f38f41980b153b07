"""Checks, what they do to confidences, and the verdict on an extraction."""

from __future__ import annotations

import dataclasses
import datetime
from decimal import Decimal
from typing import Any

import pytest

from docparse.document import Document, Issue, Page, Verdict
from docparse.extract.einvoice.find import EInvoice
from docparse.extract.judge import DOUBT, judge
from docparse.extract.page_text import DocumentText, document_text
from docparse.extract.result import Evidence, Fields, FieldsVerdict
from docparse.extract.schemas import load_schema
from docparse.geometry import BBox
from docparse.textlayer import Word

SOUND: dict[str, Any] = {
    "invoice_number": "17",
    "issue_date": datetime.date(2024, 3, 1),
    "due_date": datetime.date(2024, 3, 15),
    "currency": "EUR",
    "net_total": Decimal("100.00"),
    "tax_total": Decimal("19.00"),
    "grand_total": Decimal("119.00"),
    "tax_lines": [{"rate": Decimal(19), "net": Decimal("100.00"), "tax": Decimal("19.00")}],
    "line_items": [
        {"description": "a", "quantity": Decimal(2), "unit_price": Decimal(30), "amount": Decimal(60)},
        {"description": "b", "quantity": Decimal(1), "unit_price": Decimal(40), "amount": Decimal(40)},
    ],
}


def fields(**changes: Any) -> Fields:
    values = {name: value for name, value in (SOUND | changes).items() if value is not None}
    names = [name for name in values if not isinstance(values[name], list)]
    names += [f"line_items[{i}].amount" for i in range(len(values.get("line_items", ())))]
    return Fields(values, {name: Evidence("x", 1, None, None, 0.9) for name in names})


def text(verdict: Verdict | None = None) -> DocumentText:
    return document_text(Document((Page(1, 100, 100, verdict=verdict or Verdict()),)))


def judged(found: Fields, schema: str = "invoice", pages: DocumentText | None = None) -> tuple[Fields, FieldsVerdict]:
    return judge(found, pages or text(), load_schema(schema), None)


def test_a_sound_invoice_is_ok_and_its_fields_name_what_they_passed() -> None:
    found, verdict = judged(fields())
    assert (verdict.status, verdict.issues) == ("ok", ())
    assert {"totals-add-up", "lines-add-up"} <= set(found.evidence["grand_total"].checks) | set(
        found.evidence["net_total"].checks
    )
    assert all(item.confidence == 0.9 for item in found.evidence.values())
    assert {check.passed for check in found.checks} == {True, None}


@pytest.mark.parametrize(
    ("change", "check", "doubted"),
    [
        ({"grand_total": Decimal("191.00")}, "totals-add-up", {"net_total", "tax_total", "grand_total"}),
        ({"due_date": datetime.date(2024, 2, 1)}, "dates-in-order", {"issue_date", "due_date"}),
        ({"iban": "DE75512108001245126198"}, "iban-valid", {"iban"}),
        ({"seller_vat_id": "DE000000001"}, "vat-id-valid", {"seller_vat_id"}),
    ],
)
def test_a_failed_check_doubts_its_fields_and_no_others(change: dict[str, Any], check: str, doubted: set[str]) -> None:
    found, verdict = judged(fields(**change))
    assert verdict.status == "partial"
    assert any(issue.code == "check-failed" and issue.message.startswith(check) for issue in verdict.issues)
    for name in doubted:
        assert f"!{check}" in found.evidence[name].checks
        assert found.evidence[name].confidence == pytest.approx(0.9 * DOUBT)
    assert found.evidence["invoice_number"].confidence == 0.9


def test_a_check_changes_no_value() -> None:
    before = fields(grand_total=Decimal("191.00"))
    assert judged(before)[0].values == before.values


def test_a_line_that_does_not_add_up_is_doubted_by_itself() -> None:
    lines = [dict(SOUND["line_items"][0], amount=Decimal(66)), SOUND["line_items"][1]]
    found, _ = judged(fields(line_items=lines, net_total=None, tax_total=None, tax_lines=None))
    assert "!line-amounts" in found.evidence["line_items[0].amount"].checks
    assert "!line-amounts" not in found.evidence["line_items[1].amount"].checks


def test_lines_that_miss_the_total_prove_nothing_where_a_discount_stands_between() -> None:
    odd = fields(net_total=Decimal("90.00"), tax_total=None, grand_total=None, tax_lines=None)
    lines = [Word(t, BBox(x, 10, x + 50, 20)) for t, x in (("Discount", 0), ("10.00", 300))]
    with_discount = document_text(Document((Page(1, 400, 100),)), {1: lines})
    for pages, passed in ((text(), False), (with_discount, None)):
        found, _ = judged(odd, pages=pages)
        assert next(c.passed for c in found.checks if c.name == "lines-add-up") is passed


@pytest.mark.parametrize(
    ("description", "passed"),
    [
        ("Tea EAN 4006381333931", True),
        ("Tea GTIN-13: 4 006381 333931, 2 kg", True),
        ("Tea EAN 4006381333932", False),
        ("Tea 4006381333932", None),  # it may be any number
    ],
)
def test_an_article_number_in_a_line_is_checked_by_its_digit(description: str, passed: bool | None) -> None:
    lines = [dict(SOUND["line_items"][0], description=description), SOUND["line_items"][1]]
    found, _ = judged(fields(line_items=lines))
    done = [check for check in found.checks if check.name == "gtin-valid"]
    assert [(check.passed, check.fields) for check in done] == (
        [] if passed is None else [(passed, ("line_items[0].description",))]
    )


def test_a_letter_with_a_date_and_an_amount_is_no_invoice() -> None:
    letter = dict.fromkeys(SOUND) | {"issue_date": SOUND["issue_date"], "grand_total": Decimal(5)}
    found, verdict = judged(fields(**letter))
    assert (found.values, found.evidence) == ({}, {})
    assert verdict.status == "empty"
    assert [issue.code for issue in verdict.issues] == ["not-invoice"]


def test_an_invoice_with_xml_is_one_whatever_was_read() -> None:
    xml = EInvoice("CII", "", {"invoice_number": "17", "grand_total": Decimal(5)})
    found, verdict = judge(Fields(), text(), load_schema("invoice"), xml)
    assert found.values == {"invoice_number": "17", "grand_total": Decimal(5)}
    assert verdict.status == "ok"


def test_a_page_in_doubt_puts_its_fields_in_doubt() -> None:
    cut = Verdict("partial", (Issue("truncated-reading", "The end is missing.", "error"),))
    _, verdict = judged(fields(), pages=text(cut))
    assert verdict.status == "partial"
    assert "The end is missing." in verdict.issues[0].message


def test_an_error_of_an_extractor_is_in_the_verdict() -> None:
    found = dataclasses.replace(fields(), issues=(Issue("conflicting-totals", "119.00 and 120.00", "warning"),))
    assert judged(found)[1] == FieldsVerdict("partial", found.issues)


def receipt(**values: Any) -> Fields:
    """A receipt with these values beside a shop and a day."""
    values = {"company": "A", "date": datetime.date(2024, 1, 1), **values}
    return Fields(values, {name: Evidence("x", 1, None, None, 0.9) for name in values})


def test_a_receipt_is_checked_under_its_own_names() -> None:
    items = [{"description": "a", "quantity": Decimal(2), "unit_price": Decimal(3), "amount": Decimal(7)}]
    found, verdict = judged(receipt(subtotal=Decimal(10), tax=Decimal(1), total=Decimal(12), items=items), "receipt")
    failed = {check.name: check.fields for check in found.checks if check.passed is False}
    assert failed["line-amounts"] == ("items[0].quantity", "items[0].unit_price", "items[0].amount")
    assert verdict.status == "partial"
    assert "totals-add-up" not in failed  # 10 + 1 is not 12, but a tip may stand between


@pytest.mark.parametrize(
    ("subtotal", "tax", "total", "passed"),
    [
        ("10.00", "0.60", "10.60", True),
        ("10.00", "0.60", "10.00", True),  # the tax is in the subtotal
        ("10.02", "0.60", "10.60", True),  # rounded to what coins can pay
        ("10.02", None, "10.00", True),
        ("10.00", "0.60", "11.60", None),
        (None, "0.60", "10.60", None),
    ],
)
def test_a_receipts_total_may_be_rounded_and_have_the_tax_inside(
    subtotal: str | None, tax: str | None, total: str, passed: bool | None
) -> None:
    said = {"subtotal": subtotal, "tax": tax, "total": total}
    amounts = {name: Decimal(value) for name, value in said.items() if value is not None}
    found, _ = judged(receipt(**amounts), "receipt")
    assert next(check.passed for check in found.checks if check.name == "totals-add-up") is passed


def test_a_page_with_an_amount_or_a_date_is_no_receipt() -> None:
    for values in ({}, {"company": None, "date": None, "total": Decimal(5)}):
        found, verdict = judged(receipt(**values), "receipt")
        assert (found.values, verdict.status) == ({}, "empty")
    assert judged(receipt(total=Decimal(5)), "receipt")[1].status == "ok"


def test_a_user_schema_that_fits_nothing_is_empty_and_says_so() -> None:
    schema = load_schema({"title": "Label", "properties": {"batch": {"type": "string"}}})
    found, verdict = judge(Fields(), text(), schema, None)
    assert (found.values, verdict.status) == ({}, "empty")
    assert "Label" in verdict.issues[0].message
