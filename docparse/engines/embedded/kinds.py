"""What a block is: heading, list item, caption, footnote, formula, code, or plain paragraph."""

from __future__ import annotations

import re
from collections import Counter

from docparse.engines.embedded.blocks import BULLET
from docparse.engines.embedded.element import Element
from docparse.engines.embedded.figures import CAPTION, UNNUMBERED
from docparse.engines.embedded.formulas import is_formula, join_formulas
from docparse.engines.embedded.furniture import is_page_number
from docparse.engines.embedded.lists import as_item
from docparse.engines.embedded.profile import Profile
from docparse.geometry import BBox

SECTION = re.compile(
    r"(?:\d{1,2}(?:\.\d{1,2}){1,4}\.?|\d{1,2}\.?|[IVX]{1,5}\.|[A-Z]\.(?:\d{1,2}\.?)*|§\s*\d+|"
    r"(?:chapter|section|part|appendix|annex|article|abschnitt|kapitel|anhang|artikel)\s+[\dIVXA-Z]{1,5}[.:]?)\s+\S",
    re.IGNORECASE,
)
CHINESE_SECTION = re.compile(
    r"第[一二三四五六七八九十百零\d]+[章节節条條部篇]|[一二三四五六七八九十]{1,3}、|（[一二三四五六七八九十]{1,3}）"
)
NOTE = re.compile(
    r"(?:sources?|notes?|quellen?|anmerkung(?:en)?|fuente|nota|注|资料来源|資料來源)\s*[:：]", re.IGNORECASE
)
"""How the line below a figure or a table begins that says where it comes from."""


def name_kinds(elements: list[Element], profile: Profile, page: BBox, em: float, body: float = 0.0) -> None:
    """Give every paragraph its kind, in place.

    ``em``: the size of most of the page's text in pixels; ``body``: that of the document, 0 if unknown.
    """
    em = _body_size(elements, em, body)
    join_formulas(elements, em)
    figures = [e.box for e in elements if e.kind in ("image", "table", "chart")]
    font = _body_font(elements)
    for element in elements:
        if element.kind != "paragraph" or not element.lines:
            continue
        if is_formula(element):
            element.kind = "formula"
        elif _is_caption(element, figures, em):
            element.kind = "caption"
        elif _is_heading(element, profile, font, em) and not _in_a_row(element, elements):
            element.kind = "heading"
            element.level = profile.heading_level(element.size / em, bold=all(s.bold for s in element.lines))
        else:
            as_item(element)
    _join_captions(elements, em)
    _footnotes(elements, page, em)


def _body_size(elements: list[Element], em: float, body: float) -> float:
    """The size that headings are larger than and notes smaller than.

    A page of tables and notes has its em from the small print; the paragraphs on it are no headings.
    """
    sizes = [(e.size, len(e.text)) for e in elements if e.kind == "paragraph"]
    set_so = sum(n for size, n in sizes if abs(size - body) <= 0.06 * body)
    return body if body > em and set_so >= 0.1 * sum(n for _, n in sizes) else em


def _in_a_row(element: Element, elements: list[Element]) -> bool:
    """Whether a line stands between others of its size at one edge and one pitch, as in an address."""
    alike = [
        e
        for e in elements
        if e is not element
        and len(e.lines) == 1 == len(element.lines)
        and abs(e.size - element.size) <= 0.08 * element.size
        and abs(e.box.x1 - element.box.x1) <= 0.5 * element.size
    ]
    above = min((element.box.y1 - e.box.y1 for e in alike if e.box.y1 < element.box.y1), default=0.0)
    below = min((e.box.y1 - element.box.y1 for e in alike if e.box.y1 > element.box.y1), default=0.0)
    return 0 < above <= 2.6 * element.size and below > 0 and abs(above - below) <= 0.15 * above


def _join_captions(elements: list[Element], em: float) -> None:
    """A label on a line of its own ("Table 2") and the title below it are one caption."""
    for label in [e for e in elements if e.kind == "caption" and len(e.text.split()) <= 3]:
        for title in elements:
            gap = title.box.y1 - label.box.y2
            if (
                title.kind in ("paragraph", "heading")
                and -0.3 * em <= gap <= 0.9 * em
                and abs(title.box.x1 - label.box.x1) <= 1.5 * em
                and len(title.lines) <= 4
            ):
                label.lines += title.lines
                label.box = label.box.union(title.box)
                elements.remove(title)
                break


