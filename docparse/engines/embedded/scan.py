"""A page picture: from pixels to elements, by OCR lines and layout regions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from docparse.engines.embedded.blocks import blocks_of
from docparse.engines.embedded.digital import paragraphs, take
from docparse.engines.embedded.element import Element
from docparse.engines.embedded.furniture import take_furniture
from docparse.engines.embedded.kinds import refine, without_furniture_alone
from docparse.engines.embedded.lists import nest_items
from docparse.engines.embedded.ocr import Ocr
from docparse.engines.embedded.order import in_order
from docparse.engines.embedded.posture import Posture, skew
from docparse.engines.embedded.profile import Profile
from docparse.engines.embedded.raster_rules import find_raster_rules
from docparse.engines.embedded.regions import LayoutModel, Region
from docparse.engines.embedded.rules import Rules
from docparse.engines.embedded.segments import Segment, body_em, rows_of
from docparse.engines.embedded.tables.aligned import aligned_tables
from docparse.engines.embedded.tables.grid import Grid, build_grid
from docparse.engines.embedded.tables.ruled import plausible, ruled_tables
from docparse.geometry import BBox, Rotation
from docparse.textlayer import Line

if TYPE_CHECKING:
    from PIL.Image import Image

SMALL_SIDE = 1400
"""Pictures smaller than this are enlarged before they are read: print in them is a few pixels high."""
SURE_LETTERS = 0.86
"""Mean confidence above which nobody asks whether the page lies on its side."""


@dataclass(slots=True)
class ScanReading:
    """The elements of a page picture in reading order; their lines; how the page lay."""

    elements: list[Element]
    lines: list[Line]
    posture: Posture


class ScanReader:
    """Reads page pictures. One per process; models load on first use."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._ocr = Ocr(threads)
        self._layout: LayoutModel | None = None

    def read(self, image: Image, frame: BBox | None = None) -> ScanReading:
        """Elements of an RGB page picture; boxes in its upright pixels (``posture.back`` leads home).

        ``frame``: the whole page in pixels of the picture, where that is a part of one.
        """
        posture = Posture(*image.size, slope=skew(image))
        upright = posture.upright(image)
        lines = self.lines(upright)
        if _doubtful(lines):
            turn = self._turn(upright, lines)
            if turn:
                posture = Posture(*image.size, turn=turn)
                straight = posture.upright(image)
                slope = skew(straight)
                posture = Posture(*image.size, turn=turn, slope=slope)
                upright = posture.upright(image)
                lines = self.lines(upright)
        if not lines:
            return ScanReading([], [], posture)
        self._layout = self._layout or LayoutModel(self._threads)
        whole = frame if posture.turn == 0 else None  # a part that lies on its side: nobody knows its page's top
        elements = arrange_scan(lines, self._layout.find(upright), upright, whole)
        return ScanReading(elements, lines, posture)

    def glance(self, image: Image) -> list[Line]:
        """The lines of a picture that are easily seen."""
        return self._ocr.glance(image)

    def lines(self, image: Image) -> list[Line]:
        """OCR lines of an upright picture, small ones read enlarged."""
        from PIL import Image as PilImage

        longest = max(image.size)
        factor = min(max(SMALL_SIDE / longest, 800 / min(image.size)), 3.0, 1800 / longest)
        if factor <= 1.05:
            return self._ocr.read(image)
        larger = image.resize((round(image.width * factor), round(image.height * factor)), PilImage.Resampling.LANCZOS)
        return [_scaled(line, 1 / factor) for line in self._ocr.read(larger)]

    def _turn(self, image: Image, lines: list[Line]) -> Rotation:
        """The quarter turn that reads best; 0 unless another one is clearly better."""
        from PIL import Image as PilImage

        small = image.copy()
        small.thumbnail((1400, 1400), PilImage.Resampling.BILINEAR)
        found: dict[Rotation, float] = {0: self._ocr.sureness(small)}
        for turn in (90, 180, 270):
            found[turn] = self._ocr.sureness(Posture(*small.size, turn=turn).upright(small))
        best = max(found, key=lambda t: found[t])
        return best if found[best] > 1.3 * found[0] else 0


