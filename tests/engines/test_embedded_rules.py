"""Rules: what of the drawn shapes is a straight line, which pieces are one line, and lines in pictures."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import BLACK, EM, GREY, WHITE, framed, shaded, shape

from docparse.engines.embedded.raster_rules import find_raster_rules
from docparse.engines.embedded.rules import Rule, Rules, find_rules
from docparse.geometry import BBox
from docparse.textlayer import Shape


def spots(rules: Rules) -> tuple[list[tuple[float, float, float]], list[tuple[float, float, float]]]:
    return (
        [(r.at, r.start, r.stop) for r in rules.horizontal],
        [(r.at, r.start, r.stop) for r in rules.vertical],
    )


# Shapes


@pytest.mark.parametrize(
    ("drawn", "across", "down"),
    [
        (shape("rule", (10, 50, 210, 50), BLACK), [(50, 10, 210)], []),
        (shape("rule", (10, 50, 10, 210), BLACK), [], [(10, 50, 210)]),
        (shaded(10, 50, 210, 51, fill=BLACK), [(50.5, 10, 210)], []),
        (framed(10, 50, 210, 90), [(50, 10, 210), (90, 10, 210)], [(10, 50, 90), (210, 50, 90)]),
        (shape("rule", (10, 50, 12, 50), BLACK), [], []),
        (shape("path", (10, 50, 210, 50), BLACK), [], []),
        (shape("rule", (10, 50, 210, 50), WHITE), [], []),
        (shaded(10, 50, 210, 90, fill=WHITE), [], []),
    ],
    ids=[
        "a line across",
        "a line down",
        "a thin filled bar is a line",
        "a frame is four lines",
        "a dot is none",
        "a slanted line or curve is none",
        "a white line on white paper is none",
        "a white ground is none",
    ],
)
def test_what_is_a_rule(drawn: Shape, across: list[object], down: list[object]) -> None:
    assert spots(find_rules([drawn], EM)) == (across, down)


def test_the_edges_of_a_filled_area_are_softer_than_drawn_lines() -> None:
    assert all(r.soft for r in find_rules([shaded(0, 0, 100, 40)], EM).horizontal)
    assert not any(r.soft for r in find_rules([framed(0, 0, 100, 40)], EM).horizontal)
    assert not find_rules([shape("rect", (0, 0, 100, 40), BLACK, GREY)], EM).horizontal[0].soft


def test_the_border_of_a_table_drawn_cell_by_cell_is_one_rule() -> None:
    pieces = [shape("rule", (x, 100, x + 50, 100.4 if x else 100), BLACK) for x in (0, 50, 100.5)]
    assert [(r.start, r.stop) for r in find_rules(pieces, EM).horizontal] == [(0, 150.5)]


def test_lines_far_apart_on_one_height_stay_two() -> None:
    pieces = [shape("rule", (0, 100, 50, 100), BLACK), shape("rule", (60, 100, 110, 100), BLACK)]
    assert [(r.start, r.stop) for r in find_rules(pieces, EM).horizontal] == [(0, 50), (60, 110)]


def test_lines_one_below_the_other_do_not_drift_into_one() -> None:
    """Each is near to the next, but the last is not near to the first."""
    pieces = [shape("rule", (0, 100 + 1.5 * i, 50, 100 + 1.5 * i), BLACK) for i in range(4)]
    assert len(find_rules(pieces, EM).horizontal) == 2


def test_a_shading_does_not_lengthen_a_line() -> None:
    found = find_rules([shape("rule", (0, 100, 50, 100), BLACK), shaded(50, 100, 200, 140)], EM)
    assert [(r.start, r.stop, r.soft) for r in found.horizontal if r.at == 100] == [(0, 50, False), (50, 200, True)]


# Choosing among them


def test_edges_of_shadings_count_only_where_nothing_is_drawn_that_way() -> None:
    soft, hard = Rule(1, 0, 9, soft=True), Rule(2, 0, 9)
    assert Rules((soft, hard), (soft,)).decisive() == Rules((hard,), (soft,))


def test_rules_inside_a_box_are_cut_to_it() -> None:
    rules = Rules((Rule(50, 0, 200), Rule(500, 0, 200), Rule(50, 300, 400)), (Rule(60, 0, 200),))
    assert rules.inside(BBox(40, 40, 100, 100), 2) == Rules((Rule(50, 40, 100),), (Rule(60, 40, 100),))


@pytest.mark.parametrize(("stop", "covers"), [(100, True), (75, True), (60, False)])
def test_a_rule_runs_along_most_of_a_stretch(stop: float, covers: bool) -> None:
    assert Rule(0, 0, stop).covers(0, 100) is covers


# Pictures


def paper(tone: int = 255) -> np.ndarray:
    return np.full((300, 400), tone, dtype=np.uint8)


AREA = BBox(0, 0, 400, 300)


def test_lines_of_ink_are_found_where_they_are() -> None:
    grey = paper()
    grey[100:102, 50:350] = 0
    grey[40:260, 200:202] = 0
    rules = find_raster_rules(grey, AREA, [], EM)
    ((at, start, stop),), ((x, top, bottom),) = spots(rules)
    assert (at, start, stop) == (pytest.approx(100.5, abs=1), 50, 350)
    assert (x, top, bottom) == (pytest.approx(200.5, abs=1), 40, 260)


def test_boxes_are_in_the_pixels_of_the_whole_picture() -> None:
    grey = paper()
    grey[150:152, 100:300] = 0
    ((at, start, stop),), _ = spots(find_raster_rules(grey, BBox(50, 100, 350, 200), [], EM))
    assert (round(at), start, stop) == (150, 100, 300)


@pytest.mark.parametrize(
    ("tone", "ground", "found"), [(0, 255, 1), (225, 250, 1), (245, 250, 0), (255, 120, 1)], ids=str
)
def test_faint_lines_and_white_ones_on_a_tint_count_the_grain_of_paper_does_not(
    tone: int, ground: int, found: int
) -> None:
    grey = paper(ground)
    grey[150:152, 50:350] = tone
    assert len(find_raster_rules(grey, AREA, [], EM).horizontal) == found


def test_the_edge_of_a_shaded_row_is_no_line() -> None:
    grey = paper()
    grey[100:140, 50:350] = 200
    assert find_raster_rules(grey, AREA, [], EM) == Rules()


def test_a_block_of_ink_is_no_line() -> None:
    grey = paper()
    grey[100:110, 50:350] = 0
    assert find_raster_rules(grey, AREA, [], EM).horizontal == ()


def test_a_scanned_line_with_holes_is_one_line() -> None:
    grey = paper()
    grey[150:152, 50:350] = 0
    grey[150:152, 120:122] = 255
    assert [(r.start, r.stop) for r in find_raster_rules(grey, AREA, [], EM).horizontal] == [(50, 350)]


def test_strokes_of_letters_are_no_lines_but_a_rule_at_the_edge_of_a_text_is() -> None:
    grey = paper()
    grey[150:152, 50:350] = 0  # the bar through a row of letters
    text = BBox(40, 140, 360, 162)
    assert find_raster_rules(grey, AREA, [text], EM).horizontal == ()
    assert len(find_raster_rules(grey, AREA, [BBox(40, 128, 360, 151)], EM).horizontal) == 1


def test_the_border_of_a_table_may_be_the_border_of_the_picture() -> None:
    grey = paper()
    grey[0:2, :] = 0
    assert [r.at for r in find_raster_rules(grey, AREA, [], EM).horizontal] == [pytest.approx(0.5, abs=1)]


def test_a_crumb_of_a_picture_has_no_lines() -> None:
    assert find_raster_rules(paper(0), BBox(0, 0, 5, 5), [], EM) == Rules()
