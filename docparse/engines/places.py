"""The words seen on a page as one text, and the box of those of its characters that say something.

A box is that of whole words, but of a part of a word where another text has the rest of it ("Total:12.00" in two
cells). Words that stand apart from the others are left out, so that one number found in a wrong place does not
draw a box over half the page. Boxes in pixels of the page image, origin top left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

from docparse.engines.matching import squash
from docparse.geometry import BBox
from docparse.textlayer import Word

MOST = 0.6
"""Share of a word's characters that makes it said as a whole."""
RUN = 4
"""Characters of a longer word that are more than chance."""


@dataclass(slots=True)
class Part:
    """A text that has a box of its own: that of block ``block``, or of its cell or item of that index.

    ``start``, ``stop``: its characters in all that was said. ``within``: where it must stand.
    ``words``: indexes of the words that say it, ``found``: how many of its characters they say.
    """

    block: int
    cell: int = -1
    item: int = -1
    start: int = 0
    stop: int = 0
    within: BBox | None = None
    box: BBox | None = None
    found: int = 0
    words: frozenset[int] = field(default_factory=frozenset)

    @property
    def size(self) -> int:
        return self.stop - self.start

    @property
    def enough(self) -> int:
        """Characters of it that must be found: of a few all, of many half."""
        return self.size if self.size <= 3 else -(-self.size * 7 // 10) if self.size < 8 else -(-self.size // 2)


class Piece(NamedTuple):
    """What a word says of a part: so many characters, in this box."""

    word: int
    size: int
    box: BBox


class Seen:
    """``text``: what the words say, squashed and put together. ``owner``: for each character its word."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.words = words
        self.owner: list[int] = []
        self.first: list[int] = []
        self.length: list[int] = []
        texts = []
        for index, word in enumerate(words):
            text = squash(word.text)
            self.first.append(len(self.owner))
            self.length.append(len(text))
            self.owner += [index] * len(text)
            texts.append(text)
        self.text = "".join(texts)

    def starts(self, at: int) -> bool:
        """Whether a word starts at character ``at``, or the text ends there."""
        return at == len(self.text) or self.first[self.owner[at]] == at

    def shared(self, where: Sequence[int], parts: Iterable[Part]) -> frozenset[int]:
        """The words that more than one part says something of."""
        claims: Counter[int] = Counter()
        for part in parts:
            of_part = Counter([self.owner[p] for p in where[part.start : part.stop] if p >= 0])
            claims.update(word for word, n in of_part.items() if n >= min(2, self.length[word]))
        return frozenset(word for word, n in claims.items() if n > 1)

    def pieces(self, places: Iterable[int], shared: frozenset[int]) -> list[Piece]:
        """The words, or what of them, that the characters at ``places`` are; without those hit by chance."""
        by_word: dict[int, list[int]] = {}
        for place in places:
            if place >= 0:
                by_word.setdefault(self.owner[place], []).append(place)
        found = []
        for word, hit in by_word.items():
            low, high, length = min(hit) - self.first[word], max(hit) + 1 - self.first[word], self.length[word]
            whole = len(hit) >= MOST * length
            if word in shared or not whole:
                if not whole and (len(hit) < RUN or high - low > 1.5 * len(hit)) and word not in shared:
                    continue
                found.append(Piece(word, len(hit), _cut(self.words[word].box, low / length, high / length)))
            else:
                found.append(Piece(word, len(hit), self.words[word].box))
        return found


def _cut(box: BBox, start: float, stop: float) -> BBox:
    """From ``start`` to ``stop`` of a word's length, as if all its letters had one width."""
    if box.height > 1.5 * box.width:
        return BBox(box.x1, box.y1 + start * box.height, box.x2, box.y1 + stop * box.height)
    return BBox(box.x1 + start * box.width, box.y1, box.x1 + stop * box.width, box.y2)


def together(pieces: Sequence[Piece]) -> list[Piece]:
    """Of pieces in the order they are said in, those that stand together and say the most.

    A paragraph that goes on in the next column has the box of its larger part: one around both would lie
    over what stands between, and no box would say less than there is to say.
    """
    if len(pieces) < 2:
        return list(pieces)
    upright = sum(p.size if p.box.height <= 1.5 * p.box.width or p.size == 1 else -p.size for p in pieces) >= 0
    boxes = [p.box if upright else _transposed(p.box) for p in pieces]
    step = median(box.height for box in boxes)
    runs: list[list[int]] = [[0]]
    for i in range(1, len(pieces)):
        if _jumps(boxes[runs[-1][-1]], boxes[i], step):
            runs.append([])
        runs[-1].append(i)
    if len(runs) == 1:
        return list(pieces)
    groups = [(BBox.around(boxes[i] for i in run), run) for run in runs]
    joined = True
    while joined and len(groups) > 1:
        joined = False
        for i, (box, run) in enumerate(groups):
            near = next((j for j in range(i + 1, len(groups)) if _near(box, groups[j][0], step)), None)
            if near is not None:
                other, more = groups.pop(near)
                groups[i] = (box.union(other), run + more)
                joined = True
                break
    best = max(groups, key=lambda group: sum(pieces[i].size for i in group[1]))
    return [pieces[i] for i in sorted(best[1])]


def _transposed(box: BBox) -> BBox:
    return BBox(box.y1, box.x1, box.y2, box.x2)


def _jumps(one: BBox, other: BBox, step: float) -> bool:
    """Whether nobody reads on from ``one`` to ``other`` in the same column."""
    return other.y2 < one.y1 - 0.5 * step or other.y1 > one.y2 + 1.5 * step


def _near(one: BBox, other: BBox, step: float) -> bool:
    """Whether two stretches of words belong to one column: below each other, or one is a line beside the other."""
    across = min(one.x2, other.x2) - max(one.x1, other.x1)
    down = min(one.y2, other.y2) - max(one.y1, other.y1)
    if across > 0:
        return down > -1.5 * step
    return down > 0 and across > -3 * step and min(one.height, other.height) <= 2 * step
