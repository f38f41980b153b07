"""What a PDF page itself says: words with their style, drawn shapes and placed pictures.

``extract`` asks MuPDF once per page and returns plain lists (JSON-able, so that a child process can
send them home as data and never as code); ``build`` turns those lists into a ``TextLayer`` in pixels
of the page image. What this file is not: layout. It groups nothing beyond MuPDF's own lines, which
end at a large horizontal gap.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Literal

from docparse.geometry import BBox, Rotation, turned

# MuPDF's span flags (font) and char flags (how the glyphs are painted).
_SUPERSCRIPT, _ITALIC, _MONO, _BOLD_FONT = 1, 2, 8, 16
_BOLD_PAINT, _FILLED, _STROKED, _CLIPPED = 8, 16, 32, 64

ASCENT, DESCENT = 0.75, 0.22
"""Height of ascenders above and depth of descenders below the baseline, in ems. Fonts lie about
both (PDF font descriptors are often copied), so boxes are made from the baseline and the size."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a stretch of text is set. ``size`` in pixels of the page image; ``color`` 0xRRGGBB."""

    size: float
    font: str = ""
    bold: bool = False
    italic: bool = False
    mono: bool = False
    superscript: bool = False
    color: int = 0


@dataclass(frozen=True, slots=True)
class Word:
    """A word (no white space inside) and its box, in pixels. ``parts``: its text by style."""

    text: str
    box: BBox
    parts: tuple[tuple[str, Style], ...] = ()
    confidence: float | None = None

    @property
    def style(self) -> Style:
        return max(self.parts, key=lambda part: len(part[0]))[1] if self.parts else Style(self.box.height)


@dataclass(frozen=True, slots=True)
class Line:
    """Words on one baseline with no large gap between them.

    ``angle``: direction of reading in clockwise degrees, 0 for upright text (0, 90, 180, 270, or
    -1 for anything else). ``baseline``: y of the baseline in pixels (upright text only).
    ``visible`` is false for text painted invisibly, as OCR programs do under a scan.
    """

    words: tuple[Word, ...]
    box: BBox
    baseline: float
    angle: int = 0
    visible: bool = True

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


ShapeKind = Literal["rule", "rect", "path"]


