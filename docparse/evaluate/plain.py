"""Texts in one shape before they are compared: Markdown and HTML marks taken off, typography levelled.

A difference that no reader would call a mistake (a curly quote, a line break, a hyphen at the end of a line, ``**``)
must not count as one. What is not levelled: letter case, accents, punctuation.
"""

from __future__ import annotations

import re
import unicodedata
from html import unescape

from docparse.evaluate.grids import HTML_TABLE, PIPE_TABLE, rows_of

DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u00ad\u2e17"), "-")
_SINGLE = "\u2018\u2019\u201a\u201b\u2032`\u00b4"
_DOUBLE = "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb"
TYPOGRAPHY = DASHES | dict.fromkeys(map(ord, _SINGLE), "'") | dict.fromkeys(map(ord, _DOUBLE), '"')
"""Dashes and quotes, for ``str.translate``."""
UNSEEN = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\ufeff\u2060"))
"""Characters of no width, for ``str.translate``."""

_WIDE = "\u3001-\u303f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef"
_GAP = re.compile(f"(?<=[{_WIDE}]) (?=[{_WIDE}])")
_BROKEN_WORD = re.compile(r"(?<=\w)[-\u2010\u00ad\u2e17\u00ac][ \t]*\n[ \t]*(?=([^\W\d_]))")
CHARACTER_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af]")
"""Chinese, Japanese, Korean: a character is a word."""
_NO_LETTERS = re.compile(r"[\s\W_]+")

_DISPLAY_MATH = re.compile(r"\$\$.+?\$\$|\\\[.+?\\\]", re.S)
_RULE_ROW = re.compile(r"^\s*\|?[\s:|-]+\|?\s*$", re.M)
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[^\n]*$", re.M)
_Marks = tuple[tuple[re.Pattern[str], str], ...]
_HTML: _Marks = (
    (re.compile(r"!\[[^\]]*\]\([^)]*\)"), ""),  # pictures
    (re.compile(r"(?<!\\)\[([^\]]+)\]\((?:[^()\s]|\([^)]*\))*\)"), r"\1"),  # links keep their text
    (re.compile(r"<!--.*?-->", re.S), ""),
    (re.compile(r"<(script|style)\b.*?</\1>", re.S | re.I), ""),
    (re.compile(r"<br\s*/?>|</(?:p|div|h[1-6]|li|tr)>", re.I), "\n"),
    (re.compile(r"</?[a-zA-Z][^<>]*>"), ""),
)
_MARKDOWN: _Marks = (
    (re.compile(r"^[ \t]{0,3}#{1,6}[ \t]+", re.M), ""),
    (re.compile(r"^[ \t]*>[ \t]?", re.M), ""),
    (re.compile(r"^[ \t]*(?:[-*_][ \t]*){3,}$", re.M), ""),
    (re.compile(r"^[ \t]*[-*+\u2022][ \t]+", re.M), ""),
    (re.compile(r"(\*\*\*|\*\*|__)(?=\S)(.+?)(?<=\S)\1", re.S), r"\2"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), r"\1"),
    (re.compile(r"\\[()\[\]]"), ""),  # around formulas
    (re.compile(r"\\([\\`*_{}#+.!|$%&-])"), r"\1"),
)


def levelled(text: str) -> str:
    """One shape for what looks the same: compatibility forms, dashes, quotes, white space; words broken at the end of
    a line in one piece; no spaces between Chinese or Japanese characters, where they mean nothing."""
    text = unicodedata.normalize("NFKC", text).translate(UNSEEN)
    # Jean-\nPaul keeps its hyphen: it may be meant.
    text = _BROKEN_WORD.sub(lambda m: "" if m[1].islower() else m[0], text)
    return _GAP.sub("", " ".join(text.translate(TYPOGRAPHY).split()))


def without_marks(text: str, *, tables: bool = True, display_math: bool = True) -> str:
    """What a reader sees of Markdown or HTML; cells are parted by tabs. Without ``tables`` or ``display_math`` these
    are left out."""
    text = _FENCE.sub("", text)
    text = HTML_TABLE.sub(lambda m: f"\n\n{_cells(m[0])}\n\n" if tables else "\n\n", text)
    text = PIPE_TABLE.sub(lambda m: f"\n{_RULE_ROW.sub('', m[0])}\n".replace("|", "\t") if tables else "\n", text)
    if not display_math:
        text = _DISPLAY_MATH.sub("\n", text)
    for mark, instead in _HTML:
        text = mark.sub(instead, text)
    text = unescape(text)
    for mark, instead in _MARKDOWN:
        text = mark.sub(instead, text)
    return text.replace("$", "")


def _cells(html: str) -> str:
    return "\n".join("\t".join(levelled(cell.text) for cell in row) for row in rows_of(html) or ())


def letters(text: str) -> str:
    """Letters and digits only, folded."""
    return _NO_LETTERS.sub("", levelled(text)).casefold()


def words(text: str) -> list[str]:
    """Words by white space; each Chinese, Japanese or Korean character is one."""
    return CHARACTER_WORDS.sub(lambda m: f" {m[0]} ", text).split()
