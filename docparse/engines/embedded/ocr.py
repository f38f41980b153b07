"""Lines of text in a picture: a fast first reading, and a second one where it is in doubt.

faster-paddle (PP-OCRv6 tiny) finds the lines and reads them in a fraction of a second; lines it is
not sure of are read again by the small model. The result has the shape of a text layer's lines.
"""

from __future__ import annotations

import io
import re
import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np

from docparse.engines.embedded.recogniser import Read, Recogniser
from docparse.errors import EngineUnavailable
from docparse.geometry import BBox
from docparse.textlayer import ASCENT, DESCENT, Line, Style, Word

if TYPE_CHECKING:
    from PIL.Image import Image

DETECTION_SIDE = 1600
"""Longest side at which lines are looked for; they are read at full resolution."""
GLANCE_SIDE = 640
"""The same for a glance at a picture inside a page: a tenth of a second instead of three quarters."""
SURE = 0.985
"""Confidence of the first reading that needs no second one."""
BUDGET = 700.0
"""Line heights of width that the second reading takes on, about three seconds of one core: a page
of sixty lines from margin to margin. What is beyond keeps its first reading and its confidence."""
POOR_PAGE = 0.97
"""Mean confidence below which a page is read again as a whole: it is no clean print."""


Found = tuple[BBox, str, float]
"""Where a line is, what the first reading took it for, and how sure that is."""


class Ocr:
    """Reads pictures. One per process; the models load on first use."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._engines: dict[int, Any] = {}
        self._recogniser: Recogniser | None = None

    def read(self, image: Image) -> list[Line]:
        """The lines of an upright RGB picture, in its pixels, in no particular order."""
        found = self._first(image)
        if not found:
            return []
        letters = sum(len(text) for _, text, _ in found)
        mean = sum(confidence * len(text) for _, text, confidence in found) / max(letters, 1)
        limit = 1.01 if mean < POOR_PAGE else SURE
        doubtful = _affordable([i for i, (_, _, confidence) in enumerate(found) if confidence < limit], found)
        second: dict[int, Read] = {}
        if doubtful:
            self._recogniser = self._recogniser or Recogniser(self._threads)
            again = self._recogniser.read(image, [found[i][0] for i in doubtful])
            second = {
                i: read
                for i, read in zip(doubtful, again, strict=True)
                if read.confidence > found[i][2] - 0.05 and read.text.strip()
            }
        return _lines(image, found, second)

    def glance(self, image: Image) -> list[Line]:
        """What is easily seen of the same: to tell a picture of text from one with a few words in it."""
        return _lines(image, self._first(image, GLANCE_SIDE), {})

    def sureness(self, image: Image) -> float:
        """How well a picture reads as it stands: letters found, weighted by their confidence."""
        # The reader turns tall boxes upright by itself: those speak against the picture, not for it.
        return sum(
            len(text) * max(confidence - 0.5, 0.0) ** 2 * (1 if box.width >= box.height or len(text) < 3 else -0.5)
            for box, text, confidence in self._first(image)
        )

    def _first(self, image: Image, side: int = DETECTION_SIDE) -> list[Found]:
        if side not in self._engines:
            try:
                from faster_paddle import OcrEngine
            except ImportError as error:
                raise EngineUnavailable(
                    "the OCR package faster-paddle is not installed.",
                    hint="Install docparse again: pip install docparse.",
                ) from error
            self._engines[side] = OcrEngine(model_size="tiny", threads=self._threads, det_max_side=side)
        stream = io.BytesIO()
        image.save(stream, "BMP")
        bounds = self._engines[side].ocr(stream.getvalue())["bounds"].values()
        found = []
        for item in bounds:
            (x1, y1), (x2, y2) = item["topLeftCoord"], item["bottomRightCoord"]
            if x2 > x1 and y2 > y1 and item["text"].strip():
                found.append((BBox(x1, y1, x2, y2), item["text"], float(item["confidence"])))
        return found


def _lines(image: Image, found: list[Found], second: dict[int, Read]) -> list[Line]:
    """What was found as lines with words; ``second``: better readings, by number."""
    if not found:
        return []
    grey = image.convert("L")
    usual = sorted(box.height for box, _, _ in found)[len(found) // 2]
    lines = []
    for i, (box, text, confidence) in enumerate(found):
        read = second.get(i)
        if read:
            line = _line(box, read.text, read.confidence, read.places)
        else:
            line = _line(box, text, confidence, _places(text, box, grey))
        if line is not None and not _speck(line, usual):
            lines.append(line)
    return lines


def _affordable(doubtful: list[int], found: list[Found]) -> list[int]:
    """The most doubtful lines that the second reading has time for."""
    left = BUDGET
    chosen: list[int] = []
    for i in sorted(doubtful, key=lambda i: found[i][2]):
        left -= found[i][0].width / max(found[i][0].height, 1.0)
        if left < 0:
            break
        chosen.append(i)
    return chosen


Places = tuple[tuple[float, float], ...]
"""Left and right of each character, as shares of its line's width."""
_NARROW = frozenset("iljtfrI1.,:;'!|()[]{}` ")
_BROAD = frozenset("mwMW@%&")


