"""Tables that rules show: grids of lines, and rows of text between horizontal rules.

Rules that touch belong together; so do horizontal rules one above the other when what stands
between them is set in columns. Each group of rules is a candidate; the grid that its text makes
decides whether it is a table.
"""

from __future__ import annotations

from itertools import pairwise

from docparse.engines.embedded.figures import CAPTION
from docparse.engines.embedded.rules import Rule, Rules
from docparse.engines.embedded.segments import Segment, rows_of
from docparse.engines.embedded.tables.columns import chunk_rows
from docparse.engines.embedded.tables.grid import Grid, build_grid
from docparse.geometry import BBox

PROSE_WORDS = 7
"""A chunk of this many words or more reads as running text, not as a table's entry."""


def ruled_tables(
    segments: list[Segment], rules: Rules, drawn: list[BBox], em: float, charts: list[BBox] | None = None
) -> list[Grid]:
    """The tables among the rules of a page, largest first; they do not overlap.

    ``drawn``: boxes of curves and slanted lines. A grid with many of them and little text is a chart.
    ``charts``: boxes around the bars of charts; what holds one is no table.
    """
    found: list[Grid] = []
    for hard in (True, False):
        chosen = Rules(*(tuple(r for r in rs if r.soft is not hard) for rs in (rules.horizontal, rules.vertical)))
        for box in _groups(chosen, segments, em):
            if any(box.overlap(grid.box) > 0.3 * min(box.area, grid.box.area) for grid in found):
                continue
            if any(box.covers(chart, share=0.8) for chart in charts or ()):
                continue
            parts = _parts(box, segments, rules, em)
            if parts != [box] and _is_chart(box, inside(segments, box), drawn):
                continue
            for part in parts:
                grid = _table(part, segments, rules, em)
                if grid is None:
                    continue
                if not _is_chart(grid.box, [chunk for cell in grid.cells for chunk in cell.chunks], drawn):
                    found.append(grid)
    found.sort(key=lambda g: -g.box.area)
    kept: list[Grid] = []
    for grid in found:
        if not any(grid.box.overlap(other.box) > 0.2 * grid.box.area for other in kept):
            kept.append(grid)
    return kept


def inside(segments: list[Segment], box: BBox) -> list[Segment]:
    """What of the segments stands in ``box``, by the middle of each word."""
    found = []
    for segment in segments:
        if segment.box.x2 < box.x1 or segment.box.x1 > box.x2 or segment.box.y2 < box.y1 or segment.box.y1 > box.y2:
            continue
        words = [w for w in segment.words if box.contains(*w.box.center)]
        if len(words) == len(segment.words):
            found.append(segment)
        elif words:
            found.append(segment.cut(words))
    return found


