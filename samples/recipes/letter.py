"""sideways-letter.jpg: a typed letter that went through the scanner on its side, and a little askew."""

from __future__ import annotations

from pathlib import Path

import pymupdf
from PIL import Image

from recipes import scanner
from recipes.sheet import GREY, lines, rule, write

TO = """
Mr Tobias Renner
Renner & Daughters, Joinery
41 Sawmill Road
Westerby WB1 3HD
"""
BODY = """
Dear Mr Renner,

Thank you for your offer of 2 June for the twelve windows of the school house in
Hollow Lane. The parish council discussed it on Tuesday and has decided to accept
it, with the two changes that we spoke about on the telephone:

    1.  The sills will be oak instead of larch, at an additional price of 640 euros.
    2.  Work begins on 21 July, the first Monday of the summer holidays, and ends
         no later than 15 August.

The price is then 18,430 euros including tax. One third is due when the work
begins, the rest within thirty days of its completion. Please send us your
confirmation by 27 June so that we can order the scaffolding.

The key to the building is with the caretaker, Mrs Adeyemi, who can be reached
on 01632 960 135 on weekday mornings.

Yours sincerely,
"""


def _stamp(page: pymupdf.Page) -> None:
    at = pymupdf.Point(430, 655)
    for radius, width in ((44, 1.6), (40, 0.6)):
        page.draw_circle(at, radius, color=(0.3, 0.3, 0.3), width=width)
    for row, text in enumerate(("PARISH", "COUNCIL", "WESTERBY")):
        write(page, (at.x, at.y - 10 + 13 * row), text, size=10.5, face="hebo", color=(0.3, 0.3, 0.3), align="center")


def _signature(page: pymupdf.Page) -> None:
    points = [(78, 640), (92, 612), (97, 645), (110, 628), (120, 642), (133, 620), (140, 640), (165, 626), (196, 636)]
    for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
        page.draw_bezier((x0, y0), (x0 + 6, y1), (x1 - 6, y0), (x1, y1), color=(0.15, 0.15, 0.15), width=1.4)


def page_of(document: pymupdf.Document) -> pymupdf.Page:
    page = document.new_page(width=595, height=842)
    write(page, (72, 76), "Parish Council of Westerby", size=19, face="tibo")
    write(
        page,
        (72, 94),
        "Church Square 2, Westerby WB1 1AA  ·  office@westerby.example",
        size=9.5,
        face="tiro",
        color=GREY,
    )
    rule(page, 72, 523, 103, 0.8)
    y = lines(page, (72, 146), TO, leading=14.5, size=11.5, face="tiro")
    write(page, (523, y + 20), "12 June 2025", size=11.5, face="tiro", align="right")
    write(page, (72, y + 52), "Windows of the school house: acceptance of your offer", size=12, face="tibo")
    lines(page, (72, y + 84), BODY, leading=15.6, size=11.5, face="tiro")
    _signature(page)
    write(page, (72, 668), "Helen Marchetti", size=11.5, face="tiro")
    write(page, (72, 683), "Clerk to the council", size=11.5, face="tiro")
    _stamp(page)
    return page


def make(folder: Path) -> None:
    scan = scanner.shoot(page_of(pymupdf.open()), 150)
    scan = scanner.fade(scanner.blur(scan, 0.5), ink=38, paper=242)
    scan = scanner.turn(scan, -0.8, fill=242).transpose(Image.Transpose.ROTATE_90)
    scan = scanner.noise(scanner.light(scan, 10, 0), 7, seed=21)
    scan = scanner.specks(scan, 60, seed=22)
    scan.save(folder / "sideways-letter.jpg", quality=62, dpi=(150, 150), optimize=True)
