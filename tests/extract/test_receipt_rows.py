"""What a row of a receipt is by its words, misread or not."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tills import slip

from docparse.extract.receipt.rows import receipt_rows


def kind(label: str) -> str:
    return receipt_rows(slip(f"{label}     12.40"))[0].kind


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("TOTAL", "total"),
        ("T0TAL", "total"),
        ("TOTAI :", "total"),
        ("Total Amount (RM)", "total"),
        ("TOTAL FOR 3 ITEMS", "total"),
        ("JUMLAH", "total"),
        ("SUMME EUR", "total"),
        ("合计", "total"),
        ("合 计", "total"),
        ("GRAND TOTAL", "grand"),
        ("Total Rounded", "grand"),
        ("ROUNDED TOTAL (RM)", "grand"),
        ("TTL ATF RND", "grand"),
        ("NETT TOTAL", "grand"),
        ("TOTAL (INCL GST)", "incl"),
        ("Total Sales (Inclusive of GST)", "incl"),
        ("TOTAL TTC", "incl"),
        ("Amount Due", "due"),
        ("TOTAL PAYABLE", "due"),
        ("NET A PAYER", "due"),
        ("ZU ZAHLEN", "due"),
        ("TE BETALEN", "due"),
        ("应付", "due"),
        ("TOTAL (EXCLUDING GST)", "excl"),
        ("TOTAL BEFORE TAX", "excl"),
        ("TOTAL HT", "excl"),
        ("Subtotal", "sub"),
        ("SUB-TOTAL (RM)", "sub"),
        ("Zwischensumme", "sub"),
        ("TOTAL GST", "tax"),
        ("TOTAL INCLUDES 6% GST", "tax"),
        ("GST @6% INCLUDED IN TOTAL", "tax"),
        ("ADD: GST @ 6%", "tax"),
        ("19% MwSt enthalten", "tax"),
        ("di cui IVA", "tax"),
        ("Rounding Adj", "round"),
        ("10% Srv Chg", "service"),
        ("Tip", "tip"),
        ("TOTAL SAVINGS", "saving"),
        ("Total Item Discount:", "saving"),
        ("TOTAL QTY", "count"),
        ("CASH", "cash"),
        ("Espèces", "cash"),
        ("CASH TENDER", "cash"),
        ("MASTER CARD", "card"),
        ("微信支付", "card"),
        ("CHANGE DUE", "change"),
        ("Rückgeld", "change"),
        ("MARS BAR", ""),
        ("KINDER BAR", ""),
        ("Tarte citron", ""),
        ("PAINT", ""),
        ("PRO BALANCE 400GM", ""),
    ],
)
def test_labels(label: str, expected: str) -> None:
    assert kind(label) == expected


def amounts(text: str) -> list[list[str]]:
    return [[str(m.value) for m in row.moneys] for row in receipt_rows(slip(text))]


def test_a_lost_point_is_put_back_where_its_room_is() -> None:
    rows = receipt_rows(slip("BREAD        3.20\nTOTAL SALES  RM 64 13"))
    assert [str(m.value) for m in rows[1].moneys] == ["64.13"]
    assert rows[1].moneys[0].sure < 0.9


def test_numbers_far_apart_are_no_amount() -> None:
    assert amounts("BREAD    3.20\nTOTAL ITEMS    64      13")[1] == []


def test_an_amount_that_lost_its_first_digit_is_not_believed() -> None:
    rows = receipt_rows(slip("BREAD   3.20\nTOTAL   RM .95"))
    assert rows[1].moneys[0].sure <= 0.5


def test_prices_without_cents() -> None:
    assert amounts("NASI    50.000\nTEH     8.000\nTOTAL   58.000") == [["50000"], ["8000"], ["58000"]]


def test_a_table_of_taxes_is_no_total() -> None:
    rows = receipt_rows(
        slip("""
          TOTAL            10.60
          GST SUMMARY   AMOUNT   TAX
          SR 6%          10.00   0.60
          ZR 0%           0.00   0.00
          """)
    )
    assert [row.kind for row in rows] == ["total", "summary", "summary", "summary"]
    assert rows[2].rate == Decimal(6)
