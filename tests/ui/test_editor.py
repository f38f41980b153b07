"""Correcting a page in the browser: what is changed there is what the service has, and nothing is lost on the way."""

from __future__ import annotations

import re
from typing import Literal

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.api.serving import Served
from tests.ui.opening import SAMPLES
from tests.ui.workbench import block, corrections, eventually, of_page, read, show

NAME, STREET, TOWN, TABLE = "p1b3", "p1b4", "p1b5", "p1b16"
"""Elements of samples/invoice.pdf: a heading, two paragraphs, the line items."""


@pytest.fixture
def job(server: Served) -> str:
    return read(server, SAMPLES / "invoice.pdf")


def edit(page: Page, server: Served, job: str, id: str, number: int = 1) -> Locator:
    """The editor with an element selected; its text."""
    show(page, server, job, number)
    page.get_by_role("button", name="Correct: edit elements").click()
    select(page, id)
    return page.locator("#dp-edit-text")


def select(page: Page, id: str) -> None:
    """By its box on the page."""
    box = page.locator(f'.dp-page svg [data-block="{id}"]').first
    at_rest(box)
    box.click(force=True)  # the sheet around it hears the click
    expect(page.locator(".dp-edit-title")).to_have_text(id)


def at_rest(box: Locator) -> None:
    """What is clicked by force is not waited for: the page may still be finding its size, and another box be there."""
    before = None
    for _ in range(100):
        now = box.bounding_box()
        if now is not None and now == before:
            return
        before = now
        box.page.wait_for_timeout(100)
    raise AssertionError("the page does not come to rest")


def saved(page: Page) -> None:
    expect(page.locator(".dp-saved")).to_have_text("Saved")


def order(server: Served, job: str) -> list[str]:
    return [each["id"] for each in of_page(server, job)["blocks"]]


def test_a_text_is_corrected_and_exported(page: Page, server: Served, job: str) -> None:
    text = edit(page, server, job, NAME)
    expect(text).to_have_value("Theodor Est")
    text.fill("Theodora East")
    text.press("Control+Enter")
    saved(page)
    found = block(server, job, NAME)
    assert found is not None
    assert (found["text"], found["origin"], found["confidence"]) == ("Theodora East", "user", 1)
    expect(page.locator(".dp-was")).to_have_text("Was read as Theodor Est")
    expect(page.locator(f'.dp-side [data-block="{NAME}"]')).to_have_text("Theodora East")
    markdown = httpx.get(f"{server.url}/v1/jobs/{job}/result?to=markdown").text
    assert "Theodora East" in markdown
    assert "Theodor Est" not in markdown
    page.reload()
    expect(page.locator(f'.dp-side [data-block="{NAME}"]')).to_have_text("Theodora East")


def test_a_cell_is_corrected_and_the_others_stay(page: Page, server: Served, job: str) -> None:
    edit(page, server, job, TABLE)
    was = {(cell["row"], cell["col"]): cell["text"] for cell in (block(server, job, TABLE) or {})["cells"]}
    cell = page.get_by_label("Row 3, column 5", exact=True)
    expect(cell).to_have_value("316,00 €")
    cell.fill("317,50 €")
    cell.press("Tab")
    saved(page)
    now = {(cell["row"], cell["col"]): cell["text"] for cell in (block(server, job, TABLE) or {})["cells"]}
    assert now == {**was, (2, 4): "317,50 €"}
    expect(page.get_by_label("Row 4, column 1", exact=True)).to_be_focused()  # typing goes on where it was


def test_what_is_typed_is_saved_when_another_element_is_selected(page: Page, server: Served, job: str) -> None:
    edit(page, server, job, STREET).fill("Bahnhofstr. 42")
    select(page, TOWN)
    saved(page)
    assert (block(server, job, STREET) or {})["text"] == "Bahnhofstr. 42"
    assert (block(server, job, TOWN) or {})["text"] == "88802 Spielkreis"


def test_what_is_typed_is_saved_on_its_page_when_the_page_is_turned(page: Page, server: Served) -> None:
    job = read(server, SAMPLES / "paper.pdf")
    first = of_page(server, job)["blocks"][0]
    second = [each["text"] for each in of_page(server, job, 2)["blocks"]]
    edit(page, server, job, first["id"]).fill("Another title")
    page.get_by_role("button", name="Next page").click()
    expect(page.locator(".dp-number")).to_have_value("2")
    eventually(lambda: (block(server, job, first["id"]) or {})["text"] == "Another title", "it was not saved")
    assert [each["text"] for each in of_page(server, job, 2)["blocks"]] == second
    assert not corrections(server, job, 2)


