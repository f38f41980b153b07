"""Pictures of the evidence: where the boxes are, what colour, and labels that hide nothing."""

from __future__ import annotations

import io
import itertools
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageDraw

import docparse
from docparse.convert import Options, open_for, page_images
from docparse.exporters.palette import heat
from docparse.exporters.pen import Pen
from docparse.extract.output import overlay as evidence_overlay
from docparse.extract.output.overlay import Mark, draw_evidence, pictures
from docparse.extract.result import Evidence, Extraction
from docparse.geometry import BBox
from tests.extract import bills

Box = tuple[float, float, float, float]


@pytest.fixture
def tags(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Box]]:
    """Every label that is written, and where."""
    written: list[tuple[str, Box]] = []
    tag = Pen.tag

    def noted(self: Pen, x: int, y: int, text: str, colour: Any) -> None:
        written.append((text, (x, y, x + self.width(text), y + self.height)))
        tag(self, x, y, text, colour)

    monkeypatch.setattr(Pen, "tag", noted)
    return written


def meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def test_a_box_has_the_colour_of_its_confidence(tags: list[tuple[str, Box]]) -> None:
    paper = Image.new("RGB", (400, 300), "white")
    marks = [
        Mark(BBox(50, 100, 90, 120), "total", "12.50", 0.95),
        Mark(BBox(200, 100, 260, 120), "date", "", 0.4),
    ]
    drawn = draw_evidence(paper, marks)
    assert drawn.size == paper.size
    assert drawn.getpixel((50, 110)) == heat(0.95)
    assert drawn.getpixel((200, 110)) == heat(0.4)
    assert [text for text, _ in tags] == ["total 12.50 95%", "date 40%"]
    # Outside of boxes and labels nothing changed, and the picture given is as it was.
    assert drawn.getpixel((300, 250)) == (255, 255, 255)
    assert paper.getextrema() == ((255, 255),) * 3


def test_labels_meet_neither_each_other_nor_evidence_nor_the_page_edge(tags: list[tuple[str, Box]]) -> None:
    marks = [
        Mark(BBox(40 + 110 * x, 30 + 24 * y, 100 + 110 * x, 44 + 24 * y), f"field_{x}_{y}", "value", 0.9)
        for x, y in itertools.product(range(5), range(9))
    ]
    draw_evidence(Image.new("RGB", (600, 260), "white"), marks)
    assert len(tags) == len(marks)
    for (_, one), (_, other) in itertools.combinations(tags, 2):
        assert not meet(one, other)
    for _, (x1, y1, x2, y2) in tags:
        assert 0 <= x1 < x2 <= 600
        assert 0 <= y1 < y2 <= 260


def test_labels_stand_on_white_paper_where_there_is_some(tags: list[tuple[str, Box]]) -> None:
    paper = Image.new("RGB", (600, 400), "white")
    pencil = ImageDraw.Draw(paper)
    lines = [(20, y, 400, y + 12) for y in range(40, 360, 16)]
    for line in lines:
        pencil.rectangle(line, fill="black")
    draw_evidence(paper, [Mark(BBox(300, 200, 400, 213), "total", "12.50", 0.9)])
    ((text, place),) = tags
    assert text == "total 12.50 90%"
    assert not any(meet(place, line) for line in lines)


def test_where_all_is_print_the_label_is_short(tags: list[tuple[str, Box]]) -> None:
    mark = Mark(BBox(100, 100, 160, 115), "total", "12.50", 0.9)
    draw_evidence(Image.new("RGB", (400, 300), "black"), [mark])
    ((text, place),) = tags
    assert text == "total"
    assert not meet(place, (100, 100, 160, 115)) or place[1] <= 100


def test_only_pages_with_evidence_have_a_picture_and_rows_one_label(tags: list[tuple[str, Box]]) -> None:
    box = BBox(10, 50, 60, 62)
    proof = {
        "total": Evidence("5", 3, box, confidence=0.9),
        "line_items[0].amount": Evidence("5", 1, BBox(200, 50, 240, 62), confidence=0.8),
        "line_items[0].description": Evidence("Tea", 1, box, confidence=0.6),
        "currency": Evidence("", None, None, confidence=0.9, source="xml"),
    }
    other = Extraction("invoice", None, {"total": Decimal(7)}, {"total": Evidence("7", 4, box, confidence=0.7)})
    found = Extraction("invoice", None, {"total": Decimal(5)}, proof, others=(other,))
    asked: list[int] = []

    def images(number: int) -> Image.Image:
        asked.append(number)
        return Image.new("RGB", (300, 200), "white")

    made = dict(pictures(found, images))
    assert list(made) == asked == [1, 3, 4]
    assert [text for text, _ in tags] == ["line_items 1 60%", "total 5 90%", "total 7 70%"]
    with Image.open(io.BytesIO(made[1])) as image:
        assert image.format == "PNG"
        assert image.getpixel((200, 55)) == heat(0.8)
        assert image.getpixel((10, 55)) == heat(0.6)


def test_a_real_invoice(tmp_path: Path, tags: list[tuple[str, Box]]) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(bills.pdf(bills.invoice()))
    found = docparse.extract(path, engine="embedded")
    with open_for(path, Options()) as source:
        images = page_images(source, found.document.pages)
        ((number, data),) = pictures(found, images)
        plain = images(1)
    assert number == 1
    with Image.open(io.BytesIO(data)) as drawn:
        changed = ImageChops.difference(drawn, plain).getbbox()
    assert changed is not None
    said = [text for text, _ in tags]
    assert any(text.startswith("grand_total 119.00 ") for text in said)
    assert any(text.startswith("invoice_number R-1001 ") for text in said)
    assert any(text.startswith("line_items 1 ") for text in said)
    # What was printed is still there: under the box of the total, its digits.
    box = found.evidence["grand_total"].bbox
    assert box is not None
    with Image.open(io.BytesIO(data)) as drawn:
        inside = drawn.convert("L").crop(tuple(int(side) for side in box.as_tuple()))
        assert inside.getextrema()[0] < 80
    for (_, one), (_, two) in itertools.combinations(tags, 2):
        assert not meet(one, two)


def test_a_box_beyond_the_page_is_cut(tags: list[tuple[str, Box]]) -> None:
    drawn = draw_evidence(Image.new("RGB", (100, 100), "white"), [Mark(BBox(90, 90, 140, 130), "total", "", 0.9)])
    assert drawn.getpixel((95, 99)) == heat(0.9)
    assert len(tags) == 1
    assert evidence_overlay._ink(drawn)((90, 90, 500, 500)) is not None
