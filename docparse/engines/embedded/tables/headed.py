"""Tables led by a row of column headings: invoices, statements, price lists.

They may have no rules, one row only, entries of many lines, and sums below; what holds them
together is that everything stands under its heading.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from docparse.engines.embedded.segments import Segment, is_value, rows_of
from docparse.engines.embedded.tables.columns import Row, chunk_rows
from docparse.engines.embedded.tables.grid import Grid, GridCell
from docparse.engines.embedded.tables.ruled import PROSE_WORDS, plausible
from docparse.geometry import BBox

HEADING_WORDS = 4
"""Words that a column heading has at most, on one line."""
REACH = 4.0
"""Ems of white space that end a table."""


@dataclass(slots=True)
class _Column:
    """A heading and the entries under it."""

    x1: float
    x2: float
    head: Segment
    lefts: list[float] = field(default_factory=list)
    """Left edges of entries that are text: further lines of an entry start there again."""
    rights: list[float] = field(default_factory=list)
    """Right edges of values: sums stand flush with them."""

    def add(self, chunk: Segment, *, value: bool) -> None:
        self.x1, self.x2 = min(self.x1, chunk.box.x1), max(self.x2, chunk.box.x2)
        if value:
            self.rights.append(chunk.box.x2)
        else:
            self.lefts.append(chunk.box.x1)


@dataclass(frozen=True, slots=True)
class _Row:
    """A text row of the table: what it is, and the column of each of its chunks where that is known."""

    kind: Literal["entries", "more", "sum", "title"]
    chunks: Row
    homes: list[int] = field(default_factory=list)


def headed_tables(segments: list[Segment], em: float) -> list[Grid]:
    """Tables among segments that begin with a row of three or more headings, top to bottom."""
    rows = chunk_rows(rows_of(segments), (), em, gap=0.9)
    found: list[Grid] = []
    i = 0
    while i + 1 < len(rows):
        stop = i + 1
        if _is_heading(rows[i]):
            table = _Table(rows, i, em)
            if table.grow():
                grid = table.grid()
                if grid is not None:
                    found.append(grid)
                    stop = table.stop
        i = stop
    return found


def preferred(headed: list[Grid], others: list[Grid]) -> tuple[list[Grid], list[Grid]]:
    """Which headed tables stand, and which others stand beside them.

    Where they overlap, the headed one wins if it takes the other in and says clearly more.
    """
    chosen: list[Grid] = []
    left = list(others)
    for grid in headed:
        rivals = [g for g in left if g.box.overlap(grid.box) > 0.05 * min(g.box.area, grid.box.area)]
        inside = all(grid.box.grown(2).overlap(g.box) >= 0.8 * g.box.area for g in rivals)
        if rivals and (not inside or grid.filled < 1.25 * sum(g.filled for g in rivals)):
            continue
        chosen.append(grid)
        left = [g for g in left if not any(g is r for r in rivals)]
    return chosen, left


def _is_heading(row: Row) -> bool:
    return (
        len(row) >= 3
        and all(c.length <= HEADING_WORDS for c in row)
        and not any(is_value(c.text) or (c.text[-1:] in ".:;" and c.length > 1) for c in row)
        and sum(1 for c in row if any(ch.isalpha() for ch in c.text)) >= 0.6 * len(row)
    )


class _Table:
    """A table that grows downwards from its headings, row by row."""

    def __init__(self, rows: list[Row], first: int, em: float) -> None:
        self.rows, self.em = rows, em
        self.start = first
        self.stop = first + 1
        self.columns = [_Column(c.box.x1, c.box.x2, c) for c in rows[first]]
        self.heading: list[Row] = [rows[first]]
        self.taken: list[_Row] = []
        self.full = 0

    def grow(self) -> bool:
        """Take the rows that stand under the headings; whether they make a table."""
        last = self._take_heading()
        bottom = max(c.box.y2 for row in self.heading for c in row)
        waiting: list[_Row] = []
        valued = strange = 0
        open_ = False
        for k in range(last + 1, len(self.rows)):
            row = self.rows[k]
            top = min(c.box.y1 for c in row)
            if top - bottom > REACH * self.em or (valued and self._starts_anew(row)):
                break
            bottom = max(c.box.y2 for c in row)
            gap = top - max((c.box.y2 for c in self.rows[k - 1]), default=top)
            homes = self._homes(row)
            found: _Row | None = None
            if homes is not None and self._entries(row, homes):
                for chunk, home in zip(row, homes, strict=True):
                    self.columns[home].add(chunk, value=is_value(chunk.text))
                valued += 1
                self.full = max(self.full, len(set(homes)))
                found, open_ = _Row("entries", row, homes), True
            elif valued and self._sum(row):
                found, open_ = _Row("sum", row), False
            elif open_ and len(row) == 1 and is_value(row[0].text) and homes and gap < 0.2 * self.em:
                found = _Row("more", row, homes)  # a value of the row above, set a little lower
            elif self._goes_on(row, valued):
                starts = self._starts(row)
                if open_ and not waiting and gap < 0.9 * max(c.size for c in row) and starts[0] in self._filled():
                    found = _Row("more", row, starts)
            else:
                strange += 1
                if strange > 1:
                    break
            if found is None:
                waiting.append(_Row("title", row))
                continue
            self.taken += [*waiting, found]
            waiting, strange = [], 0
            self.stop = k + 1
        return self.full >= max(3, round(0.5 * len(self.columns)))

    def _filled(self) -> set[int]:
        """The columns that the last row of entries fills."""
        return set(next((row.homes for row in reversed(self.taken) if row.kind == "entries"), ()))

    def _starts_anew(self, row: Row) -> bool:
        """Whether a row is the headings of the next table."""
        return _is_heading(row) and len(row) >= 0.6 * len(self.columns) and row[0].bold

    def _take_heading(self) -> int:
        """Take the rows right above and below the headings that are further lines of them.

        Returns the last row taken. What stands between two headings is a heading of its own.
        """
        last = self.start
        for step in (-1, 1):
            k = self.start + step
            edge = BBox.around(c.box for c in self.rows[self.start])
            while 0 <= k < len(self.rows) and abs(k - self.start) <= 4:
                row = self.rows[k]
                box = BBox.around(c.box for c in row)
                gap = edge.y1 - box.y2 if step < 0 else box.y1 - edge.y2
                over = [self._over(c.box) for c in row]
                if (
                    gap > 0.5 * self.em
                    or any(len(o) > 1 for o in over)
                    or any(c.length > HEADING_WORDS or is_value(c.text) for c in row)
                ):
                    break
                for chunk, columns in zip(row, over, strict=True):
                    if not columns:
                        self.columns.append(_Column(chunk.box.x1, chunk.box.x2, chunk))
                self.columns.sort(key=lambda c: c.head.box.x1)
                self.heading.insert(0 if step < 0 else len(self.heading), row)
                edge = edge.union(box)
                last = max(last, k)
                k += step
        return last

    def _over(self, box: BBox) -> list[int]:
        """The columns whose headings a box stands under or over, the best one first."""
        shares = [
            (min(box.x2, c.head.box.x2) - max(box.x1, c.head.box.x1)) / min(box.width, c.head.box.width)
            for c in self.columns
        ]
        return sorted((i for i, share in enumerate(shares) if share > 0.15), key=lambda i: -shares[i])

    def _homes(self, row: Row) -> list[int] | None:
        """The column of each chunk; None where two share one or one stands under no heading."""
        homes: list[int] = []
        for chunk in row:
            box = chunk.box
            over = self._over(box)
            if len(over) > 1:
                # Entries are wider than their headings: then they begin where the heading does,
                # or the other heading has an entry of its own.
                flush = [i for i in over if abs(box.x1 - self.columns[i].head.box.x1) < 0.7 * self.em]
                own = [i for i in over if not any(c is not chunk and i in self._over(c.box)[:1] for c in row)]
                over = flush or own
                if len(over) != 1:
                    return None
            if not over:
                near = min(range(len(self.columns)), key=lambda i: self._off(box, i))
                if self._off(box, near) > 4 * self.em:
                    return None
                over = [near]
            homes.append(over[0])
        if len(set(homes)) < len(homes) and self._split(row, homes):
            return self._homes(row)
        return homes if len(set(homes)) == len(homes) else None

    def _split(self, row: Row, homes: list[int]) -> bool:
        """Part a heading of several words that has two entries under it: it was two headings."""
        for i in range(len(row) - 1):
            column = self.columns[homes[i]]
            if homes[i] != homes[i + 1] or len(column.head.words) < 2 or column.lefts or column.rights:
                continue
            middle = (row[i].box.x2 + row[i + 1].box.x1) / 2
            left = [w for w in column.head.words if w.box.center[0] <= middle]
            right = column.head.words[len(left) :]
            if not left or not right:
                continue
            parts = [column.head.cut(left), column.head.cut(right)]
            at = homes[i]
            self.columns[at : at + 1] = [_Column(p.box.x1, p.box.x2, p) for p in parts]
            for line in self.heading:
                if column.head in line:
                    k = line.index(column.head)
                    line[k : k + 1] = parts
            return True
        return False

    def _off(self, box: BBox, i: int) -> float:
        column = self.columns[i]
        return max(column.x1 - box.x2, box.x1 - column.x2, 0.0)

    def _entries(self, row: Row, homes: list[int]) -> bool:
        """Whether a row fills columns: two or more, and with a value beyond the first."""
        if len(row) < 2 or any(c.length >= 2 * PROSE_WORDS for c in row):
            return False
        values = [(c.box, h) for c, h in zip(row, homes, strict=True) if is_value(c.text) and h > 0]
        return any(not self.columns[h].rights or self._flush(box, self.columns[h]) for box, h in values)

    def _flush(self, box: BBox, column: _Column) -> bool:
        """Whether a value is set as the others of its column are, at the left, the right or the decimal point."""
        slack = 0.8 * self.em
        return (
            any(abs(box.x2 - x) < slack for x in column.rights)
            or abs(box.x1 - column.x1) < slack
            or abs(box.center[0] - column.head.box.center[0]) < 2 * self.em
        )

    def _sum(self, row: Row) -> bool:
        """Whether a row ends with a value flush with the values of the last columns."""
        last = row[-1]
        words = last.words
        ends = is_value(last.text) or is_value(words[-1].text)
        rights = [x for c in self.columns[-2:] for x in c.rights]
        return ends and len(row) <= 3 and any(abs(last.box.x2 - x) < 0.8 * self.em for x in rights)

    def _goes_on(self, row: Row, valued: int) -> bool:
        """Whether a row is a further line of an entry, or a title between rows."""
        first = row[0]
        starts = [x for c in self.columns for x in (*c.lefts, c.head.box.x1)]
        if not any(abs(first.box.x1 - x) < 0.7 * self.em for x in starts):
            return False
        if first.length >= 2 * PROSE_WORDS:
            return False
        return len(row) == 1 or valued > 0

    def _starts(self, row: Row) -> list[int]:
        """The column of each chunk of a further line: where text starts, else that of the chunk before."""
        homes: list[int] = []
        for chunk in row:
            off = [min(abs(chunk.box.x1 - x) for x in (*c.lefts, c.head.box.x1)) for c in self.columns]
            near = min(range(len(off)), key=off.__getitem__)
            homes.append(near if off[near] < 0.7 * self.em or not homes else homes[-1])
        return homes

    def grid(self) -> Grid | None:
        """The cells: one row for the headings, one for each entry with its further lines, title or sum."""
        lines: list[dict[tuple[int, int], list[Segment]]] = [{}]
        for line in self.heading:
            for chunk in line:
                home = (self._over(chunk.box) or [0])[0]
                lines[0].setdefault((home, home), []).append(chunk)
        for row in self.taken:
            if row.kind in ("entries", "more"):
                if row.kind == "entries":
                    lines.append({})
                for chunk, home in zip(row.chunks, row.homes, strict=True):
                    lines[-1].setdefault((home, home), []).append(chunk)
            elif row.kind == "title":
                lines.append({(0, len(self.columns) - 1): list(row.chunks)})
            else:
                lines.append(self._summed(row.chunks))
        cells = [cell for r, made in enumerate(lines) for cell in self._cells(r, made)]
        box = BBox.around(c.box for cell in cells for c in cell.chunks).grown(0.2 * self.em)
        grid = Grid(box, len(lines), len(self.columns), cells)
        return grid if plausible(grid) else None

    def _summed(self, row: Row) -> dict[tuple[int, int], list[Segment]]:
        """The cells of a sum: its value in the column it is flush with, what it is called before that."""
        chunks = list(row)
        last = chunks.pop()
        k = len(last.words)
        while k > 1 and not last.words[k - 1].text[-1:].isalpha():
            k -= 1  # "Subtotal $ 112.00" is a name and a value
        if k < len(last.words) and last.words[k - 1].text[-1:].isalpha() and k >= 1:
            chunks.append(last.cut(last.words[:k]))
            last = last.cut(last.words[k:])
        at = min(
            range(1, len(self.columns)),
            key=lambda i: min((abs(last.box.x2 - x) for x in self.columns[i].rights), default=1e9),
        )
        cells: dict[tuple[int, int], list[Segment]] = {(at, at): [last]}
        for chunk in chunks:
            inside = [
                i for i, c in enumerate(self.columns[:at]) if min(chunk.box.x2, c.x2) - max(chunk.box.x1, c.x1) > 0
            ]
            if not inside:
                inside = [min(range(at), key=lambda i: self._off(chunk.box, i))]
            cells.setdefault((inside[0], inside[-1]), []).append(chunk)
        return cells

    def _cells(self, r: int, line: dict[tuple[int, int], list[Segment]]) -> list[GridCell]:
        """A row of cells, with empty ones where there is nothing."""
        made: list[GridCell] = []
        at = 0
        for (a, b), chunks in sorted(line.items()):
            if made and a < at:
                made[-1].chunks += chunks
                extra = max(b + 1 - at, 0)
                made[-1].colspan += extra
                at += extra
                continue
            made += [GridCell(r, c, header=r == 0) for c in range(at, a)]
            made.append(GridCell(r, a, 1, b - a + 1, sorted(chunks, key=lambda s: (s.baseline, s.box.x1)), r == 0))
            at = b + 1
        return made + [GridCell(r, c, header=r == 0) for c in range(at, len(self.columns))]
