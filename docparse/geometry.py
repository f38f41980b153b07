"""Boxes, and the spaces they live in.

One convention everywhere: ``x1 y1 x2 y2``, origin at the top left, x to the right, y down, in
pixels of the page image as rasterised (DESIGN section 2). The other two spaces are reached only
through ``PageSpace``: PDF points of the *unrotated* page (origin top left as well) and relative
units from 0 to 1000.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Rotation = Literal[0, 90, 180, 270]


@dataclass(frozen=True, slots=True, order=True)
class BBox:
    """A box with ``x1 <= x2`` and ``y1 <= y2``. Raises ``ValueError`` if it is not one."""

    x1: float
    y1: float
    x2: float
    y2: float

    def __post_init__(self) -> None:
        if not (-math.inf < self.x1 <= self.x2 < math.inf and -math.inf < self.y1 <= self.y2 < math.inf):  # nor for NaN
            raise ValueError(f"not a box: {self.x1} {self.y1} {self.x2} {self.y2}")

    @classmethod
    def of(cls, xa: float, ya: float, xb: float, yb: float) -> BBox:
        """The box with these two opposite corners, whichever they are."""
        return cls(min(xa, xb), min(ya, yb), max(xa, xb), max(ya, yb))

    @classmethod
    def around(cls, boxes: Iterable[BBox]) -> BBox:
        """The smallest box that holds all of ``boxes``. Raises ``ValueError`` for none."""
        items = list(boxes)
        if not items:
            raise ValueError("no boxes")
        return cls(
            min(b.x1 for b in items), min(b.y1 for b in items), max(b.x2 for b in items), max(b.y2 for b in items)
        )

    @property
    def width(self) -> float:
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def center(self) -> tuple[float, float]:
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2

    def as_tuple(self) -> tuple[float, float, float, float]:
        return self.x1, self.y1, self.x2, self.y2

    def union(self, other: BBox) -> BBox:
        return BBox(min(self.x1, other.x1), min(self.y1, other.y1), max(self.x2, other.x2), max(self.y2, other.y2))

    def overlap(self, other: BBox) -> float:
        """Area shared with ``other``; 0 where they only touch."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        return width * height if width > 0 and height > 0 else 0.0

    def iou(self, other: BBox) -> float:
        """Intersection over union, 0 to 1."""
        shared = self.overlap(other)
        union = self.area + other.area - shared
        return shared / union if union > 0 else 0.0

    def covers(self, other: BBox, *, share: float = 1.0, slack: float = 0.0) -> bool:
        """Whether at least ``share`` of ``other`` lies inside this box grown by ``slack`` pixels."""
        grown = self.grown(slack) if slack else self
        if other.area == 0:
            x, y = other.center
            return grown.contains(x, y)
        return grown.overlap(other) >= share * other.area

    def contains(self, x: float, y: float) -> bool:
        return self.x1 <= x <= self.x2 and self.y1 <= y <= self.y2

    def grown(self, by: float, by_y: float | None = None) -> BBox:
        """Moved outwards on each side; a negative amount shrinks, to a point at most."""
        dy = by if by_y is None else by_y
        x1, x2 = self.x1 - by, self.x2 + by
        y1, y2 = self.y1 - dy, self.y2 + dy
        if x1 > x2:
            x1 = x2 = (x1 + x2) / 2
        if y1 > y2:
            y1 = y2 = (y1 + y2) / 2
        return BBox(x1, y1, x2, y2)

    def clamped(self, width: float, height: float) -> BBox:
        """Cut to the page. A box that lies wholly outside becomes a point or line on its edge."""
        return BBox(
            min(max(self.x1, 0), width),
            min(max(self.y1, 0), height),
            min(max(self.x2, 0), width),
            min(max(self.y2, 0), height),
        )

    def scaled(self, sx: float, sy: float | None = None) -> BBox:
        sy = sx if sy is None else sy
        return BBox(self.x1 * sx, self.y1 * sy, self.x2 * sx, self.y2 * sy)

    def moved(self, dx: float, dy: float) -> BBox:
        return BBox(self.x1 + dx, self.y1 + dy, self.x2 + dx, self.y2 + dy)

    def rounded(self) -> BBox:
        """To whole pixels, to the nearest (ties up), never thinner than it was by more than 1 px."""
        if type(self.x1) is int and type(self.y1) is int and type(self.x2) is int and type(self.y2) is int:
            return self  # nearly every box of markup
        return BBox(*(math.floor(v + 0.5) for v in self.as_tuple()))


def turned(box: BBox, rotation: Rotation, width: float, height: float) -> BBox:
    """``box`` after its ``width`` x ``height`` page is turned clockwise by ``rotation`` degrees."""
    x1, y1, x2, y2 = box.as_tuple()
    if rotation == 0:
        return box
    if rotation == 90:
        return BBox(height - y2, x1, height - y1, x2)
    if rotation == 180:
        return BBox(width - x2, height - y2, width - x1, height - y1)
    if rotation == 270:
        return BBox(y1, width - x2, y2, width - x1)
    raise ValueError(f"rotation must be 0, 90, 180 or 270, not {rotation}")


def back(rotation: Rotation) -> Rotation:
    """The rotation that undoes ``rotation``."""
    return {0: 0, 90: 270, 180: 180, 270: 90}[rotation]  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class PageSpace:
    """How the pixels of one page image relate to points and to relative units.

    ``width``, ``height``: pixels of the image as shown. ``size_pt``: width and height of the
    unrotated page in points. ``rotation``: clockwise degrees by which the page is shown turned
    (/Rotate of a PDF, the EXIF orientation of a photo).
    """

    width: int
    height: int
    size_pt: tuple[float, float]
    rotation: Rotation = 0

    @property
    def shown_pt(self) -> tuple[float, float]:
        """Width and height in points as shown, that is, after the rotation."""
        w, h = self.size_pt
        return (h, w) if self.rotation in (90, 270) else (w, h)

    def to_points(self, box: BBox) -> BBox:
        """Pixels -> points of the unrotated page, origin top left."""
        w, h = self.shown_pt
        return turned(box.scaled(w / self.width, h / self.height), back(self.rotation), w, h)

    def from_points(self, box: BBox) -> BBox:
        """Points of the unrotated page, origin top left -> pixels."""
        w, h = self.shown_pt
        return turned(box, self.rotation, *self.size_pt).scaled(self.width / w, self.height / h)

    def to_relative(self, box: BBox) -> BBox:
        """Pixels -> 0..1000 of the page as shown (the scale of Qwen3-VL)."""
        return box.scaled(1000 / self.width, 1000 / self.height)

    def from_relative(self, box: BBox) -> BBox:
        """0..1000 of the page as shown -> pixels."""
        return box.scaled(self.width / 1000, self.height / 1000)
