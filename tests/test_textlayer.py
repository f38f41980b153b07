"""What a PDF page says of itself: words as they are seen, with their styles, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pymupdf
import pytest
from making import HELVETICA, encoded, nothing, page_pdf, pdf, picture, stream, text, together

from docparse import mupdf_page, textlayer
from docparse.geometry import BBox
from docparse.mupdf_page import MAX_SHAPES
from docparse.source import open_source
from docparse.textlayer import Line, TextLayer


def layer(data: bytes) -> TextLayer:
    with open_source(data, renderer="pymupdf") as source:
        found = source.page(1).text
    assert found is not None
    return found


def content(operators: str | bytes, **how: Any) -> TextLayer:
    """The layer of a page with these text operators in Helvetica (F1), from (100, 450) upwards."""
    body = operators.encode() if isinstance(operators, str) else operators
    return layer(page_pdf(b"BT /F1 20 Tf 100 450 Td " + body + b" ET", **how))


def mapped(operators: str, letters: dict[str, str]) -> TextLayer:
    """The same, where the font says that the letters mean something else (its ToUnicode map)."""
    rows = b"".join(b"<%02x> <%s> " % (ord(k), v.encode("utf-16-be").hex().encode()) for k, v in letters.items())
    cmap = (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def"
        b" 1 begincodespacerange <00> <ff> endcodespacerange %d beginbfchar %s endbfchar endcmap end end"
    )
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding /ToUnicode 7 0 R >>"
    more = [font, stream(cmap % (len(letters), rows))]
    return content(operators, resources=b"/Font << /F1 6 0 R >>", more=more)


def lines(found: TextLayer, *, visible: bool = True) -> list[str]:
    return [line.text for line in found.lines if line.visible is visible]


# Words and lines


def test_words_end_at_spaces_and_lines_at_baselines() -> None:
    found = content("(One two) Tj 0 -30 Td (  three   four ) Tj 0 -30 Td ( ) Tj")
    assert [[w.text for w in line.words] for line in found.lines] == [["One", "two"], ["three", "four"]]
    one, two = found.lines[0].words
    assert one.box.x2 < two.box.x1
    assert found.lines[0].box == BBox.around([one.box, two.box])
    assert found.lines[0].baseline == pytest.approx(300)  # 150 points from the top, at 144 dpi
    assert all(word.confidence is None for word in found.words())


def test_letters_placed_one_by_one_are_words_all_the_same() -> None:
    assert lines(content("[(W) -20 (o) 15 (r) -10 (d) -400 (s) -30 (o)] TJ")) == ["Word so"]


@pytest.mark.parametrize("space", ["\u00a0", "\u2003", "\u2009", "\u3000", "\u202f"])
def test_words_end_at_every_kind_of_space(space: str) -> None:
    (line,) = mapped("(abc_def gh) Tj", {"_": space}).lines
    assert [w.text for w in line.words] == ["abc", "def", "gh"]
    boxes = [w.box for w in line.words]
    assert boxes[0].x2 <= boxes[1].x1 < boxes[1].x2 < boxes[2].x1


def test_boxes_are_made_from_the_baseline_and_the_size() -> None:
    """And not from what the font says of its own height, which is often another font's."""
    (word,) = content("(Known) Tj").words()
    size = 40  # pixels
    assert word.box.y1 == pytest.approx(300 - textlayer.ASCENT * size)
    assert word.box.y2 == pytest.approx(300 + textlayer.DESCENT * size)


# What characters mean


@pytest.mark.parametrize(
    ("letters", "seen"),
    [
        ({"A": "ﬁ"}, "fine"),
        ({"A": "fi"}, "fine"),
        ({"A": "ﬃ"}, "ffine"),
        ({"A": "ﬆ"}, "stne"),
        ({"A": "\u200b"}, "ne"),
        ({"A": "x", "e": "\u0301"}, "xń"),
        ({"A": "\u2060", "n": "\ufeff"}, "e"),
        ({"A": "𝒜"}, "𝒜ne"),
    ],
)
def test_ligatures_marks_and_characters_of_no_width(letters: dict[str, str], seen: str) -> None:
    found = mapped("(Ane) Tj", letters)
    assert lines(found) == [seen]
    assert found.unmapped == 0


