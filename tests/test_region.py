"""A region of a page, read as a page of its own: what stands there, where it stands, and a verdict about that."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont

from docparse.convert import read_source
from docparse.document import Page
from docparse.engines.base import PageMarkup
from docparse.engines.embedded.engine import EmbeddedEngine
from docparse.errors import PageRangeError
from docparse.geometry import BBox
from docparse.mapping import resized, to_size
from docparse.region import Region, part_of, whole_words
from docparse.source import Source, open_source
from docparse.textlayer import Word
from tests.fake_engine import RAISE, FakeEngine
from tests.making import Draw, pdf, scan, text, together

SAMPLES = Path(__file__).parents[1] / "samples"

PAGE = together(
    text("Above the region", (60, 80), 12),
    text("Inside the first line", (60, 300), 12),
    text("Inside the second line", (60, 316), 12),
    text("Below the region", (60, 560), 12),
    lambda page: page.draw_rect((40, 200, 360, 400), color=(0, 0, 0)),
    lambda page: page.draw_line((40, 250), (390, 250)),
)


@pytest.fixture(scope="module")
def engine() -> EmbeddedEngine:
    return EmbeddedEngine(threads=1)


def opened(*pages: Draw, **how: Any) -> Source:
    return open_source(pdf(*pages), **how)


def region_of(page: Any, x1: float, y1: float, x2: float, y2: float) -> Region:
    """By shares of the page."""
    w, h = page.width, page.height
    return Region(BBox(x1 * w, y1 * h, x2 * w, y2 * h), w, h)


def read(source: Source, engine: Any, region: Region | None = None, number: int = 1) -> tuple[Page, Sequence[Word]]:
    words: dict[int, Sequence[Word]] = {}
    (page,) = read_source(source, engine, [number], region=region, seen=words.__setitem__)
    return page, words.get(number, ())


# ------------------------------------------------------------------------ the part


def test_the_text_layer_of_the_region_is_cut_and_moved() -> None:
    with opened(PAGE, dpi=144) as source:
        whole = source.page(1)
        part = part_of(whole, Region(BBox(60, 440, 740, 780), whole.width, whole.height))
    assert (part.width, part.height, part.dpi) == (680, 340, 144)
    assert whole.text is not None
    assert part.text is not None
    assert [line.text for line in part.text.lines] == ["Inside the first line", "Inside the second line"]
    baselines = [line.baseline for line in whole.text.lines][1:3]
    assert [line.baseline + 440 for line in part.text.lines] == pytest.approx(baselines)
    # The rectangle is cut to the region, the rule keeps what is in it.
    boxes = {shape.kind: shape.box.as_tuple() for shape in part.text.shapes}
    assert boxes["rule"] == pytest.approx((20, 60, 680, 60), abs=1)
    assert part.part is not None
    assert all(part.part.frame.x1 == -60 and 0 <= x1 <= x2 <= 680 for x1, _, x2, _ in boxes.values())


def test_the_pixels_are_those_of_the_page() -> None:
    with opened(PAGE, dpi=144) as source:
        whole = source.page(1)
        part = part_of(whole, Region(BBox(50.4, 580.2, 400.3, 640.9), whole.width, whole.height))
        assert part.part is not None
        assert part.part.box == BBox(50, 580, 401, 641)
        assert part.pixels().tobytes() == whole.pixels().crop((50, 580, 401, 641)).tobytes()


def test_a_region_is_the_same_at_another_resolution() -> None:
    region = Region(BBox(100, 200, 300, 260), 800, 1200)
    assert region.on(800, 1200) == BBox(100, 200, 300, 260)
    assert region.on(1600, 2400) == BBox(200, 400, 600, 520)
    assert region.on(400, 600) == BBox(50, 100, 150, 130)
    # Sides that fall between two pixels go outwards, and never beyond the page.
    assert Region(BBox(1, 1, 799.5, 1199.5), 800, 1200).on(1000, 1500) == BBox(1, 1, 1000, 1500)


@pytest.mark.parametrize("box", [BBox(10, 10, 14, 400), BBox(900, 10, 1000, 400), BBox(0, 1195, 800, 1300)])
def test_a_region_that_is_nearly_nothing_is_refused(box: BBox) -> None:
    with pytest.raises(PageRangeError, match="pixels of the page"):
        Region(box, 800, 1200).on(800, 1200)


def test_turned_pages_are_cut_as_they_are_shown(engine: EmbeddedEngine) -> None:
    for rotation in (90, 180, 270):
        with open_source(pdf(PAGE, rotation=rotation)) as source:
            whole, _ = read(source, engine)
            known = next(block for block in whole.blocks if "first" in block.text)
            assert known.bbox is not None
            part, _ = read(source, engine, Region(known.bbox.grown(12), whole.width, whole.height))
            assert "first" in part.text
            assert "Above" not in part.text
            assert (part.width, part.height, part.rotation) == (whole.width, whole.height, rotation)


# ------------------------------------------------------------------------ read


def test_blocks_come_back_in_pixels_of_the_page(engine: EmbeddedEngine) -> None:
    with open_source(SAMPLES / "invoice.pdf") as source:
        whole, _ = read(source, engine)
        table = next(block for block in whole.blocks if block.kind == "table")
        assert table.bbox is not None
        part, words = read(source, engine, Region(table.bbox.grown(10), whole.width, whole.height))
    (again,) = [block for block in part.blocks if block.kind == "table"]
    assert again.text == table.text
    assert again.bbox is not None
    assert again.bbox.iou(table.bbox) > 0.95
    assert [c.bbox and c.bbox.iou(k.bbox) > 0.9 for c, k in zip(again.cells, table.cells, strict=True) if k.bbox]
    assert again.origin == "text-layer"
    assert (part.width, part.height, part.dpi, part.size_pt) == (whole.width, whole.height, whole.dpi, whole.size_pt)
    assert words
    assert all(table.bbox.grown(11).contains(*word.box.center) for word in words), "in pixels of the page too"


def test_the_verdict_is_about_the_region(engine: EmbeddedEngine) -> None:
    with open_source(SAMPLES / "paper.pdf") as source:
        whole, _ = read(source, engine)
        part, _ = read(source, engine, region_of(whole, 0, 0.2, 0.5, 0.5))
    assert part.verdict.status == "ok", "what stands elsewhere on the page is not missed"
    (note,) = part.verdict.issues
    assert (note.code, note.severity) == ("region", "info")
    assert "0 360 697 902" in note.message


def test_what_stands_at_the_edge_of_a_region_is_no_header(engine: EmbeddedEngine) -> None:
    with open_source(SAMPLES / "paper.pdf") as source:
        whole, _ = read(source, engine)
        kinds = {block.text: block.kind for block in whole.blocks}
        for block in whole.blocks:
            if block.kind in ("paragraph", "heading", "header", "page_number", "footnote") and block.bbox is not None:
                part, _ = read(source, engine, Region(block.bbox.grown(6), whole.width, whole.height))
                found = {b.text: b.kind for b in part.blocks}
                if block.kind in ("header", "page_number"):
                    assert found == {block.text: block.kind}, "the page's own furniture is furniture still"
                else:
                    assert not {"header", "footer", "page_number"} & set(found.values()), block.text
    assert "header" in kinds.values()


def test_a_region_of_a_scan_is_a_crop_that_is_read_by_ocr(engine: EmbeddedEngine) -> None:
    font = ImageFont.load_default(36)
    picture = Image.new("RGB", (1000, 1400), "white")
    draw = ImageDraw.Draw(picture)
    draw.text((100, 200), "Nobody asked for this line", "black", font)
    draw.text((100, 700), "Harbour master 4711", "black", font)
    for dpi in (None, 200.0):
        with opened(scan(picture), dpi=dpi) as source:
            image = source.page(1)
            x, y = image.width / 1000, image.height / 1400
            region = Region(BBox(60 * x, 660 * y, 600 * x, 790 * y), image.width, image.height)
            page, words = read(source, engine, region)
        assert page.text.replace(" ", "") == "Harbourmaster4711"
        (block,) = page.blocks
        assert block.bbox is not None
        assert block.bbox.iou(BBox(100 * x, 705 * y, 450 * x, 738 * y)) > 0.6
        assert block.origin == "ocr"
        assert words
        assert block.bbox.grown(8).contains(*words[0].box.center)
    data = io.BytesIO()
    picture.save(data, "PNG")
    with open_source(data.getvalue(), name="a.png") as source:
        page, _ = read(source, engine, Region(BBox(60, 660, 600, 790), 1000, 1400))
    assert page.text.replace(" ", "") == "Harbourmaster4711", "of a picture file too"


def test_an_engine_sees_a_small_page_and_what_fails_fails_as_the_page() -> None:
    with opened(PAGE, dpi=72) as source:
        page, _ = read(source, FakeEngine(), Region(BBox(40, 50, 140, 110), 400, 600))
        (block,) = page.blocks
        assert block.bbox == BBox(40, 50, 140, 110), "it was told that the page has 100 x 60 pixels"
        failed, _ = read(source, FakeEngine(trouble={1: RAISE}), Region(BBox(40, 50, 140, 110), 400, 600))
    assert (failed.width, failed.height) == (400, 600)
    assert failed.verdict.status == "failed"
    assert {issue.code for issue in failed.verdict.issues} == {"engine.failed", "region"}


def test_an_engine_may_look_at_other_pages_of_the_file(engine: EmbeddedEngine) -> None:
    class Looking:
        name = "looking"
        info = engine.info

        def read_pages(self, pages: Any) -> Iterator[PageMarkup]:
            for page in pages:
                assert page.reader.num_pages == page.file.num_pages == 2
                assert page.reader.renderer == page.file.renderer
                assert page.reader.describe(2).size_pt == (400, 600)
                small = page.reader.draw(page.number, 50, 30)
                assert len(small) == 50 * 30 * 3
                yield PageMarkup(page.number, "<html><body></body></html>")

    with opened(PAGE, text("two"), dpi=72) as source:
        page, _ = read(source, Looking(), Region(BBox(40, 50, 140, 110), 400, 600))
    assert page.verdict.status != "failed"


# ------------------------------------------------------------------------ boxes of another size


def test_a_page_in_another_size_is_the_same_page(engine: EmbeddedEngine) -> None:
    with open_source(SAMPLES / "invoice.pdf", dpi=100) as small, open_source(SAMPLES / "invoice.pdf", dpi=200) as large:
        first, _ = read(small, engine)
        second, _ = read(large, engine)
    assert resized(first, first.width, first.height) is first
    mapped = resized(second, first.width, first.height)
    assert (mapped.width, mapped.height) == (first.width, first.height)
    assert mapped.dpi == pytest.approx(100, rel=0.01)
    assert mapped.text == second.text
    assert mapped.verdict == second.verdict
    assert [b.id for b in mapped.blocks] == [b.id for b in second.blocks]
    boxes = {b.text: b.bbox for b in first.blocks if b.bbox and b.bbox.height > 12}
    shared = [(b.bbox, boxes[b.text]) for b in mapped.blocks if b.text in boxes and b.bbox]
    assert len(shared) > 5
    assert all(a.iou(b) > 0.75 for a, b in shared)
    cell, was = (next(b for b in p.blocks if b.kind == "table").cells[0].bbox for p in (mapped, second))
    assert cell is not None
    assert was is not None
    assert cell == to_size(was, (second.width, second.height), (first.width, first.height)).rounded()


def test_words_of_a_part_stand_where_they_stand_on_the_page() -> None:
    with opened(PAGE, dpi=144) as source:
        whole = source.page(1)
        part = part_of(whole, Region(BBox(60, 440, 740, 780), whole.width, whole.height))
    assert whole.text is not None
    assert part.text is not None
    assert part.part is not None
    back = whole_words(part.text.words(), part.part)
    known = [w for line in whole.text.lines[1:3] for w in line.words]
    assert [w.text for w in back] == [w.text for w in known]
    for one, other in zip(back, known, strict=True):
        assert one.box.as_tuple() == pytest.approx(other.box.as_tuple())
