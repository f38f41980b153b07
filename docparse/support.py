"""Words that a model wrote and that stand nowhere on the page.

A model reads, and it also writes what is likely: a digit of an amount, a name it knows better. Where the words of
the page are known, each word of the answer is looked for among them. What it is not: a judgement of places
or order (``verify``); a word counts as said wherever the page says it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from docparse.document import Block, Issue
from docparse.textlayer import Word

NAMED = 6
"""Words that an issue names; it counts the others."""
LEAST = 3
"""Letters and digits of a word that is looked for; of a number, two. Shorter ones are everywhere."""

_DRAWN = frozenset({"image", "chart", "formula", "music_sheet", "chemical_formula"})
"""Kinds whose text is in another notation than the page's, or a description."""


def unsupported(block: Block, page: str) -> list[str]:
    """The words of a block that ``page`` does not have; ``page`` is ``squeezed`` of all its words."""
    return [word[0] for word in _odd(block, page)]


def unsupported_stretches(block: Block, page: str) -> list[tuple[int, int]]:
    """Where they stand in the block's text, from and to (characters); neighbours are one stretch."""
    found: list[tuple[int, int]] = []
    for word in _odd(block, page):
        if found and not block.text[found[-1][1] : word.start()].strip(" "):
            found[-1] = (found[-1][0], word.end())
        else:
            found.append(word.span())
    return found


def _odd(block: Block, page: str) -> Iterator[re.Match[str]]:
    if block.kind not in _DRAWN:
        for word in re.finditer(r"\S+", block.text):
            if _long(said := squeezed([word[0]])) and said not in page:
                yield word


def unsupported_words(blocks: Sequence[Block], words: Iterable[Word]) -> list[Issue]:
    """An issue for each block that has such words. None where no words of the page are known."""
    page = squeezed(word.text for word in words)
    if not page:
        return []
    found = []
    for block in blocks:
        odd = unsupported(block, page)
        if odd:
            more = f" and {len(odd) - NAMED} more" if len(odd) > NAMED else ""
            message = f"Words that are nowhere on the page: {', '.join(odd[:NAMED])}{more}."
            found.append(Issue("unsupported-words", message, "warning", block=block.id or None))
    return found


def squeezed(words: Iterable[str]) -> str:
    """Their letters and digits one after the other: a word that the page breaks over two lines is still there."""
    text = unicodedata.normalize("NFKC", "".join(words)).casefold()
    return re.sub(r"[\W_]+", "", text)


def _long(word: str) -> bool:
    return len(word) >= (2 if word.isdigit() else LEAST)
