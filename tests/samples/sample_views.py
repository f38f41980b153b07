"""Small views of a converted sample: what the facts of the tests beside it are asked of."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from docparse.document import Block, Document, Page

SAMPLES = Path(__file__).parents[2] / "samples"
Convert = Callable[[str], Document]


def known(fault: str) -> pytest.MarkDecorator:
    """A fact that does not hold yet. Strict: the mark goes with the fault."""
    return pytest.mark.xfail(strict=True, raises=AssertionError, reason=fault)


def squeezed(text: str) -> str:
    return " ".join(text.split())


def blocks(document: Document, *kinds: str, page: int = 0) -> list[Block]:
    """Blocks of these kinds (all where none is given), list items told apart from their list."""
    pages = [p for p in document.pages if page in (0, p.number)]
    found = [b for p in pages for block in p.blocks for b in _flat(block)]
    return [b for b in found if not kinds or b.kind in kinds]


def _flat(block: Block) -> Iterator[Block]:
    yield block
    for item in block.items:
        yield from _flat(item)


def texts(found: Iterable[Block]) -> list[str]:
    return [squeezed(block.text) for block in found]


def headings(document: Document, page: int = 0) -> list[str]:
    return texts(blocks(document, "heading", page=page))


def block_with(document: Document, text: str) -> Block:
    """The innermost block that holds ``text``; fails where none or several do."""
    found = [b for b in blocks(document) if text in squeezed(b.text) and b.kind != "list"]
    assert len(found) == 1, f"{text!r} is in {[b.kind for b in found]}"
    return found[0]


def grid(table: Block) -> list[list[str]]:
    """Rows of cell texts; a place that a span covers holds an empty string."""
    rows = max(c.row + c.rowspan for c in table.cells)
    cols = max(c.col + c.colspan for c in table.cells)
    done = [[""] * cols for _ in range(rows)]
    for cell in table.cells:
        done[cell.row][cell.col] = squeezed(cell.text)
    return done


def tables(document: Document, page: int = 0) -> list[list[list[str]]]:
    return [grid(block) for block in blocks(document, "table", page=page)]


def words_of(document: Document, page: int = 0) -> str:
    """All text in reading order in one line."""
    return squeezed("\n".join(p.text for p in document.pages if page in (0, p.number)))


def assert_order(document: Document, *wanted: str, page: int = 0) -> None:
    """The pieces stand in the text in this order, one behind the other."""
    text, at = words_of(document, page), 0
    for piece in wanted:
        found = text.find(piece, at)
        assert found >= 0, f"{piece!r} does not follow {text[max(0, at - 60) : at]!r}"
        at = found + len(piece)


def likeness(text: str, wanted: str) -> float:
    """How much of ``wanted`` stands in one place of ``text``: 0 to 1, 1 where it is there to the letter."""
    if wanted in text:
        return 1.0
    there, sought = text.split(), wanted.split()
    best = 0.0
    for start in range(max(1, len(there) - len(sought) + 1)):
        window = " ".join(there[start : start + len(sought)])
        matcher = difflib.SequenceMatcher(None, window, wanted, autojunk=False)
        if matcher.quick_ratio() > best:
            best = max(best, matcher.ratio())
    return best


def assert_read(text: str, wanted: Iterable[str], *, line: float = 0.85, most: float = 1.0) -> None:
    """Of the lines ``wanted``, the share ``most`` is in ``text`` with a likeness of at least ``line``.

    For OCR, whose letters may differ a little from one processor to the next.
    """
    scores = {piece: likeness(text, piece) for piece in wanted}
    missed = {piece: round(score, 2) for piece, score in scores.items() if score < line}
    assert len(missed) <= (1 - most) * len(scores), f"not read: {missed}"


def boxes(page: Page) -> Iterator[tuple[str, tuple[float, float, float, float]]]:
    for block in page.blocks:
        for inner in _flat(block):
            if inner.bbox is not None:
                yield f"{inner.kind} {squeezed(inner.text)[:30]!r}", inner.bbox.as_tuple()
            for cell in inner.cells:
                if cell.bbox is not None:
                    yield f"cell {cell.text!r}", cell.bbox.as_tuple()
