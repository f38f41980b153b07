"""What a block is: headings, items, captions, code, footnotes and formulas; and what only looks like one."""

from __future__ import annotations

import pytest
from drawn import EM, PAGE, lines, prose, segment, word

from docparse.document import Kind
from docparse.engines.embedded.element import Element
from docparse.engines.embedded.kinds import name_kinds, refine, without_furniture_alone
from docparse.engines.embedded.profile import Profile
from docparse.engines.embedded.segments import Segment
from docparse.geometry import BBox

BODY = prose(50, 300, 6, 400)
"""A paragraph, so that there is a usual font to differ from."""


def block(*found: Segment, kind: Kind = "paragraph") -> Element:
    return Element(kind, BBox.around(s.box for s in found), list(found))


def named(*found: Segment, profile: Profile | None = None, others: tuple[Element, ...] = ()) -> Element:
    """The block of these lines, once it has its kind, on a page with a paragraph below."""
    element = block(*found)
    name_kinds([element, block(*BODY), *others], profile or Profile(body=EM), PAGE, EM)
    return element


def kind_of(text: str, *, x: float = 50, y: float = 100, **how: object) -> str:
    return named(*lines(x, y, *text.split("\n"), **how)).kind  # type: ignore[arg-type]


# Headings


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("Terms of use", {"size": 12}),
        ("Terms of use", {"bold": True}),
        ("Terms of use:", {"bold": True}),
        ("TERMS OF USE", {}),
        ("Terms of use", {"italic": True}),
        ("2.1 Chemicals and reagents", {}),
        ("2 Methods of this study", {"font": "Other"}),
        ("3. METHODS", {}),
        ("A title so long that\nit takes two lines", {"size": 14}),
        ("What is it?", {"bold": True}),
    ],
    ids=[
        "larger",
        "bold",
        "bold with a colon",
        "capitals",
        "a line in italics",
        "a second level by its number",
        "a first level in another font",
        "a number and capitals",
        "two lines of large print",
        "a bold question",
    ],
)
def test_a_heading(text: str, how: dict[str, object]) -> None:
    assert kind_of(text, **how) == "heading"


@pytest.mark.parametrize(
    ("text", "how", "kind"),
    [
        ("Terms of use", {}, "paragraph"),
        ("It was agreed to end it there.", {"bold": True}, "paragraph"),
        ("It was agreed to end it there, and so it was;", {"size": 14}, "paragraph"),
        ("12", {"size": 20}, "paragraph"),
        ("2 Methods of this study", {}, "paragraph"),
        ("Sales of 2014 in italics", {"italic": True}, "paragraph"),
        ("AB 12 CD", {}, "paragraph"),
        ("IBAN", {}, "paragraph"),
        ("one two three four five six seven eight nine:", {"bold": True}, "paragraph"),
    ],
    ids=[
        "short and plain",
        "bold with a full stop",
        "large with a semicolon",
        "a number",
        "a number that might be a list's",
        "italics with a year",
        "capitals with figures",
        "one short word in capitals",
        "a bold sentence that leads to a list",
    ],
)
def test_no_heading(text: str, how: dict[str, object], kind: str) -> None:
    assert kind_of(text, **how) == kind


def test_authors_with_their_marks_are_no_heading() -> None:
    words = []
    x = 50.0
    for name in ("Ada,", "Bea,", "Cleo,", "Dora"):
        words += [word(name, x, 100, size=12), word("1", x + 6 * len(name) + 1, 95, size=6, superscript=True)]
        x += 60
    assert named(Segment(words, 100)).kind == "paragraph"
    assert kind_of("Ada, Bea, Cleo, Dora", size=12) == "heading"


def test_where_all_is_bold_only_size_makes_a_heading() -> None:
    profile = Profile(body=EM, bold_body=True)
    assert named(segment("Terms of use", 50, 100, bold=True), profile=profile).kind == "paragraph"
    assert named(segment("Terms of use", 50, 100, size=12, bold=True), profile=profile).kind == "heading"


