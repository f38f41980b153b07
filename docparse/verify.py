"""How far a page can be trusted: its markup against what the page itself says.

The witness is what was seen on the page independently of the markup: the words of its text layer,
or of the OCR. Coverage asks whether every word stands in an element; agreement, element by element,
whether the element says the same; the blank gate, whether a page without ink stayed without text.
The result is a ``Verdict`` with its reasons. This file repairs nothing.
"""

from __future__ import annotations

import dataclasses
import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence

from docparse.document import Block, Issue, Status, Verdict
from docparse.engines.base import PageMarkup
from docparse.raster import PageImage
from docparse.textlayer import Word

MIN_COVERAGE = 0.9
"""Share of the page's characters that must stand in some element."""
MIN_AGREEMENT = 0.7
"""Likeness below which an element is reported as saying something else than the page."""
MIN_CONFIDENCE = 0.7
"""Mean confidence of the page's characters below which its text is in doubt."""
BLANK_INK = 0.0004
"""Share of dark pixels below which a page counts as blank: dust, a fold, the edge of the glass."""


def check(
    page: PageImage, markup: PageMarkup, blocks: Sequence[Block], issues: Iterable[Issue]
) -> tuple[tuple[Block, ...], Verdict]:
    """The blocks with their agreement, and the verdict on the page."""
    found = [*markup.issues, *issues]
    # Rules drawn with dots and dashes are nobody's text.
    witness = [w for w in markup.witness if any(c.isalnum() for c in w.text)]
    checked = tuple(_agreeing(block, witness) for block in blocks)
    found += _finish(markup)
    found += _coverage(checked, witness, page)
    found += _agreement(checked)
    found += _confidence(checked)
    found += _blank(page, markup, checked, witness)
    return checked, Verdict(_status(markup, found), tuple(found))


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
    found: Counter[str] = Counter()
    for word in text.casefold().split():
        squashed = "".join(c for c in word if c.isalnum())
        if len(squashed) < 3:
            found.update([squashed] if squashed else [])
        else:
            found.update(squashed[i : i + 3] for i in range(len(squashed) - 2))
    return found


def likeness(a: str, b: str) -> float:
    """Dice coefficient of the trigrams of two texts, 0 to 1."""
    first, second = _grams(a), _grams(b)
    total = first.total() + second.total()
    return 2 * (first & second).total() / total if total else 1.0


def _agreeing(block: Block, witness: list[Word]) -> Block:
    """The block with its agreement, where it has a place and a text to compare."""
    if block.bbox is None or not witness:
        return block
    text = block.text
    inside = [w for w in witness if block.bbox.contains(*w.box.center)]
    if not inside and not text:
        return block
    if not text and block.kind in ("image", "chart", "formula"):
        return block
    return dataclasses.replace(block, agreement=round(likeness(text, " ".join(w.text for w in inside)), 4))


def _agreement(blocks: Sequence[Block]) -> list[Issue]:
    doubtful = [b for b in blocks if b.agreement is not None and b.agreement < MIN_AGREEMENT and len(b.text) >= 12]
    size = sum(len(b.text) for b in doubtful)
    total = sum(len(b.text) for b in blocks) or 1
    severity = "error" if size > 0.1 * total else "warning"
    return [
        Issue(
            "text-disagrees",
            f"The page itself says something else here (likeness {block.agreement:.0%}).",
            severity,  # type: ignore[arg-type]
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
    for word in witness:
        x, y = word.box.center
        slack = 0.3 * word.box.height
        start = bisect_left(tops, y - tall - slack)
        if not any(
            b.x1 - slack <= x <= b.x2 + slack and b.y1 - slack <= y <= b.y2 + slack
            for b in boxes[start:]
            if b.y1 - slack <= y
        ):
            missing.append(word)
    return missing


def _coverage(blocks: Sequence[Block], witness: list[Word], page: PageImage) -> list[Issue]:
    total = sum(len(w.text) for w in witness)
    if not total:
        return []
    missing = uncovered(blocks, witness)
    lost = sum(len(w.text) for w in missing)
    if not lost:
        return []
    share = lost / total
    sample = " ".join(w.text for w in missing[:6])
    message = f"{len(missing)} words of the page ({share:.1%}) are in no element: {sample} ..."
    return [
        Issue("uncovered-text", message, "error" if share > 1 - MIN_COVERAGE else "info" if share < 0.01 else "warning")
    ]


def _confidence(blocks: Sequence[Block]) -> list[Issue]:
    known = [(b.confidence, len(b.text)) for b in blocks if b.confidence is not None and b.text]
    total = sum(n for _, n in known)
    if not total:
        return []
    mean = sum(c * n for c, n in known) / total
    if mean >= MIN_CONFIDENCE or math.isclose(mean, MIN_CONFIDENCE):
        return []
    return [Issue("low-confidence", f"The text is in doubt: its mean confidence is {mean:.0%}.", "error")]


def _blank(page: PageImage, markup: PageMarkup, blocks: Sequence[Block], witness: list[Word]) -> list[Issue]:
    """A page without ink has no text; a page with ink has some, or says why not."""
    if markup.finish == "error" or witness or any(b.text for b in blocks if markup.origin != "model"):
        return []
    blank = is_blank(page)
    texts = [b for b in blocks if b.text]
    if blank and texts:
        return [Issue("text-on-blank-page", "The page is blank, but the reading has text.", "error")]
    if blank:
        return [Issue("blank-page", "The page is blank.", "info")]
    if not blocks:
        return [Issue("nothing-read", "The page is not blank, but no text or figure was found on it.", "warning")]
    return []


def is_blank(page: PageImage) -> bool:
    """Whether (nearly) nothing is drawn on the page, by its pixels."""
    if page.text is not None and not (page.text.lines or page.text.shapes or page.text.pictures):
        return True
    import numpy as np

    grey = np.asarray(
        page.pixels().convert("L").reduce(2) if min(page.width, page.height) > 64 else page.pixels().convert("L")
    )
    paper = float(np.median(grey))
    return bool((np.abs(grey.astype(np.float32) - paper) > 48).mean() < BLANK_INK)
