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

MOST, MOST_OF_NUMBER = 0.6, 0.75
"""Share of a word's characters that makes it said as a whole; 17 is not 177."""


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
        """Characters of it that must be found: of a few all, of a line half."""
        return self.size if self.size <= 3 else -(-self.size * 7 // 10) if self.size < 16 else -(-self.size // 2)


class Piece(NamedTuple):
    """What a word says of a part: so many characters, in this box."""

    word: int
    size: int
    box: BBox


class Text:
    """Words squashed and put together as ``text``. ``owner``: for each character its word; ``first``, ``length``:
    where a word starts in it, and how long it is there."""

    def __init__(self, words: Iterable[str]) -> None:
        self.owner: list[int] = []
        self.first: list[int] = []
        self.length: list[int] = []
        texts = []
        for index, word in enumerate(words):
            text = squash(word)
            self.first.append(len(self.owner))
            self.length.append(len(text))
            self.owner += [index] * len(text)
            texts.append(text)
        self.text = "".join(texts)


class Seen(Text):
    """The text that ``words`` with boxes say. ``edges``: where words start in it, and its end."""

    def __init__(self, words: Sequence[Word]) -> None:
        super().__init__(word.text for word in words)
        self.words = words
        self.edges = frozenset((*self.first, len(self.text)))

    def shared(self, where: Sequence[int], parts: Iterable[Part]) -> frozenset[int]:
        """The words that more than one part says something of."""
        claims: Counter[int] = Counter()
        for part in parts:
            of_part = Counter([self.owner[p] for p in where[part.start : part.stop] if p >= 0])
            claims.update(word for word, n in of_part.items() if n >= min(2, self.length[word]))
        return frozenset(word for word, n in claims.items() if n > 1)

    def pieces(self, said: Text, where: Sequence[int], part: Part, shared: frozenset[int]) -> list[Piece]:
        """The words, or what of them, that say something of a part; without those hit by chance.

        A word is hit by chance if most of it says nothing and it says less than most of a word of the part.
        """
        hits: dict[int, list[int]] = {}
        whole_words = _most_found(said, where, part)
        for at in range(part.start, part.stop):
            if where[at] >= 0:
                hits.setdefault(self.owner[where[at]], []).append(at)
        found = []
        for word, hit in hits.items():
            places = [where[at] - self.first[word] for at in hit]
            low, high, length = min(places), max(places) + 1, self.length[word]
            text = self.text[self.first[word] : self.first[word] + length]
            whole = len(hit) >= length * (MOST if text.isalpha() else MOST_OF_NUMBER)
            if not whole:
                spoken = {said.owner[at] for at in hit}
                if len(hit) < MOST * sum(said.length[w] for w in spoken) or high - low > 1.5 * len(hit):
                    continue
                if any(text[edge - 1 : edge + 1].isdigit() for edge in (low, high) if 0 < edge < length):
                    continue  # a number is not cut
            elif not any(said.owner[at] in whole_words for at in hit):
                continue
            box = self.words[word].box
            found.append(
                Piece(word, len(hit), box if whole and word not in shared else _cut(box, low / length, high / length))
            )
        return found


def _most_found(said: Text, where: Sequence[int], part: Part) -> set[int]:
    """The words of a part that are found by half or more."""
    hits = Counter([said.owner[at] for at in range(part.start, part.stop) if where[at] >= 0])
    return {word for word, n in hits.items() if 2 * n >= said.length[word]}


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