def test_a_soft_hyphen_is_seen_as_a_hyphen_but_keeps_its_meaning_at_the_end_of_a_line() -> None:
    found = mapped("(well-known hyphen-) Tj 0 -30 Td (ation - end-) Tj 0 -30 Td (ing) Tj", {"-": "\u00ad"})
    assert lines(found) == ["well-known hyphen\u00ad", "ation - end\u00ad", "ing"]
    assert all("".join(part for part, _ in word.parts) == word.text for word in found.words())


def test_glyphs_without_a_meaning_are_counted() -> None:
    private = mapped("(hello you) Tj", {c: chr(0xE000 + ord(c)) for c in "helo"})
    assert private.unmapped == 6
    replaced = mapped("(hello you) Tj", dict.fromkeys("he", "�"))
    assert replaced.unmapped == 2
    assert lines(replaced) == ["llo you"]
    assert content("(hello you) Tj").unmapped == 0


def test_text_in_its_own_words_is_preferred_to_its_glyphs() -> None:
    assert lines(content("/Span << /ActualText (real) >> BDC (fake) Tj EMC")) == ["real"]


ARABIC = {"m": "م", "r": "ر", "h": "ح", "b": "ب", "a": "ا", "s": "س", "L": "لا", "l": "ل"}


def test_arabic_reads_from_right_to_left() -> None:
    """The glyphs stand in the file from left to right, as they are seen."""
    assert lines(mapped("(abhrm) Tj", ARABIC)) == ["مرحبا"]


def test_the_letters_of_an_arabic_ligature_are_in_order() -> None:
    assert lines(mapped("(mLs) Tj", ARABIC)) == ["سلام"]
    (line,) = mapped("(mLs abhrm) Tj", ARABIC).lines
    assert sorted(w.text for w in line.words) == sorted(["سلام", "مرحبا"])


def test_the_shapes_of_arabic_letters_are_the_letters() -> None:
    shapes = {"m": "\ufee2", "L": "\ufefb", "s": "\ufeb3"}
    assert lines(mapped("(mLs) Tj", shapes)) == ["سلام"]


# What is seen


@pytest.mark.parametrize(
    ("operators", "seen", "hidden"),
    [
        ("3 Tr (hidden) Tj 0 Tr 0 -50 Td (seen) Tj", ["seen"], ["hidden"]),
        ("3 Tr (hid) Tj 0 Tr (seen word) Tj", ["seen word"], []),
        ("1 Tr (stroked) Tj", ["stroked"], []),
        ("2 Tr (both) Tj", ["both"], []),
        ("3 Tr (all) Tj 0 -50 Td (hidden) Tj", [], ["all", "hidden"]),
        ("(in) Tj 900 0 Td (out of the page) Tj", ["in"], []),
    ],
)
def test_text_that_is_not_painted_is_not_seen(operators: str, seen: list[str], hidden: list[str]) -> None:
    found = content(operators)
    assert lines(found) == seen
    assert lines(found, visible=False) == hidden
    assert [w.text for w in found.words()] == " ".join(seen).split()
    assert len(found.words(visible_only=False)) == len(" ".join(seen + hidden).split())


def test_text_without_opacity_is_not_seen() -> None:
    data = page_pdf(
        b"/G gs BT /F1 20 Tf 100 450 Td (gone) Tj ET",
        resources=b"/Font << /F1 5 0 R >> /ExtGState << /G << /ca 0 >> >>",
    )
    assert lines(layer(data)) == []
    assert lines(layer(data), visible=False) == ["gone"]


def test_text_outside_of_the_crop_box_is_not_on_the_page() -> None:
    draw = together(text("inside", (100, 150)), text("outside", (100, 580)))
    assert lines(layer(pdf(draw, crop=(50, 50, 350, 500)))) == ["inside"]


