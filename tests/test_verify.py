"""Verdicts: every reason, every status, and what must not deceive them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

import docparse.support
import docparse.verify
from docparse.document import SEVERITIES, Block, Cell, Issue, Run, Verdict
from docparse.engines.base import PageMarkup
from docparse.geometry import BBox
from docparse.page_issues import PAGE_ISSUES
from docparse.raster import PageImage
from docparse.textlayer import Shape, TextLayer, Word
from docparse.verify import check, is_blank, likeness, uncovered

WIDTH, HEIGHT = 600, 800
LINES = [
    "Invoice 2024-0815 from the northern warehouse",
    "Twelve boxes of paper at nine euros each",
    "Delivery within fourteen days after the order",
    "Payment by transfer to the account named below",
    "Goods remain ours until they are paid in full",
    "Total amount due: 1,204.50 EUR",
]


def place(n: int) -> BBox:
    return BBox(50, 50 + 60 * n, 550, 80 + 60 * n)


def words(lines: Sequence[str] = LINES, *, confidence: float | None = None) -> tuple[Word, ...]:
    """The words of lines, one line in each place, as a text layer or OCR would see them."""
    found = []
    for n, line in enumerate(lines):
        x = 55.0
        for word in line.split():
            found.append(Word(word, BBox(x, 55 + 60 * n, x + 8 * len(word), 75 + 60 * n), confidence=confidence))
            x += 8 * len(word) + 8
    return tuple(found)


def drawn(*boxes: BBox, noise: int = 0) -> Image.Image:
    """White paper with a row of strokes in each box, and specks of dust."""
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    for box in boxes:
        for x in range(int(box.x1), int(box.x2), 8):
            draw.line((x, box.y1, x, box.y2), fill="black", width=2)
    for n in range(noise):
        image.putpixel(((n * 97) % WIDTH, (n * 61) % HEIGHT), (0, 0, 0))
    return image


class NoReader:
    """A page whose pixels must not be asked for, or are there already."""

    renderer, num_pages = "none", 1

    def describe(self, number: int) -> Any:
        raise AssertionError("the page is described")

    def draw(self, number: int, width: int, height: int) -> bytes:
        raise AssertionError("the page is drawn: that costs more than all the checks")


def page(image: Image.Image | None = None, text: TextLayer | None = None) -> PageImage:
    return PageImage(1, WIDTH, HEIGHT, 72, (WIDTH, HEIGHT), 0, "a.pdf", "none", text, NoReader(), image)


def block(n: int, text: str, kind: Any = "paragraph", **parts: Any) -> Block:
    return Block(kind, place(n), (Run(text),), id=f"b{n}", **parts)


GOOD = tuple(block(n, line) for n, line in enumerate(LINES))


def judged(
    blocks: Sequence[Block] = GOOD,
    *,
    on: PageImage | None = None,
    issues: Sequence[Issue] = (),
    witness: Sequence[Word] | None = None,
    origin: str = "text-layer",
    **markup: Any,
) -> Verdict:
    seen = words() if witness is None else tuple(witness)
    given_markup = PageMarkup(1, "", origin=origin, witness=seen, **markup)
    return check(on or page(), given_markup, blocks, issues)[1]


def codes(verdict: Verdict) -> set[str]:
    return {issue.code for issue in verdict.issues}


# The five statuses


def test_ok() -> None:
    assert judged() == Verdict("ok")


def test_a_note_leaves_a_page_ok() -> None:
    assert judged(issues=[Issue("fence", "A fence.", "info")]).status == "ok"


def test_repaired() -> None:
    mended = Issue("misnested", "Mended.", "warning")
    assert judged(issues=[mended]) == Verdict("repaired", (mended,))
    by_engine = PageMarkup(1, "", origin="text-layer", witness=words(), issues=(mended,))
    assert check(page(), by_engine, GOOD, ())[1] == Verdict("repaired", (mended,))


def test_partial() -> None:
    assert judged(issues=[Issue("truncated", "Cut off.", "error")]).status == "partial"


def test_fallback() -> None:
    other = Issue("fallback", "The embedded engine read the page.", "warning")
    markup = PageMarkup(1, "", origin="text-layer", witness=words(), issues=(other,))
    assert check(page(), markup, GOOD, ())[1].status == "fallback"
    # Another engine's reading can be in doubt as well, and that is worse.
    assert check(page(), markup, GOOD[:2], ())[1].status == "partial"


def test_failed() -> None:
    why = Issue("engine.failed", "No luck.", "error")
    markup = PageMarkup(1, "", finish="error", issues=(why,))
    assert check(page(), markup, (), ())[1] == Verdict("failed", (why,))


def test_a_failed_page_is_not_called_blank_or_incomplete_as_well() -> None:
    markup = PageMarkup(1, "", finish="error", witness=words(), issues=(Issue("x", "y", "error"),))
    assert codes(check(page(), markup, (), ())[1]) == {"x"}


@pytest.mark.parametrize(("finish", "code"), [("length", "truncated-reading"), ("loop", "loop")])
def test_a_reading_that_did_not_end_well_is_partial_however_good_it_looks(finish: Any, code: str) -> None:
    verdict = judged(finish=finish)
    assert (verdict.status, codes(verdict)) == ("partial", {code})


# Text that is missing


def test_half_of_the_page_is_missing() -> None:
    verdict = judged(GOOD[:3])
    assert verdict.status == "partial"
    assert "uncovered-text" in codes(verdict)
    (issue,) = [i for i in verdict.issues if i.code == "uncovered-text"]
    assert "Payment by transfer" in issue.message


def test_half_of_the_page_is_missing_under_one_large_box() -> None:
    """All words stand in the element; it does not say them."""
    whole = Block("paragraph", BBox(0, 0, WIDTH, HEIGHT), (Run(" ".join(LINES[:3])),))
    verdict = judged([whole])
    assert verdict.status == "partial"
    assert "missing-text" in codes(verdict)


def test_a_few_words_missing_are_a_warning_and_a_stray_one_a_note() -> None:
    margin = Word("margin", BBox(560, 700, 590, 710))
    assert judged(witness=[*words(), margin]).status == "repaired"
    stray = Word("i", BBox(560, 700, 565, 710))
    verdict = judged(witness=[*words(), stray])
    assert (verdict.status, codes(verdict)) == ("ok", {"uncovered-text"})


def test_rules_of_dots_are_nobodys_text() -> None:
    dots = [Word("......", BBox(50, 600 + 10 * n, 550, 608 + 10 * n)) for n in range(9)]
    assert judged(witness=[*words(), *dots]) == Verdict("ok")


def test_a_page_called_one_picture_has_not_been_read() -> None:
    verdict = judged([Block("image", BBox(0, 0, WIDTH, HEIGHT))], witness=words(LINES * 2))
    assert verdict.status == "partial"
    assert codes(verdict) == {"text-in-picture"}


def test_the_labels_of_a_drawing_need_not_be_read() -> None:
    labels = [Word(f"A{n}", BBox(300 + 20 * n, 600, 315 + 20 * n, 612)) for n in range(9)]
    figure = Block("image", BBox(290, 590, 550, 700))
    assert judged([*GOOD, figure], witness=[*words(), *labels]) == Verdict("ok")


def test_what_a_picture_says_counts_as_said() -> None:
    whole = Block("image", BBox(0, 0, WIDTH, HEIGHT), (Run("\n".join(LINES)),))
    assert judged([whole]) == Verdict("ok")


def test_a_page_taken_for_the_labels_of_a_picture_is_doubted() -> None:
    """All is said, but nothing of how it is built: two columns were once a figure's labels, and the page was ok."""
    text = LINES * 2
    whole = Block("image", BBox(0, 0, WIDTH, HEIGHT), (Run("\n".join(text)),))
    verdict = judged([whole], witness=words(text))
    assert (verdict.status, codes(verdict)) == ("repaired", {"text-in-picture"})


