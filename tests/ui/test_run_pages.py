"""The pages that a batch leaves, in a browser: the report of a run with failures, and a diff of two runs.

Both are files that load nothing and run nothing; light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from docparse.batch.manifest import places
from docparse.convert import Options
from docparse.diff_report import diff_page
from docparse.document import Block, Document, Run, Source, Verdict
from docparse.document import Page as DocumentPage
from docparse.geometry import BBox
from docparse.json_form import to_json
from docparse.reading import Job
from docparse.run_diff import compare_runs
from docparse.run_report import Run as Reported
from docparse.run_report import report
from docparse.run_whole import whole
from tests.batch.made_manifest import a_batch

WIDTHS = {"wide": 1440, "narrow": 390}


@pytest.fixture
def report_page(tmp_path: Path) -> Path:
    """Of a run with files that were not converted, and pages of every kind of trouble."""
    a_batch(tmp_path)
    found = whole(
        places(tmp_path), lambda path, stem: Job(path, str(tmp_path), stem, ("text",), Options()), pages=9, files=9
    )
    path = tmp_path / "report.html"
    about = Reported(
        found.jobs, found.outcomes, found.pages, whole=found.summary, engine="embedded", seconds=9, began="a night"
    )
    path.write_text(report(about, path), "utf-8")
    return path


@pytest.fixture
def diff(tmp_path: Path) -> Path:
    """Of two runs in which elements were changed, moved, added and removed."""
    texts = {
        "a": {0: "The title", 50: "A first paragraph of text", 100: "Only the first run has this", 400: "The end"},
        "b": {0: "The title", 50: "A first paragraph of TEXT", 250: "What nobody else has seen", 400: "The end"},
    }
    for name, said in texts.items():
        blocks = tuple(Block("paragraph", BBox(10, y, 390, y + 40), (Run(text),)) for y, text in said.items())
        pages = tuple(DocumentPage(n, 400, 600, blocks=blocks, verdict=Verdict("ok")) for n in (1, 2))
        (tmp_path / name).mkdir()
        (tmp_path / name / "letter.json").write_text(to_json(Document(pages, Source("letter.pdf"))), "utf-8")
        (tmp_path / name / "letter.html").write_text("<p>letter</p>", "utf-8")
    path = tmp_path / "diff.html"
    runs = str(tmp_path / "a"), str(tmp_path / "b")
    path.write_text(diff_page(compare_runs(*runs), *runs, path), "utf-8")
    return path


@pytest.fixture(params=[(scheme, width) for scheme in ("light", "dark") for width in WIDTHS], ids="-".join)
def window(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The test fails where the page's own policy stops something of it."""
    scheme: Literal["light", "dark"] = request.param[0]
    size = {"width": WIDTHS[request.param[1]], "height": 900}
    context = browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    yield page
    context.close()
    assert not said


def looked_at(window: Page, path: Path) -> None:
    """Nothing serious is found by axe, and nobody has to push the page from side to side."""
    window.goto(path.as_uri())
    found = Axe().run(window)
    wrong = [
        (rule["id"], [node["html"][:200] for node in rule["nodes"]][:3])
        for rule in found.response["violations"]
        if rule["impact"] in ("serious", "critical")
    ]
    assert not wrong
    size = window.viewport_size
    assert size is not None
    assert window.evaluate("document.scrollingElement.scrollWidth") == size["width"]
    dark = window.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    paper = window.locator("section").first.evaluate("section => getComputedStyle(section).backgroundColor")
    assert paper == ("rgb(22, 25, 29)" if dark else "rgb(255, 255, 255)")


def test_the_report_of_a_run_with_failures(window: Page, report_page: Path) -> None:
    looked_at(window, report_page)
    assert "3 of 7 pages to look at; 2 files not converted" in window.locator("h1").inner_text()
    why = window.locator("#pages li").first
    box = why.bounding_box()
    assert box is not None
    assert box["width"] > 200, "what is wrong is a sentence to read, not a word a line"
    name = window.locator("#files td").first.bounding_box()
    assert name is not None
    assert name["width"] > 150, "the name of a file is not a letter a line"
    readings = window.locator("#pages .n[data-what=readings]").first
    shown = readings.evaluate("cell => getComputedStyle(cell, '::before').content")
    narrow = window.viewport_size == {"width": WIDTHS["narrow"], "height": 900}
    assert ("readings" in shown) == narrow, "a narrow window has no row of headings"
    assert window.locator("#pages tr").first.is_visible() != narrow


def test_a_diff_of_two_runs(window: Page, diff: Path) -> None:
    looked_at(window, diff)
    assert window.locator("h1").inner_text() == "2 of 2 pages differ"
    for kind in ("changed", "removed", "added"):
        assert window.locator(f"#differs-1 .changes .badge.{kind}").count() == 1
    assert window.locator("#differs-1 svg rect").count() == 8
    sheets = window.locator("#differs-1 svg")
    for n in range(2):
        box = sheets.nth(n).bounding_box()
        assert box is not None
        assert box["width"] > 100
    window.locator("#differs-1 figcaption a").first.click()
    assert window.url.endswith("/a/letter.html")
