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
from docparse.engines.cell_places import AWAY, Frame, frame
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
WORK = 200_000
"""Cells that are compared with each other, at most: about half a second of it. A page of a thousand cells of which
none was found by its neighbours is no page that one would wait for."""


class Search:
    """Looks for parts among the characters of ``seen`` that are free; ``where`` is filled in."""

    def __init__(
        self, said: Text, seen: Seen, where: list[int], parts: Sequence[Part], blocks: Sequence[Block]
    ) -> None:
        self._said, self._seen, self._where, self._parts, self._blocks = said, seen, where, parts, blocks
        self._grams: dict[str, list[int]] | None = None
        self._line = median(w.box.height for w in seen.words)
        self._tables: dict[int, list[Part]] = {}
        for part in parts:
            if part.cell >= 0:
                self._tables.setdefault(part.block, []).append(part)
        self._nowhere: set[int] = set()
        self._work = WORK
        self.begin()

    def begin(self) -> None:
        """Look anew at what is free and what has a place, for another round."""
        self._free = bytearray(b"\1") * len(self._seen.text)
        for place in self._where:
            if place >= 0:
                self._free[place] = 0
        self._placed = [i for i, part in enumerate(self._parts) if part.box is not None]

    def find(self, index: int, *, sure: bool) -> bool:
        """Whether part ``index`` was found; then ``where`` says so. ``sure``: only if no other place is as good."""
        if index in self._nowhere or self._work <= 0:
            return False
        part = self._parts[index]
        text = self._said.text[part.start : part.stop]
        exact = [(at, self._box(range(at, at + len(text)))) for at in self._exact(text)]
        exact = [(at, box) for at, box in exact if part.within is None or part.within.contains(*box.center)]
        costs = sorted(zip(self._costs(index, exact), (at for at, _ in exact), strict=True))
        if costs and costs[0][0] < 1:
            if sure and len(costs) > 1 and costs[1][0] < costs[0][0] + CLEARLY:
                return False
            self._take(part.start, enumerate(range(costs[0][1], costs[0][1] + len(text))))
            return True
        if len(text) >= LONG and self._similar(part, text):
            return True
        if not exact:
            self._nowhere.add(index)
        return False

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

    def _costs(self, index: int, places: Sequence[tuple[int, BBox]]) -> list[float]:
        """How badly each place fits, by its surroundings; from 1 on it does not."""
        part = self._parts[index]
        alone = len(places) == 1
        known = self._frame(part) if part.cell >= 0 and places else None
        costs = []
        for at, box in places:
            distance = self._distance(index, at)
            if known is not None:
                misfit = known.off(box) / (AWAY * self._line)
            elif part.size >= 12 or (alone and part.size >= 3) or distance <= NEARBY * (1 if part.size < 3 else 4):
                misfit = 0.0
            else:
                misfit = 0.5 if alone and self._blocks[part.block].kind == "page_number" else 1.0
            costs.append(misfit + 1e-6 * distance)
        return costs

    def _frame(self, part: Part) -> Frame | None:
        """What the other cells leave to one, if any has a place."""
        cells = self._blocks[part.block].cells
        others = [(cells[p.cell], p.box) for p in self._tables[part.block] if p.box is not None and p is not part]
        self._work -= len(others)
        return frame(cells[part.cell], others) if others else None

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
