"""Whatever a document holds, its markup says; whatever was read, reads the same again."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given

from docparse.document import Block, Cell, Document, EngineInfo, Issue, Page, Run, Source, Verdict, inline
from docparse.geometry import BBox
from docparse.qwenvl_html import read, read_document, sanitise, validate, write, write_block, write_page
from docparse.qwenvl_html.css import safe_style
from tests.strategies import documents, modest, pages

BOX = BBox(1, 2, 30, 40)


@modest
@given(documents())
def test_a_document_comes_back(document: Document) -> None:
    assert read_document(write(document)) == (document, ())


@modest
@given(documents())
def test_writing_is_deterministic_and_utf8(document: Document) -> None:
    markup = write(document)
    assert markup == write(read_document(markup)[0])
    markup.encode("utf-8")


@modest
@given(pages())
def test_a_page_comes_back_from_the_doubting_reader(page: Page) -> None:
    """``read`` doubts boxes and repetitions, and yet changes nothing of a page that was written."""
    page = dataclasses.replace(page, blocks=tuple(_doubted(b) for b in page.blocks if _is_as_described(b)))
    blocks = read(write_page(page)).blocks
    assert dataclasses.replace(page, blocks=blocks) == page


@modest
@given(documents(sane=True))
def test_a_sane_document_is_valid(document: Document) -> None:
    found = [issue for issue in validate(write(document)) if issue.severity != "info"]
    assert not found


@modest
@given(pages())
def test_sanitising_keeps_every_element(page: Page) -> None:
    plain = dataclasses.replace(page, renderer="", blocks=tuple(_harmless(block) for block in page.blocks))
    clean = sanitise(write_page(plain))
    assert read_document(clean)[0].pages == (plain,)


def _is_as_described(block: Block) -> bool:
    """A list is there for items without boxes, says ``Block``; other lists are read as their items."""
    return block.kind != "list" or (block.bbox is not None and any(item.bbox is None for item in block.items))


def _doubted(block: Block) -> Block:
    """``block`` without what ``read`` does not believe: a box below zero."""
    if block.bbox is not None and (block.bbox.x1 < 0 or block.bbox.y1 < 0):
        block = dataclasses.replace(block, bbox=block.bbox.clamped(10**6, 10**6))
    items = tuple(_doubted(item) for item in block.items)
    cells = tuple(dataclasses.replace(cell, bbox=cell.bbox and cell.bbox.clamped(10**6, 10**6)) for cell in block.cells)
    return dataclasses.replace(block, items=items, cells=cells)


def _harmless(block: Block) -> Block:
    """``block`` as far as it may reach a browser."""
    items = tuple(_harmless(item) for item in block.items)
    origin = block.origin if not set(block.origin) & set("<>\"'&`") else ""
    return dataclasses.replace(block, items=items, origin=origin, style=safe_style(block.style))


# -------------------------------------------------------------------------------- by example


def item(text: str, level: int = 1, number: int | None = None, bbox: BBox | None = BOX) -> Block:
    return Block("list_item", bbox, inline(text), level=level, number=number)


def test_the_document_as_it_is_written() -> None:
    document = Document(
        (
            Page(
                1,
                1224,
                1584,
                dpi=144,
                size_pt=(612.0, 792.0),
                blocks=(
                    Block("heading", BOX, inline("A & B"), level=2),
                    Block("paragraph", BOX, (Run("x "), Run("y", ("i", "b")), Run("z", ("b",))), id="total"),
                    Block("caption", None, inline("one\ntwo"), confidence=0.5, agreement=1, origin="ocr"),
                ),
                verdict=Verdict("repaired", (Issue("box-empty", "no area", block="total", line=3),)),
                renderer="pymupdf",
            ),
        ),
        Source("a.pdf", pages=1),
        EngineInfo("embedded"),
        version="0.1.0",
    )
    assert write(document) == (
        "<html>\n"
        '<head><meta charset="utf-8"/><meta name="docparse" content="{&quot;version&quot;:&quot;0.1.0&quot;,'
        "&quot;source&quot;:{&quot;name&quot;:&quot;a.pdf&quot;,&quot;pages&quot;:1},"
        '&quot;engine&quot;:{&quot;name&quot;:&quot;embedded&quot;}}"/></head>\n'
        "<body>\n"
        '<section class="page" data-page="1" data-size="1224 1584" data-dpi="144" data-size-pt="612 792"'
        ' data-rotation="0" data-renderer="pymupdf" data-verdict="repaired"'
        ' data-issues="[{&quot;code&quot;:&quot;box-empty&quot;,&quot;message&quot;:&quot;no area&quot;,'
        '&quot;severity&quot;:&quot;warning&quot;,&quot;block&quot;:&quot;total&quot;,&quot;line&quot;:3}]">\n'
        '<h2 data-bbox="1 2 30 40">A &amp; B</h2>\n'
        '<p data-bbox="1 2 30 40" id="total">x <b><i>y</i>z</b></p>\n'
        '<div class="caption" data-confidence="0.5" data-agreement="1" data-origin="ocr">one<br/>two</div>\n'
        "</section>\n"
        "</body>\n"
        "</html>\n"
    )


LISTS = {
    "flat": ([item("a"), item("b")], "ul(li li)"),
    "counting": ([item("a", 1, 3), item("b", 1, 4), item("c", 1, 9)], "ol(li li li)"),
    "nested": ([item("a"), item("b", 2), item("c")], "ul(li(ul(li)) li)"),
    "first is deep": ([item("a", 2), item("b")], "ul(li) ul(li)"),
    "jump": ([item("a"), item("b", 3), item("c", 2)], "ul(li(ul(li) ul(li)))"),
    "kinds alternate": ([item("a"), item("b", 1, 1), item("c")], "ul(li) ol(li) ul(li)"),
    "kinds alternate inside": ([item("a"), item("b", 2, 1), item("c", 2), item("d")], "ul(li(ol(li) ul(li)) li)"),
    "number zero and below": ([item("a", 1, 0), item("b", 1, -3)], "ol(li li)"),
    "some without boxes": ([item("a"), item("b", bbox=None)], "ul(li li)"),
    "none with boxes": ([item("a", bbox=None)], "ul(li)"),
    "nine levels": ([item("a", level) for level in range(1, 10)], None),
}


@pytest.mark.parametrize("name", LISTS)
def test_items_share_lists(name: str) -> None:
    items, shape = LISTS[name]
    page = Page(1, 100, 100, blocks=tuple(items))
    markup = write_page(page)
    assert read_document(markup)[0].pages == (page,)
    if shape is not None:
        assert _shape(markup) == shape


def _shape(markup: str) -> str:
    """The nesting of lists in ``markup``."""
    from docparse.qwenvl_html.issues import IssueLog
    from docparse.qwenvl_html.tree import Element, parse

    def told(element: Element) -> str:
        inside = " ".join(told(child) for child in element.elements() if child.tag in ("ul", "ol", "li"))
        return f"{element.tag}({inside})" if inside else element.tag

    section = next(parse(markup, IssueLog(markup)).root.elements())
    return " ".join(told(child) for child in section.elements())


LIST_BLOCKS = {
    "a box and items without": Block("list", BOX, items=(item("a", bbox=None), item("b"))),
    "two kinds of items": Block("list", BOX, items=(item("a", bbox=None), item("b", 1, 1, None))),
    "first item is deep": Block("list", BOX, items=(item("a", 2, bbox=None), item("b", bbox=None))),
    "every item has a box": Block("list", BOX, items=(item("a"), item("b"))),
    "no box": Block("list", None, items=(item("a"),)),
    "no items": Block("list", BOX),
}


@pytest.mark.parametrize("name", LIST_BLOCKS)
def test_a_list_block_comes_back(name: str) -> None:
    page = Page(1, 100, 100, blocks=(item("before"), LIST_BLOCKS[name], item("after")))
    assert read_document(write_page(page))[0].pages == (page,)


def test_a_head_of_rows_that_reach_below_it_is_no_head() -> None:
    """A browser cuts a rowspan at the end of a thead."""
    cells = (Cell(0, 0, 2, header=True), Cell(0, 1, header=True), Cell(1, 1))
    assert "<thead>" not in write_block(Block("table", BOX, cells=cells))
    cells = (Cell(0, 0, 2, header=True), Cell(0, 1, header=True), Cell(1, 1, header=True), Cell(2, 0), Cell(2, 1))
    assert write_block(Block("table", BOX, cells=cells)).count("<tr>") == 3
    assert "</tr></thead><tbody><tr>" in write_block(Block("table", BOX, cells=cells))


@pytest.mark.parametrize("style", ["a</style><script>alert(1)</script>", "<\\/style>", "</STYLE >", "<\\\\/ <//"])
def test_a_style_does_not_break_out(style: str) -> None:
    page = Page(1, 100, 100, blocks=(Block("table", BOX, cells=(Cell(0, 0),), style=style),))
    markup = write_page(page)
    assert markup.lower().count("</style") == 1
    assert read_document(markup)[0].pages == (page,)


def test_the_class_of_a_table_is_the_one_its_style_names() -> None:
    table = Block("table", BOX, cells=(Cell(0, 0),), style="table7 {border: 0}")
    plain = dataclasses.replace(table, style="td {border: 0}")
    markup = write_page(Page(1, 100, 100, blocks=(table, plain)))
    assert markup.count('<table class="table7"') == 1
    assert markup.count('<table class="table2"') == 1


def test_one_block_by_itself() -> None:
    assert write_block(item("a", 2, 5)) == (
        '<ol data-bbox="1 2 30 40" data-level="2" start="5">\n<li data-bbox="1 2 30 40">a</li>\n</ol>'
    )
    assert write_block(Block("image", BOX, id="p1b7")) == (
        '<div class="image" data-bbox="1 2 30 40" id="p1b7"><img data-bbox="1 2 30 40"/></div>'
    )
    assert write_block(Block("formula", BOX, inline("x < y"), notation="text")) == (
        '<div class="formula" data-bbox="1 2 30 40" format="text"><img data-bbox="1 2 30 40"/><div>x &lt; y</div></div>'
    )


def test_a_table_of_a_thousand_spans_costs_nothing() -> None:
    table = Block("table", BOX, cells=(Cell(0, 0, 1_000, 1_000, inline("a")),))
    page = Page(1, 100, 100, blocks=(table,) * 50)
    assert read_document(write_page(page))[0].pages == (page,)


def test_metadata_is_json() -> None:
    markup = write(Document((), Source('a"b<\ud800>.pdf')))
    content = markup.split('content="')[1].split('"')[0].replace("&quot;", '"').replace("&lt;", "<")
    assert json.loads(content.replace("&gt;", ">")) == {"source": {"name": 'a"b<\ud800>.pdf'}}
