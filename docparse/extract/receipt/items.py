"""What was bought: the rows of a receipt between its head and its totals, as items.

An item is a row that ends in an amount. Its name stands on that row, or on a row of its own above or
below it, the same way for all items of a receipt. Quantity and price of one are taken where they make
the amount; a leading number alone is a quantity only where it does not count the lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from docparse.extract.page_text import Span
from docparse.extract.receipt.places import head_kind
from docparse.extract.receipt.rows import Money, ReceiptRow
from docparse.extract.receipt.words import kinds
from docparse.extract.values import currencies

_ENDS = frozenset({"total", "grand", "incl", "due", "net", "excl", "sub", "cash", "card", "paid", "change", "summary"})
_LETTERS = re.compile(r"[^\W\d_]")
_QUANTITY = re.compile(
    r"(?<![\w.,/-])(\d{1,4}(?:[.,]\d{1,3})?)(?=\s?(?:[xX×*@]|pcs?\b|ea\b|kg\b|KG\b|Stk\b|st\b|[A-Z]{1,3}\b)|\s|$)"
)
_CODE = re.compile(r"(?<![^\W_])(?:[A-Z]{0,3}\d{5,}[A-Z]?|\d{4,}-\d+)(?![^\W_])")
_MEASURE = re.compile(
    r"(?i)\d+(?:[.,]\d+)?\s*(?:units?|pcs?|ea|kg|g|nos?|pkts?|btls?|sets?|stk|st)\b|(?<![^\W_])[SZ]R\w?(?![^\W_])"
)
_EDGE = " \t.,:;*@#|=-_×"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing bought, with the places of what is known of it."""

    description: str | None
    described: Span | None
    quantity: Decimal | None
    counted: Span | None
    unit_price: Money | None
    amount: Money


@dataclass(frozen=True, slots=True)
class Items:
    """The items of a receipt. ``savings``: what was taken off between them, as a negative amount or zero."""

    items: tuple[Item, ...] = ()
    savings: Decimal = Decimal(0)

    @property
    def sum(self) -> Decimal | None:
        return sum((i.amount.value for i in self.items), Decimal(0)) if self.items else None


def find_items(rows: Sequence[ReceiptRow], start: int) -> Items:
    """The items in the rows from number ``start``, below the name and the address of the shop."""
    region = _region(rows, start)
    priced = [row for row in region if row.moneys and not row.kind]
    if not priced:
        return Items()
    column = _column(priced, rows)
    savings = sum((-abs(row.moneys[-1].value) for row in region if row.kind == "saving" and row.moneys), Decimal(0))
    names = _names(region, priced)
    numbered = _numbered(priced)
    items = tuple(_item(row, names.get(row.number), column, numbered=numbered) for row in priced)
    return Items(tuple(i for i in items if i.amount.value), savings)


def _region(rows: Sequence[ReceiptRow], start: int) -> list[ReceiptRow]:
    """The rows from the head of the table, or the first amount, to the first total."""
    begun = False
    found: list[ReceiptRow] = []
    for row in rows[start:]:
        if row.moneys and row.kind in _ENDS:
            if begun:
                break
            continue
        if not begun and not row.moneys and _heads_items(row):
            begun, found = True, []
            continue
        if row.moneys and not row.kind and not _reference(row):
            begun = True
        if not re.fullmatch(r"[\W_]*", row.text):
            found.append(row)
    return found if begun else []


def _heads_items(row: ReceiptRow) -> bool:
    said = kinds(row.text)
    return not re.search(r"\d", row.text) and len({"body", "count", "total"} & said) >= 2 and len(row.row.words) > 1


def _reference(row: ReceiptRow) -> bool:
    """A row of the head with a number that looks like an amount."""
    return bool({"date", "otherdate"} & kinds(row.label)) or ":" in row.label[:12]


def _column(priced: Sequence[ReceiptRow], rows: Sequence[ReceiptRow]) -> int:
    """Which amount from the right is the line's: the last, unless only the one before adds up to a total."""
    totals = {r.moneys[-1].value for r in rows if r.moneys and r.kind in _ENDS}
    several = [row for row in priced if len(row.moneys) > 1]
    for column in (-1, -2) if 2 * len(several) > len(priced) else (-1,):
        if sum((row.moneys[max(column, -len(row.moneys))].value for row in priced), Decimal(0)) in totals:
            return column
    return -1


