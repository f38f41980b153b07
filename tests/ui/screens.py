"""Pictures of every view, for people to look at: ``python -m tests.ui.screens`` draws ``tests/ui/screens/`` anew.

What this file is not: a test. Fonts and browsers differ, and nobody learns from a picture that differs by a hair; what
must hold is asserted in the tests beside it.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.api.serving import Served
from tests.ui.conftest import FLAGS
from tests.ui.opening import SAMPLES, open_frame, ready
from tests.ui.workbench import of_page, read, show, tab

FOLDER = Path(__file__).with_name("screens")
STORE = "document.querySelector('docparse-viewer').store"
WIDTHS = {1440: 900, 390: 844}
COLOURS = 256
"""Enough for a page of text, and a third of the bytes."""


def start(page: Page, server: Served) -> None:
    open_frame(page, server)
    page.wait_for_timeout(800)


def text(page: Page, server: Served) -> None:
    """A table selected: its cells are drawn, its text is beside it."""
    job = read(server, SAMPLES / "report.pdf")
    show(page, server, job)
    settled(page)
    table = next(block["id"] for block in of_page(server, job)["blocks"] if block["type"] == "table")
    page.evaluate(f"{STORE}.set({{ selected: '{table}', from: 'keys' }})")


def confidence(page: Page, server: Served) -> None:
    show(page, server, read(server, SAMPLES / "receipt.jpg"))
    settled(page)
    page.evaluate(f"{STORE}.set({{ layers: {{ ...{STORE}.layers, heat: true, order: true }} }})")


def fields(page: Page, server: Served) -> None:
    show(page, server, read(server, SAMPLES / "invoice.pdf", schema="invoice"))
    settled(page)
    side(page)
    panel = tab(page, "Fields")
    button = panel.get_by_role("button", name="Find fields")
    if button.is_visible():
        button.click()
    expect(panel.get_by_label("Invoice number", exact=True)).to_have_value("RE-20140522/501")
    panel.get_by_label("Grand total", exact=True).focus()


def source(page: Page, server: Served) -> None:
    show(page, server, read(server, SAMPLES / "paper.pdf"))
    settled(page)
    side(page)
    tab(page, "QwenVL HTML")
    page.evaluate(f"{STORE}.set({{ selected: {STORE}.page.blocks[4].id, from: 'keys' }})")


def correcting(page: Page, server: Served) -> None:
    job = read(server, SAMPLES / "invoice.pdf")
    show(page, server, job)
    settled(page)
    table = next(block["id"] for block in of_page(server, job)["blocks"] if block["type"] == "table")
    page.evaluate(f"{STORE}.set({{ selected: '{table}', from: 'keys', tool: 'edit' }})")


def reading_again(page: Page, server: Served) -> None:
    show(page, server, read(server, SAMPLES / "receipt.jpg"))
    settled(page)
    page.evaluate(f"{STORE}.set({{ region: [60, 60, {STORE}.page.width - 60, {STORE}.page.height / 3] }})")
    side(page)
    panel = tab(page, "Read again")
    part = panel.get_by_label("A part", exact=False)
    if part.count():
        part.first.check()
    panel.get_by_role("button", name="Read again").click()
    page.wait_for_timeout(6000)


def download(page: Page, server: Served) -> None:
    show(page, server, read(server, SAMPLES / "report.pdf"))
    settled(page)
    page.get_by_role("button", name="Download").click()


VIEWS: dict[str, Callable[[Page, Served], None]] = {
    "start": start,
    "text": text,
    "confidence": confidence,
    "fields": fields,
    "source": source,
    "correcting": correcting,
    "reading-again": reading_again,
    "download": download,
}


def side(page: Page) -> None:
    """In a narrow window the text is behind a switch."""
    switch = page.get_by_role("button", name="Text", exact=True)
    if switch.is_visible():
        switch.click()


def settled(page: Page) -> None:
    page.locator(".dp-picture.dp-front").wait_for(state="visible")
    page.wait_for_timeout(700)


@contextmanager
def window(browser: Browser, width: int, *, dark: bool = False) -> Iterator[Page]:
    size = {"width": width, "height": WIDTHS[width]}
    context = browser.new_context(viewport=size, color_scheme="dark" if dark else "light")  # type: ignore[arg-type]
    yield context.new_page()
    context.close()


def keep(page: Page, name: str) -> None:
    page.wait_for_timeout(900)
    with Image.open(io.BytesIO(page.screenshot())) as shot:
        small = shot.convert("RGB").quantize(COLOURS, kmeans=3, dither=Image.Dither.NONE)
        small.save(FOLDER / f"{name}.png", optimize=True)
    print(f"{name}.png")


def main() -> None:
    program = shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        with Served(Path(folder), viewer=True) as server:
            ready(server)
            for name, go in VIEWS.items():
                for width in WIDTHS:
                    with window(browser, width) as page:
                        go(page, server)
                        keep(page, f"{name}-{width}")
            with window(browser, 1440, dark=True) as page:
                text(page, server)
                keep(page, "text-1440-dark")
        browser.close()


if __name__ == "__main__":
    main()
