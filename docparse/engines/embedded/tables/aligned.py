"""Tables without rules: runs of rows whose entries line up in columns."""

from __future__ import annotations

import re
from statistics import median

from docparse.engines.embedded.gutters import Gutter, find_gutters
from docparse.engines.embedded.rules import Rules
from docparse.engines.embedded.segments import BULLETS, Segment, is_value, rows_of
from docparse.engines.embedded.tables.columns import Row, chunk_rows
from docparse.engines.embedded.tables.grid import Grid, build_grid
from docparse.engines.embedded.tables.ruled import PROSE_WORDS, plausible
from docparse.geometry import BBox

_LEADERS = re.compile(r"(?:\.\s?){4,}|…{2,}|_{4,}")
_MARKER = re.compile(r"\(?(?:\d{1,3}(?:\.\d{1,3})*|[a-zA-Z]|[ivx]{1,5})[.):]?$")


def aligned_tables(segments: list[Segment], rules: Rules, em: float) -> list[Grid]:
    """Tables among segments that no rules surround."""
    gutters = [g for g in find_gutters(segments, em) if g.count >= 4 and g.prose(em)]
    found: list[Grid] = []
    for lane in _lanes(segments, gutters):
        rows = chunk_rows(rows_of(lane), (), em, gap=0.9)
        for run in _runs(rows, em):
            grid = _table(run, rules, em)
            if grid is not None:
                found.append(grid)
    return found


def _lanes(segments: list[Segment], gutters: list[Gutter]) -> list[list[Segment]]:
    """Segments by the columns of prose they stand in, so that rows do not reach over a gutter."""
    lanes: dict[tuple[int, ...], list[Segment]] = {}
    for segment in segments:
        x, y = segment.box.center
        key = tuple(i if x < (g.x1 + g.x2) / 2 else -i - 1 for i, g in enumerate(gutters) if g.y1 <= y <= g.y2)
        lanes.setdefault(key, []).append(segment)
    return list(lanes.values())


def _runs(rows: list[Row], em: float) -> list[list[Row]]:
    """Stretches of rows that may be a table: mostly rows of several entries, evenly spaced."""
    runs: list[list[Row]] = []
    run: list[Row] = []
    gaps = 0
    for row in rows:
        box = BBox.around(c.box for c in row)
        if run:
            last = BBox.around(c.box for c in run[-1])
            if box.y1 - last.y2 > 2.2 * em:
                _keep(runs, run)
                run, gaps = [], 0
        if len(row) >= 2 and not _prose(row):
            run.append(row)
            gaps = 0
        elif run and len(row) == 1 and row[0].length <= PROSE_WORDS and gaps < 2:
            run.append(row)  # a wrapped entry, or a heading between rows
            gaps += 1
        else:
            _keep(runs, run)
            run, gaps = [], 0
    _keep(runs, run)
    return runs


def _keep(runs: list[list[Row]], run: list[Row]) -> None:
    while run and len(run[-1]) < 2:
        run.pop()
    while run and len(run[0]) < 2:
        run = run[1:]
    if len(run) >= 3:
        runs.append(run)


def _prose(row: Row) -> bool:
    return any(c.length >= PROSE_WORDS for c in row)


def _trimmed(run: list[Row]) -> list[Row]:
    """A run without the lines of text that lead up to its first value, and those after its last.

    Rows without values stay where there are none at all, and one or two as headings on top.
    """
    valued = [i for i, row in enumerate(run) if any(is_value(c.text) or c.numeric for c in row[1:])]
    if not valued:
        return run
    start = valued[0]
    for _ in range(2):
        if start > 0 and len(run[start - 1]) >= 2:
            start -= 1
    return run[start : valued[-1] + 1]


def _table(run: list[Row], rules: Rules, em: float) -> Grid | None:
    run = _trimmed(run)
    if len(run) < 3:
        return None
    box = BBox.around(c.box for row in run for c in row).grown(0.2 * em)
    multi = [row for row in run if len(row) >= 2]
    if len(multi) < 3 or len(multi) < 0.6 * len(run):
        return None
    if _listing(multi) or _leaders(run):
        return None
    grid = build_grid(run, rules.inside(box, 0.3 * em), box, median(s.size for row in run for s in row))
    if grid is None or not plausible(grid) or grid.rows < 3:
        return None
    body = [cell for cell in grid.cells if cell.col > 0]
    filled = [cell for cell in body if cell.chunks]
    values = sum(1 for cell in filled if all(c.numeric or is_value(c.text) for c in cell.chunks))
    full = len(filled) / max(len(body), 1)
    if values >= 0.4 * len(filled) and full >= 0.4 and len(filled) >= 3:
        return grid
    if grid.rows < 4:
        return None  # three lines of justified text beside an address stand in columns too
    words = [sum(c.length for c in cell.chunks) for cell in grid.cells if cell.chunks]
    long = sum(1 for n in words if n >= 5)
    return grid if grid.cols >= 3 and full >= 0.6 and median(words) <= 3 and long <= 0.2 * len(words) else None


def _listing(rows: list[Row]) -> bool:
    """Whether the first column is only bullets or numbers: a list with its marks set apart."""
    marks = sum(1 for row in rows if len(row) == 2 and (row[0].text in BULLETS or _MARKER.match(row[0].text)))
    return marks >= 0.6 * len(rows)


def _leaders(rows: list[Row]) -> bool:
    """Whether rows run on dots to a page number: a table of contents."""
    return sum(1 for row in rows if any(_LEADERS.search(c.text) for c in row)) >= 0.5 * len(rows)
