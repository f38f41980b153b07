"""Tables beside the truth: trees, spans, neighbours, which is which."""

from __future__ import annotations

import pytest

from docparse.errors import SettingsError
from docparse.evaluate import tables as module
from docparse.evaluate.grids import grid_of, rows_of, tables_in
from docparse.evaluate.tables import TableScore, must_have_apted, tables_score

TRUE = (
    "<table><thead><tr><th>A</th><th>B</th></tr></thead>"
    "<tbody><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></tbody></table>"
)
FLAT = "<table><tr><td>A</td><td>B</td></tr><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></table>"
NODES = 9
"""Rows and cells of it."""


def one(said: str, true: str = TRUE) -> TableScore:
    (score,) = tables_score([said], [true]).tables
    return score


def test_the_same_table_is_perfect_however_it_is_marked() -> None:
    for said in (TRUE, FLAT, FLAT.replace("A", " <b>A</b>\n"), FLAT.replace("<td>", '<td class="x" rowspan="1">')):
        assert (one(said).teds, one(said).teds_s, one(said).adjacency_f1) == (1, 1, 1)


def test_a_wrong_cell_costs_its_share_and_no_structure() -> None:
    assert one(FLAT.replace("4", "9")).teds == pytest.approx(1 - 1 / NODES)
    assert one(FLAT.replace("4", "9")).teds_s == 1
    half = one(FLAT.replace(">4<", ">49<"), TRUE)
    assert half.teds == pytest.approx(1 - 0.5 / NODES)


def test_a_missing_row_costs_its_nodes() -> None:
    short = one(FLAT.replace("<tr><td>3</td><td>4</td></tr>", ""))
    assert short.teds == short.teds_s == pytest.approx(1 - 3 / NODES)


def test_a_lost_span_is_another_structure() -> None:
    spanned = TRUE.replace("<td>3</td><td>4</td>", '<td colspan="2">3</td>')
    assert one(spanned).teds_s < 1
    assert one(spanned, spanned).teds == 1


def test_neighbours_are_those_beside_and_below() -> None:
    turned = "<table><tr><td>A</td><td>1</td><td>3</td></tr><tr><td>B</td><td>2</td><td>4</td></tr></table>"
    assert one(turned).adjacency_f1 == pytest.approx(0)
    # Over the empty cell in between.
    gap = "<table><tr><td>a</td><td></td><td>b</td></tr></table>"
    assert one(gap, "<table><tr><td>a</td><td>b</td></tr></table>").adjacency_f1 == 1


def test_the_most_alike_is_taken_and_others_are_extra_or_missing() -> None:
    other = FLAT.replace("A", "Quite").replace("B", "different").replace("1", "77")
    found = tables_score([other, TRUE.replace("4", "9")], [TRUE])
    assert found.extra == 1
    assert found.tables[0].teds == pytest.approx(1 - 1 / NODES)
    missing = tables_score([], [TRUE, TRUE])
    assert [(t.teds, t.teds_s, t.adjacency_f1, t.missing) for t in missing.tables] == [(0, 0, 0, True)] * 2
    assert one("no table at all").teds == 0


def test_a_table_that_is_too_large_has_no_teds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_NODES", NODES - 1)
    large = one(FLAT)
    assert large.too_large
    assert (large.teds, large.teds_s, large.adjacency_f1, large.nodes) == (None, None, 1, NODES)


def test_without_apted_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    must_have_apted()
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"docparse\[evaluate\]"):
        must_have_apted()


def test_tables_are_found_in_markdown_and_html() -> None:
    text = f"x\n\n| A | B |\n|:--|---|\n| 1 \\| 2 | <i> |\n\ny {TRUE} z\n\n|---|---|\n|---|---|\n"
    first, second = tables_in(text)
    assert [[cell.text for cell in row] for row in rows_of(first) or ()] == [["A", "B"], ["1 | 2", "<i>"]]
    assert second == TRUE
    assert rows_of("<p>nothing</p>") is None


def test_spans_are_spread_out() -> None:
    rows = rows_of('<table><tr><td rowspan="2">a</td><td colspan="2">b</td></tr><tr><td>c</td><td>d</td></tr></table>')
    assert rows is not None
    grid, cells = grid_of(rows)
    seen = [[cells[grid[row, col]].text for col in range(3)] for row in range(2)]
    assert seen == [["a", "b", "b"], ["a", "c", "d"]]


def test_a_table_in_a_cell_is_its_text() -> None:
    rows = rows_of("<table><tr><td>a<table><tr><td>in</td></tr></table></td><td>b</td></tr></table>")
    assert rows is not None
    assert [[cell.text for cell in row] for row in rows] == [["ain", "b"]]