@dataclass(frozen=True, slots=True)
class Shape:
    """Something drawn.

    ``rule``: a straight horizontal or vertical line; ``box`` is its core line, of no thickness
    across. ``rect``: a rectangle, filled and/or stroked. ``path``: anything else, by its box.
    ``stroke`` and ``fill`` are 0xRRGGBB, None where not painted so.
    """

    kind: ShapeKind
    box: BBox
    stroke: int | None = None
    fill: int | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A raster image as placed: its box on the page and its own size in pixels."""

    box: BBox
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class TextLayer:
    """Everything a PDF page says about itself, in pixels of the page image."""

    lines: tuple[Line, ...] = ()
    shapes: tuple[Shape, ...] = ()
    pictures: tuple[Picture, ...] = ()
    unmapped: int = 0
    """Characters without a Unicode meaning (no ToUnicode map, private use, replacement)."""

    def words(self, *, visible_only: bool = True) -> list[Word]:
        return [word for line in self.lines if line.visible or not visible_only for word in line.words]


Raw = dict[str, Any]
"""The JSON-able form, in points: ``lines`` [[box, direction, spans, words]], ``shapes`` [[kind, box,
stroke, fill]], ``pictures`` [[box, width, height]]."""

MAX_SHAPES = 4000
"""Above this a page is a map or a plan; its lines are no table rules and cost seconds to list."""


def extract(page: Any) -> Raw:
    """The text layer of a ``pymupdf.Page``, in points of the page as shown (after /Rotate)."""
    import pymupdf

    flags = (
        pymupdf.TEXT_PRESERVE_WHITESPACE
        | pymupdf.TEXT_PRESERVE_LIGATURES  # MuPDF takes Arabic ones apart backwards; see _Unmapped
        | pymupdf.TEXT_MEDIABOX_CLIP
        | pymupdf.TEXT_COLLECT_STYLES
        | pymupdf.TEXT_COLLECT_VECTORS
    )
    # PyMuPDF undoes /Rotate before it looks for text; its matrix brings back what is shown.
    turn: Rotation = page.rotation
    width, height = page.rect.width, page.rect.height
    if turn in (90, 270):
        width, height = height, width
    textpage = page.get_textpage(clip=page.rect, flags=flags, matrix=page.rotation_matrix)
    groups = _words_by_line(textpage.extractWORDS())
    lines: list[Any] = []
    vectors: list[Any] = []
    at = 0
    blocks = textpage.extractDICT()["blocks"]
    mended = _ligatures_mended(textpage) if any(_RTL.search(letters) for letters, _ in groups) else {}
    for b, block in enumerate(blocks):
        if block["type"] == 0:
            for n, line in enumerate(block["lines"]):
                spans = [
                    [s["text"], s["size"], s["flags"], s["char_flags"], s["font"], s["color"], s["alpha"], *s["origin"]]
                    for s in line["spans"]
                ]
                letters = "".join("".join(span[0].split()) for span in spans)
                # Both lists come from one text page in one order; blank lines have no words.
                found = next((k for k in range(at, min(at + 4, len(groups))) if groups[k][0] == letters), None)
                if letters and found is not None:
                    words = groups[found][1]
                    if (b, n) in mended:
                        _put(mended[b, n], spans, words)
                    lines.append([list(line["bbox"]), list(line["dir"]), spans, words])
                    at = found + 1
                elif letters:
                    lines.append([list(line["bbox"]), list(line["dir"]), spans, _spread(letters, spans, line["bbox"])])
        elif block["type"] == 3:
            vectors.append(["path", list(block["bbox"]), None, block["color"]])
    pictures = [_placed(info, turn, width, height) for info in page.get_image_info() if info["width"] > 0]
    # MuPDF's text page boxes strokes by their mitres, up to ten line widths too wide: good enough to
    # see that something is drawn, not where a rule runs.
    drawn = _shapes(page) if 0 < len(vectors) <= MAX_SHAPES else None
    shapes = vectors
    if drawn is not None:
        shapes = [
            [kind, list(turned(BBox.of(*box), turn, width, height).as_tuple()), stroke, fill]
            for kind, box, stroke, fill in drawn
        ]
    return {"lines": lines, "shapes": shapes, "pictures": pictures}


def _placed(info: dict[str, Any], turn: Rotation, width: float, height: float) -> list[Any]:
    """A picture's box and its own size in pixels, both as it lies on the page shown."""
    a, b, c, d = info["transform"][:4]
    lying = (abs(b) + abs(c) > abs(a) + abs(d)) != (turn in (90, 270))
    size = (info["height"], info["width"]) if lying else (info["width"], info["height"])
    return [list(turned(BBox.of(*info["bbox"]), turn, width, height).as_tuple()), *size]


def _words_by_line(words: list[Any]) -> list[tuple[str, list[Any]]]:
    """MuPDF's words as (letters of the line, [[word, box]]), line by line."""
    lines: list[list[Any]] = []
    key: tuple[int, int] | None = None
    for x1, y1, x2, y2, text, block, line, _ in words:
        pieces = text.split()
        if not pieces:
            continue
        if (block, line) != key:
            key = (block, line)
            lines.append([])
        if len(pieces) == 1:
            lines[-1].append([pieces[0], [x1, y1, x2, y2]])
        else:  # MuPDF ends words at the common spaces only, not at an em space or an ideographic one
            lines[-1] += _shared(text, (x1, y1, x2, y2))
    return [("".join(word[0] for word in items), items) for items in lines]


_RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")


def _ligatures_mended(textpage: Any) -> dict[tuple[int, int], str]:
    """Letters of right-to-left lines, by block and line, with ligatures in reading order.

    A ligature of two letters (lam-alef) comes out of MuPDF back to front: the second letter, which
    has no width of its own, first.
    """
    found: dict[tuple[int, int], str] = {}
    for b, block in enumerate(textpage.extractRAWDICT()["blocks"]):
        for n, line in enumerate(block.get("lines", ())):
            chars = [c for span in line["spans"] for c in span["chars"] if not c["c"].isspace()]
            letters = [c["c"] for c in chars]
            if not any(_RTL.match(letter) for letter in letters):
                continue
            for i in range(len(chars) - 1):
                narrow, wide = chars[i]["bbox"], chars[i + 1]["bbox"]
                if narrow[2] - narrow[0] < 0.01 < wide[2] - wide[0] and _RTL.match(letters[i]):
                    letters[i], letters[i + 1] = letters[i + 1], letters[i]
            found[b, n] = "".join(letters)
    return found


def _put(letters: str, spans: list[Any], words: list[Any]) -> None:
    """Replace the letters of a line, which are as many as before, in its spans and words."""
    if sum(len(word[0]) for word in words) != len(letters):
        return
    at = 0
    for word in words:
        word[0] = letters[at : at + len(word[0])]
        at += len(word[0])
    at = 0
    for span in spans:
        size = len("".join(span[0].split()))
        span[0] = letters[at : at + size]
        at += size


