"""Which amount is the total, and who agrees with it."""

from __future__ import annotations

import pytest
from tills import slip

from docparse.extract.receipt.items import find_items
from docparse.extract.receipt.rows import receipt_rows
from docparse.extract.receipt.totals import Totals, find_totals


def totals(text: str) -> Totals:
    rows = receipt_rows(slip(text))
    return find_totals(rows, find_items(rows, 0))


def total(text: str) -> str | None:
    found = totals(text).total
    return None if found is None else str(found.money.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TOTAL (EXCL GST)   20.00\nGST 6%   1.20\nTOTAL (INCL GST)   21.20", "21.20"),
        ("TOTAL SALES   64.13\nROUNDING   0.02\nTOTAL   64.15", "64.15"),
        ("TOTAL   64.13\nROUNDING ADJ   0.02\nTOTAL ROUNDED   64.15\nCASH  70.00\nCHANGE  5.85", "64.15"),
        ("TOTAL QTY   3.00\nTOTAL   12.00", "12.00"),
        ("TOTAL SAVINGS   30.00\nTOTAL   12.00", "12.00"),
        ("TOTAL   12.00\nTOTAL GST   0.68", "12.00"),
        ("TOTAL INCLUDES 6% GST   1.44\nTAKEOUT TOTAL   25.40", "25.40"),
        ("Subtotal   40.00\nTax   3.20\nTip   6.00\nTotal   49.20", "49.20"),
        ("SUBTOTAL   12.00\nCASH   20.00\nCHANGE   8.00", "12.00"),
        ("SUMME EUR   12,40\nBAR EUR   20,00\nRÜCKGELD EUR   -7,60", "12.40"),
        ("CASH   -20.00\nTOTAL   12.40\nCHANGE   7.60", "12.40"),
        ("TOTAL\n                3.70\nCASH   10.00\nCHANGE   6.30", "3.70"),
        ("TOTAL EXCL GST   11.70\nGST 6%   0.70\n                12.40\nCASH   20.00\nCHANGE   7.60", "12.40"),
        ("TOTAL PAID   50.00\nCHANGE   37.60\nAMOUNT DUE   12.40", "12.40"),
    ],
)
def test_the_total(text: str, expected: str) -> None:
    assert total("TEA   0.10\n" + text) == expected


def test_witnesses_make_it_sure() -> None:
    alone = totals("TOTAL   12.40").total
    proved = totals("TOTAL   12.40\nCASH   20.00\nCHANGE   7.60").total
    assert alone is not None
    assert proved is not None
    assert alone.confidence < 0.9 <= proved.confidence
    assert "cash-less-change" in proved.checks


def test_a_misread_total_is_not_sure() -> None:
    found = totals("TEA   5.10\nCAKE   7.30\nTOTAL   17.40\nCASH   20.00\nCHANGE   7.60").total
    assert found is not None
    assert found.confidence < 0.9


def test_the_parts_are_found_with_it() -> None:
    found = totals("Subtotal   40.00\nTax   3.20\nTip   6.00\nTotal   49.20\nVISA   49.20")
    assert found.subtotal is not None
    assert found.tax is not None
    assert found.payment is not None
    assert (str(found.subtotal.money.value), str(found.tax.money.value)) == ("40.00", "3.20")
    assert found.payment.kind == "card"


def test_several_taxes_are_added_up() -> None:
    found = totals("SUBTOTAL   100.00\nCGST 9%   9.00\nSGST 9%   9.00\nTOTAL   118.00").tax
    assert found is not None
    assert str(found.value) == "18.00"


def test_no_total_is_no_total() -> None:
    assert totals("TEA   3.00\nCAKE   4.00").total is None