def _doubtful(lines: list[Line]) -> bool:
    """Whether lines read so badly, or stand so tall, that the page may lie on its side or head."""
    if not lines:
        return True
    letters = sum(len(w.text) for line in lines for w in line.words)
    sure = sum((w.confidence or 0) * len(w.text) for line in lines for w in line.words)
    tall = sum(1 for line in lines if line.box.height > 1.5 * line.box.width and len(line.text) > 2)
    return letters < 12 or sure / letters < SURE_LETTERS or tall > 0.4 * len(lines)


def moved(line: Line, dx: float, dy: float) -> Line:
    """A line of a part of the page, in pixels of the page."""
    words = tuple(replace(w, box=w.box.moved(dx, dy)) for w in line.words)
    return replace(line, words=words, box=line.box.moved(dx, dy), baseline=line.baseline + dy)


def _scaled(line: Line, factor: float) -> Line:
    words = tuple(
        replace(
            w,
            box=w.box.scaled(factor),
            parts=tuple((t, replace(s, size=round(s.size * factor, 1))) for t, s in w.parts),
        )
        for w in line.words
    )
    return replace(line, words=words, box=line.box.scaled(factor), baseline=line.baseline * factor)


def arrange_scan(lines: list[Line], regions: list[Region], image: Image, whole: BBox | None = None) -> list[Element]:
    """OCR lines and layout regions of an upright page, or of a part of the page ``whole``, as elements in reading
    order."""
    segments = [Segment(line.words, line.baseline) for line in lines]
    em = body_em(segments)
    grey = np.asarray(image.convert("L"))
    page = whole or BBox(0, 0, *image.size)
    sure = [_true_kind(r, segments, grey, em) for r in _resolved(regions)]
    kept = [r for r in sure if not _swallows(r, segments, image.size)]
    # The last row of a table at the foot of a picture is no page number.
    entries = [s for s in segments if any(r.kind == "table" and r.box.covers(s.box, share=0.6) for r in kept)]
    segments = [s for s in segments if s not in entries]
    furniture = take_furniture(segments, Profile(), page, em, sure=True)
    segments += entries
    elements: list[Element] = []
    for grid in _drawn_tables(segments, kept, grey, em):
        used = {id(w) for cell in grid.cells for chunk in cell.chunks for w in chunk.words}
        segments = [s for s in segments if not any(id(w) in used for w in s.words)]
        kept = [r for r in kept if grid.box.overlap(r.box) < 0.6 * r.box.area]
        elements.append(Element("table", grid.box, grid=grid))
    homes = _assigned(segments, kept)
    _grow_tables(kept, homes, em)
    rest: list[Segment] = []
    for i, region in enumerate(kept):
        own = homes.get(i, [])
        made, back = _element(region, own, grey, em)
        elements += made
        rest += back
    rest += homes.get(-1, [])
    grids = aligned_tables(rest, Rules(), em)
    take(rest, grids)
    elements += [Element("table", g.box, grid=g) for g in grids]
    if rest:
        elements += paragraphs(rest, Rules(), [e.box for e in elements], em)
    elements += furniture
    refine(elements, page, em)
    if whole is None:
        without_furniture_alone(elements)
    body = [e for e in elements if e.kind not in ("header", "footer", "page_number")]
    heads = [e for e in elements if e.kind in ("header", "page_number") and e.box.center[1] < page.center[1]]
    feet = [e for e in elements if e.kind in ("footer", "page_number", "header") and e not in heads and e not in body]
    ordered = in_order(body, em)
    nest_items(ordered, em)
    return sorted(heads, key=_corner) + ordered + sorted(feet, key=_corner)


