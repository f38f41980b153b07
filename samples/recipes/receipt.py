"""receipt.jpg: a thermal till receipt, scanned a little askew."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pymupdf
from PIL import Image, ImageChops

from recipes import scanner
from recipes.sheet import BLACK, write

WIDTH = 226.8  # 80 mm
COLUMNS = 32
SIZE = 10.6
ITEMS = (
    ("WHOLEMEAL LOAF 800G", 1, "2.35"),
    ("SEMI-SKIMMED MILK 2L", 2, "1.65"),
    ("FREE RANGE EGGS 12", 1, "3.40"),
    ("MATURE CHEDDAR 350G", 1, "4.10"),
    ("BRAEBURN APPLES KG", 1, "2.28"),
    ("GROUND COFFEE 227G", 2, "3.75"),
    ("DISH SOAP LEMON", 1, "1.20"),
    ("KITCHEN ROLL 2PK", 1, "2.49"),
)
CASH = Decimal("40.00")
VAT_RATE = Decimal("0.20")
WITH_VAT = {"DISH SOAP LEMON", "KITCHEN ROLL 2PK"}


def printed() -> list[str]:
    """The receipt line by line, ``COLUMNS`` characters wide; ``*`` in front means large print."""
    rows = [
        "*HOLLOW LANE STORES",
        "12 Hollow Lane, Westerby",
        "WB4 7QT",
        "Tel 01632 960 417",
        "VAT No GB 987 6543 21",
        "",
    ]
    rows = [row if row.startswith("*") else row.center(COLUMNS) for row in rows]
    rows += ["RECEIPT 004821         TILL 03", "14/03/2025 17:42    SERVED: ANA", "-" * COLUMNS]
    total = taxed = Decimal(0)
    for name, count, price in ITEMS:
        amount = count * Decimal(price)
        total += amount
        mark = " V" if name in WITH_VAT else "  "
        taxed += amount if name in WITH_VAT else 0
        if count > 1:
            rows += [name, f"  {count} x {price}".ljust(COLUMNS - 9) + f"{amount:>7}{mark}"]
        else:
            rows.append(name.ljust(COLUMNS - 9) + f"{amount:>7}{mark}")
    vat = (taxed * VAT_RATE / (1 + VAT_RATE)).quantize(Decimal("0.01"))
    rows += ["-" * COLUMNS, f"ITEMS {sum(count for _, count, _ in ITEMS)}"]
    rows += [f"*TOTAL GBP {total:>8}", ""]
    for label, amount in (("CASH", CASH), ("CHANGE", CASH - total), ("VAT 20% INCLUDED", vat)):
        rows.append(label.ljust(COLUMNS - 9) + f"{amount:>7}  ")
    rows += [
        "-" * COLUMNS,
        "THANK YOU FOR SHOPPING LOCAL".center(COLUMNS),
        "Returns within 28 days with".center(COLUMNS),
    ]
    rows += ["this receipt. Keep it dry.".center(COLUMNS)]
    return rows


def _barcode(page: pymupdf.Page, y: float, digits: str) -> None:
    x = 48.0
    for place, digit in enumerate(digits):
        for bar in range(3):
            width = 0.9 + (int(digit) * (bar + 3) + place) % 3 * 0.8
            page.draw_rect((x, y, x + width, y + 26), color=None, fill=BLACK)
            x += width + 1.5
    write(page, (WIDTH / 2, y + 36), " ".join(digits), size=8, face="cobo", align="center")


def make(folder: Path) -> None:
    rows = printed()
    document = pymupdf.open()
    page = document.new_page(width=WIDTH, height=len(rows) * 14.4 + 120)
    y = 36.0
    for row in rows:
        if row.startswith("*"):
            write(page, (WIDTH / 2, y + 4), row[1:], size=15, face="cobo", align="center")
            y += 20
        else:
            write(page, (12, y), row, size=SIZE, face="cobo")
            y += 14.4
    _barcode(page, y + 6, "0048210314")
    paper = scanner.shoot(page, 240)
    # The print head is uneven: the right edge of the paper comes out paler.
    paper = scanner.fade(scanner.blur(paper, 0.9), ink=40, paper=246)
    ramp = Image.linear_gradient("L").rotate(90).resize(paper.size).point([value // 6 for value in range(256)])
    paper = ImageChops.add(paper, ramp)
    bed = Image.new("L", (paper.width + 120, paper.height + 110), 205)
    shadow = Image.new("L", (paper.width + 6, paper.height + 6), 150)
    bed.paste(shadow, (59, 54))
    bed.paste(paper, (58, 52))
    scan = scanner.turn(bed, 1.4, fill=205)
    scan = scanner.noise(scanner.light(scan, 0, 18), 9, seed=11)
    scan = scanner.specks(scan, 40, seed=12)
    scan.save(folder / "receipt.jpg", quality=58, dpi=(240, 240), optimize=True)
