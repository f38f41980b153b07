"""Running headers, footers and page numbers, found before anything else on the page is."""

from __future__ import annotations

import re

from docparse.engines.embedded.element import Element
from docparse.engines.embedded.profile import BAND, Profile, normal
from docparse.engines.embedded.segments import Segment, rows_of
from docparse.geometry import BBox

_PAGE_NUMBER = re.compile(
    r"(?:page|seite|page n°|p\.|pagina|página|第)?\s*[-–—|\[(]*\s*(?:\d{1,4}|[ivxlcIVXLC]{1,7}|[A-Z]{0,2}-?\d{1,3}(?:[-.]\d{1,3})?)"
    r"\s*[-–—|\])]*\s*(?:(?:of|/|von|de|sur|di|共)\s*\d{1,4})?\s*(?:页|頁|ページ)?",
    re.IGNORECASE,
)
EDGE = 0.085
"""Share of the height at either end where a line that stands alone is taken for furniture."""


def is_page_number(text: str) -> bool:
    return len(text) <= 20 and any(c.isalnum() for c in text) and _PAGE_NUMBER.fullmatch(text.strip()) is not None


def take_furniture(segments: list[Segment], profile: Profile, page: BBox, em: float) -> list[Element]:
    """Furniture of a page; its segments are removed from ``segments``."""
    rows = [_joined(row) for row in rows_of(segments)]
    if not rows:
        return []
    taken: list[Element] = []
    for ordered, top in ((rows, True), (rows[::-1], False)):
        previous: list[Segment] | None = None
        for i, row in enumerate(ordered[:6]):
            y = BBox.around(s.box for s in row).center[1]
            if (y > BAND * page.y2) if top else (y < (1 - BAND) * page.y2):
                break
            following = ordered[i + 1] if i + 1 < len(ordered) else None
            own = _of_row(row, following, profile, page, em, top=top, alone=previous is None or bool(taken))
            if not own:
                break
            taken += own
            previous = row
            used = {id(w) for e in own for s in e.lines for w in s.words}
            segments[:] = [s for s in segments if id(s.words[0]) not in used]
            if sum(len(e.lines) for e in own) < len(row):
                break
    return taken


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


def _of_row(
    row: list[Segment],
    following: list[Segment] | None,
    profile: Profile,
    page: BBox,
    em: float,
    *,
    top: bool,
    alone: bool,
) -> list[Element]:
    """The furniture in a row at the edge of the page; empty if the row is part of the text."""
    box = BBox.around(s.box for s in row)
    text = " ".join(s.text for s in row)
    near = box.y2 < EDGE * page.y2 if top else box.y1 > (1 - EDGE) * page.y2
    gap = _gap(box, following, top=top)
    running = normal(text) in profile.running
    apart = gap > 1.1 * em
    numbered = [s for s in row if is_page_number(s.text)]
    parts = [s for s in row if normal(s.text) in profile.running]
    small = max(s.size for s in row) <= 1.12 * em
    if not running and not parts:
        outer = near and apart and small and len(text) <= 120
        beside = len(row) >= 2 and bool(numbered) and any(s in (row[0], row[-1]) for s in numbered)
        if numbered and len(row) <= 3 and apart and small and (near or (beside and len(text) <= 120)):
            pass  # a page number, alone or beside a running title
        elif outer and (
            (not top and (len(row) > 1 or len(text.split()) <= 14))
            or (top and len(text.split()) <= 16 and not row[0].bold and gap > 1.5 * em)
        ):
            pass
        else:
            return []
    elif not running and len(parts) < len(row) and not numbered:
        row = parts
    found: list[Element] = []
    kind = "header" if top else "footer"
    rest = [s for s in row if s not in numbered]
    found += [Element("page_number", s.box, [s]) for s in numbered]
    if rest:
        found.append(Element(kind, BBox.around(s.box for s in rest), rest))  # type: ignore[arg-type]
    return found


def _gap(box: BBox, following: list[Segment] | None, *, top: bool) -> float:
    if following is None:
        return 1e9
    other = BBox.around(s.box for s in following)
    return other.y1 - box.y2 if top else box.y1 - other.y2
