"""Which text rows are one table row, and which are headings over several columns.

A ``Layer`` is one row of the finished grid. Where rules part the rows, they decide; where none do, a
new value in a column of numbers starts a row, and a wrapped line of text does not.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

from docparse.engines.embedded.rules import Rule, Rules
from docparse.engines.embedded.segments import Segment
from docparse.engines.embedded.tables.columns import Column, Row
from docparse.geometry import BBox


@dataclass(slots=True)
class Layout:
    """What is known of a table before its rows: text rows in chunks, and the columns they cover."""

    rows: list[Row]
    columns: list[Column]
    reach: list[list[tuple[int, int]]]
    rules: Rules
    box: BBox
    em: float

    def filled(self, r: int) -> set[int]:
        """Columns with text in text row ``r``."""
        return {c for a, b in self.reach[r] for c in range(a, b + 1)}

    def baseline(self, r: int) -> float:
        return max(self.rows[r], key=lambda s: s.size).baseline

    def size(self, r: int) -> float:
        return max(s.size for s in self.rows[r])


@dataclass(slots=True)
class Layer:
    """One row of the grid: cells as (first column, last column, chunks)."""

    cells: list[tuple[int, int, list[Segment]]]
    header: bool = False
    open_above: set[int] = field(default_factory=set)
    """Columns in which nothing parts this row from the one above it."""


def layers(layout: Layout) -> list[Layer]:
    """The rows of the grid, top to bottom."""
    n = len(layout.rows)
    ruled = [ruled_columns(layout, r) for r in range(n - 1)]  # between text rows r and r + 1
    n_cols = len(layout.columns)
    ends = {0, n_cols - 1}
    full = [r for r in range(n - 1) if len(ruled[r]) >= 0.8 * n_cols and ends <= ruled[r]]
    header = _header_rows(layout, full)
    starts, opens = _starts(layout, ruled, full, header)
    made: list[Layer] = []
    for i, start in enumerate(starts):
        stop = starts[i + 1] if i + 1 < len(starts) else n
        cells: dict[tuple[int, int], list[Segment]] = {}
        for r in range(start, stop):
            for chunk, span in zip(layout.rows[r], layout.reach[r], strict=True):
                cells.setdefault(span, []).append(chunk)
        made.append(Layer(_disjoint(cells), header=start < header, open_above=opens.get(start, set())))
    _spread_headings(layout, made, starts)
    return made


def _disjoint(cells: dict[tuple[int, int], list[Segment]]) -> list[tuple[int, int, list[Segment]]]:
    """Spans that overlap, which come of several text rows, as one."""
    done: list[tuple[int, int, list[Segment]]] = []
    for (a, b), chunks in sorted(cells.items()):
        if done and a <= done[-1][1]:
            first, last, got = done[-1]
            done[-1] = (first, max(last, b), got + chunks)
        else:
            done.append((a, b, list(chunks)))
    return done


def _between(layout: Layout, r: int, below: int | None = None) -> list[Rule]:
    """Horizontal rules between text rows ``r`` and ``below``, by default the next one."""
    below = r + 1 if below is None else below
    top = layout.baseline(r) - 0.15 * layout.size(r)
    bottom = layout.baseline(below) - 0.35 * layout.size(below)
    return [rule for rule in layout.rules.horizontal if top <= rule.at <= bottom]


def ruled_columns(layout: Layout, r: int, below: int | None = None) -> set[int]:
    """Columns that a rule parts between text rows ``r`` and ``below``, by default the next one."""
    rules = _between(layout, r, below)
    if not rules:
        return set()
    found = set()
    for c, column in enumerate(layout.columns):
        low = max(column.left, min(column.x1, column.right))
        high = min(column.right, max(column.x2, column.left))
        if high - low < 1:
            low, high = column.left, column.right
        covered = sum(max(0.0, min(rule.stop, high) - max(rule.start, low)) for rule in rules)
        if covered >= 0.6 * (high - low):
            found.add(c)
    return found


def _header_rows(layout: Layout, full: list[int]) -> int:
    """How many text rows, from the top, are headings."""
    n = len(layout.rows)
    values = [sum(1 for c in row if c.numeric and not _year(c.text)) for row in layout.rows]
    first_value = next(
        (r for r in range(n) if values[r] >= 1 and values[r] >= 0.4 * max(len(layout.rows[r]) - 1, 1)), n
    )
    near = full and full[0] < min(4, n // 2) and (len(full) == 1 or full[1] - full[0] > 2)
    if near and first_value <= full[0] + 1:
        return full[0] + 1  # one rule near the top, the next one far away: it closes the heading
    if full and full[0] + 1 <= max(first_value, 1) and full[0] + 1 < n:
        # The last full rule that still stands above the first row of values, if it is near the top.
        above = [r + 1 for r in full if r + 1 <= first_value]
        if len(full) > 3 and len(above) > 2:
            return above[0]  # every row is ruled: the first band is the heading
        return above[-1] if above and above[-1] <= max(6, 0.3 * n) else above[0] if above else 0
    if first_value < n:
        if all(row_bold(layout.rows[r]) for r in range(first_value)):
            return first_value
        return min(first_value, 6) if first_value <= 0.4 * n else 0
    bold = next((r for r in range(n) if not row_bold(layout.rows[r])), n)
    return bold if bold < n else 0


def row_bold(row: Row) -> bool:
    return all(chunk.bold for chunk in row)


def _year(text: str) -> bool:
    return len(text) == 4 and text.isdigit() and text[:2] in ("18", "19", "20")


def _starts(
    layout: Layout, ruled: list[set[int]], full: list[int], header: int
) -> tuple[list[int], dict[int, set[int]]]:
    """Text rows that begin a table row, and for each the columns open to the row above."""
    n, n_cols = len(layout.rows), len(layout.columns)
    body_gaps = [r for r in range(n - 1) if r + 1 >= max(header, 1)]
    row_ruled = len([r for r in full if r + 1 > header]) >= 0.45 * max(len(body_gaps), 1) and len(full) >= 2
    lattice = _is_lattice(layout, full)
    # Hardly a gap without a rule: then the columns a rule leaves out are meant to be one cell.
    ruled_out = sum(1 for r in body_gaps if ruled[r]) >= 0.8 * len(body_gaps) > 2
    row_ruled = row_ruled or lattice
    pitch_limit = _pitch_limit(layout, header)
    single = _single(layout, header, full, row_ruled=row_ruled)
    starts, opens = [0], {}
    for r in range(1, n):
        parted = ruled[r - 1]
        if r - 1 in full:
            starts.append(r)
            if len(parted) < n_cols:
                opens[r] = _open_columns(layout, r, starts[-2], parted, row_ruled)
            continue
        if parted and lattice:
            starts.append(r)
            opens[r] = set(range(n_cols)) - parted
            continue
        if r < header:
            if parted or _heading_above(layout, starts[-1], r):
                starts.append(r)
                opens[r] = set(range(n_cols)) - parted if parted else _uncovered(layout, starts[-2], r)
            continue
        if r == header:
            starts.append(r)
            continue
        new = _is_new_row(layout, starts[-1], r, row_ruled=row_ruled, pitch_limit=pitch_limit)
        if parted and (new or row_ruled or len(parted) >= 2):
            starts.append(r)
            opens[r] = _open_columns(
                layout, r, starts[-2], parted, row_ruled or ruled_out or bool(layout.rules.vertical)
            )
        elif new:
            starts.append(r)
            opens[r] = single[r]
    return starts, opens


def _is_lattice(layout: Layout, full: list[int]) -> bool:
    """Whether drawn rules alone make the grid: one between every two columns, and two or more across."""
    if len(full) < 2 or len(layout.columns) < 2:
        return False
    for column in layout.columns[1:]:
        drawn = sum(r.length for r in layout.rules.vertical if abs(r.at - column.left) <= 0.5 * layout.em)
        if drawn < 0.5 * layout.box.height:
            return False
    return True


def _single(layout: Layout, header: int, full: list[int], *, row_ruled: bool) -> list[set[int]]:
    """For each text row, the columns in which the ruled band around it has only one text.

    Such a text belongs to all rows of its band. Where rules part every row anyway, one band is
    enough to say so; else the same column must be single in two bands, at the left of the table:
    groups of rows with a label, not a column that happens to be sparse.
    """
    n = len(layout.rows)
    edges = [0, *[f + 1 for f in full], n]
    bands = [(a, b) for a, b in pairwise(edges) if b - a >= 2 and a >= header]
    found: list[set[int]] = [set() for _ in range(n)]
    votes: Counter[int] = Counter()
    singles = []
    for a, b in bands:
        counts = Counter(c for k in range(a, b) for c in layout.filled(k))
        single = {c for c in counts if counts[c] == 1} if max(counts.values(), default=0) > 1 else set()
        singles.append(single)
        votes.update(single)
    for (a, b), single in zip(bands, singles, strict=True):
        kept = single if row_ruled else {c for c in single if c <= 1 and votes[c] >= 2}
        for k in range(a + 1, b):
            found[k] = kept
    return found


def _open_columns(layout: Layout, r: int, above: int, parted: set[int], rules_speak: bool) -> set[int]:
    """Columns without a rule above text row ``r`` in which the cell goes on from the row above."""
    if not rules_speak:
        return set()
    here = layout.filled(r)
    gone = set(range(len(layout.columns))) - parted
    # A rule over a subtotal leaves out the stub; a cell over several rows is empty in all but one.
    return {c for c in gone if c not in here or not any(c in layout.filled(k) for k in range(above, r))}


def _heading_above(layout: Layout, start: int, r: int) -> bool:
    """Whether a heading row above ``r`` spans columns that have headings of their own in ``r``."""
    here = layout.reach[r]
    for k in range(start, r):
        for a, b in layout.reach[k]:
            if b > a and sum(1 for c, d in here if c >= a and d <= b) >= 2:
                return True
    return False


def _uncovered(layout: Layout, start: int, r: int) -> set[int]:
    """Columns not under a spanning heading between text rows ``start`` and ``r``."""
    covered = {c for k in range(start, r) for a, b in layout.reach[k] if b > a for c in range(a, b + 1)}
    return set(range(len(layout.columns))) - covered


def _pitch_limit(layout: Layout, header: int) -> float | None:
    """Baseline distance below which a row is a wrapped line; None where rows are evenly spaced."""
    sure = [
        layout.baseline(r) - layout.baseline(r - 1)
        for r in range(max(header, 0) + 1, len(layout.rows))
        if _new_value(layout, r - 1, r - 1, r)
    ]
    if len(sure) < 2:
        return None
    return 0.85 * sorted(sure)[len(sure) // 4]


def _new_value(layout: Layout, start: int, last: int, r: int) -> bool:
    """Whether text row ``r`` puts a value into a column that rows ``start``..``last`` filled already."""
    before = {
        span[0]
        for k in range(start, last + 1)
        for chunk, span in zip(layout.rows[k], layout.reach[k], strict=True)
        if chunk.numeric
    }
    return any(
        chunk.numeric and span[0] in before and span[0] > 0
        for chunk, span in zip(layout.rows[r], layout.reach[r], strict=True)
    )


_GOES_ON = ("-", "–", ",", "/", "&", " and", " or", " of", " the", " in", " for", " to", " with", " by", "(")


def _is_new_row(layout: Layout, start: int, r: int, *, row_ruled: bool, pitch_limit: float | None) -> bool:
    """Whether text row ``r`` begins a table row, given that the current one began at ``start``."""
    if _new_value(layout, start, r - 1, r):
        return True
    pitch = layout.baseline(r) - layout.baseline(r - 1)
    here = layout.filled(r)
    before = {c for k in range(start, r) for c in layout.filled(k)}
    if pitch < 0.8 * min(layout.size(r), layout.size(r - 1)):
        return False  # the lines overlap: a cell of two lines beside a value at its middle
    if row_ruled:
        return False
    if pitch > 2.2 * layout.size(r):
        return True
    texts = [(chunk, span[0]) for chunk, span in zip(layout.rows[r], layout.reach[r], strict=True)]
    last_texts = {
        span[0]: chunk for k in range(start, r) for chunk, span in zip(layout.rows[k], layout.reach[k], strict=True)
    }
    if pitch_limit is not None and pitch < pitch_limit:
        return False
    goes_on = [
        chunk.text[:1].islower() or (c in last_texts and last_texts[c].text.lower().endswith(_GOES_ON))
        for chunk, c in texts
        if not chunk.numeric
    ]
    has_values = any(chunk.numeric for chunk, _ in texts)
    if goes_on and all(goes_on) and here <= before and not has_values:
        return False
    # "Premature mortality (years of" / "potential life lost ...   7108.3": the values come with the last line.
    first = layout.rows[start]
    return not (
        has_values
        and goes_on
        and goes_on[0]
        and texts[0][1] == 0
        and len(first) == 1
        and layout.reach[start][0] == (0, 0)
        and all(len(layout.rows[k]) == 1 for k in range(start, r))
        and texts[0][0].text[:1].islower()
    )


def _spread_headings(layout: Layout, made: list[Layer], starts: list[int]) -> None:
    """Widen headings to the columns they stand over, where a rule or their centring says so."""
    for i in range(len(made) - 1):
        if not made[i].header or not made[i + 1].header:
            continue
        below = made[i + 1]
        taken = {c for a, b, _ in made[i].cells for c in range(a, b + 1)}
        under = {c for a, b, _ in below.cells for c in range(a, b + 1)}
        rules = _between(layout, starts[i + 1] - 1)
        spread: list[tuple[int, int, list[Segment]]] = []
        for a, b, chunks in made[i].cells:
            own = set(range(a, b + 1))
            low, high = (
                _by_verticals(layout, chunks, a, b)
                or _by_rule(layout, chunks, rules)
                or _by_centre(layout, chunks, a, b, under, taken)
            )
            others = taken - own
            while low < a and not others.isdisjoint(range(low, a)):
                low += 1
            while high > b and not others.isdisjoint(range(b + 1, high + 1)):
                high -= 1
            spread.append((min(low, a), max(high, b), chunks))
            taken |= set(range(min(low, a), max(high, b) + 1))
        made[i].cells = spread
        below.open_above -= {c for a, b, _ in spread if b > a for c in range(a, b + 1)}


def _by_verticals(layout: Layout, chunks: list[Segment], a: int, b: int) -> tuple[int, int] | None:
    """The columns between the vertical rules on either side of a heading, where such are drawn."""
    box = BBox.around(chunk.box for chunk in chunks)
    y = box.center[1]
    ats = [rule.at for rule in layout.rules.vertical if rule.start <= y <= rule.stop]
    inner = [at for at in ats if layout.box.x1 + layout.em < at < layout.box.x2 - layout.em]
    if not inner:
        return None
    left = max([at for at in inner if at <= box.x1 + 0.3 * layout.em], default=layout.box.x1)
    right = min([at for at in inner if at >= box.x2 - 0.3 * layout.em], default=layout.box.x2)
    hit = [c for c, column in enumerate(layout.columns) if left <= (column.left + column.right) / 2 <= right]
    return (min(hit[0], a), max(hit[-1], b)) if hit else None


def _by_rule(layout: Layout, chunks: list[Segment], rules: list[Rule]) -> tuple[int, int] | None:
    """The columns over which the rule under a heading runs."""
    box = BBox.around(chunk.box for chunk in chunks)
    x = box.center[0]
    rule = next((r for r in rules if r.start <= x <= r.stop), None)
    if rule is None or rule.length >= 0.95 * layout.box.width:
        return None
    hit = [
        c for c, column in enumerate(layout.columns) if rule.start - layout.em <= column.center <= rule.stop + layout.em
    ]
    return (hit[0], hit[-1]) if hit else None


def _by_centre(
    layout: Layout, chunks: list[Segment], a: int, b: int, under: set[int], taken: set[int]
) -> tuple[int, int]:
    """The columns around a heading that would put it in their middle."""
    x = BBox.around(chunk.box for chunk in chunks).center[0]
    best, low, high = abs((layout.columns[a].x1 + layout.columns[b].x2) / 2 - x), a, b
    own = set(range(a, b + 1))
    lo = a
    while lo >= 0 and (lo in own or (lo not in taken and lo in under)):
        hi = b
        while hi < len(layout.columns) and (hi in own or (hi not in taken and hi in under)):
            off = abs((layout.columns[lo].x1 + layout.columns[hi].x2) / 2 - x)
            if off < best - 0.5 * layout.em:
                best, low, high = off, lo, hi
            hi += 1
        lo -= 1
    return low, high
