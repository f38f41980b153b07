"""Lines of tax by rate, wherever they are printed: a table of rates, or a row "19 % MwSt. auf 100,00: 19,00".

A row is one where some base * rate / 100 is another amount of the row, or where a label of tax stands
beside a rate and one amount. What this file is not: the total of tax (``totals``).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product

from docparse.extract.page_text import Row
from docparse.extract.totals.labels import LabelledPage, is_carried, standing
from docparse.extract.totals.printed_numbers import Number
from docparse.extract.totals.solver import CENT, RateLine

HIGHEST = Decimal(30)
"""Per cent: the highest rates of sales tax in the world are 27 and 28."""
_TAX = frozenset({"tax_total", "tax_rate", "column.tax_rate", "column.tax_amount"})


@dataclass(frozen=True, slots=True, eq=False)
class PrintedTax:
    """One line with the places of its parts. ``net`` is None where the base is not printed."""

    rate: Number | None
    net: Number | None
    tax: Number
    page: int

    @property
    def plain(self) -> RateLine:
        return RateLine(
            abs(self.rate.value) if self.rate else None, self.net.value if self.net else None, self.tax.value
        )


def tax_lines(page: LabelledPage, *, without: Collection[int] = ()) -> list[PrintedTax]:
    """The lines of a page from top to bottom. ``without``: rows of line items and their headers."""
    found = []
    for row in page.page.rows:
        if row.index in without or is_carried(row):
            continue
        numbers = page.numbers[row.index]
        named = any(label.field in _TAX for label in page.on(row))
        rates = _rates(numbers, bare=named or _under_tax(row, page))
        if not rates:
            continue
        money = [n for n in numbers if n.is_money]
        line = _by_arithmetic(rates, money, page.page.number)
        if line is None and named and any(rate.amount.percent for rate in rates):
            line = _by_label(row, rates, money, page)
        if line is not None:
            found.append(line)
    return _once(found)


def printed_rates(page: LabelledPage, *, without: Collection[int] = ()) -> list[Decimal]:
    """Every rate in per cent that the page names beside a word for tax."""
    found = []
    for row in page.page.rows:
        if any(label.field in _TAX or label.field == "grand_total" for label in page.on(row)):
            found += [abs(n.value) for n in page.numbers[row.index] if n.amount.percent and 0 < abs(n.value) <= HIGHEST]
    return sorted(set(found))


def _rates(numbers: Sequence[Number], *, bare: bool) -> list[Number]:
    """Per cent signs first; in a table with a heading the sign may be missing."""
    signed = [n for n in numbers if n.amount.percent and 0 <= n.value <= HIGHEST]
    if signed or not bare:
        return signed
    return [n for n in numbers if n.amount.currency is None and 0 < n.value <= HIGHEST and n.value % CENT == 0]


def _under_tax(row: Row, page: LabelledPage) -> bool:
    """Whether the row is of a table with a heading of tax."""
    block = row.segments[0].block
    for above in reversed(page.page.rows[max(row.index - 10, 0) : row.index]):
        if any(label.field in _TAX for label in page.on(above)):
            return True
        if not any(segment.block == block for segment in above.segments):
            return False
    return False


def _by_arithmetic(rates: Sequence[Number], money: Sequence[Number], page: int) -> PrintedTax | None:
    found = []
    printed = {n.value for n in money}
    for rate, net, tax in product(rates, money, money):
        if len({id(net), id(tax), id(rate)}) < 3 or not net.value:
            continue
        off = abs(net.value * rate.value / 100 - tax.value)
        if (rate.value and off <= 2 * CENT and abs(tax.value) > CENT) or (
            not rate.value and not tax.value and rate.amount.percent
        ):
            # Small amounts fit by chance; the base whose sum with the tax is printed too is the base.
            found.append((net.value + tax.value not in printed, off, PrintedTax(rate, net, tax, page)))
    return min(found, key=lambda f: f[:2])[2] if found else None


def _by_label(row: Row, rates: Sequence[Number], money: Sequence[Number], page: LabelledPage) -> PrintedTax | None:
    label = next((label for label in page.on(row) if label.field == "tax_total" and standing(label) >= 0.8), None)
    if label is None or len(rates) != 1:
        return None
    after = [n for n in money if n.start >= min(label.end, rates[0].start)]
    return PrintedTax(rates[0], None, after[0], page.page.number) if len(after) == 1 else None


def _once(lines: Sequence[PrintedTax]) -> list[PrintedTax]:
    """The same line may stand in a table and beside a label; the one with its base stays."""
    found: list[PrintedTax] = []
    for line in sorted(lines, key=lambda line: line.net is None):
        same = [
            other
            for other in found
            if other.plain.tax == line.plain.tax
            and other.plain.rate == line.plain.rate
            and other.plain.net == line.plain.net
            # Two taxes of one rate are two lines (9 % for the state, 9 % for the country).
            and (line.net is not None or other.tax.row.text == line.tax.row.text)
        ]
        if not same:
            found.append(line)
    return sorted(found, key=lambda line: (line.page, line.tax.row.index))
