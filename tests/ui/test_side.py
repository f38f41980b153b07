"""The side panel, in a browser, on documents that a real service read: text, sources, JSON, and the way to the page."""

from __future__ import annotations

import re
import time
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, Request, expect

from tests.api.serving import Served
from tests.ui.opening import SAMPLES, finished

STORE = "document.querySelector('docparse-viewer').store"
THEIRS = "[...(CSS.highlights.get('dp-by-person') || [])].map((range) => range.toString())"
MARKED = "[...(CSS.highlights.get('dp-unsupported') || [])].map((range) => range.toString())"


def sent(server: Served, name: str) -> str:
    with (SAMPLES / name).open("rb") as file:
        job = httpx.post(f"{server.url}/v1/jobs", files={"file": (name, file)}).raise_for_status().json()["id"]
    assert finished(server, job)["state"] == "done"
    return str(job)


@pytest.fixture(scope="module")
def report(server: Served) -> str:
    return sent(server, "report.pdf")


@pytest.fixture(scope="module")
def paper(server: Served) -> str:
    return sent(server, "paper.pdf")


def show(page: Page, server: Served, job: str, number: int = 1) -> None:
    page.goto(f"{server.url}/?job={job}&page={number}")
    page.locator("#dp-panel-rendered article [data-block]").first.wait_for()


def tab(page: Page, name: str) -> None:
    page.locator(f"#dp-tab-{name}").click()
    expect(page.locator(f"#dp-tab-{name}")).to_have_attribute("aria-selected", "true")


def blocks(server: Served, job: str, number: int = 1) -> dict[str, dict[str, Any]]:
    found = httpx.get(f"{server.url}/v1/jobs/{job}/pages/{number}").raise_for_status().json()
    return {block["id"]: block for block in found["blocks"]}


def of_kind(found: dict[str, dict[str, Any]], kind: str) -> str:
    return next(id for id, block in found.items() if block["type"] == kind)


def texts_asked(page: Page) -> list[str]:
    asked: list[str] = []

    def heard(request: Request) -> None:
        if "/text?" in request.url or request.url.endswith("/rendered"):
            asked.append(request.url.split("/pages/")[1])

    page.on("request", heard)
    return asked


# ------------------------------------------------------------------------------------ tabs


def test_tabs_by_keyboard_and_each_text_once(server: Served, page: Page, report: str) -> None:
    asked = texts_asked(page)
    show(page, server, report)
    assert asked == ["1/rendered"]
    first = page.locator("#dp-tab-rendered")
    first.focus()
    for key, name in [
        ("ArrowRight", "markdown"),
        ("ArrowRight", "html"),
        ("ArrowLeft", "markdown"),
        ("Home", "rendered"),
    ]:
        page.keyboard.press(key)
        expect(page.locator(f"#dp-tab-{name}")).to_be_focused()
        expect(page.locator(f"#dp-panel-{name}")).to_be_visible()
        expect(page.locator(".dp-panel:visible")).to_have_count(1)
        assert page.locator("[role=tab][tabindex='0']").count() == 1
        if name != "rendered":
            page.locator(f"#dp-panel-{name} .dp-line").first.wait_for()
    assert sorted(asked) == ["1/rendered", "1/text?to=html", "1/text?to=markdown"]
    # The address of the page does not change with the tab, and arrows of the tabs turn no page.
    assert page.url.endswith("page=1")
    page.evaluate(f"{STORE}.set({{number: 2}})")
    expect(page.locator("#dp-panel-rendered article")).to_have_attribute("data-page", "2")
    page.evaluate(f"{STORE}.set({{number: 1}})")
    expect(page.locator("#dp-panel-rendered article")).to_have_attribute("data-page", "1")
    assert asked.count("1/rendered") == 1


def test_a_text_that_did_not_come_is_asked_for_again(server: Served, page: Page, report: str) -> None:
    page.route("**/rendered", lambda route: route.abort(), times=1)
    page.goto(f"{server.url}/?job={report}")
    said = page.locator("#dp-panel-rendered .dp-side-state")
    expect(said).to_contain_text("The service does not answer")
    said.get_by_role("button", name="Try again").click()
    page.locator("#dp-panel-rendered article").wait_for()
    expect(said).to_be_hidden()


# ------------------------------------------------------------------------------------ text


