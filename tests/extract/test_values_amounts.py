"""Amounts in text: every style of print is read, and what is no amount is never sure."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docparse.extract.values import amounts, decimal_mark, percentages, quantities

ONE = [  # text, value, currency, the least that it must be sure
    ("12.50", "12.50", None, 0.9),
    ("12,50", "12.50", None, 0.9),
    ("1.234,56", "1234.56", None, 0.9),
    ("1,234.56", "1234.56", None, 0.9),
    ("1.234.567,89", "1234567.89", None, 0.9),
    ("1,234,567.89", "1234567.89", None, 0.9),
    ("1 234,56", "1234.56", None, 0.8),
    ("1\u00a0234,56", "1234.56", None, 0.9),
    ("1\u202f234,56 €", "1234.56", "EUR", 1.0),
    ("12 345 678,90", "12345678.90", None, 0.8),
    ("1'234.56", "1234.56", None, 0.9),
    ("1’234.56", "1234.56", None, 0.9),
    ("CHF 1'234'567.50", "1234567.50", "CHF", 1.0),
    ("1,23,456.00", "123456.00", None, 0.9),
    ("₹ 12,34,567.00", "1234567.00", "INR", 1.0),
    ("Rs. 1,23,456", "123456", "INR", 0.8),
    ("１２．５０", "12.50", None, 0.9),
    ("１，２３４．５０", "1234.50", None, 0.9),
    ("￥１２００", "1200", "CNY", 0.8),
    ("合计 ¥120.00", "120.00", "CNY", 1.0),
    ("合計 ¥1,200 です", "1200", "JPY", 0.8),
    ("120元", "120", "CNY", 0.8),
    ("1,200円", "1200", "JPY", 0.8),
    ("12,-", "12", None, 0.8),
    ("12.--", "12", None, 0.8),
    ("€ 1.500,-", "1500", "EUR", 0.8),
    ("1.500,— EUR", "1500", "EUR", 0.8),
    ("RM12.50", "12.50", "MYR", 1.0),
    ("RM 12.50", "12.50", "MYR", 1.0),
    ("12.50 RM", "12.50", "MYR", 1.0),
    ("12,50€", "12.50", "EUR", 1.0),
    ("12,50 €", "12.50", "EUR", 1.0),
    ("€12.50", "12.50", "EUR", 1.0),
    ("EUR 12", "12", "EUR", 0.8),
    ("EUR12.50", "12.50", "EUR", 1.0),
    ("12.50EUR", "12.50", "EUR", 1.0),
    ("12,50 Euro", "12.50", "EUR", 1.0),
    ("$1.00", "1.00", "USD", 0.9),
    ("US$ 12", "12", "USD", 0.8),
    ("S$12.00", "12.00", "SGD", 1.0),
    ("£9.99", "9.99", "GBP", 1.0),
    ("99,90 zł", "99.90", "PLN", 1.0),
    ("10 000 Kč", "10000", "CZK", 0.8),
    ("capital de 10 000€", "10000", "EUR", 0.8),
    ("10 000", "10000", None, 0.5),
    ("R$ 10,00", "10.00", "BRL", 1.0),
    ("Total: 12.50", "12.50", None, 0.9),
    ("TOTAL:12.50", "12.50", None, 0.9),
    ("12.50A", "12.50", None, 0.9),
    ("12.50 SR", "12.50", None, 0.9),
    (".50", "0.50", None, 0.9),
    ("0.125", "0.125", None, 0.5),
    ("-5.00", "-5.00", None, 0.9),
    ("−5,00", "-5.00", None, 0.9),
    ("- 5.00", "-5.00", None, 0.9),
    ("5.00-", "-5.00", None, 0.9),
    ("-€5.00", "-5.00", "EUR", 1.0),
    ("€-5.00", "-5.00", "EUR", 1.0),
    ("RM -5.00", "-5.00", "MYR", 1.0),
    ("-RM5.00", "-5.00", "MYR", 1.0),
    ("5,00- EUR", "-5.00", "EUR", 1.0),
    ("(5.00)", "-5.00", None, 0.6),
    ("(RM 5.00)", "-5.00", "MYR", 0.8),
    ("5.00 CR", "-5.00", None, 0.9),
    ("5.00CR", "-5.00", None, 0.9),
    ("5.00 DR", "5.00", None, 0.9),
    ("+5.00", "5.00", None, 0.9),
    ("Discount -5.00", "-5.00", None, 0.9),
    ("0.00", "0.00", None, 0.9),
    ("-0.00", "0.00", None, 0.9),
]


@pytest.mark.parametrize(("text", "value", "currency", "sure"), ONE, ids=[case[0] for case in ONE])
def test_an_amount_is_read(text: str, value: str, currency: str | None, sure: float) -> None:
    (found,) = amounts(text)
    assert found.value == Decimal(value)
    assert found.currency == currency
    assert found.sure >= sure
    assert found.text == text[found.start : found.end]
    assert found.decimals == max(0, -found.value.as_tuple().exponent)


KNOWN_MARK = [
    ("1.234", ".", "1.234"),
    ("1.234", ",", "1234"),
    ("1,234", ",", "1.234"),
    ("1,234", ".", "1234"),
    ("1.234", None, "1234"),
    ("0,123", ".", "0.123"),
    ("12.50", ",", "12.50"),
    ("12.345.678", ",", "12345678"),
]


@pytest.mark.parametrize(("text", "decimal", "value"), KNOWN_MARK)
def test_three_digits_after_a_mark_follow_the_mark_of_the_document(text: str, decimal: str, value: str) -> None:
    (found,) = amounts(text, decimal=decimal)
    assert found.value == Decimal(value)
    assert found.sure <= 0.7


SEVERAL = [
    ("2 150.00 300.00", ["2", "150.00", "300.00"]),
    ("12,50 EUR 3,00 EUR", ["12.50", "3.00"]),
    ("$1.00 $2.00", ["1.00", "2.00"]),
    ("EUR 12 EUR 13", ["12", "13"]),
    ("10.00-20.00", ["10.00", "20.00"]),
    ("10.00 - 20.00", ["10.00", "20.00"]),
    ("19% 1,90", ["19", "1.90"]),
    ("1.234,56 12.00", ["1234.56", "12.00"]),
    ("Net 100.00 VAT 19.00 Total 119.00", ["100.00", "19.00", "119.00"]),
    ("12,50\t150,00", ["12.50", "150.00"]),
    ("2  150,00", ["2", "150.00"]),
]


@pytest.mark.parametrize(("text", "values"), SEVERAL)
def test_amounts_beside_each_other_stay_apart(text: str, values: list[str]) -> None:
    found = amounts(text)
    assert [m.value for m in found] == [Decimal(value) for value in values]
    assert all(a.end <= b.start for a, b in zip(found, found[1:], strict=False))


def test_a_currency_between_two_amounts_belongs_to_the_one_that_the_first_shows() -> None:
    assert [m.currency for m in amounts("12,50 EUR 3,00")] == ["EUR", None]
    assert [m.currency for m in amounts("EUR 12,50 USD 3,00")] == ["EUR", "USD"]


def test_a_space_that_may_part_two_numbers_makes_neither_reading_sure() -> None:
    joined, alone = amounts("2 150,00 300,00")
    assert joined.value == Decimal("2150.00")
    assert max(joined.sure, alone.sure) <= 0.7
    assert all(m.sure <= 0.7 for m in amounts("Item 2 150.00 300.00"))


NEVER_SURE = [
    "05/01/2018",
    "05-01-2018",
    "05.01.2018",
    "2018-01-05",
    "05.01.",
    "12.2024",
    "03/2024",
    "12:30",
    "12:30:11",
    "12.30 Uhr",
    "2.30 pm",
    "+49 30 1234567",
    "030/1234567",
    "(555) 123-4567",
    "03-7956 1234",
    "DE89 3704 0044 0532 0130 00",
    "10115 Berlin",
    "47301 PETALING JAYA",
    "INV-2024-0012",
    "INV2024.01",
    "A12.50",
    "192.168.1.1",
    "v1.2.3",
    "4006381333931",
    "GST ID 000123456789",
    "Page 1 of 2",
    "19 %",
    "19,00%",
    "10 kg",
    "1,50 h",
    "2,00 Stk",
    "# 4711",
    "EUR 007",
    "030 123 456",
    "3.1 Scope",
    "Jl. 12/14",
]


@pytest.mark.parametrize("text", NEVER_SURE)
def test_what_is_no_amount_is_not_sure(text: str) -> None:
    assert all(m.sure <= 0.6 for m in amounts(text)), amounts(text)


@pytest.mark.parametrize("text", ["", " ", "no digits", "RM", "-", "()", "€", "1.2.3.4", "12.03.2024"])
def test_there_is_no_number(text: str) -> None:
    assert amounts(text) == []


MISREAD = [
    ("1 2.50", "12.50"),
    ("RM1 2.50", "12.50"),
    ("TOTAL RM 1 2.50", "12.50"),
    ("12 .50", "12.50"),
    ("12. 50", "12.50"),
    ("12.5 0", "12.50"),
    ("12.5O", "12.50"),
    ("1O.00", "10.00"),
    ("RMl2.50", "12.50"),
    ("l,234.00", "1234.00"),
    ("RM I2.5O", "12.50"),
    ("1.234.56", "1234.56"),
    ("1,234,56", "1234.56"),
    ("TOTAL 12 .50", "12.50"),
]


@pytest.mark.parametrize(("text", "value"), MISREAD)
def test_a_misread_amount_is_read_with_less_trust(text: str, value: str) -> None:
    (found,) = amounts(text, ocr=True)
    assert found.value == Decimal(value)
    assert 0.4 <= found.sure <= 0.7
    assert found.text == text[found.start : found.end]
    strict = [m for m in amounts(text) if m.value == found.value and m.decimals == 2]
    assert not strict


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("QTY 1 2.50", ["1", "2.50"]),
        ("2 x 1.50 3.00", ["2", "1.50", "3.00"]),
        ("12.50", ["12.50"]),
        ("B0.20", ["0.20"]),
        ("SOLD.50", ["50"]),
        ("10, 20, 30", ["10", "20", "30"]),
        ("TOTAL 12. 50 PCS", ["12", "50"]),
        ("lO.OO", []),
        ("S.O.S.", []),
    ],
)
def test_tolerance_of_misreading_joins_and_invents_nothing(text: str, values: list[str]) -> None:
    assert [m.value for m in amounts(text, ocr=True)] == [Decimal(value) for value in values]


MARKS = [
    (["Total 12,50", "3,00 EUR"], ","),
    (["Total 12.50", "RM 3.00"], "."),
    (["1.234,56"], ","),
    (["1,234.56"], "."),
    (["1.234.567"], ","),
    (["1,234", "12.50"], "."),
    (["05.01.2018", "19,00 %"], ","),
    (["05.01.2018 12.30 Uhr"], None),
    (["12,50", "12.50"], None),
    (["1.234"], None),
    ([], None),
    (["no numbers"], None),
    (["12.50", "13.00", "1.20", "3,50"], "."),
]


@pytest.mark.parametrize(("texts", "mark"), MARKS)
def test_the_mark_of_a_document_is_what_most_amounts_say(texts: list[str], mark: str | None) -> None:
    assert decimal_mark(texts) == mark


# -- properties -------------------------------------------------------------------------------------------------------

cents = st.integers(min_value=0, max_value=10**11).map(lambda n: Decimal(n).scaleb(-2))


def _printed(value: Decimal, group: str, mark: str, *, indian: bool = False) -> str:
    whole, fraction = f"{value:.2f}".split(".")
    head, tail = whole[:-3], whole[-3:]
    groups = [tail]
    size = 2 if indian else 3
    while head:
        groups.insert(0, head[-size:])
        head = head[:-size]
    return group.join(groups) + mark + fraction


STYLES = [
    (".", ","),
    (",", "."),
    ("'", "."),
    ("’", "."),
    ("\u00a0", ","),
    ("\u202f", ","),
    ("", "."),
    ("", ","),
    (" ", ","),
]
WRAPS = ["{}", "EUR {}", "{} EUR", "€{}", "{}€", "RM{}", "Total: {}", "Summe {} EUR", "{} CHF"]


@given(cents, st.sampled_from(STYLES), st.sampled_from(WRAPS))
def test_an_amount_printed_in_any_style_is_read_back(value: Decimal, style: tuple[str, str], wrap: str) -> None:
    text = wrap.format(_printed(value, *style))
    (found,) = amounts(text)
    assert found.value == value
    assert found.decimals == 2
    assert found.sure >= 0.6


@given(cents)
def test_an_amount_in_lakh_and_crore_is_read_back(value: Decimal) -> None:
    (found,) = amounts("₹" + _printed(value, ",", ".", indian=True))
    assert found.value == value
    assert found.currency == "INR"


NEGATIVE = ["-{}", "{}-", "({})", "{} CR", "−{}", "EUR -{}", "-{} €"]


@given(cents.filter(bool), st.sampled_from([(".", ","), (",", "."), ("", ".")]), st.sampled_from(NEGATIVE))
def test_a_sign_in_any_place_is_read(value: Decimal, style: tuple[str, str], sign: str) -> None:
    (found,) = amounts(sign.format(_printed(value, *style)))
    assert found.value == -value


@given(cents, st.sampled_from([(".", ","), (",", "."), ("", ".")]))
def test_full_width_print_is_read_like_any_other(value: Decimal, style: tuple[str, str]) -> None:
    printed = _printed(value, *style)
    wide = "".join(chr(ord(c) + 0xFEE0) for c in printed)
    assert [(m.value, m.sure) for m in amounts(wide)] == [(m.value, m.sure) for m in amounts(printed)]


@given(st.text(alphabet="0123456789.,' -()€RMOlCX%/:\u00a0年円", max_size=40), st.booleans())
def test_places_hold_for_any_text(text: str, ocr: bool) -> None:
    found = amounts(text, ocr=ocr)
    for match in found:
        assert match.text == text[match.start : match.end] != ""
        assert 0 < match.sure <= 1
        assert match.decimals == max(0, -match.value.as_tuple().exponent)
    assert all(a.end <= b.start for a, b in zip(found, found[1:], strict=False))


# -- percentages and quantities ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("19 %", ["19"]),
        ("19% MwSt", ["19"]),
        ("7,00 %", ["7.00"]),
        ("5.5%", ["5.5"]),
        ("USt. 19,0 % auf 100,00", ["19.0"]),
        ("６％", ["6"]),
        ("2 percent", ["2"]),
        ("3 Prozent Skonto", ["3"]),
        ("-10%", ["-10"]),
        ("0% 100.00", ["0"]),
        ("19 pieces", []),
        ("100.00", []),
        ("%", []),
    ],
)
def test_percentages(text: str, values: list[str]) -> None:
    found = percentages(text)
    assert [m.value for m in found] == [Decimal(value) for value in values]
    assert all(m.text == text[m.start : m.end] for m in found)


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("3 Stk", "3", "Stk"),
        ("3 Stk.", "3", "Stk."),
        ("2,00 Stück", "2.00", "Stück"),
        ("1,5 h", "1.5", "h"),
        ("10 kg", "10", "kg"),
        ("10KG", "10", "KG"),
        ("0.750 kg", "0.750", "kg"),
        ("5pcs", "5", "pcs"),
        ("5 PCS", "5", "PCS"),
        ("12 pièces", "12", "pièces"),
        ("4 m²", "4", "m²"),
        ("8 Stunden", "8", "Stunden"),
        ("3件", "3", "件"),
        ("2 小时", "2", "小时"),
        ("2 x 12.50", "2", "x"),
        ("2x Kaffee", "2", "x"),
        ("3 @ 4.00", "3", "x"),
        ("12.50 x 2", "2", "x"),
        ("x2", "2", "x"),
        ("3 × 4,00", "3", "x"),
    ],
)
def test_a_quantity_has_its_unit(text: str, value: str, unit: str) -> None:
    (found,) = quantities(text)
    assert (found.value, found.unit) == (Decimal(value), unit)
    assert found.text == text[found.start : found.end]
    assert found.sure >= 0.6


@pytest.mark.parametrize(
    "text", ["", "12.50", "A4 Papier", "Nr. 12 Haus", "05.01.2018", "4711-22 Widget", "x", "Xbox 360"]
)
def test_there_is_no_quantity(text: str) -> None:
    assert quantities(text) == []
