"""The download menu, in a browser: what it offers, and that what is saved is what the service makes."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import httpx
import pymupdf
import pytest
from playwright.sync_api import Locator, Page, expect

from docparse.exporters import FORMATS
from tests.api.serving import Served
from tests.ui.opening import SAMPLES, finished

STORE = "document.querySelector('docparse-viewer').store"


@pytest.fixture(scope="module")
def paper(server: Served) -> str:
    with (SAMPLES / "paper.pdf").open("rb") as file:
        job = httpx.post(f"{server.url}/v1/jobs", files={"file": ("my paper (1).pdf", file)}).json()["id"]
    assert finished(server, job)["state"] == "done"
    return str(job)


def show(page: Page, server: Served, job: str) -> Locator:
    """The open menu."""
    page.goto(f"{server.url}/?job={job}")
    page.locator("#dp-panel-rendered article [data-block]").first.wait_for()
    page.get_by_role("button", name="Download", exact=True).click()
    menu = page.get_by_role("group", name="Download", exact=True)
    expect(menu).to_be_visible()
    return menu


def entry(menu: Locator, to: str) -> Locator:
    return menu.locator(f"a[data-to='{to}']")


def saved(page: Page, link: Locator) -> tuple[str, bytes]:
    with page.expect_download() as waiting:
        link.click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def test_every_format_is_offered(server: Served, page: Page, paper: str) -> None:
    menu = show(page, server, paper)
    offered = menu.locator("a").evaluate_all("(links) => links.map((link) => link.dataset.to)")
    # What needs a package that a service may lack is for those who ask by name.
    assert sorted(offered) == sorted([*(name for name, known in FORMATS.items() if known.needs is None), "zip"])
    for link in menu.locator("a").all():
        # A link that works by itself: to be opened elsewhere, or copied.
        assert link.get_attribute("download") is not None
        assert str(link.get_attribute("href")).startswith(f"/v1/jobs/{paper}/result?to=")


def test_the_document_is_saved_under_its_name(server: Served, page: Page, paper: str) -> None:
    menu = show(page, server, paper)
    name, data = saved(page, entry(menu, "html"))
    assert name == "my-paper-1.html"
    assert data == httpx.get(f"{server.url}/v1/jobs/{paper}/result", params={"to": "html"}).content
    expect(page.get_by_role("status").filter(has_text=name)).to_be_visible()
    expect(menu).to_be_hidden()
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_focused()


def test_a_page_and_an_element(server: Served, page: Page, paper: str) -> None:
    menu = show(page, server, paper)
    assert menu.get_by_label(re.compile("Selected element")).is_disabled()
    menu.get_by_label("This page (1)").check()
    _, data = saved(page, entry(menu, "json"))
    assert [one["page"] for one in json.loads(data)["pages"]] == [1]
    table = next(block["id"] for block in json.loads(data)["pages"][0]["blocks"] if block["type"] == "table")

    page.evaluate(f"{STORE}.set({{selected: '{table}', from: 'page'}})")
    page.get_by_role("button", name="Download", exact=True).click()
    menu.get_by_label("Selected element (table)").check()
    assert entry(menu, "sft").count() == 0
    _, data = saved(page, entry(menu, "text"))
    assert data.decode().startswith("Bridge\tPier\tPairs")
    assert "Median" not in data.decode()
    # What is chosen next is said in the menu while it is open.
    page.get_by_role("button", name="Download", exact=True).click()
    page.evaluate(f"{STORE}.set({{selected: 'p1b3', from: 'page'}})")
    expect(menu.get_by_label("Selected element (heading)")).to_be_checked()
    assert "p1b3" in str(entry(menu, "text").get_attribute("href"))
    page.evaluate(f"{STORE}.set({{selected: null}})")
    expect(menu.get_by_label("Whole document")).to_be_checked()


def test_everything_in_one_file(server: Served, page: Page, paper: str) -> None:
    menu = show(page, server, paper)
    menu.get_by_label("This page (1)").check()
    name, data = saved(page, entry(menu, "zip"))
    assert name.endswith(".zip")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        endings = {Path(each).suffix for each in archive.namelist()}
    assert {".md", ".html", ".json", ".txt", ".pdf", ".png"} <= endings


def test_what_the_service_cannot_make_is_told(server: Served, page: Page, paper: str) -> None:
    menu = show(page, server, paper)
    page.route("**/result?to=text", lambda route: route.fulfill(status=503, json={"error": {"message": "It is full."}}))
    entry(menu, "text").click()
    expect(page.get_by_role("status").filter(has_text="It is full.")).to_be_visible()
    expect(menu).to_be_visible()
    expect(entry(menu, "text")).to_contain_text("in reading order")
    page.unroute("**/result?to=text")
    name, _ = saved(page, entry(menu, "text"))
    assert name == "my-paper-1.txt"


def test_by_keyboard(server: Served, page: Page, paper: str) -> None:
    menu = show(page, server, paper)
    expect(menu.get_by_label("Whole document")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(menu.get_by_label("This page (1)")).to_be_checked()
    page.keyboard.press("Tab")
    expect(entry(menu, "markdown")).to_be_focused()
    assert "pages=1" in str(entry(menu, "markdown").get_attribute("href"))
    with page.expect_download():
        page.keyboard.press("Enter")
    page.get_by_role("button", name="Download", exact=True).press("Enter")
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_focused()


def test_pages_that_are_read_can_be_had_of_a_job_that_was_cancelled(server: Served, page: Page, tmp_path: Path) -> None:
    book = pymupdf.open()
    for number in range(1, 61):
        text = "\n".join(f"Line {line} of page {number} of a long book." for line in range(40))
        book.new_page().insert_text((72, 72), text)
    path = tmp_path / "book.pdf"
    book.save(path)
    with path.open("rb") as file:
        job = httpx.post(f"{server.url}/v1/jobs", files={"file": ("book.pdf", file)}).json()["id"]
    read = 0
    while read < 2:
        read = httpx.get(f"{server.url}/v1/jobs/{job}").json()["pages"]["read"]
    httpx.post(f"{server.url}/v1/jobs/{job}/cancel")
    assert finished(server, job)["state"] == "cancelled"
    pages = httpx.get(f"{server.url}/v1/jobs/{job}/pages").json()["pages"]
    numbers = [one["number"] for one in pages if one["state"] == "read"]
    assert 2 <= len(numbers) < 60

    page.goto(f"{server.url}/?job={job}&page={numbers[0]}")
    page.locator("#dp-panel-rendered article [data-block]").first.wait_for()
    page.get_by_role("button", name="Download", exact=True).click()
    menu = page.get_by_role("group", name="Download", exact=True)
    expect(menu.get_by_label(f"The {len(numbers)} pages that are read")).to_be_checked()
    _, data = saved(page, entry(menu, "json"))
    assert [one["page"] for one in json.loads(data)["pages"]] == numbers
