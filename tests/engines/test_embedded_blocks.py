"""Lines into stacks and stacks into blocks: where a paragraph ends and what keeps two lines together."""

from __future__ import annotations

from dataclasses import replace

import pytest
from drawn import EM, across, centred, framed, lines, prose, said, segment

from docparse.engines.embedded.blocks import blocks_of, is_item, stacks_of
from docparse.engines.embedded.rules import Rule, Rules, find_rules
from docparse.engines.embedded.segments import Segment
from docparse.geometry import BBox


def stacks(found: list[Segment], rules: Rules | None = None, walls: list[BBox] | None = None) -> list[list[str]]:
    return [said(stack) for stack in stacks_of(found, rules or Rules(), walls or [], EM)]


def blocks(found: list[Segment]) -> list[list[str]]:
    return [said(block.lines) for block in blocks_of(found, EM)]


LONG = "A line of text that goes on to the right edge of its column"


# Stacks


@pytest.mark.parametrize(
    ("second", "together"),
    [
        (segment("goes on below it in the same column", 50, 112), True),
        (segment("goes on below it in the same column", 50, 130), False),
        (segment("goes on below it in the same column", 50, 103), False),
        (segment("goes on below it in the same column", 50, 113, size=13), False),
        (segment("goes on below it in the same column", 50, 112, size=9), True),
        (segment("another column", 400, 112), False),
        (segment("a column that only overlaps its end by a little", 310, 112), False),
        (centred("centred under it", 198, 112), True),
    ],
    ids=[
        "the next line",
        "a line after a blank one",
        "a line that overlaps it",
        "larger print",
        "slightly smaller print",
        "text beside it",
        "text beside it that reaches under its end",
        "a centred line",
    ],
)
def test_a_line_and_what_comes_below_it(second: Segment, together: bool) -> None:
    first = segment(LONG, 50, 100)
    assert stacks([second, first]) == ([said([first, second])] if together else [said([first]), said([second])])


def test_the_usual_distance_of_a_stack_is_kept() -> None:
    """What would do between the first two lines is too far once lines follow each other closely."""
    text = [segment(LONG, 50, y) for y in (100, 112, 124, 142)]
    assert [len(stack) for stack in stacks(text)] == [3, 1]
    assert [len(stack) for stack in stacks([text[0], segment(LONG, 50, 117)])] == [2]


def test_a_line_over_two_columns_belongs_to_neither() -> None:
    columns = [segment("the left column of the page", 50, 100), segment("the right column of the page", 250, 100)]
    below = segment(LONG + " and " + LONG, 50, 112)
    assert stacks([*columns, below])[2:] == [[below.text]]


@pytest.mark.parametrize(
    ("rules", "parted"),
    [
        (across(50, 500, 103), True),
        (across(50, 500, 103, soft=True), False),
        (across(60, 200, 103), False),
        (across(50, 350, 103), False),
        (across(50, 500, 96), False),
        (Rules(vertical=(Rule(200, 50, 200),)), False),
    ],
    ids=[
        "a rule between them",
        "the edge of a shading",
        "an underline of a word",
        "an underline of the line",
        "a line struck through",
        "a rule down",
    ],
)
def test_two_lines_and_a_rule(rules: Rules, parted: bool) -> None:
    found = stacks([segment(LONG, 50, 100), segment(LONG, 50, 112)], rules)
    assert len(found) == (2 if parted else 1)


def test_a_figure_between_two_lines_parts_them() -> None:
    text = [segment(LONG, 50, 100), segment(LONG, 50, 116)]
    assert len(stacks(text)) == 1
    assert len(stacks(text, walls=[BBox(50, 100, 300, 110)])) == 2
    assert len(stacks(text, walls=[BBox(500, 100, 590, 110)])) == 1


# Items


@pytest.mark.parametrize("text", ["• one", "- one", "1. one", "(2) one", "a) one", "iv. one", "➢one", "o one"])
def test_lines_that_begin_an_item(text: str) -> None:
    assert is_item(text)


@pytest.mark.parametrize("text", ["one", "1.5 one", "-one", "10 one", "over one", "1. 5", "2014. 03", "etc. one"])
def test_lines_that_do_not(text: str) -> None:
    assert not is_item(text)