def _spread(letters: str, spans: list[Any], box: Any) -> list[Any]:
    """Words of a line with no boxes of their own."""
    return _shared("".join(span[0] for span in spans), box) or [[letters, list(box)]]


def _shared(text: str, box: Any) -> list[Any]:
    """The words of ``text`` as [[word, box]]; the width of ``box`` is shared by characters."""
    x1, y1, x2, y2 = box
    step = (x2 - x1) / max(len(text), 1)
    words: list[Any] = []
    start = 0
    for piece in text.split():
        start = text.index(piece, start)
        words.append([piece, [x1 + start * step, y1, x1 + (start + len(piece)) * step, y2]])
        start += len(piece)
    return words


_STRAIGHT = 0.6
"""Points by which a straight line may lean and still be horizontal or vertical."""


def _shapes(page: Any) -> list[Any] | None:
    """The drawn paths of a page, taken apart into rules, rectangles and the rest; None for too many."""
    found: list[Any] = []
    parts = 0
    for path in page.get_cdrawings():
        parts += len(path["items"])
        if parts > 10 * MAX_SHAPES:  # a single path may have a million
            return None
        stroke, fill = _rgb(path.get("color")), _rgb(path.get("fill"))
        if path.get("stroke_opacity") == 0:
            stroke = None
        if path.get("fill_opacity") == 0:
            fill = None
        if stroke is None and fill is None:
            continue
        rest = False
        for item in path["items"]:
            if item[0] == "l" and stroke is not None:
                (xa, ya), (xb, yb) = item[1], item[2]
                if abs(xa - xb) <= _STRAIGHT or abs(ya - yb) <= _STRAIGHT:
                    found.append(["rule", _rule_box(xa, ya, xb, yb), stroke, None])
                else:
                    rest = True
            elif item[0] == "re":
                found.append(["rect", list(item[1]), stroke, fill])
            elif item[0] != "l" or not _is_box(path):
                rest = True
        if rest:
            found.append(["path", list(path["rect"]), stroke, fill])
        elif fill is not None and path["items"][0][0] == "l":
            found.append(["rect", list(path["rect"]), None, fill])
    return found


def _is_box(path: dict[str, Any]) -> bool:
    """Whether a path of lines is the outline of its own box."""
    return all(
        item[0] == "l" and (abs(item[1][0] - item[2][0]) <= _STRAIGHT or abs(item[1][1] - item[2][1]) <= _STRAIGHT)
        for item in path["items"]
    ) and len(path["items"]) in (3, 4, 5)


def _rule_box(xa: float, ya: float, xb: float, yb: float) -> list[float]:
    if abs(xa - xb) < abs(ya - yb):
        x = (xa + xb) / 2
        return [x, min(ya, yb), x, max(ya, yb)]
    y = (ya + yb) / 2
    return [min(xa, xb), y, max(xa, xb), y]


def _rgb(color: Any) -> int | None:
    if color is None:
        return None
    values = [min(max(round(float(v) * 255), 0), 255) for v in color]
    if len(values) == 1:
        values *= 3
    return values[0] << 16 | values[1] << 8 | values[2] if len(values) == 3 else 0


def build(raw: Raw, scale: float) -> TextLayer:
    """``raw`` (points) as a ``TextLayer`` in pixels; ``scale`` is pixels per point."""
    counter = _Unmapped()
    lines = [made for item in raw["lines"] if (made := _line(item, scale, counter)) is not None]
    shapes = tuple(Shape(kind, _box(box, scale), stroke, fill) for kind, box, stroke, fill in raw["shapes"])
    pictures = tuple(Picture(_box(box, scale), int(w), int(h)) for box, w, h in raw["pictures"])
    return TextLayer(tuple(lines), shapes, pictures, counter.count)


class _Unmapped:
    """Counts characters that mean nothing, and drops them."""

    def __init__(self) -> None:
        self.count = 0

    def clean(self, text: str) -> str:
        if text.isascii() and text.isprintable():
            return text
        kept = []
        for char in unicodedata.normalize("NFC", text):
            category = unicodedata.category(char)
            if category in ("Co", "Cn", "Cs") or char == "\ufffd" or (category == "Cc" and not char.isspace()):
                self.count += 1
            if category not in ("Cc", "Cs") and char != "\ufffd":
                kept.append(_plain(char))
        return "".join(kept)


_WITHOUT_WIDTH = frozenset("\u200b\u2060\ufeff")


