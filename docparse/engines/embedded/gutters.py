"""Gutters: tall stretches of white space with text on both sides, and lines that respect them.

A gutter between two columns of prose orders the page; one between the columns of a table does not.
Both keep the text on either side from being joined into one line. Found bottom-up: gaps between
horizontal neighbours, stacked while nothing stands in the way (compare Breuel, "Two geometric
algorithms for layout analysis", 2002, who finds the same rectangles top-down).
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from docparse.engines.embedded.segments import Segment, is_marker, is_value, rows_of

MIN_GAP = 0.7
"""Ems: the narrowest gutter."""


@dataclass(slots=True)
class Gutter:
    """White space between ``x1`` and ``x2`` beside text from ``y1`` to ``y2``."""

    x1: float
    x2: float
    y1: float
    y2: float
    left: list[Segment]
    right: list[Segment]

    @property
    def count(self) -> int:
        """How many gaps it is made of."""
        return len(self.left)

    def prose(self, em: float) -> bool:
        """Whether the text on both sides reads as running text rather than as entries."""
        return _prose_share(self.left, em) >= 0.5 and _prose_share(self.right, em) >= 0.5


def _prose_share(side: list[Segment], em: float) -> float:
    lines = {id(s): s for s in side}.values()
    long = sum(1 for s in lines if (s.length >= 4 or s.box.width >= 12 * em) and not s.numeric)
    return long / max(len(lines), 1)


def find_gutters(segments: list[Segment], em: float) -> list[Gutter]:
    """The gutters among segments, those of at least two gaps, top to bottom."""
    items = sorted(segments, key=lambda s: s.box.y1)
    tops = [s.box.y1 for s in items]
    tall = max((s.box.height for s in items), default=0.0)
    found: list[Gutter] = []
    open_: list[Gutter] = []
    gaps: list[tuple[float, Segment, Segment]] = []
    for _i, segment in enumerate(items):
        near = _right_neighbour(segment, items, tops, tall)
        if near is not None and near.box.x1 - segment.box.x2 >= MIN_GAP * em:
            gaps.append((min(segment.box.y1, near.box.y1), segment, near))
    gaps.sort(key=lambda g: g[0])
    for top, left, right in gaps:
        x1, x2 = left.box.x2, right.box.x1
        bottom = max(left.box.y2, right.box.y2)
        best: Gutter | None = None
        for gutter in open_:
            a, b = max(gutter.x1, x1), min(gutter.x2, x2)
            if (
                b - a >= MIN_GAP * em
                and (best is None or b - a > min(best.x2, x2) - max(best.x1, x1))
                and _clear(a, b, gutter.y2, top, items, tops, tall)
            ):
                best = gutter
        if best is None:
            best = Gutter(x1, x2, top, bottom, [], [])
            open_.append(best)
        best.x1, best.x2 = max(best.x1, x1), min(best.x2, x2)
        best.y2 = max(best.y2, bottom)
        best.left.append(left)
        best.right.append(right)
    found = [g for g in open_ if g.count >= 2]
    found.sort(key=lambda g: (g.y1, g.x1))
    return found


def _right_neighbour(segment: Segment, items: list[Segment], tops: list[float], tall: float) -> Segment | None:
    """The nearest segment to the right that shares some of its height."""
    y1, y2, x = segment.box.y1, segment.box.y2, segment.box.x2
    best: Segment | None = None
    for i in range(bisect_left(tops, y1 - tall), len(items)):
        other = items[i]
        if other.box.y1 >= y2:
            break
        if other is segment or other.box.x1 < x - 1:
            continue
        shared = min(y2, other.box.y2) - max(y1, other.box.y1)
        if shared >= 0.3 * min(segment.box.height, other.box.height) and (best is None or other.box.x1 < best.box.x1):
            best = other
    return best


def _clear(x1: float, x2: float, y1: float, y2: float, items: list[Segment], tops: list[float], tall: float) -> bool:
    """Whether no segment stands between ``x1`` and ``x2`` in the rows from ``y1`` to ``y2``."""
    if y2 <= y1:
        return True
    for i in range(bisect_left(tops, y1 - tall), len(items)):
        box = items[i].box
        if box.y1 >= y2:
            return True
        if box.y2 > y1 + 1 and box.y1 < y2 - 1 and min(box.x2, x2) - max(box.x1, x1) > 0:
            return False
    return True


def lines_of(segments: list[Segment], gutters: list[Gutter], em: float) -> list[Segment]:
    """Segments of one baseline joined into lines, except across gutters and very wide gaps.

    A label and the value far to its right ("Total ... 7.00") are one line all the same.
    """
    done: list[Segment] = []
    prose = [g for g in gutters if g.prose(em)]
    for row in rows_of(segments):
        line = row[0]
        for k, segment in enumerate(row[1:], 1):
            gap = segment.box.x1 - line.box.x2
            size = max(line.size, segment.size)
            marker = len(line.words) == 1 and gap <= 4 * size and is_marker(line.text)
            alone = k + 1 == len(row) or row[k + 1].box.x1 - segment.box.x2 > 2.5 * size
            value = (
                alone
                and (segment.numeric or is_value(segment.text))
                and not line.numeric
                and line.length <= 6
                and not _in_gutter(line, segment, prose)
            )
            if (
                marker
                or value
                or (alone and gap <= 12 * size and _labels(line, segment) and not _in_gutter(line, segment, prose))
                or (gap <= 2.5 * size and not (gap >= MIN_GAP * em and _in_gutter(line, segment, gutters)))
            ):
                small = line.size < 0.8 * segment.size
                line = line.cut([*line.words, *segment.words], segment.baseline if small else line.baseline)
            else:
                done.append(line)
                line = segment
        done.append(line)
    return done


def _labels(line: Segment, segment: Segment) -> bool:
    """Whether a line is the label of what stands to its right: "Due Date:      Jan 31, 2022"."""
    ends = (":", "：")
    return line.text.endswith(ends) and line.length <= 4 and segment.length <= 6 and not segment.text.endswith(ends)


def _in_gutter(left: Segment, right: Segment, gutters: list[Gutter]) -> bool:
    y = (max(left.box.y1, right.box.y1) + min(left.box.y2, right.box.y2)) / 2
    a, b = left.box.x2, right.box.x1
    return any(g.y1 <= y <= g.y2 and min(g.x2, b) - max(g.x1, a) > 0 for g in gutters)
