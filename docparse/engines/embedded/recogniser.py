"""Second reading of doubtful lines: PP-OCRv6 small, with the place of every character.

CTC decoding after Graves et al. (2006): the best class of each time step, repeats and blanks left
out. A time step is a fixed stretch of the picture, so the steps say where the characters stand.
"""

from __future__ import annotations

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from docparse.engines.embedded import carriers
from docparse.geometry import BBox

if TYPE_CHECKING:
    from PIL.Image import Image

HEIGHT = 48
"""Pixels of height the model was trained on."""
MAX_WIDTH = 3200
SPACE_GAP = 0.4
"""Heights of white between two characters that make a space where the model saw none."""


@dataclass(frozen=True, slots=True)
class Read:
    """A line as read. ``places``: (left, right) of each character as shares of the line's width."""

    text: str
    confidence: float
    places: tuple[tuple[float, float], ...]


class Recogniser:
    """Reads line pictures, several at a time. One per process."""

    def __init__(self, threads: int) -> None:
        # Lines are short: many single-threaded runs side by side beat one run on many threads.
        self._session = carriers.session(carriers.RECOGNISER, 1)
        self._input = self._session.get_inputs()[0].name
        path = carriers.find(carriers.ALPHABET)
        letters = path.read_text(encoding="utf-8").split("\n")[:-1] if path else []
        self._alphabet = ["", *letters, " "]
        self._pool = ThreadPoolExecutor(max(threads, 1))

    def read(self, image: Image, boxes: list[BBox]) -> list[Read]:
        """The lines in ``boxes`` of an RGB picture."""
        return list(self._pool.map(lambda box: self._one(image, box), boxes))

    def _one(self, image: Image, box: BBox) -> Read:
        from PIL import Image as PilImage

        pad = max(2.0, 0.08 * box.height)
        area = box.grown(pad).clamped(*image.size).rounded()
        crop = image.crop(tuple(int(v) for v in area.as_tuple()))  # type: ignore[arg-type]
        if crop.width < 2 or crop.height < 2:
            return Read("", 0.0, ())
        width = min(max(16, round(HEIGHT * crop.width / crop.height)), MAX_WIDTH)
        pixels = np.asarray(crop.resize((width, HEIGHT), PilImage.Resampling.BILINEAR), dtype=np.float32)
        batch = ((pixels[:, :, ::-1] / 255 - 0.5) / 0.5).transpose(2, 0, 1)[None]
        scores = self._session.run(None, {self._input: np.ascontiguousarray(batch)})[0][0]
        return self._decoded(scores, pixels)

    def _decoded(self, scores: Any, pixels: Any) -> Read:
        steps = len(scores)
        best = scores.argmax(axis=1)
        sure = scores.max(axis=1)
        starts = np.flatnonzero((best != 0) & np.r_[True, best[1:] != best[:-1]])
        if not len(starts):
            return Read("", 0.0, ())
        ends = [int(s) + 1 for s in starts]
        for i, start in enumerate(starts):
            while ends[i] < steps and best[ends[i]] == best[start]:
                ends[i] += 1
        ink = _ink(pixels)
        text: list[str] = []
        places: list[tuple[float, float]] = []
        for i, start in enumerate(starts):
            char = self._alphabet[best[start]]
            middle = (start + ends[i]) / 2 / steps
            if text and char != " " and text[-1] != " " and not (_wide(char) or _wide(text[-1])):
                previous = sum(places[-1]) / 2
                if _gap(ink, previous, middle) > SPACE_GAP * HEIGHT:
                    text.append(" ")
                    places.append(((previous + middle) / 2,) * 2)
            text.append(char)
            places.append((float(start) / steps, ends[i] / steps))
        return Read("".join(text), float(sure[starts].mean()), tuple(places))


def _wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"


def _ink(pixels: Any) -> Any:
    """Which columns of a line picture have ink, edges above and below left out."""
    grey = pixels.mean(axis=2)
    low, high = np.percentile(grey, 5), np.percentile(grey, 90)
    dark = grey < (low + high) / 2
    if dark.mean() > 0.5:
        dark = ~dark
    return dark[4 : HEIGHT - 4].any(axis=0)


def _gap(ink: Any, a: float, b: float) -> int:
    """The longest stretch without ink between two shares of the width, in pixels."""
    part = ink[int(a * len(ink)) : int(b * len(ink))]
    if not len(part):
        return 0
    marks = np.flatnonzero(np.r_[True, part, True])
    return int(np.diff(marks).max()) - 1
