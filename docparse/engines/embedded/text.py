"""Lines of segments as one text with inline marks: words joined, hyphens at line ends mended."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from docparse.engines.embedded.segments import Segment, read_order
from docparse.textlayer import Style, Word

Piece = tuple[str, tuple[str, ...], float | None]
"""Text, its marks (HTML's names) and its confidence."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Which marks are written down. Headings and table heads are bold by nature."""

    bold: bool = True
    italic: bool = True


def pieces(lines: list[Segment], *, marks: Marks | None = None, breaks: bool = False, skip: int = 0) -> list[Piece]:
    """The text of ``lines``. ``breaks`` keeps line ends; ``skip`` leaves out that many first characters."""
    marks = marks or Marks()
    done: list[Piece] = []
    for i, line in enumerate(lines):
        own = _line(line, marks)
        if skip:
            own, skip = _without(own, skip)
        if not own:
            continue
        if i and done:
            _join(done, own, breaks)
        done += own
    return _merged(done)


def _line(line: Segment, marks: Marks) -> list[Piece]:
    own: list[Piece] = []
    words = read_order(line.words, mirrored=line.mirrored)
    for k, word in enumerate(words):
        if k and not _closed_up(words[k - 1], word, own, line.size):
            own.append((" ", (), None))
        confidence = word.confidence
        if not word.parts:
            own.append((word.text, (), confidence))
        for text, style in word.parts:
            own.append((text, _marks(style, line, word, marks), confidence))
    return own


def _closed_up(a: Word, b: Word, own: list[Piece], size: float) -> bool:
    """Whether no space stands between two words: Chinese, or a stop set apart from its word."""
    gap = max(b.box.x1 - a.box.x2, a.box.x1 - b.box.x2)
    if _wide_end(own) and _is_wide(b.text[:1]):
        return gap < 0.5 * size
    return b.text in _STOPS and gap < 0.2 * size


_STOPS = frozenset([*".,;:!?)]}%\u060c\u061b\u061f"])


def _marks(style: Style, line: Segment, word: Word, marks: Marks) -> tuple[str, ...]:
    found = []
    if style.bold and marks.bold:
        found.append("b")
    if style.italic and marks.italic:
        found.append("i")
    if style.subscript:
        found.append("sub")
    elif style.superscript or (style.size < 0.8 * line.size and len(word.text) <= 12):
        # Small and raised, or small and lowered: the box is made from the baseline of the largest part.
        raised = style.superscript or word.box.y2 < line.box.y2 - 0.2 * line.size
        if raised:
            found.append("sup")
    return tuple(found)


def _is_wide(char: str) -> bool:
    """Whether a character is of a script that puts no spaces between words; Korean does."""
    if not char or "\uac00" <= char <= "\ud7af" or "\u1100" <= char <= "\u11ff" or "\u3130" <= char <= "\u318f":
        return False
    return unicodedata.east_asian_width(char) in "WF"


def _wide_end(own: list[Piece]) -> bool:
    return bool(own) and _is_wide(own[-1][0][-1:])


def _join(done: list[Piece], own: list[Piece], breaks: bool) -> None:
    """Put between two lines what belongs there: a break, a space, or nothing."""
    if breaks:
        done.append(("\n", (), None))
        return
    text, marks, confidence = done[-1]
    first = own[0][0]
    if text.endswith("\u00ad") or (
        text[-1:] in "-\u2010" and len(text) > 1 and text[-2].isalpha() and first[:1].islower()
    ):
        done[-1] = (text[:-1], marks, confidence)
        return
    if _is_wide(text[-1:]) and _is_wide(first[:1]):
        return
    if text[-1:] in "-\u2010/" and len(text) > 1 and text[-2].isalnum() and first[:1].isalnum():
        return  # "GPT-" / "4", "and/" / "or": the break is no space
    done.append((" ", (), None))


def _without(own: list[Piece], skip: int) -> tuple[list[Piece], int]:
    """``own`` without its first ``skip`` characters and the space after them."""
    left = list(own)
    while left and skip >= len(left[0][0]):
        skip -= len(left[0][0])
        left.pop(0)
    if left and skip:
        text, marks, confidence = left[0]
        left[0] = (text[skip:], marks, confidence)
        skip = 0
    while left and not left[0][0].strip():
        left.pop(0)
    return left, skip


def _merged(found: list[Piece]) -> list[Piece]:
    """Neighbours of one style and confidence as one; a space takes the marks it stands between."""
    done: list[Piece] = []
    for i, (text, marks, confidence) in enumerate(found):
        if text == " " and done and i + 1 < len(found):
            marks = tuple(m for m in done[-1][1] if m in found[i + 1][1] and m not in ("sup", "sub"))
            confidence = done[-1][2]
        if done and done[-1][1] == marks and done[-1][2] == confidence:
            done[-1] = (done[-1][0] + text, marks, confidence)
        elif text:
            done.append((text, marks, confidence))
    return done