def _swallows(region: Region, segments: list[Segment], size: tuple[int, int]) -> bool:
    """Whether a picture region is no picture but text: a page on coloured ground, a word set as a logo."""
    if region.kind != "image":
        return False
    inside = [s for s in segments if region.box.covers(s.box, share=0.6)]
    if sum(s.box.area for s in inside) > 0.35 * region.box.area:
        return True
    if region.box.area < 0.3 * size[0] * size[1]:
        return False
    return len(inside) >= 6 and sum(len(s.text) for s in inside) > 0.4 * sum(len(s.text) for s in segments)


def _true_kind(region: Region, segments: list[Segment], grey: np.ndarray, em: float) -> Region:
    """A picture region that the model was not sure of, and whose texts stand in a grid, is a table."""
    if region.kind != "image" or region.score >= 0.5:
        return region
    inside = [s for s in segments if region.box.covers(s.box, share=0.6)]
    if len(inside) < 6 or sum(s.box.area for s in inside) < 0.1 * region.box.area:
        return region
    grid = _grid(region.box, inside, grey, em)
    entries = grid is not None and grid.filled >= 0.6 * len(inside) and _short(grid, longest=20)
    return replace(region, kind="table") if entries else region


def _drawn_tables(segments: list[Segment], regions: list[Region], grey: np.ndarray, em: float) -> list[Grid]:
    """Tables that the layout model missed, but whose lines are there to see."""
    known = [r.box for r in regions if r.kind == "table"]
    texts = [r.box for r in regions if r.kind in ("paragraph", "list_item", "image")]
    height, width = grey.shape
    rules = find_raster_rules(grey, BBox(0, 0, width, height), [s.box for s in segments], em)
    if len(rules.horizontal) < 3 or len(rules.vertical) < 2 or not segments:
        return []
    text = BBox.around(s.box for s in segments)
    if not any(text.x1 + em < r.at < text.x2 - em and r.length > 5 * em for r in rules.vertical):
        return []  # the edges of a slip of paper, with nothing drawn between its columns
    found = ruled_tables(segments, rules, [], em)
    return [
        g
        for g in found
        if g.ruled
        and g.rows >= 3
        and _short(g)
        and sum(g.box.overlap(t) for t in texts) < 0.4 * g.box.area
        and not any(k.overlap(g.box) > 0.3 * min(k.area, g.box.area) for k in known)
    ]