def _body_font(elements: list[Element]) -> str:
    """The font of most characters of the page's paragraphs."""
    fonts: Counter[str] = Counter()
    for element in elements:
        for line in element.lines:
            for word in line.words:
                for text, style in word.parts:
                    fonts[style.font] += len(text)
    return fonts.most_common(1)[0][0] if fonts else ""


def _letters(element: Element) -> int:
    return sum(c.isalpha() for c in element.text)


def _is_heading(element: Element, profile: Profile, font: str, em: float) -> bool:
    """Short, apart, and set larger or heavier than the body."""
    text = element.text
    words = len(text.split())
    if len(element.lines) > 4 or words > 32 or _letters(element) < 2 or len(text) < 2:
        return False
    if text[-1] in ".,;" and not SECTION.match(text) and words > 3:
        return False
    if BULLET.match(text) or NOTE.match(text) or text[0] in ",;.)]":
        return False
    marks = sum(
        1 for line in element.lines for w in line.words for _, s in w.parts if s.superscript or s.size < 0.8 * line.size
    )
    if text.count(",") >= 2 and marks >= 2:
        return False  # authors with their affiliations
    larger = element.size / em
    bold = all(s.bold for s in element.lines)
    numbered = bool(SECTION.match(text) or CHINESE_SECTION.match(text))
    capitals = text.upper() == text != text.lower() and _letters(element) >= 4
    if larger >= 1.15 and words <= 30:
        return True
    if profile.bold_body:
        return False
    if bold and words <= 18 and text[-1] not in ".;,":
        return not (text.endswith(":") and words > 8)
    if numbered and capitals and words <= 14:
        return True
    if numbered and 2 <= words <= 14 and text[-1] not in ".;,:" and len(element.lines) <= 2:
        # "2.1 Chemicals and reagents": a second level needs no other type; a first level might be a list.
        other = all(style.font != font for line in element.lines for w in line.words for _, style in w.parts)
        if other or re.match(r"\d{1,2}\.\d", text):
            return True
    if all(s.italic for s in element.lines) and len(element.lines) == 1 and words <= 10:
        return text[:1].isupper() and text[-1] not in ".;,:!?)" and not any(c.isdigit() for c in text)
    alone = len(element.lines) == 1 and (words >= 2 or _letters(element) >= 5)
    return capitals and words <= 10 and (alone or len(element.lines) == 2) and not any(c.isdigit() for c in text)


def _is_caption(element: Element, figures: list[BBox], em: float) -> bool:
    if UNNUMBERED.match(element.text):
        return True
    if not CAPTION.match(element.text):
        return False
    match = CAPTION.match(element.text)
    strong = match is not None and match.group(0).rstrip()[-1:] in ".:|)-–—"
    if match and not strong and element.text[match.end() :].lstrip()[:1].islower() and len(element.text.split()) > 6:
        return False  # "Fig. 6a presents the effect of ...": a sentence
    near = any(
        min(f.x2, element.box.x2) - max(f.x1, element.box.x1) > 0
        and (abs(element.box.y1 - f.y2) < 4 * em or abs(f.y1 - element.box.y2) < 4 * em)
        for f in figures
    )
    return near or (strong and element.lines[0].words[0].style.bold) or (strong and len(element.lines) <= 3)


