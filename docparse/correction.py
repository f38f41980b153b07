"""What a person changed on a page after it was read, as a value. ``corrections`` applies it.

Standard library only, like ``document``, whose documents carry these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from docparse.document import KINDS, Block, Cell, Kind
from docparse.geometry import BBox

Op = Literal["edit", "delete", "move", "add", "confirm"]
OPS: tuple[Op, ...] = get_args(Op)


@dataclass(frozen=True, slots=True)
class CellText:
    """A cell, by the row and column where it begins, and the plain text that it is to have."""

    row: int
    col: int
    text: str


@dataclass(frozen=True, slots=True)
class Was:
    """What a correction replaced: enough to take it back, and to know the place again on another reading.

    at      index of the block on its page, or in its list
    block   as it stood; without its cells where these were not replaced as a whole (``Correction.whole``)
    cells   of those that were edited, as they stood
    inside  the list that the block is an item of, without its items
    digest  confirm: what the page said (``corrections.digest``)
    """

    at: int | None = None
    block: Block | None = None
    cells: tuple[Cell, ...] = ()
    inside: Block | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Correction:
    """One change of one page. ``ValueError`` where its parts do not make one.

    op       ``edit``, ``delete`` or ``move`` a block; ``add`` one; ``confirm``: the page is right as it stands
    page     number of the page
    block    edit, delete, move: id of the block, or of an item of a list
    text     edit: its plain text; of a table rows and cells apart by line breaks and tabs, of a list a line an item
    kind     edit: what it is
    level    edit: of a heading or list_item
    bbox     edit: its place, in pixels of the page image
    cells    edit: new texts of cells
    to       move, add: its index on the page, from 0, when it is done; beyond the last means the end. For an item
             of a list: in its list
    added    add: the block
    by       who says so, for people
    time     when, ISO 8601
    applied  whether the page has it; ``reason``: why not
    was      what it replaced; None before it was applied
    """

    op: Op
    page: int
    block: str = ""
    text: str | None = None
    kind: Kind | None = None
    level: int | None = None
    bbox: BBox | None = None
    cells: tuple[CellText, ...] = ()
    to: int | None = None
    added: Block | None = None
    by: str = ""
    time: str = ""
    applied: bool = True
    reason: str = ""
    was: Was | None = None

    def __post_init__(self) -> None:
        if self.op not in OPS:
            raise ValueError(f"there is no correction {self.op!r}; there are {', '.join(OPS)}")
        if self.page < 1:
            raise ValueError(f"there is no page {self.page}")
        if self.kind is not None and self.kind not in KINDS:
            raise ValueError(f"unknown kind of block: {self.kind}")
        object.__setattr__(self, "bbox", None if self.bbox is None else self.bbox.rounded())
        self._check_parts()

    def _check_parts(self) -> None:
        changes = self.text, self.kind, self.level, self.bbox, self.cells or None
        if self.op == "edit" and changes == (None,) * 5:
            raise ValueError("an edit says what it changes: text, type, level, bbox or cells")
        if self.op != "edit" and changes != (None,) * 5:
            raise ValueError(f"{self.op} changes no text, type, level, bbox or cells; an edit does")
        if self.cells and self.whole:
            raise ValueError("an edit of cells does not change the text or type of their table as well")
        if len({(cell.row, cell.col) for cell in self.cells}) != len(self.cells):
            raise ValueError("an edit changes a cell once")
        if (self.op in ("edit", "delete", "move")) != bool(self.block):
            raise ValueError(f"{self.op} is said of {'no block' if self.block else 'a block: give its id'}")
        if (self.op in ("move", "add")) != (self.to is not None) or (self.to or 0) < 0:
            raise ValueError(f"{self.op} and the index {self.to} do not go together")
        if (self.op == "add") != (self.added is not None):
            raise ValueError(f"{self.op} {'brings a block' if self.op == 'add' else 'brings no block'}")

    @property
    def whole(self) -> bool:
        """Whether it replaces the content of its block as a whole."""
        return self.op == "delete" or self.text is not None or self.kind is not None
