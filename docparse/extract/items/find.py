"""The line items of an invoice with their evidence.

Under headings where there are any (``header``), else from rows that end in amounts and add up to a
total (``item_lists``). Every row is checked by quantity * price = amount, and all of them by their sum.
What this file is not: the totals themselves (``totals``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from docparse.extract.items.arithmetic import Roles, multiplies, roles_of
from docparse.extract.items.header import Header, headers, heads_totals, is_header, scaled
from docparse.extract.items.lists import listed
from docparse.extract.items.rows import RawItem, RawTable, rows_under
from docparse.extract.page_text import DocumentText, Span
from docparse.extract.result import Evidence, Fields
from docparse.extract.totals.labels import LabelledPage, candidates, labelled
from docparse.extract.totals.printed_numbers import Number, reading, total

PARTS = ("description", "quantity", "unit", "unit_price", "tax_rate", "amount")
SUMS = frozenset({"net_total", "grand_total", "line_total", "amount_due"})
_UNIT = re.compile(r"[^\W\d_][^\d]{0,14}|[%°].{0,8}")


@dataclass(slots=True)
class Item:
    """A line item: values and places by part. ``checked``: whether quantity * price is the amount."""

    values: dict[str, Any] = field(default_factory=dict)
    spans: dict[str, list[Span]] = field(default_factory=dict)
    checked: bool | None = None

    @property
    def amount(self) -> Decimal | None:
        found = self.values.get("amount")
        return found if isinstance(found, Decimal) else None


def find_items(text: DocumentText) -> Fields:
    """``line_items``, in the order of the document; none where nothing speaks for them."""
    pages = labelled(text, reading(text))
    sums = _sums(pages)
    tables = [_items_of(table) for table in _tables(pages, text)]
    items, proved = _chosen([t for t in tables if t], sums)
    if not items:
        rows, proved = listed(pages, sums)
        items = [Item(row.values, row.spans, row.checked) for row in rows]
    return _fields(items, proved=proved)


def _sums(pages: Sequence[LabelledPage]) -> set[Decimal]:
    """What the lines may come to: every amount with the label of a total."""
    found = [
        c
        for page in pages
        for c in candidates(page, without={row.index for row in page.page.rows if is_header(page.on(row))})
    ]
    return {c.number.value for c in found if c.field in SUMS and c.weight >= 0.5 and c.number.value}


def _tables(pages: Sequence[LabelledPage], text: DocumentText) -> list[list[RawTable]]:
    """Tables of items, each with its parts on later pages."""
    found: list[list[RawTable]] = []
    open_: RawTable | None = None
    for page in pages:
        heads = headers(page)
        stops = [*(h.rows.start for h in heads), len(page.page.rows)]
        if open_ is not None and stops[0] > 0:
            rest = _continued(open_, page, stops[0], width=text.page(open_.header.page).page.width)
            if rest is not None:
                found[-1].append(rest)
                open_ = None if rest.ended else open_
        for header, stop in zip(heads, stops[1:], strict=True):
            if heads_totals(header, page):
                continue
            table = rows_under(header, page, stop)
            if not table.items:
                continue
            if open_ is not None and _alike(open_.header, header):
                found[-1].append(table)
            else:
                found.append([table])
            open_ = None if table.ended else table
    return found


def _continued(before: RawTable, page: LabelledPage, stop: int, *, width: int) -> RawTable | None:
    """Rows on the next page that stand in the same columns without a heading."""
    scale = page.page.page.width / width
    header = before.header if scale == 1 else scaled(before.header, scale)
    stands = [(a * scale, b * scale) for a, b, _ in before.grid.stands]
    rest = rows_under(header, page, stop, start=0)
    first = next((item for item in rest.items if _fits(item, stands)), None)
    if first is None:
        return None
    return rows_under(header, page, stop, start=first.main.row.index)


def _fits(item: RawItem, stands: Sequence[tuple[float, float]]) -> bool:
    """Whether the numbers of an item stand where those of the page before did, at least two of them."""
    boxes = [n.box for pieces in item.main.cells.values() for p in pieces if p.is_number for n in p.numbers]
    inside = sum(any(min(box.x2, b) > max(box.x1, a) for a, b in stands) for box in boxes)
    return inside > 1 or (inside == len(boxes) == len(stands) == 1)


def _alike(a: Header, b: Header) -> bool:
    return len(a.columns) == len(b.columns) and a.roles == b.roles


def _items_of(tables: Sequence[RawTable]) -> list[Item]:
    header = tables[0].header
    raw = [item for table in tables for item in table.items]
    columns = _roles(header, raw)
    return [_item(item, header, columns) for item in raw]


def _roles(header: Header, raw: Sequence[RawItem]) -> Roles:
    by_role: dict[str, list[int]] = {}
    for at, column in enumerate(header.columns):
        if column.role:
            by_role.setdefault(column.role, []).append(at)

    def last(role: str) -> int | None:
        return by_role[role][-1] if role in by_role else None

    values = [{at: n.value for at in range(len(header.columns)) if (n := item.number(at)) is not None} for item in raw]
    known = Roles(
        by_role["quantity"][0] if "quantity" in by_role else None,
        by_role["unit_price"][0] if "unit_price" in by_role else None,
        last("amount"),
        last("discount"),
    )
    several = [
        Roles(q, p, a, known.discount)
        for q in by_role.get("quantity", [None])
        for p in by_role.get("unit_price", [None])
        for a in by_role.get("amount", [None])
    ]
    if len(several) > 1:
        known = max(several, key=lambda r: (sum(bool(_multiplied(row, r)) for row in values), r == known))
    free = [at for at, c in enumerate(header.columns) if c.role not in ("tax_rate", "discount", "description", "date")]
    return roles_of(values, known, free, _money(header, raw))


def _money(header: Header, raw: Sequence[RawItem]) -> dict[int, float]:
    """How much the numbers of each column look like prices: with a currency, or all with decimals."""
    found = {}
    for at in range(len(header.columns)):
        numbers = [n for item in raw if (n := item.number(at)) is not None]
        if numbers:
            found[at] = sum(n.amount.currency is not None or n.amount.decimals > 1 for n in numbers) / len(numbers)
    return found


def _multiplied(row: dict[int, Decimal], roles: Roles) -> bool | None:
    quantity, price, amount = (
        row.get(at) if at is not None else None for at in (roles.quantity, roles.price, roles.amount)
    )
    return multiplies(quantity, price, amount)


def _item(raw: RawItem, header: Header, roles: Roles) -> Item:
    item = Item()
    for name, column in (("quantity", roles.quantity), ("unit_price", roles.price), ("amount", roles.amount)):
        number = raw.number(column)
        if number is not None:
            item.values[name], item.spans[name] = number.value, [number.span]
    discount = raw.number(roles.discount)
    if roles.quantity is not None:
        _add_unit(item, raw, header, roles.quantity)
    _add_rate(item, raw, header)
    _add_description(item, raw, header)
    parts = [item.values.get(name) for name in ("quantity", "unit_price", "amount")]
    item.checked = multiplies(parts[0], parts[1], parts[2], discount.value if discount else None)
    return item


def _add_unit(item: Item, raw: RawItem, header: Header, quantity: int) -> None:
    """The unit beside the quantity, or in a column of its own."""
    unit = next((at for at, c in enumerate(header.columns) if c.role == "unit"), None)
    words = [p.span for p in raw.main.words(unit) if len(p.span.text) <= 15] if unit is not None else []
    if words:
        span = words[0]
        item.values["unit"], item.spans["unit"] = span.text, [span]
        return
    number = raw.number(quantity)
    if number is None:
        return
    piece = next((p for row in raw.rows for p in row.cells.get(quantity, ()) if number in p.numbers), None)
    if piece is None:
        return
    after = piece.span.text.split(number.text, 1)[-1]
    match = _UNIT.fullmatch(after.strip())
    if match:
        start = number.end + len(after) - len(after.lstrip())
        span = number.row.span(start, start + len(match.group()))
        item.values["unit"], item.spans["unit"] = span.text, [span]


def _add_rate(item: Item, raw: RawItem, header: Header) -> None:
    rates = [at for at, c in enumerate(header.columns) if c.role == "tax_rate"]
    numbers = [n for at in rates for n in _all_numbers(raw, at) if n.amount.percent or 0 <= n.value <= 30]
    rate = next((n for n in numbers if n.amount.percent), numbers[0] if numbers else None)
    if rate is not None and 0 <= rate.value <= 30:
        item.values["tax_rate"], item.spans["tax_rate"] = rate.value, [rate.span]


def _all_numbers(raw: RawItem, column: int) -> Iterable[Number]:
    return [n for row in raw.rows for piece in row.cells.get(column, ()) for n in piece.numbers]


def _add_description(item: Item, raw: RawItem, header: Header) -> None:
    """The words of the column of descriptions, or of all columns of words where none has that heading."""
    named = [at for at, c in enumerate(header.columns) if c.role == "description"]
    pieces = [piece for at in named for piece in raw.pieces(at)]
    if not pieces:
        others = [at for at, c in enumerate(header.columns) if c.role in (None, "hsn", "article_number", "position")]
        pieces = [piece for at in others for piece in raw.pieces(at) if not piece.is_number]
    if pieces:
        ordered = sorted(pieces, key=lambda p: (p.span.page, p.box.y1, p.box.x1))
        spans = [piece.span for piece in ordered]
        item.values["description"] = " ".join(span.text for span in spans)
        item.spans["description"] = spans


def _chosen(tables: Sequence[list[Item]], sums: set[Decimal]) -> tuple[list[Item], bool]:
    """The tables that are the invoice's items, and whether they add up to a total of it."""
    every = [_real(table) for table in tables]
    every = [table for table in every if table]
    priced = [t for t in every if any("unit_price" in i.values or "quantity" in i.values for i in t)]
    trials = [priced, every, *([table] for table in every)]
    for trial in trials:
        items = [item for table in trial for item in table]
        if items and _adds_up(items, sums):
            return items, True
        # Rows with nothing but an amount may be sums between the items.
        whole = [item for item in items if item.checked or "quantity" in item.values]
        if whole and len(whole) < len(items) and _adds_up(whole, sums):
            return whole, True
    best = priced or every
    return [item for table in best for item in table], False


