"""Segments: words on one baseline with no large gap, the atoms of the embedded engine's layout.

They come from the text layer's lines or from OCR lines alike. Everything downstream measures in
``em``, the size of body text on the page, so that it does not care about resolution.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from docparse.geometry import BBox, Rotation, back, turned
from docparse.textlayer import ASCENT, DESCENT, Line, Style, Word

GAP = 0.8
"""Ems of white space that end a segment. A word space is 0.2 to 0.35; justified lines stretch it."""

_NUMERIC = re.compile(
    r"[(\[<>~±+\-–—−*†‡§$€£¥%#\s]*"  # noqa: RUF001
    r"(?:\d[\d.,'’:/\s]*|[.\-–—−…]{1,4}|n/?a\.?|x)"
    r"[)\]%*†‡§°$€£¥a-d\s]{0,4}(?:[(\[][^)\]]{0,12}[)\]])?[*†‡§]*",
    re.IGNORECASE,
)


class Segment:
    """Words left to right on one baseline. Boxes in upright page pixels; see ``Upright``."""

    __slots__ = ("baseline", "box", "confidence", "origin", "size", "words")

    def __init__(self, words: Sequence[Word], baseline: float, *, confidence: float | None = None, origin: str = ""):
        self.words = list(words)
        self.box = BBox(
            words[0].box.x1,
            min(w.box.y1 for w in words),
            max(w.box.x2 for w in words),
            max(w.box.y2 for w in words),
        )
        self.baseline = baseline
        self.size = _main_size(self.words)
        self.confidence = confidence
        self.origin = origin

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def style(self) -> Style:
        """The style of most of its characters."""
        weights: Counter[Style] = Counter()
        for word in self.words:
            for text, style in word.parts:
                weights[style] += len(text)
        return weights.most_common(1)[0][0] if weights else Style(self.size)

    @property
    def bold(self) -> bool:
        """Whether at least 80 % of the characters are bold."""
        heavy = total = 0
        for word in self.words:
            for text, style in word.parts:
                total += len(text)
                heavy += len(text) if style.bold else 0
        return total > 0 and heavy >= 0.8 * total

    @property
    def numeric(self) -> bool:
        """Whether it looks like one table value: a number, a dash, a percentage."""
        return is_numeric(self.text)

    def __repr__(self) -> str:
        return f"Segment({self.text!r}, {self.box.as_tuple()})"


def is_numeric(text: str) -> bool:
    return len(text) <= 40 and _NUMERIC.fullmatch(text.strip()) is not None


def _main_size(words: Iterable[Word]) -> float:
    sizes: Counter[float] = Counter()
    for word in words:
        for text, style in word.parts:
            sizes[style.size] += len(text)
    if sizes:
        return sizes.most_common(1)[0][0]
    heights = sorted(w.box.height for w in words)
    return heights[len(heights) // 2] / (ASCENT + DESCENT)


class Upright:
    """The turn that makes most of the page's text read left to right, and the way back."""

    __slots__ = ("height", "turn", "width")

    def __init__(self, turn: Rotation, width: float, height: float) -> None:
        self.turn = turn
        self.width, self.height = (height, width) if turn in (90, 270) else (width, height)

    def to(self, box: BBox) -> BBox:
        """Page pixels -> upright pixels."""
        if self.turn == 0:
            return box
        w, h = (self.height, self.width) if self.turn in (90, 270) else (self.width, self.height)
        return turned(box, back(self.turn), w, h)

    def back(self, box: BBox) -> BBox:
        """Upright pixels -> page pixels."""
        return box if self.turn == 0 else turned(box, self.turn, self.width, self.height)


def main_turn(lines: Iterable[Line]) -> Rotation:
    """The angle at which most characters are written."""
    weights: Counter[int] = Counter()
    for line in lines:
        if line.angle >= 0:
            weights[line.angle] += sum(len(w.text) for w in line.words)
    angle = weights.most_common(1)[0][0] if weights else 0
    return {90: 90, 180: 180, 270: 270}.get(angle, 0)  # type: ignore[return-value]


def segments_of(lines: Iterable[Line], upright: Upright) -> tuple[list[Segment], list[Segment]]:
    """The segments of lines written at the page's main angle, and those of all other lines."""
    main: list[Segment] = []
    other: list[Segment] = []
    for line in lines:
        if upright.turn == 0 and line.angle == 0:
            main.append(Segment(line.words, line.baseline, origin="text-layer"))
            continue
        words = [Word(w.text, upright.to(w.box), w.parts, w.confidence) for w in line.words]
        if line.angle == upright.turn:
            words.sort(key=lambda w: w.box.x1)
            bottom = sorted(w.box.y2 for w in words)[len(words) // 2]
            main.append(Segment(words, bottom - DESCENT * _main_size(words), origin="text-layer"))
        else:
            other.append(Segment(words, words[0].box.y2, origin="text-layer"))
    return main, other


def body_em(segments: Iterable[Segment]) -> float:
    """The size most characters are set in, in pixels; 20 where there is no text."""
    sizes: Counter[float] = Counter()
    for segment in segments:
        sizes[round(segment.size)] += sum(len(w.text) for w in segment.words)
    return float(sizes.most_common(1)[0][0]) if sizes else 20.0


def rows_of(segments: Iterable[Segment]) -> list[list[Segment]]:
    """Segments by common baseline, top to bottom, each row left to right.

    Two segments share a row when their baselines are within a third of the smaller size, or when
    the smaller one (a superscript, a footnote mark) stands mostly within the height of the larger.
    """
    rows: list[list[Segment]] = []
    for segment in sorted(segments, key=lambda s: (s.baseline, s.box.x1)):
        home = None
        for row in reversed(rows[-4:]):
            near = row[0]
            small = min(near.size, segment.size)
            if abs(segment.baseline - near.baseline) <= 0.35 * small or (
                max(near.size, segment.size) > 1.25 * small
                and min(near.box.y2, segment.box.y2) - max(near.box.y1, segment.box.y1) >= 0.6 * small
                and any(abs(s.box.x2 - segment.box.x1) < s.size or abs(segment.box.x2 - s.box.x1) < s.size for s in row)
            ):
                home = row
                break
        if home is None:
            rows.append([segment])
        else:
            home.append(segment)
            # The row's baseline is that of its largest text.
            home.sort(key=lambda s: -s.size)
    for row in rows:
        row.sort(key=lambda s: s.box.x1)
    rows.sort(key=lambda row: max(row, key=lambda s: s.size).baseline)
    return rows
