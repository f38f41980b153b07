"""Boxes from the pixels of one picture to those of another, in text: every box that is read, and nothing else."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from docparse.document import Block, Page
from docparse.geometry import BBox
from docparse.qwenvl_html import Reading, read, write_page
from docparse.qwenvl_html.objects import unescaped
from docparse.qwenvl_html.rescale import Rescaled, rescale
from tests.conftest import GOLDEN
from tests.qwenvl_html import cases
from tests.qwenvl_html.cases import Case
from tests.qwenvl_html.hostile import HOSTILE, repeated
from tests.qwenvl_html.test_markup_fuzz import boxes_of, mutated
from tests.qwenvl_html.test_markup_hostile import CHARACTERS, UNITS, steps_of
from tests.strategies import modest, pages

CASES = cases.load()
GOLDEN_MARKUP = sorted(p for p in (GOLDEN / "exporters").glob("*.html") if not p.name.endswith(".page.html"))


def scaled(block: Block, x: float, y: float) -> Block:
    def box(bbox: BBox | None) -> BBox | None:
        return bbox and bbox.scaled(x, y)

    return dataclasses.replace(
        block,
        bbox=box(block.bbox),
        cells=tuple(dataclasses.replace(cell, bbox=box(cell.bbox)) for cell in block.cells),
        items=tuple(scaled(item, x, y) for item in block.items),
    )


def bare(block: Block) -> Block:
    return dataclasses.replace(
        block,
        bbox=None,
        cells=tuple(dataclasses.replace(cell, bbox=None) for cell in block.cells),
        items=tuple(bare(item) for item in block.items),
    )


def codes(reading: Reading, *, apart_from: tuple[str, ...]) -> Counter[str]:
    return Counter(issue.code for issue in reading.issues if issue.code not in apart_from)


def check_whole(markup: str, size: tuple[int, int] | None = None) -> None:
    """Whole factors: a box is what it was, times the factor; what touched, crossed or was twice there still does."""
    width, height = size or (None, None)
    before = read(markup, width=width, height=height)
    after = read(rescale(markup, 2, 3).markup, width=width and 2 * width, height=height and 3 * height)
    assert [bare(block) for block in after.blocks] == [bare(block) for block in before.blocks]
    for old, new in zip(before.blocks, after.blocks, strict=True):
        for expected, found in zip(boxes_of(scaled(old, 2, 3)), boxes_of(new), strict=True):
            # A box of floats is rounded once instead of twice.
            assert found == pytest.approx(expected, abs=2)
    # And comes as whole numbers, which is how a box should be written.
    assert codes(after, apart_from=("box-format",)) == codes(before, apart_from=("box-format",))


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ('<p data-bbox="1 2 30 40">1 2 3 4</p>', '<p data-bbox="10 200 300 4000">1 2 3 4</p>'),
        ("<p data-bbox='1 2 30 40'>a", "<p data-bbox='10 200 300 4000'>a"),
        ("<p data-bbox=1 2 30 40>a", "<p data-bbox=10 200 300 4000>a"),
        ("<p data-bbox=“1 2 30 40”>a", "<p data-bbox=“10 200 300 4000”>a"),
        ('<p data-bbox=\\"1 2 30 40\\">a', '<p data-bbox=\\"10 200 300 4000\\">a'),
        ('<P DATA-BBOX = " 1,2 , 30;40 ">a', '<P DATA-BBOX = " 10,200 , 300;4000 ">a'),
        ('<p data-bbox="1 2 30 40>a</p>', '<p data-bbox="10 200 300 4000>a</p>'),
        ('<p data-bbox="[1.04, 2.005, 30px, 4e1]">a', '<p data-bbox="[10, 201, 300px, 4000]">a'),
        ('<p data-bbox="x1=1 y1=2 x2=3 y2=4">a', '<p data-bbox="x1=10 y1=200 x2=30 y2=400">a'),
        ('<p data-bbox="-1 -2 30 40">a', '<p data-bbox="-10 -200 300 4000">a'),
        ('<p data-bbox="30 40 1 2">a', '<p data-bbox="300 4000 10 200">a'),
        ('<p data-bbox="1&#32;2&nbsp;&#51;0 4">a', '<p data-bbox="10&#32;200&nbsp;300 400">a'),
        ('<p data-bbox="1 2 3 4" data-bbox="5 6 7 8">a', '<p data-bbox="10 200 30 400" data-bbox="50 600 70 800">a'),
        ('<p bbox="1 2 3 4">a', '<p bbox="10 200 30 400">a'),
        (
            '<div class="image" data-polygon="1,2 3,4 5,6 7,8 9,10"/>',
            '<div class="image" data-polygon="10,200 30,400 50,600 70,800 90,1000"/>',
        ),
        ('<td data-bbox="1 2 3 4">a</td>', '<td data-bbox="10 200 30 400">a</td>'),
        ('<body data-bbox="1 2 3 4"><p>a</p></body>', '<body data-bbox="10 200 30 400"><p>a</p></body>'),
        ('```html\n<p data-bbox="1 2 3 4">a</p>\n```', '```html\n<p data-bbox="10 200 30 400">a</p>\n```'),
        ('<p data-bbox="1 2 3 4">a</p><p data-bbox="5 6', '<p data-bbox="10 200 30 400">a</p><p data-bbox="5 6'),
        ('[{"bbox_2d": [1, 2, 3, 4], "label": "1, 2"}]', '[{"bbox_2d": [10, 200, 30, 400], "label": "1, 2"}]'),
        ("[{'bbox': [1.5,2,3,4,]},]", "[{'bbox': [15,200,30,400,]},]"),
        ('[{"box": "1 2 3 4", "text": "a"}]', '[{"box": "10 200 30 400", "text": "a"}]'),
        ('[{"bbox": "1\\n2 \\u0033 4", "text": "a"}]', '[{"bbox": "10\\n200 30 400", "text": "a"}]'),
        (
            '[{"poly": [[1, 2], [3, 2], [3, 4], [1, 4]], "text": "a"}]',
            '[{"poly": [[10, 200], [30, 200], [30, 400], [10, 400]], "text": "a"}]',
        ),
        ('[{"point_2d": [1, 2.5], "label": "a"}', '[{"point_2d": [10, 250], "label": "a"}'),
        ('[{"bbox": [1, 2, 3, 4', '[{"bbox": [10, 200, 30, 400'),
        (
            '[{"bbox": [1,2,3,4], "text": "\\u00e9 \\ud83e\\udd9c <table data-bbox=\\"1 2 3 4\\"><tr><td>5',
            '[{"bbox": [10,200,30,400], "text": "\\u00e9 \\ud83e\\udd9c <table data-bbox=\\"10 200 30 400\\"><tr><td>5',
        ),
        ("# a\n\n<!-- Table (1, 2, 3, 4) -->\na", "# a\n\n<!-- Table (10, 200, 30, 400) -->\na"),
        ("# a\n<p data-box='1 2 3 4'>b</p>", "# a\n<p data-box='10 200 30 400'>b</p>"),
        (
            "<|object_ref_start|>a<|object_ref_end|><|box_start|>(1,2),(3,4)<|box_end|>",
            "<|object_ref_start|>a<|object_ref_end|><|box_start|>(10,200),(30,400)<|box_end|>",
        ),
        (
            "<|quad_start|>(1,2),(3,4),(5,6),(7,8)<|quad_end|>",
            "<|quad_start|>(10,200),(30,400),(50,600),(70,800)<|quad_end|>",
        ),
    ],
)
def test_the_boxes_of_every_dialect(markup: str, expected: str) -> None:
    assert rescale(markup, 10, 100).markup == expected


@pytest.mark.parametrize(
    "markup",
    [
        "1 2 3 4, (1, 2), (3, 4), [1, 2, 3, 4]",
        '<p title="1 2 3 4" data-bbox="1 2 3">a [1, 2, 3, 4] bbox_2d: [1, 2, 3, 4]</p>',
        '<p data-bbox="10% 20% 30% 40%">a</p>',
        '<p data-bbox="0.1 0.2 0.3 0.4">fractions of the page</p>',
        '<p data-bbox="1 2 3 4',
        '<section class="page" data-size="100 200"></section>',
        "# a\n```\n<!-- Table (1, 2, 3, 4) -->\n```\n",
        "a <!-- Table (1, 2, 3, 4) -->",
        "# a\n<!-- Table (&#49;, 2, 3, 4) -->",
        "# a\n<!-- Table (1, 2, 3",
        '[{"bbox_2d": [1, 2, 3], "text": "a"}, {"bbox_2d": [1, 2',
        '[{"bbox_2d": [10, 20, 1e9, 40], "text": "<!-- Table (1, 2, 3, 4) -->"}]',
        "<|box_start|>(1,2),(3,",
        "<style>a data-bbox='1 2 3 4'</style><p>a</p>",
    ],
)
def test_what_is_read_as_no_box_stays(markup: str) -> None:
    assert rescale(markup, 10, 100) == Rescaled(markup, ())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_case_reads_the_same(case: Case) -> None:
    check_whole(case.markup, case.size)


@pytest.mark.parametrize("path", GOLDEN_MARKUP, ids=lambda path: path.name)
def test_golden_markup_reads_the_same(path: Path) -> None:
    markup = path.read_text(encoding="utf-8")
    check_whole(markup)
    assert rescale(markup, 2, 2).markup != markup


@modest
@given(pages())
def test_written_pages_read_the_same(page: Page) -> None:
    check_whole(write_page(page))


@modest
@given(mutated())
def test_broken_markup_reads_the_same(markup: str) -> None:
    check_whole(markup, (1_000, 800))


@modest
@given(pages(sane=True), st.floats(0.2, 5), st.floats(0.2, 5))
def test_any_scale_is_right_to_half_a_pixel(page: Page, x: float, y: float) -> None:
    before, after = (read(markup) for markup in (write_page(page), rescale(write_page(page), x, y).markup))
    assert len(before.blocks) == len(after.blocks)
    for old, new in zip(before.blocks, after.blocks, strict=True):
        for expected, found in zip(boxes_of(scaled(old, x, y)), boxes_of(new), strict=True):
            assert found == pytest.approx(expected, abs=0.5 + 1e-6)


@given(st.sampled_from([case.markup for case in CASES]) | st.text())
def test_a_scale_of_one_changes_nothing(markup: str) -> None:
    assert rescale(markup, 1, 1) == Rescaled(markup, ())


@pytest.mark.parametrize(
    ("number", "scale", "expected"),
    [("5", 0.5, "3"), ("-5", 0.5, "-2"), ("7", 0.5, "4"), ("999999999", 3, "999999999"), ("12", 1e-9, "0")],
)
def test_halves_are_rounded_up_and_nothing_grows_beyond_reading(number: str, scale: float, expected: str) -> None:
    assert rescale(f'<p data-bbox="{number} 0 {number} 0">', scale, 1).markup == (
        f'<p data-bbox="{expected} 0 {expected} 0">'
    )


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf")])
def test_a_scale_must_be_one(scale: float) -> None:
    with pytest.raises(ValueError, match="no scale"):
        rescale("", 1, scale)


# ------------------------------------------------------------------------------------ what goes along


@modest
@given(mutated(), st.sampled_from([0.1, 0.5, 2, 37]))
def test_all_but_the_numbers_is_where_offset_says(markup: str, scale: float) -> None:
    new = rescale(markup, scale, scale)
    places = [new.offset(at) for at in range(len(markup) + 1)]
    assert all(before <= after for before, after in pairwise(places))
    assert (places[0], places[-1]) == (0, len(new.markup))
    changed = {at for edit in new.edits for at in range(edit.start, edit.end)}
    assert all(markup[at] == new.markup[places[at]] for at in range(len(markup)) if at not in changed)
    for edit in new.edits:
        assert re.fullmatch("-?[0-9]{1,9}", new.markup[edit.new_start : edit.new_end])
        assert (places[edit.start], places[edit.end]) == (edit.new_start, edit.new_end)


def test_confidences_go_along() -> None:
    markup = '<p data-bbox="123 4 56 78">ab</p>'
    new = rescale(markup, 0.1, 10)
    assert new.markup == '<p data-bbox="12 40 6 780">ab</p>'
    at = markup.index
    digits = [(at("123"), at("123") + 1, 0.4), (at("123") + 1, at("123") + 2, 0.9), (at("123") + 2, at(" 4"), 0.9)]
    text = [(at(">ab") + 1, at("</p"), 0.5)]
    sure = 0.324 ** (1 / 3)  # of all three digits, though there are but two now
    assert new.carry([(0, at("123"), 0.8), *digits, *text]) == (
        (0, 14, 0.8),
        (14, 16, pytest.approx(sure)),
        (new.markup.index("ab"), new.markup.index("</p"), 0.5),
    )


def test_a_token_that_reaches_into_numbers_is_parted() -> None:
    markup = '<p data-bbox="1 2 3 4">'
    new = rescale(markup, 10, 1)
    assert new.markup == '<p data-bbox="10 2 30 4">'
    assert [(new.markup[start:end], sure) for start, end, sure in new.carry([(0, len(markup), 0.5)])] == [
        ('<p data-bbox="', 0.5),
        ("10", 0.5),
        (" 2 ", 0.5),
        ("30", 0.5),
        (' 4">', 0.5),
    ]


@modest
@given(mutated(), st.randoms(use_true_random=False))
def test_blocks_are_as_sure_as_they_were(markup: str, random: Random) -> None:
    tokens = [(at, min(at + 3, len(markup)), random.uniform(0.1, 1)) for at in range(0, len(markup), 3)]
    new = rescale(markup, 3, 2)
    carried = new.carry(tokens)
    assert all(0 <= start < end <= len(new.markup) for start, end, _ in carried)
    assert all(before[1] <= after[0] for before, after in pairwise(carried))
    before, after = read(markup, confidences=tokens), read(new.markup, confidences=carried)
    for old, new_one in zip(before.blocks, after.blocks, strict=True):
        # Blocks and cells without text have the confidence of their tags, where the numbers are.
        if old.text.strip() and not old.cells:
            assert new_one.confidence == pytest.approx(old.confidence, abs=2e-4)


def test_odd_probabilities_do_no_harm() -> None:
    odd = [(0, 3, float("nan")), (14, 15, 0.0), (16, 17, float("nan")), (18, 19, 7.0), (19, 19, 1.0), (20, 99, 0.5)]
    carried = rescale('<p data-bbox="1 2 3 4">', 10, 10).carry(odd)
    assert read('<p data-bbox="10 20 30 40">a', confidences=carried).blocks[0].confidence == 0.5


# ------------------------------------------------------------------------------------ hostile input


@pytest.mark.parametrize("before", ["", "<!-- Table (1, 2, 3, 4) -->\n"], ids=["alone", "in Markdown"])
@pytest.mark.parametrize("name", HOSTILE)
def test_twice_the_input_is_at_most_twice_the_work(name: str, before: str) -> None:
    def work(markup: str) -> None:
        rescale(markup, 2, 3).carry([(at, at + 3, 0.9) for at in range(0, len(markup), 3)])

    work(before + HOSTILE[name])
    length = max(UNITS * len(HOSTILE[name]), CHARACTERS)
    once = steps_of(work, before + repeated(name, length))
    twice = steps_of(work, before + repeated(name, 2 * length))
    assert twice <= 2.2 * once + 2_000


@modest
@given(st.text(), st.booleans())
@example("<p data-bbox='" + "9" * 5_000 + " 1 1 1'>", True)
@example('[{"bbox": [' + "[" * 100_000, False)
@example('[{"bbox": [NaN, Infinity, -Infinity, 1e999]}', False)
def test_nothing_is_raised(text: str, inside: bool) -> None:
    markup = f"<html><body>{text}<p data-bbox='1 2 3 4'></body></html>" if inside else f"bbox {text}"
    rescale(markup, 2, 3).carry([(0, len(markup), 0.5)])


# ------------------------------------------------------------------------------------ strings of JSON


@given(st.text(), st.booleans())
@example("\U0001f99c", True)
@example("\ud83e", True)
def test_strings_of_json_say_what_json_says(text: str, ascii_only: bool) -> None:
    assert unescaped(json.dumps(text, ensure_ascii=ascii_only)[1:-1]) == text


@pytest.mark.parametrize(
    ("string", "expected"),
    [
        (r"\alpha \frac", r"\alpha \frac"),  # not a form feed: nothing here was escaped
        (r"a \"b\" \$c\n", 'a "b" \\$c\n'),
        (r"\\nabla \!", r"\nabla \!"),
        (r"\u12", r"\u12"),
    ],
)
def test_strings_that_are_not_json(string: str, expected: str) -> None:
    assert unescaped(string) == expected