@pytest.mark.parametrize(
    ("size", "bold", "level"), [(20, False, 1), (15, False, 2), (12, False, 4), (10, True, 3), (14.8, False, 2)]
)
def test_levels_go_by_the_sizes_of_the_document(size: float, bold: bool, level: int) -> None:
    profile = Profile(body=EM, headings=(2.0, 1.5))
    found = named(segment("Terms of use", 50, 100, size=size, bold=bold), profile=profile)
    assert (found.kind, found.level) == ("heading", level)


# Lists


@pytest.mark.parametrize(
    ("text", "marker", "number"),
    [
        ("• an item", "•", None),
        ("- an item", "-", None),
        ("– an item", "–", None),
        ("o an item", "o", None),
        ("\uf0b7 an item", "\uf0b7", None),
        ("1. an item of it", "1.", 1),
        ("(12) an item of it", "(12)", 12),
        ("7) an item of it", "7)", 7),
        ("a) an item of it", "", None),
        ("iv. an item of it", "", None),
    ],
)
def test_an_item_of_a_list(text: str, marker: str, number: int | None) -> None:
    found = named(segment(text, 50, 100))
    assert (found.kind, found.marker, found.number, found.level) == ("list_item", marker, number, 1)


@pytest.mark.parametrize(
    "text",
    [
        "11. März 2014 in Bonn",
        "3. Jan. 2020",
        "1.5 litres of it are left.",
        "of an item",
        "A. Smith",
        "1.",
        "2014. it was",
    ],
)
def test_what_begins_like_an_item_and_is_none(text: str) -> None:
    assert named(segment(text, 50, 100)).kind == "paragraph"


def test_a_sign_close_to_what_follows_is_no_bullet() -> None:
    """A minus before its number, or the star of a note."""
    tight = Segment([word("*", 50, 100), word("without tax", 55.5, 100)], 100)
    assert named(tight).kind == "paragraph"
    apart = Segment([word("*", 50, 100), word("without tax", 60, 100)], 100)
    assert named(apart).kind == "list_item"


@pytest.mark.parametrize(
    ("text", "how", "kind"),
    [
        ("第一章 总则", {"size": 12}, "heading"),
        ("一、总则规定", {"bold": True}, "heading"),
        ("（二）适用范围", {"bold": True}, "heading"),
        ("第一条规定如下。", {}, "paragraph"),
    ],
)
def test_chinese_numbers_of_sections(text: str, how: dict[str, object], kind: str) -> None:
    assert kind_of(text, **how) == kind


# Captions

FIGURE = Element("image", BBox(50, 120, 450, 280))


@pytest.mark.parametrize(
    ("text", "near", "kind"),
    [
        ("Figure 1: The plan", False, "caption"),
        ("Table 2. What was found", False, "caption"),
        ("TABLE. What was found", False, "caption"),
        ("Abb. 3 – Der Plan", False, "caption"),
        ("图1 系统结构", True, "caption"),
        ("Figure 1 shows the plan in full", False, "paragraph"),
        ("Figure 1 The plan", True, "caption"),
        ("Fig. 6a presents the effect of the solution on it", True, "paragraph"),
        ("Table A: The plan", False, "caption"),
        ("Fig.IV: The plan", False, "caption"),
        ("Figures of the year", True, "paragraph"),
        ("Graphic design of it", True, "paragraph"),
        ("The figure 1: a plan", True, "paragraph"),
    ],
)
def test_captions(text: str, near: bool, kind: str) -> None:
    assert named(segment(text, 50, 110), others=(FIGURE,) if near else ()).kind == kind


