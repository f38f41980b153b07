"""What MuPDF says of a page, as plain lists: lines of text, drawn shapes, placed pictures.

``extract`` asks MuPDF once per page and returns the raw form of a text layer (``textlayer.Raw``):
lists, JSON-able, so that a child process can send them home as data and never as code. All places
are in points of the page as shown, that is, after /Rotate and within the CropBox. What this file is
not: it judges and groups nothing beyond MuPDF's own lines.
"""

from __future__ import annotations

import re
from typing import Any

from docparse import ligatures
from docparse.geometry import BBox, Rotation, turned
from docparse.textlayer import Raw, painted

MAX_SHAPES = 4000
"""Above this a page is a map or a plan; its lines are no table rules and cost seconds to list."""


def extract(page: Any) -> Raw:
    """The text layer of a ``pymupdf.Page``, in points of the page as shown (after /Rotate)."""
    raw = _extract(page)
    if any(_DOUBLED.fullmatch(word) and len(set(word)) > 2 for line in raw["lines"] for word, _ in line[3]):
        return _extract(page, styles=True)
    return raw


_DOUBLED = re.compile(r"(?:([^\W\d_])\1){4,}")
"""A word each of whose letters is printed twice, one over the other, to look bold: "BBoolldd"."""


def _extract(page: Any, *, styles: bool = False) -> Raw:
    """``styles``: let MuPDF look for letters printed over each other.

    That takes it five times as long as all the rest (10.5 ms a page instead of 1.7, measured on 103 pages),
    and it takes letters that only touch, full stops and alefs among them, for a second print.
    """
    import pymupdf

    flags = (
        pymupdf.TEXT_PRESERVE_WHITESPACE
        | pymupdf.TEXT_PRESERVE_LIGATURES  # MuPDF takes Arabic ones apart backwards; see textlayer._Unmapped
        | pymupdf.TEXT_MEDIABOX_CLIP
        | pymupdf.TEXT_COLLECT_VECTORS
        | (pymupdf.TEXT_COLLECT_STYLES if styles else 0)
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
    mended, restored = ligatures.mended(textpage, blocks)
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
                        ligatures.put(mended[b, n], spans, words)
                    lines.append([list(line["bbox"]), list(line["dir"]), spans, words])
                    at = found + 1
                elif letters:
                    lines.append([list(line["bbox"]), list(line["dir"]), spans, _spread(letters, spans, line["bbox"])])
        elif block["type"] == 3:
            vectors.append(["path", list(block["bbox"]), None, block["color"]])
    placed = page.get_image_info() if _may_have_pictures(page) else []
    pictures = [_placed(info, turn, width, height) for info in placed if info["width"] > 0]
    # MuPDF's text page boxes strokes by their mitres, up to ten line widths too wide: good enough to
    # see that something is drawn, not where a rule runs.
    drawn = _shapes(page) if 0 < len(vectors) <= MAX_SHAPES else None
    shapes = vectors
    if drawn is not None:
        shapes = [
            [kind, list(turned(BBox.of(*box), turn, width, height).as_tuple()), stroke, fill]
            for kind, box, stroke, fill in drawn
        ]
    return {"lines": _printed_once(lines), "shapes": shapes, "pictures": pictures, "ligatures": restored}


def _may_have_pictures(page: Any) -> bool:
    """Whether to look for pictures, which means to run through the page once more."""
    try:
        return bool(page.get_images()) or b"BI" in page.read_contents()
    except Exception:  # noqa: BLE001  (a damaged resource must not cost the page its text)
        return True


_FAKE_BOLD = 8
"""MuPDF's character flag for it."""


def _printed_once(lines: list[Any]) -> list[Any]:
    """Lines without those printed again a hair beside themselves, to look bold or to cast a shadow.

    Text that is seen and text that is not are never one: the same words may lie hidden under a scan.
    """
    seen: dict[tuple[str, bool, int, int], list[Any]] = {}
    kept: list[Any] = []
    for line in lines:
        letters, shown = "".join(word for word, _ in line[3]), any(painted(span) for span in line[2])
        near = 0.2 * max(span[1] for span in line[2])
        column, row = (int(v / max(near, 0.1)) for v in line[0][:2])  # a place has few neighbours, a page many lines
        places = [(letters, shown, column + i, row + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        other = next((o for p in places if (o := seen.get(p)) and _beside(o[0], line[0], near)), None)
        if other is None or len(letters) < 2:
            seen[letters, shown, column, row] = line
            kept.append(line)
        else:
            for span in other[2]:
                span[3] |= _FAKE_BOLD
    return kept


def _beside(box: list[float], other: list[float], near: float) -> bool:
    return max(abs(a - b) for a, b in zip(box, other, strict=True)) < near


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