def test_uncovered_finds_the_words_between_elements() -> None:
    assert [w.text for w in uncovered([place_block(0), place_block(2)], words(LINES[:3]))] == LINES[1].split()
    assert uncovered([], words()) == list(words())
    assert uncovered([place_block(0)], []) == []
    tall = Block("table", BBox(0, 0, WIDTH, HEIGHT))
    assert uncovered([tall, *map(place_block, range(6))], words()) == []


def place_block(n: int) -> Block:
    return Block("paragraph", place(n))


# Text that is wrong


def test_the_texts_of_elements_are_swapped() -> None:
    """Every word is there, and none where it says."""
    swapped = [dataclasses.replace(b, runs=GOOD[n ^ 1].runs) for n, b in enumerate(GOOD)]
    blocks, verdict = check(page(), PageMarkup(1, "", origin="text-layer", witness=words()), swapped, ())
    assert verdict.status == "partial"
    assert [i.block for i in verdict.issues if i.code == "text-disagrees"] == [f"b{n}" for n in range(6)]
    assert all((b.agreement or 0) < 0.5 for b in blocks)


def test_one_element_says_something_else() -> None:
    verdict = judged([*GOOD[:5], block(5, "Total sum owed: 9,871.36 USD")])
    assert verdict.status == "partial"
    assert ("text-disagrees", "b5") in {(i.code, i.block) for i in verdict.issues}