def test_items_of_a_list_are_blocks_of_their_own_with_their_further_lines() -> None:
    found = [*lines(50, 100, "1. The first item goes on"), *lines(62, 112, "in a second line")]
    found += lines(50, 124, "2. The second item has one", "3. The third one too")
    assert blocks(found) == [
        ["1. The first item goes on", "in a second line"],
        ["2. The second item has one"],
        ["3. The third one too"],
    ]


def test_text_flush_with_a_hanging_bullet_is_no_part_of_the_item() -> None:
    found = [*lines(50, 100, "• An item that goes on"), *lines(62, 112, "in a second line.")]
    found += lines(50, 124, "And the text goes on below")
    assert blocks(found)[-1] == ["And the text goes on below"]


def test_a_number_far_into_the_line_begins_no_item() -> None:
    found = [*filled("it was agreed in"), segment("3. then", 250, 112)]
    assert len(blocks([*found, *lines(50, 124, "and so on and on")])) <= 2
    assert len(blocks([found[0], segment("3. then", 60, 112)])) == 2


def test_the_further_lines_of_an_item_may_be_flush_with_its_number() -> None:
    """No hanging indent: what follows belongs to the item, unless a bullet and a full stop say otherwise."""
    assert len(blocks([*lines(50, 100, "1. The first item goes on and", "in a second line")])) == 1
    assert len(blocks([*lines(50, 100, "• An item that ended.", "The text goes on")])) == 2
    assert len(blocks([*lines(50, 100, "• An item that goes on", "in a second line")])) == 1


def test_one_line_has_no_breaks() -> None:
    assert breaks([segment("12 Mill Road", 50, 100)]) == [False]


def test_a_dash_that_begins_a_line_of_prose_is_no_item() -> None:
    found = lines(50, 100, "It was said at the time, and said", "– by some – that it would not last", "and it did not.")
    assert len(blocks(found)) == 1


# Paragraphs


def filled(*ends: str, indented: int = -1) -> list[Segment]:
    """Lines of one width, each ending as told; line ``indented`` begins further right."""
    made = []
    for i, end in enumerate(ends):
        line = segment(f"{LONG[:40]} {end}", 70 if i == indented else 50, 100 + 12 * i)
        *words, last = line.words
        made.append(line.cut([*words, replace(last, box=BBox(last.box.x1, last.box.y1, 350, last.box.y2))]))
    return made


def test_full_lines_are_one_paragraph_though_sentences_end_with_them() -> None:
    assert len(blocks(filled("here.", "there.", "goes on"))) == 1


@pytest.mark.parametrize(
    ("last", "following", "parted"),
    [
        ("It ended here.", "Another begins there", True),
        ("It ended here.", "and went on there", False),
        ("It ended here", "Another begins there", False),
    ],
    ids=["a sentence ended", "the next begins with a small letter", "no sentence ended"],
)
def test_a_short_line_ends_a_paragraph_where_a_sentence_ends(last: str, following: str, parted: bool) -> None:
    full = filled("a", "b", "c", "d")
    found = [*full[:2], segment(last, 50, 124), segment(following + full[3].text, 50, 136)]
    assert len(blocks(found)) == (2 if parted else 1)


def test_an_indented_line_begins_a_paragraph() -> None:
    ends = ("goes on", "it ended.", "it goes on", "and on", "and ended.")
    assert [len(b) for b in blocks(filled(*ends, indented=2))] == [2, 3]
    assert len(blocks(filled(*ends))) == 1


def test_a_wider_gap_begins_a_paragraph() -> None:
    found = prose(50, 100, 3) + prose(50, 141, 3)
    assert [len(b) for b in blocks(found)] == [3, 3]


def test_a_line_set_to_the_right_is_a_signature_and_no_part_of_the_text() -> None:
    found = [*filled("goes on", "and on to here"), segment("A. Chairman", 270, 124)]
    assert blocks(found)[-1] == ["A. Chairman"]