def test_kind_and_level(page: Page, server: Served, job: str) -> None:
    edit(page, server, job, STREET)
    expect(page.locator("#dp-edit-level")).to_be_hidden()
    page.locator("#dp-edit-kind").select_option("Heading")
    expect(page.locator("#dp-edit-level")).to_be_visible()
    page.locator("#dp-edit-level").select_option("3")
    eventually(lambda: (block(server, job, STREET) or {}).get("level") == 3, "the level was not saved")
    assert (block(server, job, STREET) or {})["type"] == "heading"
    expect(page.locator(f'.dp-side h4[data-block="{STREET}"]')).to_have_text("Bahnstr. 42")


def test_order_undo_redo_delete(page: Page, server: Served, job: str) -> None:
    was = order(server, job)
    edit(page, server, job, STREET)
    page.get_by_role("button", name="Move down in reading order").click()
    saved(page)
    place = was.index(STREET)
    moved = [*was[:place], was[place + 1], STREET, *was[place + 2 :]]
    assert order(server, job) == moved
    page.get_by_role("button", name="Delete this element").click()
    eventually(lambda: STREET not in order(server, job), "it was not deleted")
    page.get_by_role("button", name="Undo").click()
    eventually(lambda: order(server, job) == moved, "the deletion was not undone")
    page.get_by_role("button", name="Redo").click()
    eventually(lambda: STREET not in order(server, job), "the deletion was not done again")
    page.locator(".dp-edit-title").click()  # the focus is in no field
    page.keyboard.press("Control+z")
    eventually(lambda: order(server, job) == moved, "Ctrl+Z did nothing")
    page.keyboard.press("Control+z")
    eventually(lambda: order(server, job) == was, "the second Ctrl+Z did nothing")
    assert corrections(server, job) == []
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def test_a_box_is_dragged(page: Page, server: Served, job: str) -> None:
    edit(page, server, job, TABLE)
    was = (block(server, job, TABLE) or {})["bbox"]
    handle = page.locator('.dp-page .dp-edit [data-handle="se"]')
    handle.click()  # until it stands still; a click alone moves nothing
    grip = handle.bounding_box()
    drawn = page.locator(f'.dp-page svg [data-block="{TABLE}"]').first.bounding_box()
    assert grip is not None
    assert drawn is not None
    scale = drawn["width"] / (was[2] - was[0])
    x, y = grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 20, y - 10, steps=4)
    page.mouse.up()
    saved(page)
    now = (block(server, job, TABLE) or {})["bbox"]
    assert now[:2] == was[:2]
    assert now[2] == pytest.approx(was[2] - 20 / scale, abs=2 / scale)
    assert now[3] == pytest.approx(was[3] - 10 / scale, abs=2 / scale)


def test_an_element_is_added_by_drawing_it(page: Page, server: Served, job: str) -> None:
    edit(page, server, job, TOWN)
    place = page.locator(f'.dp-page svg [data-block="{TOWN}"]').first.bounding_box()
    assert place is not None
    page.get_by_role("button", name="Add an element").click()
    x, y = place["x"], place["y"] + place["height"] + 20
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 120, y + 24, steps=4)
    page.mouse.up()
    text = page.locator("#dp-edit-text")
    expect(text).to_be_focused()
    expect(text).to_have_value("")
    page.keyboard.type("c/o Somebody")
    page.keyboard.press("Control+Enter")
    eventually(lambda: "c/o Somebody" in str(of_page(server, job)), "the text was not saved")
    ids = order(server, job)
    new = ids[ids.index(TOWN) + 1]
    found = block(server, job, new)
    assert found is not None
    assert (found["text"], found["origin"]) == ("c/o Somebody", "user")
    assert found["bbox"][1] > (block(server, job, TOWN) or {})["bbox"][3]
    expect(page.get_by_role("tab", name="Read again")).to_have_attribute("aria-selected", "false")
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Undo").click()
    eventually(lambda: new not in order(server, job), "the element is still there")


def test_a_page_is_confirmed_and_not_any_more(page: Page, server: Served, job: str) -> None:
    edit(page, server, job, NAME)
    page.get_by_role("button", name="This page is right").click()
    confirmed = page.get_by_role("button", name="checked by a person")
    expect(confirmed).to_have_attribute("aria-pressed", "true")
    assert [each["op"] for each in corrections(server, job)] == ["confirm"]
    examples = httpx.get(f"{server.url}/v1/jobs/{job}/result?to=sft")
    assert examples.status_code == 200
    confirmed.click()
    eventually(lambda: corrections(server, job) == [], "it is still confirmed")