def test_a_label_on_a_line_of_its_own_and_the_title_below_it_are_one_caption() -> None:
    label, title = block(segment("Table 2.", 50, 100)), block(segment("What was found there", 50, 113))
    page = [label, title, block(*BODY)]
    name_kinds(page, Profile(body=EM), PAGE, EM)
    assert [(e.kind, e.text) for e in page[:-1]] == [("caption", "Table 2. What was found there")]


@pytest.mark.parametrize(("x", "y"), [(50, 150), (120, 113)], ids=["far below", "set in"])
def test_what_stands_elsewhere_is_no_title_of_the_label(x: float, y: float) -> None:
    page = [block(segment("Table 2.", 50, 100)), block(segment("What was found there", x, y)), block(*BODY)]
    name_kinds(page, Profile(body=EM), PAGE, EM)
    assert len(page) == 3


# Code and formulas


@pytest.mark.parametrize(
    ("text", "font", "kind"),
    [
        ("a = b + c", "CMMI10", "formula"),
        ("E ( x ) = ∑ p · x (3)", "Body", "formula"),
        ("a = b + c", "Body", "formula"),
        ("sum = b + c", "Body", "paragraph"),
        ("2024 = 100", "Body", "paragraph"),
        ("where the mean value a = b holds", "CMMI10", "paragraph"),
        ("abc", "CMMI10", "paragraph"),
        ("See the note on page (3)", "Body", "paragraph"),
    ],
    ids=[
        "set in a font of mathematics",
        "with a number of its own",
        "signs and letters without a word",
        "a word and neither",
        "no letter",
        "words with a formula among them",
        "nothing related to anything",
        "a text that ends in a number",
    ],
)
def test_formulas(text: str, font: str, kind: str) -> None:
    assert named(segment(text, 200, 100, font=font)).kind == kind


# Footnotes


@pytest.mark.parametrize(
    ("text", "y", "size", "kind"),
    [
        ("1 See the other book on it.", 760, 8, "footnote"),
        ("* Without tax and postage.", 760, 8, "footnote"),
        ("† He has moved since then.", 760, 8, "footnote"),
        ("See the other book on it.", 760, 8, "footnote"),
        ("1 See the other book on it.", 760, 10, "paragraph"),
        ("1 See the other book on it.", 100, 8, "paragraph"),
        ("2024 was the year of it.", 300, 8, "paragraph"),
    ],
    ids=[
        "a number",
        "a star",
        "a dagger",
        "no mark, but below all text",
        "no small print",
        "at the top",
        "a year is no mark",
    ],
)
def test_footnotes(text: str, y: float, size: float, kind: str) -> None:
    assert named(segment(text, 50, y, size=size)).kind == kind


def test_small_print_far_above_the_end_of_the_text_is_no_footnote() -> None:
    note = block(segment("1 See the other book on it.", 50, 500, size=8))
    name_kinds([note, block(*prose(50, 600, 12, 400))], Profile(body=EM), PAGE, EM)
    assert note.kind == "paragraph"


# On scans, where a model named the kinds


@pytest.mark.parametrize(
    ("kind", "text", "y", "refined"),
    [
        ("header", "A running title", 30, "header"),
        ("header", "A line of the text", 400, "paragraph"),
        ("footer", "A line of the text", 400, "paragraph"),
        ("footer", "Page 3 of 7", 780, "page_number"),
        ("paragraph", "12", 790, "page_number"),
        ("paragraph", "12", 400, "paragraph"),
        ("heading", "Figure 3: A plan", 200, "caption"),
        ("paragraph", "• an item", 200, "list_item"),
        ("list_item", "no mark to be seen", 200, "list_item"),
    ],
)
def test_what_the_model_cannot_see_the_text_says(kind: Kind, text: str, y: float, refined: str) -> None:
    element = block(segment(text, 50, y), kind=kind)
    refine([element], PAGE, EM)
    assert element.kind == refined


