"""What is common to the pages of a document: body size, heading sizes, running headers and footers.

Learned from a sample of pages, the same sample whatever pages are read and in how many processes,
so that one page always comes out alike.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from docparse.raster import RawPage

SAMPLE = 16
"""Pages looked at; spread over the document, so that long ones cost no more than short ones."""
BAND = 0.13
"""Share of the page's height, at the top and at the bottom, where running lines are looked for."""
_DIGITS = re.compile(r"\d+|\b[ivxlc]+\b")


@dataclass(frozen=True, slots=True)
class Profile:
    """``body``: body size in points. ``headings``: larger sizes over body, largest first.

    ``running``: normalised texts that stand in the same place on several pages.
    """

    body: float = 0.0
    headings: tuple[float, ...] = ()
    bold_body: bool = False
    running: frozenset[str] = frozenset()

    def heading_level(self, ratio: float, *, bold: bool) -> int:
        """1 for the largest size of the document, and so on; what is no larger than the body is last."""
        for level, size in enumerate(self.headings[:4], 1):
            if ratio >= size - 0.04:
                return level
        last = min(len(self.headings), 4) + 1
        return min(last if bold else last + 1, 6)


def sample_numbers(pages: int) -> list[int]:
    """Page numbers to look at: all of a short document, evenly spread ones of a long one."""
    if pages <= SAMPLE:
        return list(range(1, pages + 1))
    # Neighbours come in pairs: running lines alternate between left and right pages.
    step = pages / (SAMPLE / 2)
    firsts = [int(i * step) + 1 for i in range(SAMPLE // 2)]
    return sorted({n for first in firsts for n in (first, min(first + 1, pages))})


def normal(text: str) -> str:
    """A line without what changes from page to page."""
    return _DIGITS.sub("#", " ".join(text.lower().split()))


def learn(pages: int, describe: Callable[[int], RawPage | None]) -> Profile:
    """The profile of a document. ``describe`` returns None for a page that cannot be read."""
    sizes: Counter[float] = Counter()
    bold: Counter[bool] = Counter()
    running: Counter[tuple[str, bool, int]] = Counter()
    seen = 0
    for number in sample_numbers(pages):
        page = describe(number)
        if page is None or page.raw is None:
            continue
        seen += 1
        height = page.size_pt[0] if page.rotation in (90, 270) else page.size_pt[1]
        edge: list[tuple[float, float, float, str]] = []
        for box, _direction, spans, words in page.raw["lines"]:
            for span in spans:
                size = len(span[0].strip())
                sizes[round(span[1] * 2) / 2] += size
                bold[bool(span[2] & 16)] += size
            middle = (box[1] + box[3]) / 2
            if middle < BAND * height or middle > (1 - BAND) * height:
                edge.append((round(middle), box[0], box[2], " ".join(word for word, _ in words)))
        running.update({(normal(text), y < height / 2, round(y / 8)) for y, text in _whole_lines(edge)})
    if not sizes:
        return Profile()
    body = sizes.most_common(1)[0][0] or 10.0
    total = sum(sizes.values())
    larger = sorted(
        {size for size, n in sizes.items() if size >= 1.12 * body and n >= 3 and n < 0.2 * total}, reverse=True
    )
    needed = max(2, 0.25 * seen)
    places: Counter[str] = Counter()
    for (text, top, place), n in running.items():
        # The place may fall on either side of a rounding edge.
        n += max(running.get((text, top, place - 1), 0), running.get((text, top, place + 1), 0))
        places[text] = max(places[text], n)
    return Profile(
        body=body,
        headings=_steps([size / body for size in larger]),
        bold_body=bold[True] > bold[False],
        running=frozenset(
            text for text, n in places.items() if (n >= needed and text.strip("# ")) or n >= max(needed, 3)
        ),
    )


def _whole_lines(edge: list[tuple[float, float, float, str]]) -> list[tuple[float, str]]:
    """(y, x1, x2, text) of pieces, joined where they stand side by side."""
    done: list[tuple[float, str]] = []
    last = None
    for y, x1, x2, text in sorted(edge):
        if last is not None and y - last[0] <= 2 and x1 - last[1] <= 15:
            done[-1] = (done[-1][0], f"{done[-1][1]} {text}")
        else:
            done.append((y, text))
        last = (y, x2)
    return done


def _steps(ratios: list[float]) -> tuple[float, ...]:
    """Sizes that differ by less than 5 % are one step."""
    steps: list[float] = []
    for ratio in ratios:
        if not steps or ratio < steps[-1] * 0.95:
            steps.append(ratio)
    return tuple(round(s, 3) for s in steps)