def test_a_short_element_says_something_else() -> None:
    """An amount is short, and what matters."""
    lines = [*LINES[:5], "1,204.50"]
    wrong = [*GOOD[:5], block(5, "7,899.36")]
    verdict = judged(wrong, witness=words(lines))
    assert verdict.status == "repaired"
    assert [i.block for i in verdict.issues] == ["b5"]


def test_agreement_is_given_to_each_element() -> None:
    markup = PageMarkup(1, "", origin="model", witness=words(LINES[:2]))
    blocks = [
        GOOD[0],
        block(1, "Twelve boxes of sand at nine euros each"),
        block(4, ""),
        Block("paragraph", None, (Run("x"),)),
    ]
    checked, _ = check(page(drawn()), markup, blocks, ())
    assert checked[0].agreement == 1
    assert 0.7 < (checked[1].agreement or 0) < 1
    assert (checked[2].agreement, checked[3].agreement) == (None, None)


def test_tables_agree_by_their_cells() -> None:
    cells = tuple(Cell(0, n, runs=(Run(word),)) for n, word in enumerate(LINES[0].split()))
    table = Block("table", place(0), cells=cells)
    checked, verdict = check(page(), PageMarkup(1, "", origin="text-layer", witness=words(LINES[:1])), [table], ())
    assert (checked[0].agreement, verdict.status) == (1, "ok")


# Text that is too much


def test_duplicated_text_in_the_same_place() -> None:
    verdict = judged([*GOOD, *(dataclasses.replace(b, id=f"again{n}") for n, b in enumerate(GOOD[:3]))])
    assert verdict.status == "partial"
    assert codes(verdict) == {"surplus-text"}


def test_duplicated_text_in_one_element() -> None:
    verdict = judged([*GOOD[:5], block(5, LINES[5] + " " + " ".join(LINES))])
    assert verdict.status == "partial"
    assert "surplus-text" in codes(verdict)


def test_invented_text_without_a_place() -> None:
    made_up = Block("paragraph", None, (Run("This agreement is governed by the laws of the state of Delaware"),))
    verdict = judged([*GOOD, made_up])
    assert (verdict.status, codes(verdict)) == ("partial", {"surplus-text"})


@pytest.mark.parametrize("text", ["This agreement is governed by the laws of Delaware", "9,999.00"])
def test_invented_text_on_white_paper(text: str) -> None:
    image = drawn(*(place(n) for n in range(6)))
    verdict = judged([*GOOD, block(8, text)], on=page(image), origin="model")
    assert verdict.status == "partial"
    assert ("text-without-ink", "b8") in {(i.code, i.block) for i in verdict.issues}


def test_text_that_only_the_pixels_have_is_not_called_made_up() -> None:
    """A model reads the words in a logo, which no text layer has."""
    logo = Block("image", place(8), (Run("ACME"),), id="logo")
    verdict = judged([*GOOD, logo], on=page(drawn(*(place(n) for n in range(6)), place(8))), origin="model")
    assert verdict == Verdict("ok")


def test_the_page_is_not_drawn_for_text_that_comes_from_its_text_layer() -> None:
    assert judged(on=page()).status == "ok"  # NoReader would say so


@given(st.permutations(range(6)))
def test_the_order_of_elements_changes_nothing(order: list[int]) -> None:
    """What the page says has a place and no order; reading order is the engine's to know."""
    assert judged([GOOD[n] for n in order]) == Verdict("ok")


def test_hyphens_bullets_and_case_are_no_disagreement() -> None:
    blocks = [*GOOD[:2], block(2, "• DELIVERY within four\u00adteen days — after the order"), *GOOD[3:]]
    assert judged(blocks).status == "ok"


# Blank pages


def test_a_blank_page_without_text_is_ok_and_said_to_be_blank() -> None:
    for on, origin in ((page(drawn()), "ocr"), (page(drawn(noise=9)), "model"), (page(text=TextLayer()), "text-layer")):
        verdict = judged([], on=on, witness=[], origin=origin)
        assert (verdict.status, codes(verdict)) == ("ok", {"blank-page"})


@pytest.mark.parametrize("noise", [0, 9])
def test_a_model_dreams_on_a_blank_page(noise: int) -> None:
    verdict = judged(on=page(drawn(noise=noise)), witness=[], origin="model")
    assert verdict.status == "partial"
    assert codes(verdict) <= {"text-on-blank-page", "text-without-ink"}
    if noise == 0:
        assert codes(verdict) == {"text-on-blank-page"}


def test_a_model_dreams_on_a_blank_page_without_places() -> None:
    dream = Block("paragraph", None, (Run("Once upon a time"),))
    verdict = judged([dream], on=page(drawn()), witness=[], origin="model")
    assert (verdict.status, codes(verdict)) == ("partial", {"text-on-blank-page"})


