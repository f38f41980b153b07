"""Boxes from the words of a page: each case is a page of words, what was said of it, and where that is."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seen import HEIGHT, WIDTH, area, boxes, cell_boxes, line, lines, misread, said, table, without_boxes

from docparse.convert import Options, finish_page, open_for
from docparse.document import Block, Page, Run
from docparse.engines.align import Placed, place
from docparse.engines.embedded.engine import EmbeddedEngine
from docparse.engines.matching import match, squash
from docparse.geometry import BBox
from docparse.textlayer import Word

SAMPLES = Path(__file__).parents[2] / "samples"
DIGITAL = ("bulletin.pdf", "chinese.pdf", "form.pdf", "invoice.pdf", "paper.pdf", "report.pdf", "slides.pdf")

TITLE = "Minutes of the harbour board"
FIRST = (
    "The board met on Tuesday evening and found",
    "the northern pier in need of repair, which",
    "was put off to spring.",
)
SECOND = ("Fees for visiting boats stay as they were,", "the chairman told those who asked for it.")
PAGE = lines(
    (100, 50, TITLE),
    *((100, 100 + 25 * i, text) for i, text in enumerate(FIRST)),
    *((100, 300 + 25 * i, text) for i, text in enumerate(SECOND)),
    (550, 1500, "7"),
)
BLOCKS = [said(TITLE, "heading"), said(" ".join(FIRST)), said(" ".join(SECOND)), said("7", "page_number")]
PLACES = [area(100, 50, TITLE), area(100, 100, *FIRST), area(100, 300, *SECOND), area(550, 1500, "7")]


def placed(blocks: list[Block], words: list[Word]) -> Placed:
    return place(blocks, words, width=WIDTH, height=HEIGHT)


def test_blocks_without_boxes_get_those_of_their_words() -> None:
    result = placed(BLOCKS, PAGE)
    assert boxes(result.blocks) == PLACES
    assert [block.text for block in result.blocks] == [block.text for block in BLOCKS]
    assert result.share == 1
    (issue,) = result.issues
    assert (issue.code, issue.severity) == ("boxes-recovered", "warning")
    assert "4 elements" in issue.message


def test_a_box_that_was_given_is_kept_and_nothing_is_said_of_it() -> None:
    own = [said(block.text, block.kind, (1, 2, 1100, 1600)) for block in BLOCKS]
    result = placed(own, PAGE)
    assert result.blocks == tuple(own)
    assert result.issues == ()
    assert result.share == 1


@pytest.mark.parametrize(
    ("words", "blocks"),
    [
        pytest.param([], BLOCKS, id="no words"),
        pytest.param(PAGE, [], id="no blocks"),
        pytest.param(PAGE, [Block("image"), said("", "paragraph")], id="no text"),
        pytest.param(line(9, 9, "Quite another page, in other words entirely"), BLOCKS, id="another page"),
    ],
)
def test_where_nothing_is_found_nothing_changes(words: list[Word], blocks: list[Block]) -> None:
    result = placed(blocks, words)
    assert result.blocks == tuple(blocks)
    assert result.issues == ()


def test_share_says_how_much_of_the_text_is_on_the_page() -> None:
    invented = said("Nobody ever wrote this sentence about lighthouses and their keepers")
    assert placed([*BLOCKS, invented], []).share == 0
    assert placed([], PAGE).share == 1
    result = placed([*BLOCKS, invented], PAGE)
    assert boxes(result.blocks) == [*PLACES, None]
    letters = [sum(map(str.isalnum, block.text)) for block in result.blocks]
    assert result.share == pytest.approx(1 - letters[-1] / sum(letters))
    assert "1 more" in result.issues[0].message


@pytest.mark.parametrize("order", [[3, 0, 1, 2], [2, 1, 3, 0], [1, 0, 3, 2]])
def test_the_order_need_not_be_that_of_the_page(order: list[int]) -> None:
    assert boxes(placed([BLOCKS[i] for i in order], PAGE).blocks) == [PLACES[i] for i in order]


def test_misread_letters() -> None:
    for seed in range(10):
        found = placed(BLOCKS, misread(PAGE, 0.05, seed)).blocks
        for block, expected in zip(found[:3], PLACES, strict=False):
            assert block.bbox is not None, (seed, block.text)
            assert block.bbox.iou(BBox(*expected)) > 0.6, (seed, block.text)


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        pytest.param(("the inter-", "national treaty"), "the international treaty", id="hyphenated"),
        pytest.param(("the inter\u00ad", "national treaty"), "the international treaty", id="soft hyphen"),
        pytest.param(("the ofﬁce of", "the ﬂeet"), "The office of the fleet", id="ligatures"),
        pytest.param(("THE OFFICE", "OF THE FLEET"), "“The office” of the fleet!", id="case and punctuation"),
        pytest.param(("Cafe Muller", "Strasse"), "Café Müller Straße", id="accents"),
        pytest.param(("the har bour", "mas ter"), "the harbour master", id="words cut"),
        pytest.param(("theharbour", "master"), "the harbour master", id="words joined"),
        pytest.param(("各位读者：本馆决定", "调整开放时间。"), "各位读者:本馆决定调整开放时间", id="Chinese"),
    ],
)
def test_the_same_text_written_otherwise(seen: tuple[str, str], text: str) -> None:
    words = lines((100, 60, TITLE), (100, 100, seen[0]), (100, 125, seen[1]), (100, 400, " ".join(SECOND)))
    found = placed([said(TITLE), said(text), said(" ".join(SECOND))], words).blocks[1]
    assert found.bbox == BBox(*area(100, 100, *seen))


def test_text_said_twice() -> None:
    once = said(FIRST[0])
    words = lines((100, 100, FIRST[0]), (100, 400, SECOND[0]))
    assert sorted(map(str, boxes(placed([once, once, said(SECOND[0])], words).blocks[:2]))) == sorted(
        [str(area(100, 100, FIRST[0])), "None"]
    )
    words += line(100, 700, FIRST[0])
    found = placed([once, said(SECOND[0]), once], words).blocks
    assert boxes(found) == [area(100, y, text) for y, text in ((100, FIRST[0]), (400, SECOND[0]), (700, FIRST[0]))]


@pytest.mark.parametrize("above", [True, False])
def test_text_seen_twice_is_that_beside_its_neighbours(above: bool) -> None:
    words = lines(
        (100, 50, "Westerby Harbour"), (100, 100, FIRST[0]), (100, 400, SECOND[0]), (100, 450, "Westerby Harbour")
    )
    name = said("Westerby Harbour")
    blocks = [name, said(FIRST[0]), said(SECOND[0])] if above else [said(FIRST[0]), said(SECOND[0]), name]
    found = placed(blocks, words).blocks
    assert found[0 if above else 2].bbox == BBox(*area(100, 50 if above else 450, "Westerby Harbour"))


def test_columns_whose_lines_come_one_beside_the_other() -> None:
    left, right = [*FIRST, *SECOND], [text.upper()[::-1] for text in (*SECOND, *FIRST)]
    words = [
        word
        for i, (one, other) in enumerate(zip(left, right, strict=True))
        for word in lines((100, 100 + 25 * i, one), (600, 100 + 25 * i, other))
    ]
    found = placed([said(" ".join(left)), said(" ".join(right))], words).blocks
    assert boxes(found) == [area(100, 100, *left), area(600, 100, *right)]


def test_a_paragraph_over_two_columns_has_the_box_of_its_larger_part() -> None:
    words = lines(
        (100, 1400, FIRST[0]), (100, 1425, FIRST[1]), (600, 100, FIRST[2]), (600, 300, SECOND[0]), (600, 325, SECOND[1])
    )
    found = placed([said(" ".join(FIRST)), said(" ".join(SECOND))], words).blocks
    assert boxes(found) == [area(100, 1400, *FIRST[:2]), area(600, 300, *SECOND)]


def test_turned_text() -> None:
    words = [
        Word(word, BBox(50, 900 - 90 * i, 70, 980 - 90 * i)) for i, word in enumerate(["visits", "per", "year", "2021"])
    ]
    found = placed([*BLOCKS, said("Visits per year 2021")], [*PAGE, *words]).blocks
    assert boxes(found) == [*PLACES, (50, 630, 70, 980)]


def test_some_letters_in_common_are_no_text() -> None:
    words = [*PAGE, *line(600, 800, "on the first floor of the house")]
    assert boxes(placed([*BLOCKS, said("Theodor Est")], words).blocks) == [*PLACES, None]
    assert boxes(placed([*BLOCKS, said("On thc flrst fl0or of tho house")], words).blocks[4:]) == [
        area(600, 800, "on the first floor of the house")
    ]


# ------------------------------------------------------------------------------------------ tables

ROWS = (
    ("Item", "Count", "Price", "Sum"),
    ("Rope", "1", "12.00", "12.00"),
    ("Buoy", "2", "12.00", "24.00"),
    ("Anchor", "1", "12.00", "12.00"),
    ("Lamp", "", "7.50", "7.50"),
)


def _grid(rows: tuple[tuple[str, ...], ...] = ROWS, *, y: float = 500) -> list[list[list[Word]]]:
    return [[line(100 + 200 * c, y + 40 * r, text) for c, text in enumerate(row)] for r, row in enumerate(rows)]


def _in_place(rows: tuple[tuple[str, ...], ...] = ROWS, *, y: float = 500) -> list[tuple[int, int, int, int] | None]:
    return [
        area(100 + 200 * c, y + 40 * r, text) if text else None
        for r, row in enumerate(rows)
        for c, text in enumerate(row)
    ]


def _by_row(grid: list[list[list[Word]]]) -> list[Word]:
    return [word for row in grid for words in row for word in words]


def _by_column(grid: list[list[list[Word]]]) -> list[Word]:
    return [word for c in range(len(grid[0])) for row in grid for word in row[c]]


@pytest.mark.parametrize("stored", [_by_row, _by_column])
@pytest.mark.parametrize("before", ["", "Rope costs 12.00 and a lamp 7.50 (2 left)"])
def test_cells_stand_in_their_rows_and_columns(
    stored: Callable[[list[list[list[Word]]]], list[Word]], before: str
) -> None:
    words = [*line(100, 100, before), *stored(_grid()), *line(100, 900, "Total 12.00")]
    found = placed([said(before), table(*ROWS), said("Total 12.00")], words).blocks
    assert cell_boxes(found[1]) == _in_place()
    assert found[1].bbox == BBox(100, 500, 740, 680)
    assert boxes(found[2:]) == [area(100, 900, "Total 12.00")]


def test_identical_rows() -> None:
    rows = (("Day", "Open", "Closed"), *(("yes", "9", "no"),) * 12)
    found = placed([said(TITLE), table(*rows)], [*line(100, 50, TITLE), *_by_row(_grid(rows))]).blocks
    assert cell_boxes(found[1]) == _in_place(rows)


def test_a_table_with_a_box_finds_its_cells_inside_of_it() -> None:
    words = [*_by_row(_grid(y=100)), *_by_row(_grid(y=800))]
    result = placed([table(*ROWS, box=(90, 790, 800, 1000))], words)
    assert result.blocks[0].bbox == BBox(90, 790, 800, 1000)
    assert cell_boxes(result.blocks[0]) == _in_place(y=800)
    (issue,) = result.issues
    assert (issue.code, issue.severity) == ("boxes-recovered", "info")


def test_a_few_cells_are_no_table() -> None:
    result = placed([table(*ROWS), said(TITLE)], [*line(100, 50, TITLE), *line(100, 500, "Rope 24.00")])
    assert boxes(result.blocks) == [None, area(100, 50, TITLE)]
    assert set(cell_boxes(result.blocks[0])) == {None}


def test_one_word_in_two_cells_is_cut_between_them() -> None:
    found = placed([said(TITLE), table(("Total:", "12.00"))], [*line(100, 50, TITLE), *line(100, 500, "Total:12.00")])
    left, right = cell_boxes(found.blocks[1])
    assert left is not None
    assert right is not None
    assert left[0] == 100
    assert right[2] == 188
    assert 130 < left[2] == right[0] < 160


def test_a_part_of_a_number_is_not_the_number() -> None:
    words = [*line(100, 50, TITLE), *line(100, 500, "177 290")]
    assert boxes(placed([said(TITLE), said("17"), said("29")], words).blocks) == [area(100, 50, TITLE), None, None]


# ----------------------------------------------------------------------------- lists, pictures, formulas


def test_a_list_has_the_box_around_its_items() -> None:
    items = tuple(Block("list_item", None, (Run(text),)) for text in (TITLE, SECOND[0], SECOND[1]))
    words = lines(*((100, 100 + 60 * i, "• " + text) for i, text in enumerate((TITLE, SECOND[0], SECOND[1]))))
    (found,) = placed([Block("list", items=items)], words).blocks
    assert boxes(found.items) == [area(116, 100 + 60 * i, item.text) for i, item in enumerate(items)]
    assert found.bbox == BBox(*area(116, 100, TITLE)).union(BBox(*area(116, 160, SECOND[0]))).union(
        BBox(*area(116, 220, SECOND[1]))
    )


def test_pictures_have_no_box_without_text_and_that_of_their_text_with() -> None:
    blocks = [BLOCKS[0], Block("image"), Block("chart"), said(" ".join(FIRST), "image")]
    assert boxes(placed(blocks, PAGE).blocks) == [PLACES[0], None, None, PLACES[1]]


def test_a_formula_is_found_by_what_is_seen_of_it() -> None:
    words = [*PAGE[:10], *line(400, 220, "α = β x + 1"), *PAGE[10:]]
    formula = said(r"\alpha = \frac{\beta x + 1}{}", "formula")
    music = said("C D E F G", "music_sheet")
    found = placed([*BLOCKS[:2], formula, *BLOCKS[2:], music], words).blocks
    assert found[2].bbox is not None
    assert found[2].bbox.iou(BBox(*area(400, 220, "α = β x + 1"))) > 0.9
    assert found[-1].bbox is None


# ------------------------------------------------------------------------------------- what always holds

_WORD = st.sampled_from(
    ["a", "12.00", "7", "the", "pier", "harbour", "—", "•", "国", "开放", "fi", "x" * 40]
) | st.text(max_size=6)
_TEXT = st.lists(_WORD, max_size=8).map(" ".join)
_BOX = st.none() | st.builds(
    BBox.of, *(st.integers(0, WIDTH), st.integers(0, HEIGHT), st.integers(0, WIDTH), st.integers(0, HEIGHT))
)
_BLOCK = st.builds(lambda text, box: Block("paragraph", box, (Run(text),)), _TEXT, _BOX) | st.lists(
    st.lists(_TEXT, min_size=2, max_size=2), min_size=1, max_size=4
).map(lambda rows: table(*rows))


def _words(texts: list[tuple[str, int, int]]) -> list[Word]:
    return [word for text, x, y in texts for word in line(x, y, " ".join(text.split()))]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(_BLOCK, max_size=6),
    st.lists(st.tuples(_TEXT, st.integers(-20, WIDTH), st.integers(0, HEIGHT)), max_size=6),
)
def test_nothing_but_boxes_changes(blocks: list[Block], texts: list[tuple[str, int, int]]) -> None:
    result = placed(blocks, _words(texts))
    assert [without_boxes(b) for b in result.blocks] == [without_boxes(b) for b in blocks]
    assert 0 <= result.share <= 1
    for old, new in zip(blocks, result.blocks, strict=True):
        assert old.bbox is None or new.bbox == old.bbox
        for box in (new.bbox, *(cell.bbox for cell in new.cells)):
            if old.bbox is None and box is not None:
                assert 0 <= box.x1 <= box.x2 <= WIDTH
                assert 0 <= box.y1 <= box.y2 <= HEIGHT
    found = any(old.bbox is None and new.bbox is not None for old, new in zip(blocks, result.blocks, strict=True))
    assert bool(result.issues) == (found or any(c.bbox for b in result.blocks for c in b.cells))


@settings(max_examples=150, deadline=None)
@given(st.text("ab12", max_size=60), st.text("ab12", max_size=60), st.lists(st.integers(0, 60), max_size=6))
def test_no_character_of_the_page_is_given_twice(said_text: str, seen: str, cuts: list[int]) -> None:
    ends = sorted({0, *(cut for cut in cuts if cut < len(said_text)), len(said_text)})
    where = match(said_text, seen, list(zip(ends, ends[1:], strict=False)), range(len(seen) + 1))
    assert len(where) == len(said_text)
    found = [(at, there) for at, there in enumerate(where) if there >= 0]
    assert len({there for _, there in found}) == len(found)
    assert all(said_text[at] == seen[there] for at, there in found)


@pytest.mark.parametrize(
    ("word", "squashed"),
    [
        ("Straße,", "strasse"),
        ("oﬃce", "office"),
        ("É1.5", "e15"),
        ("—", "-"),
        ("“”", "“”"),
        ("12.00 €", "1200"),
        ("x²", "x2"),
    ],
)
def test_what_is_compared_of_a_word(word: str, squashed: str) -> None:
    assert squash(word) == squashed


# ------------------------------------------------------------------------------------ real documents

Read = tuple[str, Page, tuple[Word, ...]]


@pytest.fixture(scope="module")
def pages(engine: EmbeddedEngine) -> list[Read]:
    """The digital samples as the embedded engine reads them, with the words that it saw."""
    return [read for name in DIGITAL for read in _read(engine, name)]


def _read(engine: EmbeddedEngine, name: str) -> Iterator[Read]:
    with open_for(SAMPLES / name, Options()) as source:
        images = {image.number: image for image in source.pages()}
        for markup in engine.read_pages(images.values()):
            yield name, finish_page(images[markup.number], markup), markup.witness


def _overlaps(pages: list[Read], change: Callable[[list[Word]], list[Word]]) -> tuple[list[float], list[float]]:
    """Overlap of the boxes that are found with those that were taken away: of texts, and of cells."""
    texts, cells = [], []
    for _, page, words in pages:
        bare = [without_boxes(block) for block in page.blocks]
        found = place(bare, change(list(words)), width=page.width, height=page.height).blocks
        for old, new in zip(page.blocks, found, strict=True):
            if old.bbox and old.text and not old.cells and old.kind != "image":
                texts.append(new.bbox.iou(old.bbox) if new.bbox else 0.0)
            for one, other in zip(old.cells, new.cells, strict=True):
                if one.bbox and one.text:
                    cells.append(other.bbox.iou(one.bbox) if other.bbox else 0.0)
    return texts, cells


def _share(overlaps: list[float], least: float) -> float:
    return sum(overlap >= least for overlap in overlaps) / len(overlaps)


@pytest.mark.parametrize(
    ("change", "texts_half", "texts_most", "cells_half"),
    [
        pytest.param(list, 0.98, 0.98, 0.99, id="as they are"),
        pytest.param(lambda words: misread(words, 0.03), 0.95, 0.92, 0.9, id="3 % misread"),
        pytest.param(
            lambda words: sorted(words, key=lambda w: (round(w.box.center[1] / 12), w.box.x1)),
            0.9,
            0.85,
            0.95,
            id="by lines",
        ),
    ],
)
def test_samples_get_their_boxes_back(
    pages: list[Read],
    change: Callable[[list[Word]], list[Word]],
    texts_half: float,
    texts_most: float,
    cells_half: float,
) -> None:
    texts, cells = _overlaps(pages, change)
    assert len(texts) > 200
    assert len(cells) > 400
    assert _share(texts, 0.5) >= texts_half
    assert _share(texts, 0.8) >= texts_most
    assert _share(cells, 0.5) >= cells_half


def test_samples_in_another_order_get_their_boxes_back(pages: list[Read]) -> None:
    overlaps = []
    for _, page, words in pages:
        blocks = [block for block in page.blocks if block.bbox and block.text and block.kind != "image"]
        random.Random(1).shuffle(blocks)
        found = place([without_boxes(b) for b in blocks], words, width=page.width, height=page.height).blocks
        overlaps += [
            new.bbox.iou(old.bbox) if new.bbox and old.bbox else 0.0 for old, new in zip(blocks, found, strict=True)
        ]
    assert _share(overlaps, 0.5) >= 0.95


def test_a_page_is_not_found_on_another(pages: list[Read]) -> None:
    for (name, page, _), (other, _, words) in zip(pages, pages[5:] + pages[:5], strict=True):
        if name != other:
            bare = [without_boxes(block) for block in page.blocks]
            result = place(bare, words, width=page.width, height=page.height)
            assert result.share < 0.2, (name, other)  # two have the same footer
