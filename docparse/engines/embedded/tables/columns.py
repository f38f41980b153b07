"""Columns of a table: the vertical lines, drawn or of white space, that its cells keep clear of."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from docparse.engines.embedded.rules import Rule
from docparse.engines.embedded.segments import BULLETS, Segment
from docparse.geometry import BBox
from docparse.textlayer import Word

Row = list[Segment]
"""Chunks of one text row, left to right: the candidates for cells."""

CELL_GAP = 0.55
"""Ems of white space that split a row into chunks."""
OCR_GAP = 1.6
"""The same inside one line of an OCR: it finds cells by itself, and places words only roughly."""


MONO_GAP = 1.0
"""The same in a monospaced font, whose single space is 0.6 em wide."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column from ``left`` to ``right`` (separator to separator); its text spans ``x1`` to ``x2``."""

    left: float
    right: float
    x1: float
    x2: float

    @property
    def center(self) -> float:
        return (self.x1 + self.x2) / 2


def chunk_rows(rows: list[Row], vertical: tuple[Rule, ...], em: float, *, gap: float = CELL_GAP) -> list[Row]:
    """Text rows with their words regrouped into chunks: cut at gaps and at vertical rules."""
    ats = [rule.at for rule in vertical]
    done: list[Row] = []
    for row in rows:
        words = sorted((word for segment in row for word in segment.words), key=lambda w: w.box.x1)
        home = {id(word): segment for segment in row for word in segment.words}
        chunks: Row = []
        group = [words[0]]
        reach = words[0].box.x2
        for word in words[1:]:
            # A small size needs a small gap: footnote tables are set tighter than the page's body.
            size = home[id(word)].size
            wide = max(gap, MONO_GAP) if _mono(word) else gap
            if group[-1].text in BULLETS:
                wide = 3.0
            elif word.confidence is not None and home[id(word)] is home[id(group[-1])]:
                wide = max(gap, OCR_GAP)
            cut = word.box.x1 - reach > wide * size
            if not cut and ats:
                middle = (word.box.y1 + word.box.y2) / 2
                at = bisect_right(ats, word.box.x1 + 0.15 * size) - 1
                while at >= 0 and ats[at] >= reach - 0.15 * size:
                    if vertical[at].start <= middle <= vertical[at].stop:
                        cut = True
                        break
                    at -= 1
            if cut:
                chunks.append(home[id(group[0])].cut(group))
                group = []
            group.append(word)
            reach = max(reach, word.box.x2) if not cut else word.box.x2
        chunks.append(home[id(group[0])].cut(group))
        done.append(chunks)
    return done


def _mono(word: Word) -> bool:
    return bool(word.parts) and word.parts[0][1].mono


def spanning(rows: list[Row], em: float) -> set[int]:
    """ids of chunks that lie over two or more chunks of several other rows: headings over columns."""
    centers = [[(c.box.x1 + c.box.x2) / 2 for c in row] for row in rows]
    multi = sum(1 for row in rows if len(row) > 1)
    needed = 1 if multi <= 3 else max(2, round(0.12 * multi))
    found: set[int] = set()
    for i, row in enumerate(rows):
        for chunk in row:
            low, high = chunk.box.x1 - 0.1 * em, chunk.box.x2 + 0.1 * em
            over = 0
            for j, other in enumerate(centers):
                if j != i and sum(1 for x in other if low <= x <= high) >= 2:
                    over += 1
                    if over >= needed:
                        found.add(id(chunk))
                        break
    return found


