"""A value, and the words on the page that say it: other formats, broken lines, misread letters, several places."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest

from docparse.document import Page
from docparse.extract.page_text import PageText, page_text
from docparse.extract.places.anchor import MOST_PLACES, Anchor, Kind, Places, anchor
from docparse.geometry import BBox
from docparse.textlayer import Style, Word

SIZE = 20.0
WIDTH = SIZE / 2


def sheet(*lines: str, number: int = 1, ocr: bool = False, step: float = 1.5) -> PageText:
    """A page of lines, ``step`` ems apart; ``|`` begins the next column, 400 pixels on."""
    words = []
    for row, line in enumerate(lines):
        for column, part in enumerate(line.split("|")):
            at = 50 + 400.0 * column
            for text in part.split(" "):
                if text:
                    box = BBox(at, 50 + row * step * SIZE, at + len(text) * WIDTH, 50 + row * step * SIZE + SIZE)
                    words.append(Word(text, box, ((text, Style(SIZE)),), 0.9 if ocr else None))
                at += (len(text) + 1) * WIDTH
    return page_text(Page(number, 1600, 2000), words)


def places(value: Any, *pages: PageText, kind: Kind | None = None, **how: Any) -> list[tuple[str, str]]:
    return [(a.how, a.span.text) for a in anchor(value, pages, kind=kind, **how)]


def only(value: Any, *lines: str, kind: Kind | None = None) -> tuple[str, str] | None:
    found = places(value, sheet(*lines), kind=kind)
    assert len(found) <= 1, found
    return found[0] if found else None


# The same value printed differently


@pytest.mark.parametrize(
    ("value", "printed", "expected"),
    [
        ("1234.56", "1234.56", "exact"),
        ("1234.56", "1,234.56", "normalised"),
        ("1234.56", "1.234,56", "normalised"),
        ("1234.56", "1 234,56", "normalised"),
        ("1234.56", "1'234.56", "normalised"),
        ("1234.50", "1.234,5", "normalised"),
        ("123456", "1,23,456.00", "normalised"),
        ("100", "100.00", "normalised"),
        ("100.00", "100", "normalised"),
        ("12", "12,-", "normalised"),
        ("0.5", ",50", "normalised"),
        ("1234.56", "1234.57", None),
        ("1234.56", "11234.56", None),
        ("234.56", "1.234,56", None),
        ("34.56", "1234.56", None),
        ("-12.50", "(12.50)", "normalised"),
        ("-12.50", "-12.50", "exact"),
        ("-12.50", "12.50-", "normalised"),
        ("-12.50", "12.50", "unsigned"),
        ("12.50", "-12.50", "unsigned"),
        ("3.3333", "3,33", "rounded"),
        ("3.335", "3.34", "rounded"),
        ("3.3333", "3.34", None),
        ("3.3333", "3", None),
        ("0.004", "0.00", None),
    ],
)
@pytest.mark.parametrize("beside", ["{}", "EUR {}", "{} €", "Total: {}"])
def test_amounts(value: str, printed: str, expected: str | None, beside: str) -> None:
    # The rest of the page says which mark is the decimal one.
    mark = "." if printed.count(".") and printed.rfind(".") > printed.rfind(",") else ","
    others = [f"7{mark}25", f"8{mark}75"]
    found = only(Decimal(value), *others, beside.format(printed))
    assert (found[0] if found else None) == expected
    if found:
        assert found[1].strip("(€EUR: )") == printed.strip("()")


def test_an_amount_read_the_other_way_than_the_rest_of_the_page() -> None:
    page = sheet("7,25", "8,75", "1.234,50", "3.125")
    (best,) = anchor(Decimal("3.125"), [page])
    assert (best.how, best.span.text) == ("exact", "3.125")
    (as_thousands,) = anchor(Decimal("3125"), [page])
    assert as_thousands.span.text == "3.125"
    assert best.score < as_thousands.score


def test_two_numbers_side_by_side_are_two() -> None:
    page = sheet("Screws 2 345.00 690.00")
    assert places(Decimal("345"), page)[0][1] == "345.00"
    assert places(Decimal("2"), page)[0][1] == "2"


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ("2024-03-01", "2024-03-01"),
        ("2024-03-01", "01.03.2024"),
        ("2024-03-01", "1.3.24"),
        ("2024-03-01", "03/01/2024"),
        ("2024-03-01", "01/03/2024"),
        ("2024-03-01", "March 1, 2024"),
        ("2024-03-01", "1. März 2024"),
        ("2024-03-01", "1er mars 2024"),
        ("2024-03-01", "2024年3月1日"),
        ("2024-03-01", "01-MAR-2024"),
    ],
)
def test_dates(value: str, printed: str) -> None:
    for wanted in (value, date.fromisoformat(value)):
        found = only(wanted, "No. 17", f"Date: {printed}", kind="date")
        assert found == ("exact" if printed == value else "normalised", printed)
    assert only("2024-03-02", f"Date: {printed}", kind="date") is None


@pytest.mark.parametrize(
    ("value", "kind", "line", "expected"),
    [
        (Decimal(19), "percent", "VAT 19 %", "19 %"),
        (Decimal(19), "percent", "VAT 19,00% of", "19,00%"),
        (Decimal("5.5"), "percent", "TVA 5,5 %", "5,5 %"),
        ("19", "percent", "USt|19", "19"),
        (Decimal(7), "percent", "VAT 19 %", None),
        (time(18, 5), None, "Time 18:05", "18:05"),
        ("18:05:30", "time", "21.03.2024 18:05:30", "18:05:30"),
        ("EUR", "currency", "Total 12,50 €", "€"),
        ("EUR", "currency", "Amounts in EUR", "EUR"),
        ("GBP", "currency", "Total 12,50 €", None),
        ("not a number", "amount", "not a number", None),
        ("NaN", "amount", "NaN", None),
        ("2024-02-30", "date", "2024-02-30", None),
        (True, "amount", "1", None),
        (None, "date", "None", None),
    ],
)
def test_other_kinds(value: Any, kind: Kind | None, line: str, expected: str | None) -> None:
    found = only(value, line, kind=kind)
    assert (found[1] if found else None) == expected


@pytest.mark.parametrize(
    ("value", "line", "expected"),
    [
        ("INV-2024-001", "Invoice INV-2024-001", "exact"),
        ("INV-2024-001", "Invoice INV 2024 001", "normalised"),
        ("INV-2024-001", "Invoice inv-2024-001.", "normalised"),
        ("INV-2024-001", "Invoice INV-2024-0012", None),
        ("INV-2024-001", "Invoice INV-2024-007", None),
        ("DE89370400440532013000", "IBAN: DE89 3704 0044 0532 0130 00", "normalised"),
        ("DE129273398", "VAT DE 129 273 398", "normalised"),
        ("4711", "No. 4711", "exact"),
        ("4711", "No.4711", "exact"),
        ("4711", "#4711#", "exact"),
        ("4711", "14711", None),
        ("4711", "4711.50", None),
        ("4711", "1,4711", None),
        ("4711", "47 11", None),
        ("4711", "47|11", None),
        ("COBADEFF", "BIC COBADEFX", None),
        ("7", "Line 7 of 9", "exact"),
        ("7", "17", None),
        ("４７１１", "No. 4711", "normalised"),
    ],
)
def test_codes(value: str, line: str, expected: str | None) -> None:
    found = only(value, line, kind="code")
    assert (found[0] if found else None) == expected


@pytest.mark.parametrize(
    ("value", "lines", "expected"),
    [
        ("Café Müller GmbH", ["Café Müller GmbH"], "exact"),
        ("Café  Müller\nGmbH", ["Café Müller GmbH"], "exact"),
        ("CAFE MULLER GMBH", ["Café Müller GmbH"], "normalised"),
        ("Strasse 5", ["Straße 5"], "normalised"),
        ("Am Anger 3, 04109 Leipzig", ["Am Anger 3", "04109 Leipzig"], "normalised"),
        ("Am Anger 3, 04109 Leipzig", ["Am Anger 3|Invoice", "04109 Leipzig|17"], "normalised"),
        ("a long description of it", ["1|a long|3.00", "|description|", "|of it|"], "exact"),
        ("Rechnungsnummer", ["Rechnungs-", "nummer"], "normalised"),
        ("Muller GmbH", ["Müller GmbH & Co"], "normalised"),
        ("Mueller Maschinenbau GmbH", ["Müller Maschinenbau GmbH"], "fuzzy"),
        ("Acme Trading Limited", ["Acme Tradlng Lirnited"], "fuzzy"),
        ("Acme Trading Limited", ["Acme Holding Company"], None),
        ("Main Street 12, Springfield", ["Main Street 13, Springfield"], None),
        ("Main Street 12, Springfield", ["Maln Street 12. Springfeld"], "fuzzy"),
        ("GmbH", ["Müller GmbHs"], None),
        ("Ltd", ["Lfd"], None),
        ("上海贸易有限公司", ["卖方:上海贸易有限公司"], "exact"),
        ("", ["anything"], None),
        ("   ", ["anything"], None),
        ("!?", ["anything"], None),
        ("ignore previous instructions", ["Total 5.00"], None),
    ],
)
def test_texts(value: str, lines: list[str], expected: str | None) -> None:
    found = only(value, *lines)
    assert (found[0] if found else None) == expected


def test_the_span_has_the_right_words_and_box() -> None:
    page = sheet("Seller|Invoice", "Am Anger 3|No. 17", "04109 Leipzig|Page 1")
    (found,) = anchor("Am Anger 3, 04109 Leipzig", [page])
    assert [word.text for word in found.span.words] == ["Am", "Anger", "3", "04109", "Leipzig"]
    assert found.span.box.as_tuple() == (50, 80, 50 + 13 * WIDTH, 110 + SIZE)
    assert found.span.page == 1


def test_part_of_a_word_has_its_part_of_the_box() -> None:
    (found,) = anchor(Decimal("1250"), [sheet("sum=nok2250+1250")])
    assert found.span.text == "1250"
    assert found.span.box.x1 == pytest.approx(50 + 12 * WIDTH, abs=WIDTH / 2)
    assert found.span.box.x2 == 50 + 16 * WIDTH


def test_a_fuzzy_place_has_whole_words() -> None:
    (found,) = anchor("Acme Trading Limited", [sheet("From Acme Tradlng Lirnited to you")])
    assert found.span.text == "Acme Tradlng Lirnited"


def test_misread_amounts_on_a_scan() -> None:
    assert places(Decimal("12.50"), sheet("Total l2.5O", ocr=True)) == [("normalised", "l2.5O")]
    assert places(Decimal("12.50"), sheet("Total l2.5O")) == []


# Several places


def test_how_many_places_there_are() -> None:
    found = anchor(Decimal("5.00"), [sheet("Net|5.00", "Total|5.00", "Paid|-5.00")])
    assert [(a.how, a.places) for a in found] == [("exact", 2), ("exact", 2)]


def test_near_goes_before_the_order_on_the_page() -> None:
    page = sheet("Net|5.00", "Tax|0.00", "Total|5.00", "Due|5.00")
    for row, label in ((0, "Net"), (2, "Total"), (3, "Due")):
        (beside,) = anchor(label, [page])
        best = anchor(Decimal(5), [page], near=[beside.span])[0]
        assert best.span.box.y1 == page.rows[row].box.y1
        assert best.places == 3


def test_near_takes_the_value_under_a_heading() -> None:
    page = sheet("Qty|Price|Amount", "1|9.00|9.00")
    (heading,) = anchor("Amount", [page])
    assert anchor(Decimal(9), [page], near=[heading.span])[0].span.box.x1 == 850


def test_equal_rows_have_each_their_own_place() -> None:
    page = sheet("Sugar|50|72.50", "Sugar|10|0.00")
    known = Places([page])
    taken: list[Any] = []
    for row in page.rows:
        first = known.find("Sugar", taken=taken)[0]
        taken.append(first.span)
        assert first.span.box.y1 == row.box.y1
    assert len(known.find("Sugar", taken=taken)) == 2


def test_near_on_another_page() -> None:
    pages = [sheet("Total|5.00", number=1), sheet("Nothing", "Total|5.00", number=2)]
    second = anchor("Nothing", pages)[0]
    assert anchor(Decimal(5), pages, near=[second.span])[0].span.page == 2
    assert anchor(Decimal(5), pages)[0].span.page == 1


def test_a_worse_match_nearby_does_not_go_before_a_better_one() -> None:
    page = sheet("Refund|12.50", "Total|-12.50")
    (label,) = anchor("Refund", [page])
    assert [a.how for a in anchor(Decimal("-12.50"), [page], near=[label.span])] == ["exact"]


def test_part_of_a_longer_code_comes_after_a_whole_one() -> None:
    page = sheet("Ref 2024-4711", "No. 4711")
    assert [a.span.box.y1 for a in anchor("4711", [page], kind="code")] == [80, 50]


def test_the_same_words_are_one_place() -> None:
    """They are part of a column, of a row and of an element."""
    assert len(anchor("Total", [sheet("Total|5.00", "Due|5.00")])) == 1


def test_the_number_of_places_is_bounded() -> None:
    found = anchor(Decimal(1), [sheet(*["1|1|1"] * 60)])
    assert len(found) == MOST_PLACES


def test_many_values_read_the_pages_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from docparse.extract.places import typed as typed_places

    calls = []
    read = typed_places.amounts
    monkeypatch.setattr(typed_places, "amounts", lambda text, **how: calls.append(text) or read(text, **how))
    known = Places([sheet("Total|5.00", "Tax|1.00")])
    first = known.find(Decimal(5))
    count = len(calls)
    assert known.find(Decimal(1))[0].span.text == "1.00"
    assert len(calls) == count
    assert isinstance(first[0], Anchor)


def test_no_pages_and_empty_pages() -> None:
    assert anchor("x", []) == []
    assert anchor(Decimal(5), [sheet()]) == []
    assert anchor("anything at all", [sheet()]) == []


def test_long_texts_are_found_by_their_beginning() -> None:
    words = [f"word{n}" for n in range(400)]
    page = sheet(*(" ".join(words[n : n + 8]) for n in range(0, 400, 8)))
    (found,) = anchor(" ".join(words), [page])
    assert found.span.text.startswith("word0 word1")
    assert len(found.span.text) <= 600
