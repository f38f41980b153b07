"""Segments: words on one baseline with no large gap, the atoms of the embedded engine's layout.

They come from the text layer's lines or from OCR lines alike. Everything downstream measures in
``em``, the size of body text on the page, so that it does not care about resolution.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from docparse.geometry import BBox, Rotation, back, turned
from docparse.textlayer import ASCENT, DESCENT, Line, Style, Word

_NUMERIC = re.compile(
    r"[(\[<>~±+\-–—−*†‡§$€£¥%#\s]*(?:(?-i:[A-Z]{1,3}\$?|Rs\.?)\s?(?=[\d-]))?"
    r"(?:\d[\d.,'’:/\s]*(?:[±–-]\s?\d[\d.,]*)?|[.\-–—−…]{1,4}|n/?a\.?|x)"
    r"[)\]%*†‡§°$€£¥a-d\s]{0,4}(?:[(\[][^)\]]{0,12}[)\]])?[*†‡§]*",
    re.IGNORECASE,
)


class Segment:
    """Words left to right on one baseline. Boxes in upright page pixels; see ``Upright``."""

    __slots__ = ("_length", "baseline", "box", "mirrored", "size", "words")

    def __init__(self, words: Sequence[Word], baseline: float, *, mirrored: bool = False) -> None:
        self.words = list(words)
        self.mirrored = mirrored
        self.box = BBox(
            min(w.box.x1 for w in words),
            min(w.box.y1 for w in words),
            max(w.box.x2 for w in words),
            max(w.box.y2 for w in words),
        )
        self.baseline = baseline
        self.size = _main_size(self.words)
        self._length = 0

    def cut(self, words: Sequence[Word], baseline: float | None = None) -> Segment:
        """Other words, of the same line or joined to it, with all else as it is here."""
        return Segment(words, self.baseline if baseline is None else baseline, mirrored=self.mirrored)

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def length(self) -> int:
        """How many words it has; two characters of a script without spaces count as one."""
        if not self._length:  # asked for again and again
            self._length = sum(
                1 if word.text.isascii() else max(1, sum(c >= "\u2e80" for c in word.text) // 2) for word in self.words
            )
        return self._length

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
    def italic(self) -> bool:
        """Whether all of it is italic."""
        return all(style.italic for word in self.words for _, style in word.parts) and bool(self.words[0].parts)

    @property
    def numeric(self) -> bool:
        """Whether it looks like one table value: a number, a dash, a percentage."""
        return is_numeric(self.text)

    def __repr__(self) -> str:
        return f"Segment({self.text!r}, {self.box.as_tuple()})"


BULLETS = frozenset("•◦‣⁃▪▫■□●○◆◇➢➤►▶✓✔❖∙·*–—-\uf0b7\uf0a7\uf0d8\u27a2")
_MARKER = re.compile(r"[(\[]?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{2,5})[.)\]]")


def is_marker(text: str) -> bool:
    """Whether a word alone is the bullet or number of a list item."""
    return text in BULLETS or text in ("o", "q", "§") or _MARKER.fullmatch(text) is not None


def is_leader(text: str) -> bool:
    """Whether a line is only dots, dashes or underscores: a rule drawn with characters."""
    return len(text) >= 8 and not any(c.isalnum() for c in text) and len(set(text) - {" "}) <= 2


def drop_caps_joined(segments: list[Segment], em: float) -> list[Segment]:
    """Segments with each drop cap put before the word it begins."""
    left = list(segments)
    for cap in [s for s in segments if len(s.text) == 1 and s.text.isupper() and s.size >= 1.8 * em]:
        beside = [
            s
            for s in left
            if s is not cap
            and -0.3 * em <= s.box.x1 - cap.box.x2 <= 1.2 * em
            and cap.box.y1 - 0.8 * em <= s.box.y1 <= cap.box.y1 + 0.35 * cap.box.height
            and s.text[:1].isalpha()
        ]
        if not beside:
            continue
        first = min(beside, key=lambda s: s.box.y1)
        word = first.words[0]
        joined = Word(cap.text + word.text, word.box, ((cap.text, word.style), *word.parts), word.confidence)
        left.remove(cap)
        left[left.index(first)] = first.cut([joined, *first.words[1:]])
    return left


def is_numeric(text: str) -> bool:
    return len(text) <= 40 and _NUMERIC.fullmatch(text.strip()) is not None


_VALUE = re.compile(
    r"(?:[^\W\d_]{1,3}\.?\s)?[-+–−(]?\s*[$€£¥₹]?\s*[-+–−]?\d[\d.,'’\s]*\)?\s*"
    r"(?:(?:[%$€£¥₹]|[^\W\d_]{1,5}\.?)(?:/[^\W\d_]{1,4}\.?)?)?(?:\s[A-Z*])?"
)


def is_value(text: str) -> bool:
    """Whether an entry is an amount, with its currency or unit: ``$ 42.00``, ``1.00 kg``, ``19 %``."""
    return len(text) <= 24 and _VALUE.fullmatch(text.strip()) is not None


def _main_size(words: Sequence[Word]) -> float:
    first = words[0].parts
    if len(first) == 1:  # nearly always all words are of one size
        size = first[0][1].size
        if all(len(w.parts) == 1 and w.parts[0][1].size == size for w in words):
            return size
    sizes: Counter[float] = Counter()
    for word in words:
        for text, style in word.parts:
            sizes[style.size] += len(text)
    if sizes:
        return sizes.most_common(1)[0][0]
    heights = sorted(w.box.height for w in words)
    return heights[len(heights) // 2] / (ASCENT + DESCENT)


class Upright:
    """The turn that makes most of the page's text read left to right, and the way back.

    A page of Arabic or Hebrew is ``mirrored``: seen in a mirror it begins at the top left like any
    other, so that indents, bullets, columns and tables need no second set of rules.
    """

    __slots__ = ("height", "mirrored", "turn", "width")

    def __init__(self, turn: Rotation, width: float, height: float, *, mirrored: bool = False) -> None:
        self.turn = turn
        self.mirrored = mirrored
        self.width, self.height = (height, width) if turn in (90, 270) else (width, height)

    @property
    def same(self) -> bool:
        """Whether upright pixels are page pixels."""
        return self.turn == 0 and not self.mirrored

    def to(self, box: BBox) -> BBox:
        """Page pixels -> upright pixels."""
        if self.turn:
            w, h = (self.height, self.width) if self.turn in (90, 270) else (self.width, self.height)
            box = turned(box, back(self.turn), w, h)
        return self._mirror(box)

    def back(self, box: BBox) -> BBox:
        """Upright pixels -> page pixels."""
        box = self._mirror(box)
        return turned(box, self.turn, self.width, self.height) if self.turn else box

    def _mirror(self, box: BBox) -> BBox:
        return BBox(self.width - box.x2, box.y1, self.width - box.x1, box.y2) if self.mirrored else box


def unspaced(words: Sequence[Word]) -> list[Word]:
    """Words with letterspaced ones ("A B S T R A C T") put together again.

    Where nearly all words are single letters, the gaps are of two sizes: between letters, and
    (half as large again, or more) between words.
    """
    single = sum(1 for w in words if len(w.text) == 1 and w.text.isalpha())
    if len(words) < 5 or single < 0.8 * len(words):
        return list(words)
    gaps = [b.box.x1 - a.box.x2 for a, b in pairwise(words)]
    limit = 1.5 * sorted(gaps)[len(gaps) // 3]
    done = [words[0]]
    for gap, word in zip(gaps, words[1:], strict=True):
        if gap <= max(limit, 0.05):
            last = done[-1]
            done[-1] = Word(last.text + word.text, last.box.union(word.box), last.parts + word.parts, last.confidence)
        else:
            done.append(word)
    return done


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
        if upright.same and line.angle == 0:
            main.append(Segment(unspaced(line.words), line.baseline))
            continue
        words = [Word(w.text, upright.to(w.box), w.parts, w.confidence) for w in line.words]
        if line.angle == upright.turn:
            words.sort(key=lambda w: w.box.x1)
            bottom = sorted(w.box.y2 for w in words)[len(words) // 2]
            baseline = line.baseline if upright.turn == 0 else bottom - DESCENT * _main_size(words)
            main.append(Segment(words, baseline, mirrored=upright.mirrored))
        else:
            other.append(Segment(words, words[0].box.y2, mirrored=upright.mirrored))
    return main, other


def body_em(segments: Iterable[Segment]) -> float:
    """The size most characters are set in, in pixels; 20 where there is no text."""
    sizes: Counter[float] = Counter()
    for segment in segments:
        sizes[round(segment.size)] += sum(len(w.text) for w in segment.words)
    return float(sizes.most_common(1)[0][0]) if sizes else 20.0


_RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")


def is_rtl(text: str) -> bool:
    """Whether most letters of a text are of a script written from right to left."""
    letters = sum(c.isalpha() for c in text)
    return letters > 0 and len(_RTL.findall(text)) > 0.5 * letters


def read_order(words: Sequence[Word], *, mirrored: bool = False) -> list[Word]:
    """Words of one line in the order they are read, given in any order.

    From right to left where most of the line is written so; numbers and foreign words inside keep
    their own direction.
    """
    ordered = sorted(words, key=lambda w: -w.box.x2 if mirrored else w.box.x1)
    if not is_rtl("".join(w.text for w in words)):
        return ordered
    done: list[Word] = []
    run: list[Word] = []
    for word in reversed(ordered):
        if _RTL.search(word.text) or not any(c.isalnum() for c in word.text):
            done += reversed(run)
            run = []
            done.append(word)
        else:
            run.append(word)
    return done + list(reversed(run))


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
