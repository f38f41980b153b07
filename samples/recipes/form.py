"""form.pdf: an application form, filled in: AcroForm fields in the first half, typed text in boxes in the second."""

from __future__ import annotations

from pathlib import Path

import pymupdf

from recipes.sheet import GREY, rule, save, write

LEFT, RIGHT = 50.0, 545.0
TINT = (0.9, 0.93, 0.97)
EDGE = (0.35, 0.42, 0.52)

TEXT_FIELDS = (
    ("family_name", "Family name", "Okonkwo", (50, 168, 290, 190)),
    ("first_names", "First names", "Adaeze Grace", (305, 168, 545, 190)),
    ("birth", "Date of birth (DD/MM/YYYY)", "09/11/1987", (50, 212, 210, 234)),
    ("phone", "Telephone", "01632 960 288", (225, 212, 375, 234)),
    ("email", "E-mail", "a.okonkwo@example.org", (390, 212, 545, 234)),
    ("street", "Street and number", "7 Tannery Row", (50, 256, 375, 278)),
    ("postcode", "Postcode", "WB2 9LE", (390, 256, 545, 278)),
)
CHOICES = (
    ("adult", "Adult", True, 50),
    ("student", "Student", False, 150),
    ("senior", "Over 65", False, 260),
    ("family", "Family", False, 370),
)
TYPED = (
    ("Identity document shown", "Passport", (50, 420, 290, 442)),
    ("Number", "XK 4471902", (305, 420, 545, 442)),
    ("Card number issued", "20 0417 3358", (50, 464, 290, 486)),
    ("Valid until", "31/03/2027", (305, 464, 420, 486)),
    ("Fee (EUR)", "18.00", (435, 464, 545, 486)),
)
TERMS = (
    "I have read the rules of the library. I will report a lost card at once and pay for books that",
    "do not come back. My data are used for lending only and are deleted one year after the card ends.",
)


def _section(page: pymupdf.Page, y: float, title: str) -> None:
    page.draw_rect((LEFT, y, RIGHT, y + 18), color=None, fill=EDGE)
    write(page, (LEFT + 6, y + 13), title, size=10.5, face="hebo", color=(1, 1, 1))


def _field(page: pymupdf.Page, name: str, label: str, value: str, box: tuple[float, ...]) -> None:
    write(page, (box[0], box[1] - 4), label, size=8, color=GREY)
    widget = pymupdf.Widget()
    widget.field_type = pymupdf.PDF_WIDGET_TYPE_TEXT
    widget.field_name = name
    widget.field_label = label
    widget.rect = pymupdf.Rect(box)
    widget.field_value = value
    widget.text_font = "Helv"
    widget.text_fontsize = 11
    widget.border_color = EDGE
    widget.fill_color = TINT
    widget.border_width = 0.7
    page.add_widget(widget)


def _choice(page: pymupdf.Page, name: str, label: str, ticked: bool, x: float) -> None:
    widget = pymupdf.Widget()
    widget.field_type = pymupdf.PDF_WIDGET_TYPE_CHECKBOX
    widget.field_name = name
    widget.field_label = label
    widget.rect = pymupdf.Rect(x, 310, x + 13, 323)
    widget.field_value = ticked
    widget.border_color = EDGE
    widget.fill_color = (1, 1, 1)
    widget.border_width = 0.8
    page.add_widget(widget)
    write(page, (x + 19, 320.5), label, size=10)


def make(folder: Path) -> None:
    document = pymupdf.open()
    page = document.new_page(width=595, height=842)
    write(page, (LEFT, 62), "Westerby Public Library", size=11, color=GREY)
    write(page, (LEFT, 92), "Application for a library card", size=21, face="hebo")
    write(
        page, (LEFT, 112), "Please fill in every field. Bring this form and an identity document to the desk.", size=9.5
    )
    write(page, (RIGHT, 62), "Form L-3 (01/2025)", size=9, color=GREY, align="right")
    _section(page, 128, "1   About you")
    for name, label, value, box in TEXT_FIELDS:
        _field(page, name, label, value, box)
    write(page, (LEFT, 301), "Kind of card (tick one)", size=8, color=GREY)
    for choice in CHOICES:
        _choice(page, *choice)
    _section(page, 344, "2   To be filled in at the desk")
    write(page, (LEFT, 382), "Checked by:", size=9.5)
    write(page, (LEFT + 62, 382), "R. Halloran", size=10.5, face="cour")
    write(page, (305, 382), "Date:", size=9.5)
    write(page, (335, 382), "14/03/2025", size=10.5, face="cour")
    rule(page, LEFT + 58, 290, 386, 0.5)
    rule(page, 331, RIGHT, 386, 0.5)
    for label, value, box in TYPED:
        write(page, (box[0], box[1] - 4), label, size=8, color=GREY)
        page.draw_rect(box, color=EDGE, width=0.7)
        write(page, (box[0] + 6, box[3] - 7), value, size=10.5, face="cour")
    _section(page, 516, "3   Declaration")
    for row, text in enumerate(TERMS):
        write(page, (LEFT, 552 + 14 * row), text, size=9.8)
    rule(page, LEFT, 250, 640, 0.6)
    write(page, (LEFT, 651), "Place and date", size=8, color=GREY)
    write(page, (LEFT + 4, 635), "Westerby, 14 March 2025", size=11, face="tiit", color=(0.1, 0.15, 0.5))
    rule(page, 305, RIGHT, 640, 0.6)
    write(page, (305, 651), "Signature", size=8, color=GREY)
    stroke = [
        (318, 634),
        (326, 612),
        (333, 636),
        (341, 622),
        (352, 634),
        (362, 618),
        (371, 633),
        (392, 624),
        (424, 630),
    ]
    for (x0, y0), (x1, y1) in zip(stroke, stroke[1:], strict=False):
        page.draw_bezier((x0, y0), (x0 + 4, y1), (x1 - 5, y0), (x1, y1), color=(0.1, 0.15, 0.5), width=1.1)
    rule(page, LEFT, RIGHT, 790, 0.4, GREY)
    write(
        page, (297.5, 804), "Sample form: the person and the library are invented.", size=8, color=GREY, align="center"
    )
    save(document, folder / "form.pdf", "Application for a library card")