def _plain(char: str) -> str:
    """Ligatures and the shapes of Arabic letters as the letters they stand for."""
    if "\ufb00" <= char <= "\ufdff" or "\ufe70" <= char <= "\ufefc":
        return unicodedata.normalize("NFKC", char)
    return "" if char in _WITHOUT_WIDTH else char


def _box(values: list[float], scale: float) -> BBox:
    return BBox.of(*(float(v) * scale for v in values))


def _style(span: list[Any], scale: float) -> Style:
    _, size, flags, char_flags, font, color = span[:6]
    name = str(font).split("+", 1)[-1]
    heavy = any(mark in name.lower() for mark in ("bold", "black", "heavy", "semibold", "demi"))
    return Style(
        size=round(size * scale, 2),
        font=name,
        bold=heavy or bool(flags & _BOLD_FONT) or bool(char_flags & _BOLD_PAINT),
        italic=bool(flags & _ITALIC) or "italic" in name.lower() or "oblique" in name.lower(),
        mono=bool(flags & _MONO),
        superscript=bool(flags & _SUPERSCRIPT),
        color=int(color) & 0xFFFFFF,
    )


def painted(span: list[Any]) -> bool:
    """Whether a span of the raw form is seen: filled or stroked, and not with no opacity."""
    return bool(span[3] & (_FILLED | _STROKED)) and span[6] > 0


_SOFT_HYPHEN = "\u00ad"


def _show_hyphens(words: list[Word]) -> None:
    """Soft hyphens as the hyphens they are seen as. At the end of a line one says what it is for."""
    for i, word in enumerate(words):
        if _SOFT_HYPHEN in word.text:
            end = 1 if i == len(words) - 1 and word.text.endswith(_SOFT_HYPHEN) else 0
            parts = [(text.replace(_SOFT_HYPHEN, "-"), style) for text, style in word.parts]
            if end:
                parts[-1] = (parts[-1][0][:-1] + _SOFT_HYPHEN, parts[-1][1])
            words[i] = Word("".join(p[0] for p in parts), word.box, tuple(parts))


_ANGLES = {(1, 0): 0, (0, 1): 90, (-1, 0): 180, (0, -1): 270}


def _line(item: list[Any], scale: float, counter: _Unmapped) -> Line | None:
    _, direction, spans, words = item
    angle = _ANGLES.get((round(direction[0], 1), round(direction[1], 1)), -1)
    inked = [span for span in spans if span[0].strip()]
    if not inked:
        return None
    visible = any(painted(span) for span in inked)
    # Characters and their styles in reading order, without white space, to cut the words by style.
    stretches: list[tuple[str, Style, tuple[float, float]]] = []
    for span in inked:
        letters = "".join(span[0].split())
        shown = letters if painted(span) or not visible else "\0" * len(letters)
        stretches.append((shown, _style(span, scale), (span[7] * scale, span[8] * scale)))
    if sum(len(s[0]) for s in stretches) != sum(len(text) for text, _ in words):
        stretches = [("".join(text for text, _ in words), *stretches[0][1:])]
    made: list[Word] = []
    which, inside = 0, 0
    main = max(stretches, key=lambda s: len(s[0]))
    slope = direction[1] / direction[0] if angle == 0 else 0.0  # a line that is not quite level
    for text, wbox in words:
        parts: list[tuple[str, Style]] = []
        need, at = len(text), 0
        base = main[2]
        size = 0.0
        while need > 0 and which < len(stretches):
            take = min(need, len(stretches[which][0]) - inside)
            piece = text[at : at + take]
            if stretches[which][0][inside : inside + 1] != "\0":
                cleaned = counter.clean(piece)
                if cleaned:
                    parts.append((cleaned, stretches[which][1]))
                if stretches[which][1].size > size:
                    size, base = stretches[which][1].size, stretches[which][2]
            need, at, inside = need - take, at + take, inside + take
            if inside >= len(stretches[which][0]):
                which, inside = which + 1, 0
        if not parts:
            continue
        box = _box(wbox, scale)
        if angle == 0:
            # Keep the advance widths MuPDF measured, replace the font's own idea of its height.
            left, right = (base[1] + (x - base[0]) * slope for x in (box.x1, box.x2))
            top, bottom = min(left, right) - ASCENT * size, max(left, right) + DESCENT * size
            box = BBox.of(box.x1, top, box.x2, bottom)
        made.append(Word("".join(p[0] for p in parts), box, tuple(parts)))
    if not made:
        return None
    _show_hyphens(made)
    return Line(tuple(made), BBox.around(w.box for w in made), main[2][1], angle, visible)
