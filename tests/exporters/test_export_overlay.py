"""The overlay: pixels where they must be, labels that can be read, a PDF of any length in little memory."""

from __future__ import annotations

import io
import itertools
import tracemalloc

import pymupdf
import pytest
from golden_documents import DOCUMENTS, page_image
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from docparse.document import KINDS, STATUSES, Block, Document, Page, Run
from docparse.errors import ExportError
from docparse.exporters import ExportOptions, export
from docparse.exporters.labels import Board
from docparse.exporters.overlay import certainty, draw_page
from docparse.exporters.palette import COLOURS, VERDICTS, WHITE, heat, on
from docparse.exporters.picture_pdf import PicturePdf
from docparse.geometry import BBox

WHITE_PAGE = Image.new("RGB", (300, 400), "white")


def draw(*blocks: Block, with_heat: bool = False) -> Image.Image:
    return draw_page(Page(1, 300, 400, blocks=blocks), WHITE_PAGE, with_heat=with_heat)


@pytest.mark.parametrize("kind", KINDS)
def test_edges_are_exactly_on_the_box(kind: str) -> None:
    runs = () if kind in ("table", "list") else (Run("x"),)
    image = draw(Block(kind, BBox(50, 200, 150, 260), runs))  # type: ignore[arg-type]
    colour = COLOURS[kind]  # type: ignore[index]
    for corner in ((50, 200), (149, 200), (50, 259), (149, 259)):
        assert image.getpixel(corner) == colour
    for outside in ((49, 230), (150, 230), (100, 260)):
        assert image.getpixel(outside) == WHITE
    inside = image.getpixel((100, 230))
    assert inside != WHITE
    assert min(inside) > 200  # pale: text under it stays readable


def test_the_page_keeps_its_size_and_what_is_on_it() -> None:
    document = DOCUMENTS["invoice"]
    before = page_image(document, 1)
    after = draw_page(document.pages[0], before)
    assert after.size == before.size
    assert before.tobytes() == page_image(document, 1).tobytes()
    assert after.getpixel((590, 600)) == before.getpixel((590, 600)) == WHITE


def test_deterministic() -> None:
    document = DOCUMENTS["kinds"]
    for format in ("overlay", "overlay-png"):
        one, other = (export(document, format, images=lambda n: page_image(document, n)) for _ in range(2))
        assert one.files == other.files


def test_cells_are_thin_lines() -> None:
    document = DOCUMENTS["invoice"]
    image = draw_page(document.pages[0], Image.new("RGB", (600, 800), "white"))
    on_line, beside = image.getpixel((299, 250)), image.getpixel((290, 250))
    assert on_line != beside


def test_boxes_that_leave_the_page() -> None:
    draw(
        Block("paragraph", BBox(-50, -50, 1000, 1000)),
        Block("paragraph", BBox(5000, 5000, 6000, 6000)),
        Block("paragraph", BBox(10, 10, 10, 10)),
        Block("paragraph", None),
    )


def test_heat() -> None:
    assert heat(0) == (200, 30, 30)
    assert heat(1) == (20, 150, 60)
    assert len(set(heat(None))) == 1
    sure = Block("paragraph", BBox(50, 200, 150, 260), confidence=1.0, agreement=0.9)
    unsure = Block("paragraph", BBox(50, 300, 150, 360), confidence=1.0, agreement=0.0)
    unknown = Block("paragraph", BBox(200, 300, 250, 360))
    assert (certainty(sure), certainty(unsure), certainty(unknown)) == (0.9, 0.0, None)
    image = draw(sure, unsure, unknown, with_heat=True)
    assert [image.getpixel(spot) for spot in ((50, 200), (50, 300), (200, 300))] == [heat(0.9), heat(0), heat(None)]


