"""How far a page can be trusted: its markup against what the page itself says.

The witness is what was seen on the page independently of the markup: the words of its text layer,
or of the OCR. Coverage asks whether every word stands in an element, and whether its letters are
anywhere in the text; agreement, element by element, whether the element says the same; surplus,
whether the text says more than the page does; the ink, whether there is anything to read where an
element has text. The result is a ``Verdict`` with its reasons. This file repairs nothing.

What it cannot see: the order of elements, and of the words inside one. A page does not say in which
order it is to be read.
"""

from __future__ import annotations

import dataclasses
import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from docparse.document import Block, Issue, Kind, Severity, Status, Verdict
from docparse.engines.base import PageMarkup
from docparse.geometry import BBox
from docparse.raster import PageImage
from docparse.support import unsupported_words
from docparse.textlayer import Word

MIN_COVERAGE = 0.9
"""Share of the page's characters that must stand in some element, and be said by one."""
MAX_SURPLUS = 0.15
"""Share of the markup's characters that the page need not have; hyphens and bullets take a part of it."""
MIN_AGREEMENT = 0.7
"""Likeness below which an element is reported as saying something else than the page."""
MIN_CONFIDENCE = 0.6
"""Share of a page's characters in elements that are right, as calibrated confidences expect it, below which its text
is in doubt. Of 33 pages with known text three are below: 7 to 24 % of their characters are wrong (DECISIONS)."""
MIN_RAW = 0.7
"""The same for confidences of models, which are as they say them."""
PICTURED = 200
"""Characters of the page in pictures without text that are more than the labels of a drawing."""
MAX_LABELS = 0.5
"""Share of a page's text inside of figures above which they may be no figures."""
BLANK_INK = 0.0004
"""Share of dark pixels below which a page counts as blank: dust, a fold, the edge of the glass."""
CONTRAST = 48
"""Steps of grey between ink and paper."""

_DRAWN: frozenset[Kind] = frozenset({"image", "chart", "formula", "music_sheet", "chemical_formula"})
"""Kinds that need not say the letters that are seen in them: they are drawn, or in another notation."""


def check(
    page: PageImage, markup: PageMarkup, blocks: Sequence[Block], issues: Iterable[Issue]
) -> tuple[tuple[Block, ...], Verdict]:
    """The blocks with their agreement, and the verdict on the page."""
    found = [*markup.issues, *issues]
    ink = _Ink(page)
    # Rules drawn with dots and dashes are nobody's text.
    witness = [w for w in markup.witness if any(c.isalnum() for c in w.text)]
    if markup.origin == "ocr":  # it can see words in noise and in nothing
        witness = [w for w in witness if ink.within(w.box)]
    places = _Places(witness)
    checked = tuple(_agreeing(block, places) for block in blocks)
    found += _finish(markup)
    if markup.finish != "error":
        found += _coverage(checked, witness)
        found += _agreement(checked)
        found += _letters(checked, places)
        found += _confidence(checked, MIN_CONFIDENCE if markup.origin in ("ocr", "mixed") else MIN_RAW)
        if markup.origin == "model":  # it can write what it does not see
            found += unsupported_words(checked, markup.witness)
        found += _blank(page, ink, markup, checked, places)
    return checked, Verdict(_status(markup, found), tuple(found))


class _Ink:
    """Where something is drawn. Looks at the pixels only when asked."""

    def __init__(self, page: PageImage) -> None:
        self._page = page
        self._grey: Any = None

    def within(self, box: BBox) -> bool:
        """Whether light and dark are apart inside of ``box``."""
        import numpy as np

        if self._grey is None:
            self._grey = np.asarray(self._page.pixels().convert("L"))
        x1, y1, x2, y2 = (int(v) for v in box.grown(1).clamped(self._page.width, self._page.height).as_tuple())
        part = self._grey[y1 : y2 + 1, x1 : x2 + 1]
        return bool(part.size) and int(part.max()) - int(part.min()) > CONTRAST


def _status(markup: PageMarkup, issues: list[Issue]) -> Status:
    if markup.finish == "error":
        return "failed"
    if any(issue.severity == "error" for issue in issues):
        return "partial"
    if any(issue.code == "fallback" for issue in issues):
        return "fallback"
    return "repaired" if any(issue.severity == "warning" for issue in issues) else "ok"


