"""The regions of a page picture: headings, text, tables, pictures ... by a layout model.

YOLOv8n trained on DocLayNet, run on one 1024 x 1024 picture of the page. Its output is one row of
(cx, cy, w, h, 11 class scores) per anchor; the decoding is that of the model's published format.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from docparse.document import Kind
from docparse.engines.embedded import carriers
from docparse.geometry import BBox

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 1024
CLASSES: tuple[Kind, ...] = (
    "caption",
    "footnote",
    "formula",
    "list_item",
    "footer",
    "header",
    "image",
    "heading",
    "table",
    "paragraph",
    "heading",
)
"""DocLayNet's classes in the model's order; the last is the document's title."""
TITLE = 10
MIN_SCORE = 0.3
MAX_IOU = 0.5


@dataclass(frozen=True, slots=True)
class Region:
    """A region of the picture: its kind, its place, and the model's score for it."""

    kind: Kind
    box: BBox
    score: float
    title: bool = False


class LayoutModel:
    """Finds regions. Not thread-safe; one per process."""

    def __init__(self, threads: int) -> None:
        self._session = carriers.session(carriers.LAYOUT, threads)
        self._input = self._session.get_inputs()[0].name

    def find(self, image: Image) -> list[Region]:
        """Regions of an RGB picture, in its own pixels, best first."""
        from PIL import Image as PilImage

        width, height = image.size
        scale = SIDE / max(width, height)
        inner = (max(1, round(width * scale)), max(1, round(height * scale)))
        left, top = (SIDE - inner[0]) // 2, (SIDE - inner[1]) // 2
        canvas = PilImage.new("RGB", (SIDE, SIDE), (114, 114, 114))
        canvas.paste(image.resize(inner, PilImage.Resampling.BILINEAR), (left, top))
        pixels = np.asarray(canvas, dtype=np.float32).transpose(2, 0, 1)[None] / 255
        rows = self._session.run(None, {self._input: pixels})[0][0].T
        scores = rows[:, 4:].max(axis=1)
        classes = rows[:, 4:].argmax(axis=1)
        kept = scores > MIN_SCORE
        rows, scores, classes = rows[kept], scores[kept], classes[kept]
        half = rows[:, 2:4] / 2
        boxes = np.concatenate([rows[:, :2] - half, rows[:, :2] + half], axis=1)
        boxes = (boxes - [left, top, left, top]) / scale
        boxes = boxes.clip(0, [width, height, width, height])
        found = []
        for i in _suppressed(boxes, scores):
            x1, y1, x2, y2 = (float(v) for v in boxes[i])
            if x2 - x1 >= 2 and y2 - y1 >= 2:
                kind = CLASSES[classes[i]]
                found.append(Region(kind, BBox(x1, y1, x2, y2), float(scores[i]), bool(classes[i] == TITLE)))
        return found


def _suppressed(boxes: np.ndarray, scores: np.ndarray) -> list[int]:
    """Non-maximum suppression over all classes: one place is one region."""
    order = scores.argsort()[::-1]
    kept: list[int] = []
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    while len(order):
        i = int(order[0])
        kept.append(i)
        rest = order[1:]
        low = np.maximum(boxes[i, :2], boxes[rest, :2])
        high = np.minimum(boxes[i, 2:], boxes[rest, 2:])
        shared = np.prod((high - low).clip(0), axis=1)
        iou = shared / (areas[i] + areas[rest] - shared + 1e-9)
        order = rest[iou <= MAX_IOU]
    return kept
