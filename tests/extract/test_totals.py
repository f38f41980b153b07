"""The totals of drawn invoices."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from drawn_invoices import Line, page, table, text_of

from docparse.extract.items.find import find_items
from docparse.extract.result import Fields, plain
from docparse.extract.totals.find import find_totals

HEAD: Line = (60, [(50, "Acme Ltd"), (400, "Invoice 4711")])
LABELS = (300, -540)


def totals(folder: Path, *pages: Any) -> Fields:
    text = text_of(folder, *pages)
    return find_totals(text, find_items(text))


def of(folder: Path, *rows: tuple[str, ...], places: tuple[float, ...] = LABELS) -> Fields:
    return totals(folder, page(HEAD, *table(300, places, rows)))


def said(fields: Fields) -> dict[str, str]:
    """The values that are printed, as strings."""
    names = ("net_total", "tax_total", "grand_total", "amount_due")
    return {
        name: f"{fields.values[name]:f}"
        for name in names
        if name in fields.values and fields.evidence[name].source == "print"
    }


@pytest.mark.parametrize(
    "rows",
    [
        (("Subtotal", "100.00"), ("VAT 20%", "20.00"), ("Total", "120.00")),
        (("Net amount:", "$100.00"), ("Tax (20%):", "$20.00"), ("Grand total:", "$120.00")),
        (("Zwischensumme", "100,00 €"), ("zzgl. 20 % MwSt.", "20,00 €"), ("Gesamtbetrag", "120,00 €")),
        (("Total HT", "100,00"), ("TVA 20 %", "20,00"), ("Total TTC", "120,00")),
        (("Totaal excl. BTW", "100,00"), ("BTW 20%", "20,00"), ("Totaal incl. BTW", "120,00")),
        (("Base imponible", "100,00"), ("IVA 20%", "20,00"), ("Total factura", "120,00")),
        (("Imponibile", "100,00"), ("IVA 20%", "20,00"), ("Totale fattura", "120,00")),
        (("Subtotal: 100.00",), ("VAT 20%: 20.00",), ("Total: 120.00",)),
    ],
)
def test_net_tax_and_gross_in_many_languages(tmp_path: Path, rows: tuple[tuple[str, ...], ...]) -> None:
    found = of(tmp_path, *rows)
    assert said(found) == {"net_total": "100.00", "tax_total": "20.00", "grand_total": "120.00"}
    assert all(found.evidence[name].confidence >= 0.97 for name in said(found))
    assert plain(found.values["tax_lines"]) == [{"rate": "20", "net": None, "tax": "20.00"}]


def test_evidence_is_around_the_words_of_the_value(tmp_path: Path) -> None:
    text = text_of(tmp_path, page(HEAD, *table(300, LABELS, [("Grand total", "1,120.00"), ("Page", "7")])))
    found = find_totals(text, Fields())
    evidence = found.evidence["grand_total"]
    assert (evidence.text, evidence.page) == ("1,120.00", 1)
    word = next(w for row in text.rows for w in row.words if w.text == "1,120.00")
    assert evidence.bbox is not None
    assert evidence.bbox.iou(word.box) > 0.95


def test_a_table_of_totals_under_a_heading(tmp_path: Path) -> None:
    places = (-200, -300, -420, -540)
    found = of(
        tmp_path,
        ("VAT %", "Net amount", "VAT amount", "Gross amount"),
        ("20 %", "100.00", "20.00", "120.00"),
        ("5 %", "40.00", "2.00", "42.00"),
        ("", "140.00", "22.00", "162.00"),
        places=places,
    )
    assert said(found) == {"net_total": "140.00", "tax_total": "22.00", "grand_total": "162.00"}
    assert plain(found.values["tax_lines"]) == [
        {"rate": "20", "net": "100.00", "tax": "20.00"},
        {"rate": "5", "net": "40.00", "tax": "2.00"},
    ]


def test_a_rate_table_gives_the_tax_that_is_nowhere_printed_as_a_sum(tmp_path: Path) -> None:
    found = of(tmp_path, ("Net", "150.00"), ("VAT 20%", "20.00"), ("VAT 5%", "2.50"), ("Total", "172.50"))
    assert found.values["tax_total"] == Decimal("22.50")
    assert found.evidence["tax_total"].source == "derived"
    assert [line["tax"] for line in found.values["tax_lines"]] == [Decimal("20.00"), Decimal("2.50")]


def test_two_taxes_of_one_rate_are_two(tmp_path: Path) -> None:
    found = of(
        tmp_path, ("Taxable value", "2,400.00"), ("CGST 9%", "216.00"), ("SGST 9%", "216.00"), ("Total", "2,832.00")
    )
    assert found.values["tax_total"] == Decimal("432.00")
    assert len(found.values["tax_lines"]) == 2


def test_what_was_paid_leaves_what_is_due(tmp_path: Path) -> None:
    found = of(
        tmp_path,
        *(
            ("Net", "100.00"),
            ("VAT 20%", "20.00"),
            ("Total", "120.00"),
            ("Amount paid", "-50.00"),
            ("Balance due", "70.00"),
        ),
    )
    assert said(found)["amount_due"] == "70.00"
    assert said(found)["grand_total"] == "120.00"
    assert found.evidence["amount_due"].confidence >= 0.97


def test_all_is_due_where_nothing_is_said_of_a_payment_but_not_surely(tmp_path: Path) -> None:
    found = of(tmp_path, ("Net", "100.00"), ("VAT 20%", "20.00"), ("Total", "120.00"))
    assert found.values["amount_due"] == Decimal("120.00")
    assert found.evidence["amount_due"].source == "derived"
    assert found.evidence["amount_due"].confidence < 0.75


@pytest.mark.parametrize(
    "rows",
    [
        (("Net", "100.00"), ("VAT 20%", "20.00"), ("Total", "120.00"), ("Already paid by credit card.", "")),
        (("Net", "-100.00"), ("VAT 20%", "-20.00"), ("Total", "-120.00")),
    ],
)
def test_nothing_is_said_to_be_due_of_what_is_paid_or_credited(tmp_path: Path, rows: Any) -> None:
    assert "amount_due" not in of(tmp_path, *rows).values


def test_two_totals_that_contradict_each_other_are_both_reported(tmp_path: Path) -> None:
    lines = [*table(200, LABELS, [("Grand total", "120.00")]), *table(300, LABELS, [("Invoice total", "130.00")])]
    found = totals(tmp_path, page(HEAD, *lines))
    assert "grand_total" not in found.values
    (issue,) = found.issues
    assert issue.code == "conflicting-totals"
    assert "120.00" in issue.message
    assert "130.00" in issue.message


def test_a_total_that_contradicts_a_proved_one_is_reported_too(tmp_path: Path) -> None:
    lines = [
        *table(200, LABELS, [("Subtotal", "100.00"), ("VAT 20%", "20.00"), ("Grand total", "120.00")]),
        *table(300, LABELS, [("Invoice total", "130.00")]),
    ]
    found = totals(tmp_path, page(HEAD, *lines))
    assert found.values["grand_total"] == Decimal("120.00")
    assert found.evidence["grand_total"].confidence < 0.9
    assert [issue.code for issue in found.issues] == ["conflicting-totals"]


def test_a_sum_carried_over_is_no_total(tmp_path: Path) -> None:
    first = page(HEAD, *table(700, LABELS, [("Carried forward", "80.00")]))
    second = page(
        *table(60, LABELS, [("Brought forward", "80.00")]),
        *table(300, LABELS, [("Net total", "100.00"), ("VAT 20%", "20.00"), ("Total", "120.00")]),
    )
    found = totals(tmp_path, first, second)
    assert said(found) == {"net_total": "100.00", "tax_total": "20.00", "grand_total": "120.00"}
    assert found.evidence["grand_total"].page == 2
    assert not found.issues


def test_a_subtotal_before_shipping_is_not_the_net(tmp_path: Path) -> None:
    found = of(tmp_path, ("Subtotal", "40.00"), ("Shipping", "5.00"), ("VAT 20%", "9.00"), ("Total", "54.00"))
    assert found.values["net_total"] == Decimal("45.00")
    assert found.evidence["net_total"].source == "derived"


def test_tax_that_is_included_gives_the_net(tmp_path: Path) -> None:
    found = of(tmp_path, ("Total", "119.00"), ("incl. 19% VAT", "19.00"))
    assert (found.values["grand_total"], found.values["tax_total"]) == (Decimal("119.00"), Decimal("19.00"))
    assert found.values["net_total"] == Decimal("100.00")
    assert found.evidence["net_total"].source == "derived"


def test_a_currency_without_cents(tmp_path: Path) -> None:
    found = of(tmp_path, ("Subtotal", "JPY 5,200"), ("Tax 10%", "JPY 520"), ("Total", "JPY 5,720"))
    assert said(found) == {"net_total": "5200", "tax_total": "520", "grand_total": "5720"}


def test_amounts_with_spaces_in_them(tmp_path: Path) -> None:
    found = of(tmp_path, ("Total HT: 49 201,56",), ("TVA 20 %: 9 840,31",), ("Total TTC: 59 041,87",))
    assert said(found) == {"net_total": "49201.56", "tax_total": "9840.31", "grand_total": "59041.87"}


def test_a_letter_has_no_totals(tmp_path: Path) -> None:
    lines = ["Thank you for your letter and the amount of 100.00 EUR.", "In total we met 5 times since 3 May."]
    found = of(tmp_path, *((line,) for line in lines))
    assert found.values == {}
    assert not found.issues
