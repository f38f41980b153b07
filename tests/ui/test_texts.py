"""A page as text and the place of each block in it: what the viewer's sources are drawn from."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.serving import Served
from tests.ui.opening import SAMPLES, finished


@pytest.fixture(scope="module")
def pages(server: Served) -> str:
    with (SAMPLES / "report.pdf").open("rb") as file:
        job = httpx.post(f"{server.url}/v1/jobs", files={"file": ("report.pdf", file)}).json()["id"]
    assert finished(server, job)["state"] == "done"
    return f"{server.url}/v1/jobs/{job}/pages"


def letters(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum())


@pytest.mark.parametrize("to", ["markdown", "html", "text", "json"])
def test_the_place_of_a_block_has_its_text(pages: str, to: str) -> None:
    found: dict[str, Any] = httpx.get(f"{pages}/1/text", params={"to": to}).raise_for_status().json()
    blocks = {block["id"]: block for block in httpx.get(f"{pages}/1").json()["blocks"]}
    assert found["to"] == to
    seen = 0
    for block, start, end in found["spans"]:
        if blocks[block]["type"] in ("paragraph", "heading", "caption"):
            begin = letters(blocks[block]["text"])[:5]
            assert begin in letters(found["text"][start:end]), (block, found["text"][start:end])
            seen += 1
    assert seen > 5
    left_out = {blocks[id]["type"] for id in blocks.keys() - {block for block, _, _ in found["spans"]}}
    assert left_out <= ({"page_number", "footer", "header"} if to in ("markdown", "text") else set())


def test_a_page_as_html_knows_its_file(pages: str) -> None:
    text = httpx.get(f"{pages}/3/text", params={"to": "html"}).json()["text"]
    assert "report.pdf" in text
    assert text.count('<section class="page" data-page="3"') == 1
    assert text.count("<section") == 1


def test_what_cannot_be_said_is_refused(pages: str) -> None:
    assert httpx.get(f"{pages}/9/text").json()["error"]["code"] == "range.invalid"
    assert httpx.get(f"{pages}/1/text", params={"to": "overlay"}).status_code == 422
    assert httpx.get(f"{pages.replace('/pages', '0')}/pages/1/text").status_code == 404
