"""Reading a page again in the browser: the reading is followed and compared, and what is better is taken over."""

from __future__ import annotations

import re
from typing import Any, Literal

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from tests.api.serving import Served
from tests.ui.opening import SAMPLES
from tests.ui.workbench import block, corrections, eventually, of_page, read, show, tab

NAME, STREET, TOWN, TABLE = "p1b3", "p1b4", "p1b5", "p1b16"
WRONG: list[dict[str, Any]] = [
    {"op": "edit", "block": NAME, "text": "Theodora East"},
    {"op": "delete", "block": STREET},
    {"op": "edit", "block": TABLE, "cells": [{"row": 2, "col": 4, "text": "999,00 €"}]},
    {"op": "add", "at": 2, "block": {"type": "paragraph", "bbox": [900, 900, 1300, 960], "text": "Nobody wrote this."}},
]
"""What makes a page differ from what it is read as: the same engine then says what was there."""


@pytest.fixture
def job(server: Served) -> str:
    """The sample invoice with faults in it."""
    job = read(server, SAMPLES / "invoice.pdf")
    address = f"{server.url}/v1/jobs/{job}/pages/1/corrections"
    assert httpx.put(address, json={"revision": 0, "corrections": WRONG}).status_code == 200
    return job


def again(page: Page) -> Locator:
    """The page that is shown, read again."""
    panel = tab(page, "Read again")
    panel.get_by_role("button", name="Read again").click()
    expect(panel.get_by_role("button", name="Take all")).to_be_visible()
    return panel


def difference(panel: Locator, kind: str) -> Locator:
    return panel.locator(f".dp-is-{kind}")


def texts(server: Served, job: str) -> list[str]:
    return [each["text"] for each in of_page(server, job)["blocks"]]


def test_a_reading_is_compared_by_words(page: Page, server: Served, job: str) -> None:
    show(page, server, job)
    panel = again(page)
    expect(panel.locator("h3")).to_contain_text("4 differences")
    name = panel.locator(f'.dp-difference[data-block="{NAME}"]')
    expect(name.locator("del")).to_contain_text("Theodora East")
    expect(name.locator("ins")).to_contain_text("Theodor Est")
    table = panel.locator(f'.dp-difference[data-block="{TABLE}"]')
    expect(table.locator("del")).to_contain_text("999,00")
    expect(table.locator("ins")).to_contain_text("316,00")
    expect(difference(panel, "added").locator("ins")).to_contain_text("Bahnstr. 42")
    expect(difference(panel, "removed").locator("del")).to_contain_text("Nobody wrote this.")
    before = corrections(server, job)
    assert len(before) == len(WRONG)  # to look is not to take


def test_one_difference_is_taken(page: Page, server: Served, job: str) -> None:
    show(page, server, job)
    panel = again(page)
    name = panel.locator(f'.dp-difference[data-block="{NAME}"]')
    name.get_by_role("button", name="Take it").click()
    expect(name).to_contain_text("Taken")
    assert (block(server, job, NAME) or {})["text"] == "Theodor Est"
    assert "Bahnstr. 42" not in texts(server, job)
    assert corrections(server, job)[-1]["by"] == "reading embedded"
    expect(tab(page, "Text").locator(f'[data-block="{NAME}"]')).to_have_text("Theodor Est")


def test_all_differences_are_taken_and_undone_at_once(page: Page, server: Served, job: str) -> None:
    asread = [each["text"] for each in of_page(server, job, as_read="true")["blocks"]]
    wrong = texts(server, job)
    show(page, server, job)
    panel = again(page)
    panel.get_by_role("button", name="Take all").click()
    expect(panel.locator(".dp-taken")).to_have_count(4)
    assert texts(server, job) == asread
    page.get_by_role("button", name="Correct: edit elements").click()
    page.get_by_role("button", name="Undo").click()
    eventually(lambda: texts(server, job) == wrong, "it was not undone")


