"""Dates and times in text."""

from __future__ import annotations

from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docparse.extract.values import date_order, dates, times
from docparse.extract.values.months import LANGUAGES, folded, months

FIFTH = "2024-03-05"
ONE = [  # text, date, the least that it must be sure
    ("25/03/2024", "2024-03-25", 0.9),
    ("03/25/2024", "2024-03-25", 0.9),
    ("05/05/2024", "2024-05-05", 0.9),
    ("05.03.2024", FIFTH, 0.9),
    ("5.3.2024", FIFTH, 0.9),
    ("05. 03. 2024", FIFTH, 0.8),
    ("05/03/2024", FIFTH, 0.6),
    ("05-03-2024", FIFTH, 0.6),
    ("5/3/24", FIFTH, 0.5),
    ("05.03.24", FIFTH, 0.7),
    ("31.12.99", "1999-12-31", 0.7),
    ("2024-03-05", FIFTH, 0.9),
    ("2024/3/5", FIFTH, 0.9),
    ("2024.03.05", FIFTH, 0.8),
    ("2024-03-05T12:30:00Z", FIFTH, 0.9),
    ("25/03/2024 12:30:11", "2024-03-25", 0.9),
    ("25/03/202412:30", "2024-03-25", 0.9),
    ("25/03/2412:30", "2024-03-25", 0.8),
    ("Date:25/03/2024", "2024-03-25", 0.9),
    ("Rechnungsdatum: 05.03.2024", FIFTH, 0.9),
    ("(05.03.2024)", FIFTH, 0.9),
    ("05.03.2024.", FIFTH, 0.9),
    ("２０２４－０３－０５", FIFTH, 0.9),
    ("5 March 2024", FIFTH, 0.9),
    ("March 5, 2024", FIFTH, 0.9),
    ("Mar. 5th 2024", FIFTH, 0.9),
    ("MAR 05 2024", FIFTH, 0.9),
    ("5th of March, 2024", FIFTH, 0.9),
    ("Tuesday, 5 March 2024", FIFTH, 0.9),
    ("05-MAR-24", FIFTH, 0.8),
    ("05MAR2024", FIFTH, 0.9),
    ("5 Mar '24", FIFTH, 0.8),
    ("2024 March 5", FIFTH, 0.9),
    ("2024-Mar-05", FIFTH, 0.9),
    ("5. März 2024", FIFTH, 0.9),
    ("5. Mrz. 2024", FIFTH, 0.9),
    ("5. Maerz 2024", FIFTH, 0.9),
    ("05.März.2024", FIFTH, 0.9),
    ("5 mars 2024", FIFTH, 0.9),
    ("1er mars 2024", "2024-03-01", 0.9),
    ("5 août 2024", "2024-08-05", 0.9),
    ("5 AOUT 2024", "2024-08-05", 0.9),
    ("5 févr. 2024", "2024-02-05", 0.9),
    ("5 décembre 2024", "2024-12-05", 0.9),
    ("5 maart 2024", FIFTH, 0.9),
    ("5 mrt 2024", FIFTH, 0.9),
    ("5 mei 2024", "2024-05-05", 0.9),
    ("5 de marzo de 2024", FIFTH, 0.9),
    ("5 enero 2024", "2024-01-05", 0.9),
    ("5 marzo 2024", FIFTH, 0.9),
    ("5 gennaio 2024", "2024-01-05", 0.9),
    ("5 de março de 2024", FIFTH, 0.9),
    ("5 de outubro de 2024", "2024-10-05", 0.9),
    ("5 Ogos 2024", "2024-08-05", 0.9),
    ("5 Disember 2024", "2024-12-05", 0.9),
    ("5 Mac 2024", FIFTH, 0.9),
    ("2024年3月5日", FIFTH, 0.9),
    ("2024 年 03 月 05 日", FIFTH, 0.9),
    ("二〇二四年三月五日", FIFTH, 0.9),
    ("二〇二四年十二月三十一日", "2024-12-31", 0.9),
    ("2024년 3월 5일", FIFTH, 0.9),
    ("29.02.2024", "2024-02-29", 0.9),
    # A colon after it begins what is to be paid; only a digit after that makes it a time.
    ("Bitte überweisen Sie bis zum 13.06.2014:", "2014-06-13", 0.9),
    ("by 12 June 2014: 30 EUR", "2014-06-12", 0.9),
]


