"""What tests of the viewer share: a service as an operator runs it, and a browser that looks at it.

    def test_it(server: Served, page: Page) -> None:
        job = open_job(page, server, SAMPLES / "invoice.pdf")

Debian's chromium is used; ``TEST_NO_BROWSER=1`` says that there is meant to be none.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.api.serving import Served
from tests.ui.opening import SAMPLES, open_job, ready

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
WIDE = {"width": 1440, "height": 900}
__all__ = ["SAMPLES", "open_job"]

expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests of a file; each has a context of its own. Playwright has an event loop run while it is there,
    so that tests of other files, which have their own, could not be run beside it."""
    program = shutil.which("chromium")
    if program is None:
        if os.environ.get("TEST_NO_BROWSER"):
            pytest.skip("TEST_NO_BROWSER is set")
        pytest.fail("tests of the viewer need a browser: apt install chromium, or set TEST_NO_BROWSER=1.")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """``docparse serve`` on a data folder of its own, without keys."""
    with Served(tmp_path_factory.mktemp("viewer"), viewer=True) as served:
        ready(served)
        yield served


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window of 1440 by 900. The test fails where the page's policy stopped something, or a script failed."""
    context = browser.new_context(viewport=WIDE)  # type: ignore[arg-type]
    context.set_default_timeout(20_000)
    opened = context.new_page()
    wrong: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if re.search(r"Content.Security.Policy", message.text):
            wrong.append(message.text)

    opened.on("console", heard)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    yield opened
    context.close()
    assert not wrong, "\n".join(wrong)


@pytest.fixture(scope="session")
def samples() -> Path:
    return SAMPLES
