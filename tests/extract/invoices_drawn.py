"""The invoices of ``tests/extract/invoices``: one file each, drawn from its lines and read as any PDF is.

A line is "x y size string", in points from the top left; after an empty line come the fields that the
sheet says, "name = value", and "name =" for one that it does not say. All of them are invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from docparse.extract.page_text import DocumentText
from tests.extract.sheets import Item, sheet

FOLDER = Path(__file__).with_name("invoices")
NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))
PARTIES = ("seller_name", "seller_address", "buyer_name", "buyer_address")


@dataclass(frozen=True)
class Drawn:
    items: tuple[Item, ...]
    fields: dict[str, str | None]

    @property
    def text(self) -> DocumentText:
        return sheet(self.items)


def drawn(name: str) -> Drawn:
    lines, _, said = (FOLDER / f"{name}.txt").read_text("utf-8").partition("\n\n")
    items = []
    for one in lines.splitlines():
        x, y, size, string = one.split(" ", 3)
        items.append((float(x), float(y), string, float(size)))
    fields: dict[str, str | None] = {}
    for one in said.strip().splitlines():
        field, _, value = one.partition("=")
        fields[field.strip()] = value.strip() or None
    return Drawn(tuple(items), fields)
