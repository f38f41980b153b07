"""Running headers, footers and page numbers, found before anything else on the page is."""

from __future__ import annotations

import re

from docparse.document import Kind
from docparse.engines.embedded.blocks import blocks_of, stacks_of
from docparse.engines.embedded.element import Element
from docparse.engines.embedded.figures import CAPTION
from docparse.engines.embedded.profile import BAND, Profile, normal
from docparse.engines.embedded.rules import Rules
from docparse.engines.embedded.segments import Segment, rows_of
from docparse.geometry import BBox

_PAGE_NUMBER = re.compile(
    r"(?:page|seite|page n°|p\.|pagina|página|第)?\s*[-–—|\[(]*\s*"
    r"(?:\d{1,4}|[ivxlcIVXLC]{1,7}|[A-Z]{0,2}-?\d{1,3}(?:[-.]\d{1,3})?)"
    r"\s*[-–—|\])]*\s*(?:(?:of|/|von|de|sur|di|共)\s*\d{1,4})?\s*(?:页|頁|ページ)?",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"\b(?:page|seite|pagina|página|blatt|p\.)\s*:?\s*\d{1,4}\s*(?:of|/|von|de|sur|di|van)\s*\d{1,4}\b", re.IGNORECASE
)
"""A page number that says so, wherever it stands in its line."""
EDGE = 0.085
"""Share of the height at either end where a line that stands alone is taken for furniture."""


def is_page_number(text: str) -> bool:
    return len(text) <= 20 and any(c.isalnum() for c in text) and _PAGE_NUMBER.fullmatch(text.strip()) is not None


def take_furniture(
    segments: list[Segment], profile: Profile, page: BBox, em: float, *, sure: bool = False
) -> list[Element]:
    """Furniture of a page; its segments are removed from ``segments``.

    ``sure``: only what carries a page number beside a title, or runs through the document; for
    pages of which nothing is known but their words.
    """
    rows = [_joined(row) for row in rows_of(segments)]
    taken: list[Element] = []
    for ordered, top in ((rows, True), (rows[::-1], False)):
        for row in _band(ordered, profile, page, em, top=top, sure=sure):
            taken += _elements(row, profile, top=top)
    used = {id(w) for e in taken for s in e.lines for w in s.words}
    taken = _stacked(taken, em)
    segments[:] = [s for s in segments if id(s.words[0]) not in used]
    return taken


def _stacked(taken: list[Element], em: float) -> list[Element]:
    """Furniture with the lines of one address or notice put together."""
    done = [e for e in taken if e.kind == "page_number"]
    kinds: tuple[Kind, ...] = ("header", "footer")
    for kind in kinds:
        lines = [s for e in taken if e.kind == kind for s in e.lines]
        for stack in stacks_of(lines, Rules(), [], em):
            for block in blocks_of(stack, em):
                block.kind = kind
                done.append(block)
    return done


def _joined(row: list[Segment]) -> list[Segment]:
    """A row with its neighbours joined: running titles are short, and have no columns."""
    done = [row[0]]
    for segment in row[1:]:
        last = done[-1]
        if segment.box.x1 - last.box.x2 <= 1.5 * max(last.size, segment.size):
            done[-1] = last.cut([*last.words, *segment.words])
        else:
            done.append(segment)
    return done


def _band(
    ordered: list[list[Segment]], profile: Profile, page: BBox, em: float, *, top: bool, sure: bool
) -> list[list[Segment]]:
    """The rows of furniture at one end of the page, from the edge inwards.

    Running lines are furniture wherever they stand in the outer part. Of the others, up to three
    rows count if they are small, near the edge or beside a page number, and set apart from the text.
    """
    band: list[list[Segment]] = []
    kept = 0
    for i, row in enumerate(ordered[:6]):
        box = BBox.around(s.box for s in row)
        if i == 0 and not top and not sure and _is_foot_number(ordered, page, em):
            return [row]
        middle = box.center[1] - page.y1
        if (middle > BAND * page.height) if top else (middle < (1 - BAND) * page.height):
            break
        if CAPTION.match(row[0].text) or len(row) > 4:
            break  # a table that goes on over several pages has its title and its headings on each
        band.append(row)
        following = ordered[i + 1] if i + 1 < len(ordered) else None
        gap = _gap(box, following, top=top)
        alone = len(band) - kept <= 3 and not sure and _apart(band[kept:], gap, page, em, top=top)
        numbered = len(band) - kept == 1 and _beside_number(row) and gap > (0.4 if sure else 1.1) * em
        if _runs(row, profile) or alone or numbered:
            kept = i + 1
    return band[:kept]


def _is_foot_number(ordered: list[list[Segment]], page: BBox, em: float) -> bool:
    """Whether the lowest line is a number in the middle of the page, however wide the margin below it is."""
    row = ordered[0]
    box = row[0].box
    gap = _gap(box, ordered[1] if len(ordered) > 1 else None, top=False)
    middle = abs(box.center[0] - page.center[0]) < 0.04 * page.width
    return len(row) == 1 and row[0].text.isdigit() and len(row[0].text) <= 3 and middle and 1.5 * em < gap < page.height


def _runs(row: list[Segment], profile: Profile) -> bool:
    """Whether a row, or a part of it, repeats on other pages."""
    return normal(" ".join(s.text for s in row)) in profile.running or any(
        normal(s.text) in profile.running for s in row
    )


def _beside_number(row: list[Segment]) -> bool:
    """Whether a row is a running title with a page number at its left or right end."""
    return (
        2 <= len(row) <= 3
        and (is_page_number(row[0].text) or is_page_number(row[-1].text))
        and sum(len(s.text) for s in row) <= 120
    )


def _apart(rows: list[list[Segment]], gap: float, page: BBox, em: float, *, top: bool) -> bool:
    """Whether rows at the very edge stand by themselves, as no title and no text does."""
    segments = [s for row in rows for s in row]
    box = BBox.around(s.box for s in segments)
    if (box.y2 - page.y1 > EDGE * page.height) if top else (box.y1 - page.y1 < (1 - EDGE) * page.height):
        return False
    text = " ".join(s.text for s in segments)
    if max(s.size for s in segments) > 1.3 * em or len(text) > 120 * len(rows) or len(text) > 220:
        return False
    if len(segments) == 1 and is_page_number(text):
        return gap > 0.8 * em
    if _NUMBERED.search(text):
        return gap > 0.4 * em
    if top:
        # What stands alone on top may be the title: that is bold, or larger than a header.
        return gap > 1.5 * em and not segments[0].bold and max(s.size for s in segments) <= 1.12 * em
    return gap > 1.1 * em and (len(segments) > 1 or len(text.split()) <= 16)


def _elements(row: list[Segment], profile: Profile, *, top: bool) -> list[Element]:
    """A row of furniture as page number and header or footer."""
    if not is_page_number(row[0].text) and not is_page_number(row[-1].text):
        running = [s for s in row if normal(s.text) in profile.running]
        whole = normal(" ".join(s.text for s in row)) in profile.running
        if running and not whole and len(running) < len(row):
            row = running
    numbered = [s for s in row if is_page_number(s.text)]
    found = [Element("page_number", s.box, [s]) for s in numbered]
    rest = [s for s in row if s not in numbered]
    if rest:
        kind: Kind = "header" if top else "footer"
        found.append(Element(kind, BBox.around(s.box for s in rest), rest))
    return found


def _gap(box: BBox, following: list[Segment] | None, *, top: bool) -> float:
    if following is None:
        return 1e9
    other = BBox.around(s.box for s in following)
    return other.y1 - box.y2 if top else box.y1 - other.y2
