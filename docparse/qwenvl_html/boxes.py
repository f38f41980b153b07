"""``data-bbox`` in every form that models write it.

What it is: text to a box and what was odd about it. What it is not: a change of scale. A box stays in
the units it came in; percentages and fractions of the page are therefore no boxes here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from docparse.geometry import BBox

# Nine digits are more than any page has pixels, and few enough for every number type.
_PLAIN = re.compile(r"(-?[0-9]{1,9}) (-?[0-9]{1,9}) (-?[0-9]{1,9}) (-?[0-9]{1,9})")
_NUMBER = re.compile(r"[-+]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][-+]?[0-9]{1,3})?")
_BETWEEN = re.compile(r"(?:[\s,;:=|()\[\]{}<>\"'/]|px|[xyXY][12]?(?=[=:]))*+")
_LONGEST = 400  # characters; a polygon of 40 points is shorter
_LIMIT = 1e9

ATTRIBUTES = ("data-bbox", "bbox", "data-box", "data_bbox", "bbox_2d", "data-bbox-2d", "data-polygon")
"""Names of the attribute, best first."""


class Number(NamedTuple):
    """A number as written: ``text[start:end]``."""

    value: float
    start: int
    end: int


class Box(NamedTuple):
    """A box as written: ``bbox`` is None if it means nothing; ``faults`` are issue codes and messages."""

    bbox: BBox | None
    faults: tuple[tuple[str, str], ...] = ()


def attribute(attributes: Mapping[str, str]) -> str | None:
    """The name under which ``attributes`` give a box, None if they give none."""
    if "data-bbox" in attributes:
        return "data-bbox"
    return next((name for name in ATTRIBUTES if name in attributes), None)


def of(attributes: Mapping[str, str]) -> BBox | None:
    """The box that ``attributes`` give, if it means anything."""
    name = attribute(attributes)
    return parse(attributes[name], polygon=name == "data-polygon").bbox if name else None


def parse(text: str, *, polygon: bool = False) -> Box:
    """The box that ``text`` says. ``polygon``: any number of corners, whose bounds count."""
    match = _PLAIN.fullmatch(text)
    if match and not polygon:
        x1, y1, x2, y2 = int(match[1]), int(match[2]), int(match[3]), int(match[4])
        if x1 <= x2 and y1 <= y2:
            return Box(BBox(x1, y1, x2, y2))
        return _from_numbers([x1, y1, x2, y2])
    return _odd(text, polygon)


def numbers(text: str) -> list[Number] | None:
    """The numbers of ``text``, if there is nothing in it but numbers and what may part them."""
    found, end = _scan(text)
    return found if end == len(text) else None


def places(text: str, *, polygon: bool = False) -> list[Number]:
    """The numbers that make the box of ``text``, x and y in turn; none if it says no box."""
    if match := _PLAIN.fullmatch(text):
        return [Number(int(match[group]), *match.span(group)) for group in (1, 2, 3, 4)]
    return [] if parse(text, polygon=polygon).bbox is None else _scan(text)[0]


def _from_numbers(numbers: list[float], *, polygon: bool = False) -> Box:
    """The box of two corners, of the corners of a polygon, or of two corners said twice."""
    if any(not abs(value) < _LIMIT for value in numbers):  # NaN too
        return _malformed("no page has such coordinates")
    if len(numbers) == 8 and numbers[:4] == numbers[4:]:
        return _from_numbers(numbers[:4])._replace(faults=(("box-format", "the box is written twice"),))
    if len(numbers) == 8 or (polygon and len(numbers) > 4 and len(numbers) % 2 == 0):
        xs, ys = numbers[::2], numbers[1::2]
        return Box(BBox(min(xs), min(ys), max(xs), max(ys)), (("box-format", "a polygon instead of a box"),))
    if len(numbers) != 4:
        return _malformed(f"{len(numbers)} numbers instead of 4")
    x1, y1, x2, y2 = numbers
    if max(numbers) <= 1 and any(value % 1 for value in numbers):
        return _malformed("fractions of the page instead of pixels")
    if x1 <= x2 and y1 <= y2:
        return Box(BBox(x1, y1, x2, y2))
    return Box(BBox.of(x1, y1, x2, y2), (("box-reversed", "the corners are swapped"),))


def _odd(text: str, polygon: bool) -> Box:
    if len(text) > _LONGEST:
        return _malformed("too long")
    found, end = _scan(text)
    if end < len(text):
        return _malformed(f"{text[end : end + 12]!r} is no part of a box")
    box = _from_numbers([number.value for number in found], polygon=polygon)
    if box.faults or box.bbox is None:
        return box
    return Box(box.bbox, (("box-format", "not written as four whole numbers with single spaces"),))


def _scan(text: str) -> tuple[list[Number], int]:
    """The numbers that ``text`` starts with, and where something else begins."""
    found: list[Number] = []
    at = _past_separators(text, 0)
    while match := _NUMBER.match(text, at):
        found.append(Number(float(match[0]), match.start(), match.end()))
        at = _past_separators(text, match.end())
        if at == match.end():  # 12abc, 12-34, 50%
            break
    return found, at


def _past_separators(text: str, at: int) -> int:
    match = _BETWEEN.match(text, at)
    return match.end() if match else at


def _malformed(why: str) -> Box:
    return Box(None, (("box-malformed", why),))
