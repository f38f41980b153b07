"""Tables by their rules: full lattices, rules across only, spans, titles above, charts and frames that are none."""

from __future__ import annotations

import pytest
from drawn import (
    EM,
    across,
    cells,
    centred,
    curve,
    framed,
    heads,
    lattice,
    lines,
    prose,
    row,
    rows,
    segment,
    shaded,
)

from docparse.engines.embedded.rules import Rule, Rules, find_rules
from docparse.engines.embedded.segments import Segment
from docparse.engines.embedded.tables.grid import Grid, GridCell
from docparse.engines.embedded.tables.ruled import inside, plausible, ruled_tables
from docparse.geometry import BBox

XS = [50.0, 150.0, 250.0, 350.0]
YS = [100.0, 120.0, 140.0, 160.0]
TEXTS = [("Name", "Town", "Age"), ("Ada", "Leeds", "36"), ("Bea", "York", "41")]


def written(*texts: tuple[str, ...], top: float = 114, pitch: float = 20) -> list[Segment]:
    return rows(top, [x + 5 for x in XS[: len(texts[0])]], *texts, pitch=pitch)


def tables(segments: list[Segment], rules: Rules, drawn: list[BBox] | None = None, **how: list[BBox]) -> list[Grid]:
    return ruled_tables(segments, rules, drawn or [], EM, **how)


def plus(*many: Rules) -> Rules:
    return Rules(tuple(r for m in many for r in m.horizontal), tuple(r for m in many for r in m.vertical))


def listed(texts: list[tuple[str, ...]]) -> list[list[str]]:
    return [list(t) for t in texts]


# Where rules make a table


def test_a_lattice_of_lines_is_a_table() -> None:
    (grid,) = tables(written(*TEXTS), lattice(XS, YS))
    assert cells(grid) == listed(TEXTS)
    assert (heads(grid), grid.ruled) == (1, True)
    assert grid.box.covers(BBox(50, 100, 350, 160))


def test_three_rules_across_are_a_table_as_journals_set_it() -> None:
    (grid,) = tables(written(*TEXTS), across(50, 350, 100, 120, 160))
    assert cells(grid) == listed(TEXTS)
    assert (heads(grid), grid.ruled) == (1, False)


def test_shaded_rows_alone_show_a_table() -> None:
    rules = find_rules([shaded(50, 100, 350, 120), shaded(50, 140, 350, 160)], EM)
    (grid,) = tables(written(*TEXTS), rules)
    assert cells(grid) == listed(TEXTS)


def test_an_empty_cell_stays_where_it_is() -> None:
    texts = [*TEXTS[:2], ("Bea", "", "41")]
    assert cells(tables(written(*texts), lattice(XS, YS))[0])[2] == ["Bea", "", "41"]


def test_a_ruled_column_without_text_is_a_column() -> None:
    texts = [("Name", "Town", ""), ("Ada", "Leeds", ""), ("Bea", "York", "")]
    assert tables(written(*texts), lattice(XS, YS))[0].cols == 3


def test_lines_of_one_cell_stay_together_between_its_rules() -> None:
    page = [*written(*TEXTS[:2]), *row(144, (55, "Bea"), (155, "a town"), (255, "41")), segment("by the sea", 155, 156)]
    (grid,) = tables(page, lattice(XS, [100, 120, 132, 162]))
    assert cells(grid)[2] == ["Bea", "a town by the sea", "41"]


def test_text_beside_a_table_is_left_out() -> None:
    page = written(*TEXTS) + prose(400, 114, 4, 150)
    assert cells(tables(page, lattice(XS, YS))[0]) == listed(TEXTS)


def test_tables_apart_are_two() -> None:
    page = written(*TEXTS) + written(*TEXTS, top=314)
    rules = plus(lattice(XS, YS), lattice(XS, [y + 200 for y in YS]))
    assert [cells(g) for g in tables(page, rules)] == [listed(TEXTS)] * 2


# Spans


def test_a_heading_over_two_columns_spans_them() -> None:
    page = [segment("Name", 55, 114), centred("Born in", 250, 114), *written(("", "Town", "Year"), top=134)]
    page += written(("Ada", "Leeds", "1815"), ("Bea", "York", "1820"), top=154)
    verticals = (Rule(50, 100, 180), Rule(150, 100, 180), Rule(250, 120, 180), Rule(350, 100, 180))
    rules = Rules(tuple(Rule(y, 50, 350) for y in (100, 120, 140, 160, 180)), verticals)
    (grid,) = tables(page, rules)
    assert cells(grid)[:2] == [["Name", "Born in", "<"], ["", "Town", "Year"]]


