"""Whatever lies on a page, the layout ends with markup that the validator knows, and loses no word of it."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from drawn import GREY, PAGE, WHITE, line_of, segment, shape
from PIL import Image

from docparse.document import Kind
from docparse.engines.embedded.digital import arrange
from docparse.engines.embedded.element import Element
from docparse.engines.embedded.markup import write_elements
from docparse.engines.embedded.profile import Profile
from docparse.engines.embedded.regions import Region
from docparse.engines.embedded.scan import arrange_scan
from docparse.engines.embedded.segments import Segment
from docparse.geometry import BBox
from docparse.qwenvl_html.read import read
from docparse.textlayer import Picture

TEXTS = [
    *(
        "a",
        "the",
        "Total",
        "12.50",
        "€",
        "•",
        "1.",
        "Figure",
        "1:",
        "Table",
        "Date:",
        "x",
        "=",
        "(1)",
        "中文",
        "第一章",
    ),
    *(
        "-",
        "INVOICE",
        "Source:",
        "[1]",
        "2024",
        "No.",
        "Page",
        "iv",
        "Item",
        "7%",
        "f(x)",
        "∑",
        "مرحبا",
        "Dear",
        ",",
        "8",
    ),
]
KINDS: tuple[Kind, ...] = ("paragraph", "list_item", "heading", "caption", "footnote", "header", "footer", "formula")
MORE: tuple[Kind, ...] = ("table", "image", "page_number")
SMALL, LARGE = range(40), range(40, 60)


def line(chance: random.Random) -> Segment:
    text = " ".join(chance.choices(TEXTS, k=chance.choice([1, 1, 2, 3, 6, 10])))
    x = chance.choice([50, 60, 200, 300, chance.uniform(-20, 590)])
    y = chance.choice([100, 112, 124, chance.uniform(-10, 810)])
    how = {name: chance.random() < 0.15 for name in ("bold", "italic", "mono", "superscript", "subscript")}
    return segment(text, x, y, size=chance.choice([10, 10, 10, 8, 14, 30, 1]), **how)


def box(chance: random.Random) -> BBox:
    """Any box, some of them without a width or a height, some beyond the page."""
    x1, y1 = chance.uniform(-10, 610), chance.uniform(-10, 810)
    wide, high = (chance.choice([0, chance.uniform(0, 30), chance.uniform(0, 500)]) for _ in range(2))
    return BBox(x1, y1, x1 + wide, y1 + high)


def lines(chance: random.Random, count: int) -> list[Segment]:
    return [line(chance) for _ in range(count)]


def words(segments: list[Segment]) -> Counter[str]:
    return Counter(w.text for s in segments for w in s.words)


def said(elements: list[Element]) -> Counter[str]:
    chunks = [c for e in elements if e.grid is not None for cell in e.grid.cells for c in cell.chunks]
    return words([s for e in elements for s in e.lines] + chunks)


def assert_readable(elements: list[Element]) -> None:
    markup = write_elements(elements, lambda b: b).markup()
    reading = read(markup, width=2000, height=2000)
    assert not [issue for issue in reading.issues if issue.severity == "error"]


@pytest.mark.parametrize("seed", [*SMALL, *LARGE])
def test_any_lines_shapes_and_pictures(seed: int) -> None:
    chance = random.Random(seed)
    given = lines(chance, chance.choice([0, 1, 3, 12] if seed in SMALL else [40, 100]))
    shapes = tuple(
        shape(chance.choice(["rule", "rect", "path"]), box(chance).as_tuple(), chance.choice([None, 0]), fill)
        for fill in chance.choices([None, GREY, WHITE, 0xFF0000], k=chance.choice([0, 2, 10, 40]))
    )
    pictures = tuple(Picture(box(chance), chance.randint(1, 500), 300) for _ in range(chance.choice([0, 0, 1, 5])))
    profile = Profile(body=chance.choice([0, 8, 10]), bold_body=chance.random() < 0.1)
    sideways = lines(chance, chance.choice([0, 0, 2]))
    before = words(given) + words(sideways)
    found = arrange(given, sideways, shapes, pictures, profile, PAGE, chance.choice([8.0, 10.0, 20.0]))
    assert said(found) == before
    assert_readable(found)


@pytest.mark.parametrize("seed", [*SMALL, *LARGE])
def test_any_lines_and_regions(seed: int) -> None:
    chance = random.Random(seed)
    given = lines(chance, chance.choice([0, 1, 3, 12] if seed in SMALL else [40, 100]))
    regions = [
        Region(kind, box(chance), chance.random(), chance.random() < 0.2)
        for kind in chance.choices(KINDS + MORE, k=chance.choice([0, 1, 5, 15]))
    ]
    found = arrange_scan([line_of(s) for s in given], regions, Image.new("RGB", (600, 800), "white"))
    assert said(found) == words(given)
    assert_readable(found)
