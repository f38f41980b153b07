"""Ligatures that a PDF's text layer gets wrong, put right from the widths of its glyphs.

Two defects, both common and both silent. In right-to-left text a ligature of two letters (lam-alef)
comes out of MuPDF back to front. In Latin text some writers map the glyphs of fi, fl, ff, ffi and Th
to their last letter alone, so that the layer says "deined" where the page shows "defined"; such an
"i" is as wide as "f" and "i" together, which gives it away.

Here a line is a list of pieces, one for each character of MuPDF's, without white space.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_LATIN = re.compile("f[fil]|[\ufb00-\ufb04]")
_FEW = 400
"""Letters of a font in which a language that has these ligatures would have shown one (English: 2 on average)."""

_LOST = {"i": ("f", "ff"), "l": ("f", "ff"), "f": ("f",), "h": ("T",)}
"""What may stand unseen before a letter: "fi", "ffi", "fl", "ffl", "ff" and "Th" are the ligatures of Latin fonts."""
_NEAR = 0.12
"""A ligature is drawn a little narrower than its letters; AGaramond's by 5 to 9 %."""

Pieces = dict[tuple[int, int], list[str]]
"""By number of block and of line: what each character of the line stands for."""


def mended(textpage: Any, blocks: list[Any]) -> tuple[Pieces, int]:
    """The lines of a ``pymupdf.TextPage`` that are to be mended, and how many Latin ligatures that takes.

    ``blocks``: what its ``extractDICT`` gives. By its letters is decided whether a look at every glyph, which
    costs as much as the rest of the extraction, is worth while: a font that shows one ligature shows all.
    """
    by_font: dict[str, list[str]] = defaultdict(list)
    for block in blocks:
        for line in block.get("lines", ()):
            for span in line["spans"]:
                by_font[span["font"]].append(span["text"])
    texts = {font: " ".join(spans) for font, spans in by_font.items()}
    fonts = {font for font, text in texts.items() if len(text) >= _FEW and not _LATIN.search(text)}
    if not fonts and not any(RTL.search(text) for text in texts.values()):
        return {}, 0
    lines = list(_lines(textpage))
    found: Pieces = {}
    for where, chars in lines:
        if any(RTL.match(c["c"]) for c, _ in chars):
            found[where] = _forwards([c for c, _ in chars])
    return found, _restore([line for line in lines if line[0] not in found], fonts, found)


def _lines(textpage: Any) -> Iterator[tuple[tuple[int, int], list[tuple[Any, Any]]]]:
    """Where a line is, and its characters, each with its span."""
    for b, block in enumerate(textpage.extractRAWDICT()["blocks"]):
        for n, line in enumerate(block.get("lines", ())):
            yield (b, n), [(c, span) for span in line["spans"] for c in span["chars"] if not c["c"].isspace()]


def _forwards(chars: list[Any]) -> list[str]:
    """Letters of a right-to-left line: of a ligature, MuPDF gives the letter without a width first."""
    letters = [c["c"] for c in chars]
    for i in range(len(chars) - 1):
        if _width(chars[i]) < 0.01 < _width(chars[i + 1]) and RTL.match(letters[i]):
            letters[i], letters[i + 1] = letters[i + 1], letters[i]
    return letters


def _width(char: Any) -> float:
    return float(char["bbox"][2] - char["bbox"][0])


def _restore(lines: list[tuple[tuple[int, int], list[tuple[Any, Any]]]], fonts: set[str], found: Pieces) -> int:
    """Put the letters that Latin ligatures of ``fonts`` lost into ``found``; how many ligatures there were."""
    widths: dict[tuple[str, str], list[float]] = defaultdict(list)
    for _, chars in lines:
        for char, span in chars:
            if span["font"] in fonts and span["size"] > 0:
                widths[span["font"], char["c"]].append(_width(char) / span["size"])
    # A letter's own width is that of its narrow glyphs: in a short text most may be ligatures.
    usual = {key: sorted(values)[len(values) // 5] for key, values in widths.items()}
    count = 0
    for where, chars in lines:
        known = [(c["c"], s["font"], _width(c) / (s["size"] or 1.0)) for c, s in chars]
        ratios = [w / own for c, font, w in known if c not in _LOST and (own := usual.get((font, c), 0.0)) > 0]
        if ratios and sorted(ratios)[len(ratios) // 2] > 1.1:
            continue  # letterspaced: every glyph of the line is wide
        pieces = [_whole(*glyph, usual) for glyph in known]
        more = sum(len(piece) > len(glyph[0]) for piece, glyph in zip(pieces, known, strict=True))
        if more:
            found[where] = pieces
            count += more
    return count


def _whole(char: str, font: str, width: float, usual: dict[tuple[str, str], float]) -> str:
    """A character with the letters before it that its glyph has room for."""
    own = usual.get((font, char), 0.0)
    for lost in _LOST.get(char, ()) if own > 0 else ():
        extra = usual.get((font, lost[0]), 0.0) * len(lost)
        if extra > 0 and width > 1.5 * own and abs(width - own - extra) <= _NEAR * (own + extra):
            return lost + char
    return char


def put(pieces: list[str], spans: list[Any], words: list[Any]) -> None:
    """Replace the characters of a line by what they stand for, in its spans and its words."""
    if sum(len(word[0]) for word in words) != len(pieces):
        return
    at = 0
    for word in words:
        size = len(word[0])
        word[0] = "".join(pieces[at : at + size])
        at += size
    at = 0
    for span in spans:
        size = len("".join(span[0].split()))
        span[0] = "".join(pieces[at : at + size])
        at += size