@pytest.mark.parametrize("y", [134, 140, 142, 144, 146, 154], ids=lambda y: f"label at {y}")
def test_a_cell_over_two_rows_spans_them_at_whatever_height_its_label_stands(y: float) -> None:
    page = [segment("North", 55, y), *written(("", "Leeds", "36"), ("", "York", "41"), top=134)]
    page += written(("Area", "Town", "Age"))
    rules = Rules(
        (Rule(100, 50, 350), Rule(120, 50, 350), Rule(140, 150, 350), Rule(160, 50, 350)),
        tuple(Rule(x, 100, 160) for x in XS),
    )
    (grid,) = tables(page, rules)
    assert cells(grid) == [["Area", "Town", "Age"], ["North", "Leeds", "36"], ["^", "York", "41"]]


def test_a_row_of_one_label_between_rules_of_its_own_is_a_row() -> None:
    page = written(TEXTS[0], TEXTS[1], ("North", "", ""), TEXTS[2])
    (grid,) = tables(page, lattice(XS, [*YS, 180]))
    assert cells(grid) == [["Name", "Town", "Age"], ["Ada", "Leeds", "36"], ["North", "", ""], ["Bea", "York", "41"]]


def test_a_rule_under_a_heading_says_which_columns_it_is_over() -> None:
    page = [segment("Name", 55, 114), segment("Born", 160, 114), *written(("", "Town", "Year"), top=134)]
    page += written(("Ada", "Leeds", "1815"), ("Bea", "York", "1820"), top=154)
    rules = plus(across(50, 350, 100), across(150, 350, 119), across(50, 350, 140, 180))
    (grid,) = tables(page, rules)
    assert cells(grid)[0] == ["Name", "Born", "<"]
    assert heads(grid) == 2


# Where rules make none


def test_a_frame_around_text_is_no_table() -> None:
    assert tables(prose(60, 120, 6, 280), lattice([50, 350], [100, 200])) == []


def test_two_frames_of_articles_side_by_side_are_no_table() -> None:
    page = prose(60, 120, 20, 230) + prose(310, 120, 20, 230)
    assert tables(page, lattice([50, 300, 560], [100, 370])) == []


def test_two_columns_of_prose_between_two_rules_are_no_table() -> None:
    page = prose(50, 120, 10, 230) + prose(310, 120, 10, 230)
    assert tables(page, across(50, 560, 100, 240)) == []


def test_the_rule_over_a_footnote_makes_no_table_of_the_columns_above_it() -> None:
    """Narrow columns of names; a rule as wide as the table would be below entries like these makes one."""
    names = [(f"Ada {c} Lovelace of Leeds", f"Bea {c} Brown of York", f"Cleo {c} Carr of Bath") for c in "ABCDEFGH"]
    page = rows(114, [50, 230, 410], *names, pitch=20)
    assert tables(page, plus(across(50, 560, 100), across(50, 200, 270))) == []
    assert len(tables(page, across(50, 560, 100, 270))) == 1


def test_rules_without_text_are_no_table() -> None:
    assert tables([], lattice(XS, YS)) == []


def test_the_grid_lines_of_a_chart_are_no_table() -> None:
    """Values along its left and its foot, curves through it."""
    page = rows(104, [20], *[("300",), ("200",), ("100",), ("0",)], pitch=60)
    page += row(300, (50, "Jan"), (150, "Feb"), (250, "Mar"), (340, "Apr"))
    rules = lattice(XS, [100, 160, 220, 280])
    curves = [curve(60, 110, 330, 260).box, curve(60, 130, 300, 220).box]
    assert tables(page, rules, curves) == []


def test_a_table_with_a_few_ornaments_is_a_table() -> None:
    (grid,) = tables(written(*TEXTS), lattice(XS, YS), [curve(60, 104, 70, 110).box])
    assert cells(grid) == listed(TEXTS)


def test_what_holds_the_bars_of_a_chart_is_no_table() -> None:
    assert tables(written(*TEXTS), lattice(XS, YS), charts=[BBox(60, 105, 200, 155)]) == []


# What belongs to a table


def test_a_title_in_large_print_over_the_first_row_is_no_row() -> None:
    title = segment("Our people", 55, 92, size=16)
    rules = plus(across(50, 350, 70), lattice(XS, YS))
    (grid,) = tables([title, *written(*TEXTS)], Rules(rules.horizontal, (Rule(50, 70, 160), *rules.vertical)))
    assert cells(grid) == listed(TEXTS)
    assert grid.box.y1 > title.box.y2