def test_bold_by_drawing_twice_is_said_once() -> None:
    (word,) = content("(Twice) Tj 0.3 0 Td (Twice) Tj").words()
    assert (word.text, word.style.bold) == ("Twice", True)


# Style


def test_styles_cut_a_word_into_its_parts() -> None:
    found = content(
        "(plain) Tj /F2 20 Tf (bold) Tj 1 0 0 rg /F3 20 Tf (slant) Tj 0 g /F4 10 Tf 7 Ts (2) Tj",
        resources=b"/Font << /F1 5 0 R /F2 6 0 R /F3 7 0 R /F4 8 0 R >>",
        more=[
            HELVETICA.replace(b"Helvetica", name)
            for name in (b"ABCDEF+Helvetica-Bold", b"Helvetica-Oblique", b"Courier")
        ],
    )
    (word,) = found.words()
    assert [part for part, _ in word.parts] == ["plain", "bold", "slant", "2"]
    plain, bold, slant, raised = (style for _, style in word.parts)
    assert (plain.bold, plain.italic, plain.mono, plain.superscript, plain.color, plain.size) == (
        False,
        False,
        False,
        False,
        0,
        40,
    )
    assert (bold.bold, bold.font) == (True, "Helvetica-Bold")  # without the tag of its subset
    assert (slant.italic, slant.color) == (True, 0xFF0000)
    assert (raised.mono, raised.superscript, raised.size) == (True, True, 20)
    assert word.style == plain  # that of most of its letters
    assert "".join(part for part, _ in word.parts) == word.text


def test_every_word_is_its_parts() -> None:
    draw = together(text("ﬁrst line of text — “quoted”"), text("second, smaller", (50, 300), 7))
    for word in layer(pdf(draw)).words():
        assert "".join(part for part, _ in word.parts) == word.text
        assert word.text


# Shapes and pictures


def test_shapes_are_rules_rectangles_and_the_rest() -> None:
    body = (
        b"1 0 0 RG 2 w 10 500 m 300 500 l S "  # a rule
        b"0 0 1 RG 50 100 m 50 400 l S "  # another, upright
        b"0 1 0 rg 100 200 80 40 re f "  # a filled rectangle
        b"0 G 200 200 80 40 re S "  # an outlined one
        b"0.5 g 100 300 m 180 300 l 180 340 l 100 340 l h f "  # one drawn line by line
        b"300 300 m 350 350 400 250 380 300 c S "  # a curve
        b"20 20 m 90 70 l S"  # a slanting line
    )
    shapes = layer(page_pdf(body)).shapes
    assert [s.kind for s in shapes] == ["rule", "rule", "rect", "rect", "rect", "path", "path"]
    assert (shapes[0].box, shapes[0].stroke, shapes[0].fill) == (BBox(20, 200, 600, 200), 0xFF0000, None)
    assert shapes[1].box == BBox(100, 400, 100, 1000)
    assert (shapes[2].box, shapes[2].stroke, shapes[2].fill) == (BBox(200, 720, 360, 800), None, 0x00FF00)
    assert (shapes[3].stroke, shapes[3].fill) == (0, None)
    assert shapes[4].box == BBox(200, 520, 360, 600)
    assert shapes[4].fill is not None


def test_shapes_without_opacity_are_none() -> None:
    body = b"/G gs 100 200 80 40 re f 10 500 m 300 500 l S"
    assert layer(page_pdf(body, resources=b"/ExtGState << /G << /ca 0 /CA 0 >> >>")).shapes == ()


