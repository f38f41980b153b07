"""A born-digital page: from its text layer to elements in reading order."""

from __future__ import annotations

from dataclasses import dataclass

from docparse.engines.embedded.bars import bar_charts
from docparse.engines.embedded.blocks import blocks_of, stacks_of
from docparse.engines.embedded.element import Element
from docparse.engines.embedded.figures import find_figures
from docparse.engines.embedded.forms import form_fields, is_field, take_fields
from docparse.engines.embedded.furniture import take_furniture
from docparse.engines.embedded.gutters import find_gutters, lines_of
from docparse.engines.embedded.kinds import name_kinds, without_furniture_alone
from docparse.engines.embedded.listings import take_listings
from docparse.engines.embedded.lists import nest_items
from docparse.engines.embedded.order import in_order
from docparse.engines.embedded.profile import Profile
from docparse.engines.embedded.rules import WHITE, Rules, find_rules
from docparse.engines.embedded.segments import (
    Segment,
    Upright,
    body_em,
    drop_caps_joined,
    is_leader,
    is_rtl,
    main_turn,
    segments_of,
)
from docparse.engines.embedded.tables.aligned import aligned_tables
from docparse.engines.embedded.tables.grid import Grid
from docparse.engines.embedded.tables.headed import headed_tables, preferred
from docparse.engines.embedded.tables.ruled import ruled_tables
from docparse.geometry import BBox
from docparse.textlayer import Picture, Shape, TextLayer


@dataclass(slots=True)
class Reading:
    """The elements of a page in reading order, and the turn their boxes are upright in."""

    elements: list[Element]
    upright: Upright


def read_digital(
    layer: TextLayer, width: int, height: int, profile: Profile, scale: float = 2.0, frame: BBox | None = None
) -> Reading:
    """Elements of a page whose text layer can be trusted; ``scale`` is pixels per point. ``frame``: the whole page,
    where this is a part of one: what stands at the edge of a part is no header."""
    visible = [line for line in layer.lines if line.visible]
    rtl = is_rtl("".join(w.text for line in visible for w in line.words))
    upright = Upright(main_turn(visible), width, height, mirrored=rtl)
    segments, sideways = segments_of(visible, upright)
    em = body_em(segments)
    page = BBox(0, 0, upright.width, upright.height)
    shapes = layer.shapes
    pictures = layer.pictures
    if not upright.same:
        shapes = tuple(Shape(s.kind, upright.to(s.box), s.stroke, s.fill) for s in shapes)
        pictures = tuple(Picture(upright.to(p.box), p.width, p.height) for p in pictures)
    whole = None if frame is None else upright.to(frame)
    elements = arrange(segments, sideways, shapes, pictures, profile, page, em, profile.body * scale, whole)
    return Reading(elements, upright)


def arrange(
    segments: list[Segment],
    sideways: list[Segment],
    shapes: tuple[Shape, ...],
    pictures: tuple[Picture, ...],
    profile: Profile,
    page: BBox,
    em: float,
    size: float = 0.0,
    whole: BBox | None = None,
) -> list[Element]:
    """Segments, shapes and pictures of an upright page as elements in reading order.

    ``em``, ``size``: of most text on this page, and in the document, in pixels. ``sideways``: text
    written at another angle than the page's, such as the title of an axis. ``whole``: the page, where these
    stand on a part of one.
    """
    frame = whole or page
    segments = drop_caps_joined([s for s in segments if not is_leader(s.text)], em)
    furniture = take_furniture(segments, profile, frame, em)
    charts = bar_charts(shapes, segments, em)
    fields = form_fields((s for s in shapes if not any(c.covers(s.box, share=0.9) for c in charts)), em)
    entries = take_fields(fields, segments, em)
    rules = find_rules((s for s in shapes if not is_field(s, fields, em)), em)
    inset = [s for s in segments if s.words[0].confidence is not None and _in_picture(s, pictures)]
    segments = [s for s in segments if not any(s is i for i in inset)]
    grids = ruled_tables(segments, rules, [s.box for s in shapes if s.kind == "path"], em, charts)
    form = BBox.around(fields) if fields else None
    # Between the fields of a form, lines to write on and shaded titles make grids of two columns.
    grids = [g for g in grids if form is None or g.cols > 2 or not form.covers(g.box, share=0.5)]
    take(segments, grids)
    segments += inset  # words in a picture are its own: the axis of a chart is no table
    figures = find_figures(pictures, shapes, charts, segments, sideways, [g.box for g in grids], page, em)
    listings = take_listings(segments, em)
    text = segments + [s for g in grids for cell in g.cells for s in cell.chunks]
    grids += [g for g in aligned_tables(segments, rules, em) if form is None or not form.covers(g.box, share=0.5)]
    headed, grids = preferred(headed_tables(text, em), grids)
    grids += headed
    segments[:] = text
    take(segments, grids)
    tables = [Element("table", _tight(grid), grid=grid) for grid in grids]
    body = figures + tables + listings
    body += paragraphs(segments, rules, [e.box for e in body + entries], em)
    name_kinds(body, profile, frame, em, size)
    body += entries
    for segment in sideways:
        # A note along the edge (a preprint's number, a download mark) is furniture; else it is text.
        edge = min(segment.box.x1 - frame.x1, frame.x2 - segment.box.x2) < 0.08 * frame.width
        (furniture if edge else body).append(Element("header" if edge else "paragraph", segment.box, [segment]))
    if not body and whole is None:
        without_furniture_alone(furniture)
    headers = [e for e in furniture if e.box.center[1] < frame.center[1]]
    footers = [e for e in furniture if e.box.center[1] >= frame.center[1]]
    grounds = [s.box for s in shapes if s.kind == "rect" and s.fill not in (None, WHITE) and _is_panel(s.box, page, em)]
    ordered = in_order(body, em, fields, grounds)
    nest_items(ordered, em)
    return headers + ordered + footers


def _is_panel(box: BBox, page: BBox, em: float) -> bool:
    """Whether a coloured ground is that of a part of the page: not the page's own, nor that of a line."""
    return box.area <= 0.5 * page.area and box.height > 4 * em and box.width > 6 * em


def _in_picture(segment: Segment, pictures: tuple[Picture, ...]) -> bool:
    return any(p.box.covers(segment.box, share=0.6) for p in pictures)


def paragraphs(segments: list[Segment], rules: Rules, walls: list[BBox], em: float) -> list[Element]:
    """The running text among segments, as blocks."""
    lines = lines_of(segments, find_gutters(segments, em), em)
    return [block for stack in stacks_of(lines, rules, walls, em) for block in blocks_of(stack, em)]


def take(segments: list[Segment], grids: list[Grid]) -> None:
    """Remove from ``segments`` the words that stand in tables."""
    if not grids:
        return
    used = {id(w) for g in grids for cell in g.cells for chunk in cell.chunks for w in chunk.words}
    left: list[Segment] = []
    for segment in segments:
        words = [w for w in segment.words if id(w) not in used]
        if len(words) == len(segment.words):
            left.append(segment)
        elif words:
            left.append(segment.cut(words))
    segments[:] = left


def _tight(grid: Grid) -> BBox:
    """The box of a table: its rules and its text."""
    boxes = [chunk.box for cell in grid.cells for chunk in cell.chunks]
    text = BBox.around(boxes)
    return grid.box.union(text) if grid.ruled else text.union(BBox(grid.box.x1, text.y1, grid.box.x2, text.y2))