def _groups(rules: Rules, segments: list[Segment], em: float) -> list[BBox]:
    """Boxes of rules that belong together."""
    across, down = list(rules.horizontal), list(rules.vertical)
    parent = list(range(len(across) + len(down)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    slack = 0.5 * em
    for j, v in enumerate(down):
        for i, h in enumerate(across):
            if v.start - slack <= h.at <= v.stop + slack and h.start - slack <= v.at <= h.stop + slack:
                parent[root(len(across) + j)] = root(i)
    for i, upper in enumerate(across):
        for k in range(i + 1, len(across)):
            lower = across[k]
            shared = min(upper.stop, lower.stop) - max(upper.start, lower.start)
            if shared < 0.5 * min(upper.length, lower.length) or shared < 4 * em:
                continue
            if root(i) != root(k) and _columnar(upper, lower, segments, em):
                parent[root(k)] = root(i)
            if shared >= 0.7 * upper.length:
                break  # what lies further down is that rule's affair
    boxes: dict[int, list[BBox]] = {}
    sizes: dict[int, tuple[int, int]] = {}
    for i, h in enumerate(across):
        boxes.setdefault(root(i), []).append(BBox(h.start, h.at, h.stop, h.at))
        n, m = sizes.get(root(i), (0, 0))
        sizes[root(i)] = (n + 1, m)
    for j, v in enumerate(down):
        key = root(len(across) + j)
        boxes.setdefault(key, []).append(BBox(v.at, v.start, v.at, v.stop))
        n, m = sizes.get(key, (0, 0))
        sizes[key] = (n, m + 1)
    joined = [BBox.around(parts) for key, parts in boxes.items() if sizes[key][0] + sizes[key][1] >= 2]
    return sorted((b for b in joined if b.width > 4 * em and b.height > 1.2 * em), key=lambda b: -b.area)


TITLE = 1.3
"""How many times larger than its table the print of a title is."""
BLANK = 3.0
"""Ems of nothing between two rows that make two tables of one, unless a vertical rule runs on."""


def _parts(box: BBox, segments: list[Segment], rules: Rules, em: float) -> list[BBox]:
    """A group of rules cut at wide blank stretches and at the titles of further tables.

    Parts without a rule between their rows are none.
    """
    own = inside(segments, box.grown(0.3 * em))
    across = [r.at for r in rules.horizontal if r.covers(box.x1, box.x2, 0.5)]
    parts: list[list[BBox]] = []
    title = -1.0  # where the title of a second table begins; it ends at the rule below it
    for texts in rows_of(own):
        row = BBox.around(s.box for s in texts)
        if parts and _names_a_table(texts, em) and any(at < row.y1 + 1 for at in across):
            end = max(at for at in across if at < row.y1 + 1)  # notes to the first one may follow its last rule
            parts[-1] = [r for r in parts[-1] if r.center[1] < end]
            title = row.y1
        if title >= 0 and not any(title < at < row.center[1] for at in across):
            continue
        bottom = max((b.y2 for b in parts[-1]), default=row.y1) if parts else row.y1
        blank = row.y1 - bottom > BLANK * _size(own, em)
        crossed = any(v.start < bottom and v.stop > row.y1 for v in rules.vertical if box.x1 <= v.at <= box.x2)
        if not parts or title >= 0 or (blank and not crossed):
            parts.append([])
        title = -1.0
        parts[-1].append(row)
    parts = [part for part in parts if part]
    if len(parts) < 2:
        return [box]
    found = []
    for part in parts:
        text = BBox.around(part)
        part_box = BBox(box.x1, text.y1 - 0.2 * em, box.x2, text.y2 + 0.2 * em)
        held = rules.inside(text, 0.0)
        if held.vertical or any(text.y1 + 0.5 * em < r.at < text.y2 - 0.5 * em for r in held.horizontal):
            found.append(part_box)
    return found


def _names_a_table(row: list[Segment], em: float) -> bool:
    """Whether a row is the title of a table, or its first line: "Table 3"."""
    text = " ".join(s.text for s in row)
    return CAPTION.match(text) is not None and len(chunk_rows([row], (), em)[0]) == 1


def _columnar(upper: Rule, lower: Rule, segments: list[Segment], em: float) -> bool:
    """Whether the text between two horizontal rules is set in columns."""
    box = BBox.of(min(upper.start, lower.start), upper.at, max(upper.stop, lower.stop), lower.at)
    if box.height < 0.8 * em:
        return True  # a double rule
    rows = chunk_rows(rows_of(inside(segments, box)), (), em)
    if not rows:
        return box.height < 6 * em
    multi = sum(1 for row in rows if len(row) >= 2)
    prose = sum(1 for row in rows if any(c.length >= PROSE_WORDS and c.box.width > 12 * em for c in row))
    if lower.length < 0.5 * upper.length and box.height > 6 * em:
        # The rule over a footnote, with narrow columns of text above it.
        prose = sum(1 for row in rows if sum(c.length >= 3 and c.box.width > 8 * em for c in row) >= 0.5 * len(row))
    return prose <= 0.35 * len(rows) and multi >= 0.5 * len(rows)


def _table(box: BBox, segments: list[Segment], rules: Rules, em: float) -> Grid | None:
    """The table in ``box``, if its text makes one."""
    box = box.grown(0.3 * em)
    own = inside(segments, box)
    if len(own) < 2:
        return None
    size = _size(own, em)
    rows = rows_of(own)
    while len(rows) > 2 and _is_title(rows[0], size) and _leading(rows) > 0.5 * size:
        rows = rows[1:]  # a title over a rule is no row of the table below
        box = BBox(box.x1, min(s.box.y1 for s in rows[0]) - 0.3 * em, box.x2, box.y2)
    grid = build_grid(rows, rules.inside(box, 0.5 * em), box, size)
    return grid if grid is not None and plausible(grid) else None


def _is_title(row: list[Segment], size: float) -> bool:
    """Whether a row is one line of large print, not the headings of columns."""
    large = min(s.size for s in row)
    gaps = [b.box.x1 - a.box.x2 for a, b in pairwise(row)]
    return large >= TITLE * size and all(gap < 1.5 * large for gap in gaps)


def _leading(rows: list[list[Segment]]) -> float:
    """White space between the first two rows."""
    return min(s.box.y1 for s in rows[1]) - max(s.box.y2 for s in rows[0])


def _is_chart(box: BBox, own: list[Segment], drawn: list[BBox]) -> bool:
    text = sum(s.box.area for s in own) / max(box.area, 1.0)
    inside = [d for d in drawn if box.covers(d, share=0.8)]
    paths = len(inside)
    curves = sum(1 for d in inside if 0.3 * box.width < d.width < 0.95 * box.width and d.height > 0.03 * box.height)
    if curves >= 2 and text < 0.3:
        return True
    return text < 0.03 or (paths >= 6 and text < 0.2) or (paths >= 40 and text < 0.35)


def _size(own: list[Segment], em: float) -> float:
    sizes = sorted(s.size for s in own for _ in s.words)
    return sizes[len(sizes) // 2] if sizes else em


def plausible(grid: Grid) -> bool:
    """Whether a grid reads as a table: enough cells, most of them filled, not just boxed prose."""
    if grid.rows < 2 or grid.cols < 2 or grid.filled < 4:
        return False
    columns = {c for cell in grid.cells if cell.chunks for c in range(cell.col, cell.col + cell.colspan)}
    single = {cell.col for cell in grid.cells if cell.chunks and cell.colspan == 1}
    if len(columns) < 2 or len(single) < 2:
        return False
    if grid.filled < 0.25 * len(grid.cells):
        return False
    words = sorted(sum(chunk.length for chunk in cell.chunks) for cell in grid.cells if cell.chunks)
    if not grid.ruled and grid.cols <= 3 and sum(1 for n in words if n >= 6) > 0.5 * len(words):
        return False  # columns of prose between two rules
    # Two boxes side by side with a page of text in each are a layout, not a table.
    return not (grid.rows <= 3 and words[len(words) // 2] > 60)
