"""Boxes that are all wrong in the same way: scaled or shifted, found by the words they should hold.

Models give boxes in pixels of a picture that somebody else resized, or in thousandths where pixels were asked
for; the text is right, and every box is wrong by the same factor. Where the words of the page say which it is,
the boxes are put right, and an issue says by how much. What is wrong otherwise stays: boxes at random, a part
of a page, a few elements that prove nothing. A page whose boxes hold their words is never touched.

One scale and one shift for each axis, by repeated medians (Siegel 1982), which half of the data may be wrong for:
a text found in the wrong place, a box around twice its words.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from docparse.document import Block, Issue
from docparse.engines.align import place
from docparse.geometry import BBox
from docparse.textlayer import Word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

LEAST, LEAST_RELATIVE = 5, 2
"""Elements whose words are found that an unknown scale, and one of thousandths, is believed of."""
GAIN = 0.2
"""By how much the median overlap (IoU) of boxes with their words must rise."""
FIT = 0.5
"""Overlap from which on a box holds its words."""
AGREEING = 0.7
"""Share of the elements that must fit after the correction, and that must fit better than before."""
RIGHT, MOST_SPOILED = 0.7, 0.05
"""Overlap from which on a box is right, and so is a page whose median it is; and the share of right boxes that a
correction may spoil: where it spoils more, only a part of the page is wrong."""
SPREAD = 0.1
"""Share of the page over which its elements must be spread along an axis, for a scale to mean anything."""
ABOUT = 0.03
"""Overlap that a simpler correction may cost."""
MOST_PAIRED = 200
"""Elements that are compared with each other: each with each."""
LARGEST = 20.0
"""A scale beyond this is none."""
RELATIVE = 1000


@dataclass(frozen=True, slots=True)
class Correction:
    """``x * scale_x + shift_x`` and ``y * scale_y + shift_y``, in pixels of the ``width`` x ``height`` page.

    ``relative``: the boxes were thousandths of the page. ``elements``: how many were compared with the words;
    ``before``, ``after``: their median overlap (IoU) with them.
    """

    scale_x: float
    scale_y: float
    shift_x: float
    shift_y: float
    width: int
    height: int
    relative: bool = False
    elements: int = 0
    before: float = 0.0
    after: float = 0.0

    def __call__(self, box: BBox) -> BBox:
        return box.scaled(self.scale_x, self.scale_y).moved(self.shift_x, self.shift_y)

    @property
    def issue(self) -> Issue:
        if self.relative:
            how = "they were thousandths of the page and are pixels now"
        else:
            how = (
                f"they were multiplied by {self.scale_x:.3f} across and {self.scale_y:.3f} down "
                f"and moved by {self.shift_x:.0f} and {self.shift_y:.0f} pixels"
            )
        message = (
            f"The boxes did not hold their words; {how} "
            f"(median overlap {self.before:.0%} before, {self.after:.0%} now, {self.elements} elements)."
        )
        return Issue("boxes-corrected", message, "warning")


def estimate(blocks: Sequence[Block], words: Sequence[Word], *, width: int, height: int) -> Correction | None:
    """What puts the boxes of ``blocks`` where the ``words`` are that they say; None where nothing clearly does.

    ``words``: seen on the page; all boxes in pixels of the ``width`` x ``height`` page image. Thousandths are one
    scale and no other: two elements are enough to believe in them.
    """
    pairs = list(_pairs(blocks, words, width, height))
    page = (width, height)
    choices: list[_Map] = []
    if len(pairs) >= LEAST_RELATIVE and _within_thousand(blocks):
        choices.append(_thousandths(width, height))
    if len(pairs) >= LEAST and (fitted := _fitted(pairs, page)) is not None:
        plain = (_Axis(fitted[0].scale, 0.0), _Axis(fitted[1].scale, 0.0))
        moved = _moved(pairs)
        choices += [plain, moved, fitted]
    return _best(pairs, choices, page)


def apply(blocks: Sequence[Block], correction: Correction) -> tuple[Block, ...]:
    """``blocks`` with corrected boxes, cut to the page; one of which nothing is left is dropped."""

    def corrected(box: BBox | None) -> BBox | None:
        if box is None:
            return None
        inside = correction(box).clamped(correction.width, correction.height).rounded()
        return inside if inside.area > 0 else None

    def mapped(block: Block) -> Block:
        return dataclasses.replace(
            block,
            bbox=corrected(block.bbox),
            cells=tuple(dataclasses.replace(cell, bbox=corrected(cell.bbox)) for cell in block.cells),
            items=tuple(map(mapped, block.items)),
        )

    return tuple(map(mapped, blocks))


class _Pair(NamedTuple):
    """The box that an element has, and the one that its words have."""

    given: BBox
    found: BBox


class _Axis(NamedTuple):
    scale: float
    shift: float


_Map = tuple[_Axis, _Axis]


def _boxes(blocks: Sequence[Block]) -> Iterator[BBox | None]:
    for block in blocks:
        yield block.bbox
        yield from (cell.bbox for cell in block.cells)
        yield from (item.bbox for item in block.items)


def _pairs(blocks: Sequence[Block], words: Sequence[Word], width: int, height: int) -> Iterator[_Pair]:
    placed = place([_without_boxes(block) for block in blocks], words, width=width, height=height)
    for given, found in zip(_boxes(blocks), _boxes(placed.blocks), strict=True):
        if given is not None and found is not None and given.area > 0 and found.area > 0:
            yield _Pair(given, found)


def _without_boxes(block: Block) -> Block:
    return dataclasses.replace(
        block,
        bbox=None,
        cells=tuple(dataclasses.replace(cell, bbox=None) if cell.bbox else cell for cell in block.cells),
        items=tuple(map(_without_boxes, block.items)),
    )


def _within_thousand(blocks: Sequence[Block]) -> bool:
    boxes = [box for box in _boxes(blocks) if box is not None]
    return bool(boxes) and all(min(b.x1, b.y1) >= 0 and max(b.x2, b.y2) <= RELATIVE for b in boxes)


def _thousandths(width: int, height: int) -> _Map:
    return _Axis(width / RELATIVE, 0.0), _Axis(height / RELATIVE, 0.0)


# ------------------------------------------------------------------------------------- the estimate


def _edges(pairs: Sequence[_Pair], axis: int) -> tuple[Numbers, Numbers]:
    """Both edges of each pair along an axis, given and found."""
    import numpy as np

    given = np.array([(p.given.as_tuple()[axis], p.given.as_tuple()[axis + 2]) for p in pairs], dtype=np.float64)
    found = np.array([(p.found.as_tuple()[axis], p.found.as_tuple()[axis + 2]) for p in pairs], dtype=np.float64)
    return given.ravel(), found.ravel()


def _fitted(pairs: Sequence[_Pair], page: tuple[int, int]) -> _Map | None:
    """A scale and a shift for each axis."""
    step = -(-len(pairs) // MOST_PAIRED)
    axes = [_line(*_edges(pairs[::step], axis), page[axis]) for axis in (0, 1)]
    x, y = axes
    return None if x is None or y is None else (x, y)


def _line(given: Numbers, found: Numbers, size: int) -> _Axis | None:
    """Repeated medians: of the slopes from each point to all others, of those of all points."""
    import numpy as np

    kept = (given != 0) & (given != size)  # what was beyond the page may have been cut to it
    given, found = given[kept], found[kept]
    spread = float(np.ptp(given)) if len(given) > 2 else 0.0
    if spread <= 0 or float(np.ptp(found)) < SPREAD * size:
        return None
    run = given[:, None] - given
    far = np.abs(run) >= 0.2 * spread  # letters that stick out weigh little over a distance
    slopes = np.where(far, (found[:, None] - found) / np.where(far, run, 1), np.nan)
    slopes = slopes[far.any(axis=1)]
    scale = float(np.median(np.nanmedian(slopes, axis=1)))
    if not 1 / LARGEST < scale < LARGEST:
        return None
    return _Axis(scale, float(np.median(found - scale * given)))


def _moved(pairs: Sequence[_Pair]) -> _Map:
    """The same shift for all, and no scale."""
    import numpy as np

    x, y = (_Axis(1.0, float(np.median(np.subtract(*_edges(pairs, axis)[::-1])))) for axis in (0, 1))
    return x, y


def _best(pairs: Sequence[_Pair], choices: Sequence[_Map], page: tuple[int, int]) -> Correction | None:
    """The first of ``choices`` that is about as good as the best, if that is good, and better than none."""
    import numpy as np

    if not choices:
        return None
    corrections = [Correction(x.scale, y.scale, x.shift, y.shift, *page) for x, y in choices]
    before = np.array([p.given.iou(p.found) for p in pairs])
    after = [_overlaps(pairs, correction) for correction in corrections]
    medians = [float(np.median(values)) for values in after]
    index = next(i for i, value in enumerate(medians) if value >= max(medians) - ABOUT)
    was, now = float(np.median(before)), medians[index]
    fits, better = after[index] >= FIT, after[index] > before
    spoiled = ~fits & (before >= RIGHT)
    if was >= RIGHT or now < was + GAIN or min(fits.mean(), better.mean()) < AGREEING or spoiled.mean() > MOST_SPOILED:
        return None
    return dataclasses.replace(
        corrections[index],
        relative=choices[index] == _thousandths(*page),
        elements=len(pairs),
        before=was,
        after=now,
    )


def _overlaps(pairs: Sequence[_Pair], correction: Correction) -> Any:
    import numpy as np

    return np.array([correction(p.given).clamped(correction.width, correction.height).iou(p.found) for p in pairs])
