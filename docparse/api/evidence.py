"""What speaks for a page as it was read, and what against it: words that were seen on it and stand in no element, and
words of elements that were seen nowhere. For display; how far the page can be trusted is its verdict's to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from docparse.document import Page
from docparse.support import squeezed, unsupported_stretches
from docparse.textlayer import Word
from docparse.verify import uncovered

Seen = tuple[str, float, float, float, float, bool]


@dataclass(frozen=True, slots=True)
class Evidence:
    """``words``: text, box (pixels of the page), whether an element covers it; None where nobody knows the words.

    unsupported  by the id of a block, or of a list's item, the stretches of its text (from, to; characters)
    """

    words: tuple[Seen, ...] | None
    unsupported: Mapping[str, Sequence[tuple[int, int]]]


def evidence(page: Page, words: Sequence[Word]) -> Evidence:
    """``words``: those seen on the page independently of its elements."""
    if not words:
        return Evidence(None, {})
    # As for the verdict: rules drawn with dots and dashes are nobody's text.
    spoken = [word for word in words if any(char.isalnum() for char in word.text)]
    missing = {id(word) for word in uncovered(page.blocks, spoken)}
    said = squeezed(word.text for word in words)
    odd = {
        part.id: stretches
        for block in page.blocks
        for part in block.items or (block,)
        if (stretches := unsupported_stretches(part, said))
    }
    return Evidence(tuple(_seen(word, id(word) not in missing) for word in words), odd)


def _seen(word: Word, covered: bool) -> Seen:
    x1, y1, x2, y2 = (round(side, 1) for side in word.box.as_tuple())
    return word.text, x1, y1, x2, y2, covered
