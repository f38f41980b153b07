"""Boxes that are all wrong alike, on pages of words where the right ones are known."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seen import HEIGHT, WIDTH, area, line, misread, said, table

from docparse.convert import Options, finish_page, open_for
from docparse.document import Block, Page
from docparse.engines.embedded.engine import EmbeddedEngine
from docparse.engines.registration import Correction, apply, estimate
from docparse.geometry import BBox
from docparse.page_issues import PAGE_ISSUES
from docparse.textlayer import Word

SAMPLES = Path(__file__).parents[2] / "samples"
DIGITAL = ("bulletin.pdf", "chinese.pdf", "form.pdf", "invoice.pdf", "paper.pdf", "report.pdf", "slides.pdf")

Change = Callable[[BBox], BBox]

_NOUNS = (
    *("harbour", "pier", "boat", "chairman", "spring", "repair", "evening", "board"),
    *("visitor", "fee", "rope", "anchor", "lamp", "buoy", "crane", "keeper"),
)


def _page(count: int = 12, seed: int = 0) -> tuple[list[Block], list[Word]]:
    """``count`` lines of text over the page, with their right boxes, and their words."""
    chance = random.Random(seed)
    blocks, words = [], []
    for i in range(count):
        text = " ".join(chance.sample(_NOUNS, chance.randint(2, 8)))
        x, y = chance.randint(60, 500), 60 + i * (HEIGHT - 160) // count
        blocks.append(said(text, box=area(x, y, text)))
        words += line(x, y, text)
    return blocks, words


def _changed(blocks: list[Block] | tuple[Block, ...], change: Change) -> list[Block]:
    """Boxes of blocks changed; those of cells taken away, as models give none."""
    return [
        dataclasses.replace(
            block,
            bbox=change(block.bbox) if block.bbox else None,
            cells=tuple(dataclasses.replace(cell, bbox=None) for cell in block.cells),
            items=tuple(_changed(block.items, change)),
        )
        for block in blocks
    ]


def _estimated(blocks: list[Block], words: list[Word]) -> Correction | None:
    return estimate(blocks, words, width=WIDTH, height=HEIGHT)


def _likeness(blocks: list[Block], others: tuple[Block, ...]) -> list[float]:
    return [one.bbox.iou(other.bbox) for one, other in zip(blocks, others, strict=True) if one.bbox and other.bbox]


WRONG: dict[str, Change] = {
    "half the pixels": lambda box: box.scaled(0.5),
    "more pixels": lambda box: box.scaled(1.3),
    "thousandths": lambda box: box.scaled(1000 / WIDTH, 1000 / HEIGHT),
    "0 to 999": lambda box: box.scaled(999 / WIDTH, 999 / HEIGHT),
    "x and y apart": lambda box: box.scaled(0.8, 1.2),
    "shifted": lambda box: box.moved(0, 45),
    "scaled and shifted": lambda box: box.scaled(0.7).moved(30, -12),
    "partly off the page": lambda box: box.scaled(1.2).moved(-80, -50),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("seed", range(4))
def test_boxes_that_are_wrong_alike_are_put_right(name: str, seed: int) -> None:
    blocks, words = _page(seed=seed)
    wrong = _changed(blocks, WRONG[name])
    correction = _estimated(wrong, words)
    assert correction is not None
    right = apply(wrong, correction)
    assert min(_likeness(blocks, right)) > 0.8
    assert [block.text for block in right] == [block.text for block in blocks]
    assert correction.before < correction.after
    assert correction.elements == len(blocks)
    assert _estimated(list(right), words) is None


@pytest.mark.parametrize("seed", range(4))
def test_some_texts_that_are_wrong_do_not_matter(seed: int) -> None:
    blocks, words = _page(16, seed)
    wrong = _changed(blocks, lambda box: box.scaled(0.6))
    wrong[3] = dataclasses.replace(wrong[3], bbox=BBox(0, 0, 900, 900))
    wrong[8] = dataclasses.replace(wrong[8], bbox=BBox(5, 700, 30, 1000))
    wrong[5] = said("Nobody ever wrote this", box=(0, 0, 20, 20))
    correction = _estimated(wrong, misread(words, 0.03, seed))
    assert correction is not None
    assert correction.scale_x == pytest.approx(1 / 0.6, abs=0.03)
    assert correction.scale_y == pytest.approx(1 / 0.6, abs=0.03)


def test_it_is_told_by_how_much() -> None:
    blocks, words = _page()
    correction = _estimated(_changed(blocks, lambda box: box.scaled(0.5)), words)
    assert correction is not None
    issue = correction.issue
    assert issue.code == "boxes-corrected"
    assert issue.severity == PAGE_ISSUES[issue.code][0]
    assert "multiplied by 2.00" in issue.message
    correction = _estimated(_changed(blocks, lambda box: box.scaled(1000 / WIDTH, 1000 / HEIGHT)), words)
    assert correction is not None
    assert correction.relative
    assert "thousandths" in correction.issue.message


def _lower_half(box: BBox) -> BBox:
    return box.moved(0, 45) if box.center[1] > HEIGHT / 2 else box


def _lower_most(box: BBox) -> BBox:
    return box.moved(0, 45) if box.center[1] > HEIGHT / 5 else box


def _jitter(seed: int) -> Change:
    chance = random.Random(seed)
    return lambda box: box.moved(chance.uniform(-60, 60), chance.uniform(-60, 60))


LEFT: dict[str, Change] = {
    "right": lambda box: box,
    "a little larger": lambda box: box.grown(6, 4),
    "a little off": lambda box: box.moved(2, 2),
    "lower half": _lower_half,
    "most of the page": _lower_most,
    "jitter": _jitter(1),
    "anywhere": lambda box: BBox(box.y1 % 700, box.x1, box.y1 % 700 + 90, box.x1 + 30),
    "one place": lambda box: BBox(100, 100, 400, 130),
    "the whole page": lambda box: BBox(0, 0, WIDTH, HEIGHT),
    "points": lambda box: BBox(box.x1, box.y1, box.x1, box.y1),
}


@pytest.mark.parametrize("name", LEFT)
@pytest.mark.parametrize("seed", range(4))
def test_what_is_not_wrong_alike_is_left(name: str, seed: int) -> None:
    blocks, words = _page(seed=seed)
    assert _estimated(_changed(blocks, LEFT[name]), words) is None


@pytest.mark.parametrize("count", [0, 1, 4])
def test_a_few_elements_prove_nothing(count: int) -> None:
    blocks, words = _page(count)
    assert _estimated(_changed(blocks, lambda box: box.scaled(0.5)), words) is None


def test_elements_in_one_place_prove_nothing_of_the_page() -> None:
    blocks, words = [], []
    for i, noun in enumerate(_NOUNS[:6]):
        blocks.append(said(noun, box=(50 + 90 * i, 100, 110 + 90 * i, 112)))
        words += line(100 + 180 * i, 200, noun)
    assert _estimated(blocks, words) is None


def test_text_that_is_not_on_the_page_proves_nothing() -> None:
    blocks, _ = _page()
    words = line(100, 100, "Quite another page in other words")
    assert _estimated(_changed(blocks, lambda box: box.scaled(0.5)), words) is None
    assert _estimated(_changed(blocks, lambda box: box.scaled(0.5)), []) is None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 20), st.floats(-3, 3), st.floats(-3, 3), st.floats(0, 0.05))
def test_a_right_page_is_never_touched(seed: int, count: int, dx: float, dy: float, errors: float) -> None:
    blocks, words = _page(count, seed)
    given = _changed(blocks, lambda box: box.moved(dx, dy))
    seen = misread(words, errors, seed)
    assert _estimated(given, seen) is None


# -------------------------------------------------------------------------------------- thousandths


@pytest.mark.parametrize("count", [2, 3, 12])
def test_thousandths_are_known_by_the_words(count: int) -> None:
    blocks, words = _page(count)
    relative = _changed(blocks, lambda box: box.scaled(1000 / WIDTH, 1000 / HEIGHT))
    correction = _estimated(relative, words)
    assert correction is not None
    assert correction.relative
    assert min(_likeness(blocks, apply(relative, correction))) > 0.8
    assert _estimated(relative, []) is None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.floats(0.3, 0.95))
def test_another_scale_is_not_taken_for_thousandths(seed: int, count: int, scale: float) -> None:
    blocks, words = _page(count, seed)
    assert _estimated(_changed(blocks, lambda box: box.scaled(scale)), words) is None


def test_a_page_that_is_written_on_above_only_has_no_thousandths() -> None:
    blocks, words = _page(12)
    upper = [block for block in blocks if block.bbox and block.bbox.y2 < 900 and block.bbox.x2 < 1000]
    assert len(upper) > 3
    assert _estimated(upper, words) is None
    assert _estimated(upper[:2], words) is None


def test_boxes_beyond_a_thousand_are_no_thousandths() -> None:
    blocks, words = _page()
    relative = _changed(blocks, lambda box: box.scaled(1000 / WIDTH, 1000 / HEIGHT))
    relative.append(Block("image", BBox(10, 900, 500, 1200)))
    correction = _estimated(relative, words)
    assert correction is not None
    assert not correction.relative
    assert _estimated([*relative[:3], relative[-1]], words) is None


# -------------------------------------------------------------------------------------------- apply


def test_all_boxes_are_corrected_and_cut_to_the_page() -> None:
    grid = table(("a", "b"), box=(10, 10, 50, 20))
    grid = dataclasses.replace(
        grid,
        cells=tuple(dataclasses.replace(c, bbox=BBox(10 + 20 * c.col, 10, 30 + 20 * c.col, 20)) for c in grid.cells),
    )
    items = (Block("list_item", BBox(0, 30, 40, 40)), Block("list_item"))
    blocks = [grid, Block("list", BBox(0, 30, 40, 50), items=items), Block("image", BBox(560, 0, 700, 20)), said("x")]
    done = apply([*blocks, Block("image", BBox(700, 0, 800, 20))], Correction(2.0, 3.0, 1.0, -40.0, WIDTH, HEIGHT))
    assert [block.bbox for block in done] == [
        BBox(21, 0, 101, 20),
        BBox(1, 50, 81, 110),
        BBox(1121, 0, WIDTH, 20),
        None,
        None,
    ]
    assert [cell.bbox for cell in done[0].cells] == [BBox(21, 0, 61, 20), BBox(61, 0, 101, 20)]
    assert [item.bbox for item in done[1].items] == [BBox(1, 50, 81, 80), None]


# ------------------------------------------------------------------------------------ real documents


@pytest.fixture(scope="module")
def pages(engine: EmbeddedEngine) -> list[tuple[str, Page, tuple[Word, ...]]]:
    """The digital samples as the embedded engine reads them, with the words that it saw."""

    def read(name: str) -> Iterator[tuple[str, Page, tuple[Word, ...]]]:
        with open_for(SAMPLES / name, Options()) as source:
            images = {image.number: image for image in source.pages()}
            for markup in engine.read_pages(images.values()):
                yield name, finish_page(images[markup.number], markup), markup.witness

    return [page for name in DIGITAL for page in read(name)]


def test_samples_are_not_touched(pages: list[tuple[str, Page, tuple[Word, ...]]]) -> None:
    for name, page, words in pages:
        size = {"width": page.width, "height": page.height}
        assert estimate(page.blocks, words, **size) is None, name


@pytest.mark.parametrize("change", ["half", "more", "thousandths", "apart", "shifted"])
def test_samples_are_put_right(pages: list[tuple[str, Page, tuple[Word, ...]]], change: str) -> None:
    overlaps: list[float] = []
    for name, page, words in pages:
        w, h = page.width, page.height
        changes: dict[str, Change] = {
            "half": lambda box: box.scaled(0.5),
            "more": lambda box: box.scaled(1.3),
            "thousandths": lambda box, w=w, h=h: box.scaled(1000 / w, 1000 / h),  # type: ignore[misc]
            "apart": lambda box: box.scaled(0.8, 1.2),
            "shifted": lambda box: box.moved(25, 40),
        }
        wrong = _changed(page.blocks, changes[change])
        correction = estimate(wrong, words, width=w, height=h)
        assert correction is not None, name
        overlaps += _likeness(list(page.blocks), apply(wrong, correction))
        assert change == "thousandths" or not correction.relative, name
    assert sum(overlap >= 0.8 for overlap in overlaps) >= 0.98 * len(overlaps)
