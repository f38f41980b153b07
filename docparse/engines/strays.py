"""Texts that their neighbours in the reading did not lead to: cells of a table that is stored column by column,
a number that stands there ten times, a line whose letters were misread.

Each is looked for in what is left of the page. Among several places a cell takes the one in its row and column,
anything else the one nearest to what is said before and after it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from docparse.document import Block
from docparse.engines.matching import common
from docparse.engines.places import Part, Seen, Text
from docparse.geometry import BBox

CANDIDATES = 200
"""Places of one text that are looked at."""
LONG = 8
"""Characters from which on a text may begin or end inside of a word, and be found in spite of misread letters."""
GRAM = 4
ALIKE, ALIKE_LONG = 0.75, 0.6
"""Share of a text's characters that must be found, in order, where some are misread; of a longer text less."""
NEARBY = 60
"""Characters from its neighbours at which a text of one or two characters is still believed."""
AROUND = 2.5
"""Heights of a line above and below a box in which the rest of its text may stand."""
CLEARLY = 0.3
"""By how much one place must fit better than the next, for as long as more may become known."""
AWAY = 1.5
"""Heights of a line that a cell may be away from its row or column."""


class Search:
    """Looks for parts among the characters of ``seen`` that are free; ``where`` is filled in."""

    def __init__(
        self, said: Text, seen: Seen, where: list[int], parts: Sequence[Part], blocks: Sequence[Block]
    ) -> None:
        self._said, self._seen, self._where, self._parts, self._blocks = said, seen, where, parts, blocks
        self._free = bytearray(b"\1") * len(seen.text)
        for place in where:
            if place >= 0:
                self._free[place] = 0
        self._grams: dict[str, list[int]] | None = None
        self._line = median(w.box.height for w in seen.words)
        self._placed = [i for i, part in enumerate(parts) if part.box is not None]
        self._tables: dict[int, list[Part]] = {}
        for part in parts:
            if part.cell >= 0:
                self._tables.setdefault(part.block, []).append(part)

    def find(self, index: int, *, sure: bool) -> bool:
        """Whether part ``index`` was found; then ``where`` says so. ``sure``: only if no other place is as good."""
        part = self._parts[index]
        text = self._said.text[part.start : part.stop]
        exact = [(at, self._box(range(at, at + len(text)))) for at in self._exact(text)]
        exact = [(at, box) for at, box in exact if part.within is None or part.within.contains(*box.center)]
        alone = len(exact) == 1
        costs = sorted((self._cost(index, at, box, alone=alone), at) for at, box in exact)
        if costs and costs[0][0] < 1:
            if sure and not alone and costs[1][0] < costs[0][0] + CLEARLY:
                return False
            self._take(part.start, enumerate(range(costs[0][1], costs[0][1] + len(text))))
            return True
        return len(text) >= LONG and self._similar(part, text)

    def _exact(self, text: str) -> Iterator[int]:
        at = self._seen.text.find(text)
        tries = 0
        while at >= 0 and tries < CANDIDATES:
            tries += 1
            stop = at + len(text)
            whole = len(text) >= LONG or (at in self._seen.edges and stop in self._seen.edges)
            if whole and all(self._free[at:stop]):
                yield at
            at = self._seen.text.find(text, at + 1)

    def _box(self, places: range) -> BBox:
        words = dict.fromkeys(self._seen.owner[p] for p in places)
        return BBox.around(self._seen.words[w].box for w in words)

    def _take(self, start: int, pairs: Iterable[tuple[int, int]]) -> None:
        for offset, place in pairs:
            self._where[start + offset] = place
            self._free[place] = 0

    def complete(self, index: int) -> bool:
        """Whether more was found of a part that has a box: words beside it or in the lines around."""
        part = self._parts[index]
        assert part.box is not None
        around = part.box.grown(2 * self._line, AROUND * self._line)
        found = False
        for start, stop in self._missing(part):
            text = self._said.text[start:stop]
            places = [(at, self._box(range(at, at + len(text)))) for at in self._exact(text)]
            near = [(at, box) for at, box in places if around.covers(box, share=0.5)]
            if near:
                at, _ = min(near, key=lambda place: _gap(part.box or place[1], place[1]))
                self._take(start, enumerate(range(at, at + len(text))))
                found = True
        return found

    def _missing(self, part: Part) -> Iterator[tuple[int, int]]:
        """Stretches of words of which nothing was found."""
        first = None
        at = part.start
        while at < part.stop:
            end = at + self._said.length[self._said.owner[at]]
            if all(self._where[i] < 0 for i in range(at, end)):
                first = at if first is None else first
            elif first is not None:
                yield first, at
                first = None
            at = end
        if first is not None:
            yield first, part.stop

    # ------------------------------------------------------------------- which of several places

    def _cost(self, index: int, at: int, box: BBox, *, alone: bool) -> float:
        """How badly a place fits, by its surroundings; from 1 on it does not."""
        part = self._parts[index]
        distance = self._distance(index, at)
        if part.cell >= 0 and (off := self._off_grid(part, box)) is not None:
            return off / AWAY + 1e-6 * distance
        size = part.size
        if size >= 12 or (alone and size >= 3) or distance <= NEARBY * (1 if size < 3 else 4):
            return 1e-6 * distance
        if alone and self._blocks[part.block].kind == "page_number":
            return 0.5
        return 1.0

    def _distance(self, index: int, at: int) -> int:
        """Characters between a place and where the neighbours in the reading let it be expected."""
        place = bisect_left(self._placed, index)
        found = [len(self._seen.text)]
        for near in (place - 1, place):
            if 0 <= near < len(self._placed):
                part = self._parts[self._placed[near]]
                known = [p for p in self._where[part.start : part.stop] if p >= 0]
                if known:
                    found.append(abs(at - known[-1] - 1) if near < place else abs(known[0] - at))
        return min(found)

    def _off_grid(self, part: Part, box: BBox) -> float | None:
        """How far a place is from the row and the column of a cell, in heights of a line; None if none is known."""
        cells = self._blocks[part.block].cells
        cell = cells[part.cell]
        mates = [(cells[p.cell], p.box) for p in self._tables[part.block] if p.box is not None and p is not part]
        if not mates:
            return None
        x, y = box.center
        row = [b for c, b in mates if c.row < cell.row + cell.rowspan and cell.row < c.row + c.rowspan]
        above = [b.center[1] for c, b in mates if c.row + c.rowspan <= cell.row]
        below = [b.center[1] for c, b in mates if c.row >= cell.row + cell.rowspan]
        column = [b for c, b in mates if c.col < cell.col + cell.colspan and cell.col < c.col + c.colspan]
        left = [b.center[0] for c, b in mates if c.col + c.colspan <= cell.col]
        right = [b.center[0] for c, b in mates if c.col >= cell.col + cell.colspan]
        off = max(_most(above, y) - y, 0) + max(y + _most([-v for v in below], -y), 0)
        off += max(_most(left, x) - x, 0) + max(x + _most([-v for v in right], -x), 0)
        if row:
            off += max(min(b.y1 for b in row) - y, y - max(b.y2 for b in row), 0)
        if column:  # a word may stand at the other edge of a column than those known, but not in the next
            off += 0.1 * max(min(b.x1 for b in column) - box.x2, box.x1 - max(b.x2 for b in column), 0)
        return off / self._line

    # ------------------------------------------------------------------- in spite of misread letters

    def _similar(self, part: Part, text: str) -> bool:
        """Find a longer text by the stretches of a few letters that it has in common with one place."""
        if self._grams is None:
            self._grams = {}
            for at in range(len(self._seen.text) - GRAM + 1):
                self._grams.setdefault(self._seen.text[at : at + GRAM], []).append(at)
        votes: Counter[int] = Counter()
        width = max(len(text) // 4, 8)
        for offset in range(len(text) - GRAM + 1):
            places = self._grams.get(text[offset : offset + GRAM], ())
            if len(places) <= CANDIDATES:
                votes.update({(p - offset) // width for p in places if self._free[p] and self._free[p + GRAM - 1]})
        if not votes:
            return False
        bucket = max(votes, key=lambda b: (votes[b] + votes[b + 1] + votes[b - 1], -b))
        first = max((bucket - 1) * width, 0)
        last = min((bucket + 2) * width + len(text), len(self._seen.text))
        places = [p for p in range(first, last) if self._free[p]]
        pairs = [
            (said + i, places[there + i])
            for said, there, size in common(text, "".join([self._seen.text[p] for p in places]))
            for i in range(size)
        ]
        if len(pairs) < len(text) * (ALIKE if len(text) < 2 * LONG else ALIKE_LONG):
            return False
        self._take(part.start, pairs)
        return True


def _gap(one: BBox, other: BBox) -> float:
    """How far two boxes are apart, along both axes together."""
    across = max(other.x1 - one.x2, one.x1 - other.x2, 0)
    return across + max(other.y1 - one.y2, one.y1 - other.y2, 0)


def _most(values: list[float], default: float) -> float:
    """The largest, but for one in ten that may be wrong."""
    return sorted(values)[len(values) - 1 - len(values) // 10] if values else default
