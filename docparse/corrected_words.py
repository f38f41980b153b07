"""The words that were seen on a page, with what a person corrected: fields are found among words, not among blocks.

    corrected_words(before, after, words)

Where a block or a cell says something else than it did, its words are exchanged for those that it says now. Each takes
the place of what it replaces; words that stayed keep their own. What this file is not: it changes no block.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from docparse.document import Block, Page
from docparse.geometry import BBox
from docparse.textlayer import Style, Word

LETTER = 0.5
"""Width of a letter whose place nobody knows, in heights of its line."""
_MANY = 1000

Key = tuple[str, tuple[int, int] | None]


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of text that is compared as one: a block, an item or a cell."""

    text: str
    box: BBox | None


def corrected_words(before: Page, after: Page, words: Sequence[Word]) -> tuple[Word, ...]:
    """``words`` of ``before``, as it was read, for ``after``, as it stands now. Pixels of the page, as everywhere.

    None where there are none: whoever finds no words takes those of the blocks.
    """
    if not words:
        return ()
    old, new = _parts(before, after)
    # Text that was moved, or is of another kind now, is where it was.
    changed = {key for key, part in new.items() if key not in old or old[key].text != part.text}
    changed |= old.keys() - new.keys()
    if not changed:
        return tuple(words)
    seen = any(word.confidence is not None for word in words)
    homes = _Homes(old)
    added = _Homes({key: part for key, part in new.items() if key not in old})
    kept: list[Word | Key] = []
    theirs: dict[Key, list[Word]] = {key: [] for key in changed}
    for word in words:
        home = homes.of(word) or added.of(word)
        if home is None or home not in changed:
            kept.append(word)
            continue
        if not theirs[home]:
            kept.append(home)  # where its words will stand
        theirs[home].append(word)
    kept += [key for key in new if key in changed and not theirs[key]]
    found: list[Word] = []
    for each in kept:
        if isinstance(each, Word):
            found.append(each)
        elif (part := new.get(each)) is not None:
            mended = _mended(theirs[each], part)
            found += (replace(word, confidence=1.0 if seen else None) for word in mended)
    return tuple(found)


# ------------------------------------------------------------------------------------ what is compared


def _parts(before: Page, after: Page) -> tuple[dict[Key, _Part], dict[Key, _Part]]:
    """Cells by themselves where the table is the same but for their texts, and all have places; else whole blocks."""
    was, now = _blocks(before), _blocks(after)
    old: dict[Key, _Part] = {}
    new: dict[Key, _Part] = {}
    for id in dict.fromkeys([*was, *now]):
        a, b = was.get(id), now.get(id)
        if a is not None and b is not None and _same_grid(a, b):
            for cell in a.cells:
                old[id, (cell.row, cell.col)] = _Part(cell.text, cell.bbox)
            for cell in b.cells:
                new[id, (cell.row, cell.col)] = _Part(cell.text, cell.bbox)
            continue
        if a is not None:
            old[id, None] = _Part(a.text, a.bbox)
        if b is not None:
            new[id, None] = _Part(b.text, b.bbox)
    return old, new


def _blocks(page: Page) -> dict[str, Block]:
    """By id. A list whose items all have places is its items."""
    found: dict[str, Block] = {}
    for block in page.blocks:
        apart = block.items and all(item.bbox is not None for item in block.items)
        found.update((part.id, part) for part in (block.items if apart else (block,)))
    return found


def _same_grid(a: Block, b: Block) -> bool:
    places = [[(cell.row, cell.col) for cell in block.cells] for block in (a, b)]
    return bool(a.cells) and places[0] == places[1] and not a.runs and all(cell.bbox is not None for cell in a.cells)


class _Homes:
    """Parts by place."""

    def __init__(self, parts: dict[Key, _Part]) -> None:
        # The smallest one that holds a word is its own.
        placed = [(part.box.area, part.box, key) for key, part in parts.items() if part.box is not None]
        self._placed = sorted(placed, key=lambda each: each[0])

    def of(self, word: Word) -> Key | None:
        x, y = word.box.center
        return next((key for _, box, key in self._placed if box.contains(x, y)), None)


# ------------------------------------------------------------------------------------ words in their places


def _mended(words: Sequence[Word], part: _Part) -> Iterable[Word]:
    """``part`` in words, in the places of ``words``, which stood for it before."""
    if not words:
        yield from _spread(part)
        return
    tokens = part.text.split()
    matcher = SequenceMatcher(None, [word.text for word in words], tokens, autojunk=len(tokens) > _MANY)
    for what, i1, i2, j1, j2 in matcher.get_opcodes():
        if what == "equal":
            yield from words[i1:i2]
        elif what == "replace":
            yield from _instead(words[i1:i2], tokens[j1:j2])
        elif what == "insert":
            yield from _between(words, i1, tokens[j1:j2])


def _instead(words: Sequence[Word], tokens: Sequence[str]) -> Iterable[Word]:
    """``tokens`` over the places of ``words``: one for one, some joined, or one taken apart."""
    share = len(words) / len(tokens)
    for index, token in enumerate(tokens):
        start, end = index * share, (index + 1) * share
        first, last = int(start + 1e-9), math.ceil(end - 1e-9) - 1
        box = words[first].box
        if first == last:
            left, right = start - first, end - first
            box = BBox(box.x1 + left * box.width, box.y1, box.x1 + right * box.width, box.y2)
        else:
            line = [word.box for word in words[first : last + 1] if box.y1 <= word.box.center[1] <= box.y2]
            box = BBox.around([box, *line])
        yield _word(token, box, words[first].style)


def _between(words: Sequence[Word], index: int, tokens: Sequence[str]) -> Iterable[Word]:
    """``tokens`` that nobody saw, after the word before ``index``, or before all of them."""
    near = words[index - 1] if index else words[0]
    height = near.box.height
    widths = [max(len(token) * LETTER * height, 1.0) for token in tokens]
    x = near.box.x2 if index else max(near.box.x1 - sum(widths), 0.0)
    for token, width in zip(tokens, widths, strict=True):
        yield _word(token, BBox(x, near.box.y1, x + width, near.box.y2), near.style)
        x += width


def _spread(part: _Part) -> Iterable[Word]:
    """Words over the place of a block that nobody saw any in: lines share its height, letters the width."""
    lines = [line.split() for line in part.text.split("\n") if line.strip()]
    if part.box is None or not lines:
        return
    height = part.box.height / len(lines)
    step = part.box.width / max(sum(map(len, line)) + len(line) - 1 for line in lines)
    for number, line in enumerate(lines):
        x, top = part.box.x1, part.box.y1 + number * height
        for token in line:
            yield _word(token, BBox(x, top, x + len(token) * step, top + height), Style(height))
            x += (len(token) + 1) * step


def _word(token: str, box: BBox, style: Style) -> Word:
    return Word(token, box, ((token, style),))


__all__ = ["corrected_words"]
