"""Which columns are quantity, price and amount, by quantity * price = amount.

Headings may be missing, or mean something else here than elsewhere ("#" over quantities). Columns of
numbers come in by row, and the three that multiply go out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import permutations

Values = Mapping[int, Decimal]
"""The numbers of one row by column."""
MOST = 0.6
"""Share of the rows that must multiply."""


@dataclass(frozen=True, slots=True)
class Roles:
    """Columns of quantity, price and amount, None where there is none."""

    quantity: int | None = None
    price: int | None = None
    amount: int | None = None
    discount: int | None = None

    @property
    def whole(self) -> bool:
        return None not in (self.quantity, self.price, self.amount)


def multiplies(
    quantity: Decimal | None, price: Decimal | None, amount: Decimal | None, discount: Decimal | None = None
) -> bool | None:
    """Whether quantity * price is the amount, less a discount in per cent or money; None where one is missing.

    A price is as exact as it is printed: 3 * 3.3333 is 10.00.
    """
    if quantity is None or price is None or amount is None:
        return None
    exponent = price.as_tuple().exponent
    decimals = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    slack = Decimal("0.01") + (abs(quantity) * Decimal(5).scaleb(-decimals - 1) if decimals > 2 else 0)
    wanted = quantity * price
    if abs(wanted - amount) <= slack:
        return True
    if discount is not None and discount:
        off = abs(discount)
        others = [wanted * (100 - off) / 100, wanted - off, quantity * (price - off)]
        return any(abs(other - amount) <= slack for other in others)
    return False


def roles_of(rows: Sequence[Values], known: Roles, free: Sequence[int], money: Mapping[int, float]) -> Roles:
    """The roles by heading, or better ones by arithmetic.

    ``free``: other columns that may play one. ``money``: how much the numbers of a column look like prices, 0 to 1;
    a product does not say which of its factors is the price.
    """
    full = len([row for row in rows if len(row) > 1])
    if known.whole and _count(rows, known) * 2 >= max(full, 1):
        return known
    pool = [c for c in dict.fromkeys([known.quantity, known.price, known.amount, *free]) if c is not None]
    best, best_rank = known, (_count(rows, known), 0.0)
    for quantity, price, amount in permutations(pool, 3):
        if known.amount is not None and amount != known.amount:
            continue
        if amount < max(quantity, price):
            continue
        trial = Roles(quantity, price, amount, known.discount)
        count = _count(rows, trial)
        if count < MOST * full or not _says_something(rows, trial):
            continue
        rank = (count, money.get(price, 0.0) - money.get(quantity, 0.0) + 0.4 * _agreement(trial, known))
        if rank > best_rank:
            best, best_rank = trial, rank
    return best


def _count(rows: Sequence[Values], roles: Roles) -> int:
    if not roles.whole:
        return 0
    return sum(bool(_holds(row, roles)) for row in rows)


def _agreement(a: Roles, b: Roles) -> int:
    return (a.quantity == b.quantity) + (a.price == b.price)


def _holds(row: Values, roles: Roles) -> bool | None:
    def value(column: int | None) -> Decimal | None:
        return row.get(column) if column is not None else None

    return multiplies(value(roles.quantity), value(roles.price), value(roles.amount), value(roles.discount))


def _says_something(rows: Sequence[Values], roles: Roles) -> bool:
    """1 * 5.00 = 5.00 is chance where two columns repeat each other; two rows of it, or one other, are not."""
    held = [row for row in rows if _holds(row, roles)]
    real = [row for row in held if not {row[roles.quantity or 0], row[roles.price or 0]} & {Decimal(0), Decimal(1)}]
    return bool(real) or len(held) > 1