def test_text_and_page_point_at_each_other(server: Served, page: Page, report: str) -> None:
    found = blocks(server, report)
    table = of_kind(found, "table")
    show(page, server, report)
    shown = page.locator(f"#dp-panel-rendered [data-block={table}]").first
    shown.hover()
    assert page.evaluate(f"{STORE}.hovered") == table
    expect(shown).to_have_class(re.compile("dp-hovered"))
    page.locator("#dp-panel-rendered [data-block=p1b2]").hover()
    expect(shown).not_to_have_class(re.compile("dp-hovered"))
    page.locator("#dp-panel-rendered [data-block=p1b2]").click()
    assert page.evaluate(f"{STORE}.selected") == "p1b2"
    expect(page.locator("#dp-panel-rendered .dp-selected")).to_have_count(1)
    expect(page.get_by_role("group", name="Selected element")).to_contain_text("Heading")
    # What is chosen on the page comes into sight here.
    last = next(id for id in reversed(found) if found[id]["text"])
    expect(page.locator(f"#dp-panel-rendered [data-block={last}]")).not_to_be_in_viewport()
    page.evaluate(f"{STORE}.set({{selected: '{last}', from: 'page'}})")
    expect(page.locator(f"#dp-panel-rendered [data-block={last}]")).to_be_in_viewport()
    # Hovering there does so too, after a moment; not while the pointer is here.
    page.mouse.move(700, 20)
    page.evaluate(f"{STORE}.set({{hovered: 'p1b1'}})")
    expect(page.locator("#dp-panel-rendered [data-block=p1b1]")).to_be_in_viewport()


def test_text_does_not_move_under_the_pointer(server: Served, page: Page, report: str) -> None:
    # A block is told of the pointer before the panel around it is, as if it were pointed at on the page.
    table = of_kind(blocks(server, report), "table")
    page.set_viewport_size({"width": 1280, "height": 420})
    show(page, server, report)
    top = "document.querySelector('#dp-panel-rendered .dp-scroll').scrollTop"
    shown = page.locator(f"#dp-panel-rendered [data-block={table}]").first
    shown.scroll_into_view_if_needed()
    frame = page.locator("#dp-panel-rendered .dp-scroll").bounding_box()
    box = shown.bounding_box()
    assert frame is not None
    assert box is not None
    # All but its first lines is below the edge: where it was pointed at on the page, it would be brought into sight.
    page.evaluate(f"{top} += {box['y'] - frame['y'] - frame['height'] + 40}")
    before = page.evaluate(top)
    page.mouse.move(frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] - 10)
    expect(shown).to_have_class(re.compile("dp-hovered"))
    page.wait_for_timeout(400)
    assert page.evaluate(top) == before


def test_a_cell_shows_its_place(server: Served, page: Page, paper: str) -> None:
    found = blocks(server, paper)
    table = of_kind(found, "table")
    cell = next(cell for cell in found[table]["cells"] if cell["row"] == 2 and cell["col"] == 2)
    show(page, server, paper)
    page.locator(f"#dp-panel-rendered [data-block={table}] [data-cell='2,2']").click()
    place = page.evaluate(f"{STORE}.place")
    assert place == {"page": 1, "bbox": cell["bbox"], "label": cell["text"]}
    assert page.evaluate(f"{STORE}.selected") == table


def test_words_that_are_not_on_the_page_are_marked_and_named(server: Served, page: Page) -> None:
    job = sent(server, "invoice.pdf")
    found = blocks(server, job)
    table = of_kind(found, "table")
    cells = [{"row": 2, "col": 1, "text": "Zeppelin \U0001f388 rental"}]
    body = {"revision": 0, "corrections": [{"op": "edit", "block": table, "cells": cells}]}
    httpx.put(f"{server.url}/v1/jobs/{job}/pages/1/corrections", json=body).raise_for_status()
    show(page, server, job)
    chip = page.get_by_role("button", name="Show “Zeppelin” in the table")
    expect(chip).to_be_visible()
    # The page does not have them; and that a person wrote them is no doubt of the reading.
    note = page.locator("#dp-panel-rendered .dp-side-note")
    expect(note).to_contain_text("2 stretches that are not on it are by a person:")
    expect(note).not_to_contain_text("not on the page")
    assert page.evaluate(THEIRS) == ["Zeppelin", "rental"]
    assert page.evaluate(MARKED) == []
    chip.click()
    assert page.evaluate(f"{STORE}.selected") == table
    expect(page.get_by_role("group", name="Selected element")).to_contain_text("corrected by a person")
    page.evaluate(f"{STORE}.set({{layers: {{...{STORE}.layers, unsupported: false}}}})")
    expect(chip).to_be_hidden()
    assert page.evaluate(THEIRS) == []


