"""Lines of text in a picture: a fast first reading, and a second one where it is in doubt.

faster-paddle (PP-OCRv6 tiny) finds the lines and reads them in a fraction of a second; lines it is
not sure of are read again by the small model. The result has the shape of a text layer's lines.
"""

from __future__ import annotations

import io
import unicodedata
from typing import TYPE_CHECKING, Any

from docparse.engines.embedded.recogniser import Read, Recogniser
from docparse.errors import EngineUnavailable
from docparse.geometry import BBox
from docparse.textlayer import ASCENT, DESCENT, Line, Style, Word

if TYPE_CHECKING:
    from PIL.Image import Image

DETECTION_SIDE = 1600
"""Longest side at which lines are looked for; they are read at full resolution."""
SURE = 0.97
"""Confidence of the first reading that needs no second one."""
BUDGET = 900.0
"""Line heights of width that the second reading takes on, about three seconds of one core: a page
of sixty lines from margin to margin. What is beyond keeps its first reading and its confidence."""
POOR_PAGE = 0.96
"""Mean confidence below which a page is read again as a whole: it is no clean print."""


class Ocr:
    """Reads pictures. One per process; the models load on first use."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._engine: Any = None
        self._recogniser: Recogniser | None = None

    def read(self, image: Image) -> list[Line]:
        """The lines of an upright RGB picture, in its pixels, in no particular order."""
        found = self._first(image)
        if not found:
            return []
        letters = sum(len(text) for _, text, _ in found)
        mean = sum(confidence * len(text) for _, text, confidence in found) / max(letters, 1)
        limit = 0.995 if mean < POOR_PAGE else SURE
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
        lines = []
        for i, (box, text, confidence) in enumerate(found):
            read = second.get(i)
            line = _line(box, read.text, read.confidence, read.places) if read else _line(box, text, confidence, None)
            if line is not None:
                lines.append(line)
        return lines

    def sureness(self, image: Image) -> float:
        """How well a picture reads as it stands: letters found, weighted by their confidence."""
        return sum(len(text) * max(confidence - 0.5, 0.0) ** 2 for _, text, confidence in self._first(image))

    def _first(self, image: Image) -> list[tuple[BBox, str, float]]:
        if self._engine is None:
            try:
                from faster_paddle import OcrEngine
            except ImportError as error:
                raise EngineUnavailable(
                    "the OCR package faster-paddle is not installed.",
                    hint="Install docparse again: pip install docparse.",
                ) from error
            self._engine = OcrEngine(model_size="tiny", threads=self._threads, det_max_side=DETECTION_SIDE)
        stream = io.BytesIO()
        image.save(stream, "BMP")
        bounds = self._engine.ocr(stream.getvalue())["bounds"].values()
        found = []
        for item in bounds:
            (x1, y1), (x2, y2) = item["topLeftCoord"], item["bottomRightCoord"]
            if x2 > x1 and y2 > y1 and item["text"].strip():
                found.append((BBox(x1, y1, x2, y2), item["text"], float(item["confidence"])))
        return found


def _affordable(doubtful: list[int], found: list[tuple[BBox, str, float]]) -> list[int]:
    """The most doubtful lines that the second reading has time for."""
    left = BUDGET
    chosen: list[int] = []
    for i in sorted(doubtful, key=lambda i: found[i][2]):
        left -= found[i][0].width / max(found[i][0].height, 1.0)
        if left < 0:
            break
        chosen.append(i)
    return chosen


_NARROW = frozenset("iljtfrI1.,:;'!|()[]{}` ")
_BROAD = frozenset("mwMW@%&")


def _advance(char: str) -> float:
    """Rough width of a character in ems, to share a line's width among its words."""
    if unicodedata.east_asian_width(char) in "WF":
        return 1.0
    return 0.3 if char in _NARROW else 0.85 if char in _BROAD else 0.65 if char.isupper() else 0.52


def _line(box: BBox, text: str, confidence: float, places: tuple[tuple[float, float], ...] | None) -> Line | None:
    """A line with its words placed, by the characters' own places or by their usual widths."""
    if places is None:
        widths = [_advance(c) for c in text]
        total = sum(widths) or 1.0
        at, shares = 0.0, []
        for width in widths:
            shares.append((at / total, (at + width) / total))
            at += width
        places = tuple(shares)
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
