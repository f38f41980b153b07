"""The text of a document as one runs on reading it: rows joined to lines, pages one after the other.

Every character leads back to the word that it is printed in, so that a value found in the running text
has its place on the page. Headers and footers that repeat, and page numbers, are left out. Elements are parted
by a line end; a sentence may still go on over one, where a page ends in the middle of it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from docparse.document import FURNITURE, Block
from docparse.extract.page_text import DocumentText, PageText, Span, TextWord

MOST = 2_000_000
"""Characters that are joined; what comes later is not looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class RunningText:
    """``text`` and the way back: word ``i`` begins at ``starts[i]`` and stands on page ``pages[i]``."""

    text: str
    starts: tuple[int, ...]
    words: tuple[TextWord, ...]
    pages: tuple[int, ...]

    def span(self, start: int, end: int) -> Span:
        """The words of some characters, as far as they stand on the page of the first.

        Raises ``ValueError`` for no words.
        """
        found = self.text[start:end]
        start += len(found) - len(found.lstrip())
        end -= len(found) - len(found.rstrip())
        if start >= end:
            raise ValueError("no words there")
        first = max(bisect_right(self.starts, start) - 1, 0)
        last = max(bisect_right(self.starts, end - 1) - 1, first)
        page = self.pages[first]
        words = []
        for at in range(first, last + 1):
            if self.pages[at] != page:
                break
            word, begin = self.words[at], self.starts[at]
            a, b = max(start - begin, 0), min(end - begin, len(word.text))
            words.append(word if (a, b) == (0, len(word.text)) else _part(word, a, b))
        return Span(page, tuple(words), " ".join(self.text[start:end].split()))

    def page_at(self, place: int) -> int:
        """The page on which a character is printed."""
        return self.pages[max(bisect_right(self.starts, place) - 1, 0)] if self.pages else 0


def _part(word: TextWord, start: int, end: int) -> TextWord:
    box = word.box
    step = box.width / max(len(word.text), 1)
    part = type(box)(box.x1 + start * step, box.y1, box.x1 + end * step, box.y2)
    return TextWord(word.text[start:end], part, word.size, word.bold, word.confidence, word.block, word.cell)


def running_text(text: DocumentText) -> RunningText:
    """The document's text in reading order, without its furniture."""
    parts: list[str] = []
    starts: list[int] = []
    words: list[TextWord] = []
    pages: list[int] = []
    at = 0
    repeated = _repeated(text)
    for page in text.pages:
        for lines in _elements(page, repeated):
            for line in lines:
                for word in line:
                    starts.append(at)
                    words.append(word)
                    pages.append(page.number)
                    parts.append(word.text + " ")
                    at += len(word.text) + 1
                if parts and _is_broken(parts[-1], line):
                    parts[-1] = parts[-1][:-1]
                    at -= 1
            if parts and parts[-1].endswith(" "):
                parts[-1] = parts[-1][:-1] + "\n"
            if at > MOST:
                return RunningText("".join(parts), tuple(starts), tuple(words), tuple(pages))
    return RunningText("".join(parts), tuple(starts), tuple(words), tuple(pages))


def _is_broken(last: str, line: list[TextWord]) -> bool:
    """Whether a word goes on in the next line: "lump-" and "sum"."""
    return len(line) > 2 and last.endswith("- ") and len(last) > 3 and last[-3].isalpha()


def _key(text: str) -> str:
    return re.sub(r"\W+", "", re.sub(r"\d+", "", text)).casefold()


def _repeated(text: DocumentText) -> frozenset[str]:
    """What stands in the margin of more than one page. What stands there once may be a date under a signature."""
    seen: dict[str, int] = {}
    for page in text.pages:
        for key in {_key(block.text) for block in page.page.blocks if block.kind in FURNITURE}:
            seen[key] = seen.get(key, 0) + 1
    return frozenset(key for key, times in seen.items() if times > 1 or not key)


def _elements(page: PageText, repeated: frozenset[str]) -> Iterator[list[list[TextWord]]]:
    """The words of each element in reading order, by line; words of no element come last, but for page numbers."""
    held: dict[str | None, list[list[TextWord]]] = {}
    for row in page.rows:
        lines: dict[str | None, list[TextWord]] = {}
        for word in row.words:
            lines.setdefault(word.block, []).append(word)
        for name, line in lines.items():
            held.setdefault(name, []).append(line)
    for block in _in_order(page.page.blocks):
        lines_of = held.pop(block.id, None)
        furniture = block.kind == "page_number" or (block.kind in FURNITURE and _key(block.text) in repeated)
        if lines_of is not None and not furniture:
            yield lines_of
    yield from held.values()


def _in_order(blocks: tuple[Block, ...]) -> Iterator[Block]:
    for block in blocks:
        yield block
        yield from block.items
