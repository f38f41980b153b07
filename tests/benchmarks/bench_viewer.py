"""How fast the viewer is in a real browser, and what it moves and holds.

    docparse bench viewer [--out DIR] [--quick]

``docparse serve`` runs as an operator starts it, Chromium beside it on the same two processors. Told are: from the
choice of a file to its first page with picture and boxes; a change of page, once it was read; a highlight at 400 boxes;
bytes that travel for a document of 20 pages; what the browser holds after 500 changes of page. The times are taken in
the page itself, by a clock that runs until the frame after. The last line is JSON.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pymupdf
import report
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))

from corpus import SAMPLES
from measure import pin

from tests.api.serving import Served
from tests.ui.opening import ready

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
WIDE = {"width": 1440, "height": 900}
BOXES = 400
LOOK = 700
"""Milliseconds for which somebody looks at a page before the next, at the least."""
LIMIT_MS = {"first page": 1500, "page change": 150, "hover": 16}
"""What is aimed at."""

# In the page: resolves with the milliseconds until `done()` holds, looked at once a frame, the frame after included.
CLOCK = """
window.clock = (begin, done) => new Promise((resolve) => {
  const from = performance.now();
  begin();
  const after = () => resolve(performance.now() - from);
  const look = () => requestAnimationFrame(done() ? after : look);
  look();
});
window.shown = (number) => {
  const store = document.querySelector("docparse-viewer").store;
  const picture = document.querySelector(".dp-picture.dp-front");
  return store.number === number && store.page && store.page.page === number && picture && picture.complete
    && picture.naturalWidth > 0 && picture.src.includes(`/pages/${number}/`)
    && document.querySelector(".dp-overlay").viewBox.baseVal.width === store.page.width;
};
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """How often."""

    uploads: int = 15
    changes: int = 60
    turns: int = 500
    pages: int = 20


QUICK = Plan(uploads=2, changes=6, turns=20, pages=4)
Say = Callable[[str], None]


def copies(path: Path, source: Path, pages: int) -> Path:
    """A document of so many pages: those of ``source`` again and again, each with a number of its own on it."""
    with pymupdf.open(source) as given, pymupdf.open() as made:
        for number in range(pages):
            made.insert_pdf(given, from_page=number % len(given), to_page=number % len(given))
            made[-1].insert_text((20, 20), f"copy {number + 1}", fontsize=8)
        made.save(path, garbage=3, deflate=True)
    return path


def many_boxes(page: Page) -> None:
    """Have so many elements on the page that is shown, as corrections: no layout has as many as are wanted."""
    page.evaluate(
        """async (boxes) => {
          const { store } = document.querySelector("docparse-viewer");
          const path = `/v1/jobs/${store.job}/pages/${store.number}/corrections`;
          const corrections = Array.from({ length: boxes - store.page.blocks.length }, (_, n) => {
            const [x, y] = [20 + (n % 20) * 50, 20 + Math.floor(n / 20) * 60];
            return { op: "add", at: 0, block: { type: "paragraph", bbox: [x, y, x + 44, y + 40], text: `No ${n}` } };
          });
          const headers = { "Content-Type": "application/json" };
          const body = JSON.stringify({ revision: 0, corrections });
          const answer = await fetch(path, { method: "PUT", headers, body });
          if (!answer.ok) throw new Error(await answer.text());
          store.forget(store.number);
        }""",
        BOXES,
    )
    while page.evaluate("document.querySelector('docparse-viewer').store.page?.blocks.length") != BOXES:
        time.sleep(0.05)


@contextmanager
def opened(browser: Browser, served: Served) -> Iterator[tuple[Page, CDPSession, BrowserContext]]:
    context = browser.new_context(viewport=WIDE)  # type: ignore[arg-type]
    page = context.new_page()
    session = context.new_cdp_session(page)
    page.goto(served.url)
    page.locator("#upload input[type=file]").wait_for(state="attached")
    page.evaluate(CLOCK)
    yield page, session, context
    context.close()


def upload(page: Page, path: Path) -> float:
    """Seconds from the choice of a file to its first page."""
    begun = time.perf_counter()
    page.set_input_files("#upload input[type=file]", str(path))
    page.locator(".dp-picture.dp-front").wait_for(state="visible")
    while not page.evaluate("window.shown(document.querySelector('docparse-viewer').store.number)"):
        time.sleep(0.005)
    return time.perf_counter() - begun


