"""dossier.tif: three pages from an office scanner in one TIFF, black and white, each of another size."""

from __future__ import annotations

from pathlib import Path

import pymupdf
from PIL import Image

from recipes import scanner
from recipes.sheet import lines, rule, write

DPI = 200
A4, LETTER, A5_WIDE = (595, 842), (612, 792), (595, 420)

FAX = (
    ("To:", "Harbour Office, attn. Ms Lindqvist"),
    ("Fax:", "01632 960 744"),
    ("From:", "Coastal Freight, J. Abara"),
    ("Date:", "3 February 2025"),
    ("Pages:", "3 including this one"),
    ("Subject:", "Delivery 7719, crane on Thursday"),
)
FAX_TEXT = """
Please find with this page the minutes of our meeting on site and the delivery
note for the pumps. The crane is booked from 8:00 to 11:30 on Thursday.

Could you confirm that berth 4 is free until noon? The lorry is 16 metres long
and cannot turn on the quay.
"""
MINUTES = """
Present: J. Abara (Coastal Freight), M. Lindqvist (Harbour Office), two engineers of
the pumping station. Excused: the crane driver.

1.  Access. The gate at Customs Street is wide enough. The barrier is opened by
     the night porter, who must be told one day before.

2.  Weight. Each pump weighs 2.8 tonnes. The quay carries 4 tonnes per square
     metre, so that the pumps may be set down side by side but not stacked.

3.  Weather. Above wind force 6 the crane does not work. The decision is taken at
     6:30 by telephone.

4.  Costs. The harbour charges 260 euros for half a day. Coastal Freight pays and
     passes the amount on.

Next meeting: on the quay, Thursday at 7:45.
"""
GOODS = (
    ("Item", "Description", "Quantity", "Weight (kg)"),
    ("P-200", "Drainage pump, electric", "2", "5,600"),
    ("H-075", "Pressure hose, 20 m", "6", "318"),
    ("C-016", "Cable on drum, 50 m", "2", "190"),
    ("B-001", "Box of fittings", "1", "42"),
)


def _fax(document: pymupdf.Document) -> pymupdf.Page:
    page = document.new_page(width=LETTER[0], height=LETTER[1])
    write(page, (72, 40), "03-FEB-2025  09:12   COASTAL FREIGHT   +44 1632 960 310   P.01/03", size=8.5, face="cobo")
    write(page, (72, 110), "FAX", size=44, face="hebo")
    rule(page, 72, 540, 124, 2)
    for row, (label, value) in enumerate(FAX):
        y = 158 + 24 * row
        write(page, (72, y), label, size=12, face="hebo")
        write(page, (150, y), value, size=12)
    rule(page, 72, 540, 292, 1)
    lines(page, (72, 324), FAX_TEXT, leading=17, size=12, face="tiro")
    write(page, (72, 450), "Regards, J. Abara", size=12, face="tiro")
    return page


def _minutes(document: pymupdf.Document) -> pymupdf.Page:
    page = document.new_page(width=A4[0], height=A4[1])
    write(page, (70, 90), "Minutes of the meeting on site", size=18, face="tibo")
    write(page, (70, 112), "Harbour of Westerby, berth 4, 30 January 2025", size=12, face="tiit")
    lines(page, (70, 150), MINUTES, leading=16.5, size=12, face="tiro")
    return page


def _delivery(document: pymupdf.Document) -> pymupdf.Page:
    page = document.new_page(width=A5_WIDE[0], height=A5_WIDE[1])
    write(page, (50, 62), "DELIVERY NOTE No. 7719", size=18, face="hebo")
    write(page, (545, 62), "6 February 2025", size=11, align="right")
    write(page, (50, 88), "Coastal Freight, Quay 12, Westerby", size=11)
    stops, top, height = (50, 130, 360, 445, 545), 112, 26
    for row, cells in enumerate(GOODS):
        y = top + (row + 1) * height - 8
        for column, text in enumerate(cells):
            right = column > 1
            at = stops[column + 1] - 8 if right else stops[column] + 8
            face = "hebo" if row == 0 else "helv"
            write(page, (at, y), text, size=11, face=face, align="right" if right else "left")
    for row in range(len(GOODS) + 1):
        rule(page, stops[0], stops[-1], top + row * height, 1.4 if row < 2 else 0.8)
    for stop in stops:
        page.draw_line((stop, top), (stop, top + len(GOODS) * height), width=0.8)
    write(page, (445 - 8, 270), "Total weight", size=11, face="hebo", align="right")
    write(page, (545 - 8, 270), "6,150", size=11, face="hebo", align="right")
    write(page, (50, 330), "Received in good order:", size=11)
    rule(page, 180, 400, 333, 0.8)
    return page


def _scan(page: pymupdf.Page, angle: float, seed: int) -> Image.Image:
    image = scanner.turn(scanner.blur(scanner.shoot(page, DPI), 0.8), angle)
    image = scanner.specks(scanner.noise(image, 26, seed, grain=0.8), 90, seed)
    return scanner.bilevel(image, 150)


def make(folder: Path) -> None:
    document = pymupdf.open()
    scans = [
        _scan(_fax(document), 0.4, 31),
        _scan(_minutes(document), -0.5, 32),
        _scan(_delivery(document), 0.3, 33),
    ]
    scans[0].save(folder / "dossier.tif", save_all=True, append_images=scans[1:], compression="group4", dpi=(DPI, DPI))
