"""Where labels go on a page: near their boxes, inside the page, never one over another.

What it is: geometry of whole pixels. What it is not: drawing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, count

from docparse.geometry import BBox

Rect = tuple[int, int, int, int]
_NEAR = 4
"""Rows above and below a box that are still near it."""


class Board:
    """A page of ``width`` x ``height`` pixels, the places on it that are taken, and the boxes that a
    label had better not cover. ``inked`` says of other places that they are not to be covered either."""

    def __init__(
        self,
        width: int,
        height: int,
        row: int,
        boxes: Iterable[BBox] = (),
        *,
        inked: Callable[[Rect], bool] | None = None,
    ) -> None:
        self._width, self._height = width, height
        self._inked = inked
        self._taken = _Rects(row)
        self._boxes = _Rects(row)
        for box in boxes:
            x1, y1, x2, y2 = (int(side) for side in box.as_tuple())
            self._boxes.add((x1, y1, x2, y2))

    def take(self, x: int, y: int, width: int, height: int) -> None:
        self._taken.add((x, y, x + width, y + height))

    def place(self, box: BBox, width: int, height: int, *, clear: bool, near: bool = False) -> tuple[int, int] | None:
        """Take the best free place for the label of ``box``; None if there is none.

        ``clear``: beside the box, and over no box at all; with ``near``, also a little away from it.
        Otherwise anywhere, the nearer the better.
        """
        if width > self._width or height > self._height:
            return None
        places = self._beside(box, width, height) if clear else self._anywhere(box, width, height)
        if near:
            places = chain(places, self._near(box, width, height))
        for x, y in places:
            if clear and not (0 <= x <= self._width - width and 0 <= y <= self._height - height):
                continue
            x, y = min(max(x, 0), self._width - width), min(max(y, 0), self._height - height)
            rect = (x, y, x + width, y + height)
            if self._taken.meets(rect) or (clear and self._covers(rect)):
                continue
            self._taken.add(rect)
            return x, y
        return None

    def _covers(self, rect: Rect) -> bool:
        return self._boxes.meets(rect) or (self._inked is not None and self._inked(rect))

    @staticmethod
    def _beside(box: BBox, width: int, height: int) -> Iterator[tuple[int, int]]:
        left, top, right, bottom = (int(side) for side in box.as_tuple())
        yield left, top - height
        yield left - width, top
        yield right - width, top - height
        yield right, top
        yield left, bottom

    @staticmethod
    def _near(box: BBox, width: int, height: int) -> Iterator[tuple[int, int]]:
        left, top, right, bottom = (int(side) for side in box.as_tuple())
        for step in range(1, _NEAR + 1):
            yield from ((right + step * height // 2, top), (left - width - step * height // 2, top))
        for step in range(_NEAR):
            for y in (top - (step + 1) * height, bottom + step * height):
                yield from ((x, y) for x in (left, right - width, right, left - width))

    def _anywhere(self, box: BBox, width: int, height: int) -> Iterator[tuple[int, int]]:
        left, top, right, _ = (int(side) for side in box.as_tuple())
        yield left - width, top
        yield left, top
        yield right - width, top
        for step in count(1):
            down, up = top + step * height, top - (step + 1) * height
            if down > self._height and up < -height:
                return
            for y in (down, up):
                if -height < y < self._height:
                    yield from ((x, y) for x in (left, left - width, left + width, 0, self._width - width))


class _Rects:
    """Rectangles, by the rows of ``row`` pixels that they touch: a page has hundreds."""

    def __init__(self, row: int) -> None:
        self._row = row
        self._by_row: dict[int, list[Rect]] = {}

    def add(self, rect: Rect) -> None:
        for row in self._rows(rect):
            self._by_row.setdefault(row, []).append(rect)

    def meets(self, rect: Rect) -> bool:
        x1, y1, x2, y2 = rect
        return any(
            x1 < right and left < x2 and y1 < bottom and top < y2
            for row in self._rows(rect)
            for left, top, right, bottom in self._by_row.get(row, ())
        )

    def _rows(self, rect: Rect) -> range:
        return range(rect[1] // self._row, (rect[3] - 1) // self._row + 1)
