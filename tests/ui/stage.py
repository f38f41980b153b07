"""The page view alone, in a browser, on pages that docparse read: no service, no frame around it.

    stage = Stage(page, SAMPLES / "report.pdf")
    stage.open()
    stage.set(selected="p1b3")

What the modules ask of the REST API is answered here out of one document. The rest of the viewer is not there, so that
a fault found here is the page view's own.
"""

from __future__ import annotations

import io
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, Route

import docparse
from docparse import json_form
from docparse.api.evidence import evidence
from docparse.document import Document
from docparse.source import open_source

STATIC = Path(__file__).parents[2] / "ui" / "static"
ORIGIN = "http://viewer.test"
JOB = "0" * 32
TYPES = {".js": "text/javascript", ".css": "text/css"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'self'; frame-ancestors 'none'"
)
HTML = """<!doctype html><html lang="en"><head><title>Stage</title><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/viewer/static/viewer.css">
<link rel="stylesheet" href="/stage.css"><script type="module" src="/stage.js"></script></head>
<body><main><docparse-viewer><section class="dp-page" aria-label="Page image"></section>
</docparse-viewer></main></body></html>"""
CSS = "body { margin: 0 } .dp-page { height: 100vh; width: 100% }"
SCRIPT = """
import { mountPage } from "/viewer/static/page-view.js";
import { Store } from "/viewer/static/store.js";
import * as evidence from "/viewer/static/page-evidence.js";
import { api } from "/viewer/static/api.js";

document.documentElement.classList.add("dp-open");
const store = new Store();
const view = mountPage(document.querySelector(".dp-page"), store);
const acts = [];
store.actor = async (operation) => {
  acts.push(operation);
  if (window.refused) throw new Error("refused");
};
// As viewer.js does it: the page of a number, then what else is known of it.
store.on(["number", "job", "revision"], async () => {
  const { number, job } = store;
  if (store.page && store.page.page !== number) {
    store.set({ page: null, evidence: null, selected: null, hovered: null, region: null });
  }
  if (!job || store.records.get(number).state !== "read") return;
  const page = await store.fetchPage(number);
  if (store.number !== number) return;
  store.set({ page });
  const found = await api.evidence(job, number);
  if (store.number === number) store.set({ evidence: found });
});
Object.assign(window, { store, view, acts, evidence });
"""


@cache
def read(path: Path) -> Document:
    return docparse.parse(path)


@cache
def drawn(path: Path, number: int) -> Image.Image:
    with open_source(path) as source:
        return source.page(number).pixels()


