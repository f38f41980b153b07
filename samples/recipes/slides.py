"""slides.pdf: two slides of a talk: bullets beside a bar chart, and a timeline."""

from __future__ import annotations

from pathlib import Path

import pymupdf

from recipes.sheet import BLACK, rule, save, write

WIDTH, HEIGHT = 960.0, 540.0
NAVY, TEAL, SAND, SOFT = (0.09, 0.2, 0.36), (0.1, 0.52, 0.55), (0.95, 0.66, 0.25), (0.35, 0.4, 0.46)

BULLETS = (
    (0, "Visits rose for the third year in a row"),
    (1, "Saturday mornings grew most: +31 %"),
    (1, "The new reading room opened in May"),
    (0, "Loans of printed books are stable"),
    (0, "Digital loans doubled, from a small base"),
    (1, "Audiobooks are three quarters of them"),
    (0, "Open question: who does not come, and why?"),
)
VISITS = (("2021", 48), ("2022", 71), ("2023", 86), ("2024", 103))
STEPS = (
    ("January", "Survey of people who", "do not visit"),
    ("March", "Longer hours on", "two evenings"),
    ("June", "Mobile library reaches", "four villages"),
    ("September", "Homework help", "starts"),
)


def _frame(page: pymupdf.Page, title: str, number: int) -> None:
    page.draw_rect((0, 0, WIDTH, 14), color=None, fill=NAVY)
    page.draw_rect((0, 14, 220, 19), color=None, fill=SAND)
    write(page, (60, 86), title, size=34, face="hebo", color=NAVY)
    rule(page, 60, WIDTH - 60, 504, 0.8, (0.8, 0.82, 0.85))
    write(page, (60, 523), "Westerby Public Library  |  Annual meeting 2025", size=12, color=SOFT)
    write(page, (WIDTH - 60, 523), str(number), size=12, color=SOFT, align="right")


def _bullets(page: pymupdf.Page) -> None:
    y = 144.0
    for depth, text in BULLETS:
        x = 66 + 30 * depth
        if depth == 0:
            y += 10
            write(page, (x, y), "•", size=21, color=TEAL)
            write(page, (x + 20, y), text, size=21, color=BLACK)
            y += 36
        else:
            write(page, (x, y), "–", size=17, color=SOFT)
            write(page, (x + 16, y), text, size=17, color=SOFT)
            y += 30


def _chart(page: pymupdf.Page) -> None:
    box = pymupdf.Rect(580, 170, 890, 430)
    write(page, (box.x0 - 10, 142), "Visits per year (thousands)", size=15, face="hebo", color=NAVY)
    for step in range(0, 121, 40):
        y = box.y1 - step / 120 * box.height
        rule(page, box.x0, box.x1, y, 0.5, (0.82, 0.84, 0.87))
        write(page, (box.x0 - 8, y + 4), str(step), size=12, color=SOFT, align="right")
    slot = box.width / len(VISITS)
    for place, (year, visits) in enumerate(VISITS):
        middle = box.x0 + slot * (place + 0.5)
        top = box.y1 - visits / 120 * box.height
        page.draw_rect((middle - 24, top, middle + 24, box.y1), color=None, fill=SAND if year == "2024" else TEAL)
        write(page, (middle, top - 7), str(visits), size=14, face="hebo", align="center")
        write(page, (middle, box.y1 + 20), year, size=14, color=SOFT, align="center")
    write(page, (box.x0 - 10, 474), "Source: door counters, main building only", size=11, face="heit", color=SOFT)


def _timeline(page: pymupdf.Page) -> None:
    write(page, (60, 128), "Four steps, each decided on its own after the one before", size=19, color=SOFT)
    page.draw_line((110, 250), (850, 250), color=TEAL, width=4)
    for place, (month, *words) in enumerate(STEPS):
        x = 140 + place * 226
        page.draw_circle((x, 250), 13, color=TEAL, fill=(1, 1, 1), width=4)
        write(page, (x, 222), month, size=20, face="hebo", color=NAVY, align="center")
        for row, text in enumerate(words):
            write(page, (x, 294 + 23 * row), text, size=17, align="center")
    page.draw_rect((60, 378, WIDTH - 60, 462), color=None, fill=(0.93, 0.96, 0.96))
    write(page, (84, 412), "What we ask of the council", size=17, face="hebo", color=TEAL)
    write(page, (84, 440), "One more driver's post from June, and the parking space behind the town hall.", size=17)


def make(folder: Path) -> None:
    document = pymupdf.open()
    first = document.new_page(width=WIDTH, height=HEIGHT)
    _frame(first, "A good year, with gaps", 3)
    _bullets(first)
    _chart(first)
    second = document.new_page(width=WIDTH, height=HEIGHT)
    _frame(second, "What comes next", 4)
    _timeline(second)
    save(document, folder / "slides.pdf", "A good year, with gaps")