def _advance(char: str) -> float:
    """Rough width of a character in ems, to share a line's width among its words."""
    if unicodedata.east_asian_width(char) in "WF":
        return 1.0
    return 0.3 if char in _NARROW else 0.85 if char in _BROAD else 0.65 if char.isupper() else 0.52


def _speck(line: Line, usual: float) -> bool:
    """Whether a line is no writing: dotted rules, dirt and ornaments read as odd characters."""
    confidence = line.words[0].confidence or 0.0
    flat = line.box.height < 0.6 * usual
    if line.text in ("-", "–", "—") and line.box.width < 1.2 * usual:
        return confidence < 0.8  # an entry of a table that says "none"
    if line.box.height < 0.35 * usual:
        return True
    return confidence < 0.5 or (confidence < 0.8 and flat) or (flat and not any(c.isalnum() for c in line.text))


def _places(text: str, box: BBox, grey: Image) -> Places:
    """Where the characters of a line stand, by their usual widths, shared out over its ink.

    Wide gaps (between the entries of a table that were found as one line) take no part in it.
    """
    widths = [_advance(c) for c in text]
    total = sum(widths) or 1.0
    stretches = _stretches(box, grey) if " " in text and box.width > 5 * box.height else [(0.0, 1.0)]
    inked = sum(b - a for a, b in stretches)
    places: list[tuple[float, float]] = []
    at = 0.0
    for width in widths:
        left, right = at / total * inked, (at + width) / total * inked
        places.append((_along(left, stretches, end=False), _along(right, stretches, end=True)))
        at += width
    return tuple(places)


def _along(length: float, stretches: list[tuple[float, float]], *, end: bool) -> float:
    """The place reached after ``length`` of ink; at a border, the end of one stretch or the start of the next."""
    for i, (a, b) in enumerate(stretches):
        if length < b - a or (end and length <= b - a + 1e-9) or i == len(stretches) - 1:
            return min(a + length, b)
        length -= b - a
    return 1.0


def _stretches(box: BBox, grey: Image) -> list[tuple[float, float]]:
    """Stretches of ink along a line, as shares of its width, parted by gaps wider than it is high."""
    x1, y1, x2, y2 = (int(v) for v in box.clamped(*grey.size).rounded().as_tuple())
    if x2 - x1 < 8 or y2 - y1 < 4:
        return [(0.0, 1.0)]
    pixels = np.asarray(grey.crop((x1, y1, x2, y2)), dtype=np.int16)
    paper = int(np.median(pixels))
    inner = pixels[round(0.15 * len(pixels)) : max(round(0.85 * len(pixels)), 1)]
    ink = (np.abs(inner - paper) > 40).any(axis=0)
    edges = np.flatnonzero(np.diff(np.r_[0, ink.astype(np.int8), 0]))
    runs = edges.reshape(-1, 2)
    if not len(runs):
        return [(0.0, 1.0)]
    found = [[int(runs[0][0]), int(runs[0][1])]]
    for a, b in runs[1:]:
        if a - found[-1][1] > 0.9 * (y2 - y1):
            found.append([int(a), int(b)])
        else:
            found[-1][1] = int(b)
    width = x2 - x1
    return [(a / width, b / width) for a, b in found]


_ZERO = re.compile(r"(?<![a-zN])O(?=[.,]\d{2}(?!\d))")
"""The letter for the digit in an amount ("RMO.40"), but not in "NO.40"."""


def _line(box: BBox, text: str, confidence: float, places: Places) -> Line | None:
    """A line with its words placed."""
    text = _ZERO.sub("0", text)
    # Detected boxes stand a little off the ink; a line's box is about 1.3 times its font's size.
    size = max(box.height / 1.3, 1.0)
    middle = (box.y1 + box.y2) / 2
    baseline = middle + 0.36 * size
    top, bottom = baseline - ASCENT * size, baseline + DESCENT * size
    style = Style(size=round(size, 1))
    words: list[Word] = []
    start: int | None = None
    for i, char in enumerate(text + " "):
        if not char.isspace():
            start = i if start is None else start
            continue
        if start is not None:
            first, last = places[start][0], places[i - 1][1]
            x1, x2 = box.x1 + first * box.width, box.x1 + last * box.width
            piece = text[start:i]
            words.append(Word(piece, BBox.of(x1, top, x2, bottom), ((piece, style),), confidence))
            start = None
    if not words:
        return None
    # The first and last word reach to the edges of the box.
    words[0] = _reach(words[0], left=box.x1)
    words[-1] = _reach(words[-1], right=box.x2)
    return Line(tuple(words), BBox(box.x1, min(top, box.y2), box.x2, max(bottom, top)), baseline)


def _reach(word: Word, *, left: float | None = None, right: float | None = None) -> Word:
    box = word.box
    return Word(
        word.text,
        BBox.of(box.x1 if left is None else left, box.y1, box.x2 if right is None else right, box.y2),
        word.parts,
        word.confidence,
    )
