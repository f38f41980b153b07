"""How a scanned page lies: turned by quarters, skewed by degrees; and the way back for boxes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from docparse.geometry import BBox, Rotation, turned

if TYPE_CHECKING:
    from PIL.Image import Image

MIN_SKEW = 0.25
"""Degrees of skew not worth mending: half a line's height over a page's width."""
MAX_SKEW = 6.0
_SAMPLE = 40_000


def skew(image: Image) -> float:
    """Clockwise degrees by which text lines of a page slope; 0 where none can be told.

    Projects a sample of the ink along candidate slopes; where lines are level, the projection has
    the sharpest peaks (Postl, 1986).
    """
    grey = image.convert("L")
    factor = max(1, round(max(grey.size) / 1200))
    pixels = np.asarray(grey.reduce(factor), dtype=np.float32)
    paper = float(np.median(pixels))
    dark = np.abs(pixels - paper) > 50
    # Lines and pictures are not text: leave out rows of the raster that are nearly all ink.
    dark[dark.mean(axis=1) > 0.6] = False
    ys, xs = np.nonzero(dark)
    if len(ys) < 400:
        return 0.0
    if len(ys) > _SAMPLE:
        keep = np.linspace(0, len(ys) - 1, _SAMPLE).astype(int)
        ys, xs = ys[keep], xs[keep]
    xs = xs - pixels.shape[1] / 2

    def sharpness(degrees: float) -> float:
        rows = (ys - xs * math.tan(math.radians(degrees)) + pixels.shape[1]).astype(np.int64)
        counts = np.bincount(rows).astype(np.float64)
        return float((np.diff(counts) ** 2).sum())

    coarse = np.arange(-MAX_SKEW, MAX_SKEW + 0.01, 0.5)
    best = max(coarse, key=lambda d: sharpness(float(d)))
    fine = np.arange(best - 0.5, best + 0.51, 0.1)
    best = max(fine, key=lambda d: sharpness(float(d)))
    level = sharpness(0.0)
    return float(best) if sharpness(float(best)) > 1.08 * level else 0.0


class Posture:
    """A page turned clockwise by ``turn`` and skewed by ``slope`` degrees, made upright."""

    def __init__(self, width: int, height: int, turn: Rotation = 0, slope: float = 0.0) -> None:
        self.page = (width, height)
        self.turn = turn
        self.slope = slope if abs(slope) >= MIN_SKEW else 0.0
        self.upright_size = (height, width) if turn in (90, 270) else (width, height)

    def upright(self, image: Image) -> Image:
        """The page picture with its text upright and level, of ``upright_size``."""
        from PIL import Image as PilImage

        if self.turn:
            moves = {
                90: PilImage.Transpose.ROTATE_90,  # Pillow turns counter-clockwise: this undoes 90 clockwise
                180: PilImage.Transpose.ROTATE_180,
                270: PilImage.Transpose.ROTATE_270,
            }
            image = image.transpose(moves[self.turn])
        if self.slope:
            paper = tuple(int(v) for v in np.median(np.asarray(image.reduce(8)).reshape(-1, 3), axis=0))
            image = image.rotate(self.slope, resample=PilImage.Resampling.BICUBIC, fillcolor=paper)
        return image

    def back(self) -> Callable[[BBox], BBox]:
        """From upright pixels to page pixels: the box around the turned corners."""
        width, height = self.upright_size
        cos, sin = math.cos(math.radians(self.slope)), math.sin(math.radians(self.slope))
        cx, cy = width / 2, height / 2

        def place(box: BBox) -> BBox:
            if self.slope:
                corners = [(box.x1, box.y1), (box.x2, box.y1), (box.x1, box.y2), (box.x2, box.y2)]
                moved = [
                    (cx + (x - cx) * cos - (y - cy) * sin, cy + (x - cx) * sin + (y - cy) * cos) for x, y in corners
                ]
                xs, ys = [x for x, _ in moved], [y for _, y in moved]
                box = BBox(min(xs), min(ys), max(xs), max(ys)).clamped(width, height)
            return turned(box, self.turn, width, height) if self.turn else box

        return place
