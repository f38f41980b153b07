"""Receipts from pixels: drawn, worn, a little askew, and read by the embedded engine."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from scanned_tills import read, scanned
from till_slips import SLIPS

from docparse.extract.receipt.read import read_receipt

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.mark.parametrize(
    ("name", "font", "askew", "company", "total"),
    [
        ("stationery with a note", "helv", 0.8, "CAHAYA BARU STATIONERY", "27.40"),
        ("german inn", "tiro", -0.9, "Gasthof Zum Wilden Esel", "31.80"),
        ("singapore wok", "cour", 0.3, "HAPPY WOK PTE LTD", "83.16"),
    ],
)
def test_a_scan(name: str, font: str, askew: float, company: str, total: str) -> None:
    fields = read_receipt(read(scanned(SLIPS[name], font=font, askew=askew)))
    assert (fields.values["company"], fields.values["total"]) == (company, Decimal(total))
    assert fields.evidence["total"].confidence >= 0.9


def test_the_sample() -> None:
    fields = read_receipt(read((SAMPLES / "receipt.jpg").read_bytes()))
    values = fields.values
    assert (values["company"], values["address"]) == ("HOLLOW LANE STORES", "12 Hollow Lane, Westerby WB4 7QT")
    assert (values["date"].isoformat(), values["time"].isoformat()) == ("2025-03-14", "17:42:00")
    assert (values["total"], values["currency"], values["payment"]) == (Decimal("26.62"), "GBP", "CASH")
    assert values["tax"] == Decimal("0.62")
    assert [str(item["amount"]) for item in values["items"]] == [
        "2.35", "3.30", "3.40", "4.10", "2.28", "7.50", "1.20", "2.49",
    ]  # fmt: skip
    assert values["items"][1]["description"] == "SEMI-SKIMMED MILK 2L"
    assert fields.evidence["total"].checks
