"""Items of lists: what begins one, and how deep it stands."""

from __future__ import annotations

import re

from docparse.engines.embedded.blocks import BULLET, LETTER, NUMBER
from docparse.engines.embedded.element import Element

DATE = re.compile(r"\d{1,2}\.\s*[^\W\d_]{3,10}\.?\s+\d{4}\b")
"""A day, a month by name and a year: "11. März 2014" is no item of a list."""


TICKS = frozenset("✓✔☑☒✗✘")
"""Before a few words they say what somebody chose: that is no bullet to cut off."""
_DEEPEST = 10.0
"""Ems: items further apart than this stand in columns of their own."""


def as_item(element: Element) -> None:
    """A paragraph that begins with a bullet or a number becomes a list item."""
    text = element.text
    bullet = BULLET.match(text)
    number = NUMBER.match(text)
    if bullet and len(text) > len(bullet.group(0)):
        if bullet.group(0) in "-–—*oq§·" and len(element.lines[0].words) > 1:
            gap = element.lines[0].words[1].box.x1 - element.lines[0].words[0].box.x2
            if gap < 0.15 * element.size:
                return
        if bullet.group(0) in TICKS and len(text.split()) < 5:
            return
        element.kind, element.marker, element.level = "list_item", bullet.group(0), 1
    elif number and len(text.split()) >= 2 and not DATE.match(text):
        element.kind, element.level = "list_item", 1
        element.marker, element.number = number.group(0), int(number.group(1))
    elif LETTER.match(text) and len(text.split()) >= 3:
        element.kind, element.level = "list_item", 1


def nest_items(elements: list[Element], em: float) -> None:
    """The levels of items that follow one another, in place, by how far they are indented."""
    lefts: list[float] = []
    last: Element | None = None
    for element in elements:
        if element.kind != "list_item":
            last = None
            continue
        x = element.box.x1
        if last is None or element.box.y1 < last.box.y1 or abs(x - last.box.x1) > _DEEPEST * em:
            lefts = [x]  # a list of its own, or the next column
        else:
            while lefts and x < lefts[-1] - 0.6 * em:
                lefts.pop()
            if not lefts or x > lefts[-1] + 0.8 * em:
                lefts.append(x)
        element.level = len(lefts)
        last = element