def test_a_heading_in_bold_is_parted_from_its_text_but_a_bold_word_is_not() -> None:
    text = filled("goes on", "and on")
    heading = segment("Terms of use", 50, 88, bold=True)
    assert blocks([heading, *text])[0] == ["Terms of use"]
    run_in = Segment([*segment("Terms.", 50, 88, bold=True).words, *segment(LONG[:46], 85, 88).words], 88)
    assert len(blocks([run_in, *text])) == 1


def test_a_heading_in_capitals_or_italics_is_parted_from_its_text() -> None:
    text = filled("goes on", "and on")
    assert blocks([segment("TERMS OF USE", 50, 88), *text])[0] == ["TERMS OF USE"]
    assert blocks([segment("Terms of use", 50, 88, italic=True), *text])[0] == ["Terms of use"]


def test_a_caption_under_a_paragraph_begins_a_block() -> None:
    found = [*filled("goes on", "it ended."), segment("Table 2. What was found there", 50, 124)]
    assert blocks(found)[-1] == ["Table 2. What was found there"]
    mention = [*filled("goes on", "as seen in"), segment("Table 2. It was found there", 50, 124)]
    assert len(blocks(mention)) == 1


def test_notes_one_below_the_other_are_blocks_of_their_own() -> None:
    made = []
    for i, mark in enumerate("12"):
        y = 100 + 12 * i
        made.append(Segment([*segment(mark, 50, y - 4, size=6).words, *segment(LONG, 54, y).words], y))
    assert len(blocks(made)) == 2


# Line ends that somebody meant


def breaks(found: list[Segment]) -> list[bool]:
    return [block.breaks for block in blocks_of(found, EM)]


def test_the_lines_of_an_address_stay_lines() -> None:
    found = lines(50, 100, "Harper & Sons Limited", "12 Mill Road", "Leeds", "England")
    assert (len(blocks(found)), breaks(found)) == (1, [True])


def test_the_head_of_a_memo_is_lines_whatever_their_length() -> None:
    assert breaks(lines(50, 100, "From: the office in town", "To: the whole of the staff")) == [True]


def test_the_lines_of_a_paragraph_flow() -> None:
    assert breaks(filled("goes on", "and on", "and on")) == [False]


def test_centred_lines_are_one_block_that_flows() -> None:
    found = [
        centred(t, 300, 100 + 12 * i)
        for i, t in enumerate(["A title that is so long", "that it takes", "three lines of print"])
    ]
    assert (len(blocks(found)), breaks(found)) == (1, [False])


def test_a_frame_around_a_line_parts_it_from_the_next() -> None:
    rules = find_rules([framed(40, 88, 560, 104)], EM)
    assert len(stacks([segment(LONG, 50, 100), segment(LONG, 50, 115)], rules)) == 2


def test_an_entry_of_a_bibliography_goes_on_in_the_lines_that_hang_from_it() -> None:
    first = segment("[1] A. Lindqvist. Painted scales and patient cameras.", 50, 100)
    second = segment("Notes on Measurement", 70, 112, italic=True)
    third = segment("[2] R. Okafor. Learning levels.", 50, 124)
    found = blocks_of([first, second, third], EM)
    assert [len(e.lines) for e in found] == [2, 1]


def test_a_number_counted_inside_a_sentence_begins_no_item() -> None:
    stack = [
        segment("chosen by these criteria: 1) the leading causes and", 50, 100),
        segment("4) availability of data from all of the country, so", 50, 112),
    ]
    assert len(blocks_of(stack, EM)) == 1
    stack[0] = segment("chosen by these criteria, which are all of them:", 50, 100)
    assert len(blocks_of(stack, EM)) == 2


def test_an_indented_line_of_a_justified_text_is_not_centred() -> None:
    full = "the committee met again in spring and agreed on all of it."
    stack = [segment(full, 50, 100 + 12 * i) for i in range(2)]
    wide = stack[0].box.width
    indented = segment("Then it met again in the spring and in the autumn of it", 65, 124)
    indented.box = BBox(65, indented.box.y1, 50 + wide, indented.box.y2)
    assert len(blocks_of([*stack, indented, segment(full, 50, 136)], EM)) == 2
