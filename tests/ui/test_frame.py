"""The frame of the viewer, in a browser: what a person meets first."""

from __future__ import annotations

import re

import httpx
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from docparse.ui.samples import FOLDER
from docparse.ui.samples import SAMPLES as SHOWN
from tests.api.serving import Served
from tests.ui.opening import SAMPLES, finished, open_frame, open_job


def test_a_file_that_is_uploaded_becomes_a_job(server: Served, page: Page) -> None:
    job = open_job(page, server, SAMPLES / "form.pdf")
    assert finished(server, job)["state"] == "done"
    expect(page.locator("#opened a").first).to_have_text("form.pdf")
    markdown = httpx.get(f"{server.url}/v1/jobs/{job}/result", params={"to": "md"}).text
    assert "Full name" in markdown or "name" in markdown.lower()


def test_what_is_refused_is_told_beside_what_is_not(server: Served, page: Page) -> None:
    open_job(page, server, SAMPLES / "README.md", SAMPLES / "form.pdf")
    expect(page.locator("#opened a")).to_have_count(1)
    expect(page.locator("#problems li")).to_have_text(re.compile(r"^README\.md: this is neither a PDF nor a picture"))


def test_a_sample_is_one_click_away(server: Served, page: Page) -> None:
    open_frame(page, server)
    for sample in SHOWN:
        expect(page.get_by_role("button", name=sample.title)).to_be_visible()
    page.get_by_role("button", name="Invoice").click()
    link = page.locator("#opened a").first
    expect(link).to_have_text("invoice.pdf")
    job = str(link.get_attribute("href")).rpartition("=")[2]
    assert finished(server, job)["state"] == "done"
    expect(page.locator("docparse-viewer")).to_be_visible()


def test_every_sample_has_its_file_and_its_picture(server: Served) -> None:
    style = httpx.get(f"{server.url}/viewer/static/frame.css").text
    for sample in SHOWN:
        assert (FOLDER / sample.file).read_bytes() == (SAMPLES / sample.file).read_bytes()
        name = f"samples/{sample.id.removeprefix('sample-')}.webp"
        assert name in style
        assert httpx.get(f"{server.url}/viewer/static/{name}").headers["content-type"] == "image/webp"


def test_options_are_followed(server: Served, page: Page) -> None:
    open_frame(page, server)
    page.get_by_role("button", name="Options").click()
    frame_option(page, "Pages").fill("2")
    choose(page, "Fields", "invoice")
    page.get_by_role("button", name="Report").click()
    link = page.locator("#opened a").first
    expect(link).to_have_text("report.pdf")
    job = finished(server, str(link.get_attribute("href")).rpartition("=")[2])
    assert job["kind"] == "extract"
    assert [each["number"] for each in pages_of(server, str(job["id"]))] == [2]


def test_options_that_mean_nothing_are_told_and_nothing_is_opened(server: Served, page: Page) -> None:
    open_frame(page, server)
    page.get_by_role("button", name="Options").click()
    frame_option(page, "Pages").fill("one to three")
    before = httpx.get(f"{server.url}/v1/jobs").json()["jobs"]
    page.set_input_files("#upload input[type=file]", str(SAMPLES / "form.pdf"))
    expect(page.locator("#problems")).to_contain_text("Options: the request cannot be taken")
    frame_option(page, "Pages").fill("")
    choose(page, "Fields", "My own JSON Schema")
    frame_option(page, "JSON Schema of the fields").fill("{")
    page.get_by_role("button", name="Receipt").click()
    expect(page.locator("#problems")).to_contain_text("Options: the schema is no JSON.")
    expect(page.locator("#opened a")).to_have_count(0)
    assert httpx.get(f"{server.url}/v1/jobs").json()["jobs"] == before


def test_a_file_may_be_dropped_or_pasted_anywhere(server: Served, page: Page) -> None:
    for way in ("drop", "paste"):
        open_frame(page, server)
        page.evaluate(
            """async ([way, bytes]) => {
                const data = new DataTransfer();
                data.items.add(new File([new Uint8Array(bytes)], way + '.pdf', { type: 'application/pdf' }));
                const event = way === 'drop'
                    ? new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })
                    : new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true });
                document.querySelector('h1').dispatchEvent(event);
            }""",
            [way, list((SAMPLES / "form.pdf").read_bytes())],
        )
        expect(page.locator("#opened a").first).to_have_text(f"{way}.pdf")


def test_what_was_opened_is_found_again(server: Served, page: Page) -> None:
    job = open_job(page, server, SAMPLES / "form.pdf")
    page.goto(server.url)
    expect(page.locator(f'#recent a[href$="{job}"]')).to_have_text("form.pdf")


def test_names_of_files_are_text(server: Served, page: Page) -> None:
    open_frame(page, server)
    name = "a_[b](https:x)<img src=x onerror=alert(1)>*c*$$d$$.pdf"
    page.set_input_files(
        "#upload input[type=file]",
        [{"name": name, "mimeType": "application/pdf", "buffer": (SAMPLES / "form.pdf").read_bytes()}],
    )
    expect(page.locator("#opened a")).to_have_count(1)
    expect(page.locator("#opened a")).to_have_text(name)


def test_many_files_at_once_are_a_job_each(server: Served, page: Page) -> None:
    names = [f"{number}.pdf" for number in range(12)]
    content = (SAMPLES / "form.pdf").read_bytes()
    open_frame(page, server)
    page.set_input_files(
        "#upload input[type=file]",
        [{"name": name, "mimeType": "application/pdf", "buffer": content} for name in names],
    )
    expect(page.locator("#opened a")).to_have_text(names)


def test_light_and_dark(server: Served, browser: Browser) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    open_frame(page, server)
    expect(page.locator("body.dark")).to_have_count(1)
    page.get_by_role("button", name="Light or dark").click()
    expect(page.locator("body.dark")).to_have_count(0)
    page.reload()
    page.locator("#upload").wait_for()
    expect(page.locator("body.dark")).to_have_count(0)
    page.get_by_role("button", name="Light or dark").click()
    expect(page.locator("body.dark")).to_have_count(1)
    page.emulate_media(color_scheme="light")  # as the system has it again
    expect(page.locator("body.dark")).to_have_count(0)
    context.close()


def test_nothing_serious_for_people_who_cannot_see_it(server: Served, browser: Browser) -> None:
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme, bypass_csp=True)  # type: ignore[arg-type]
        page = context.new_page()
        open_frame(page, server)
        page.get_by_role("button", name="Options").click()
        frame_option(page, "Password").wait_for()
        found = Axe().run(page).response["violations"]
        serious = [
            (each["id"], [n["html"][:200] for n in each["nodes"]]) for each in found if each["impact"] in SERIOUS
        ]
        assert serious == []
        context.close()


def test_a_telephone_shows_it_all_without_scrolling_sideways(server: Served, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_frame(page, server)
    places = [page.locator(f"#{sample.id}").bounding_box() for sample in SHOWN]
    assert len({round(place["x"]) for place in places if place}) == 2
    assert page.evaluate("document.documentElement.scrollWidth") == 390


SERIOUS = ("serious", "critical")


def choose(page: Page, label: str, option: str) -> None:
    frame_option(page, label).click()
    page.get_by_role("option", name=option).click()


def frame_option(page: Page, label: str) -> Locator:
    """The workbench has things of the same names."""
    return page.locator("#options").get_by_label(label)


def pages_of(server: Served, job: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = httpx.get(f"{server.url}/v1/jobs/{job}/pages").json()["pages"]
    return found