def test_words_of_the_reading_are_in_doubt_beside_those_of_a_person(server: Served, page: Page, paper: str) -> None:
    found = blocks(server, paper)
    id = of_kind(found, "paragraph")
    words = found[id]["text"].split()
    start, end = len(words[0]) + 1, len(words[0]) + 1 + len(words[1])
    show(page, server, paper)
    evidence = {"words": None, "unsupported": {id: [[0, start - 1], [start, end]]}, "by_person": {id: [[start, end]]}}
    page.evaluate(f"(evidence) => {STORE}.set({{evidence}})", evidence)
    note = page.locator("#dp-panel-rendered .dp-side-note")
    expect(note).to_contain_text("1 stretch is not on the page:")
    expect(note).to_contain_text("1 stretch that is not on it is by a person:")
    assert page.evaluate(MARKED) == [words[0]]
    assert page.evaluate(THEIRS) == [words[1]]
    expect(note.get_by_role("button")).to_have_text([words[0], words[1]])


def test_confidence_is_shown_on_demand(server: Served, page: Page) -> None:
    job = sent(server, "receipt.jpg")
    found = blocks(server, job)
    id = next(id for id, block in found.items() if block["confidence"] is not None and block["type"] == "paragraph")
    show(page, server, job)
    element = page.locator(f"#dp-panel-rendered [data-block='{id}']")
    clear = "rgba(0, 0, 0, 0)"
    expect(element).to_have_css("background-color", clear)
    page.evaluate(f"{STORE}.set({{layers: {{...{STORE}.layers, heat: true}}}})")
    expect(element).not_to_have_css("background-color", clear)
    page.evaluate(f"{STORE}.set({{layers: {{...{STORE}.layers, heat: false}}}})")
    expect(element).to_have_css("background-color", clear)


def test_a_hostile_text_is_only_text(server: Served, page: Page) -> None:
    hostile = "<img src=x onerror=\"document.title='ran'\"><script>document.title='ran'</script>"
    job = sent(server, "form.pdf")
    id = next(id for id, block in blocks(server, job).items() if block["type"] in ("paragraph", "heading"))
    body = {"revision": 0, "corrections": [{"op": "edit", "block": id, "text": hostile}]}
    httpx.put(f"{server.url}/v1/jobs/{job}/pages/1/corrections", json=body).raise_for_status()
    show(page, server, job)
    expect(page.locator(f"#dp-panel-rendered [data-block={id}]")).to_have_text(hostile)
    for name in ("markdown", "html"):
        tab(page, name)
        line = page.locator(f"#dp-panel-{name} .dp-line[data-block={id}]")
        expect(line).to_contain_text("onerror")
        assert line.locator("img, script").count() == 0
    tab(page, "json")
    page.evaluate(f"{STORE}.set({{selected: '{id}', from: 'page'}})")
    expect(page.locator("#dp-panel-json .dp-selected > .dp-node-line")).to_contain_text("<img src=x")
    assert page.locator("#dp-panel-json img").count() == 0
    assert page.title() != "ran"


# ------------------------------------------------------------------------------------ sources


