"""What was bought: the ways in which tills print a line."""

from __future__ import annotations

import pytest
from tills import slip

from docparse.extract.receipt.items import find_items
from docparse.extract.receipt.rows import receipt_rows

Line = tuple[str | None, str | None, str | None, str]


def items(text: str) -> list[Line]:
    rows = receipt_rows(slip(text))
    return [
        (
            item.description,
            None if item.quantity is None else str(item.quantity),
            None if item.unit_price is None else str(item.unit_price.value),
            str(item.amount.value),
        )
        for item in find_items(rows, 0).items
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "FLAT WHITE   3.20\nSCONE   £2.75\nTOTAL   5.95",
            [("FLAT WHITE", None, None, "3.20"), ("SCONE", None, None, "2.75")],
        ),
        (
            "EGGS   3.40\nMILK 2L\n  2 x 1.65   3.30\nTOTAL   6.70",
            [("EGGS", None, None, "3.40"), ("MILK 2L", "2", "1.65", "3.30")],
        ),
        (
            "GLUE STICK\nSR 1000055- 1.00 UNIT X 5.00   5.00\nFILE\nSR 1000066- 2.00 UNIT X 3.50   7.00\nTOTAL   12.00",
            [("GLUE STICK", None, None, "5.00"), ("FILE", None, None, "7.00")],
        ),
        (
            "Name   Qty   Price   Amount\n1 SR 9556405112205   11   5.80   63.80\nPAPER PLATES JP\nTOTAL   63.80",
            [("PAPER PLATES JP", "11", "5.80", "63.80")],
        ),
        ("2@ 7.48 PAINT BRUSH   14.96\nTOTAL   14.96", [("PAINT BRUSH", "2", "7.48", "14.96")]),
        (
            "2 TEH TARIK   3.60\n4 ROTI   5.20\nTOTAL   8.80",
            [("TEH TARIK", "2", None, "3.60"), ("ROTI", "4", None, "5.20")],
        ),
        ("牛肉面   2   18.50   37.00\n合计   37.00", [("牛肉面", "2", "18.50", "37.00")]),
        (
            "TEA   3.00   0.18\nCAKE   4.00   0.24\nTOTAL   7.00",
            [("TEA", None, None, "3.00"), ("CAKE", None, None, "4.00")],
        ),
        ("TOTAL   7.00", []),
    ],
)
def test_items(text: str, expected: list[Line]) -> None:
    found = items(text)
    if text.startswith("GLUE"):  # the unit's quantity is printed as an amount: whether it is one is left open
        found = [(name, None, None, amount) for name, _, _, amount in found]
    assert found == expected


def test_numbers_that_count_the_lines_are_no_quantities() -> None:
    assert [i[1] for i in items("1 TEA   3.00\n2 CAKE   4.00\n3 PIE   5.00\nTOTAL   12.00")] == [None, None, None]


def test_savings_are_no_items() -> None:
    rows = receipt_rows(slip("TEA   3.00\nDISCOUNT   -0.50\nTOTAL   2.50"))
    found = find_items(rows, 0)
    assert [str(i.amount.value) for i in found.items] == ["3.00"]
    assert str(found.savings) == "-0.50"