def _real(table: Sequence[Item]) -> list[Item]:
    """Items with words and a number that counts; the others only where the numbers multiply."""
    return [
        item
        for item in table
        if item.checked
        or (
            item.values.get("description")
            and ("amount" in item.values or {"quantity", "unit_price"} <= set(item.values))
        )
    ]


def _adds_up(items: Sequence[Item], sums: set[Decimal]) -> bool:
    amounts = [item.amount for item in items]
    if any(amount is None for amount in amounts):
        return False
    whole = total([amount for amount in amounts if amount is not None])
    return any(abs(whole - one) <= Decimal("0.02") for one in sums)


def _fields(items: Sequence[Item], *, proved: bool) -> Fields:
    values: list[dict[str, Any]] = []
    evidence: dict[str, Evidence] = {}
    for item in items:
        at = len(values)
        values.append({part: item.values.get(part) for part in PARTS})
        for part, spans in item.spans.items():
            evidence[f"line_items[{at}].{part}"] = _evidence(spans, _sure(part, item, proved=proved))
    return Fields({"line_items": values} if values else {}, evidence)


def _sure(part: str, item: Item, *, proved: bool) -> float:
    if item.checked and proved:
        sure = 0.985
    elif item.checked:
        sure = 0.95
    elif proved:
        sure = 0.95 if item.checked is None else 0.85
    else:
        sure = 0.7 if item.checked is None else 0.6
    return sure if part in ("quantity", "unit_price", "amount") else sure * 0.95


def _evidence(spans: Sequence[Span], sure: float) -> Evidence:
    from docparse.geometry import BBox

    first = [span for span in spans if span.page == spans[0].page]
    seen = [span.confidence for span in spans if span.confidence is not None]
    return Evidence(
        text=" ".join(span.text for span in first),
        page=first[0].page,
        bbox=BBox.around(span.box for span in first),
        block=first[0].block,
        confidence=sure * min(1.0, 0.3 + 0.75 * min(seen)) if seen else sure,
    )