@pytest.mark.parametrize("to", ["markdown", "html"])
def test_lines_of_a_source_belong_to_blocks(server: Served, page: Page, report: str, to: str) -> None:
    answer = httpx.get(f"{server.url}/v1/jobs/{report}/pages/1/text", params={"to": to}).json()
    lines = answer["text"].rstrip("\n").split("\n")
    show(page, server, report)
    tab(page, to)
    shown = page.locator(f"#dp-panel-{to} .dp-line")
    expect(shown).to_have_count(len(lines))
    assert [text.replace("\n", "") for text in shown.all_text_contents()] == lines
    # Every line that the service says is of a block is, and no other.
    owners = shown.evaluate_all("(lines) => lines.map((line) => line.dataset.block || '')")
    at = 0
    expected = []
    for line in lines:
        inside = [id for id, start, end in answer["spans"] if start < at + len(line) and end > at and line]
        expected.append(inside[-1] if inside else "")
        at += len(line) + 1
    filled = [(mine, theirs) for mine, theirs, line in zip(owners, expected, lines, strict=True) if line]
    assert [mine for mine, _ in filled] == [theirs for _, theirs in filled]

    table = of_kind(blocks(server, report), "table")
    page.evaluate(f"{STORE}.set({{selected: '{table}', from: 'page'}})")
    selected = page.locator(f"#dp-panel-{to} .dp-line.dp-selected")
    assert set(selected.evaluate_all("(lines) => lines.map((line) => line.dataset.block)")) == {table}
    expect(selected.first).to_be_in_viewport()
    line = page.locator(f"#dp-panel-{to} .dp-line[data-block=p1b1]")
    line.click()
    assert page.evaluate(f"{STORE}.selected") == "p1b1"
    if to == "html":
        # A table stands on one line of it: its rows are shown below each other, under one number.
        rows = page.locator(f"#dp-panel-html .dp-line[data-block={table}] .dp-row")
        assert rows.count() > len({cell["row"] for cell in blocks(server, report)[table]["cells"]})
        expect(page.locator("#dp-panel-html .dp-t-place").first).to_have_text(re.compile(r'^"\d+ \d+ \d+ \d+"$'))


def test_colours_change_no_letter(server: Served, page: Page, report: str, paper: str) -> None:
    """Joined, the pieces of a line are the line: on real pages, and on lines that are no markup."""
    odd = ["<", "<<a>>", "a < b > c", "&amp &; &#x;", '<p data-bbox="1 2', "<p a='\">'>", "<!-- a", "``` `", "**", "$"]
    odd += [
        "| a | `|` |",
        "[a](b",
        "![](",
        "\\",
        "1) $x$ <br/>",
        "\ufeff\U0001f388 <b>\u202e</b>",
        "---|---",
        "  - [ ] x",
    ]
    for job in (report, paper):
        for to in ("markdown", "html"):
            answer = httpx.get(f"{server.url}/v1/jobs/{job}/pages/1/text", params={"to": to}).json()
            odd += answer["text"].split("\n")
    show(page, server, report)
    wrong = page.evaluate(
        """async (lines) => {
          const { htmlPieces, markdownPieces } = await import("/viewer/static/highlight.js");
          const joined = (pieces) => pieces.map(([, text]) => text).join("");
          return lines.filter((line) => [htmlPieces(line), markdownPieces(line, false), markdownPieces(line, true)]
            .some((pieces) => joined(pieces) !== line));
        }""",
        odd,
    )
    assert wrong == []


def test_places_are_counted_in_letters_whatever_they_are(server: Served, page: Page, report: str) -> None:
    text = "# \U0001f388\U0001f388\n\n\U0001f388 one\ntwo\n\nthree"
    spans = [["a", 0, 5], ["b", 6, 15], ["c", 17, 22]]
    show(page, server, report)
    found = page.evaluate(
        "async ([text, spans]) => (await import('/viewer/static/places.js')).linesOf(text, spans)", [text, spans]
    )
    assert [(one["id"], one["from"], one["to"]) for one in found] == [("a", 0, 0), ("b", 2, 3), ("c", 5, 5)]


CLIPBOARD = """async (type) => {
  const [item] = await navigator.clipboard.read();
  return item && item.types.includes(type) ? (await item.getType(type)).text() : "";
}"""


def copied(page: Page, button: Locator, type: str = "text/plain") -> str:
    """What a press on ``button`` puts into the clipboard. The clipboard itself is waited for: what the page says of the
    copy before this one may still stand there."""
    page.evaluate("navigator.clipboard.writeText('')")
    button.click()
    until = time.monotonic() + 20
    while not (text := str(page.evaluate(CLIPBOARD, type))):
        assert time.monotonic() < until, "nothing was copied"
        page.wait_for_timeout(50)
    return text


