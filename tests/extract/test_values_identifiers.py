"""Identifiers with check digits, currencies, and ways to reach somebody.

The numbers are the examples of the standards and of python-stdnum, or made to fit their check digits.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban as stdnum_iban

import docparse.extract.values as values
from docparse.extract.values import (
    bics,
    currencies,
    emails,
    gtins,
    ibans,
    phones,
    postcodes,
    vat_ids,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("DE89370400440532013000", "DE89370400440532013000"),
        ("DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("IBAN: DE89 3704 0044 0532 0130 00 BIC COBADEFFXXX", "DE89370400440532013000"),
        ("IBAN DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000", "DE89370400440532013000"),
        ("GB29 NWBK 6016 1331 9268 19", "GB29NWBK60161331926819"),
        ("FR14 2004 1010 0505 0001 3M02 606", "FR1420041010050500013M02606"),
        ("NL91ABNA0417164300 ten name van", "NL91ABNA0417164300"),
        ("AT611904300234573201", "AT611904300234573201"),
        ("CH93 0076 2011 6238 5295 7", "CH9300762011623852957"),
        ("BE68 5390 0754 7034", "BE68539007547034"),
        ("NO93 8601 1117 947", "NO9386011117947"),
    ],
)
def test_an_iban_is_found(text: str, value: str) -> None:
    (found,) = ibans(text)
    assert found.value == value
    assert found.sure >= 0.95
    assert found.text == text[found.start : found.end]
    assert vat_ids(text) == []


def test_an_iban_with_wrong_check_digits_comes_back_unsure() -> None:
    (found,) = ibans("DE89 3704 0044 0532 0130 01")
    assert found.value == "DE89370400440532013001"
    assert found.sure <= 0.5


def test_groups_of_four_that_are_too_few_come_back_hardly_sure() -> None:
    (found,) = ibans("IBAN: DE89 3704 0044 0532 01, BIC COBADEFFXXX")
    assert found.value == "DE8937040044053201"
    assert found.sure <= 0.2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "DE89 3704",
        "AB12 3456 7890 1234 56",
        "DE1234567890123456789012345",
        "INVOICE NO 12345678",
        "XX89370400440532013000",
        "DE89 3704 0044 0532 O130 0A",
        "REFERENCE AB12 CDEF GHIJ KLMN",
    ],
)
def test_there_is_no_iban(text: str) -> None:
    assert ibans(text) == []


def test_a_misread_iban_is_mended_only_where_the_check_digits_then_fit() -> None:
    (mended,) = ibans("DE89 37O4 0044 0532 0130 OO", ocr=True)
    assert mended.value == "DE89370400440532013000"
    assert mended.sure < 0.9
    assert ibans("DE89 37O4 0044 0532 0130 O1", ocr=True) == []


@given(st.from_regex(r"[0-9]{18}", fullmatch=True), st.sampled_from(["", " ", "\u00a0"]))
def test_any_german_iban_in_groups_is_read_back(bban: str, space: str) -> None:
    value = f"DE{stdnum_iban.calc_check_digits('DE00' + bban)}{bban}"
    (found,) = ibans("IBAN: " + space.join(value[i : i + 4] for i in range(0, 22, 4)) + ".")
    assert found.value == value
    assert found.sure >= 0.95


@pytest.mark.parametrize(
    ("text", "value", "low", "high"),
    [
        ("BIC: COBADEFFXXX", "COBADEFFXXX", 0.9, 1),
        ("DEUTDEDB110", "DEUTDEDB110", 0.7, 1),
        ("SOLADES1PFD", "SOLADES1PFD", 0.7, 1),
        ("COBADEFF", "COBADEFF", 0.2, 0.4),
        ("DOCUMENT", "DOCUMENT", 0.2, 0.4),
    ],
)
def test_a_bic_is_found(text: str, value: str, low: float, high: float) -> None:
    (found,) = bics(text)
    assert found.value == value
    assert low <= found.sure <= high


@pytest.mark.parametrize(
    "text", ["", "INVOICES", "TOTAL", "COBAXXFF123456", "cobadeff", "NET TOTAL DUE", "COBA12FFXXX"]
)
def test_there_is_no_bic(text: str) -> None:
    assert bics(text) == []


VALID_VAT = [
    ("DE136695976", "DE136695976"),
    ("DE 136 695 976", "DE136695976"),
    ("USt-IdNr.: DE136695976", "DE136695976"),
    ("DE136.695.976", "DE136695976"),
    ("ATU57194903", "ATU57194903"),
    ("ATU 571 949 03", "ATU57194903"),
    ("FR40303265045", "FR40303265045"),
    ("FR 40 303 265 045", "FR40303265045"),
    ("NL004495445B01", "NL004495445B01"),
    ("NL 0044.95.445.B01", "NL004495445B01"),
    ("BE 0697.449.992", "BE0697449992"),
    ("IT00743110157", "IT00743110157"),
    ("P.IVA IT 00743110157", "IT00743110157"),
    ("ESB58378431", "ESB58378431"),
    ("PL 856-734-62-15", "PL8567346215"),
    ("SE123456789701", "SE123456789701"),
    ("IE6433435F", "IE6433435F"),
    ("IE 6433435OA", "IE6433435OA"),
    ("IE8D79739I", "IE8D79739I"),
    ("EL 094259216", "EL094259216"),
    ("DK 13 58 56 28", "DK13585628"),
    ("LU 15027442", "LU15027442"),
    ("RO18547290", "RO18547290"),
    ("CY10259033P", "CY10259033P"),
    ("GB 980 7806 84", "GB980780684"),
    ("VAT No. GB980780684", "GB980780684"),
    ("CHE-109.322.551 MWST", "CHE109322551"),
    ("CHE-109.322.551", "CHE109322551"),
    ("NO 995 525 828 MVA", "NO995525828MVA"),
]


@pytest.mark.parametrize(("text", "value"), VALID_VAT, ids=[case[0] for case in VALID_VAT])
def test_a_vat_id_is_found(text: str, value: str) -> None:
    (found,) = vat_ids(text)
    assert found.value == value
    assert found.sure >= 0.95
    assert found.text == text[found.start : found.end]


@pytest.mark.parametrize(
    ("text", "value"),
    [("DE136695978", "DE136695978"), ("ATU57194904", "ATU57194904"), ("GB980780685", "GB980780685")],
)
def test_a_vat_id_with_a_wrong_check_digit_comes_back_unsure(text: str, value: str) -> None:
    (found,) = vat_ids(text)
    assert found.value == value
    assert found.sure <= 0.5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "INVOICE NO 123456789",
        "DE 12345",
        "Order DE-1234567",
        "DE89 3704 0044 0532 0130 00",
        "RO 12",
        "PART XDE136695976",
    ],
)
def test_there_is_no_vat_id(text: str) -> None:
    assert vat_ids(text) == []


@pytest.mark.parametrize("text", ["BE 123456789 left", "IT 12345678901", "SE 123456789012"])
def test_a_word_before_digits_that_do_not_check_is_hardly_a_vat_id(text: str) -> None:
    assert all(m.sure <= 0.2 for m in vat_ids(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4006381333931", "4006381333931"),
        ("EAN 4006381333931", "4006381333931"),
        ("4 006381 333931", "4006381333931"),
        ("036000291452", "036000291452"),
        ("73513537", "73513537"),
    ],
)
def test_a_gtin_is_found_where_it_checks(text: str, value: str) -> None:
    (found,) = gtins(text)
    assert found.value == value
    assert found.sure <= 0.7


@pytest.mark.parametrize(
    "text", ["", "4006381333932", "A4006381333931", "20180105", "40063813339311234", "12.4006381333931"]
)
def test_there_is_no_gtin(text: str) -> None:
    assert gtins(text) == []


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("EUR", ["EUR"]),
        ("EUR12.50", ["EUR"]),
        ("12,50 €", ["EUR"]),
        ("All amounts in Euro", ["EUR"]),
        ("alle Beträge in euro", ["EUR"]),
        ("RM 3.20", ["MYR"]),
        ("US$ 5, HK$ 6", ["USD", "HKD"]),
        ("Price in CHF and GBP", ["CHF", "GBP"]),
        ("£5", ["GBP"]),
        ("₹5", ["INR"]),
        ("12 zł", ["PLN"]),
        ("金额：人民币", ["CNY"]),
        ("¥120 合计", ["CNY"]),
        ("￥120", ["CNY"]),
        ("¥120", ["JPY"]),
        ("FARM FIRM", []),
        ("EUROPE", []),
        ("no money", []),
        ("", []),
    ],
)
def test_currencies(text: str, codes: list[str]) -> None:
    found = currencies(text)
    assert [m.value for m in found] == codes
    assert all(m.text == text[m.start : m.end] for m in found)


@pytest.mark.parametrize("text", ["TRY OUR MENU", "TOP 10", "ALL ITEMS", "$5", "¥5"])
def test_a_code_that_is_a_word_and_a_shared_sign_are_not_sure(text: str) -> None:
    assert all(m.sure <= 0.6 for m in currencies(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("info@example.com", "info@example.com"),
        ("E-Mail: a.b+c@x-y.co.uk, Web", "a.b+c@x-y.co.uk"),
        ("<billing@example.org>", "billing@example.org"),
        ("mail jürgen@müller.de.", "jürgen@müller.de"),
    ],
)
def test_an_email_is_found(text: str, value: str) -> None:
    (found,) = emails(text)
    assert found.value == value
    assert found.text == value


@pytest.mark.parametrize("text", ["", "@example.com", "a@b", "3 @ 4.00", "a..b@example.com", "www.example.com"])
def test_there_is_no_email(text: str) -> None:
    assert emails(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("+49 30 1234567", "+49301234567"),
        ("+49 (0)30 1234-567", "+49301234567"),
        ("Tel.: +60 3-7956 1234", "+60379561234"),
        ("+441632960961", "+441632960961"),
        ("0049 30 123456", "+4930123456"),
        ("030/1234567", "0301234567"),
        ("03-7956 1234", "0379561234"),
        ("030 1234567", "0301234567"),
        ("(555) 123-4567", "5551234567"),
        ("555-123-4567", "5551234567"),
    ],
)
def test_a_phone_number_is_found(text: str, value: str) -> None:
    (found,) = phones(text)
    assert found.value == value
    assert found.text == text[found.start : found.end]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "05/01/2018",
        "05.01.2018 12:30",
        "12.50",
        "1,234.50",
        "DE89 3704 0044 0532 0130 00",
        "GST 000123456789",
        "0.50 1.20",
    ],
)
def test_there_is_no_phone_number(text: str) -> None:
    assert phones(text) == []


@pytest.mark.parametrize(
    ("text", "value", "low"),
    [
        ("10115 Berlin", "10115", 0.5),
        ("D-10115 Berlin", "10115", 0.8),
        ("CH-8001 Zürich", "8001", 0.8),
        ("8001 Zürich", "8001", 0.3),
        ("London SW1A 1AA", "SW1A 1AA", 0.8),
        ("1011 AB Amsterdam", "1011 AB", 0.5),
        ("Ottawa K1A 0B1", "K1A 0B1", 0.8),
        ("Beverly Hills, CA 90210", "90210", 0.6),
        ("47301 PETALING JAYA", "47301", 0.5),
        ("00-950 Warszawa", "00-950", 0.4),
        ("〒100-0001", "100-0001", 0.9),
        ("114 55 Stockholm", "114 55", 0.4),
    ],
)
def test_a_postcode_is_found(text: str, value: str, low: float) -> None:
    (found,) = postcodes(text)
    assert found.value == value
    assert found.sure >= low
    assert found.text == text[found.start : found.end]


@pytest.mark.parametrize("text", ["", "12.50", "05.01.2018", "1,234.50", "12345.67", "4006381333931", "12345-678901"])
def test_there_is_no_postcode(text: str) -> None:
    assert postcodes(text) == []


SEARCHES = [
    getattr(values, name) for name in values.__all__ if name.islower() and name not in ("decimal_mark", "date_order")
]


@given(st.text(max_size=60))
def test_every_search_gives_places_of_the_text_it_was_given(text: str) -> None:
    for search in SEARCHES:
        for match in search(text):
            assert match.text == text[match.start : match.end] != ""
            assert 0 < match.sure <= 1


@pytest.mark.parametrize(
    "part", ["1", "1 ", "1.", "1,", "12 ", "123 ", "- 1", "12:", "1-", "1 x ", "A", "a.", "DE", "+1 ", "("]
)
def test_a_long_run_of_anything_is_searched_to_its_end(part: str) -> None:
    """A regular expression that tries every split of such a run would not come back."""
    text = part * (20_000 // len(part))
    for search in SEARCHES:
        assert all(0 <= match.start < match.end <= len(text) for match in search(text))