def _names(region: Sequence[ReceiptRow], priced: Sequence[ReceiptRow]) -> dict[int, ReceiptRow]:
    """The rows of text that name an item, by the number of its row with the amount."""
    bare = {row.number for row in priced if not _described(row)}
    if not bare:
        return {}
    other = ("body", "title", "phone", "tax_id", "registration", "web")
    plain = [r for r in region if not r.moneys and _worded(r.text) and not r.kind and head_kind(r.text) not in other]
    order = [(row.number, row) for row in sorted([*plain, *priced], key=lambda r: r.number)]
    at_of = {number: at for at, (number, _) in enumerate(order)}

    def beside(number: int, step: int) -> ReceiptRow | None:
        near = at_of[number] + step
        return order[near][1] if 0 <= near < len(order) and not order[near][1].moneys else None

    above = sum(beside(number, -1) is not None for number in bare)
    below = sum(beside(number, 1) is not None for number in bare)
    first_is_text = not order[0][1].moneys
    step = -1 if above > below or (above == below and first_is_text) else 1
    return {number: name for number in bare if (name := beside(number, step)) is not None}


def _described(row: ReceiptRow) -> bool:
    return any(_worded(_remainder(row.row.text[start:end])[0]) for start, end in _stretches(row))


def _stretches(row: ReceiptRow) -> list[tuple[int, int]]:
    """Where a name may stand on the row: before the amounts, else between them."""
    ends = [0, *(m.end for m in row.moneys[:-1])]
    return list(zip(ends, (m.start for m in row.moneys), strict=True))


def _worded(text: str) -> bool:
    return len(_LETTERS.findall(_MEASURE.sub("", _CODE.sub("", text)))) >= 3 or bool(
        re.search(r"[\u3400-\u9fff]", text)
    )


def _remainder(label: str) -> tuple[str, int]:
    """The label without what is no name at its end and its start, and where that begins."""
    start, text = 0, label
    for pattern in (r"^\s*\d{1,3}[.)]?\s+(?=\S)", r"^\s*(?:S[RZ]\w?|[A-Z]\d)\s+", rf"^\s*{_CODE.pattern}\s*"):
        if match := re.match(pattern, text):
            start += match.end()
            text = text[match.end() :]
    for sign in currencies(text[-6:]):
        # The currency of the price stands before it: no part of the name.
        if text.rstrip().endswith(sign.text) and (
            not sign.text.isalpha() or len(sign.text) < len(text.split()[-1]) + 1
        ):
            text = text.rstrip()[: -len(sign.text)]
    text = re.sub(r"\s\d{1,2}(?:[.,]\d{1,2})?\s?%\s*$", "", text)
    text = re.sub(r"(?:\s+|^)(?:\d+(?:[.,]\d+)?\s*[xX×@*]?|[xX×@])\s*$", "", text.rstrip(_EDGE))
    lead = len(text) - len(text.lstrip(_EDGE))
    return text.strip(_EDGE), start + lead


def _numbered(priced: Sequence[ReceiptRow]) -> bool:
    """Whether the leading numbers count the lines: 1, 2, 3."""
    leading = [int(m[1]) for row in priced if (m := re.match(r"\s*(\d{1,3})[.)]?\s", row.text))]
    return len(leading) >= 2 and leading == list(range(1, len(leading) + 1))


def _item(row: ReceiptRow, named: ReceiptRow | None, column: int, *, numbered: bool) -> Item:
    amount = row.moneys[max(column, -len(row.moneys))]
    prices = [m for m in row.moneys if m is not amount]
    quantity, counted, price = _multiplied(row, prices, amount)
    if quantity is None and not numbered and (match := re.match(r"\s*(\d{1,2})\s?[xX×]?\s+(?=\S)", row.label)):
        quantity, counted = Decimal(match[1]), row.row.span(*match.span(1))
    for start, end in _stretches(row):
        text, at = _remainder(row.row.text[start:end])
        if _worded(text):
            described = row.row.span(start + at, start + at + len(text))
            return Item(text, described, quantity, counted, price, amount)
    if named is not None:
        span = named.row.span()
        return Item(span.text.strip(_EDGE), span, quantity, counted, price, amount)
    return Item(None, None, quantity, counted, price, amount)


def _multiplied(
    row: ReceiptRow, prices: Sequence[Money], amount: Money
) -> tuple[Decimal | None, Span | None, Money | None]:
    """Quantity and price of one that make the amount."""
    for price in reversed(prices):
        for match in _QUANTITY.finditer(row.row.text):
            if any(m.start <= match.start() < m.end for m in row.moneys):
                continue
            many = Decimal(match[1].replace(",", "."))
            if many and abs(many * price.value - amount.value) <= Decimal("0.01"):
                return many, row.row.span(*match.span(1)), price
    return None, None, None