def test_a_part_of_the_page_is_read(page: Page, server: Served, job: str) -> None:
    show(page, server, job)
    page.get_by_role("button", name="Read a part again: draw a rectangle").click()
    drawn = page.locator(f'.dp-page svg [data-block="{NAME}"]').first
    drawn.click(force=True, trial=True)  # until it stands still
    box = drawn.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] - 8, box["y"] - 8)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] + 60, box["y"] + box["height"] + 8, steps=4)
    page.mouse.up()
    panel = page.get_by_role("tabpanel", name="Read again", exact=True)
    expect(panel.get_by_label("A part of it")).to_be_checked()
    panel.get_by_role("button", name="Read again").click()
    expect(panel.locator(".dp-difference")).to_have_count(1)
    expect(panel.locator(".dp-difference ins")).to_contain_text("Theodor Est")
    panel.get_by_role("button", name="Take it").click()
    expect(panel.locator(".dp-taken")).to_have_count(1)
    assert (block(server, job, NAME) or {})["text"] == "Theodor Est"
    assert (block(server, job, NAME) or {})["bbox"] == pytest.approx([189, 456, 392, 492], abs=4)


def test_without_a_rectangle_one_is_asked_for(page: Page, server: Served, job: str) -> None:
    show(page, server, job)
    panel = tab(page, "Read again")
    panel.get_by_label("A part of it").check()
    expect(page.get_by_role("button", name="Read a part again: draw a rectangle")).to_have_attribute(
        "aria-pressed", "true"
    )
    panel.get_by_role("button", name="Read again").click()
    expect(panel.locator(".dp-reread-status")).to_contain_text("Draw a rectangle")
    expect(panel.get_by_role("button", name="Read again")).to_be_enabled()  # nothing was begun


def test_an_engine_without_a_model_cannot_be_asked(page: Page, server: Served, job: str) -> None:
    show(page, server, job)
    panel = tab(page, "Read again")
    expect(panel.get_by_label("Engine").locator("option")).to_have_count(2)  # as usual, and the only one there is
    expect(panel.get_by_label("Prompt")).to_be_disabled()
    expect(panel).to_contain_text("no model that could be asked")


def test_another_resolution_says_so(page: Page, server: Served) -> None:
    job = read(server, SAMPLES / "receipt.jpg")
    show(page, server, job)
    panel = tab(page, "Read again")
    panel.get_by_label("Resolution").select_option("100")
    with page.expect_response(re.compile(r"/readings$")) as asked:
        panel.get_by_role("button", name="Read again").click()
    assert asked.value.request.post_data_json == {"dpi": 100}
    status = panel.locator(".dp-reread-status")
    expect(status).to_have_text("", timeout=60_000)
    expect(panel.locator(".dp-differences > *").first).to_be_visible()


def test_a_reading_that_was_taken_for_another_page_is_not_shown(page: Page, server: Served) -> None:
    job = read(server, SAMPLES / "paper.pdf")
    show(page, server, job)
    panel = tab(page, "Read again")
    panel.get_by_role("button", name="Read again").click()
    expect(panel.locator(".dp-same, .dp-difference").first).to_be_visible()
    page.get_by_role("button", name="Next page").click()
    expect(panel.locator(".dp-same, .dp-difference")).to_have_count(0)
    expect(panel.get_by_role("button", name="Read again")).to_be_enabled()


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (1440, True), (390, False)])
def test_accessible(browser: Browser, server: Served, job: str, width: int, dark: bool) -> None:
    scheme: Literal["dark", "light"] = "dark" if dark else "light"
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    try:
        show(page, server, job)
        if width < 760:
            page.get_by_role("button", name="Text", exact=True).click()
        panel = again(page)
        found = Axe().run(page, context=".dp-side")
        assert not found.response["violations"], found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        expect(panel.locator(".dp-difference")).to_have_count(4)
    finally:
        context.close()