def _short(grid: Grid, *, longest: int = 40) -> bool:
    """Whether the cells of a grid are entries; frames around articles are no table."""
    lengths = sorted(sum(c.length for c in cell.chunks) for cell in grid.cells if cell.chunks)
    return lengths[-1] <= longest and lengths[len(lengths) // 2] <= 8


def _corner(element: Element) -> tuple[float, float]:
    return element.box.y1, element.box.x1


def _resolved(regions: list[Region]) -> list[Region]:
    """Regions without those that lie inside a better one of another kind."""
    kept: list[Region] = []
    for region in sorted(regions, key=lambda r: -r.score):
        inside = [k for k in kept if k.box.overlap(region.box) > 0.7 * region.box.area]
        around = [k for k in kept if k.box.overlap(region.box) > 0.7 * k.box.area]
        if inside or (around and region.kind not in ("table", "image")):
            continue
        if around and region.kind in ("table", "image"):
            # A table with text regions on its cells: the table wins if it is surely one.
            if region.score < 0.5:
                continue
            kept = [k for k in kept if k not in around]
        kept.append(region)
    return kept


def _assigned(segments: list[Segment], regions: list[Region]) -> dict[int, list[Segment]]:
    """Segments by the region that holds most of them; -1 for those in none."""
    homes: dict[int, list[Segment]] = {}
    for segment in segments:
        best, share = -1, 0.5
        for i, region in enumerate(regions):
            held = region.box.overlap(segment.box) / max(segment.box.area, 1.0)
            if held > share:
                best, share = i, held
        homes.setdefault(best, []).append(segment)
    return homes


def _grow_tables(regions: list[Region], homes: dict[int, list[Segment]], em: float) -> None:
    """Give tables the entries that the model's box cuts off: loose ones in their rows or columns."""
    for i, region in enumerate(regions):
        if region.kind != "table" or not homes.get(i):
            continue
        # A picture of a table has nothing else to say; on a page, text above and below is no entry.
        alone = len(homes[i]) + len(homes.get(-1, [])) == sum(len(own) for own in homes.values())
        reach = 3.0 if alone else 0.6
        loose = homes.get(-1, [])
        grew = True
        while grew and loose:
            grew = False
            box = BBox.around(s.box for s in homes[i]).union(region.box)
            for segment in list(loose):
                inside = min(box.y2, segment.box.y2) - max(box.y1, segment.box.y1) > 0.5 * segment.box.height
                beside = max(box.x1 - segment.box.x2, segment.box.x1 - box.x2) < 4 * em
                over = min(box.x2, segment.box.x2) - max(box.x1, segment.box.x1) > 0.5 * segment.box.width
                near = max(box.y1 - segment.box.y2, segment.box.y1 - box.y2) < reach * em
                if segment.length <= 8 and ((inside and beside) or (over and near and segment.length <= 4)):
                    loose.remove(segment)
                    homes[i].append(segment)
                    grew = True


def _element(region: Region, own: list[Segment], grey: np.ndarray, em: float) -> tuple[list[Element], list[Segment]]:
    """What a region becomes, and the segments it gives back."""
    if region.kind == "table" and not own:
        return [Element("image", region.box)], []  # whatever it is, nobody can read it
    if region.kind == "table":
        entries, around = _entries(region.box, own, em)
        grid = _grid(region.box, entries, grey, em) if entries else None
        if grid is not None:
            box = BBox.around(s.box for s in entries) if around else region.box
            return [Element("table", box.union(grid.box), grid=grid)], around
        return [], own
    if region.kind == "image":
        return [Element("image", region.box, sorted(own, key=lambda s: (s.baseline, s.box.x1)))], []
    if not own:
        return [], []
    lines = [segment for row in rows_of(own) for segment in row]
    box = BBox.around(s.box for s in own)
    element = Element(region.kind, box, lines)
    if region.kind == "heading":
        element.level = 1 if region.title else 2
    if region.kind in ("paragraph", "list_item") and len(own) > 1:
        element.breaks = blocks_of(lines, em)[0].breaks if len(rows_of(own)) == len(own) else False
    return [element], []


def _entries(box: BBox, own: list[Segment], em: float) -> tuple[list[Segment], list[Segment]]:
    """What of a table region is its entries, and the centred lines above and below them.

    A receipt has its shop on top and its thanks at the foot; the model takes all of it for a table.
    """
    rows = rows_of(own)
    middle = BBox.around(s.box for s in own).center[0]
    low, high = 0, len(rows)
    while low < high and _is_centred(rows[low], middle, box, em):
        low += 1
    while high > low and _is_centred(rows[high - 1], middle, box, em):
        high -= 1
    if low < 3:
        low = 0  # a line or two are a heading over all columns
    if len(rows) - high < 3:
        high = len(rows)
    around = [s for row in rows[:low] + rows[high:] for s in row]
    return [s for row in rows[low:high] for s in row], around


def _is_centred(row: list[Segment], middle: float, box: BBox, em: float) -> bool:
    """Whether a row is one text in the middle, clear of both sides."""
    line = BBox.around(s.box for s in row)
    close = all(b.box.x1 - a.box.x2 < 2 * em for a, b in pairwise(row))
    clear = min(line.x1 - box.x1, box.x2 - line.x2) > 0.6 * em and line.width < 0.85 * box.width
    return close and clear and abs(line.center[0] - middle) < 0.06 * box.width


def _grid(box: BBox, own: list[Segment], grey: np.ndarray, em: float) -> Grid | None:
    if len(own) < 3:
        return None
    sizes = sorted(s.size for s in own)
    size = sizes[len(sizes) // 2]
    area = box.union(BBox.around(s.box for s in own))
    rules = find_raster_rules(grey, area.grown(0.5 * em), [s.box for s in own], size)
    grid = build_grid(rows_of(own), rules, area, size)
    return grid if grid is not None and plausible(grid) else None
