"""Steps of tests that begin with a document that was read: its page open in the workbench, and what the service has."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Locator, Page, expect

from tests.api.serving import Served
from tests.ui.opening import PATIENCE, finished


def read(server: Served, file: Path, **fields: str) -> str:
    """The id of a job that is over; sent straight to the service, as what comes before it is tested elsewhere."""
    with file.open("rb") as opened:
        files = {"file": (file.name, opened)}
        answer = httpx.post(f"{server.url}/v1/jobs", files=files, data=fields, timeout=PATIENCE)
    answer.raise_for_status()
    job = str(answer.json()["id"])
    assert finished(server, job)["state"] == "done"
    return job


def show(page: Page, server: Served, job: str, number: int = 1) -> None:
    """The page of a job, drawn."""
    page.goto(f"{server.url}/?job={job}&page={number}", wait_until="domcontentloaded")
    expect(page.locator("docparse-viewer .dp-page svg [data-block]").first).to_be_attached()


def of_page(server: Served, job: str, number: int = 1, **query: str) -> dict[str, Any]:
    """A page as the service has it now."""
    address = f"{server.url}/v1/jobs/{job}/pages/{number}"
    found: dict[str, Any] = httpx.get(address, params=query, timeout=PATIENCE).json()
    pages: list[dict[str, Any]] = found.get("pages", [found])
    return pages[0]


def block(server: Served, job: str, id: str, number: int = 1) -> dict[str, Any] | None:
    return next((each for each in of_page(server, job, number)["blocks"] if each["id"] == id), None)


def corrections(server: Served, job: str, number: int = 1) -> list[dict[str, Any]]:
    address = f"{server.url}/v1/jobs/{job}/pages/{number}/corrections"
    found: list[dict[str, Any]] = httpx.get(address, timeout=PATIENCE).json()["corrections"]
    return found


def eventually(true: Any, why: str, *, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, why
        time.sleep(0.05)


def tab(page: Page, name: str) -> Locator:
    """The panel of a tab, opened."""
    page.get_by_role("tab", name=name, exact=True).click()
    return page.get_by_role("tabpanel", name=name, exact=True)