@pytest.mark.parametrize(
    ("text", "size", "kind", "level"),
    [
        ("A TITLE", 20, "heading", 1),
        ("A title", 15, "heading", 2),
        ("A title", 12, "paragraph", 0),
        ("Total 12", 20, "paragraph", 0),
        ("It ended.", 20, "paragraph", 0),
    ],
)
def test_large_print_that_the_model_took_for_text(text: str, size: float, kind: str, level: int) -> None:
    element = block(segment(text, 50, 100, size=size))
    refine([element], PAGE, EM)
    assert (element.kind, element.level) == (kind, level)


def test_a_page_of_nothing_but_furniture_has_text() -> None:
    alone = [block(segment("A line", 50, 20), kind="header"), block(segment("Another", 50, 780), kind="footer")]
    without_furniture_alone(alone)
    assert [e.kind for e in alone] == ["paragraph", "paragraph"]
    mixed = [block(segment("A line", 50, 20), kind="header"), block(*BODY)]
    without_furniture_alone(mixed)
    assert mixed[0].kind == "header"


# What the rest of the page says of a block


def kinds_on(*blocks: Element, body: float = EM) -> list[str]:
    name_kinds(list(blocks), Profile(body=EM), PAGE, EM, body)
    return [b.kind for b in blocks]


def test_a_line_in_capitals_among_lines_at_one_pitch_is_no_heading() -> None:
    address = [block(segment(text, 50, 100 + 20 * i)) for i, text in enumerate(["Old Bank", "BIC COBADEFF", "in Town"])]
    assert kinds_on(*address, block(*BODY)) == ["paragraph"] * 4
    address[2] = block(segment("in Town", 50, 190))
    assert kinds_on(*address, block(*BODY)) == ["paragraph", "heading", "paragraph", "paragraph"]


def test_where_small_print_fills_the_page_the_body_of_the_document_is_no_heading() -> None:
    notes = block(*prose(50, 400, 20, 400, size=8))
    body = block(*prose(50, 300, 2, 400, size=10))
    large = block(segment("Terms of use", 50, 100, size=14))
    name_kinds(found := [large, body, notes], Profile(body=EM), PAGE, 8, 10)
    assert [e.kind for e in found][:2] == ["heading", "paragraph"]


@pytest.mark.parametrize(
    "text", ["Source: door counters", "Note: rounded", "Quelle: Bundesamt", "资料来源：国家统计局", "• Terms of use"]
)
def test_large_print_that_begins_like_a_note_or_an_item_is_no_heading(text: str) -> None:
    assert kind_of(text, size=14) != "heading"


def test_notes_of_a_column_stand_below_its_text_and_above_the_figure_of_the_page() -> None:
    left = block(*prose(50, 100, 6, 200))
    note = block(
        Segment([word("8", 50, 196, 5, superscript=True), word("See", 58, 200, 8), word("there", 76, 200, 8)], 200)
    )
    assert kinds_on(left, note, block(*prose(310, 100, 20, 200))) == ["paragraph", "footnote", "paragraph"]
    more = block(*prose(50, 230, 6, 200))
    note.kind = "paragraph"
    assert kinds_on(left, note, more)[1] == "paragraph"


def test_a_note_below_a_table_belongs_to_the_table() -> None:
    table = Element("table", BBox(50, 300, 550, 740))
    note = block(segment("Figures are rounded.", 50, 760, size=8))
    assert kinds_on(block(*prose(50, 100, 6, 400)), table, note)[2] == "paragraph"


def test_what_goes_on_from_the_line_before_is_no_heading() -> None:
    assert kind_of(", the Fever Consortium", bold=True) == "paragraph"


@pytest.mark.parametrize(
    ("text", "kind"),
    [("Earthy and saline matter", "paragraph"), ("E = mc2 + x", "formula"), ("a b c where x", "formula")],
)
def test_words_are_no_formula_whatever_the_model_says(text: str, kind: str) -> None:
    element = block(segment(text, 50, 300), kind="formula")
    refine([element], PAGE, EM)
    assert element.kind == kind