def whole(page: Page) -> None:
    """Until all pages were read."""
    while page.evaluate("document.querySelector('docparse-viewer').store.info.state") not in ("done", "failed"):
        time.sleep(0.1)


def in_turn(page: Page, numbers: Sequence[int], *, looks: int = 0) -> list[float]:
    """Milliseconds of each change of page. ``looks``: those for which each page is looked at."""
    change = (
        "(n) => window.clock(() => document.querySelector('docparse-viewer').store.set({number: n}), () => shown(n))"
    )
    taken = []
    for number in numbers:
        page.wait_for_timeout(looks)
        taken.append(float(page.evaluate(change, number)))
    return taken


def first_pages(browser: Browser, served: Served, folder: Path, plan: Plan, say: Say) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("form.pdf", "paper.pdf", "report.pdf"):
        seconds = []
        for _ in range(plan.uploads):
            with opened(browser, served) as (page, _, _):
                seconds.append(upload(page, SAMPLES / name))
        found[name] = {"median_ms": statistics.median(seconds) * 1000, "worst_ms": max(seconds) * 1000}
        say(f"  {name}: {found[name]['median_ms']:.0f} ms")
    return found


def page_changes(browser: Browser, served: Served, folder: Path, plan: Plan, say: Say) -> dict[str, Any]:
    path = copies(folder / "twenty.pdf", SAMPLES / "report.pdf", plan.pages)
    with opened(browser, served) as (page, session, _):
        moved = {"bytes": 0}
        session.send("Network.enable")
        session.on(
            "Network.loadingFinished", lambda event: moved.update(bytes=moved["bytes"] + event["encodedDataLength"])
        )
        upload(page, path)
        whole(page)
        half = plan.pages // 2
        looked = in_turn(page, range(2, half + 1), looks=LOOK)
        forwards = in_turn(page, range(half + 1, plan.pages + 1))
        page.wait_for_timeout(1000)
        sent = moved["bytes"]
        back = in_turn(page, [n for _ in range(plan.changes) for n in (1, 2)][: plan.changes])
        page.wait_for_timeout(500)
        again = moved["bytes"] - sent
        far = in_turn(page, [1 + (7 * n) % plan.pages for n in range(plan.changes)])
    found = {
        "next, after a look": _figures(looked),
        "next, without a pause": _figures(forwards),
        "seen before": _figures(back),
        "anywhere": _figures(far),
        "bytes_20_pages": sent,
        "bytes_of_pages_seen_before": again,
        "upload_bytes": path.stat().st_size,
    }
    say(f"  next page {found['next, after a look']['median_ms']:.0f} ms, {sent / 1024:.0f} KiB for {plan.pages} pages")
    return found


def hovering(browser: Browser, served: Served, folder: Path, plan: Plan, say: Say) -> dict[str, Any]:
    with opened(browser, served) as (page, _, _):
        upload(page, SAMPLES / "form.pdf")
        whole(page)
        many_boxes(page)
        page.wait_for_timeout(500)
        measure = """() => {
          const store = document.querySelector("docparse-viewer").store;
          const ids = store.page.blocks.map((block) => block.id);
          return ids.map((id) => {
            const from = performance.now();
            store.set({ hovered: id });
            document.body.getBoundingClientRect();
            return performance.now() - from;
          });
        }"""
        handled = page.evaluate(measure)
        frames = [
            float(
                page.evaluate(
                    "(n) => window.clock(() => { const s = document.querySelector('docparse-viewer').store;"
                    " s.set({ hovered: s.page.blocks[n].id }); }, () => true)",
                    n,
                )
            )
            for n in range(min(len(handled), 40))
        ]
    found = {"boxes": len(handled), "work": _figures(handled), "until the frame after": _figures(frames)}
    say(f"  {len(handled)} boxes: {found['work']['median_ms']:.2f} ms of work")
    return found


