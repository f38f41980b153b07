"""Checks as data: each passes, fails, and says when it cannot judge."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docparse.extract import checks
from docparse.extract.result import Check


def _d(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def line(**values: str) -> dict[str, object]:
    return {k: v if k in ("description", "unit") else Decimal(v) for k, v in values.items()}


@pytest.mark.parametrize(
    ("net", "tax", "gross", "passed"),
    [
        ("100.00", "19.00", "119.00", True),
        ("100.00", "19.00", "119.01", True),
        ("100.00", "19.00", "119.02", False),
        ("100.00", "19.00", "120.00", False),
        ("-100.00", "-19.00", "-119.00", True),
        ("1000", "190", "1190", True),
        ("100.00", "0", "100.00", True),
        (None, "19.00", "119.00", None),
        ("100.00", None, "100.00", None),
        ("100.00", "19.00", None, None),
    ],
)
def test_totals_add_up(net: str | None, tax: str | None, gross: str | None, passed: bool | None) -> None:
    found = checks.totals_add_up(_d(net), _d(tax), _d(gross))
    assert found.passed is passed
    assert found.fields == ("net_total", "tax_total", "grand_total")


def test_rounding_between_the_totals_is_counted_in() -> None:
    assert (
        checks.totals_add_up(Decimal("10.00"), Decimal("0.62"), Decimal("10.60"), other=Decimal("-0.02")).passed is True
    )
    failed = checks.totals_add_up(Decimal("10.00"), Decimal("0.62"), Decimal("10.70"), other=Decimal("-0.02"))
    assert failed.message == "10.00 + 0.62 - 0.02 = 10.60, not 10.70."


def test_a_sum_may_be_off_by_half_a_cent_for_each_addend_and_by_one_cent_at_least() -> None:
    assert checks.tolerance(1) == checks.tolerance(2) == Decimal("0.01")
    assert checks.tolerance(10) == Decimal("0.05")


LINES = [line(amount="10.00"), line(amount="20.00"), line(amount="5.50")]


@pytest.mark.parametrize(
    ("lines", "net", "gross", "passed"),
    [
        (LINES, "35.50", "42.25", True),
        (LINES, None, "35.50", True),
        (LINES, "29.83", "35.50", True),
        (LINES, "35.51", None, True),
        (LINES, "36.00", "42.84", False),
        (LINES, None, None, None),
        ([], "35.50", None, None),
        ([*LINES, {"description": "free"}], "35.50", None, None),
        ([line(amount="10"), line(amount="-2")], "8", None, True),
    ],
)
def test_lines_add_up(lines: list[dict[str, object]], net: str | None, gross: str | None, passed: bool | None) -> None:
    assert checks.lines_add_up(lines, _d(net), _d(gross)).passed is passed


def test_the_total_that_the_lines_prove_is_named() -> None:
    found = checks.lines_add_up(LINES, Decimal("29.83"), Decimal("35.50"))
    assert found.fields == ("line_items[0].amount", "line_items[1].amount", "line_items[2].amount", "grand_total")
    assert (
        checks.lines_add_up(LINES, Decimal("30.00"), Decimal("40.00"), other=Decimal("-5.50")).fields[-1] == "net_total"
    )


@pytest.mark.parametrize(
    ("item", "passed"),
    [
        (line(quantity="3", unit_price="4.50", amount="13.50"), True),
        (line(quantity="3", unit_price="4.50", amount="13.51"), True),
        (line(quantity="1.5", unit_price="80.00", amount="120.00"), True),
        (line(quantity="1000", unit_price="0.0123", amount="12.30"), True),
        (line(quantity="7", unit_price="1.43", amount="10.00"), True),  # the price is rounded: 10 / 7
        (line(quantity="2", unit_price="100.00", amount="238.00", tax_rate="19"), True),
        (line(quantity="-1", unit_price="20.00", amount="-20.00"), True),
        (line(quantity="3", unit_price="4.50", amount="12.00"), None),  # a discount
        (line(quantity="100", unit_price="4.50", amount="4.50"), None),  # a price for a hundred
        (line(quantity="3", unit_price="4.50", amount="14.50"), False),
        (line(quantity="3", unit_price="4.50", amount="135.00"), False),
        (line(quantity="3", amount="13.50"), None),
        (line(amount="13.50"), None),
        ({"quantity": None, "unit_price": None, "amount": None}, None),
    ],
)
def test_line_amounts(item: dict[str, object], passed: bool | None) -> None:
    assert checks.line_amounts([item]).passed is passed


def test_the_lines_that_fail_are_named() -> None:
    good = line(quantity="2", unit_price="5.00", amount="10.00")
    bad = line(quantity="2", unit_price="5.00", amount="11.00")
    found = checks.line_amounts([good, bad, good])
    assert found.fields == ("line_items[1].quantity", "line_items[1].unit_price", "line_items[1].amount")
    assert found.message == "Line item 2: 2 x 5.00 is not 11.00."
    assert checks.line_amounts([bad, good, bad]).message == "Line items 1, 3: 2 x 5.00 is not 11.00."


@pytest.mark.parametrize(
    ("lines", "net", "tax", "passed"),
    [
        ([line(rate="19", net="100", tax="19"), line(rate="7", net="50", tax="3.50")], "150", "22.50", True),
        ([line(rate="19", net="100", tax="19"), line(rate="7", net="50", tax="3.50")], "150", "23.50", False),
        ([line(rate="19", net="100", tax="19"), line(rate="7", net="50", tax="3.50")], "160", "22.50", False),
        ([line(rate="19", net="100", tax="18")], "100", "18", False),
        ([line(rate="19", tax="19")], None, "19", True),
        ([line(rate="19", net="100", tax="19")], None, None, True),
        ([line(rate="19")], "100", "19", None),
        ([], "100", "19", None),
    ],
)
def test_tax_lines_add_up(
    lines: list[dict[str, object]], net: str | None, tax: str | None, passed: bool | None
) -> None:
    assert checks.tax_lines_add_up(lines, _d(net), _d(tax)).passed is passed


@pytest.mark.parametrize(
    ("net", "tax", "rate", "passed"),
    [
        ("100.00", "19.00", "19", True),
        ("99.99", "19.00", "19", True),
        ("100.00", "20.00", "19", False),
        ("100.00", "0.19", "0.19", True),
        ("100.00", "19.00", "0.19", False),
        ("-100.00", "19.00", "19", True),
        ("33.33", "1.83", "5.5", True),
        (None, "19.00", "19", None),
        ("100.00", None, "19", None),
        ("100.00", "19.00", None, None),
    ],
)
def test_tax_rate_fits(net: str | None, tax: str | None, rate: str | None, passed: bool | None) -> None:
    assert checks.tax_rate_fits(_d(net), _d(tax), _d(rate)).passed is passed


def test_taxes_rounded_line_by_line_may_be_off_by_more() -> None:
    assert checks.tax_rate_fits(Decimal("100"), Decimal("19.04"), Decimal("19")).passed is False
    assert checks.tax_rate_fits(Decimal("100"), Decimal("19.04"), Decimal("19"), rounded_lines=10).passed is True
    assert (
        checks.tax_lines_add_up([line(rate="19", net="100", tax="19.04")], None, None, rounded_lines=10).passed is True
    )


@pytest.mark.parametrize(
    ("due", "gross", "prepaid", "passed"),
    [
        ("119.00", "119.00", None, True),
        ("100.00", "119.00", "19.00", True),
        ("100.00", "119.00", "-19.00", True),
        ("0.00", "119.00", "119.00", True),
        ("100.00", "119.00", None, None),
        ("129.00", "119.00", None, False),
        ("100.00", "119.00", "20.00", False),
        (None, "119.00", None, None),
        ("119.00", None, None, None),
    ],
)
def test_due_consistent(due: str | None, gross: str | None, prepaid: str | None, passed: bool | None) -> None:
    assert checks.due_consistent(_d(due), _d(gross), _d(prepaid)).passed is passed


@pytest.mark.parametrize(
    ("issue", "due", "delivery", "passed", "fields"),
    [
        (date(2024, 3, 5), date(2024, 4, 4), None, True, ("issue_date", "due_date")),
        (date(2024, 3, 5), date(2024, 3, 5), None, True, ("issue_date", "due_date")),
        (date(2024, 3, 5), date(2024, 3, 4), None, False, ("issue_date", "due_date")),
        (date(2024, 3, 5), date(2034, 3, 5), None, False, ("issue_date", "due_date")),
        (date(2024, 3, 5), None, date(2024, 2, 28), True, ("issue_date", "delivery_date")),
        (date(2024, 3, 5), None, date(2024, 3, 28), True, ("issue_date", "delivery_date")),
        (date(2024, 3, 5), date(2024, 4, 4), date(2014, 3, 1), False, ("issue_date", "delivery_date")),
        (date(2024, 3, 5), None, None, None, ("issue_date",)),
        (None, date(2024, 3, 5), date(2024, 3, 5), None, ("due_date", "delivery_date")),
        (None, None, None, None, ()),
    ],
)
def test_dates_in_order(
    issue: date | None, due: date | None, delivery: date | None, passed: bool | None, fields: tuple[str, ...]
) -> None:
    found = checks.dates_in_order(issue, due, delivery)
    assert (found.passed, found.fields) == (passed, fields)


@pytest.mark.parametrize(
    ("check", "value", "passed"),
    [
        (checks.iban_valid, "DE89370400440532013000", True),
        (checks.iban_valid, "DE89 3704 0044 0532 0130 00", True),
        (checks.iban_valid, "DE89370400440532013001", False),
        (checks.iban_valid, "DE893704", False),
        (checks.iban_valid, "", None),
        (checks.iban_valid, None, None),
        (checks.bic_valid, "COBADEFFXXX", True),
        (checks.bic_valid, "COBA DE FF XXX", True),
        (checks.bic_valid, "cobadeff", True),
        (checks.bic_valid, "COBAXYFF", False),
        (checks.bic_valid, "COBADEF", False),
        (checks.bic_valid, None, None),
        (checks.vat_id_valid, "DE136695976", True),
        (checks.vat_id_valid, "DE 136.695.976", True),
        (checks.vat_id_valid, "DE136695978", False),
        (checks.vat_id_valid, "CHE-109.322.551 MWST", True),
        (checks.vat_id_valid, "CHE-109.322.552", False),
        (checks.vat_id_valid, "GB980780684", True),
        (checks.vat_id_valid, "NO995525828MVA", True),
        (checks.vat_id_valid, "US 12-3456789", None),
        (checks.vat_id_valid, "123456789", None),
        (checks.vat_id_valid, None, None),
        (checks.gtin_valid, "4006381333931", True),
        (checks.gtin_valid, "4 006381 333931", True),
        (checks.gtin_valid, "4006381333932", False),
        (checks.gtin_valid, "123", False),
        (checks.gtin_valid, None, None),
    ],
)
def test_check_digits(check, value: str | None, passed: bool | None) -> None:  # type: ignore[no-untyped-def]
    assert check(value).passed is passed


def test_a_vat_id_is_about_the_field_that_it_stands_in() -> None:
    assert checks.vat_id_valid("DE136695976", "buyer_vat_id").fields == ("buyer_vat_id",)


@pytest.mark.parametrize(
    ("seen", "currency", "passed"),
    [
        (["EUR", "EUR"], "EUR", True),
        (["EUR"], None, True),
        (["EUR", "USD"], "EUR", False),
        (["USD"], "EUR", False),
        ([], "EUR", None),
        ([], None, None),
    ],
)
def test_currency_consistent(seen: list[str], currency: str | None, passed: bool | None) -> None:
    assert checks.currency_consistent(seen, currency).passed is passed


def test_line_items_that_stand_there_twice_are_found() -> None:
    screw = line(description="Screw M4", quantity="10", unit_price="0.10", amount="1.00")
    again = line(description="SCREW  M4", quantity="10", unit_price="0.10", amount="1.00")
    more = line(description="Screw M4", quantity="20", unit_price="0.10", amount="2.00")
    found = checks.no_duplicate_lines([screw, more, again])
    assert found.passed is False
    assert found.fields == ("line_items[0]", "line_items[2]")
    assert checks.no_duplicate_lines([screw, more]).passed is True
    assert checks.no_duplicate_lines([screw]).passed is None
    heading: dict[str, object] = {"description": "Hardware", "amount": None}
    assert checks.no_duplicate_lines([heading, heading, screw, more]).passed is True


@pytest.mark.parametrize(
    ("printed", "xml", "passed"),
    [
        (Decimal("119.0"), Decimal("119.00"), True),
        (Decimal("119"), Decimal("119.01"), False),
        (Decimal("119"), "119.00", True),
        (Decimal("119"), "none", False),
        (date(2024, 3, 5), date(2024, 3, 5), True),
        (date(2024, 3, 5), date(2024, 5, 3), False),
        ("Müller GmbH", "MULLER  GMBH", True),
        ("RE-2024/01", "RE 2024-01", True),
        ("RE-2024/01", "RE-2024/02", False),
        ("张三公司", "张三公司", True),
        (None, "x", None),
        ("x", None, None),
    ],
)
def test_same_as_xml(printed: object, xml: object, passed: bool | None) -> None:
    found = checks.same_as_xml("seller_name", printed, xml)
    assert found.passed is passed
    assert found.fields == ("seller_name",)


def _every_check() -> list[Check]:
    return [
        checks.totals_add_up(None, None, None),
        checks.lines_add_up([], None, None),
        checks.line_amounts([]),
        checks.tax_lines_add_up([], None, None),
        checks.tax_rate_fits(None, None, None),
        checks.due_consistent(None, None),
        checks.dates_in_order(None, None),
        checks.iban_valid(None),
        checks.bic_valid(None),
        checks.vat_id_valid(None),
        checks.gtin_valid(None),
        checks.currency_consistent([]),
        checks.no_duplicate_lines([]),
        checks.same_as_xml("iban", None, None),
    ]


def test_nothing_known_is_nothing_judged_and_the_table_has_every_check() -> None:
    every = _every_check()
    assert {check.passed for check in every} == {None}
    elsewhere = {"items-add-up", "cash-less-change", "model-agrees", "pages-agree"}  # made where they are known
    assert [check.name for check in every] == [name for name in checks.CHECKS if name not in elsewhere]
    assert all(check.message.endswith(".") for check in every)
    assert all(sentence.endswith(".") for sentence in checks.CHECKS.values())


money = st.decimals(min_value=-(10**9), max_value=10**9, places=2)


@given(money, money)
def test_what_adds_up_passes_and_a_wrong_digit_fails(net: Decimal, tax: Decimal) -> None:
    assert checks.totals_add_up(net, tax, net + tax).passed is True
    assert checks.totals_add_up(net, tax, net + tax + 1).passed is False


@given(st.decimals(allow_nan=False, allow_infinity=False), st.decimals(allow_nan=False, allow_infinity=False))
def test_no_number_makes_a_check_raise(a: Decimal, b: Decimal) -> None:
    item = {"quantity": a, "unit_price": b, "amount": a, "tax_rate": b, "rate": b, "net": a, "tax": b}
    for found in (
        checks.totals_add_up(a, b, a),
        checks.tax_rate_fits(a, b, a),
        checks.due_consistent(a, b, a),
        checks.line_amounts([item]),
        checks.lines_add_up([item, item], a, b),
        checks.tax_lines_add_up([item], a, b),
        checks.same_as_xml("grand_total", a, b),
    ):
        assert found.passed in (True, False, None)
