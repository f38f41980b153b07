"""Two readings of one page: which elements are the same, and what the others say differently.

A pure function of two ``Page``s. Their elements are matched by place, once both are in pixels of the first
page's image (``mapping``), and by text; the text of a pair is compared word by word. What it is not: a judge of
which reading is right.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rapidfuzz.distance import Indel

from docparse.document import VERBATIM, Block, Page
from docparse.geometry import BBox
from docparse.mapping import resized

Kind = Literal["same", "changed", "added", "removed", "moved"]
Mark = Literal["=", "-", "+"]
Piece = tuple[Mark, str]

SAME_PLACE = 0.5
"""Intersection over union from which two elements are one, whatever they say."""
INSIDE = 0.5
"""Share of an element that must lie in a region for it to be compared with a reading of that region."""
ALIKE = 0.5
"""Likeness of text from which elements that share any place are one."""
FAR = 0.8
"""The same for elements that share none."""
FAR_PAIRS = 250_000
"""Pairs that are looked at for those; on a page with more, only equal texts are found."""
MOST_CELLS = 100_000_000
"""Product of the numbers of words above which two texts are not compared word by word: it is the bits it takes."""
MOST_EFFORT = 20_000_000_000
"""Products of the lengths of texts that are compared to find pairs: a few seconds. A page where everything stands on
everything else needs more; its elements are then matched by place, and where their texts are equal."""
PAIR = 5_000
"""What a pair costs beside its texts, in the same unit."""

# A word with the white space behind it; of scripts without spaces, a letter.
_LETTERS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_WORDS = re.compile(rf"[{_LETTERS}]\s*|[^\s{_LETTERS}]+\s*|^\s+")


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one element.

    change      ``same``: nothing but its place by a little; ``moved``: it stands elsewhere on the page or in the
                reading order, and is the same; ``changed``: another text, kind, level, number or table; ``added``,
                ``removed``: in one of the readings only
    block       its id in the first page; None where it was added
    other       its id in the other; None where it was removed
    similarity  0 to 1, of the texts by their characters; 1 only where they are the same; 0 where there is one only
    pieces      of a changed element: its text by words, ``=`` in both, ``-`` in the first, ``+`` in the other only.
                ``=`` and ``-`` together are the first text; ``=`` and ``+`` are the other, but for white space
    """

    change: Kind
    block: str | None
    other: str | None
    similarity: float
    pieces: tuple[Piece, ...] = ()


def compare(page: Page, other: Page, *, region: BBox | None = None) -> tuple[Change, ...]:
    """What is different in ``other``, in the order of ``page``; what was added comes where ``other`` has it.

    ``region``: the part of ``page``, in its pixels, that ``other`` is a reading of; elements of ``page`` that stand
    outside of it are not compared. Pages need not have the same resolution.
    """
    theirs = list(resized(other, page.width, page.height).blocks)
    ours = [block for block in page.blocks if region is None or _within(block, region)]
    pairs = _Matching(ours, theirs).pairs()
    followed = dict(pairs)
    stays = _longest_rise([followed[i] for i in sorted(followed)])
    added: dict[int | None, list[Change]] = defaultdict(list)
    partner = {j: i for i, j in pairs}
    last: int | None = None
    for j, block in enumerate(theirs):
        if j in partner:
            last = partner[j]
        else:
            added[last].append(Change("added", None, block.id, 0.0))
    found = added[None]
    for i, block in enumerate(ours):
        if i in followed:
            found.append(_changed(block, theirs[followed[i]], in_order=followed[i] in stays))
        else:
            found.append(Change("removed", block.id, None, 0.0))
        found += added.get(i, [])
    return tuple(found)


def _within(block: Block, region: BBox) -> bool:
    return block.bbox is not None and region.covers(block.bbox, share=INSIDE)


def _changed(block: Block, other: Block, *, in_order: bool) -> Change:
    alike = _similarity(block.text, other.text)
    if _content(block) != _content(other):
        return Change("changed", block.id, other.id, alike, diff(block.text, other.text))
    elsewhere = block.bbox is not None and other.bbox is not None and not _touching(block.bbox, other.bbox)
    return Change("same" if in_order and not elsewhere else "moved", block.id, other.id, alike)


def _content(block: Block) -> tuple[object, ...]:
    """All that an element says. How it is set (bold, italic) and how sure anybody is of it are not part of that."""
    cells = tuple((c.row, c.col, c.rowspan, c.colspan, c.header, _plain(c.text)) for c in block.cells)
    items = tuple((item.level, item.number, _plain(item.text)) for item in block.items)
    text = block.text if block.kind in VERBATIM else _plain(block.text)
    return block.kind, block.level, block.number, block.notation, text, cells, items


def _plain(text: str) -> str:
    return " ".join(text.split())


def _similarity(text: str, other: str) -> float:
    """0 to 1; 1 only where they are the same, but for white space."""
    text, other = _plain(text), _plain(other)
    if text == other:
        return 1.0
    return math.floor(Indel.normalized_similarity(text, other) * 1e4) / 1e4


# ------------------------------------------------------------------------ words