def test_a_page_of_very_many_paths_is_still_described() -> None:
    one_by_one = b"".join(
        b"%d %d m %d %d l S " % (n % 90, n // 90, n % 90 + 30, n // 90) for n in range(2 * MAX_SHAPES)
    )
    all_in_one = b"10 10 m " + b"".join(b"%d %d l " % (n % 390, n % 580) for n in range(12 * MAX_SHAPES)) + b"S "
    for body in (one_by_one, all_in_one):
        found = layer(page_pdf(body + b"BT /F1 20 Tf 100 450 Td (Map) Tj ET", squeezed=True))
        assert lines(found) == ["Map"]
        assert {s.kind for s in found.shapes} == {"path"}  # no rules of a table, whatever they are


def test_pictures_have_their_place_and_their_own_size() -> None:
    def draw(page: Any) -> None:
        page.insert_image((50, 100, 250, 200), stream=encoded(picture((400, 100))), keep_proportion=False)
        page.insert_image((50, 300, 100, 500), stream=encoded(picture((400, 100))), rotate=90, keep_proportion=False)

    flat, upright = layer(pdf(draw)).pictures
    assert (flat.box, flat.width, flat.height) == (BBox(100, 200, 500, 400), 400, 100)
    assert (upright.width, upright.height) == (100, 400)  # as it lies on the page
    assert upright.box.as_tuple() == pytest.approx((100, 600, 200, 1000), abs=0.1)


def test_an_empty_page_says_nothing() -> None:
    assert layer(pdf(nothing)) == TextLayer()


# The raw form


def test_the_raw_form_goes_through_json() -> None:
    draw = together(text("ﬁne “text” — ok"), lambda page: page.draw_rect((10, 20, 30, 40), fill=(1, 0, 0)))
    with open_source(pdf(draw, rotation=270)) as source:
        raw = source.describe(1).raw
    assert raw is not None
    assert textlayer.build(json.loads(json.dumps(raw)), 2.0) == textlayer.build(raw, 2.0)


@pytest.mark.parametrize("scale", [0.5, 1, 2, 300 / 72])
def test_building_scales_everything(scale: float) -> None:
    draw = together(text("Scale"), lambda page: page.draw_line((10, 20), (300, 20)))
    with open_source(pdf(draw)) as source:
        raw = source.describe(1).raw
    assert raw is not None
    one, many = textlayer.build(raw, 1), textlayer.build(raw, scale)
    pairs = [
        (one.words()[0].box, many.words()[0].box),
        (one.shapes[0].box, many.shapes[0].box),
        (one.lines[0].box, many.lines[0].box),
    ]
    for small, large in pairs:
        assert large.as_tuple() == pytest.approx(small.scaled(scale).as_tuple(), abs=0.02)
    assert many.words()[0].style.size == pytest.approx(20 * scale, abs=0.01)
    assert many.lines[0].baseline == pytest.approx(150 * scale, abs=0.01)


def test_a_line_of_very_many_words_is_built() -> None:
    """What MuPDF says of a line is gone through once, whatever its length."""
    count = 20_000
    words = [(n * 0.01, 0, n * 0.01 + 0.01, 1, "word", 0, 0, n) for n in range(count)]
    ((letters, found),) = mupdf_page._words_by_line(words)
    assert letters == "word" * count
    span = ["word " * count, 1.0, 0, 16, "Helvetica", 0, 255, 0.0, 1.0]
    built = textlayer.build(
        {"lines": [[[0, 0, 200, 1], [1, 0], [span], found]], "shapes": [], "pictures": [], "ligatures": 0}, 2
    )
    assert len(built.lines[0].words) == count


def test_a_line_whose_words_and_spans_differ_keeps_its_words() -> None:
    span = ["abc", 10.0, 0, 16, "Helvetica", 0, 255, 0.0, 10.0]
    raw = {
        "lines": [[[0, 0, 9, 9], [1, 0], [span], [["abcd", [0, 0, 9, 9]]]]],
        "shapes": [],
        "pictures": [],
        "ligatures": 0,
    }
    line: Line = textlayer.build(raw, 1).lines[0]
    assert line.text == "abcd"


def test_describing_a_page_leaves_it_as_it_was() -> None:
    """PyMuPDF takes the rotation off a page while it looks for text."""
    document = pymupdf.open(stream=pdf(text("Known"), rotation=90), filetype="pdf")
    page = document[0]
    before = page.get_pixmap().samples
    mupdf_page.extract(page)
    assert page.rotation == 90
    assert page.get_pixmap().samples == before
    document.close()
