"""The rows below a heading as line items: which rows are one item, and which are none.

A row with an amount (or a price) begins an item or completes it; rows of words belong to the item that
they stand with. Rows of totals, sums carried over and titles of sections are left out. What this file is
not: the meaning of columns beyond their headings (``item_arithmetic``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from docparse.extract.items.arithmetic import multiplies
from docparse.extract.items.cells import CellRow, Grid, Piece, grid, unmerged
from docparse.extract.items.header import Column, Header
from docparse.extract.page_text import Row
from docparse.extract.totals.labels import ROLES, LabelledPage, is_carried
from docparse.extract.totals.printed_numbers import Number
from docparse.extract.vocabulary import Label

FAR = 3.5
"""Heights of a row between two rows of one table, at most; items may be spread over a page."""
ONE_ITEM = 1.6
"""Heights of a row between the words of one item, at most."""
MOST_LINES = 8
"""Lines of words that one item has, at most: more is a letter, not a description."""
_TAXES = frozenset({"tax_total", "tax_rate", "column.tax_rate", "column.tax_amount"})
_SUMMARY = _TAXES | {"net_total", "grand_total", "line_total", "column.amount"}
_ENDS = frozenset({"grand_total", "tax_total", "amount_due"})


@dataclass(slots=True, eq=False)
class RawItem:
    """The rows of one item; ``main`` is the one with its amount."""

    main: CellRow
    rows: list[CellRow] = field(default_factory=list)

    def number(self, column: int | None) -> Number | None:
        found = self.main.number(column)
        if found is not None:
            return found
        return next((n for row in self.rows if row is not self.main and (n := row.number(column)) is not None), None)

    def pieces(self, column: int) -> list[Piece]:
        return [piece for row in sorted(self.rows, key=lambda r: (r.page, r.row.index)) for piece in row.pieces(column)]


@dataclass(frozen=True, slots=True)
class RawTable:
    """The items under one heading. ``ended``: a total closed it, so that it does not go on on the next page."""

    header: Header
    items: tuple[RawItem, ...]
    ended: bool
    grid: Grid


def rows_under(header: Header, page: LabelledPage, stop: int, *, start: int | None = None) -> RawTable:
    """The items from under a heading (or from row ``start`` on) down to row ``stop`` of the page."""
    below = page.page.rows[header.rows.stop if start is None else start : stop]
    table = _grid(below, header, page)
    columns = table.columns
    header = replace(header, columns=columns)
    taken: list[CellRow] = []
    ended = False
    bottom = header.bottom if start is None else None
    for row in below:
        cells = table.row(row, page.numbers[row.index], page.page.number)
        if bottom is not None and row.box.y1 - bottom > FAR * max(row.box.height, 1.0) and not _is_main(cells, columns):
            break
        if is_carried(row):
            bottom = row.box.y2
            continue
        if _heads_totals(row, page):
            ended = True
            break
        total = _total_of(row, cells, header, page)
        if total is not None:
            bottom = row.box.y2
            ended = ended or total in _ENDS
            continue
        if ended:
            # What looks like the end may be a sum between two items; only numbers that multiply go on.
            if not _multiplies(cells, columns):
                continue
            ended = False
        taken.append(cells)
        bottom = row.box.y2
    return RawTable(header, tuple(_grouped(taken, header)), ended, table)


def _grid(below: Sequence[Row], header: Header, page: LabelledPage) -> Grid:
    """The columns as the numbers of the items stand; which rows are items, the headings alone say well enough."""
    plain = Grid(header.columns)
    mains = []
    for row in below:
        cells = plain.row(row, page.numbers[row.index], page.page.number)
        total = _total_of(row, cells, header, page)
        if total in _ENDS or _heads_totals(row, page):
            break
        if total is None and _is_main(cells, header.columns):
            mains.append(row)
    rows = mains or list(below)
    numbers = [page.numbers[row.index] for row in rows]
    found = grid(rows, numbers, header.columns)
    parted = unmerged(found)
    return found if parted == header.columns else grid(rows, numbers, parted)


def _heads_totals(row: Row, page: LabelledPage) -> bool:
    """Whether a row heads a table of totals or rates of tax."""
    if any(n.is_money for n in page.numbers[row.index]):
        return False
    labels = [label for label in page.on(row) if label.standing >= 0.5]
    fields = {label.field for label in labels}
    if fields & {"column.quantity", "column.unit_price", "column.description"}:
        return False
    totals = {label.start for label in labels if label.field in _SUMMARY}
    return len(totals) > 1 and bool(fields & _TAXES)


def _total_of(row: Row, cells: CellRow, header: Header, page: LabelledPage) -> str | None:
    """The field of a row of totals: it begins with the label of one and has neither a quantity nor a price."""
    labels = [label for label in page.on(row) if label.field in ROLES and label.standing >= 0.5]
    if not labels:
        return None
    leading = row.text[: labels[0].start]
    if sum(c.isalpha() for c in leading) > 12:
        return None
    money = [n for n in page.numbers[row.index] if n.start >= labels[0].end and not n.amount.percent]
    if not money:
        return None
    if _in_words(money[-1], cells, header.columns) and not (
        labels[0].standing == 1.0 and _is_sum(labels[0], money[-1])
    ):
        return None
    roles = {column.role: at for at, column in enumerate(header.columns)}
    priced = cells.number(roles.get("unit_price")) is not None and cells.number(roles.get("quantity")) is not None
    if priced:
        return None
    field_ = labels[0].field
    alone = labels[0].standing >= 0.8 or any(c in row.text[labels[0].end : labels[0].end + 2] for c in ":")
    if field_ in ("discount", "shipping", "surcharge", "rounding", "prepaid") and not alone:
        return None
    return field_


def _in_words(number: Number, cells: CellRow, columns: Sequence[Column]) -> bool:
    """Whether a number is part of a description: "Gross price: 15.00" is said of an item."""
    homes = [at for at, pieces in cells.cells.items() if any(number in piece.numbers for piece in pieces)]
    return any(columns[at].role in ("description", "article_number") for at in homes)


def _is_sum(label: Label, number: Number) -> bool:
    return label.field in ("net_total", "tax_total", "grand_total", "amount_due") and number.amount.decimals == 2


def _multiplies(cells: CellRow, columns: Sequence[Column]) -> bool:
    by_role = {column.role: at for at, column in enumerate(columns)}
    found = [cells.number(by_role.get(role)) for role in ("quantity", "unit_price", "amount")]
    return bool(multiplies(*(n.value if n is not None else None for n in found)))


def _is_main(cells: CellRow, columns: Sequence[Column]) -> bool:
    by_role = {column.role: at for at, column in enumerate(columns) if column.role}
    amounts = [at for at, column in enumerate(columns) if column.role == "amount"]
    if any(cells.number(at) is not None for at in amounts):
        return True
    if amounts and "unit_price" not in by_role:
        return False
    return cells.number(by_role.get("unit_price")) is not None and (
        not amounts or cells.number(by_role.get("quantity")) is not None
    )


def _grouped(rows: Sequence[CellRow], header: Header) -> list[RawItem]:
    """The rows as items."""
    mains = _mains(rows, header)
    if not mains:
        return []
    items = [RawItem(row, [row]) for row in mains]
    # An amount that stands half a line lower is a row by itself: it completes the item above it.
    items = _completed(items, header)
    held = {id(row) for item in items for row in item.rows}
    shared = _cells_of(items)
    above = _words_stand_above(rows, items, header)
    for row in rows:
        if id(row) in held:
            continue
        home = shared.get(_cell(row) or ("", -1)) or _neighbour(row, items, above=above)
        if home is not None and len(home.rows) < MOST_LINES:
            home.rows.append(row)
    return items


def _mains(rows: Sequence[CellRow], header: Header) -> list[CellRow]:
    return [row for row in rows if _is_main(row, header.columns)]


def _completed(items: list[RawItem], header: Header) -> list[RawItem]:
    """Items with their halves put together: price and quantity on one row, the amount on the next."""
    amounts = [at for at, column in enumerate(header.columns) if column.role == "amount"]
    priced = [at for at, column in enumerate(header.columns) if column.role in ("unit_price", "quantity")]
    if not amounts or not priced:
        return items
    found: list[RawItem] = []
    for item in items:
        before = found[-1] if found else None
        if (
            before is not None
            and all(before.number(at) is None for at in amounts)
            and all(item.number(at) is None for at in priced)
            and item.main.page == before.main.page
            and item.main.row.box.y1 - before.main.row.box.y2 < 1.2 * before.main.row.box.height
        ):
            before.rows += item.rows
            continue
        found.append(item)
    return found


def _cell(row: CellRow) -> tuple[str, int] | None:
    """Element and row of its table, as far as all its words are in one."""
    cells = {(s.block, s.cell[0]) for s in row.row.segments if s.cell is not None and s.block is not None}
    return cells.pop() if len(cells) == 1 else None


def _cells_of(items: Sequence[RawItem]) -> dict[tuple[str, int], RawItem]:
    """Rows of tables that hold just one item: what else is in them is of that item."""
    found: dict[tuple[str, int], list[RawItem]] = {}
    for item in items:
        for row in item.rows:
            cell = _cell(row)
            if cell is not None and item not in found.setdefault(cell, []):
                found[cell].append(item)
    return {cell: owners[0] for cell, owners in found.items() if len(owners) == 1}


def _words_stand_above(rows: Sequence[CellRow], items: Sequence[RawItem], header: Header) -> bool:
    """Whether the words of an item come before its numbers: the first numbers have none, and words precede them."""
    first = items[0].main
    texts = [at for at, column in enumerate(header.columns) if not column.numeric]
    if any(first.words(at) for at in texts):
        return False
    return rows[0].row.index < first.row.index


def _neighbour(row: CellRow, items: Sequence[RawItem], *, above: bool) -> RawItem | None:
    """The item that a row of words stands with, None for the title of a section and what comes after the table."""
    here = row.row
    before = [i for i in items if i.main.page == row.page and i.main.row.index < here.index]
    after = [i for i in items if i.main.page == row.page and i.main.row.index > here.index]
    if above:
        return after[0] if after and _near(here, after[0], below=True) else None
    if not before or _is_title(here, before[-1], after[0] if after else None):
        return None
    return before[-1] if _near(here, before[-1], below=False) else None


def _near(row: Row, item: RawItem, *, below: bool) -> bool:
    edges = [r.row.box for r in item.rows]
    height = max(item.main.row.box.height, 1.0)
    gap = min(b.y1 for b in edges) - row.box.y2 if below else row.box.y1 - max(b.y2 for b in edges)
    return gap <= ONE_ITEM * height


def _is_title(row: Row, before: RawItem, after: RawItem | None) -> bool:
    text = row.text.strip()
    if text.startswith("--") or text.endswith(":"):
        return True
    bold = all(segment.bold for segment in row.segments)
    words = [s for r in before.rows for s in r.row.segments if any(c.isalpha() for c in s.text)]
    if bold and words and not any(s.bold for s in words):
        return True
    if after is None or len(before.rows) == 0:
        return False
    up = row.box.y1 - max(r.row.box.y2 for r in before.rows)
    down = after.main.row.box.y1 - row.box.y2
    return after.main.row.index == row.index + 1 and up > max(1.6 * max(down, 0.0), 0.8 * row.box.height)