class Stage:
    """``copies``: the document's pages that often, one after the other."""

    def __init__(self, page: Page, path: Path, *, copies: int = 1) -> None:
        self.page = page
        self.path = path
        self.asked: list[str] = []
        self.held: dict[int, list[Route]] = {}
        """Pages whose pictures are kept back until ``release``."""
        document = json_form.to_dict(read(path))
        single = len(document["pages"])
        self.pages: dict[int, dict[str, Any]] = {}
        for number in range(1, single * copies + 1):
            self.pages[number] = {**document["pages"][(number - 1) % single], "page": number}
        self.broken: set[int] = set()
        """Pages whose pictures cannot be had."""
        self.evidence: dict[int, dict[str, Any]] = {}
        self._single = single

    def open(self) -> None:
        self.page.route(f"{ORIGIN}/**", self._answer)
        self.page.goto(ORIGIN)
        self.page.locator(".dp-view").wait_for()
        self.show(1)

    def show(self, number: int, *, waiting: tuple[int, ...] = ()) -> None:
        records = [
            {
                "number": n,
                "state": "waiting" if n in waiting else "read",
                "status": page["verdict"]["status"],
                "reasons": [],
                "confidence": 0.97,
                "engine": "embedded",
                "seconds": 0.4,
                "attempt": 1,
            }
            for n, page in self.pages.items()
        ]
        self.page.evaluate(
            "([job, number, records]) => store.set({ records: new Map(records.map((r) => [r.number, r])),"
            " numbers: records.map((r) => r.number), number, job })",
            [JOB, number, records],
        )

    def set(self, **changes: object) -> None:
        self.page.evaluate("(changes) => store.set(changes)", changes)

    def get(self, key: str) -> Any:
        return self.page.evaluate(f"() => store.{key}")

    def turn(self, number: int) -> None:
        self.set(number=number)

    def drawn(self, number: int = 1) -> None:
        """Until picture and boxes of a page are there."""
        self.page.locator(f'.dp-picture.dp-front[src*="/pages/{number}/image"]').wait_for()

    def box(self, selector: str) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in the window."""
        sides = self.page.locator(selector).first.evaluate(
            "(e) => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; }"
        )
        return (sides[0], sides[1], sides[2], sides[3])

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where in the window a point of the page is."""
        left, top, right, _ = self.box(".dp-sheet")
        scale = (right - left) / self.pages[self.get("number")]["width"]
        return left + x * scale, top + y * scale

    def release(self, number: int) -> None:
        for route in self.held.pop(number):
            self._answer(route)

    def blocks(self, number: int = 1) -> list[dict[str, Any]]:
        blocks: list[dict[str, Any]] = self.pages[number]["blocks"]
        return blocks

    def _answer(self, route: Route) -> None:
        url = route.request.url.removeprefix(ORIGIN)
        path = url.partition("?")[0]
        if path == "/":
            route.fulfill(body=HTML, content_type="text/html", headers={"Content-Security-Policy": POLICY})
        elif path == "/stage.js":
            route.fulfill(body=SCRIPT, content_type="text/javascript")
        elif path == "/stage.css":
            route.fulfill(body=CSS, content_type="text/css")
        elif path.startswith("/viewer/static/"):
            file = STATIC / path.removeprefix("/viewer/static/")
            if file.is_file():
                route.fulfill(body=file.read_bytes(), content_type=TYPES[file.suffix])
            else:
                route.fulfill(status=404)
        elif found := re.fullmatch(rf"/v1/jobs/{JOB}/pages/(\d+)(/image|/evidence)?", path):
            self.asked.append(url)
            self._page(route, int(found[1]), found[2], url)
        else:
            route.fulfill(status=404)

    def _page(self, route: Route, number: int, part: str | None, url: str) -> None:
        if part == "/image" and number in self.broken:
            route.fulfill(status=503)
        elif part == "/image" and number in self.held:
            self.held[number].append(route)
        elif part == "/image":
            width = re.search(r"width=(\d+)", url)
            body = jpeg(self.path, (number - 1) % self._single + 1, int(width[1]) if width else 0)
            keep = {"Cache-Control": "private, max-age=600"}
            route.fulfill(body=body, content_type="image/jpeg", headers=keep)
        elif part == "/evidence":
            known = self.evidence.get(number) or seen(self.path, (number - 1) % self._single + 1)
            route.fulfill(body=json.dumps(known), content_type="application/json")
        else:
            route.fulfill(body=json.dumps(self.pages[number]), content_type="application/json")


@cache
def jpeg(path: Path, number: int, width: int) -> bytes:
    image = drawn(path, number)
    if width and width < image.width:
        image = image.resize((width, round(image.height * width / image.width)))
    data = io.BytesIO()
    image.convert("RGB").save(data, "JPEG", quality=80)
    return data.getvalue()


@cache
def seen(path: Path, number: int) -> dict[str, Any]:
    """What the service says of a page: its words, whether an element has them, and words that are nowhere on it."""
    page = next(page for page in read(path).pages if page.number == number)
    with open_source(path) as source:
        layer = source.page(number).text
    found = evidence(page, layer.words() if layer else [])
    return {"words": found.words, "unsupported": found.unsupported, "by_person": found.by_person}
