"""Words that were seen, with what was corrected: what stays keeps its place, what is new takes that of the old."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from docparse.corrected_words import corrected_words
from docparse.document import Block, Cell, Page, Run
from docparse.geometry import BBox
from docparse.textlayer import Style, Word
from tests.strategies import modest, pages

STYLE = Style(10.0, "Serif", bold=True)


def word(text: str, x: float, y: float = 10, *, sure: float | None = None) -> Word:
    return Word(text, BBox(x, y, x + 10 * len(text), y + 10), ((text, STYLE),), sure)


LINE = BBox(0, 5, 400, 25)


def block(text: str, box: BBox = LINE, id: str = "p1b1") -> Block:
    return Block("paragraph", box, (Run(text),), id=id)


def page(*blocks: Block) -> Page:
    return Page(1, 400, 400, blocks=blocks)


def told(words: tuple[Word, ...]) -> list[tuple[str, tuple[float, ...]]]:
    return [(word.text, word.box.as_tuple()) for word in words]


TOTAL = (word("Total:", 10), word("1O0,00", 100), word("EUR", 180))


def test_a_word_takes_the_place_of_the_one_it_corrects() -> None:
    found = corrected_words(page(block("Total: 1O0,00 EUR")), page(block("Total: 100,00 EUR")), TOTAL)
    assert told(found) == [("Total:", (10, 10, 70, 20)), ("100,00", (100, 10, 160, 20)), ("EUR", (180, 10, 210, 20))]
    assert found[1].style == STYLE
    assert found[1].confidence is None


def test_of_words_that_were_read_from_pixels_those_are_sure_now() -> None:
    seen = (*(replace(each, confidence=0.4) for each in TOTAL), word("else", 10, 100, sure=0.3))
    found = corrected_words(page(block("Total: 1O0,00 EUR")), page(block("Total: 100,00 EUR")), seen)
    assert [each.confidence for each in found] == [1.0, 1.0, 1.0, 0.3]


def test_words_that_are_joined_taken_apart_put_in_or_left_out() -> None:
    before = page(block("a b c"))
    seen = (word("a", 0), word("b", 20), word("c", 40))

    def now(text: str) -> list[tuple[str, tuple[float, ...]]]:
        return told(corrected_words(before, page(block(text)), seen))

    assert now("a bc") == [("a", (0, 10, 10, 20)), ("bc", (20, 10, 50, 20))]
    assert now("a b") == [("a", (0, 10, 10, 20)), ("b", (20, 10, 30, 20))]
    assert now("a x y c")[1:3] == [("x", (20, 10, 25, 20)), ("y", (25, 10, 30, 20))]
    assert now("a b new c")[2] == ("new", (30, 10, 45, 20))
    assert now("new a b c")[0] == ("new", (0, 10, 15, 20))
    assert now("") == []


def test_what_goes_over_two_lines_is_on_one_of_them() -> None:
    seen = (word("exam-", 100, 10), word("ple", 0, 40))
    before = page(block("exam- ple", BBox(0, 0, 200, 60)))
    found = corrected_words(before, page(block("example", BBox(0, 0, 200, 60))), seen)
    assert told(found) == [("example", (100, 10, 150, 20))]


def test_what_did_not_change_is_not_touched() -> None:
    before = page(block("Total: 1O0,00 EUR"), block("x", BBox(0, 100, 400, 120), "p1b2"))
    moved = page(*reversed(before.blocks))
    other = page(replace(before.blocks[0], kind="heading"), before.blocks[1])
    for after in (before, moved, other):
        assert corrected_words(before, after, TOTAL) == TOTAL


def test_a_block_that_is_deleted_takes_its_words_with_it_and_no_others() -> None:
    inner = block("1O0,00", BBox(95, 8, 170, 22), "p1b2")
    before = page(block("Total: EUR"), inner)
    assert [each.text for each in corrected_words(before, page(before.blocks[0]), TOTAL)] == ["Total:", "EUR"]


def test_a_block_that_is_added_has_words() -> None:
    before = page(block("Total: EUR", BBox(0, 100, 10, 110)))
    new = block("one two\nthree", BBox(0, 200, 100, 240), "p1u1")
    found = corrected_words(before, page(*before.blocks, new), TOTAL)
    assert found[:3] == TOTAL
    assert [each.text for each in found[3:]] == ["one", "two", "three"]
    assert [each.box.y1 for each in found[3:]] == [200, 200, 220]
    # Where words were seen that no block had, they are those.
    over = block("Total: 100,00", BBox(0, 5, 400, 25), "p1u1")
    assert told(corrected_words(before, page(*before.blocks, over), TOTAL)) == [
        ("Total:", (10, 10, 70, 20)),
        ("100,00", (100, 10, 210, 20)),
    ]


def test_of_a_table_only_the_cells_that_were_corrected() -> None:
    boxes = [BBox(0, 0, 95, 30), BBox(95, 0, 175, 30), BBox(175, 0, 400, 30)]
    cells = tuple(Cell(0, n, runs=(Run(text),), bbox=boxes[n]) for n, text in enumerate(("Total:", "1O0,00", "EUR")))
    table = Block("table", BBox(0, 0, 400, 30), cells=cells, id="p1b1")
    right = replace(table, cells=(cells[0], replace(cells[1], runs=(Run("100,00"),)), cells[2]))
    found = corrected_words(page(table), page(right), TOTAL)
    assert [each.text for each in found] == ["Total:", "100,00", "EUR"]
    assert (found[0], found[2]) == (TOTAL[0], TOTAL[2])
    # Cells without places of their own: the table as a whole, word by word.
    bare = [replace(t, cells=tuple(replace(c, bbox=None) for c in t.cells)) for t in (table, right)]
    assert [each.text for each in corrected_words(page(bare[0]), page(bare[1]), TOTAL)] == ["Total:", "100,00", "EUR"]
    # Another grid is another table.
    wide = replace(table, cells=(Cell(0, 0, runs=(Run("Total: 100,00 EUR"),)),))
    assert [each.text for each in corrected_words(page(table), page(wide), TOTAL)] == ["Total:", "100,00", "EUR"]


def test_where_nobody_knew_the_words_nobody_does() -> None:
    """Else the corrected block would be all of the page."""
    assert corrected_words(page(block("a")), page(block("b")), ()) == ()


@modest
@given(
    pages(), pages(), st.lists(st.tuples(st.sampled_from("ab1"), st.integers(0, 300), st.integers(0, 300)), max_size=8)
)
def test_any_two_pages(before: Page, after: Page, places: list[tuple[str, int, int]]) -> None:
    seen = tuple(word(text, x, y) for text, x, y in places)
    found = corrected_words(before, after, seen)
    assert all(each.text and not any(char.isspace() for char in each.text) for each in found)
    assert corrected_words(before, before, seen) == seen
