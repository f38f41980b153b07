"""Values and fields beside the truth."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from docparse.evaluate.fields import fields_score, items_score
from docparse.evaluate.values import Kind, amount, days, match


@pytest.mark.parametrize(
    ("kind", "said", "true"),
    [
        ("date", "2018-03-18", "18/03/2018"),
        ("date", "18 MAR 2018", "18-03-18"),
        ("date", "March 18, 2018", "2018-03-18"),
        ("date", "2018-03-18T10:22:01", "18.3.2018"),
        ("date", "20180318", "18 März 2018"),
        ("date", "2018年3月18日", "18032018"),
        ("date", "2018-04-03", "03/04/2018"),
        ("amount", "RM 1,234.50", "1234.50"),
        ("amount", "1.234,50 €", "1234.5"),
        ("amount", 1234.5, "1,234.50"),
        ("amount", "-8,79", "-8.79"),
        ("amount", "(8.79)", "-8.79"),
        ("amount", "8.79-", "−8,79"),
        ("currency", "€", "EUR"),
        ("currency", "usd", "US$"),
        ("text", "Book Ta .K (Taman Daya) Sdn. Bhd", "BOOK TA .K (TAMAN DAYA) SDN BHD"),
    ],
)
def test_values_that_mean_the_same(kind: Kind, said: Any, true: Any) -> None:
    found = match(kind, said, true)
    assert found.same
    assert found.likeness == 1
    assert not found.exact


@pytest.mark.parametrize(
    ("kind", "said", "true"),
    [
        ("date", "2018-03-19", "18/03/2018"),
        ("date", "2018-03-04", "03/04/2018"),
        ("date", "31/02/2020", "2020-02-30"),
        ("date", "", "18/03/2018"),
        ("amount", "1234.51", "1234.50"),
        ("amount", "8.79", "-8.79"),
        ("amount", "none", "1"),
        ("amount", True, "1"),
        ("currency", "$", "EUR"),
        ("text", None, "ACME"),
    ],
)
def test_values_that_do_not(kind: Kind, said: Any, true: Any) -> None:
    found = match(kind, said, true)
    assert not found.same
    assert found.likeness == 0


def test_exact_is_to_the_letter_and_text_has_a_likeness() -> None:
    assert match("text", " Acme\nltd", "Acme ltd").exact
    assert match("text", "Acme ltd", "ACME LTD").exact is False
    assert match("text", "Acme Ltd", "Acme Inc").likeness == pytest.approx(4 / 7)


@pytest.mark.parametrize(
    ("said", "number"),
    [("1,234", "1234"), ("1,23", "1.23"), ("0,500", "0.5"), ("12 345,6", "12345.6"), ("1.234.567", "1234567")],
)
def test_separators_are_told_apart(said: str, number: str) -> None:
    assert amount(said) == Decimal(number)


def test_numbers_that_are_none() -> None:
    for value in (None, True, float("nan"), float("inf"), "abc", "1" * 60):
        assert amount(value) is None


def test_a_date_of_numbers_can_mean_two_days() -> None:
    assert {day.isoformat() for day in days("03/04/18")} == {"2018-04-03", "2018-03-04"}


def test_plain_fields_under_other_names() -> None:
    true = {"company": "ACME", "date": "01/02/2020", "address": "1 Road", "total": "9.00"}
    found = fields_score({"Vendor": "Acme", "date": {"value": "2020-02-01"}, "total": 8}, true)
    assert {name: one.same for name, one in found.fields.items()} == {
        "company": True,
        "date": True,
        "address": False,
        "total": False,
    }
    count = found.fields["total"].count
    assert (count.tp, count.fp, count.fn) == (0, 1, 1), "what is there and wrong counts twice"
    assert (found.fields["address"].count.fp, found.fields["address"].count.fn) == (0, 1)
    assert not found.all_right
    assert found.items is None


def test_several_values_are_a_set() -> None:
    (found,) = fields_score({"party": ["Bolt, LLC", "Other Co"]}, {"party": ["Acme Inc.", "Bolt LLC"]}).fields.values()
    assert (found.count.tp, found.count.fp, found.count.fn, found.same) == (1, 1, 1, False)
    (whole,) = fields_score({"party": "Acme Inc."}, {"party": ["Acme Inc."]}).fields.values()
    assert whole.same
    assert whole.exact_count == 1


def test_line_items_pair_in_any_order_and_their_numbers_have_to_be_right() -> None:
    true = [
        {"description": "Blue pen", "quantity": "2", "amount": "3.00"},
        {"description": "Paper A4", "quantity": "1", "amount": "5.50"},
    ]
    said = [{"name": "Paper A4", "qty": 1, "total": "5,50"}, {"name": "Blue pen", "qty": 3, "total": "3.00"}, "stray"]
    found = items_score(said, true)
    assert (found.described.f1, found.whole.f1) == (1, 0.5)
    none = items_score(None, true)
    assert (none.described.tp, none.described.fn) == (0, 2)


def test_of_alike_items_the_one_with_the_same_numbers_is_taken() -> None:
    true = [{"description": "Hire of a van", "amount": "10"}, {"description": "Hire of a van", "amount": "20"}]
    found = items_score([{"description": "Hire of a van", "amount": "20"}, *true[:1]], true)
    assert found.whole.f1 == 1
