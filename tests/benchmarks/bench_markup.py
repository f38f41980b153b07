"""How fast QwenVL HTML is read, written, checked and cleaned, beside parsers that many would take instead.

    docparse bench markup [--out DIR] [--rounds N]

One large page (two columns of text, lists, formulas, pictures, a table of 60 rows) is made from a fixed seed.
The peers parse the same string and collect text and boxes, as the cookbook of Qwen2.5-VL does; they build no
blocks, check nothing and keep no places. Every round runs everything once, so that a busy machine is busy for
all; what is told is the median of the rounds. The last line is JSON.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from random import Random

import lxml.html
import report

from docparse.document import Block, Cell, Page, Run, inline
from docparse.geometry import BBox
from docparse.qwenvl_html import read, sanitise, validate, write_page

PEERS = ("lxml", "beautifulsoup4", "nh3")
WIDTH, HEIGHT = 1_654, 2_339  # A4 at 200 dpi
WORDS = re.findall(
    "[a-z]+",
    "invoice total amount net of the and for delivery terms within thirty days payment due bank account number "
    "customer order date quantity unit price tax rate discount subtotal shipping goods remain property until paid",
)


def page(seed: int = 1) -> Page:
    """The page that is measured: about 180 blocks and 480 cells."""
    random = Random(seed)
    return Page(1, WIDTH, HEIGHT, dpi=200, blocks=tuple(_blocks(random)))


def _blocks(random: Random) -> Iterator[Block]:
    yield Block("header", BBox(100, 40, 900, 70), inline(_text(random, 6)))
    for column in range(2):
        left, top = 100 + 740 * column, 100
        for section in range(12):
            yield Block("heading", BBox(left, top, left + 400, top + 24), inline(_text(random, 4)), level=2)
            for line in range(4):
                at = top + 26 + 24 * line
                marked = (Run(_text(random, 12) + " "), Run(_text(random, 2), ("b",)), Run(" " + _text(random, 12)))
                yield Block("paragraph", BBox(left, at, left + 700, at + 22), marked, confidence=0.97)
            for number in range(2):
                at = top + 122 + 14 * number
                item = inline(_text(random, 7))
                yield Block("list_item", BBox(left, at, left + 700, at + 13), item, level=1, number=number + 1)
            top += 152
            if section == 5:
                box = BBox(left, top, left + 300, top + 60)
                yield Block("image", box)
                yield Block("caption", BBox(left, top + 62, left + 300, top + 76), inline(_text(random, 5)))
                yield Block("formula", BBox(left + 320, top, left + 700, top + 60), (Run(r"E = \frac{a}{b} < c^2"),))
                top += 80
    yield Block("table", BBox(100, 2_020, 1_540, 2_280), cells=tuple(_cells(random)))
    yield Block("page_number", BBox(800, 2_300, 840, 2_320), inline("7"))


def _cells(random: Random) -> Iterator[Cell]:
    for row in range(60):
        for col in range(8):
            text = _text(random, 1) if row == 0 or col == 0 else f"{random.randint(1, 99_999) / 100:.2f}"
            yield Cell(row, col, runs=inline(text), header=row == 0)


def _text(random: Random, count: int) -> str:
    return " ".join(random.choice(WORDS) for _ in range(count))


# --------------------------------------------------------------------------------------- peers


def _soup(markup: str, parser: str) -> object:
    from bs4 import BeautifulSoup  # a peer; others take their page from this file without it

    soup = BeautifulSoup(markup, parser)
    return [(node["data-bbox"], node.get_text()) for node in soup.find_all(attrs={"data-bbox": True})]


def _lxml(markup: str) -> object:
    tree = lxml.html.fromstring(markup)
    return [(node.get("data-bbox"), node.text_content()) for node in tree.iter() if node.get("data-bbox")]


def run(rounds: int) -> report.Report:
    """Median pages per second of each function over ``rounds``, after one round that is not counted."""
    document_page = page()
    section = write_page(document_page)
    markup = f"<html><body>\n{section}\n</body></html>"
    tasks: dict[str, Callable[[], object]] = {
        "read": lambda: read(markup, width=WIDTH, height=HEIGHT),
        "write": lambda: write_page(document_page),
        "validate": lambda: validate(markup),
        "sanitise": lambda: sanitise(markup),
        "lxml.html": lambda: _lxml(markup),
        "beautifulsoup (html.parser)": lambda: _soup(markup, "html.parser"),
        "beautifulsoup (lxml)": lambda: _soup(markup, "lxml"),
    }
    reading = read(markup, width=WIDTH, height=HEIGHT)
    if Page(1, WIDTH, HEIGHT, dpi=200, blocks=reading.blocks) != document_page or reading.issues:
        raise RuntimeError("the page that was read is not the page that was written; no figure would mean anything")
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for count in range(rounds + 1):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            if count:
                seconds[name].append(time.perf_counter() - start)
    found = report.Report("markup", report.machine(1, {name: version(name) for name in PEERS}))
    found.machine["rounds"] = rounds
    size = len(markup)
    rates = {name: 1 / statistics.median(times) for name, times in seconds.items()}
    rows = [[name, f"{rate:.1f}", f"{rate * size / 1e6:.2f}"] for name, rate in rates.items()]
    cells = sum(len(block.cells) for block in document_page.blocks)
    note = f"One page of {size} characters, {len(document_page.blocks)} blocks and {cells} cells."
    found.tables.append(report.Table("QwenVL HTML", ("what", "pages/s", "million characters/s"), rows, note))
    found.results = {"characters": size, "pages_per_second": {name: round(rate, 1) for name, rate in rates.items()}}
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="QwenVL HTML beside general parsers of HTML.")
    parser.add_argument("--out", metavar="DIR", help="folder for the JSON and a Markdown table")
    parser.add_argument("--rounds", type=int, default=15, metavar="N", help="runs of each program")
    given = parser.parse_args(arguments)
    return run(max(given.rounds, 1)).tell(given.out)


if __name__ == "__main__":
    sys.exit(main())