def test_one_correction_of_several_is_taken_back(page: Page, server: Served, job: str) -> None:
    text = edit(page, server, job, NAME)
    text.fill("Theodora East")
    select(page, STREET)
    text.fill("Bahnhofstr. 42")
    text.press("Control+Enter")
    page.get_by_text("Corrections of this page (2)").click()
    page.get_by_role("button", name=re.compile(f"Take back: {NAME}")).click()
    eventually(lambda: (block(server, job, NAME) or {})["text"] == "Theodor Est", "it was not taken back")
    assert (block(server, job, STREET) or {})["text"] == "Bahnhofstr. 42"


# ------------------------------------------------------------------------------------ more than one person


def somebody_else(server: Served, job: str, id: str, text: str) -> None:
    address = f"{server.url}/v1/jobs/{job}/pages/1/corrections"
    known = httpx.get(address).json()
    operations = [*known["corrections"], {"op": "edit", "block": id, "text": text}]
    answer = httpx.put(address, json={"revision": known["revision"], "corrections": operations})
    assert answer.status_code == 200, answer.text


def test_two_who_correct_different_elements_both_win(page: Page, server: Served, job: str) -> None:
    text = edit(page, server, job, NAME)
    text.fill("Theodora East")
    text.press("Control+Enter")
    saved(page)
    somebody_else(server, job, TOWN, "88802 Spielstadt")
    select(page, STREET)
    text.fill("Bahnhofstr. 42")
    text.press("Control+Enter")
    expect(page.locator(".dp-problem")).to_contain_text("both kept")
    texts = [(block(server, job, id) or {})["text"] for id in (NAME, STREET, TOWN)]
    assert texts == ["Theodora East", "Bahnhofstr. 42", "88802 Spielstadt"]
    expect(page.locator(f'.dp-side [data-block="{TOWN}"]')).to_have_text("88802 Spielstadt")


@pytest.mark.parametrize(("choice", "wins"), [("Save mine instead", "Mine"), ("Keep theirs", "Theirs")])
def test_two_who_correct_one_element_are_asked(page: Page, server: Served, job: str, choice: str, wins: str) -> None:
    text = edit(page, server, job, NAME)
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()  # what the service has is known by now
    page.wait_for_load_state("networkidle")
    somebody_else(server, job, NAME, "Theirs")
    text.fill("Mine")
    text.press("Control+Enter")
    clash = page.get_by_role("alert")
    expect(clash).to_contain_text("Somebody else corrected this element")
    assert (block(server, job, NAME) or {})["text"] == "Theirs"  # nothing was overwritten unasked
    clash.get_by_role("button", name=choice).click()
    expect(clash).to_be_hidden()
    expect(page.locator(f'.dp-side [data-block="{NAME}"]')).to_have_text(wins)
    assert (block(server, job, NAME) or {})["text"] == wins


def test_what_could_not_be_saved_is_tried_again(page: Page, server: Served, job: str) -> None:
    text = edit(page, server, job, NAME)
    address = re.compile("/corrections$")

    def lost(route: Route) -> None:
        if route.request.method == "PUT":
            route.abort()
        else:
            route.continue_()

    page.route(address, lost)
    text.fill("Theodora East")
    text.press("Control+Enter")
    told = page.get_by_role("alert")
    expect(told).to_contain_text("could not be saved")
    expect(page.locator(".dp-saved")).to_have_text("Not saved")
    assert (block(server, job, NAME) or {})["text"] == "Theodor Est"
    page.unroute(address)
    told.get_by_role("button", name="Try again").click()
    saved(page)
    assert (block(server, job, NAME) or {})["text"] == "Theodora East"


# ------------------------------------------------------------------------------------ for everybody


def test_with_the_keyboard_alone(page: Page, server: Served, job: str) -> None:
    show(page, server, job)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("e")
    expect(page.locator(".dp-edit-title")).to_have_text(NAME)
    page.get_by_role("button", name="Add an element").focus()
    text = page.locator("#dp-edit-text")
    for _ in range(12):
        if text.evaluate("area => area === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(text).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("Theodora East")
    page.keyboard.press("Escape")  # leaves the field, and stays in the editor
    expect(text).not_to_be_focused()
    saved(page)
    expect(page.locator(".dp-editor-bar")).to_be_visible()
    assert (block(server, job, NAME) or {})["text"] == "Theodora East"


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (1440, True), (390, False)])
def test_accessible(browser: Browser, server: Served, job: str, width: int, dark: bool) -> None:
    scheme: Literal["dark", "light"] = "dark" if dark else "light"
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    try:
        edit(page, server, job, TABLE)
        found = Axe().run(page, context=".dp-editor-bar")
        assert not found.response["violations"], found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    finally:
        context.close()
