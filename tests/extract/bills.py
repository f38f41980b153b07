"""Invoices that the tests of the command draw: everybody and everything on them is invented."""

from __future__ import annotations

from typing import Any

from tests import making

A4 = (595.0, 842.0)


def invoice(
    number: str = "R-1001", *, seller: str = "Brightwater Tools Ltd", total: str = "119.00", article: str = "Hinge"
) -> making.Draw:
    """A page of an invoice with one line item; with another total it does not add up."""
    lines = [
        (60, 60, seller, 14),
        (60, 76, "4 Mill Lane, Westerby WB4 7QT", 9),
        (60, 90, "VAT No: GB980780684", 9),
        (60, 150, "Invoice", 18),
        (60, 180, f"Invoice number: {number}", 10),
        (60, 196, "Invoice date: 14 March 2025", 10),
        (60, 240, "Description", 10),
        (280, 240, "Quantity", 10),
        (360, 240, "Unit price", 10),
        (480, 240, "Amount", 10),
        (60, 260, article, 10),
        (280, 260, "10", 10),
        (360, 260, "EUR 10.00", 10),
        (480, 260, "EUR 100.00", 10),
        (360, 300, "Net total", 10),
        (480, 300, "EUR 100.00", 10),
        (360, 316, "VAT 19%", 10),
        (480, 316, "EUR 19.00", 10),
        (360, 332, "Total", 10),
        (480, 332, f"EUR {total}", 10),
    ]

    def draw(page: Any) -> None:
        for x, y, string, size in lines:
            page.insert_text((x, y), string, fontsize=size)

    return draw


def letter(page: Any) -> None:
    """A page that is no invoice."""
    for i, string in enumerate(("Dear Ms Reed,", "thank you for your visit last week.", "Yours, T. Wells")):
        page.insert_text((60, 100 + 20 * i), string, fontsize=11)


def pdf(*pages: making.Draw, **how: Any) -> bytes:
    return making.pdf(*pages, size=A4, **how)
