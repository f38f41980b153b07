"""What a model's failures cost a page: answers that are written down, with one fault each, and what is left of it.

Every case says which verdict is right, which reasons it has, and that the text of the page is there once: nothing
lost that was emitted, nothing twice.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

import docparse
from docparse.document import Document, Page
from docparse.engines.base import Answer
from docparse.engines.recovery import Policy
from docparse.qwenvl_html import read
from docparse.qwenvl_html.rescale import rescale
from tests.engines.playing import Fault, Player, image, markup, play, truth, words

PAGES = {"invoice": ("invoice.pdf", 1), "report": ("report.pdf", 1), "receipt": ("receipt.jpg", 1)}
"""A form with tables, running text, and a scan: of that nobody knows the words beforehand."""


def kept(page: Page, name: str) -> tuple[float, float]:
    """Shares of the page's words that the reading has, and that it has too often."""
    wanted, found = Counter(words(truth(*PAGES[name]))), Counter(words(page.blocks))
    total = wanted.total()
    return (wanted & found).total() / total, (found - wanted).total() / total


@dataclass(frozen=True)
class Case:
    """``faults``: what goes wrong, question by question. ``codes``: reasons that must be given."""

    faults: tuple[Fault | Exception | None, ...]
    status: str
    codes: tuple[str, ...] = ()
    least: float = 0.98
    most_extra: float = 0.02
    pages: tuple[str, ...] = tuple(PAGES)


# ------------------------------------------------------------------------------------ faults


def body(text: str) -> str:
    return text.removeprefix("```html\n<html><body>\n").removesuffix("\n</body></html>\n```")


def elements(text: str) -> list[str]:
    return body(text).split(" \n ")


def cut(share: float) -> Fault:
    """The answer ends in the middle, at the limit of tokens."""
    return lambda text: Answer(text[: int(len(text) * share)], 1, 1, "length")


def ends_early(share: float) -> Fault:
    """The model believes that it is done; all it wrote is complete."""

    def fault(text: str) -> str:
        parts = elements(text)
        return " \n ".join(parts[: max(1, int(len(parts) * share))])

    return fault


def loop(unit: Callable[[list[str]], str], share: float = 0.5, times: int = 120) -> Fault:
    """After a part of the page, something is written again and again, to the limit."""

    def fault(text: str) -> Answer:
        parts = elements(text)
        start = parts[: max(1, int(len(parts) * share))]
        return Answer("<html><body>\n" + " \n ".join(start) + " \n " + unit(start) * times, 1, 1, "loop")

    return fault


def spiral(text: str) -> Answer:
    start = " \n ".join(elements(text)[:2])
    levels = "".join(f'<table data-bbox="{n} {27 + n} {998 - n} {385 - n}"><tbody><tr><td>' for n in range(1, 150))
    return Answer(f"<html><body>\n{start} \n {levels}", 1, 1, "length")


def scaled(x: float, y: float) -> Fault:
    return lambda text: rescale(text, x, y).markup


def without_boxes(text: str) -> str:
    return re.sub(r' data-bbox="[^"]*"', "", text)


def as_markdown(text: str) -> str:
    page = Page(1, 2_000, 3_000, blocks=read(text, width=2_000, height=3_000).blocks)
    made = docparse.export(Document((page,)), "markdown").text
    assert made is not None
    return made


def says(answer: str) -> Fault:
    return lambda _: answer


OTHER = (
    "<html><body><h1 data-bbox='10 10 300 40'>Minutes of the annual meeting of shareholders</h1>"
    + "<p data-bbox='10 60 500 400'>"
    + "The chairman welcomed everybody and thanked the auditors for their work over the past year. " * 8
    + "</p></body></html>"
)
ECHO = (
    "You are an AI specialized in recognizing and extracting text from images. Your mission is to analyze the image "
    "document and generate the result in QwenVL Document Parser HTML format using specified tags."
)