def holding(browser: Browser, served: Served, folder: Path, plan: Plan, say: Say) -> dict[str, Any]:
    path = copies(folder / "long.pdf", SAMPLES / "report.pdf", plan.turns)
    with opened(browser, served) as (page, session, _):
        upload(page, path)
        whole(page)
        session.send("Performance.enable")

        def held() -> dict[str, float]:
            session.send("HeapProfiler.collectGarbage")
            told = {item["name"]: item["value"] for item in session.send("Performance.getMetrics")["metrics"]}
            return {
                "heap_mib": told["JSHeapUsedSize"] / 1024**2,
                "nodes": told["Nodes"],
                "listeners": told["JSEventListeners"],
            }

        marks: dict[int, dict[str, float]] = {}
        times: list[float] = []
        step = max(plan.turns // 10, 1)
        for start in range(1, plan.turns + 1, step):
            times += in_turn(page, range(start, min(start + step, plan.turns + 1)))
            marks[min(start + step - 1, plan.turns)] = held()
    found = {"changes": plan.turns, "change": _figures(times), "held": marks}
    after = list(marks.values())
    say(f"  heap {after[0]['heap_mib']:.1f} -> {after[-1]['heap_mib']:.1f} MiB")
    return found


def _figures(values: Sequence[float]) -> dict[str, float]:
    ranked = sorted(values)
    return {
        "median_ms": statistics.median(ranked),
        "p95_ms": ranked[min(len(ranked) * 95 // 100, len(ranked) - 1)],
        "worst_ms": ranked[-1],
    }


def run(plan: Plan, say: Say) -> report.Report:
    found = report.Report("viewer", report.machine(pin(), {name: version(name) for name in ("gradio", "playwright")}))
    measures = {"first page": first_pages, "pages": page_changes, "hover": hovering, "memory": holding}
    program = shutil.which("chromium")
    if program is None:
        raise SystemExit("this needs a browser: apt install chromium")
    with tempfile.TemporaryDirectory(prefix="docparse-bench-") as name, sync_playwright() as playwright:
        folder = Path(name)
        with Served(folder / "data", viewer=True) as served:
            ready(served)
            browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
            found.machine["peers"]["chromium"] = browser.version
            for what, measure in measures.items():
                say(f"{what}:")
                found.results[what] = measure(browser, served, folder, plan, say)
            browser.close()
    found.tables += _tables(found.results)
    return found


def _tables(results: dict[str, Any]) -> list[report.Table]:
    pages, hover, memory = results["pages"], results["hover"], results["memory"]
    rows = [
        [f"upload to first page, {name}", *_row(figures), f"{LIMIT_MS['first page']}"]
        for name, figures in results["first page"].items()
    ]
    rows += [
        [f"page change, {name}", *_row(pages[name]), f"{LIMIT_MS['page change']}"]
        for name in ("next, after a look", "next, without a pause", "seen before", "anywhere")
    ]
    rows.append([f"page change, {memory['changes']} in turn", *_row(memory["change"]), f"{LIMIT_MS['page change']}"])
    rows.append([f"highlight, {hover['boxes']} boxes, work", *_row(hover["work"]), f"{LIMIT_MS['hover']}"])
    rows.append(["highlight until the frame after", *_row(hover["until the frame after"]), "two frames: 33"])
    note = "Milliseconds. First pages are timed from outside, the rest in the page until the frame after."
    moved = [
        ["KiB for 20 pages: page, scripts, pictures, text", f"{pages['bytes_20_pages'] / 1024:.0f}"],
        ["KiB when pages that were seen are shown again", f"{pages['bytes_of_pages_seen_before'] / 1024:.0f}"],
    ]
    held = [
        [str(number), f"{mark['heap_mib']:.1f}", f"{mark['nodes']:.0f}", f"{mark['listeners']:.0f}"]
        for number, mark in memory["held"].items()
    ]
    return [
        report.Table("How fast it is", ["what", "median", "p95", "worst", "aim"], rows, note),
        report.Table("What travels", ["what", ""], moved),
        report.Table(
            "What the browser holds", ["after changes", "heap MiB", "nodes", "listeners"], held, "After a collection."
        ),
    ]


def _row(figures: dict[str, float]) -> list[str]:
    p95 = figures.get("p95_ms")
    digits = 0 if figures["median_ms"] >= 10 else 2
    return [
        f"{figures['median_ms']:.{digits}f}",
        "" if p95 is None else f"{p95:.{digits}f}",
        f"{figures['worst_ms']:.{digits}f}",
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="How fast the viewer is in a browser.")
    parser.add_argument("--out", metavar="DIR", help="folder for the JSON and a Markdown table")
    parser.add_argument("--quick", action="store_true", help="a little of each: a try, not a result")
    given = parser.parse_args(arguments)
    return run(QUICK if given.quick else Plan(), lambda line: print(line, file=sys.stderr, flush=True)).tell(given.out)


if __name__ == "__main__":
    sys.exit(main())
