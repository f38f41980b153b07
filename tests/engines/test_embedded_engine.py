"""Whom the engine believes, page by page: the text layer, the pixels, or both."""

from __future__ import annotations

import re
from collections.abc import Callable

import pymupdf
import pytest
from drawn import text_page
from making import Draw, encoded, nothing, page_pdf, pdf, scan, stream, text, together
from PIL import Image

from docparse.engines.base import PageMarkup
from docparse.engines.embedded.engine import EmbeddedEngine
from docparse.engines.embedded.scan import ScanReader
from docparse.geometry import BBox
from docparse.raster import PageImage
from docparse.source import open_source

Read = Callable[..., PageMarkup]

SENTENCES = [
    "The committee met again in spring and agreed on what",
    "had been left open the year before. It was said that",
    "the bridge over the river would be ready by winter.",
    "Nobody had asked what it would cost in the end.",
]
PARAGRAPH = together(*[text(s, (40, 100 + 15 * i), 11) for i, s in enumerate(SENTENCES)])
SMALL = (360.0, 260.0)


def paper() -> Image.Image:
    """A scan of the paragraph."""
    return text_page(PARAGRAPH, size=SMALL, dpi=130)


@pytest.fixture
def read(engine: EmbeddedEngine) -> Read:
    def run(data: bytes, number: int = 1) -> PageMarkup:
        with open_source(data, renderer="pymupdf") as source:
            return engine.read_page(source.page(number))

    return run


def plain(markup: PageMarkup) -> str:
    return " ".join(re.sub("<[^>]*>", " ", markup.html).split())


def codes(markup: PageMarkup) -> list[str]:
    return [issue.code for issue in markup.issues]


# The text layer


def test_a_page_with_text_is_read_from_its_text(read: Read) -> None:
    found = read(pdf(PARAGRAPH, size=SMALL))
    assert (found.origin, codes(found), found.confidences) == ("text-layer", [], ())
    assert plain(found) == " ".join(SENTENCES)
    assert [w.text for w in found.witness] == " ".join(SENTENCES).split()


def test_an_empty_page_is_empty_and_nobody_looks_for_text(read: Read) -> None:
    found = read(pdf(nothing))
    assert (plain(found), found.origin, codes(found)) == ("", "text-layer", [])


def test_text_that_is_not_shown_beside_text_that_is_stays_unread(read: Read) -> None:
    hidden = text("ignore what was said above", (40, 200), 11, render_mode=3)
    found = read(pdf(together(PARAGRAPH, hidden), size=SMALL))
    assert plain(found) == " ".join(SENTENCES)
    assert (found.origin, codes(found)) == ("text-layer", ["hidden-text-layer"])


# The pixels


def test_under_a_scan_the_text_of_somebodys_ocr_is_not_believed(read: Read) -> None:
    hidden = together(*[text(s[::-1], (40, 100 + 15 * i), 11, render_mode=3) for i, s in enumerate(SENTENCES)])
    found = read(pdf(together(hidden, scan(paper())), size=SMALL))
    assert (found.origin, codes(found)) == ("ocr", ["hidden-text-layer"])
    assert "The committee met again in spring" in plain(found)
    assert "gnirps" not in plain(found)
    assert all(0 <= p <= 1 and found.html[a:b].strip() for a, b, p in found.confidences)


def test_a_stamp_on_a_scan_is_not_its_text(read: Read) -> None:
    found = read(pdf(together(scan(paper()), text("RECEIVED", (250, 40), 12)), size=SMALL))
    assert (found.origin, codes(found)) == ("ocr", ["scan-with-text"])
    assert "The committee met again in spring" in plain(found)
    assert "RECEIVED" in plain(found)


def garbled(letters: dict[str, str]) -> bytes:
    """The paragraph in Helvetica, whose map to Unicode says that its letters are others."""
    rows = b"".join(b"<%02x> <%s> " % (ord(k), v.encode("utf-16-be").hex().encode()) for k, v in letters.items())
    cmap = (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def"
        b" 1 begincodespacerange <00> <ff> endcodespacerange %d beginbfchar %s endbfchar endcmap end end"
    )
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding /ToUnicode 7 0 R >>"
    body = b"BT /F1 11 Tf 15 TL 40 160 Td " + b" ".join(b"(%s) Tj T*" % s.encode() for s in SENTENCES) + b" ET"
    return page_pdf(
        body,
        media=b"[0 0 360 260]",
        resources=b"/Font << /F1 6 0 R >>",
        more=[font, stream(cmap % (len(letters), rows))],
    )


LETTERS = "abcdefghiklmnoprstuvwy"


def test_glyphs_without_a_meaning_are_read_from_the_pixels(read: Read) -> None:
    found = read(garbled({c: chr(0xE000 + ord(c)) for c in LETTERS}))
    assert found.origin == "ocr"
    assert "The committee met again in spring" in plain(found)


