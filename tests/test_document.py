"""The document is canonical by construction, and cannot be constructed wrong."""

from __future__ import annotations

import ast
import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from strategies import documents, inlines, modest, pages, tables, texts

import docparse.document
from docparse.document import (
    FURNITURE,
    KINDS,
    MAX_SPAN,
    NOTATIONS,
    STATUSES,
    VERBATIM,
    Block,
    Cell,
    Document,
    Issue,
    Page,
    Run,
    Verdict,
    clean,
    clean_verbatim,
    full_grid,
    inline,
)
from docparse.geometry import BBox


def runs(*texts: str) -> tuple[Run, ...]:
    return tuple(Run(text) for text in texts)


# Text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("plain", "plain"),
        ("two  blanks", "two blanks"),
        ("tab\tand\u00a0nbsp", "tab and nbsp"),
        ("line \n end", "line\nend"),
        ("nul\x00bell\x07del\x7fc1\x86bom\ufeff", "nulbelldelc1bom"),
        ("lone\ud800surrogate", "lonesurrogate"),
        ("no\ufffecharacter\ufdd0", "nocharacter"),
        ("thin\u2009space stays, and so does \u200d", "thin\u2009space stays, and so does \u200d"),
        ("form\ffeed\rreturn", "form feed return"),
    ],
)
def test_clean(text: str, kept: str) -> None:
    assert clean(text) == kept


def test_verbatim_text_keeps_its_lines_and_spaces() -> None:
    assert clean_verbatim("\n\n  a\r\n\tb  c\rd\x00 \n") == "a\n\tb  c\nd"


@given(texts())
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert clean_verbatim(clean_verbatim(text)) == clean_verbatim(text)


def test_runs_of_one_style_become_one_and_edges_go() -> None:
    made = inline([Run("  a "), Run(" b", ("b",)), Run("", ("i",)), Run("c ", ("b",)), Run(" \n"), Run(" ")])
    assert made == (Run("a "), Run("bc", ("b",)))


def test_no_blank_stands_around_a_line_break_even_between_runs() -> None:
    assert inline([Run("a "), Run("\nb", ("b",))]) == (Run("a"), Run("\nb", ("b",)))
    assert inline([Run("a\n"), Run(" b", ("b",))]) == (Run("a\n"), Run("b", ("b",)))


@given(inlines())
def test_inline_is_a_fixed_point(items: tuple[Run, ...]) -> None:
    made = inline(items)
    assert inline(made) == made
    assert all(run.text for run in made)
    assert all(a.marks != b.marks for a, b in zip(made, made[1:], strict=False))
    text = "".join(run.text for run in made)
    assert text == text.strip(" \n")
    assert "  " not in text
    assert " \n" not in text
    assert "\n " not in text


def test_marks_are_sorted_known_and_single() -> None:
    assert Run("x", ("u", "b", "u")).marks == ("b", "u")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown marks"):
        Run("x", ("blink",))  # type: ignore[arg-type]


# Tables


def test_a_table_is_filled_to_a_rectangle() -> None:
    grid = full_grid([Cell(1, 1, runs=runs("b")), Cell(0, 0, colspan=2, runs=runs("a"))])
    assert [(c.row, c.col, c.text) for c in grid] == [(0, 0, "a"), (1, 0, ""), (1, 1, "b")]


@pytest.mark.parametrize(
    "cells",
    [
        [Cell(0, 0), Cell(0, 0)],
        [Cell(0, 0, colspan=2), Cell(0, 1)],
        [Cell(0, 0, rowspan=3), Cell(2, 0)],
        [Cell(0, 1, rowspan=2), Cell(1, 0, colspan=2)],
    ],
)
def test_two_cells_cannot_have_one_place(cells: list[Cell]) -> None:
    with pytest.raises(ValueError, match="two cells at row"):
        full_grid(cells)


def test_the_largest_cell_is_no_work_and_a_larger_one_is_refused() -> None:
    assert len(full_grid([Cell(0, 0, MAX_SPAN, MAX_SPAN)])) == 1
    for cell in (Cell(0, 0, MAX_SPAN + 1, 1), Cell(0, 0, 1, 10**9), Cell(10**9, 0), Cell(0, MAX_SPAN)):
        with pytest.raises(ValueError, match="too large"):
            full_grid([cell])