def _finish(markup: PageMarkup) -> list[Issue]:
    if markup.finish == "length":
        return [Issue("truncated-reading", "The reading was cut off; the end of the page is missing.", "error")]
    if markup.finish == "loop":
        return [Issue("loop", "The reading ran into a loop and was stopped.", "error")]
    return []


def _grams(text: str) -> Counter[str]:
    """Trigrams of each word's letters and digits: blind to punctuation and to the order of words."""
    return Counter(chain.from_iterable(map(_word_grams, text.split())))


def _word_grams(word: str) -> tuple[str, ...]:
    return _known(word) if len(word) <= _REMEMBERED else _cut(word)


def _cut(word: str) -> tuple[str, ...]:
    folded = word.casefold()
    squashed = folded if folded.isalnum() else "".join([c for c in folded if c.isalnum()])
    if len(squashed) > 3:
        return tuple([squashed[i : i + 3] for i in range(len(squashed) - 2)])
    return (squashed,) if squashed else ()


_REMEMBERED = 32
"""Characters of the longest word whose trigrams are kept: a page may have a word of a million."""
# Nearly all words are among these, and what is kept of them is two megabytes: of 20,000 it was ten, in every process,
# reached after thousands of pages.
_known = lru_cache(maxsize=4096)(_cut)


def _text(words: Iterable[Word]) -> str:
    return " ".join([w.text for w in words])


class _Places:
    """Words by their place: those inside of a box are found without a look at all others."""

    def __init__(self, words: Sequence[Word]) -> None:
        placed = sorted((w.box.center[1], w.box.center[0], i) for i, w in enumerate(words))
        self.words = words
        self._ys = [y for y, _, _ in placed]
        self._placed = placed

    def inside(self, box: BBox) -> list[Word]:
        """The words whose centre lies in ``box``, in their own order."""
        start, stop = bisect_left(self._ys, box.y1), bisect_right(self._ys, box.y2)
        found = [i for _, x, i in self._placed[start:stop] if box.x1 <= x <= box.x2]
        return [self.words[i] for i in sorted(found)]


def likeness(a: str, b: str) -> float:
    """Dice coefficient of the trigrams of two texts, 0 to 1."""
    first, second = _grams(a), _grams(b)
    total = first.total() + second.total()
    return 2 * (first & second).total() / total if total else 1.0


def _agreeing(block: Block, places: _Places) -> Block:
    """The block with its agreement, where it has a place and a text to compare."""
    if block.bbox is None or not places.words:
        return block
    text = block.text
    inside = places.inside(block.bbox)
    if not inside and (not text or block.kind in _DRAWN):
        return block
    if not text and block.kind in _DRAWN:
        return block
    return dataclasses.replace(block, agreement=round(likeness(text, _text(inside)), 4))


def _agreement(blocks: Sequence[Block]) -> list[Issue]:
    doubtful = [b for b in blocks if b.agreement is not None and b.agreement < MIN_AGREEMENT and len(b.text) >= 4]
    size = sum(len(b.text) for b in doubtful)
    total = sum(len(b.text) for b in blocks) or 1
    severity: Severity = "error" if size > 0.1 * total else "warning"
    return [
        Issue(
            "text-disagrees",
            f"The page itself says something else here (likeness {block.agreement:.0%}).",
            severity,
            block=block.id or None,
        )
        for block in doubtful
    ]


def uncovered(blocks: Sequence[Block], witness: Sequence[Word]) -> list[Word]:
    """Words of the witness that stand in no element."""
    boxes = sorted((b.bbox for b in blocks if b.bbox is not None), key=lambda b: b.y1)
    tops = [b.y1 for b in boxes]
    tall = max((b.height for b in boxes), default=0.0)
    missing = []
    last: BBox | None = None  # words come in order: the next one mostly stands in the same element
    for word in witness:
        x, y = word.box.center
        slack = 0.3 * word.box.height
        if last is not None and _near(last, x, y, slack):
            continue
        start = bisect_left(tops, y - tall - slack)
        last = next((b for b in boxes[start:] if _near(b, x, y, slack)), None)
        if last is None:
            missing.append(word)
    return missing


def _near(box: BBox, x: float, y: float, slack: float) -> bool:
    return box.x1 - slack <= x <= box.x2 + slack and box.y1 - slack <= y <= box.y2 + slack


