"""The ``div`` of a picture and what it says: image, chart, formula, music sheet, chemical formula.

What it is: one element to a block, or to two where an image brings its caption along. What it is not:
a judge of the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from docparse.document import NOTATIONS, Kind, Run
from docparse.geometry import BBox
from docparse.qwenvl_html.inline import Inline, Verbatim, note_alt
from docparse.qwenvl_html.issues import shown
from docparse.qwenvl_html.page import Stretch
from docparse.qwenvl_html.tables import Draft, cells_of, parts_of
from docparse.qwenvl_html.tree import Element, Leaf

if TYPE_CHECKING:
    from docparse.qwenvl_html.reader import Reader

_NOTATION_NAMES = {"abc": "abc notation", "smiles": "smile"}
_THINNEST = 4  # pixels; a line of text is never less high


def read_image(reader: Reader, element: Element, inherited: BBox | None, *, caption: bool = False) -> None:
    """Add an image and the text in it, or with ``caption`` an image and its caption."""
    outer, image = _boxes(reader, element, inherited)
    text = _text(reader, element)
    span = (element.start, element.end)
    if not caption:
        reader.page.add("image", span, image or outer, text.runs, text.stretches, element.attributes)
        reader.blocks(text.blocks, outer)
        return
    reader.page.add("image", span, image or outer, (), [], element.attributes)
    if text.has_text:
        _add_caption(reader, element, text.runs, text.stretches, outer, image)
    reader.blocks(text.blocks, outer)


def _add_caption(
    reader: Reader,
    element: Element,
    runs: Sequence[Run],
    stretches: Sequence[Stretch],
    outer: BBox | None,
    image: BBox | None,
) -> None:
    paragraph = next((child for child in element.elements() if child.tag in ("p", "figcaption")), element)
    bbox = None
    if paragraph is not element:
        bbox = reader.page.box(paragraph.attributes, paragraph.start)
    if bbox is None and outer is not None:
        bbox = _strip(outer, image) or outer
        reader.log.add("box-inherited", "the caption has what the image leaves of their box", paragraph.start)
    reader.page.add("caption", (paragraph.start, paragraph.end), bbox, runs, stretches)


def _strip(outer: BBox, image: BBox | None) -> BBox | None:
    """The largest part of ``outer`` above, below or beside ``image``; None if nothing is left."""
    if image is None:
        return None
    image = BBox(*image.as_tuple()).clamped(outer.x2, outer.y2)
    strips = []
    if outer.y2 - image.y2 >= _THINNEST:
        strips.append(BBox(outer.x1, image.y2, outer.x2, outer.y2))
    if image.y1 - outer.y1 >= _THINNEST:
        strips.append(BBox(outer.x1, outer.y1, outer.x2, image.y1))
    if outer.x2 - image.x2 >= _THINNEST:
        strips.append(BBox(image.x2, outer.y1, outer.x2, outer.y2))
    if image.x1 - outer.x1 >= _THINNEST:
        strips.append(BBox(outer.x1, outer.y1, image.x1, outer.y2))
    return max(strips, key=lambda strip: strip.area, default=None)


def read_chart(reader: Reader, element: Element, inherited: BBox | None) -> None:
    """Add a chart: its first table is its data, its text is its text."""
    outer, image = _boxes(reader, element, inherited)
    text = _text(reader, element)
    tables = [block for block in text.blocks if block.tag == "table"]
    others = [block for block in text.blocks if block.tag != "table"]
    drafts: list[list[Draft]] = []
    if tables:
        parts = parts_of(reader, tables[0])
        drafts = parts.rows
        others += [*tables[1:], *parts.captions, *(s for s in parts.strays if isinstance(s, Element)), *parts.inside]
        lost = [stray for stray in parts.strays if isinstance(stray, Leaf)]
        text.gather(lost)
    pieces = cells_of(reader.page, drafts, element.start)
    stretches = text.stretches + [stretch for row in drafts for draft in row for stretch in draft.stretches]
    span = (element.start, element.end)
    reader.page.add(
        "chart", span, outer or image, text.runs, stretches, element.attributes, cells=pieces[0] if pieces else ()
    )
    for cells in pieces[1:]:
        reader.page.add("table", span, outer or image, cells=cells)
    reader.blocks(others, outer)


def read_notation(reader: Reader, kind: Kind, element: Element, inherited: BBox | None) -> None:
    """Add a formula, music sheet or chemical formula: text in a notation, kept as it stands."""
    outer, image = _boxes(reader, element, inherited)
    said = element.attributes.get("format", "").strip().lower()
    notation = _NOTATION_NAMES.get(said, said)
    if notation not in ("", *NOTATIONS[kind]):
        reader.log.add("value-malformed", f"format={shown(said)!r} is no notation of a {kind}", element.start)
        notation = ""
    said_in = Verbatim(reader.log).gather(element)
    box, span = outer or image, (element.start, element.end)
    reader.page.add(kind, span, box, (Run(said_in.text),), said_in.stretches, element.attributes, notation=notation)
    picture = next((child for child in element.elements() if child.tag == "img"), None)
    reader.blocks((image for image in said_in.images if image is not picture), box)


def _boxes(reader: Reader, element: Element, inherited: BBox | None) -> tuple[BBox | None, BBox | None]:
    """The box of the element and that of the picture in it, which the format writes twice."""
    outer = reader.page.box(element.attributes, element.start)
    image = None
    for child in element.elements():
        if child.tag == "img":
            image = reader.page.box(child.attributes, child.start)
            break
    if outer is None and image is None and inherited is not None:
        reader.log.add("box-inherited", "the picture has the box of the element it stands in", element.start)
        outer = inherited
    return outer, image


def _text(reader: Reader, element: Element) -> Inline:
    """The text beside the pictures of ``element``. Pictures after the first stay blocks."""
    text = Inline(reader.log, flatten=True, quiet=True)
    first = True
    for child in element.children:
        if isinstance(child, Element) and child.tag == "img" and first:
            first = False
            note_alt(reader.log, child)
        else:
            text.gather([child])
    return text