@pytest.mark.parametrize("place", [(-1, 0, 1, 1), (0, -1, 1, 1), (0, 0, 0, 1), (0, 0, 1, 0)])
def test_no_such_cell(place: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="no such cell"):
        Cell(*place)


@given(tables())
def test_every_place_of_a_table_is_covered_once(cells: tuple[Cell, ...]) -> None:
    grid = full_grid(cells)
    assert full_grid(grid) == grid
    places = [
        (r, c)
        for cell in grid
        for r in range(cell.row, cell.row + cell.rowspan)
        for c in range(cell.col, cell.col + cell.colspan)
    ]
    block = Block("table", cells=grid)
    assert sorted(places) == [(r, c) for r in range(block.num_rows) for c in range(block.num_cols)]
    assert sum(len(row) for row in block.rows()) == len(grid)


def test_the_text_of_a_table_is_tabs_and_lines() -> None:
    table = Block(
        "table", cells=(Cell(0, 0, runs=runs("a\nb")), Cell(0, 1, runs=runs("c")), Cell(1, 1, runs=runs("d")))
    )
    assert table.text == "a b\tc\n\td"
    assert table.runs == ()


# Blocks


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_made_and_keeps_the_text_in_its_way(kind: Any) -> None:
    if kind in ("table", "list"):
        with pytest.raises(ValueError, match="in its parts"):
            Block(kind, runs=runs("a  b"))
        return
    block = Block(kind, runs=(Run("a  "), Run("b", ("b",))))
    if kind in VERBATIM:
        assert block.runs == (Run("a  b"),)
    else:
        assert block.runs == (Run("a "), Run("b", ("b",)))
    assert block.notation == NOTATIONS.get(kind, ("",))[0]


