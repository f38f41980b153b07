"""Whether elements were found where they are: precision, recall and F1 of boxes at an intersection over union of 0.5.

Boxes are compared as shares of the page, so that results in pixels and truth in points are one. Kinds are compared in
few classes, because no two data sets draw the same lines between a title and a heading; ``any`` is without classes.
Regions that the truth ignores neither help nor hurt.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docparse.evaluate.f1 import F1

IOU = 0.5
IGNORED_IOU = 0.3
"""From which a box that is nothing's counts as one of an ignored region."""
MASK = 100
"""Rows and columns of the raster in which areas are compared."""
ANY = "any"
Box = tuple[float, float, float, float]
Json = Mapping[str, Any]

_KINDS = {
    "heading": "heading title section_header",
    "text": "text paragraph list list_item reference code caption footnote quote abstract",
    "table": "table",
    "figure": "figure image picture chart",
    "formula": "formula equation",
    "formula_number": "formula_number",
    "furniture": "header footer page_number page_footnote page_header page_footer other",
    "form_field": "form_field",
}
CLASSES: Mapping[str, str] = {kind: name for name, kinds in _KINDS.items() for kind in kinds.split()}
"""Kind of an element to its class; a kind that is not here is text."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An element with its box as shares of the page's width and height."""

    kind: str
    box: Box
    ignore: bool = False
    order: float | None = None


@dataclass(frozen=True, slots=True)
class BlocksScore:
    """``classes``: counts by class, and of ``any``; ``shared`` and ``covered``: places of the raster that elements of
    both cover, and of either, without page furniture."""

    classes: Mapping[str, F1]
    shared: int
    covered: int

    @property
    def area_iou(self) -> float:
        return self.shared / self.covered if self.covered else 1.0


def blocks_score(said: Json, true: Json) -> BlocksScore:
    """Compare the elements of all pages that the truth has. ``said`` and ``true``: documents as JSON with ``pages``;
    ``true`` may say in ``classes`` which kinds it has drawn at all."""
    drawn = {class_of(kind) for kind in true["classes"]} if true.get("classes") else None
    counts: dict[str, F1] = defaultdict(F1)
    shared = covered = 0
    pages = pages_of(said)
    for number, page in pages_of(true).items():
        ours = placed(pages.get(number, {}), page)
        if drawn is not None:
            ours = [block for block in ours if class_of(block.kind) in drawn]
        all_theirs = placed(page)
        theirs = [block for block in all_theirs if not block.ignore]
        ignored = [block.box for block in all_theirs if block.ignore]
        for name, found in _count(ours, theirs, ignored):
            counts[name] += found
        a, b = (_mask(block.box for block in side if class_of(block.kind) != "furniture") for side in (ours, theirs))
        shared += sum((x & y).bit_count() for x, y in zip(a, b, strict=True))
        covered += sum((x | y).bit_count() for x, y in zip(a, b, strict=True))
    return BlocksScore(dict(counts), shared, covered)


def class_of(kind: str) -> str:
    return CLASSES.get(kind, "text")


def pages_of(document: Json) -> dict[int, Json]:
    """By number; a page without one has that of its place."""
    return {int(page.get("page", i)): page for i, page in enumerate(document.get("pages") or (), 1)}


def placed(page: Json, like: Json | None = None) -> list[Placed]:
    """The elements that have a box. ``like``: the page whose size counts where ``page`` has none."""
    like = like or {}
    width, height = (float(page.get(side) or like.get(side) or 1) for side in ("width", "height"))
    found = []
    for block in page.get("blocks") or ():
        box = block.get("bbox")
        if box and len(box) == 4:
            x1, x2 = sorted((float(box[0]) / width, float(box[2]) / width))
            y1, y2 = sorted((float(box[1]) / height, float(box[3]) / height))
            kind = str(block.get("type", "text"))
            found.append(Placed(kind, (x1, y1, x2, y2), bool(block.get("ignore")), block.get("order")))
    return found


def _count(ours: Sequence[Placed], theirs: Sequence[Placed], ignored: Sequence[Box]) -> Iterable[tuple[str, F1]]:
    for by_class in (True, False):
        classes = [[class_of(block.kind) if by_class else ANY for block in side] for side in (ours, theirs)]
        pairs = matched(ours, theirs, classes, least=IOU)
        hit, met = {i for i, _ in pairs}, {j for _, j in pairs}
        for i, block in enumerate(ours):
            if i in hit:
                yield classes[0][i], F1(tp=1)
            elif all(iou(block.box, box) < IGNORED_IOU for box in ignored):
                yield classes[0][i], F1(fp=1)
        yield from ((classes[1][j], F1(fn=1)) for j in range(len(theirs)) if j not in met)


def matched(
    ours: Sequence[Placed], theirs: Sequence[Placed], classes: Sequence[Sequence[str]], *, least: float
) -> list[tuple[int, int]]:
    """Pairs of indices, those that overlap most first, each once; only such of the same of ``classes``."""
    overlaps = [
        (shared, i, j)
        for i, block in enumerate(ours)
        for j, other in enumerate(theirs)
        if classes[0][i] == classes[1][j] and (shared := iou(block.box, other.box)) >= least
    ]
    used: tuple[set[int], set[int]] = set(), set()
    pairs = []
    for _, i, j in sorted(overlaps, reverse=True):
        if i not in used[0] and j not in used[1]:
            used[0].add(i)
            used[1].add(j)
            pairs.append((i, j))
    return pairs


def iou(a: Box, b: Box) -> float:
    """Intersection over union; 0 for boxes that only touch."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / union if union > 0 else 0.0


def _mask(boxes: Iterable[Box]) -> list[int]:
    """A raster of the page, an integer a row: which of its places a box touches."""
    rows = [0] * MASK
    for x1, y1, x2, y2 in boxes:
        left, right = max(0, int(x1 * MASK)), min(MASK, math.ceil(x2 * MASK))
        if right > left:
            bits = ((1 << (right - left)) - 1) << left
            for row in range(max(0, int(y1 * MASK)), min(MASK, math.ceil(y2 * MASK))):
                rows[row] |= bits
    return rows