def diff(text: str, other: str) -> tuple[Piece, ...]:
    """The words of two texts, as ``Change.pieces``; neighbours with one mark are one piece."""
    ours, theirs = _WORDS.findall(text), _WORDS.findall(other)
    pieces: list[Piece] = []

    def add(mark: Mark, words: Iterable[str]) -> None:
        said = "".join(words)
        if not said:
            return
        if pieces and pieces[-1][0] == mark:
            pieces[-1] = (mark, pieces[-1][1] + said)
        elif mark == "-" and pieces and pieces[-1][0] == "+":
            # What goes comes before what comes in its place.
            plus = pieces.pop()
            add("-", [said])
            pieces.append(plus)
        else:
            pieces.append((mark, said))

    for tag, i1, i2, j1, j2 in _steps([w.strip() for w in ours], [w.strip() for w in theirs]):
        if tag == "equal":
            add("=", ours[i1:i2])
        else:
            add("-", ours[i1:i2])
            add("+", theirs[j1:j2])
    return tuple(pieces)


def _steps(ours: list[str], theirs: list[str]) -> Iterator[tuple[str, int, int, int, int]]:
    start = next((k for k, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs)))
    most = min(len(ours), len(theirs)) - start
    end = next((k for k in range(most) if ours[-1 - k] != theirs[-1 - k]), most)
    i, j = len(ours) - end, len(theirs) - end
    yield "equal", 0, start, 0, start
    if (i - start) * (j - start) > MOST_CELLS:
        yield "replace", start, i, start, j
    else:
        for op in Indel.opcodes(ours[start:i], theirs[start:j]):
            yield (
                op.tag,
                op.src_start + start,
                op.src_end + start,
                op.dest_start + start,
                op.dest_end + start,
            )
    yield "equal", i, len(ours), j, len(theirs)


# ------------------------------------------------------------------------ which element is which


class _Matching:
    """Pairs of elements, the likeliest first, each once."""

    def __init__(self, ours: Sequence[Block], theirs: Sequence[Block]) -> None:
        self._ours, self._theirs = ours, theirs
        self._texts = [_plain(block.text) for block in ours], [_plain(block.text) for block in theirs]
        self._free = set(range(len(ours))), set(range(len(theirs)))
        self._found: list[tuple[int, int]] = []
        self._effort = MOST_EFFORT

    def pairs(self) -> list[tuple[int, int]]:
        """(index in ours, index in theirs), in no order."""
        self._take(self._near())
        self._take(self._equal())
        self._take(self._far())
        return self._found

    def _take(self, scored: Iterable[tuple[float, int, int]]) -> None:
        for _, i, j in sorted(scored, key=lambda one: (-one[0], one[1], one[2])):
            if i in self._free[0] and j in self._free[1]:
                self._free[0].remove(i)
                self._free[1].remove(j)
                self._found.append((i, j))

    def _near(self) -> Iterator[tuple[float, int, int]]:
        """Elements that share a place, and are there alone or say much the same."""
        placed = sorted((b.bbox.y1, j) for j, b in enumerate(self._theirs) if b.bbox is not None)
        tops = [y for y, _ in placed]
        tall = max((b.bbox.height for b in self._theirs if b.bbox is not None), default=0.0)
        for i, block in enumerate(self._ours):
            box = block.bbox
            if box is None:
                continue
            start, stop = bisect_left(tops, box.y1 - tall), bisect_left(tops, box.y2 + 1)
            for _, j in placed[start:stop]:
                there = self._theirs[j].bbox
                if there is None or not _touching(box, there):
                    continue
                shared, alike = box.iou(there), self._alike(i, j)
                if shared >= SAME_PLACE or alike >= ALIKE:
                    kin = 0.1 * (block.kind == self._theirs[j].kind)
                    yield shared + alike + kin, i, j

    def _equal(self) -> Iterator[tuple[float, int, int]]:
        """Elements that say the same, wherever they stand; of several the first with the first."""
        where: dict[str, list[int]] = defaultdict(list)
        for j in sorted(self._free[1]):
            if self._texts[1][j]:
                where[self._texts[1][j]].append(j)
        for rank, i in enumerate(sorted(self._free[0])):
            same = where.get(self._texts[0][i])
            if same:
                yield 1 - rank / (len(self._ours) + 1), i, same.pop(0)

    def _far(self) -> Iterator[tuple[float, int, int]]:
        """Elements that say nearly the same, and stand elsewhere."""
        ours, theirs = ([i for i in self._free[k] if len(self._texts[k][i]) >= 8] for k in (0, 1))
        if len(ours) * len(theirs) > FAR_PAIRS:
            return
        for i in ours:
            for j in theirs:
                if (alike := self._alike(i, j, least=FAR)) >= FAR:
                    yield alike, i, j

    def _alike(self, i: int, j: int, *, least: float = 0.0) -> float:
        text, other = self._texts[0][i], self._texts[1][j]
        if text == other:
            return 1.0
        self._effort -= PAIR + len(text) * len(other)
        if self._effort < 0:
            return 0.0
        return Indel.normalized_similarity(text, other, score_cutoff=least)


def _touching(box: BBox, other: BBox) -> bool:
    return box.x1 <= other.x2 and other.x1 <= box.x2 and box.y1 <= other.y2 and other.y1 <= box.y2


def _longest_rise(values: Sequence[int]) -> set[int]:
    """The members of a longest increasing subsequence of different numbers: what kept its order."""
    ends: list[int] = []  # the least last value of a rise of each length
    places: list[int] = []
    before: list[int] = []
    for at, value in enumerate(values):
        length = bisect_left(ends, value)
        before.append(places[length - 1] if length else -1)
        if length == len(ends):
            ends.append(value)
            places.append(at)
        else:
            ends[length], places[length] = value, at
    kept: set[int] = set()
    at = places[-1] if places else -1
    while at >= 0:
        kept.add(values[at])
        at = before[at]
    return kept