@pytest.mark.parametrize(
    ("parts", "match"),
    [
        ({"kind": "poem"}, "unknown kind"),
        ({"kind": "paragraph", "cells": (Cell(0, 0),)}, "has no cells"),
        ({"kind": "paragraph", "style": "p{}"}, "has no table style"),
        ({"kind": "paragraph", "number": 1}, "has no number"),
        ({"kind": "paragraph", "items": (Block("list_item"),)}, "only a list has items"),
        ({"kind": "list", "items": (Block("paragraph"),)}, "only a list has items"),
        ({"kind": "formula", "notation": "mathml"}, "is not written in"),
        ({"kind": "paragraph", "notation": "latex"}, "is not written in"),
        ({"kind": "paragraph", "confidence": 1.01}, "between 0 and 1"),
        ({"kind": "paragraph", "confidence": float("nan")}, "between 0 and 1"),
        ({"kind": "paragraph", "agreement": -0.1}, "between 0 and 1"),
        ({"kind": "paragraph", "id": "no id"}, "not an id"),
        ({"kind": "paragraph", "id": "../../etc/passwd"}, "not an id"),
        ({"kind": "paragraph", "id": "ok\n"}, "not an id"),
        ({"kind": "paragraph", "id": "x" * 101}, "not an id"),
    ],
)
def test_a_wrong_block_cannot_be_made(parts: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Block(**parts)


def test_boxes_are_whole_pixels_and_confidences_four_digits() -> None:
    block = Block("paragraph", BBox(0.4, 0.5, 10.49, 20.5), confidence=0.123456)
    assert block.bbox == BBox(0, 1, 10, 21)
    assert block.confidence == 0.1235


def test_levels_stay_in_their_range() -> None:
    assert [Block("heading", level=n).level for n in (-1, 0, 1, 6, 7)] == [1, 1, 1, 6, 6]
    assert [Block("list_item", level=n).level for n in (0, 9, 10)] == [1, 9, 9]
    assert Block("paragraph", level=3).level == 0


def test_values_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Block("paragraph").kind = "heading"  # type: ignore[misc]


# Pages


@pytest.mark.parametrize(
    ("parts", "match"),
    [
        ({"number": 0}, "no such page"),
        ({"width": 0}, "no such page"),
        ({"height": -1}, "no such page"),
        ({"dpi": 0}, "no such page"),
        ({"dpi": float("nan")}, "no such page"),
        ({"dpi": float("inf")}, "no such page"),
        ({"size_pt": (float("inf"), 1.0)}, "no such page"),
        ({"rotation": 45}, "rotation must be"),
        ({"blocks": (Block("paragraph", id="a"), Block("paragraph", id="a"))}, "have one id"),
        ({"blocks": (Block("list", items=(Block("list_item", id="a"),), id="a"),)}, "have one id"),
    ],
)
def test_a_wrong_page_cannot_be_made(parts: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Page(**{"number": 1, "width": 100, "height": 100, **parts})


def test_blocks_get_ids_that_nobody_else_has() -> None:
    page = Page(
        3,
        10,
        10,
        blocks=(Block("paragraph"), Block("paragraph", id="p3b1"), Block("list", items=(Block("list_item"),) * 2)),
    )
    assert [b.id for b in page.blocks] == ["p3b1-2", "p3b1", "p3b3"]
    assert [i.id for i in page.blocks[2].items] == ["p3b3.1", "p3b3.2"]


@given(pages())
@modest
def test_ids_of_a_page_are_unique_and_stay(page: Page) -> None:
    ids = [b.id for block in page.blocks for b in (block, *block.items)]
    assert len(ids) == len(set(ids))
    assert all(ids)
    assert dataclasses.replace(page) == page


def test_a_page_without_a_size_in_points_has_that_of_its_pixels() -> None:
    assert Page(1, 1224, 1584, dpi=144).size_pt == (612, 792)
    assert Page(1, 1224, 1584, dpi=144, rotation=90).size_pt == (792, 612)


def test_points_are_those_of_the_unrotated_page() -> None:
    page = Page(1, 1200, 800, dpi=144, size_pt=(400, 600), rotation=90)
    assert page.to_points(BBox(0, 0, 1200, 800)) == BBox(0, 0, 400, 600)
    assert page.to_points(BBox(1200, 0, 1200, 0)) == BBox(0, 0, 0, 0)
    assert page.to_relative(BBox(600, 400, 1200, 800)) == BBox(500, 500, 1000, 1000)


# Documents


def test_pages_come_in_order_and_once() -> None:
    for numbers in ((2, 1), (1, 1)):
        with pytest.raises(ValueError, match="in order"):
            Document(tuple(Page(n, 1, 1) for n in numbers))


@pytest.mark.parametrize("worst", STATUSES)
def test_a_document_is_as_good_as_its_worst_page(worst: Any) -> None:
    assert Document((Page(1, 1, 1), Page(2, 1, 1, verdict=Verdict(worst)))).status == worst


def test_a_document_without_pages_has_failed() -> None:
    assert Document().status == "failed"


def test_the_text_keeps_reading_order_and_skips_what_has_none() -> None:
    blocks = (Block("heading", runs=runs("T")), Block("image"), Block("footer", runs=runs("f")))
    document = Document((Page(1, 9, 9, blocks=blocks), Page(4, 9, 9), Page(5, 9, 9, blocks=blocks[:1])))
    assert document.text == "T\n\nf\n\nT"
    assert [(page.number, block.kind) for page, block in document.blocks()][-1] == (5, "heading")
    assert {"footer", "header", "page_number"} == FURNITURE


@pytest.mark.parametrize("make", [lambda: Verdict("fine"), lambda: Issue("x", "y", "fatal")])  # type: ignore[arg-type]
def test_statuses_and_severities_are_known(make: Any) -> None:
    with pytest.raises(ValueError, match="unknown"):
        make()


@given(documents())
@modest
def test_a_document_made_again_from_its_parts_is_the_same(document: Document) -> None:
    again = Document(
        tuple(dataclasses.replace(p, blocks=tuple(dataclasses.replace(b) for b in p.blocks)) for p in document.pages),
        document.source,
        document.engine,
        document.version,
    )
    assert again == document
    assert hash(again) == hash(document)


def test_the_document_needs_the_standard_library_only() -> None:
    """``document`` and ``errors`` are for every program that reads our results, whatever it has installed."""
    folder = Path(docparse.document.__file__).parent
    for name in ("document", "correction", "errors", "geometry"):
        for node in ast.walk(ast.parse((folder / f"{name}.py").read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for module in names:
                assert (
                    module in ("docparse.correction", "docparse.document", "docparse.geometry")
                    or module.split(".")[0] in sys.stdlib_module_names
                ), f"{name} imports {module}"


def test_importing_the_document_loads_nothing_heavy() -> None:
    code = (
        "import sys, docparse.document; print([m for m in ('numpy', 'PIL', 'pymupdf', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
