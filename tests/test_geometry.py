"""Boxes and spaces: the arithmetic that every place on a page depends on."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import bboxes

from docparse.geometry import BBox, PageSpace, Rotation, back, turned

ROTATIONS: list[Rotation] = [0, 90, 180, 270]
rotations = st.sampled_from(ROTATIONS)
sizes = st.integers(1, 20_000)
lengths = st.floats(0.01, 50_000, allow_nan=False)


def near(a: BBox, b: BBox, *, rel: float = 1e-9) -> bool:
    scale = max(1.0, *(abs(v) for v in (*a.as_tuple(), *b.as_tuple())))
    return all(abs(x - y) <= rel * scale for x, y in zip(a.as_tuple(), b.as_tuple(), strict=True))


@pytest.mark.parametrize(
    "values", [(2, 0, 1, 1), (0, 2, 1, 1), (math.nan, 0, 1, 1), (0, 0, 1, math.nan), (0, 0, math.inf, 1)]
)
def test_a_box_has_its_corners_in_order(values: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="not a box"):
        BBox(*values)


def test_of_takes_any_two_opposite_corners() -> None:
    assert BBox.of(5, 9, 1, 2) == BBox.of(1, 9, 5, 2) == BBox(1, 2, 5, 9)


def test_around_holds_all() -> None:
    assert BBox.around([BBox(5, 5, 6, 6), BBox(0, 8, 1, 9)]) == BBox(0, 5, 6, 9)
    with pytest.raises(ValueError, match="no boxes"):
        BBox.around([])


def test_overlap_is_an_area_and_touching_is_none() -> None:
    box = BBox(0, 0, 10, 10)
    assert box.overlap(BBox(5, 6, 20, 20)) == 20
    assert box.overlap(BBox(10, 0, 20, 10)) == 0
    assert box.overlap(BBox(11, 11, 20, 20)) == 0  # apart both ways: two negatives make no area
    assert box.iou(BBox(0, 0, 10, 5)) == 0.5
    assert BBox(3, 3, 3, 3).iou(BBox(3, 3, 3, 3)) == 0


def test_covers_by_share_and_slack() -> None:
    box = BBox(0, 0, 10, 10)
    assert box.covers(BBox(1, 1, 9, 9))
    assert not box.covers(BBox(5, 0, 15, 10))
    assert box.covers(BBox(5, 0, 15, 10), share=0.5)
    assert box.covers(BBox(-1, -1, 11, 11), slack=1)
    assert box.covers(BBox(4, 4, 4, 9))  # a rule has no area, but a place
    assert not box.covers(BBox(14, 4, 14, 9))


def test_shrinking_ends_at_a_point() -> None:
    assert BBox(0, 0, 10, 4).grown(-3) == BBox(3, 2, 7, 2)
    assert BBox(0, 0, 10, 4).grown(1, 2) == BBox(-1, -2, 11, 6)


def test_clamped_outside_ends_on_the_edge() -> None:
    assert BBox(-5, -5, 5, 5).clamped(100, 50) == BBox(0, 0, 5, 5)
    assert BBox(200, 60, 300, 70).clamped(100, 50) == BBox(100, 50, 100, 50)


def test_rounded_goes_to_the_nearest_ties_up() -> None:
    assert BBox(0.5, 1.49, 2.5, 3.51).rounded() == BBox(1, 1, 3, 4)
    assert all(type(v) is int for v in BBox(0.0, 1.0, 2.0, 3.0).rounded().as_tuple())


@given(bboxes())
def test_rounding_moves_no_edge_by_more_than_half_a_pixel(box: BBox) -> None:
    pairs = zip(box.as_tuple(), box.rounded().as_tuple(), strict=True)
    assert all(abs(a - b) <= 0.5 for a, b in pairs)
    assert box.rounded().rounded() == box.rounded()


@given(bboxes(), bboxes())
def test_union_overlap_and_iou_agree(a: BBox, b: BBox) -> None:
    assert a.union(b).covers(a)
    assert a.union(b).covers(b)
    assert a.overlap(b) == b.overlap(a) <= min(a.area, b.area)
    assert 0 <= a.iou(b) <= 1 + 1e-9


def test_turning_is_clockwise() -> None:
    # A box near the top left of a page 100 wide and 200 high, followed around.
    box = BBox(10, 20, 30, 25)
    assert turned(box, 90, 100, 200) == BBox(175, 10, 180, 30)  # near the top right
    assert turned(box, 180, 100, 200) == BBox(70, 175, 90, 180)  # near the bottom right
    assert turned(box, 270, 100, 200) == BBox(20, 70, 25, 90)  # near the bottom left


@pytest.mark.parametrize("rotation", [45, -90, 360])
def test_there_are_four_rotations(rotation: int) -> None:
    with pytest.raises(ValueError, match="rotation must be"):
        turned(BBox(0, 0, 1, 1), rotation, 10, 10)  # type: ignore[arg-type]


@given(bboxes(), rotations, sizes, sizes)
def test_back_undoes_turned(box: BBox, rotation: Rotation, width: int, height: int) -> None:
    shown = (height, width) if rotation in (90, 270) else (width, height)
    there = turned(box, rotation, width, height)
    assert near(turned(there, back(rotation), *shown), box)
    assert math.isclose(there.area, box.area, rel_tol=1e-6, abs_tol=1e-3)


@given(bboxes(), sizes, sizes)
def test_four_quarters_are_no_turn(box: BBox, width: int, height: int) -> None:
    there, size = box, (width, height)
    for _ in range(4):
        there, size = turned(there, 90, *size), (size[1], size[0])
    assert near(there, box)
    twice = turned(turned(box, 90, width, height), 90, height, width)
    assert near(twice, turned(box, 180, width, height))


@st.composite
def spaces(draw: st.DrawFn) -> PageSpace:
    return PageSpace(draw(sizes), draw(sizes), (draw(lengths), draw(lengths)), draw(rotations))


@given(spaces(), bboxes())
def test_points_and_pixels_round_trip(space: PageSpace, box: BBox) -> None:
    assert near(space.from_points(space.to_points(box)), box, rel=1e-6)
    assert near(space.from_relative(space.to_relative(box)), box, rel=1e-6)


@given(spaces())
def test_the_page_is_the_page_in_every_space(space: PageSpace) -> None:
    page = BBox(0, 0, space.width, space.height)
    assert near(space.to_points(page), BBox(0, 0, *space.size_pt), rel=1e-6)
    assert near(space.to_relative(page), BBox(0, 0, 1000, 1000))


@given(spaces(), st.floats(0, 1), st.floats(0, 1))
def test_what_is_on_the_page_is_on_it_in_every_space(space: PageSpace, x: float, y: float) -> None:
    box = BBox(x * space.width, y * space.height, space.width, space.height)
    points = space.to_points(box)
    slack = 1e-6 * max(space.size_pt)
    assert BBox(0, 0, *space.size_pt).grown(slack).covers(points.clamped(*space.size_pt), slack=slack)
    assert near(points, points.clamped(*space.size_pt), rel=1e-6)


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_the_top_left_corner_in_points(rotation: Rotation) -> None:
    """The unrotated page's top left corner is where a clockwise turn takes it."""
    size = (600, 400) if rotation in (90, 270) else (400, 600)
    space = PageSpace(size[0] * 2, size[1] * 2, (400, 600), rotation)
    corner = {0: (0, 0), 90: (1200, 0), 180: (800, 1200), 270: (0, 800)}[rotation]
    pixels = space.from_points(BBox(0, 0, 0, 0))
    assert (pixels.x1, pixels.y1) == corner
