"""The workbench as a whole, in a browser: a document from upload to download, long ones, several people, bad days."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import making
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.api.serving import Served
from tests.qwenvl_html.xss import VECTORS
from tests.ui.opening import SAMPLES, finished, open_job, ready
from tests.ui.workbench import eventually, of_page, read, show, tab

LONG = 500
STORE = "document.querySelector('docparse-viewer').store"


def a_long_pdf(path: Path, pages: int) -> Path:
    texts = [making.text(f"Page {n + 1} of a long one", at=(20, 80), size=12) for n in range(pages)]
    path.write_bytes(making.pdf(*texts, size=(200, 260)))
    return path


@pytest.fixture(scope="module")
def long(server: Served, tmp_path_factory: pytest.TempPathFactory) -> str:
    return read(server, a_long_pdf(tmp_path_factory.mktemp("long") / "long.pdf", LONG))


@pytest.fixture(scope="module")
def report(server: Served) -> str:
    return read(server, SAMPLES / "report.pdf")


@pytest.fixture
def other(browser: Browser) -> Iterator[Page]:
    """Somebody else's window."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    yield context.new_page()
    context.close()


def picture_of(page: Page, number: int) -> None:
    """The page's picture is shown, and it is this page's."""
    shown = page.locator(".dp-picture.dp-front")
    expect(shown).to_have_attribute("src", re.compile(rf"/pages/{number}/image"))
    eventually(lambda: shown.evaluate("image => image.complete && image.naturalWidth > 0"), "no picture came")


def test_from_upload_to_download(page: Page, server: Served) -> None:
    """What somebody does who never saw it: a sample, its table, its Markdown."""
    job = open_job(page, server, SAMPLES / "invoice.pdf")
    expect(page).to_have_url(re.compile(rf"\?job={job}&page=1$"))
    picture_of(page, 1)
    expect(page).to_have_title("invoice.pdf")
    expect(page.locator(".dp-name")).to_have_text("invoice.pdf")
    table = next(block for block in of_page(server, job)["blocks"] if block["type"] == "table")
    page.locator(f".dp-overlay [data-block={table['id']}]").first.dispatch_event("pointermove")
    expect(page.locator(f"#dp-panel-rendered [data-block={table['id']}]").locator("td, th").first).to_be_visible()
    page.get_by_role("button", name="Download").click()
    with page.expect_download() as saving:
        page.get_by_role("link", name=re.compile("^Markdown")).click()
    text = Path(saving.value.path()).read_text(encoding="utf-8")
    assert "| Einzelpreis" in text or "Einzelpreis" in text
    assert saving.value.suggested_filename.startswith("invoice.")


def test_a_link_opens_the_same_page_again(page: Page, other: Page, server: Served, report: str) -> None:
    show(page, server, report, 2)
    expect(page.locator(".dp-number")).to_have_value("2")
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(rf"\?job={report}&page=3$"))
    picture_of(page, 3)
    page.reload()
    picture_of(page, 3)
    other.goto(page.url)
    picture_of(other, 3)
    # Back is out of the document, not through all its pages.
    page.get_by_role("button", name="New document").click()
    expect(page.locator("docparse-viewer")).to_be_hidden()
    page.go_back()
    picture_of(page, 3)


def test_an_address_that_means_nothing(page: Page, server: Served) -> None:
    page.goto(f"{server.url}/?job={'0' * 32}")
    expect(page.locator(".dp-problem")).to_contain_text("not here any more")
    expect(page.locator("#upload")).to_be_visible()
    page.goto(f"{server.url}/?job=%3Cscript%3E")
    expect(page.locator("#upload")).to_be_visible()


def test_pages_and_keys(page: Page, server: Served, report: str) -> None:
    show(page, server, report)
    thumbs = page.locator(".dp-thumb")
    expect(thumbs).to_have_count(3)
    expect(thumbs.nth(0)).to_have_attribute("aria-current", "page")
    thumbs.nth(2).click()
    picture_of(page, 3)
    expect(page.get_by_role("button", name="Next page")).to_be_disabled()
    page.keyboard.press("PageUp")
    picture_of(page, 2)
    page.locator(".dp-number").fill("1")
    page.keyboard.press("Enter")
    picture_of(page, 1)
    page.locator(".dp-number").fill("99")
    page.keyboard.press("Enter")
    expect(page.locator(".dp-number")).to_have_value("1")
    before = page.locator(".dp-overlay").bounding_box()
    page.locator(".dp-view").focus()
    page.keyboard.press("+")
    eventually(lambda: page.locator(".dp-overlay").bounding_box()["width"] > before["width"] + 20, "it is no larger")  # type: ignore[index]
    page.keyboard.press("f")
    eventually(
        lambda: abs(page.locator(".dp-overlay").bounding_box()["width"] - before["width"]) < 2,  # type: ignore[index]
        "it does not fit the width again",
    )
    page.keyboard.press("j")
    first = of_page(server, report)["blocks"][0]["id"]
    assert page.evaluate(f"{STORE}.selected") == first