def test_ocr_dreams_on_a_blank_page() -> None:
    """Its words are their own witness, and no pixel bears them out."""
    verdict = judged(on=page(drawn()), origin="ocr")
    assert (verdict.status, codes(verdict)) == ("partial", {"text-on-blank-page"})


def test_a_page_with_nothing_but_its_number_is_not_blank() -> None:
    """One small number has less ink than the dust that a blank page may have."""
    number = Block("page_number", BBox(290, 760, 302, 772), (Run("12"),))
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    ImageDraw.Draw(image).text((292, 761), "12", fill="black")
    assert is_blank(page(image))
    for origin, witness in (("ocr", [Word("12", BBox(291, 761, 301, 771))]), ("model", [])):
        assert judged([number], on=page(image), witness=witness, origin=origin) == Verdict("ok")


def test_a_page_with_ink_and_no_elements_was_not_read() -> None:
    verdict = judged([], on=page(drawn(place(0), place(1))), witness=[], origin="ocr")
    assert (verdict.status, codes(verdict)) == ("repaired", {"nothing-read"})


def test_a_page_of_one_picture_has_nothing_to_say() -> None:
    photo = Block("image", BBox(50, 50, 550, 700))
    assert judged([photo], on=page(drawn(BBox(60, 60, 540, 690))), witness=[], origin="ocr") == Verdict("ok")


@pytest.mark.parametrize("paper", ["white", "#f3e9d2", "#222222"])
def test_blank_is_blank_on_any_paper(paper: str) -> None:
    sheet = Image.new("RGB", (WIDTH, HEIGHT), paper)
    assert is_blank(page(sheet))
    sheet.paste("white" if paper == "#222222" else "black", (100, 100, 200, 130))
    assert not is_blank(page(sheet))


def test_a_page_that_says_it_is_empty_is_not_drawn_to_see_it() -> None:
    assert is_blank(page(text=TextLayer()))
    with pytest.raises(AssertionError, match="drawn"):
        is_blank(page(text=TextLayer(shapes=(Shape("rect", BBox(0, 0, 9, 9), fill=0),))))


# Confidence


def test_low_confidence_is_weighed_by_length() -> None:
    unsure = [dataclasses.replace(b, confidence=0.5) for b in GOOD]
    assert codes(judged(unsure)) == {"low-confidence"}
    assert judged(unsure).status == "partial"
    one_unsure = [
        *(dataclasses.replace(b, confidence=0.99) for b in GOOD[:5]),
        dataclasses.replace(GOOD[5], confidence=0.1),
    ]
    assert judged(one_unsure) == Verdict("ok")
    assert judged([dataclasses.replace(b, confidence=0.7) for b in GOOD]) == Verdict("ok")


# The measure, and the list of reasons


def test_likeness() -> None:
    assert likeness("Same words here", "here SAME, words!") == 1
    assert likeness("", "") == 1
    assert likeness("something", "") == 0
    assert likeness("invoice total", "invoice total amount") == pytest.approx(2 * 8 / (8 + 12))
    assert likeness("the text", "the the the text text text") < 0.7  # often is not once
    assert likeness("漢字の本文", "漢字の本文") == 1


@given(st.text(max_size=40), st.text(max_size=40))
def test_likeness_is_a_share_and_the_same_both_ways(a: str, b: str) -> None:
    assert 0 <= likeness(a, b) == likeness(b, a) <= 1
    assert likeness(a, a) == 1


def test_every_reason_can_be_given_and_none_is_worse_than_its_table_says() -> None:
    image = drawn(*(place(n) for n in range(6)))
    verdicts = [
        judged(finish="length"),
        judged(finish="loop"),
        judged(GOOD[:3]),
        judged([Block("paragraph", BBox(0, 0, WIDTH, HEIGHT), (Run(LINES[0]),))]),
        judged([Block("image", BBox(0, 0, WIDTH, HEIGHT))], witness=words(LINES * 2)),
        judged(
            [*GOOD, Block("paragraph", None, (Run("This agreement is governed by the laws of the state of Delaware"),))]
        ),
        judged([*GOOD, block(8, "On white paper")], on=page(image), origin="model"),
        judged(on=page(drawn()), witness=[], origin="model"),
        judged([dataclasses.replace(b, confidence=0.1) for b in GOOD]),
        judged([], on=page(image), witness=[], origin="ocr"),
        judged([], on=page(drawn()), witness=[], origin="ocr"),
    ]
    source = "".join(Path(part.__file__).read_text("utf-8") for part in (docparse.verify, docparse.support))
    reasons = set(re.findall(r'Issue\(\s*"([a-z-]+)"', source))
    assert set().union(*map(codes, verdicts)) == reasons
    for verdict in verdicts:
        for issue in verdict.issues:
            assert SEVERITIES.index(issue.severity) <= SEVERITIES.index(PAGE_ISSUES[issue.code][0])