CASES: dict[str, Case] = {
    "nothing wrong": Case((), "ok"),
    **{
        f"cut at {share:.0%}": Case((cut(share),), "repaired", ("continued",))
        for share in (0.15, 0.3, 0.45, 0.6, 0.75, 0.9)
    },
    "cut twice": Case((cut(0.4), cut(0.5)), "repaired", ("continued",)),
    "ends early": Case((ends_early(0.5),), "repaired", ("continued",), pages=("invoice", "report")),
    "loops on its last element": Case((loop(lambda start: start[-1] + " \n "),), "repaired", ("loop-cut", "continued")),
    "loops on a sentence": Case((loop(lambda _: "All goods remain our property. "),), "repaired", ("loop-cut",)),
    "loops on dots": Case((loop(lambda _: "." * 40),), "repaired", ("loop-cut",)),
    "loops on underscores": Case((loop(lambda _: "_ _ _ _ "),), "repaired", ("loop-cut",)),
    "loops on empty cells": Case(
        (loop(lambda _: "<tr>" + "<td></td>" * 8 + "</tr>", times=200),), "repaired", ("loop-cut",)
    ),
    "loops at once": Case((loop(lambda _: "the the ", share=0.0, times=400),), "repaired", ("loop-cut",)),
    "a spiral of tables": Case((spiral,), "repaired", ("loop-cut", "continued")),
    "an empty answer, then a good one": Case((says(""),), "repaired", ("answer-empty",)),
    "an excuse, then a good one": Case((says("I'm sorry, I can't help with that."),), "repaired", ("answer-refused",)),
    "the prompt, then a good one": Case((says(ECHO),), "repaired", ("answer-echo",)),
    "another page, then a good one": Case(
        (says(OTHER),), "repaired", ("answer-elsewhere",), pages=("invoice", "report")
    ),
    "nothing, three times": Case(
        (says(""), says("  "), says("```html\n```")), "fallback", ("answer-empty", "fallback")
    ),
    "an error": Case((RuntimeError("the server is gone."),), "fallback", ("fallback",)),
    "no boxes": Case((without_boxes,), "repaired", ("boxes-recovered",)),
    "Markdown": Case((as_markdown,), "repaired", ("boxes-recovered",), least=0.9, most_extra=0.1),
    "boxes of half the size": Case((scaled(0.5, 0.5),), "repaired", ("boxes-corrected",), pages=("invoice", "report")),
    "boxes a third too large": Case((scaled(1.3, 1.3),), "repaired", ("boxes-corrected",), pages=("invoice", "report")),
}


@pytest.mark.parametrize(("case", "name"), [(c, n) for c in CASES for n in CASES[c].pages])
def test_a_fault_costs_no_text(case: str, name: str) -> None:
    expected = CASES[case]
    player = Player(truth(*PAGES[name]), expected.faults)
    page, _ = play(image(*PAGES[name]), player)
    codes = {issue.code for issue in page.verdict.issues}
    assert page.verdict.status == expected.status, page.verdict
    assert set(expected.codes) <= codes
    found, extra = kept(page, name)
    assert found >= expected.least
    assert extra <= expected.most_extra
    assert len(player.asks) <= Policy().questions


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("at", [None, 0.35, 0.7])
def test_boxes_stay_right(name: str, at: float | None) -> None:
    """Of a page read in parts as of one read at once."""
    player = Player(truth(*PAGES[name]), (cut(at),) if at is not None else ())
    page, _ = play(image(*PAGES[name]), player)
    by_text = {block.text: block.bbox for block in truth(*PAGES[name]) if block.text and block.kind != "table"}
    compared = 0
    for block in page.blocks:
        expected = by_text.get(block.text)
        if expected is not None and block.bbox is not None:
            near = max(abs(a - b) for a, b in zip(block.bbox.as_tuple(), expected.as_tuple(), strict=True))
            compared += 1
            assert near <= 2, block.text
    assert compared >= 0.8 * len(by_text)


def test_a_good_answer_is_left_as_it_stands() -> None:
    """Nothing is written anew where nothing was wrong: issues then have their lines."""
    player = Player(truth("invoice.pdf"))
    page, markup = play(image("invoice.pdf"), player)
    assert markup.html.startswith("```html\n<html><body>\n")
    assert (len(player.asks), markup.attempts) == (1, 1)
    assert page.verdict.status == "ok"


