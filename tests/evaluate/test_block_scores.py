"""Elements and their order beside the truth."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from docparse.evaluate.blocks import blocks_score
from docparse.evaluate.order import order_score

TRUE: dict[str, Any] = {
    "pages": [
        {
            "page": 1,
            "width": 1000,
            "height": 1000,
            "blocks": [
                {"type": "heading", "bbox": [100, 50, 900, 100]},
                {"type": "text", "bbox": [100, 150, 900, 400]},
                {"type": "table", "bbox": [100, 450, 900, 700]},
            ],
        }
    ]
}
TEXTS = [
    f"{name} paragraph about {what}." for name, what in (("Alpha", "apples"), ("Bravo", "bears"), ("Char", "cats"))
]
TEXTS.append("Delta paragraph about dogs.")


def changed(number: int, **how: Any) -> dict[str, Any]:
    other = copy.deepcopy(TRUE)
    other["pages"][0]["blocks"][number].update(how)
    return other


def ordered(texts: list[str] = TEXTS) -> dict[str, Any]:
    blocks = [
        {"type": "text", "order": i, "bbox": [0, i / 9, 1, (i + 1) / 9], "text": text} for i, text in enumerate(texts)
    ]
    return {"pages": [{"page": 1, "width": 1, "height": 1, "blocks": blocks}]}


# ------------------------------------------------------------------------------------ blocks


def test_the_same_boxes_are_perfect_at_any_resolution() -> None:
    half = copy.deepcopy(TRUE)
    half["pages"][0] |= {"width": 500, "height": 500}
    for block in half["pages"][0]["blocks"]:
        block["bbox"] = [value / 2 for value in block["bbox"]]
    for said in (TRUE, half):
        found = blocks_score(said, TRUE)
        assert {name: one.f1 for name, one in found.classes.items()} == dict.fromkeys(
            ("any", "heading", "text", "table"), 1.0
        )
        assert found.area_iou == 1


def test_missed_and_false_blocks() -> None:
    less, more = copy.deepcopy(TRUE), copy.deepcopy(TRUE)
    del less["pages"][0]["blocks"][2]
    more["pages"][0]["blocks"].append({"type": "text", "bbox": [0, 900, 50, 950]})
    missed, false = (blocks_score(said, TRUE).classes["any"] for said in (less, more))
    assert (missed.precision, missed.recall) == (1, 2 / 3)
    assert (false.precision, false.recall) == (0.75, 1)


def test_another_class_is_wrong_by_class_only() -> None:
    found = blocks_score(changed(2, type="figure"), TRUE)
    assert found.classes["any"].f1 == 1
    assert (found.classes["table"].f1, found.classes["figure"].f1) == (0, 0)
    # A paragraph is text, a title is a heading.
    assert blocks_score(changed(0, type="title"), TRUE).classes["heading"].f1 == 1


def test_a_box_that_is_moved_too_far_is_lost() -> None:
    near, far = changed(1, bbox=[100, 200, 900, 450]), changed(1, bbox=[100, 250, 900, 500])
    assert blocks_score(near, TRUE).classes["any"].f1 == 1
    assert blocks_score(far, TRUE).classes["any"].f1 == 2 / 3


def test_what_is_ignored_neither_helps_nor_hurts() -> None:
    ignored = changed(0, ignore=True)
    without = copy.deepcopy(TRUE)
    del without["pages"][0]["blocks"][0]
    for said in (TRUE, without):
        assert blocks_score(said, ignored).classes["any"].f1 == 1
    assert blocks_score(TRUE, without).classes["any"].precision == 2 / 3


def test_only_the_classes_that_were_drawn_count() -> None:
    only = {"classes": ["table"], "pages": [{**TRUE["pages"][0], "blocks": TRUE["pages"][0]["blocks"][2:]}]}
    assert blocks_score(TRUE, only).classes["any"].precision == 1


def test_no_output_is_nothing_found() -> None:
    found = blocks_score({}, TRUE)
    assert (found.classes["any"].tp, found.classes["any"].fn, found.area_iou) == (0, 3, 0)


def test_areas_are_compared_without_furniture() -> None:
    found = blocks_score(changed(2, bbox=[100, 450, 500, 700], type="figure"), TRUE)
    assert (found.shared, found.covered) == (80 * 5 + 80 * 25 + 40 * 25, 80 * 55)
    header = changed(0, type="header")
    assert blocks_score(header, header).covered == 80 * 50


# ------------------------------------------------------------------------------------ order


def test_the_right_order_is_perfect_and_the_reverse_is_the_worst() -> None:
    right, wrong = (order_score("\n\n".join(texts), {}, ordered()) for texts in (TEXTS, TEXTS[::-1]))
    assert right is not None
    assert wrong is not None
    assert (right.order_ned, right.tau, right.found, right.blocks) == (0, 1, 1, 4)
    assert wrong.tau == -1
    assert wrong.order_ned > 0.5


def test_one_swap_lies_between() -> None:
    found = order_score("\n\n".join([TEXTS[1], TEXTS[0], *TEXTS[2:]]), {}, ordered())
    assert found is not None
    assert found.tau == pytest.approx(4 / 6)
    assert 0 < found.order_ned < 1


def test_what_is_missing_is_a_deletion_and_no_disorder() -> None:
    found = order_score("\n\n".join(TEXTS[:3]), {}, ordered())
    assert found is not None
    assert (found.found, found.order_ned, found.tau) == (0.75, 0.25, 1)


def test_small_mistakes_of_reading_do_not_break_it() -> None:
    found = order_score("\n\n".join(f"**{text.replace('a', 'o', 1)}**" for text in TEXTS), {}, ordered())
    assert found is not None
    assert found.found == 1


def test_a_short_text_does_not_sit_in_a_long_ones_place() -> None:
    short = "about apples"
    found = order_score("\n\n".join([TEXTS[0], short]), {}, ordered([short, TEXTS[0]]))
    assert found is not None
    assert (found.found, found.tau) == (1, -1)


def test_without_texts_elements_are_found_by_their_boxes() -> None:
    truth = ordered(["", "", "", ""])
    said = copy.deepcopy(truth)
    said["pages"][0]["blocks"].reverse()
    same, back = (order_score("", one, truth) for one in (truth, said))
    assert same is not None
    assert back is not None
    assert (same.order_ned, same.tau) == (0, 1)
    assert back.tau == -1


def test_where_there_is_nothing_to_order_there_is_no_figure() -> None:
    assert order_score("x", {}, TRUE) is None