def separators(rows: list[Row], spans: set[int], em: float) -> list[float]:
    """x positions that part the columns, by white space alone.

    A separator is a stretch of x that (nearly) no chunk covers, spanning ones aside, and in which at
    least two rows have a gap between two of their chunks.
    """
    edges: set[float] = set()
    covers: list[tuple[float, float]] = []
    gaps: list[tuple[float, float]] = []
    for row in rows:
        plain = [c for c in row if id(c) not in spans]
        for chunk in plain:
            covers.append((chunk.box.x1, chunk.box.x2))
            edges.update((chunk.box.x1, chunk.box.x2))
        for left, right in zip(row, row[1:], strict=False):
            gaps.append((left.box.x2, right.box.x1))
            edges.update((left.box.x2, right.box.x1))
    marks = sorted(edges)
    if len(marks) < 2:
        return []
    place = {x: i for i, x in enumerate(marks)}
    cover = [0] * len(marks)
    votes = [0] * len(marks)
    for counts, spansx in ((cover, covers), (votes, gaps)):
        for a, b in spansx:
            if a < b:
                counts[place[a]] += 1
                counts[place[b]] -= 1
    multi = sum(1 for row in rows if len(row) > 1)
    needed = 2 if multi > 2 else 1
    found: list[tuple[float, float]] = []
    run: list[tuple[float, float, int]] = []
    c = v = 0
    for i in range(len(marks) - 1):
        c += cover[i]
        v += votes[i]
        if v >= needed and c <= (0.15 * v if v >= 10 else v >= 5):
            run.append((marks[i], marks[i + 1], v))
        elif run:
            found.append(_best(run))
            run = []
    if run:
        found.append(_best(run))
    return [x for x, width in sorted(found) if width >= 0.2 * em]


def _best(run: list[tuple[float, float, int]]) -> tuple[float, float]:
    """The middle of the part of a run where most rows agree, and the width of that part."""
    top = max(v for _, _, v in run)
    part = [(a, b) for a, b, v in run if v >= 0.8 * top]
    # The first contiguous stretch of the best part.
    a, b = part[0]
    for next_a, next_b in part[1:]:
        if next_a > b:
            break
        b = next_b
    return (a + b) / 2, b - a


def find_columns(rows: list[Row], vertical: tuple[Rule, ...], box: BBox, em: float) -> list[Column]:
    """The columns of a table. ``rows`` hold chunks; ``vertical`` are its drawn rules, if any."""
    spans = spanning(rows, em)
    height = max(box.height, 1.0)
    hard = [r.at for r in _collinear(vertical, em) if r.length >= 0.25 * height and box.x1 + em < r.at < box.x2 - em]
    soft = separators(rows, spans, em)
    if hard:
        soft = [x for x in soft if _worth(x, hard, rows, spans, box, em)]
    cuts = sorted(hard + soft)
    kept: list[float] = []
    for x in cuts:
        if kept and x - kept[-1] < 0.6 * em:
            # A drawn rule and the white space around it are one separator; the rule knows better.
            if x in hard:
                kept[-1] = x
            continue
        kept.append(x)
    bounds = [box.x1, *kept, box.x2]
    columns: list[Column] = []
    for left, right in zip(bounds, bounds[1:], strict=False):
        own = [
            c
            for row in rows
            for c in row
            if id(c) not in spans and c.box.x1 >= left - 0.5 * em and c.box.x2 <= right + 0.5 * em
        ]
        if own:
            columns.append(Column(left, right, min(c.box.x1 for c in own), max(c.box.x2 for c in own)))
        elif _drawn(left, vertical, em) and _drawn(right, vertical, em) and right - left >= 1.5 * em:
            columns.append(Column(left, right, left, right))  # a ruled column without text
        elif columns:
            columns[-1] = Column(columns[-1].left, right, columns[-1].x1, columns[-1].x2)
    return columns


def _drawn(x: float, vertical: tuple[Rule, ...], em: float) -> bool:
    return any(abs(r.at - x) <= 0.5 * em for r in vertical)


def _collinear(rules: tuple[Rule, ...], em: float) -> list[Rule]:
    """Rules at one x as one, its length the sum of the pieces."""
    done: list[Rule] = []
    for rule in sorted(rules, key=lambda r: r.at):
        if done and rule.at - done[-1].at <= 0.3 * em:
            last = done[-1]
            done[-1] = Rule(last.at, last.start, last.start + last.length + rule.length)
        else:
            done.append(rule)
    return done


def _worth(x: float, hard: list[float], rows: list[Row], spans: set[int], box: BBox, em: float) -> bool:
    """Whether white space inside a drawn column is a column border too: most of its rows must say so."""
    left = max([h for h in hard if h <= x], default=box.x1)
    right = min([h for h in hard if h > x], default=box.x2)
    if x - left < 0.5 * em or right - x < 0.5 * em:
        return False
    both = filled = 0
    for row in rows:
        own = [c for c in row if id(c) not in spans and left <= (c.box.x1 + c.box.x2) / 2 <= right]
        if own:
            filled += 1
            both += any(c.box.x2 <= x for c in own) and any(c.box.x1 >= x for c in own)
    return both >= 3 and both >= 0.5 * filled
