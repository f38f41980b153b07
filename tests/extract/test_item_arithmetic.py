"""Which columns multiply."""

from __future__ import annotations

from decimal import Decimal

import pytest

from docparse.extract.items.arithmetic import Roles, multiplies, roles_of


@pytest.mark.parametrize(
    ("quantity", "price", "amount", "discount", "expected"),
    [
        ("3", "12.00", "36.00", None, True),
        ("3", "12.00", "36.01", None, True),
        ("3", "12.00", "36.50", None, False),
        ("3", "3.3333", "10.00", None, True),
        ("10000", "0.0205", "205.00", None, True),
        ("-5", "1.0000", "-5.00", None, True),
        ("4", "50.00", "180.00", "10", True),  # 10 %
        ("1", "200.00", "185.00", "15.00", True),  # an amount off
        ("2", "20.00", "30.00", "5.00", True),  # off each
        ("2", "20.00", "30.00", None, False),
        (None, "20.00", "30.00", None, None),
        ("2", None, "30.00", None, None),
        ("2", "20.00", None, None, None),
    ],
)
def test_quantity_times_price_is_the_amount(
    quantity: str | None, price: str | None, amount: str | None, discount: str | None, expected: bool | None
) -> None:
    given = [Decimal(v) if v is not None else None for v in (quantity, price, amount, discount)]
    assert multiplies(*given) is expected


def rows(*lines: tuple[str, ...]) -> list[dict[int, Decimal]]:
    return [{at: Decimal(v) for at, v in enumerate(line) if v} for line in lines]


def test_headings_that_multiply_are_kept() -> None:
    known = Roles(0, 1, 2)
    assert roles_of(rows(("2", "5.00", "10.00"), ("3", "1.00", "3.00")), known, [], {}) == known


def test_columns_without_headings_are_found_by_what_multiplies() -> None:
    table = rows(("1", "2", "5.00", "10.00"), ("2", "3", "1.50", "4.50"), ("3", "1", "8.00", "8.00"))
    found = roles_of(table, Roles(amount=3), [0, 1, 2], {0: 0.0, 1: 0.0, 2: 1.0, 3: 1.0})
    assert found == Roles(1, 2, 3)


def test_of_two_factors_the_price_is_the_one_that_looks_like_money() -> None:
    table = rows(("100.00", "3", "300.00"), ("25.00", "2", "50.00"))
    assert roles_of(table, Roles(amount=2), [0, 1], {0: 1.0, 1: 0.0}) == Roles(1, 0, 2)


def test_one_times_itself_is_chance() -> None:
    table = rows(("1", "5.00", "5.00"))
    assert roles_of(table, Roles(amount=2), [0, 1], {}) == Roles(amount=2)


def test_a_heading_is_not_overruled_by_less_than_most_rows() -> None:
    known = Roles(amount=2)
    table = rows(("2", "5.00", "10.00"), ("7", "9.00", "1.00"), ("4", "3.00", "99.00"))
    assert roles_of(table, known, [0, 1], {1: 1.0}) == known
