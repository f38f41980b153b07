"""How right tables are: tree edit distance (TEDS, of PubTabNet: Zhong et al. 2020, arXiv:1911.10683) and neighbours
of cells (ICDAR 2013 table competition).

The tree is ``table > tr > td``: no ``thead`` and ``tbody``, ``th`` as ``td``, text without inline tags and white space.
TEDS is 1 minus the edits over the nodes of the larger tree; TEDS-S looks at the structure only. The distance is that
of the package apted, of the extra ``evaluate``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from docparse.errors import SettingsError
from docparse.evaluate.f1 import of_multisets
from docparse.evaluate.grids import Cell, Rows, grid_of, rows_of
from docparse.evaluate.plain import levelled

MOST_NODES = 1600
"""Rows and cells of a table above which TEDS is not computed: it takes their square in time, and minutes."""
_NO_LETTERS = re.compile(r"[\s\W_]+")
_STEPS = ((0, 1), (1, 0))
Neighbours = tuple[str, str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class TableScore:
    """Of one true table. ``teds``, ``teds_s``: None where it is ``too_large``; ``adjacency_f1``: neighbours that are
    right; ``missing``: nothing was found for it, which is 0."""

    teds: float | None
    teds_s: float | None
    adjacency_f1: float
    nodes: int = 0
    missing: bool = False

    @property
    def too_large(self) -> bool:
        return self.teds is None


@dataclass(frozen=True, slots=True)
class TablesScore:
    """Of one document: a score for each true table, in their order; ``extra``: tables found that are none."""

    tables: tuple[TableScore, ...]
    extra: int


@dataclass(slots=True)
class _Node:
    """``name``: tag, rowspan, colspan, text."""

    name: tuple[str, int, int, str]
    children: list[_Node] = field(default_factory=list)


def must_have_apted() -> None:
    """Raises ``SettingsError`` where the package that measures tables is not installed."""
    if find_spec("apted") is None:
        raise SettingsError(
            "tables are compared with the package apted, which is not installed.",
            hint="Run pip install 'docparse[evaluate]', or name the other measures with --measures.",
        )


def tables_score(said: Sequence[str], true: Sequence[str]) -> TablesScore:
    """Compare the tables of a document, each as HTML. A true table is compared with the found one whose text is most
    like its own; each is used once."""
    ours, theirs = [_levelled(html) for html in said], [_levelled(html) for html in true]
    pairs = _pairs(ours, theirs)
    nothing = TableScore(0.0, 0.0, 0.0, missing=True)
    scores = [_score(ours[pairs[j]], theirs[j]) if j in pairs else nothing for j in range(len(theirs))]
    return TablesScore(tuple(scores), len(ours) - len(pairs))


def _levelled(html: str) -> Rows | None:
    rows = rows_of(html)
    if rows is None:
        return None
    return [[Cell(cell.rowspan, cell.colspan, levelled(cell.text)) for cell in row] for row in rows]


def _pairs(ours: Sequence[Rows | None], theirs: Sequence[Rows | None]) -> dict[int, int]:
    """Number of a true table to that of the found one. Of equal texts those at the same place in the document."""
    texts, wanted = ([" ".join(c.text for row in rows or () for c in row) for rows in side] for side in (ours, theirs))
    likeness = sorted(
        (
            (fuzz.ratio(text, true) / 100 - 1e-6 * abs(i - j), i, j)
            for i, text in enumerate(texts)
            for j, true in enumerate(wanted)
        ),
        reverse=True,
    )
    pairs: dict[int, int] = {}
    used: set[int] = set()
    for _, i, j in likeness:
        if i not in used and j not in pairs:
            used.add(i)
            pairs[j] = i
    return pairs


def _score(said: Rows | None, true: Rows | None) -> TableScore:
    nodes = max(_nodes(said), _nodes(true))
    f1 = of_multisets(_adjacent(said), _adjacent(true)).f1
    if nodes > MOST_NODES:
        return TableScore(None, None, f1, nodes)
    return TableScore(teds(said, true), teds(said, true, structure_only=True), f1, nodes)


# ------------------------------------------------------------------------------------ trees


def _nodes(rows: Rows | None) -> int:
    return sum(1 + len(row) for row in rows or ())


def teds(said: Rows | None, true: Rows | None, *, structure_only: bool = False) -> float:
    """1 for the same table, 0 for nothing in common or no table. Texts of cells are levelled already."""
    if said is None or true is None:
        return 0.0
    ours, theirs = _tree(said), _tree(true)
    if ours == theirs:
        return 1.0
    from apted import APTED

    distance = APTED(ours, theirs, _costs(structure_only)).compute_edit_distance()
    return max(0.0, 1.0 - float(distance) / max(_nodes(said), _nodes(true), 1))


def _tree(rows: Rows) -> _Node:
    cells = ([_Node(("td", c.rowspan, c.colspan, "".join(c.text.split()))) for c in row] for row in rows)
    return _Node(("table", 1, 1, ""), [_Node(("tr", 1, 1, ""), row) for row in cells])


def _costs(structure_only: bool) -> object:
    """Another tag or span costs 1, as a node that is added or lost does; another text the share that is different."""
    from apted import Config

    class Costs(Config):  # type: ignore[misc]
        def rename(self, a: _Node, b: _Node) -> float:
            (*shape, text), (*other, true) = a.name, b.name
            if shape != other:
                return 1.0
            if structure_only or not (text or true):
                return 0.0
            return Levenshtein.distance(text, true) / max(len(text), len(true))

        def children(self, node: _Node) -> list[_Node]:
            return node.children

    return Costs()


# ------------------------------------------------------------------------------------ neighbours


def _adjacent(rows: Rows | None) -> list[Neighbours]:
    """Pairs of texts that are next to each other, to the right and down, over empty cells."""
    grid, cells = grid_of(rows or ())
    height, width = (1 + max((place[k] for place in grid), default=-1) for k in (0, 1))
    pairs = set()
    for (r, c), cell in grid.items():
        if not cells[cell].text:
            continue
        for step in _STEPS:
            row, col = r + step[0], c + step[1]
            while row < height and col < width and ((row, col) not in grid or not cells[grid[row, col]].text):
                row, col = row + step[0], col + step[1]
            other = grid.get((row, col))
            if other is not None and other != cell:
                pairs.add((cell, other, step))
    return [(_key(cells[a].text), _key(cells[b].text), step) for a, b, step in pairs]


def _key(text: str) -> str:
    return _NO_LETTERS.sub("", text).casefold() or text