def _footnotes(elements: list[Element], page: BBox, em: float) -> None:
    """Small print at the foot of the page or of a column: below all that is set in the body's size."""
    texts = [e for e in elements if e.kind in ("paragraph", "list_item") and e.lines]
    body = [e.box for e in elements if e.kind in ("paragraph", "list_item", "heading") and e.size >= 0.93 * em]
    floor = max((b.y2 for b in body), default=0.0)
    for element in texts:
        if element.size >= 0.92 * em:
            continue
        box = element.box
        first = element.lines[0].words[0]
        raised = bool(first.parts) and (first.parts[0][1].superscript or first.parts[0][1].size < 0.8 * element.size)
        marked = raised or first.text[:1] in "*†‡§¹²³⁴⁵⁶⁷⁸⁹" or (first.text.isdigit() and len(first.text) <= 2)
        column = [b for b in body if min(b.x2, box.x2) - max(b.x1, box.x1) > 0.3 * min(b.width, box.width)]
        over = [b for b in column if b.y2 <= box.y1 + 0.3 * em]
        ends = bool(over) and not _under_a_table(box, elements, em)  # the text of its column ends above it
        next_text = min((b.y1 for b in column if b.y1 >= box.y1), default=None)
        low = box.y1 - page.y1 > 0.6 * page.height and box.y1 >= floor - 12 * em
        far = box.y1 - page.y1 > 0.75 * page.height
        foot = ends and next_text is None and far and box.y1 - max(b.y2 for b in over) > 0.8 * em
        foot = foot and len(element.text.split()) >= 4  # not the "Signature" below its line
        if (marked and low) or (raised and ends and next_text is None) or foot:
            element.kind, element.level, element.number, element.marker = "footnote", 0, None, ""


def _under_a_table(box: BBox, elements: list[Element], em: float) -> bool:
    """Whether what stands next above is a table or a figure, or a note to one."""
    over = [
        e
        for e in elements
        if e.box.y2 <= box.y1 + 0.3 * em and min(e.box.x2, box.x2) - max(e.box.x1, box.x1) > 0.3 * box.width
    ]
    near = [e for e in over if e.kind in ("table", "image", "chart") and box.y1 - e.box.y2 < 25 * em]
    last = max((e.box.y2 for e in near), default=None)
    return last is not None and not any(e.size >= 0.93 * em and e.lines and e.box.y1 > last for e in over)


def refine(elements: list[Element], page: BBox, em: float) -> None:
    """On scans the layout model named the kinds; what it cannot see, the text says."""
    figures = [e.box for e in elements if e.kind in ("image", "table", "chart")]
    for element in elements:
        if not element.lines:
            continue
        text = element.text
        middle = (element.box.center[1] - page.y1) / page.height
        if (element.kind == "header" and middle > 0.3) or (element.kind == "footer" and middle < 0.7):
            element.kind = "paragraph"
        if element.kind in ("header", "footer", "paragraph") and is_page_number(text) and _at_edge(element, page):
            element.kind = "page_number"
        elif element.kind == "formula" and _is_prose(text):
            element.kind, element.breaks = "paragraph", len(element.lines) > 1
        elif element.kind in ("paragraph", "heading") and _is_caption(element, figures, em):
            element.kind, element.level = "caption", 0
        elif element.kind == "heading" and text.endswith((",", "，")) and len(text.split()) <= 6:
            element.kind, element.level = "paragraph", 0  # "Dear Mr Renner,"
        elif element.kind == "paragraph" and _is_title(element, em):
            element.kind, element.level = "heading", 1 if element.size >= 1.8 * em else 2
        elif element.kind in ("paragraph", "list_item"):
            was = element.kind
            as_item(element)
            if was == "list_item":
                element.kind, element.level = "list_item", max(element.level, 1)


def _is_prose(text: str) -> bool:
    """Whether most of a text is words, whatever the layout model took it for."""
    words = text.split()
    return sum(len(w) >= 4 and w.isalpha() for w in words) >= 0.5 * len(words)


def _is_title(element: Element, em: float) -> bool:
    """Large print in a few words, which the layout model took for text."""
    text = element.text
    short = len(element.lines) <= 2 and len(text.split()) <= 12 and _letters(element) >= 3
    return short and element.size >= 1.4 * em and not any(c.isdigit() for c in text) and text[-1] not in ".,;"


def without_furniture_alone(elements: list[Element]) -> None:
    """A page with nothing but headers and footers has text that only looks like them."""
    if all(e.kind in ("header", "footer") for e in elements):
        for element in elements:
            element.kind = "paragraph"


def _at_edge(element: Element, page: BBox) -> bool:
    top, bottom = element.box.y1 - page.y1, element.box.y2 - page.y1
    return bottom < 0.1 * page.height or top > 0.9 * page.height
