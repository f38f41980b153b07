"""The frame of the viewer, in a browser: what a person meets first."""

from __future__ import annotations

import re

import httpx
from playwright.sync_api import Page, expect

from tests.api.serving import Served
from tests.ui.opening import SAMPLES, finished, open_job


def test_a_file_that_is_uploaded_becomes_a_job(server: Served, page: Page) -> None:
    job = open_job(page, server, SAMPLES / "form.pdf")
    assert finished(server, job)["state"] == "done"
    expect(page.locator("#opened a").first).to_have_text("form.pdf")
    markdown = httpx.get(f"{server.url}/v1/jobs/{job}/result", params={"to": "md"}).text
    assert "Full name" in markdown or "name" in markdown.lower()


def test_what_is_refused_is_told_beside_what_is_not(server: Served, page: Page) -> None:
    open_job(page, server, SAMPLES / "README.md", SAMPLES / "form.pdf")
    expect(page.locator("#opened a")).to_have_count(1)
    expect(page.locator("#problems")).to_have_text(re.compile(r"^\s*README\.md: this is neither a PDF nor a picture"))
