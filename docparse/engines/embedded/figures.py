"""Figures of a born-digital page: placed pictures, and drawings made of many shapes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from docparse.engines.embedded.element import Element
from docparse.engines.embedded.rules import WHITE
from docparse.engines.embedded.segments import Segment
from docparse.geometry import BBox
from docparse.textlayer import Picture, Shape

CAPTION = re.compile(
    r"(?:fig(?:ure|\.)?|table|tab\.|chart|exhibit|scheme|plate|box|graph|map|photo|image|listing|algorithm|"
    r"appendix table|"
    r"abb(?:ildung|\.)|tabelle|tableau|tabla|figura|tabella|graphique|grafik|diagramm|"
    # The number may be a letter, but not the last one of the word: "Figures of the year", "Graphic design".
    r"図|图|表|圖)\s*(?:\d+|(?<![a-z])(?:[ivxlc]+|[a-z])\b)(?:[.\-–]\d+)*[a-z]?\s*(?:[.:|)\-–—]|\s|$)",
    re.IGNORECASE,
)
UNNUMBERED = re.compile(r"(?:TABLE|FIGURE)\.\s+[A-Z]")
MIN_SHAPES = 6
"""Drawn paths that make a drawing; fewer are an ornament or a frame."""


SMALLEST_LABELLED = 8.0
"""Ems: what is smaller is a logo or an icon; the address beside it is no label."""


def find_figures(
    pictures: Iterable[Picture],
    shapes: Iterable[Shape],
    charts: list[BBox],
    segments: list[Segment],
    sideways: list[Segment],
    tables: list[BBox],
    page: BBox,
    em: float,
) -> list[Element]:
    """Figures with the text in and at them (their labels), taken from ``segments`` and ``sideways``."""
    boxes = _pictures(pictures, segments, page, em)
    boxes += charts
    boxes += _drawings(shapes, segments, tables, boxes, page, em)
    boxes = _merged(boxes, [s.box for s in segments if s.length >= 6], 0.3 * em)
    figures = [Element("image", box) for box in boxes if not any(t.overlap(box) > 0.5 * box.area for t in tables)]
    for figure in figures:
        for _ in range(3):  # ticks first, then the titles of the axes beyond them
            before = figure.box
            _take_labels(figure, segments, em)
            _take_labels(figure, sideways, em)
            if figure.box == before:
                break
        figure.lines.sort(key=lambda s: (s.baseline, s.box.x1))
    return figures


def _pictures(pictures: Iterable[Picture], segments: list[Segment], page: BBox, em: float) -> list[BBox]:
    found = []
    for picture in pictures:
        box = picture.box.clamped(page.x2, page.y2)
        if box.width < 1.5 * em or box.height < 1.5 * em or min(picture.width, picture.height) < 8:
            continue
        if box.area > 0.85 * page.area:
            continue  # a background under the text; a scan never comes this way
        prose = [
            s for s in segments if s.length >= 5 and s.words[0].confidence is None and box.covers(s.box, share=0.9)
        ]
        if len(prose) >= 2:
            continue  # the shadow or the ground of a card: the text on it is the content
        found.append(box)
    return found


def _drawings(
    shapes: Iterable[Shape], segments: list[Segment], tables: list[BBox], pictures: list[BBox], page: BBox, em: float
) -> list[BBox]:
    """Boxes of clusters of shapes, on a raster of cells a little smaller than the text."""
    step = 0.6 * em
    columns, rows = int(page.x2 / step) + 2, int(page.y2 / step) + 2
    if columns * rows > 100_000:
        return []
    marked: dict[tuple[int, int], list[int]] = {}
    kept: list[Shape] = []
    for shape in shapes:
        box = shape.box
        if shape.stroke in (None, WHITE) and shape.fill in (None, WHITE):
            continue
        if box.x2 < 0 or box.y2 < 0 or box.x1 > page.x2 or box.y1 > page.y2:
            continue
        box = box.clamped(page.x2, page.y2)
        if box.area > 0.5 * page.area or box.width > 0.85 * page.x2 or box.height > 0.85 * page.y2:
            continue
        if any(t.covers(box, share=0.9) for t in tables) or (
            shape.kind == "rule" and any(t.grown(em).covers(box, share=0.5) for t in tables)
        ):
            continue
        kept.append(shape)
        n = len(kept) - 1
        for x in range(int(box.x1 / step), int(box.x2 / step) + 1):
            for y in range(int(box.y1 / step), int(box.y2 / step) + 1):
                marked.setdefault((x, y), []).append(n)
    found: list[BBox] = []
    left = set(marked)
    while left:
        cell = left.pop()
        group, stack = {cell}, [cell]
        while stack:
            x, y = stack.pop()
            for near in ((x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)):
                if near in left:
                    left.remove(near)
                    group.add(near)
                    stack.append(near)
        members = {n for c in group for n in marked[c]}
        box = BBox.around(kept[n].box for n in members).clamped(page.x2, page.y2)
        if _is_drawing([kept[n] for n in members], box, segments, pictures, em):
            found.append(box)
    return found


def _is_drawing(shapes: list[Shape], box: BBox, segments: list[Segment], pictures: list[BBox], em: float) -> bool:
    """Whether a cluster of shapes is a drawing rather than frames and shadings around text."""
    if box.width < 3 * em or box.height < 3 * em:
        return False
    paths = sum(1 for s in shapes if s.kind == "path")
    fills = {s.fill for s in shapes if s.fill not in (None, WHITE)}
    text = sum(s.box.overlap(box) for s in segments)
    prose = sum(1 for s in segments if s.length >= 6 and box.covers(s.box, share=0.8))
    curves = sum(1 for s in shapes if _is_curve(s, box))
    if prose >= (5 if curves >= 2 else 2) or (prose and paths < 40 and curves < 2):
        return False  # cards and panels with text on them: the text is the content
    if paths >= MIN_SHAPES or curves >= 2:
        return text < 0.45 * box.area
    # Bars and boxes: a chart or a flow diagram is many rectangles, with little text among them.
    bars = sum(1 for s in shapes if s.kind == "rect")
    return bars >= MIN_SHAPES and (len(fills) >= 2 or paths >= 2) and text < 0.3 * box.area and box.height > 5 * em


def _is_curve(shape: Shape, box: BBox) -> bool:
    """Whether a shape is a line that runs through a good part of a drawing, as those of charts do."""
    stroked = shape.kind == "path" and shape.stroke not in (None, WHITE) and shape.fill in (None, WHITE)
    return stroked and shape.box.width > 0.3 * box.width and shape.box.height > 0.03 * box.height


def _merged(boxes: list[BBox], prose: list[BBox], slack: float) -> list[BBox]:
    """Boxes that touch or overlap, as one: pictures come in strips, drawings in parts.

    Not where the box around both would swallow running text.
    """
    done = list(boxes)
    changed = True
    while changed:
        changed = False
        for i in range(len(done)):
            for j in range(i + 1, len(done)):
                if done[i].grown(slack).overlap(done[j].grown(slack)) > 0:
                    both = done[i].union(done[j])
                    if any(
                        both.covers(p, share=0.3) and not (done[i].covers(p, share=0.3) or done[j].covers(p, share=0.3))
                        for p in prose
                    ):
                        continue
                    done[i] = both
                    done.pop(j)
                    changed = True
                    break
            if changed:
                break
    return done


def _take_labels(figure: Element, segments: list[Segment], em: float) -> None:
    """Move the segments that label a figure into it, its box growing with them."""
    for segment in list(segments):
        inside = figure.box.covers(segment.box, share=0.6)
        label = (
            min(figure.box.width, figure.box.height) >= SMALLEST_LABELLED * em
            and _adjoins(figure.box, segment.box, 1.3 * em)
            and segment.length <= 5
            and segment.size <= 1.6 * em
            and min(segment.box.width, segment.box.height) < 0.8 * max(figure.box.width, figure.box.height)
            and not CAPTION.match(segment.text)
            and not any(o is not segment and (_same_line(o, segment) or _goes_on(o, segment)) for o in segments)
        )
        if inside or (label and not _swallows(figure.box, segment, segments)):
            segments.remove(segment)
            figure.lines.append(segment)
            figure.box = figure.box.union(segment.box)


def _swallows(box: BBox, label: Segment, segments: list[Segment]) -> bool:
    """Whether a figure that takes this label in would cover running text that stands beside it."""
    grown = box.union(label.box)
    return any(
        s is not label and s.length >= 6 and grown.covers(s.box, share=0.5) and not box.covers(s.box, share=0.5)
        for s in segments
    )


def _adjoins(figure: BBox, label: BBox, reach: float) -> bool:
    """Whether a label stands right beside, above or below a figure."""
    dx = max(figure.x1 - label.x2, label.x1 - figure.x2, 0.0)
    dy = max(figure.y1 - label.y2, label.y1 - figure.y2, 0.0)
    return (dx <= reach and dy == 0) or (dy <= reach and dx == 0) or (dx <= 0.5 * reach and dy <= 0.5 * reach)


def _goes_on(above: Segment, segment: Segment) -> bool:
    """Whether a segment is the last line of the paragraph that ``above`` is a line of."""
    return (
        above.length >= 5
        and 0.8 * segment.size < segment.baseline - above.baseline < 1.6 * segment.size
        and abs(above.box.x1 - segment.box.x1) < 0.5 * segment.size
        and abs(above.size - segment.size) < 0.1 * segment.size
    )


def _same_line(other: Segment, segment: Segment) -> bool:
    """Whether ``other`` is running text on the line of ``segment``: then that is no label."""
    return (
        abs(other.baseline - segment.baseline) < 0.3 * segment.size
        and other.length >= 5
        and min(abs(other.box.x1 - segment.box.x2), abs(segment.box.x1 - other.box.x2)) < 2 * segment.size
    )