def test_copies_are_what_the_service_says(server: Served, page: Page, paper: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    show(page, server, paper)
    copy = page.locator(".dp-side-copy")
    for name in ("markdown", "html"):
        tab(page, name)
        page.locator(f"#dp-panel-{name} .dp-line").first.wait_for()
        answer = httpx.get(f"{server.url}/v1/jobs/{paper}/pages/1/text", params={"to": name}).json()
        assert copied(page, copy) == answer["text"]
        expect(page.locator(".dp-told")).to_have_text("Copied")
    tab(page, "json")
    assert '"blocks"' in copied(page, copy)
    tab(page, "rendered")
    markup = copied(page, copy, "text/html")
    assert "<table" in markup
    assert "data-block" not in markup
    found = blocks(server, paper)
    table = of_kind(found, "table")
    page.evaluate(f"{STORE}.set({{selected: '{table}', from: 'page'}})")
    assert copied(page, page.get_by_role("button", name="Copy element")) == found[table]["text"]
    expect(page.get_by_role("group", name="Selected element")).to_contain_text("Copied")


# ------------------------------------------------------------------------------------ JSON


def test_the_tree_folds_and_follows(server: Served, page: Page, report: str) -> None:
    found = blocks(server, report)
    table = of_kind(found, "table")
    assert len(found[table]["cells"]) > 100
    show(page, server, report)
    page.evaluate(f"{STORE}.set({{selected: '{table}', from: 'page'}})")
    tab(page, "json")
    node = page.locator("#dp-panel-json .dp-node.dp-selected")
    expect(node).to_be_in_viewport()
    expect(node).to_have_attribute("aria-expanded", "true")
    # Only what is open was made: the cells are not, and open in parts.
    assert page.locator("#dp-panel-json .dp-node").count() < 100
    node.locator(".dp-node-line", has_text="cells").first.click()
    expect(node.locator(".dp-node-line", has_text="0 to 99")).to_be_visible()
    assert page.locator("#dp-panel-json .dp-node").count() < 110
    node.locator(".dp-node-line", has_text="0 to 99").click()
    expect(node.locator(".dp-node-line", has_text=re.compile("^99: "))).to_have_count(1)


def test_the_tree_by_keyboard(server: Served, page: Page, report: str) -> None:
    show(page, server, report)
    tab(page, "json")
    first = page.locator("#dp-panel-json [role=tree] > .dp-node")
    first.focus()
    page.keyboard.press("ArrowLeft")
    expect(first).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ArrowRight")
    expect(first).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowRight")
    focused = page.locator("#dp-panel-json .dp-node:focus")
    expect(focused).to_contain_text("page: 1")
    page.keyboard.press("ArrowDown")
    expect(focused).to_contain_text("width: ")
    page.keyboard.press("End")
    focused.evaluate("(item) => item.scrollIntoView()")
    assert page.evaluate(f"{STORE}.number") == 1
    page.keyboard.press("Enter")
    assert page.evaluate(f"{STORE}.selected") == list(blocks(server, report))[-1]
    page.keyboard.press("Home")
    expect(first).to_be_focused()
    assert page.locator("#dp-panel-json [role=treeitem][tabindex='0']").count() == 1


# ------------------------------------------------------------------------------------ for everybody


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_serious_for_axe(server: Served, page: Page, paper: str, dark: bool) -> None:
    show(page, server, paper)
    page.evaluate("(dark) => document.documentElement.classList.toggle('dark', dark)", dark)
    expect(page.locator(".dp-side")).to_have_css(
        "background-color", "rgb(29, 35, 43)" if dark else "rgb(255, 255, 255)"
    )
    page.evaluate(f"{STORE}.set({{selected: 'p1b3', from: 'page'}})")
    for name in ("rendered", "markdown", "html", "json"):
        tab(page, name)
        page.locator(f"#dp-panel-{name} :is(.dp-rendered, .dp-line, .dp-node)").first.wait_for()
        found = Axe().run(page, context=".dp-side")
        serious = [
            (rule["id"], [node["html"][:200] for node in rule["nodes"]][:3])
            for rule in found.response["violations"]
            if rule["impact"] in ("serious", "critical")
        ]
        assert not serious, (name, serious)


def test_a_narrow_window_has_it_all(server: Served, page: Page, report: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server.url}/?job={report}")
    last = list(blocks(server, report))[-1]
    page.locator("docparse-viewer .dp-page").wait_for()
    expect(page.locator(".dp-side")).to_be_hidden()
    page.evaluate(f"{STORE}.set({{selected: '{last}', from: 'page'}})")
    page.get_by_role("button", name="Text", exact=True).click()
    # What was chosen while the panel was not there is to be seen when it is.
    expect(page.locator(f"#dp-panel-rendered [data-block={last}]")).to_be_in_viewport()
    assert page.evaluate("document.scrollingElement.scrollWidth") == 390
    page.locator("#dp-tab-reread").click()
    expect(page.locator("#dp-tab-reread")).to_be_in_viewport()