def test_the_rest_is_asked_for_by_itself() -> None:
    player = Player(truth("report.pdf"), (cut(0.5),))
    play(image("report.pdf"), player)
    first, second = player.asks
    assert first.region is None
    assert second.region is not None
    assert second.region.y1 > 0.2 * first.picture.height
    assert second.picture.size == (int(second.region.width), int(second.region.height))


def test_a_budget_is_kept() -> None:
    """A model that is cut off again and again is not asked for ever, and what is missing is said."""
    faults: list[Any] = [cut(0.1)] * 20
    player = Player(truth("report.pdf"), faults)
    page, _ = play(image("report.pdf"), player, Policy(questions=2))
    assert len(player.asks) == 2
    assert page.verdict.status == "partial"
    assert "truncated-reading" in {issue.code for issue in page.verdict.issues}


def test_an_error_on_the_rest_keeps_what_there_is() -> None:
    player = Player(truth("report.pdf"), (cut(0.5), RuntimeError("it took too long.")))
    page, _ = play(image("report.pdf"), player)
    assert page.verdict.status == "partial"
    assert "rest-unread" in {issue.code for issue in page.verdict.issues}
    assert 0.2 < kept(page, "report")[0] < 0.9


# ------------------------------------------------------------------------------------ cuts everywhere


@cache
def places_to_cut(name: str) -> list[int]:
    """Behind each element of the answer, and in the middle of each."""
    player = Player(truth(*PAGES[name]))
    play(image(*PAGES[name]), player)
    text = markup(player.blocks, player.asks[0])
    ends = [match.start() for match in re.finditer(" \n ", text)]
    middles = [(a + b) // 2 for a, b in itertools.pairwise([25, *ends])]
    return sorted({*ends, *middles})


def ends_at(at: int) -> Fault:
    return lambda text: Answer(text[:at], 1, 1, "length")


# The places are found by reading, which is no work for whoever only collects tests.
@pytest.mark.parametrize("name", PAGES)
def test_wherever_it_is_cut_the_page_is_whole(name: str) -> None:
    for at in places_to_cut(name):
        player = Player(truth(*PAGES[name]), (ends_at(at),))
        page, _ = play(image(*PAGES[name]), player)
        assert page.verdict.status in ("ok", "repaired"), (at, page.verdict)
        found, extra = kept(page, name)
        assert found >= 0.98, at
        assert extra <= 0.02, at
        assert len(player.asks) <= 3, at


def test_there_are_enough_of_them() -> None:
    cuts = sum(len(places_to_cut(name)) for name in PAGES)
    assert cuts >= 60
    assert sum(len(case.pages) for case in CASES.values()) + cuts >= 140


def test_an_amount_that_is_not_on_the_page_is_named() -> None:
    """One digit of a page is wrong: nothing else shows it, and it is the one that counts."""

    def forge(text: str) -> str:
        amount = max(re.findall(r"\d+[.,]\d\d\b", text), key=len)
        return text.replace(amount, amount[:-1] + str((int(amount[-1]) + 7) % 10))

    page, _ = play(image("invoice.pdf"), Player(truth("invoice.pdf"), (forge,)))
    assert page.verdict.status == "repaired"
    assert "unsupported-words" in {issue.code for issue in page.verdict.issues}


def test_a_part_that_is_not_about_the_page_is_not_taken_in() -> None:
    """Asked about the rest, the model makes something up: what it read before stays, and the rest is missing."""
    player = Player(truth("report.pdf"), (cut(0.5), says(OTHER), says(OTHER), says(OTHER), says(OTHER)))
    page, _ = play(image("report.pdf"), player)
    assert page.verdict.status == "partial"
    assert "answer-elsewhere" in {issue.code for issue in page.verdict.issues}
    found, extra = kept(page, "report")
    assert 0.2 < found < 0.9
    assert extra == 0