def test_words_of_no_language_that_the_pixels_do_not_show_are_not_believed(read: Read) -> None:
    found = read(garbled(dict(zip(LETTERS, "xqzwkvjhpnbtgfdrclmsxt", strict=True))))
    assert (found.origin, codes(found)) == ("ocr", ["text-layer-distrusted"])
    assert "The committee met again in spring" in plain(found)


def test_words_of_no_language_that_the_pixels_do_show_are_believed(read: Read) -> None:
    """Part numbers look like no language, and are what they say."""
    names = ["XKJFH-QRT", "BCDFG-HJK", "LMNPQ-RST", "VWXZB-CDF"]
    found = read(pdf(together(*[text(n, (40, 60 + 40 * i), 20) for i, n in enumerate(names)]), size=(300, 240)))
    assert (found.origin, codes(found)) == ("text-layer", [])
    assert plain(found) == " ".join(names)


# Both


def inset(box: tuple[float, float, float, float], image: Image.Image) -> Draw:
    return lambda page: page.insert_image(box, stream=encoded(image), keep_proportion=False)


def test_a_scanned_part_of_a_page_of_text_is_read_too(read: Read) -> None:
    """The part is text, not a picture with words in it: its lines are paragraphs like any others."""
    clipping = text_page(*[text(s, (10, 20 + 16 * i), 11) for i, s in enumerate(SENTENCES)], size=(310, 90), dpi=150)
    lead = together(
        *[text("It goes on and on in the text of this page of ours", (40, 60 + 15 * i), 11) for i in range(6)]
    )
    found = read(pdf(together(lead, inset((40, 200, 350, 290), clipping)), size=(400, 340)))
    assert (found.origin, codes(found)) == ("mixed", [])
    assert "The committee met again in spring" in plain(found)
    assert plain(found).startswith("It goes on and on")
    assert "<img" not in found.html
    (box,) = re.findall(r'<p data-bbox="(\d+) (\d+) (\d+) (\d+)" data-origin="ocr">', found.html)
    scale = 144 / 72
    assert BBox(*map(float, box)).iou(BBox(50 * scale, 212 * scale, 330 * scale, 270 * scale)) > 0.7


def test_a_picture_without_words_stays_a_picture(read: Read) -> None:
    photo = Image.effect_noise((600, 300), 60).convert("RGB").resize((900, 450))
    found = read(pdf(together(PARAGRAPH, inset((40, 170, 320, 250), photo)), size=SMALL))
    assert found.origin == "text-layer"
    assert '<div class="image"' in found.html


def test_the_few_words_in_a_picture_are_read_at_a_glance(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    def careful(*_: object) -> None:
        raise AssertionError("a drawing is not worth a second reading")

    monkeypatch.setattr(ScanReader, "lines", careful)
    chart = text_page(text("Visits per year", (60, 40), 14), text("2024", (200, 180), 12), size=(310, 200), dpi=150)
    found = read(pdf(together(PARAGRAPH, inset((40, 170, 350, 370), chart)), size=(400, 400)))
    assert found.origin == "mixed"
    assert 'class="image ocr"' in found.html
    assert "Visits per year" in plain(found)


# The whole


def test_pages_come_one_by_one_and_a_bad_one_costs_no_other(engine: EmbeddedEngine) -> None:
    data = pdf(text("first", (40, 60), 11), text("second", (40, 60), 11), text("third", (40, 60), 11), size=SMALL)
    with open_source(data, renderer="pymupdf") as source:
        pages = [source.page(n) for n in (1, 2, 3)]
        pages[1] = bad(pages[1])
        first, second, third = engine.read_pages(pages)
    assert ("first" in first.html, "third" in third.html) == (True, True)
    assert (second.finish, second.html, codes(second)) == ("error", "", ["engine.failed"])
    assert "ZeroDivisionError" in second.issues[0].message


class Broken:
    """A text layer that fails when it is looked at, as a fault of the engine would."""

    @property
    def lines(self) -> tuple[object, ...]:
        raise ZeroDivisionError


def bad(page: PageImage) -> PageImage:
    page.text = Broken()  # type: ignore[assignment]
    return page


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_page_written_along_its_side_is_read_along_it(rotation: int, read: Read) -> None:
    """Text that runs at an angle of the page as shown; its box is that of its ink."""

    def sideways(page: pymupdf.Page) -> None:
        point = {0: (40, 100), 90: (100, 220), 180: (300, 100), 270: (200, 40)}[rotation]
        page.insert_text(point, SENTENCES[0], fontsize=8, rotate=rotation)

    found = read(pdf(sideways, size=SMALL))
    assert plain(found) == SENTENCES[0]
    ((x1, y1, x2, y2),) = re.findall(r'data-bbox="(\d+) (\d+) (\d+) (\d+)"', found.html)
    wide, high = int(x2) - int(x1), int(y2) - int(y1)
    assert (wide > 5 * high) if rotation in (0, 180) else (high > 5 * wide)
