"""What the embedded engine finds on a page, before it is written down as markup."""

from __future__ import annotations

from dataclasses import dataclass, field

from docparse.document import Kind
from docparse.engines.embedded.segments import Segment
from docparse.engines.embedded.tables.grid import Grid
from docparse.geometry import BBox


@dataclass(slots=True)
class Element:
    """One element of the page to be: its kind, its place, and the lines or grid it is made of.

    ``box`` is in upright page pixels. ``breaks``: the line breaks mean something (an address, a poem).
    ``number``/``ordered`` of a list item; ``marker`` is the printed bullet or number, cut from the text.
    """

    kind: Kind
    box: BBox
    lines: list[Segment] = field(default_factory=list)
    level: int = 0
    number: int | None = None
    marker: str = ""
    breaks: bool = False
    grid: Grid | None = None

    @property
    def text(self) -> str:
        return " ".join(line.text for line in self.lines)

    @property
    def size(self) -> float:
        sizes = sorted(line.size for line in self.lines)
        return sizes[len(sizes) // 2] if sizes else 0.0