def test_five_hundred_pages(page: Page, server: Served, long: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    show(page, server, long)
    rows = page.locator(".dp-thumb-row")
    expect(rows.first).to_be_visible()
    assert rows.count() < 40  # those in sight
    page.locator(".dp-thumbs-list").evaluate("list => (list.scrollTop = list.scrollHeight)")
    expect(page.get_by_role("button", name=f"Page {LONG}, ok")).to_be_visible()
    assert rows.count() < 40
    page.get_by_role("button", name=f"Page {LONG}, ok").click()
    picture_of(page, LONG)
    expect(page.locator("#dp-panel-rendered")).to_contain_text(f"Page {LONG} of a long one")
    pages = {match[1] for url in asked if (match := re.search(r"/pages/(\d+)$", url))}
    assert 2 <= len(pages) < 10  # the others were never asked for
    contents = [url for url in asked if "/pages/" in url and "/image" not in url]
    assert sorted(contents) == sorted(set(contents))  # and nothing twice


def test_only_pages_with_problems(page: Page, server: Served) -> None:
    mixed = read(server, SAMPLES / "dossier.tif")
    bad = [r["number"] for r in httpx.get(f"{server.url}/v1/jobs/{mixed}/pages").json()["pages"] if r["status"] != "ok"]
    show(page, server, mixed)
    page.get_by_label("Only pages with problems").check()
    if bad:
        expect(page.locator(".dp-thumb")).to_have_count(len(bad))
    else:
        expect(page.locator(".dp-thumbs-none")).to_be_visible()
    page.get_by_label("Only pages with problems").uncheck()
    expect(page.locator(".dp-thumb")).to_have_count(3)


def test_pages_come_while_others_are_read_and_the_rest_is_cancelled(page: Page, server: Served, tmp_path: Path) -> None:
    path = tmp_path / "scans.pdf"
    with Image.open(SAMPLES / "receipt.jpg") as image:
        path.write_bytes(making.pdf(*[making.scan(image.convert("RGB"))] * 12))
    open_job(page, server, path)
    picture_of(page, 1)
    cancel = page.get_by_role("button", name="Cancel")
    expect(cancel).to_be_visible()  # the others are being read
    cancel.click()
    expect(page.locator(".dp-state")).to_have_text("cancelled")
    expect(cancel).to_be_hidden()
    picture_of(page, 1)


def test_two_at_once_see_their_own(page: Page, other: Page, server: Served) -> None:
    first = open_job(page, server, SAMPLES / "form.pdf")
    second = open_job(other, server, SAMPLES / "chinese.pdf")
    assert first != second
    picture_of(page, 1)
    picture_of(other, 1)
    expect(page.locator(".dp-name")).to_have_text("form.pdf")
    expect(other.locator(".dp-name")).to_have_text("chinese.pdf")


def test_a_service_that_starts_again_under_an_open_page(page: Page, tmp_path: Path) -> None:
    with Served(tmp_path / "data", viewer=True) as served:
        ready(served)
        job = read(served, SAMPLES / "report.pdf")
        show(page, served, job)
        picture_of(page, 1)
        port = served.url.rpartition(":")[2]
        # Parts of the page that are still on their way would fail with the service: no fault of the page.
        page.wait_for_load_state("networkidle")
        served.kill()
        page.keyboard.press("ArrowRight")
        expect(page.locator(".dp-problem")).to_contain_text("does not answer")
    with Served(tmp_path / "data", "--port", port, viewer=True) as served:
        ready(served)
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowRight")
        picture_of(page, 2)
        expect(page.locator("#dp-panel-rendered [data-block]").first).to_be_attached()


def test_attacks_are_text_in_every_part(page: Page, server: Served) -> None:
    """All vectors as text of elements of one page, and in the file's name: nothing runs, nothing is asked for."""
    job = read(server, SAMPLES / "form.pdf")
    body = {
        "revision": 0,
        "corrections": [
            {"op": "add", "at": 0, "block": {"type": kind, "bbox": [10, 10 + n, 200, 30 + n], "text": vector}}
            for n, vector in enumerate(VECTORS)
            for kind in (("paragraph", "heading", "formula", "code", "image")[n % 5],)
        ],
    }
    httpx.put(f"{server.url}/v1/jobs/{job}/pages/1/corrections", json=body).raise_for_status()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: pytest.fail(f"something ran: {dialog.message}"))
    show(page, server, job)
    for name in ("Text", "Markdown", "QwenVL HTML", "JSON"):
        tab(page, name)
        page.wait_for_timeout(150)
    page.keyboard.press("Escape")
    for url in asked:
        assert url.startswith((server.url, "data:", "blob:")), url
    assert page.locator("docparse-viewer script, docparse-viewer iframe, docparse-viewer object").count() == 0


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (1440, True), (390, False)])
def test_nothing_serious_for_people_who_cannot_see_it(
    browser: Browser, server: Served, report: str, width: int, dark: bool
) -> None:
    # What fades in has less contrast while it does.
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    try:
        show(page, server, report)
        picture_of(page, 1)
        views = {
            "the page": lambda: None,
            "what is drawn": lambda: page.get_by_label("What is drawn on the page").first.click(),
        }
        for name, go in views.items():
            go()
            page.wait_for_timeout(200)
            found = [v for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")]
            told = [(v["id"], v["help"], [node["html"][:160] for node in v["nodes"][:3]]) for v in found]
            assert not told, f"{name}: {told}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    finally:
        context.close()


def test_a_job_that_failed_says_why(page: Page, server: Served, tmp_path: Path) -> None:
    (tmp_path / "locked.pdf").write_bytes(making.pdf(making.text("Secret"), password="view"))
    with (tmp_path / "locked.pdf").open("rb") as opened:
        job = httpx.post(f"{server.url}/v1/jobs", files={"file": ("locked.pdf", opened)}).json()["id"]
    assert finished(server, job)["state"] == "failed"
    page.goto(f"{server.url}/?job={job}")
    expect(page.locator(".dp-state")).to_contain_text("password")
