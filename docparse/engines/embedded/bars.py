"""Bar charts by their bars: filled rectangles that stand on one line and differ in length."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise

from docparse.engines.embedded.rules import WHITE
from docparse.engines.embedded.segments import Segment
from docparse.geometry import BBox
from docparse.textlayer import Shape

FEWEST = 3
"""Bars that make a chart, of at least as many lengths less one."""


def bar_charts(shapes: Iterable[Shape], segments: list[Segment], em: float) -> list[BBox]:
    """The boxes around the bars of each chart. Shaded rows of tables are no bars: they bear text."""
    bars = [s.box for s in shapes if s.kind == "rect" and s.fill not in (None, WHITE) and _thick(s.box, em)]
    found: list[BBox] = []
    for upright in (True, False):
        lines: dict[int, list[BBox]] = defaultdict(list)
        for bar in bars:
            lines[round((bar.y2 if upright else bar.x1) / 2)].append(bar)
        for own in lines.values():
            box = _chart(own, upright=upright)
            if box is not None and not _written(own, segments, upright=upright):
                found.append(box)
    return [b for b in found if not any(o is not b and o.area > b.area and o.covers(b, share=0.8) for o in found)]


def _thick(box: BBox, em: float) -> bool:
    return min(box.width, box.height) >= 0.3 * em


def _chart(bars: list[BBox], *, upright: bool) -> BBox | None:
    """The box around bars on one line, if they are alike in thickness and differ in length."""
    if len(bars) < FEWEST:
        return None
    across = sorted(b.width if upright else b.height for b in bars)
    usual = across[len(across) // 2]
    alike = [b for b in bars if abs((b.width if upright else b.height) - usual) <= 0.2 * usual]
    lengths = sorted({round((b.height if upright else b.width) / 2) for b in alike})
    apart = {round((b.x1 if upright else b.y1) / 2) for b in alike}
    gaps = [b - a - usual for a, b in pairwise(sorted(b.x1 if upright else b.y1 for b in alike))]
    if sum(gap > 3 * usual for gap in gaps) > 0.5 * len(gaps):
        return None  # edges of cards that stand far apart
    if len(alike) < FEWEST or len(lengths) < FEWEST - 1 or len(apart) < FEWEST or lengths[-1] < 1.15 * lengths[0]:
        return None
    return BBox.around(alike)


def _written(bars: list[BBox], segments: list[Segment], *, upright: bool) -> bool:
    """Whether the bars are cells of a table or fields of a form: they bear words, or are alike in length."""
    inside = [[s for s in segments if bar.covers(s.box, share=0.7)] for bar in bars]
    bearing = sum(bool(own) for own in inside)
    worded = sum(any(sum(c.isalpha() for c in s.text) >= 4 for s in own) for own in inside)
    lengths = {round((bar.height if upright else bar.width) / 2) for bar in bars}
    return worded >= 0.3 * len(bars) or (bearing >= 0.5 * len(bars) and len(lengths) < 0.6 * len(bars))