@pytest.mark.parametrize(("text", "day", "sure"), ONE, ids=[case[0] for case in ONE])
def test_a_date_is_read(text: str, day: str, sure: float) -> None:
    (found,) = dates(text)
    assert found.value.isoformat() == day
    assert found.sure >= sure
    assert found.text == text[found.start : found.end]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3",
        "12.50",
        "March 2024",
        "Jan 2018",
        "5 March",
        "31/02/2024",
        "29.02.2023",
        "13/13/2024",
        "1.2.3.4",
        "01.02.03.2018",
        "192.168.1.1",
        "5 apples 2024",
        "1 of 12",
        "10 - 12 - 20",
        "03-05-12345",
        "DE89 3704 0044 0532 0130 00",
        "12:30:11",
        "5 May 10.50",
        "5 SET 20.00",
        "1234.567,89",
        "24月",
        "十年",
    ],
)
def test_there_is_no_date(text: str) -> None:
    assert dates(text) == []


@pytest.mark.parametrize("text", ["20240305", "5 SET 20", "99/01/05"])
def test_a_date_that_may_be_anything_is_not_sure(text: str) -> None:
    assert all(m.sure <= 0.4 for m in dates(text))


@pytest.mark.parametrize(
    ("text", "order", "day", "low", "high"),
    [
        ("05/03/2024", None, "2024-03-05", 0.5, 0.8),
        ("05/03/2024", "dmy", "2024-03-05", 0.9, 1),
        ("05/03/2024", "mdy", "2024-05-03", 0.9, 1),
        ("25/03/2024", "mdy", "2024-03-25", 0.3, 0.6),
        ("03/25/2024", "dmy", "2024-03-25", 0.3, 0.6),
        ("18-03-05", "ymd", "2018-03-05", 0.8, 1),
        ("18-03-05", None, "2005-03-18", 0.3, 0.7),
        ("2024-03-05", "mdy", "2024-03-05", 0.9, 1),
    ],
)
def test_the_order_of_the_document_decides(text: str, order: str | None, day: str, low: float, high: float) -> None:
    (found,) = dates(text, order=order)
    assert found.value.isoformat() == day
    assert low <= found.sure <= high


def test_several_dates_come_in_their_order() -> None:
    text = "from 01/10/2018-31/10/2018, paid 5 Nov 2018, printed 2018-11-06"
    assert [m.value for m in dates(text)] == [
        date(2018, 10, 1),
        date(2018, 10, 31),
        date(2018, 11, 5),
        date(2018, 11, 6),
    ]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("O5/03/2024", FIFTH),
        ("05/O3/2024", FIFTH),
        ("05/03/2O24", FIFTH),
        ("l5/03/2024", "2024-03-15"),
        ("I5-03-24", "2024-03-15"),
        ("05 /03/ 2024", FIFTH),
        ("05/03-2024", FIFTH),
        ("2O24-03-05", FIFTH),
    ],
)
def test_a_misread_date_is_read_with_less_trust(text: str, day: str) -> None:
    (found,) = dates(text, ocr=True)
    assert found.value.isoformat() == day
    assert 0.4 <= found.sure <= 0.7
    assert found.text == text[found.start : found.end]


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (["05/03/2024", "25/03/2024"], "dmy"),
        (["05/03/2024", "03/25/2024"], "mdy"),
        (["2024-03-05"], "ymd"),
        (["2024-03-05", "03/25/2024"], "mdy"),
        (["05/03/2024"], None),
        (["25/03/2024", "03/25/2024"], None),
        (["31.12.2024 and 1.1.2025"], "dmy"),
        (["12.50", "no date"], None),
        ([], None),
    ],
)
def test_the_order_is_known_from_dates_with_one_reading(texts: list[str], order: str | None) -> None:
    assert date_order(texts) == order


