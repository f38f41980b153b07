"""Line items without a heading: rows of words that end in an amount and add up to a total.

A bill of insurance or telephone, a summary of charges. Nothing but the sum says that such rows are items,
so without one there are none.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from docparse.extract.items.arithmetic import Roles, multiplies, roles_of
from docparse.extract.page_text import Span
from docparse.extract.totals.labels import LabelledPage, is_carried
from docparse.extract.totals.printed_numbers import Number, total

SUMS = frozenset({"net_total", "tax_total", "grand_total", "amount_due", "line_total", "prepaid"})
"""Labels of rows that are sums; a charge or a discount may be an item as well."""
MOST_ROWS = 60
EDGE = 0.8
"""Letter heights by which the right edges of amounts in one column differ, at most."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An item: values and places by part; ``checked`` as of ``multiplies``."""

    values: dict[str, Any]
    spans: dict[str, list[Span]]
    checked: bool | None


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """A row that ends in an amount. ``numbers``: all of it that are no part of a word."""

    amount: Number
    numbers: tuple[Number, ...]
    left: float


def listed(pages: Sequence[LabelledPage], sums: Collection[Decimal]) -> tuple[list[Listed], bool]:
    """The items, and whether they add up to a total; empty where neither a sum nor a product speaks for them."""
    for page in pages if sums else ():
        for column in _columns(_lines(page)):
            run = _adding_up(column, sums)
            if run:
                # One row that repeats the total proves nothing.
                return _items(run), len(run) > 1
    found = [item for page in pages for column in _columns(_lines(page)) for item in _items(column)]
    multiplied = [item for item in found if item.checked]
    return (multiplied, False) if len(multiplied) > 1 else ([], False)


def _items(run: Sequence[_Line]) -> list[Listed]:
    """Lines as items; the numbers before the amount are quantity and price where they multiply."""
    roles, places = _roles(run)
    return [_item(line, roles, places) for line in run]


def _roles(run: Sequence[_Line]) -> tuple[Roles, list[tuple[float, float]]]:
    """The columns of quantity, price and amount among the numbers of these lines, and where columns stand."""
    places: list[tuple[float, float]] = []
    for box in sorted((n.box for line in run for n in line.numbers), key=lambda b: b.x1):
        if places and box.x1 < places[-1][1]:
            places[-1] = (places[-1][0], max(places[-1][1], box.x2))
        else:
            places.append((box.x1, box.x2))
    rows = [{_place(n, places): n.value for n in line.numbers} for line in run]
    last = max((at for row in rows for at in row), default=0)
    free = list(range(max(last - 6, 0), last))
    return roles_of(rows, Roles(amount=last), free, _money(run, places)), places


def _money(run: Sequence[_Line], places: Sequence[tuple[float, float]]) -> dict[int, float]:
    found: dict[int, list[bool]] = {}
    for line in run:
        for n in line.numbers:
            found.setdefault(_place(n, places), []).append(n.is_money or n.amount.decimals > 1)
    return {at: sum(money) / len(money) for at, money in found.items()}


def _place(number: Number, places: Sequence[tuple[float, float]]) -> int:
    return next(at for at, (a, b) in enumerate(places) if a <= number.box.center[0] <= b)


def _item(line: _Line, roles: Roles, places: Sequence[tuple[float, float]]) -> Listed:
    values: dict[str, Any] = {"amount": line.amount.value}
    spans = {"amount": [line.amount.span]}
    end = line.amount.start
    if roles.whole:
        for part, column in (("quantity", roles.quantity), ("unit_price", roles.price)):
            number = next((n for n in line.numbers if _place(n, places) == column), None)
            if number is not None:
                values[part], spans[part] = number.value, [number.span]
                end = min(end, number.start)
    words = line.amount.row.text[:end].rstrip(" .:…_-–·€$£(")
    if words.strip():
        span = line.amount.row.span(0, len(words))
        values["description"], spans["description"] = span.text, [span]
    return Listed(values, spans, multiplies(values.get("quantity"), values.get("unit_price"), line.amount.value))


def _lines(page: LabelledPage) -> list[_Line]:
    found = []
    for row in page.page.rows:
        numbers = page.numbers[row.index]
        money = [n for n in numbers if n.is_money]
        if not money or money[-1].end < len(row.text.rstrip()) - 4 or is_carried(row):
            continue
        if any(label.field in SUMS and label.standing >= 0.5 for label in page.on(row)):
            continue
        text = row.text[: money[-1].start].strip(" .:…_-")
        if sum(c.isalpha() for c in text) < 3:
            continue
        whole = tuple(n for n in numbers if not n.amount.percent and _stands_alone(n))
        found.append(_Line(money[-1], whole, row.box.x1))
    return found


def _stands_alone(number: Number) -> bool:
    text = f" {number.row.text} "
    return not text[number.start].isalnum() and not text[number.end + 1].isalnum()


def _columns(lines: Sequence[_Line]) -> list[list[_Line]]:
    """Lines whose amounts end at the same place, from top to bottom."""
    groups: list[list[_Line]] = []
    for line in lines:
        edge, size = line.amount.box.x2, line.amount.box.height
        home = next((g for g in groups if abs(g[-1].amount.box.x2 - edge) <= EDGE * size), None)
        if home is None:
            groups.append([line])
        else:
            home.append(line)
    return groups


def _adding_up(column: Sequence[_Line], sums: Collection[Decimal]) -> list[_Line]:
    """The longest run of lines that comes to a total: of all, or of those that begin at one place."""
    rows = list(column[:MOST_ROWS])
    places = sorted({round(line.left / 4) for line in rows})
    groups = [rows, *([line for line in rows if round(line.left / 4) == place] for place in places)]
    for group in groups:
        if _sum(group) in sums:
            return group
    until = [Decimal(0)]
    for line in rows:
        until.append(until[-1] + line.amount.value)
    spans = [
        (b - a, a, b) for a in range(len(rows)) for b in range(a + 1, len(rows) + 1) if until[b] - until[a] in sums
    ]
    best = max(spans, key=lambda span: (span[0], -span[1]), default=None)
    return rows[best[1] : best[2]] if best is not None and any(line.amount.value for line in rows) else []


def _sum(lines: Sequence[_Line]) -> Decimal | None:
    return total([line.amount.value for line in lines]) if any(line.amount.value for line in lines) else None
