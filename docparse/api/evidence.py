"""What speaks for a page as it was read, and what against it: words that were seen on it and stand in no element, and
words of elements that were seen nowhere. For display; how far the page can be trusted is its verdict's to say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import groupby

from docparse.document import Block, Page
from docparse.support import squeezed, unsupported_stretches
from docparse.textlayer import Word
from docparse.verify import uncovered

Seen = tuple[str, float, float, float, float, bool]
Stretch = tuple[int, int]

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Evidence:
    """``words``: text, box (pixels of the page), whether an element covers it; None where nobody knows the words.

    unsupported  by the id of a block, or of a list's item, the stretches of its text (from, to; characters)
    by_person    those of them that a person wrote: nobody need guess whether a model made them up
    """

    words: tuple[Seen, ...] | None
    unsupported: Mapping[str, Sequence[Stretch]]
    by_person: Mapping[str, Sequence[Stretch]] = field(default_factory=dict)


def evidence(page: Page, words: Sequence[Word], *, read: Page | None = None) -> Evidence:
    """``words``: those seen on the page independently of its elements; ``read``: the page before its corrections."""
    if not words:
        return Evidence(None, {})
    # As for the verdict: rules drawn with dots and dashes are nobody's text.
    spoken = [word for word in words if any(char.isalnum() for char in word.text)]
    missing = {id(word) for word in uncovered(page.blocks, spoken)}
    said = squeezed(word.text for word in words)
    odd = _unsupported(page, said)
    by_person: dict[str, list[Stretch]] = {}
    if read is not None:
        odd, by_person = _by_author(page, odd, read, said)
    return Evidence(tuple(_seen(word, id(word) not in missing) for word in words), odd, by_person)


def _parts(page: Page) -> Iterator[Block]:
    for block in page.blocks:
        yield from block.items or (block,)


def _unsupported(page: Page, said: str) -> dict[str, list[Stretch]]:
    return {part.id: stretches for part in _parts(page) if (stretches := unsupported_stretches(part, said))}


def _by_author(
    page: Page, odd: Mapping[str, Sequence[Stretch]], read: Page, said: str
) -> tuple[dict[str, list[Stretch]], dict[str, list[Stretch]]]:
    """All stretches, each of one author now, and those of a person: of words that the reading did not have."""
    theirs = {part.id: set[str]() for part in _parts(read)}
    texts = {part.id: part.text for part in _parts(read)}
    for id, stretches in _unsupported(read, said).items():
        theirs[id].update(texts[id][word] for stretch in stretches for word in _words(texts[id], stretch))
    anywhere = set[str]().union(*theirs.values())
    every: dict[str, list[Stretch]] = {}
    by_person: dict[str, list[Stretch]] = {}
    for part in _parts(page):
        # Items that were typed anew have other ids than those that were read.
        known = theirs.get(part.id, anywhere)
        for stretch in odd.get(part.id, ()):
            for piece, was_read in _split(part.text, stretch, known):
                every.setdefault(part.id, []).append(piece)
                if not was_read:
                    by_person.setdefault(part.id, []).append(piece)
    return every, by_person


def _split(text: str, stretch: Stretch, known: Set[str]) -> Iterator[tuple[Stretch, bool]]:
    """The stretch in pieces, and of each whether its words are among ``known``."""
    for was_read, words in groupby(_words(text, stretch), lambda word: text[word] in known):
        of_one = list(words)
        yield (of_one[0].start, of_one[-1].stop), was_read


def _words(text: str, stretch: Stretch) -> Iterator[slice]:
    for word in _WORD.finditer(text, *stretch):
        yield slice(*word.span())


def _seen(word: Word, covered: bool) -> Seen:
    x1, y1, x2, y2 = (round(side, 1) for side in word.box.as_tuple())
    return word.text, x1, y1, x2, y2, covered