@pytest.mark.parametrize("colour", {*COLOURS.values(), *VERDICTS.values()})
def test_label_text_can_be_read(colour: tuple[int, int, int]) -> None:
    def luminance(rgb: tuple[int, int, int]) -> float:
        parts = [v / 255 / 12.92 if v <= 10 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in rgb]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    high, low = sorted((luminance(colour), luminance(on(colour))), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 3.5


def test_every_verdict_has_a_colour() -> None:
    assert set(VERDICTS) == set(STATUSES)
    assert set(COLOURS) == set(KINDS)


rects = st.tuples(st.integers(-50, 400), st.integers(-50, 500), st.integers(0, 200), st.integers(0, 100))


@given(st.lists(st.tuples(rects, st.booleans()), max_size=80), st.integers(5, 120), st.integers(5, 30))
@settings(max_examples=80, deadline=None)
def test_labels_stay_on_the_page_and_apart(
    wanted: list[tuple[tuple[int, int, int, int], bool]], width: int, height: int
) -> None:
    boxes = [BBox(x, y, x + w, y + h).clamped(300, 400) for (x, y, w, h), _ in wanted]
    board = Board(300, 400, height, boxes)
    board.take(0, 0, 300, 20)
    placed = [BBox(0, 0, 300, 20)]
    for box, (_, clear) in zip(boxes, wanted, strict=True):
        place = board.place(box, width, height, clear=clear)
        if place:
            label = BBox(*place, place[0] + width, place[1] + height)
            assert label == label.clamped(300, 400)
            assert not clear or not any(label.overlap(other) for other in boxes)
            placed.append(label)
    assert not any(a.overlap(b) for a, b in itertools.combinations(placed, 2))


def test_a_label_stands_above_its_box_or_beside_it() -> None:
    board = Board(300, 400, 15, [BBox(100, 100, 200, 150), BBox(100, 150, 200, 200)])
    assert board.place(BBox(100, 100, 200, 150), 50, 15, clear=True) == (100, 85)
    assert board.place(BBox(100, 150, 200, 200), 50, 15, clear=True) == (50, 150)
    assert board.place(BBox(100, 150, 200, 200), 400, 15, clear=False) is None


def test_a_label_goes_a_little_further_for_white_paper() -> None:
    def inked(rect: tuple[int, int, int, int]) -> bool:
        return rect[1] < 180

    box = BBox(100, 100, 200, 150)
    board = Board(300, 400, 15, [box], inked=inked)
    assert board.place(box, 50, 15, clear=True) is None
    x, y = board.place(box, 50, 15, clear=True, near=True) or (0, 0)
    assert 180 <= y < 220
    assert not inked((x, y, x + 50, y + 15))
    # Far away it would be nobody's label.
    assert (
        Board(300, 4000, 15, [box], inked=lambda rect: rect[1] < 3000).place(box, 50, 15, clear=True, near=True) is None
    )
    assert board.place(box, 50, 15, clear=False) is not None


def test_tiny_pages() -> None:
    for size in ((1, 1), (20, 15), (2000, 12), (12, 2000)):
        page = Page(1, *size, blocks=(Block("heading", BBox(0, 0, *size), (Run("x"),)),))
        assert draw_page(page, Image.new("L", size)).size == size


# --------------------------------------------------------------------------------------- files


def test_without_images_it_says_what_is_missing() -> None:
    for format in ("overlay", "overlay-png"):
        with pytest.raises(ExportError, match="drawn on the page images") as caught:
            export(DOCUMENTS["invoice"], format)
        assert caught.value.hint


def test_an_image_of_another_size_is_refused() -> None:
    with pytest.raises(ExportError, match="page 1: the image is 9 x 9 pixels, the page was read at 600 x 800"):
        export(DOCUMENTS["invoice"], "overlay", images=lambda _: Image.new("RGB", (9, 9)))


def test_png_for_each_page() -> None:
    document = DOCUMENTS["kinds"]
    result = export(document, "overlay-png", images=lambda n: page_image(document, n), stem="k")
    assert list(result.files) == ["k.overlay-001.png", "k.overlay-003.png"]
    assert [Image.open(io.BytesIO(data)).size for data in result.files.values()] == [(500, 700), (700, 500)]  # type: ignore[arg-type]


def test_pdf_has_the_pages_at_their_size() -> None:
    document = DOCUMENTS["kinds"]
    data = export(document, "overlay", images=lambda n: page_image(document, n)).data
    with pymupdf.open(stream=data, filetype="pdf") as pdf:
        assert [tuple(round(v, 2) for v in page.rect) for page in pdf] == [(0, 0, 375, 525), (0, 0, 525, 375)]
        assert pdf.metadata["title"] == "kinds.pdf"
        assert not pdf.is_repaired
        shown = pdf[0].get_pixmap(dpi=96)
        assert (shown.width, shown.height) == (500, 700)


def test_heat_is_an_option() -> None:
    document = DOCUMENTS["kinds"]
    plain, hot = (
        export(
            document, "overlay-png", images=lambda n: page_image(document, n), options=ExportOptions(heat=heat)
        ).files
        for heat in (False, True)
    )
    assert plain != hot


def test_pdf_of_many_pages_needs_the_memory_of_one() -> None:
    class Sink(io.RawIOBase):
        written = 0

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.written += len(data)
            return len(data)

    jpeg = b"\xff" * 200_000
    sink = Sink()
    tracemalloc.start()
    pdf = PicturePdf(sink, title="many")  # type: ignore[arg-type]
    for _ in range(500):
        pdf.add(jpeg, (100, 100), (595.276, 841.89))
    pdf.close()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sink.written > 100_000_000
    assert peak < 2_000_000


def test_a_document_without_pages() -> None:
    data = export(Document(), "overlay", images=lambda _: WHITE_PAGE).data
    assert data.startswith(b"%PDF-1.4")
    assert export(Document(), "overlay-png", images=lambda _: WHITE_PAGE).files == {}