def test_a_heading_row_a_little_larger_is_a_row() -> None:
    page = [*row(114, (55, "Name"), (155, "Town"), (255, "Age"), size=12), *written(*TEXTS[1:], top=134)]
    assert cells(tables(page, lattice(XS, YS))[0]) == listed(TEXTS)


def test_a_frame_with_two_tables_in_it_is_two_tables() -> None:
    """The rows of each have rules of their own; a wide blank lies between them."""
    page = written(*TEXTS) + written(*TEXTS, top=234)
    frame = Rules((Rule(95, 45, 355), Rule(285, 45, 355)), (Rule(45, 95, 150), Rule(355, 95, 150)))
    rules = plus(frame, across(45, 355, 120, 140, 240, 260))
    found = sorted(tables(page, rules), key=lambda g: g.box.y1)
    assert [cells(g) for g in found] == [listed(TEXTS)] * 2


def test_a_blank_that_a_rule_runs_through_parts_nothing() -> None:
    texts = [TEXTS[0], TEXTS[1]]
    page = written(*texts) + written(TEXTS[2], ("Cleo", "Bath", "50"), top=214)
    (grid,) = tables(page, lattice(XS, [100, 120, 200, 220, 240]))
    assert cells(grid) == [*listed(TEXTS), ["Cleo", "Bath", "50"]]


# The parts


def test_words_are_in_a_box_by_their_middle() -> None:
    line = segment("one two three", 50, 114)
    (cut,) = inside([line], BBox(40, 100, line.words[2].box.x1, 120))
    assert cut.text == "one two"
    assert inside([line], BBox(40, 100, 300, 120)) == [line]
    assert inside([line], BBox(400, 100, 500, 120)) == []


def grid_of(*texts: tuple[str, ...], ruled: bool = False) -> Grid:
    made = [
        GridCell(r, c, chunks=[segment(t, 100 * c, 20 * r)] if t else [])
        for r, cells_ in enumerate(texts)
        for c, t in enumerate(cells_)
    ]
    return Grid(BBox(0, 0, 300, 300), len(texts), len(texts[0]), made, ruled)


SENTENCE = "a sentence of more than six words"


@pytest.mark.parametrize(
    ("grid", "is_one"),
    [
        (grid_of(("a", "b"), ("c", "d")), True),
        (grid_of(("a", "b")), False),
        (grid_of(("a",), ("b",), ("c",), ("d",)), False),
        (grid_of(("a", "b"), ("c", "")), False),
        (grid_of(("a", ""), ("b", ""), ("c", ""), ("d", "")), False),
        (grid_of(*[("a", "", "", "", "", "")] * 4, ("b", "c", "", "", "", "")), False),
        (grid_of(*[(SENTENCE, SENTENCE)] * 3), False),
        (grid_of(*[(SENTENCE, SENTENCE)] * 3, ruled=True), True),
        (grid_of(*[(SENTENCE, SENTENCE, "a", "b")] * 3), True),
        (grid_of(*[(" ".join([SENTENCE] * 10),) * 2] * 2, ruled=True), False),
    ],
    ids=[
        "two by two",
        "one row",
        "one column",
        "three cells",
        "text in one column only",
        "hardly filled",
        "columns of sentences",
        "ruled columns of sentences",
        "sentences among entries",
        "boxes with a page of text in each",
    ],
)
def test_whether_a_grid_reads_as_a_table(grid: Grid, is_one: bool) -> None:
    assert plausible(grid) is is_one


def test_a_frame_is_four_rules_and_no_table() -> None:
    assert tables(lines(60, 114, "Some words", "in a frame"), find_rules([framed(50, 100, 200, 130)], EM)) == []


def test_the_title_of_a_second_table_parts_the_rules() -> None:
    """Journals stack tables of three rules each; the notes of the first stand between them too."""
    first, second = written(*TEXTS), written(*TEXTS, top=214)
    between = [segment("a At the end of the year.", 55, 170), segment("Table 3", 55, 188)]
    between += [segment("What was found in the other towns", 55, 200 - 2)]
    ruled = across(50, 350, 100, 120, 162, 201, 220, 264)
    found = sorted(tables([*first, *between, *second], ruled), key=lambda g: g.box.y1)
    assert [cells(g) for g in found] == [listed(TEXTS), listed(TEXTS)]
