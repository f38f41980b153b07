"""The parts of an invoice put together."""

from __future__ import annotations

from decimal import Decimal

from docparse.document import Issue
from docparse.extract.invoice.read import DERIVED, joined, one_of_each
from docparse.extract.result import Check, Evidence, Fields
from docparse.geometry import BBox


def seen(confidence: float, text: str = "x") -> Evidence:
    return Evidence(text, 1, BBox(1, 2, 3, 4), "p1b1", confidence)


def test_of_two_values_the_surer_is_taken_whichever_comes_first() -> None:
    a, b = Fields({"iban": "A"}, {"iban": seen(0.6)}), Fields({"iban": "B"}, {"iban": seen(0.8)})
    for parts in ((a, b), (b, a)):
        found = joined(parts)
        assert (found.values, found.evidence["iban"].confidence) == ({"iban": "B"}, 0.8)


def test_checks_issues_and_evidence_of_parts_come_along() -> None:
    item = Fields(
        {"line_items": [{"amount": Decimal(1)}]}, {"line_items[0].amount": seen(0.9)}, (Check("a", True, ""),)
    )
    other = Fields({"bic": None}, issues=(Issue("odd", "o"),))
    found = joined((item, other))
    assert list(found.evidence) == ["line_items[0].amount"]
    assert [c.name for c in found.checks] == ["a"]
    assert [i.code for i in found.issues] == ["odd"]
    assert "bic" not in found.values


def test_a_line_that_is_only_an_amount_is_one_at_that_price_and_says_it_was_derived() -> None:
    line = {"description": "Fee", "quantity": None, "unit_price": None, "amount": Decimal("50.00")}
    found = one_of_each(Fields({"line_items": [line]}, {"line_items[0].amount": seen(0.95)}))
    assert found.values["line_items"] == [{**line, "quantity": Decimal(1), "unit_price": Decimal("50.00")}]
    item = found.evidence["line_items[0].quantity"]
    assert (item.source, item.confidence, item.bbox) == ("derived", DERIVED, BBox(1, 2, 3, 4))


def test_where_other_lines_have_quantities_nothing_is_derived() -> None:
    lines = [
        {"description": "Fee", "quantity": None, "unit_price": None, "amount": Decimal("50.00")},
        {"description": "Tea", "quantity": Decimal(2), "unit_price": None, "amount": Decimal("6.00")},
    ]
    items = Fields({"line_items": lines}, {})
    assert one_of_each(items) is items
    assert one_of_each(Fields()) == Fields()