def _coverage(blocks: Sequence[Block], witness: list[Word]) -> list[Issue]:
    total = sum(len(w.text) for w in witness)
    if not total:
        return []
    missing = uncovered(blocks, witness)
    if not missing:
        return []
    share = sum(len(w.text) for w in missing) / total
    message = f"{len(missing)} words of the page ({share:.1%}) are in no element: {_text(missing[:6])} ..."
    severity: Severity = "error" if share > 1 - MIN_COVERAGE else "info" if share < 0.01 else "warning"
    return [Issue("uncovered-text", message, severity)]


def _letters(blocks: Sequence[Block], places: _Places) -> list[Issue]:
    """All the letters of the markup against all of the page: what is lost, and what is too much."""
    if not places.words:
        return []
    pictured = {id(w) for b in blocks if b.kind in _DRAWN and b.bbox is not None for w in places.inside(b.bbox)}
    read = _grams(_text(w for w in places.words if id(w) not in pictured))
    drawn = _grams(_text(w for w in places.words if id(w) in pictured))
    said = _grams(" ".join([b.text for b in blocks if b.kind not in _DRAWN]))
    labels = _grams(" ".join([b.text for b in blocks if b.kind in _DRAWN]))
    found = []
    extra = (said - read - drawn).total() / said.total() if said else 0.0
    if extra > MAX_SURPLUS:
        found.append(Issue("surplus-text", f"The text says more than the page does ({extra:.0%} of it).", "error"))
    lost = (read - said - labels).total() / read.total() if read else 0.0
    if lost > 1 - MIN_COVERAGE:
        found.append(Issue("missing-text", f"{lost:.0%} of the page's text is in no element's text.", "error"))
    silent = (drawn - labels - said).total()
    if silent > PICTURED and silent > 0.5 * (read.total() + silent):
        message = f"Most of the page's text ({silent} characters) stands in pictures and was not read."
        found.append(Issue("text-in-picture", message, "error"))
    elif (held := labels.total()) > PICTURED and held > MAX_LABELS * (held + said.total()):
        share = held / (held + said.total())
        message = f"{share:.0%} of the text was taken for the labels of figures: it has neither kinds nor order."
        found.append(Issue("text-in-picture", message, "warning"))
    return found


def mean_confidence(blocks: Sequence[Block]) -> tuple[float | None, int]:
    """The mean confidence of the characters for which there is one, and how many these are."""
    known = [(b.confidence, len(b.text)) for b in blocks if b.confidence is not None and b.text]
    total = sum(n for _, n in known)
    return (sum(c * n for c, n in known) / total if total else None), total


def _confidence(blocks: Sequence[Block], least: float) -> list[Issue]:
    mean, known = mean_confidence(blocks)
    if mean is None:
        return []
    # What has no confidence is there for certain: a logo that OCR read does not put a text layer in doubt.
    mean += (1 - mean) * (1 - known / sum(len(block.text) for block in blocks))
    if mean >= least or math.isclose(mean, least):
        return []
    return [Issue("low-confidence", f"The text is in doubt: its mean confidence is {mean:.0%}.", "error")]


def _blank(page: PageImage, ink: _Ink, markup: PageMarkup, blocks: Sequence[Block], places: _Places) -> list[Issue]:
    """A page without ink has no text; a page with ink has some, or says why not."""
    texts = [b for b in blocks if b.text]
    if markup.origin in ("text-layer", "mixed"):
        if texts or places.words:
            return []
    elif texts:
        empty = [b for b in texts if b.bbox is not None and not places.inside(b.bbox) and not ink.within(b.bbox)]
        placed = [b for b in texts if b.bbox is not None]
        if not places.words and len(empty) == len(placed) and is_blank(page):
            return [Issue("text-on-blank-page", "The page is blank, but the reading has text.", "error")]
        return [
            Issue(
                "text-without-ink", "There is text in the reading where nothing is drawn.", "error", block=b.id or None
            )
            for b in empty
        ]
    if is_blank(page):
        return [Issue("blank-page", "The page is blank.", "info")]
    if not blocks:
        return [Issue("nothing-read", "The page is not blank, but no text or figure was found on it.", "warning")]
    return []


def is_blank(page: PageImage) -> bool:
    """Whether (nearly) nothing is drawn on the page, by its pixels."""
    if page.text is not None and not (page.text.lines or page.text.shapes or page.text.pictures):
        return True
    import numpy as np

    grey = page.pixels().convert("L")
    values = np.asarray(grey.reduce(2) if min(page.width, page.height) > 64 else grey)
    paper = float(np.median(values))
    return bool((np.abs(values.astype(np.float32) - paper) > CONTRAST).mean() < BLANK_INK)