def test_a_short_name_of_a_month_means_one_month_in_all_languages() -> None:
    from babel import Locale

    for language in LANGUAGES:
        for width in ("wide", "abbreviated"):
            for number, name in Locale(language).months["format"][width].items():
                assert months()[folded(name)] == number, (language, name)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12:30", time(12, 30)),
        ("12:30:11", time(12, 30, 11)),
        ("20:14", time(20, 14)),
        ("18-06-2023 21:17", time(21, 17)),
        ("11 : 44 : 44", time(11, 44, 44)),
        ("9:05", time(9, 5)),
        ("2.30 pm", time(14, 30)),
        ("2:30PM", time(14, 30)),
        ("12:00 AM", time(0, 0)),
        ("12:15 p.m.", time(12, 15)),
        ("3pm", time(15, 0)),
        ("14.30 Uhr", time(14, 30)),
        ("14h30", time(14, 30)),
        ("14时30分", time(14, 30)),
        ("05/01/2018 12:30:11", time(12, 30, 11)),
        ("05/01/201812:30", time(12, 30)),
        ("2024-03-05T12:30:00Z", time(12, 30)),
        ("１２：３０", time(12, 30)),
    ],
)
def test_a_time_is_read(text: str, value: time) -> None:
    (found,) = times(text)
    assert found.value == value
    assert found.text == text[found.start : found.end]


@pytest.mark.parametrize("text", ["", "12.30", "25:10", "12:60", "1:100", "12,30", "3 pieces", "14", "1:5"])
def test_there_is_no_time(text: str) -> None:
    assert times(text) == []


days = st.dates(min_value=date(1970, 1, 1), max_value=date(2069, 12, 31))
FORMATS = ["%d.%m.%Y", "%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日", "%d.%m.%y"]


@given(days, st.sampled_from(FORMATS), st.sampled_from(["{}", "Datum: {}", "{} 12:30", "vom {} an"]))
def test_a_date_printed_without_doubt_is_read_back(day: date, form: str, wrap: str) -> None:
    (found,) = dates(wrap.format(day.strftime(form)))
    assert found.value == day
    assert found.sure >= 0.75


@given(days, st.sampled_from(["/", "-", "."]), st.sampled_from(["dmy", "mdy"]))
def test_a_numeric_date_is_read_back_in_the_order_of_the_document(day: date, separator: str, order: str) -> None:
    parts = {"d": f"{day.day:02}", "m": f"{day.month:02}", "y": f"{day.year}"}
    (found,) = dates(separator.join(parts[part] for part in order), order=order)
    assert found.value == day
    assert found.sure >= 0.9


@given(days, st.sampled_from(LANGUAGES), st.sampled_from(["long", "medium"]))
def test_a_date_as_cldr_prints_it_in_each_language_is_read_back(day: date, language: str, width: str) -> None:
    from babel.dates import format_date

    text = format_date(day, width, locale=language)
    (found,) = dates(text)
    assert found.value == day


@given(st.text(alphabet="0123456789./-: 年月日十二OlMarchuäz'", max_size=40), st.booleans())
def test_places_hold_for_any_text(text: str, ocr: bool) -> None:
    found = dates(text, ocr=ocr)
    assert all(m.text == text[m.start : m.end] != "" and 0 < m.sure <= 1 for m in found)
    assert all(a.end <= b.start for a, b in zip(found, found[1:], strict=False))
    assert all(m.text == text[m.start : m.end] for m in times(text))
