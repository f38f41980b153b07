"""Whether a page's text layer can be believed, and where it falls silent.

Text under a scan was written by somebody's OCR; fonts without a Unicode map give letters that mean
nothing; a stamp on a scanned page is not its text. In all these the pixels are asked.
"""

from __future__ import annotations

import re

from docparse.geometry import BBox
from docparse.textlayer import TextLayer

MAX_UNMAPPED = 0.08
"""Share of characters without a meaning above which the whole layer is rubbish."""
MIN_PLAUSIBLE = 0.55
"""Share of letters in words that could be words; below it the pixels are asked."""
SAMPLE = 40
"""Lines looked at, spread over the page: rubbish is rubbish throughout."""
STAMP = 400
"""Visible characters that may be a stamp, a header or a signature on a scanned page."""
SCAN_SHARE = 0.55
"""Share of the page under pictures from which a page with hardly any text counts as a scan."""
INSET_SHARE = 0.12
"""Share of the page from which a picture without text in it is looked at for text."""
TEXT_SHARE = 0.15
"""Share of such a picture under lines of text from which it is read with all care: a part of the page that
was scanned has 0.3 and more, charts with their labels have less than 0.1, with large ones up to 0.28."""

_VOWEL = re.compile("[aeiouyAEIOUYà-öø-ÿÀ-ÖØ-ß]")
_LATIN = re.compile("[A-Za-zÀ-ÿ]+")
_NUMBER = re.compile(r"[\d.,:/%$€£()+\-–—]+")


def has_text(layer: TextLayer) -> bool:
    """Whether the layer shows any text that means something."""
    visible = _visible(layer)
    return visible > 0 and layer.unmapped <= MAX_UNMAPPED * (visible + layer.unmapped)


def suspicious(layer: TextLayer) -> bool:
    """Whether the words look like no language's: the pixels should have a say."""
    good = total = 0
    lines = [line for line in layer.lines if line.visible]
    for line in lines[:: max(1, len(lines) // SAMPLE)]:
        for word in line.words:
            core = word.text.strip("\"'“”‘’()[]{}.,:;!?*•-–—<>|")
            if not core:
                total += len(word.text)
                continue
            total += len(core)
            if _plausible(core):
                good += len(core)
    return total >= 3 and good < MIN_PLAUSIBLE * total


def _plausible(word: str) -> bool:
    if any(ord(c) > 0x24F for c in word if c.isalpha()):
        return True  # other scripts have their own rules
    if _NUMBER.fullmatch(word):
        return sum(c.isdigit() for c in word) >= 0.4 * len(word)
    letters = sum(c.isalpha() for c in word)
    if letters < 0.5 * len(word):
        return any(c.isdigit() for c in word) and word.isalnum()
    parts = _LATIN.findall(word)
    return all(len(p) <= 3 or _VOWEL.search(p) is not None for p in parts)


def is_stamped_scan(layer: TextLayer, page: BBox) -> bool:
    """Whether pictures make up the page and its few visible words only stand on them."""
    covered = sum(p.box.clamped(page.x2, page.y2).area for p in layer.pictures)
    return covered >= SCAN_SHARE * page.area and _visible(layer) < STAMP


def insets(layer: TextLayer, page: BBox) -> list[BBox]:
    """Large pictures in which the text layer says nothing: parts of a page that were scanned."""
    found = []
    for picture in layer.pictures:
        box = picture.box.clamped(page.x2, page.y2)
        if box.area < INSET_SHARE * page.area or min(picture.width, picture.height) < 150:
            continue
        inside = sum(len(w.text) for line in layer.lines for w in line.words if box.contains(*w.box.center))
        if inside < 20:
            found.append(box)
    return found


def _visible(layer: TextLayer) -> int:
    return sum(len(w.text) for line in layer.lines if line.visible for w in line.words)
