"""The first steps of most tests of the viewer."""

from __future__ import annotations

import re
import time
from pathlib import Path

import httpx
from playwright.sync_api import Page, expect

from tests.api.serving import Served

SAMPLES = Path(__file__).parents[2] / "samples"
LINKS = "#opened a"
PATIENCE = 30.0
"""Seconds for one answer. The five of httpx are too few where the machine has other things to do."""


def ready(served: Served, *, seconds: float = 180.0, cookies: dict[str, str] | None = None) -> None:
    """Until the page is there: Gradio is imported after the service has started."""
    until = time.monotonic() + seconds
    while httpx.get(served.url, cookies=cookies, timeout=PATIENCE).status_code == 503:
        assert time.monotonic() < until, "the page never came"
        time.sleep(0.1)


def open_frame(page: Page, server: Served) -> None:
    """The start of the viewer, to be used."""
    page.goto(server.url)
    page.locator("#upload input[type=file]").wait_for(state="attached")


def open_job(page: Page, server: Served, *files: Path | str) -> str:
    """Upload through the page; the id of the first job, whose link is there then."""
    open_frame(page, server)
    page.set_input_files("#upload input[type=file]", [str(file) for file in files])
    link = page.locator(LINKS).first
    expect(link).to_have_attribute("href", re.compile(r"/\?job=[0-9a-f]{32}$"))
    return str(link.get_attribute("href")).rpartition("=")[2]


def finished(
    server: Served, job: str, *, seconds: float = 60.0, headers: dict[str, str] | None = None
) -> dict[str, object]:
    """The job, when it is over."""
    until = time.monotonic() + seconds
    while True:
        answer = httpx.get(f"{server.url}/v1/jobs/{job}", headers=headers, timeout=PATIENCE)
        found: dict[str, object] = answer.json()
        if found["state"] not in ("queued", "running"):
            return found
        assert time.monotonic() < until, "the job never ended"
        time.sleep(0.1)
