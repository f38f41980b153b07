"""Reading order of the elements of a page.

Breuel's two rules ("High performance document layout analysis", 2003), sorted topologically: an
element comes before those it overlaps horizontally and stands above; and a column comes before the
column to its right, unless something that spans both stands between.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from docparse.engines.embedded.element import Element
from docparse.geometry import BBox


def in_order(
    elements: list[Element], em: float, fields: Sequence[BBox] = (), panels: Sequence[BBox] = ()
) -> list[Element]:
    """Elements in the order in which a person reads them; a caption stays with its figure or table.

    ``fields``: the boxes of a form, which is read row by row. ``panels``: coloured grounds; what stands
    on one is read together.
    """
    if panels:
        return _by_panels(elements, em, fields, panels)
    form = BBox.around(fields).grown(0.5 * em) if fields else None
    inside = [e for e in elements if form is not None and form.covers(e.box, share=0.5)]
    groups = [_by_rows(inside)] if inside else []
    elements = [e for e in elements if not any(e is i for i in inside)]
    groups += [[e] for e in elements if e.kind != "caption"]
    for caption in (e for e in elements if e.kind == "caption"):
        best: list[Element] | None = None
        least = 3 * em
        for group in groups:
            box = group[0].box
            gap = max(caption.box.y1 - box.y2, box.y1 - caption.box.y2)
            shared = min(caption.box.x2, box.x2) - max(caption.box.x1, box.x1)
            if group[0].kind in ("image", "table", "chart") and shared > 0.5 * caption.box.width and -em < gap < least:
                both = box.union(caption.box)
                if not any(
                    both.overlap(e.box) > 0.1 * e.box.area for e in elements if e is not caption and e not in group
                ):
                    best, least = group, gap
        if best is None:
            groups.append([caption])
        else:
            best.append(caption)
    for group in groups:
        if group[-1].kind == "caption":
            group.sort(key=lambda e: e.box.y1)
    boxes = [BBox.around(_core(e) for e in group) for group in groups]
    return [e for i in reading_order(boxes, reach=2.5 * em) for e in groups[i]]


def _core(element: Element) -> BBox:
    """An element's box; a picture's without its margins, which may be clear and reach into the next column."""
    box = element.box
    margin = 0.05 * box.width if element.kind == "image" else 0.0
    return BBox(box.x1 + margin, box.y1, box.x2 - margin, box.y2)


def _by_panels(elements: list[Element], em: float, fields: Sequence[BBox], panels: Sequence[BBox]) -> list[Element]:
    """Elements in order, where each panel with several elements on it counts as one."""
    left = list(elements)
    whole: list[tuple[Element, list[Element]]] = []
    for panel in sorted(panels, key=lambda p: -p.area):
        on_it = [e for e in left if panel.covers(e.box, share=0.8)]
        if len(on_it) >= 2 and any(not panel.covers(e.box, share=0.8) for e in elements):
            left = [e for e in left if not any(e is i for i in on_it)]
            whole.append((Element("paragraph", panel), in_order(on_it, em, fields)))
    ordered = in_order(left + [stand for stand, _ in whole], em, fields)
    inside = {id(stand): on_it for stand, on_it in whole}
    return [e for element in ordered for e in inside.get(id(element), [element])]


def _by_rows(elements: list[Element]) -> list[Element]:
    """Elements row by row: what shares half of the lesser height stands in one row."""
    rows: list[list[Element]] = []
    for element in sorted(elements, key=lambda e: e.box.y1):
        box = element.box
        if rows:
            row = rows[-1][0].box
            if min(row.y2, box.y2) - max(row.y1, box.y1) >= 0.5 * min(row.height, box.height):
                rows[-1].append(element)
                continue
        rows.append([element])
    return [e for row in rows for e in sorted(row, key=lambda e: e.box.x1)]


def reading_order(boxes: Sequence[BBox], *, right_to_left: bool = False, reach: float = 0.0) -> list[int]:
    """Indices of ``boxes`` in the order in which a person reads them.

    ``reach``: how far apart, in height, two boxes may be and still stand side by side.
    """
    n = len(boxes)
    if n < 2:
        return list(range(n))
    x1, y1, x2, y2 = (np.array([getattr(b, k) for b in boxes], dtype=np.float64) for k in ("x1", "y1", "x2", "y2"))
    if right_to_left:
        x1, x2 = -x2, -x1
    width = np.maximum(x2 - x1, 1.0)
    shared = np.minimum(x2[:, None], x2[None, :]) - np.maximum(x1[:, None], x1[None, :])
    # A sliver of overlap (an indented bullet, a wide glyph) does not put one above the other.
    overlaps = shared > 0.1 * np.minimum(width[:, None], width[None, :])
    middle = (y1 + y2) / 2
    above = overlaps & (middle[:, None] < middle[None, :])
    left = ~overlaps & ((x1 + x2)[:, None] < (x1 + x2)[None, :])
    # What lies across the edge of something: the authors over the first of two columns.
    astride = overlaps & (shared < 0.6 * np.minimum(width[:, None], width[None, :]))
    # A line on its own at the right, the date of a letter, is no column: its height says when it is read.
    apart = np.maximum(y1[:, None], y1[None, :]) - np.minimum(y2[:, None], y2[None, :])
    np.fill_diagonal(overlaps, False)
    lone = (y2 - y1 <= reach) & ~(overlaps & (apart < 4 * reach)).any(axis=0)
    before = above.copy()
    for a in range(n):
        rights = np.flatnonzero(left[a])
        if not len(rights):
            continue
        low = np.minimum(middle[a], middle[rights])
        high = np.maximum(middle[a], middle[rights])
        # between[c, b]: c stands between a and b and overlaps both.
        between = (
            overlaps[a][:, None]
            & overlaps[:, rights]
            & (middle[:, None] > low[None, :])
            & (middle[:, None] < high[None, :])
        )
        # A column is read first where it stands beside the other one. What lies further down, with
        # nothing of its column at the other's height, comes later.
        lower = y1[a] > y2[rights] + reach
        beside = (
            overlaps[a][:, None]
            & ~overlaps[:, rights]
            & (y1[:, None] < y2[rights][None, :] + reach)
            & (y2[:, None] > y1[rights][None, :] - reach)
        ).any(axis=0)
        # Or it reaches over the column and ends before this begins: then it is no column beside it.
        under = overlaps[a] & (middle > middle[a]) & (y1 < y2[a] + reach)
        over = (y2[rights] <= y1[a]) & (astride[:, rights] & under[:, None]).any(axis=0)
        later = (lower & ~beside) | over | (lone[rights] & (y1[a] >= y2[rights]))
        before[a, rights] = ~between.any(axis=0) & ~later
        before[rights, a] |= later
    np.fill_diagonal(before, False)
    return _sorted(before, y1, x1)


def _sorted(before: np.ndarray, y1: np.ndarray, x1: np.ndarray) -> list[int]:
    """A topological order; among those free to come next, the one that goes on from the last."""
    n = len(y1)
    waiting = before.sum(axis=0).astype(int)
    left = set(range(n))
    order: list[int] = []
    while left:
        free = [i for i in left if waiting[i] == 0]
        if not free:
            fewest = min(waiting[i] for i in left)
            free = [i for i in left if waiting[i] == fewest]  # a circle: overlapping boxes
        chosen = min(free, key=lambda i: (y1[i], x1[i]))
        order.append(chosen)
        left.remove(chosen)
        waiting -= before[chosen].astype(int)
    return order
