"""Which characters of one text are which of another: what was said of a page, and what is seen on it.

Both texts are mostly the same and mostly in the same order, but not always: columns, headers and footers come
elsewhere, letters are misread, a number stands there ten times. What both have only once holds the two
together: the heaviest chain of such stretches that goes forwards in both, and longer ones beside it, which
were moved. What lies between two of them in the one is looked for between them in the other. What this file
is not: geometry. It knows no boxes; what it leaves open is decided in ``align``, by place.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Container, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz.distance import LCSseq

SEED, WIDE_SEED = 10, 4
"""Characters that are a stretch of their own if nothing else is the same; of scripts with many letters, fewer."""
MOVED = 24
"""Characters of a stretch that may stand out of order by themselves; or it is most of a part."""
MOST = 0.6
WHOLE = 3
"""Characters of a part that is found by itself, where it is near and there is no other like it."""
LONGEST = 20_000
"""Characters that are compared letter by letter, at most; the table for it has a bit for each pair of them."""
_REMEMBERED = 32

_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-"))


class Stretch(NamedTuple):
    """``said[at : at + size]`` is ``seen[there : there + size]``."""

    at: int
    there: int
    size: int


def squash(word: str) -> str:
    """What is compared of a word: letters and digits without case, accents and ligatures; of a sign, the sign."""
    return _known(word) if len(word) <= _REMEMBERED else _cut(word)


def _cut(word: str) -> str:
    folded = word.casefold()
    if folded.isascii():
        return folded if folded.isalnum() else "".join([c for c in folded if c.isalnum()]) or folded
    plain = unicodedata.normalize("NFKD", folded).casefold()
    return "".join([c for c in plain if c.isalnum()]) or word.translate(_DASHES)


_known = lru_cache(maxsize=4096)(_cut)


def match(said: str, seen: str, parts: Sequence[tuple[int, int]], edges: Container[int]) -> list[int]:
    """For each character of ``said`` where it is in ``seen``, or -1; no place is given twice.

    ``parts``: where the parts of ``said`` start and end, in order; a part may have been moved as a whole.
    ``edges``: where words of ``seen`` start, and its end.
    """
    found = _Found(said, seen, parts, edges)
    sure = _sure(said, seen, parts)
    for stretch in sure:
        found.put(stretch)
    found.fill_between(Stretch(0, 0, 0), sure, Stretch(len(said), len(seen), 0))
    return found.where


def _sure(said: str, seen: str, parts: Sequence[tuple[int, int]]) -> list[Stretch]:
    """Stretches that can be nowhere else, in the order of ``said``."""
    found = list(_stretches(said, seen))
    chained = set(_heaviest_chain(found))
    starts = [start for start, _ in parts]
    return [
        stretch
        for index, stretch in enumerate(found)
        if index in chained or stretch.size >= MOVED or _is_most(stretch, parts, starts)
    ]


def _is_most(stretch: Stretch, parts: Sequence[tuple[int, int]], starts: list[int]) -> bool:
    """Whether it holds most of some part."""
    end = stretch.at + stretch.size
    first = max(bisect_left(starts, stretch.at + 1) - 1, 0)
    for start, stop in parts[first : bisect_left(starts, end)]:
        if min(stop, end) - max(start, stretch.at) >= MOST * (stop - start):
            return True
    return False


def _stretches(said: str, seen: str) -> Iterator[Stretch]:
    """The longest stretches around seeds that each text has once, apart in ``said``, in its order."""
    wide = sum(c > "\u2e7f" for c in said)
    size = WIDE_SEED if 2 * wide > len(said) else SEED
    there, here = _once(seen, size), _once(said, size)
    at = end = 0
    while at <= len(said) - size:
        seed = said[at : at + size]
        place = there.get(seed, -1)
        if place < 0 or here[seed] < 0:
            at += 1
            continue
        start, stop = at, at + size
        before, after = place, place + size
        while start > end and before and said[start - 1] == seen[before - 1]:
            start, before = start - 1, before - 1
        while stop < len(said) and after < len(seen) and said[stop] == seen[after]:
            stop, after = stop + 1, after + 1
        yield Stretch(start, before, stop - start)
        at = end = stop


def _once(text: str, size: int) -> dict[str, int]:
    """Where each stretch of ``size`` characters is; -1 for those that are there more than once."""
    found: dict[str, int] = {}
    for at in range(len(text) - size + 1):
        seed = text[at : at + size]
        found[seed] = -1 if seed in found else at
    return found


def _heaviest_chain(stretches: Sequence[Stretch]) -> list[int]:
    """The stretches that go forwards in both texts and hold the most characters together, by their index."""
    ends: list[int] = []  # where in ``seen`` the best chains end, rising, as do their weights
    best: list[tuple[int, int]] = []  # the weight of each, and the index of its last stretch
    before: list[int] = []
    for index, (_, there, size) in enumerate(stretches):
        place = bisect_left(ends, there + 1)
        weight, previous = best[place - 1] if place else (0, -1)
        before.append(previous)
        weight, end = weight + size, there + size
        at = bisect_left(ends, end)
        if at and best[at - 1][0] >= weight:
            continue
        stop = at
        while stop < len(ends) and best[stop][0] <= weight:
            stop += 1
        ends[at:stop] = [end]
        best[at:stop] = [(weight, index)]
    chain = []
    at = best[-1][1] if best else -1
    while at >= 0:
        chain.append(at)
        at = before[at]
    return chain[::-1]


class _Found:
    """What has been found so far: ``where`` the said is seen, and which of the seen is still ``free``."""

    def __init__(self, said: str, seen: str, parts: Sequence[tuple[int, int]], edges: Container[int]) -> None:
        self._said, self._seen, self._parts, self._edges = said, seen, parts, edges
        self._starts = [start for start, _ in parts]
        self.where = [-1] * len(said)
        self._free = bytearray(b"\1") * len(seen)

    def put(self, stretch: Stretch) -> None:
        for at in range(stretch.size):
            self._pair(stretch.at + at, stretch.there + at)

    def fill_between(self, first: Stretch, held: Sequence[Stretch], last: Stretch) -> None:
        """What is said between each two neighbours of ``first``, ``held``, ``last``."""
        for one, other in zip((first, *held), (*held, last), strict=True):
            self._fill(one, other)

    def _fill(self, one: Stretch, other: Stretch) -> None:
        """What is said between two stretches, where that is seen: between them, or just after or before them."""
        start, stop = one.at + one.size, other.at
        size = stop - start
        if not 0 < size <= LONGEST:
            return
        after, before = one.there + one.size, other.there
        if after <= before <= after + 4 * size + 2000:
            places = [i for i in range(after, before) if self._free[i]]
        else:
            reach = 2 * size + 40
            near = {*range(after, min(after + reach, len(self._seen))), *range(max(before - reach, 0), before)}
            places = sorted(i for i in near if self._free[i])
        if not places or len(places) > LONGEST:
            return
        text = "".join([self._seen[i] for i in places])
        if held := list(self._whole_parts(start, stop, text, places)):
            for stretch in held:
                self.put(stretch)
            self.fill_between(one, held, other)
            return
        for at, there, length in common(self._said[start:stop], text):
            for step in range(length):
                self._pair(start + at + step, places[there + step])

    def _whole_parts(self, start: int, stop: int, text: str, places: Sequence[int]) -> Iterator[Stretch]:
        """The parts that are said once here and seen once in ``text``: they stand there, in whatever order."""
        said = self._said[start:stop]
        for part in range(bisect_left(self._starts, start), bisect_left(self._starts, stop)):
            first, end = self._parts[part]
            if end - first < WHOLE or end > stop or end - first == stop - start:
                continue
            words = said[first - start : end - start]
            if said.count(words) == 1 and text.count(words) == 1:
                at = text.index(words)
                place, last = places[at], places[at + len(words) - 1]
                if last - place == len(words) - 1 and place in self._edges and last + 1 in self._edges:
                    yield Stretch(first, place, len(words))

    def _pair(self, at: int, there: int) -> None:
        if self._free[there]:
            self._free[there] = 0
            self.where[at] = there


def common(said: str, seen: str) -> list[Stretch]:
    """The stretches that a longest common subsequence is made of, without letters that agree by chance."""
    blocks = [Stretch(*block) for block in LCSseq.opcodes(said, seen).as_matching_blocks() if block.size]
    framed = [Stretch(0, 0, 0), *blocks, Stretch(len(said), len(seen), 0)]
    return [
        block
        for before, block, after in zip(framed, blocks, framed[2:], strict=False)
        if block.size >= 3 or _adjoin(before, block) or _adjoin(block, after)
    ]


def _adjoin(one: Stretch, other: Stretch) -> bool:
    """Whether no more than a letter or two lies between them in either text."""
    return other.at - one.at - one.size <= 2 and other.there - one.there - one.size <= 2
