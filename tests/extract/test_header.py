"""The head of an invoice: fields by label and place, in layouts of many kinds and languages."""

from __future__ import annotations

import datetime

import pytest

from docparse.extract.invoice.header import find_header
from docparse.extract.invoice.numbering import numbers_in
from docparse.extract.invoice.scored import Found, best
from docparse.extract.page_text import DocumentText, Row
from docparse.extract.result import Fields, plain
from docparse.geometry import BBox
from tests.extract.invoices_drawn import NAMES, PARTIES, drawn
from tests.extract.sheets import block, grid, line, pairs, sheet


@pytest.mark.parametrize("name", NAMES)
def test_fields_of_a_drawn_invoice(name: str) -> None:
    invoice = drawn(name)
    found = find_header(invoice.text)
    wanted = {field: value for field, value in invoice.fields.items() if field not in PARTIES}
    assert {field: plain(found.values.get(field)) for field in wanted} == wanted


@pytest.mark.parametrize("name", NAMES)
def test_evidence_is_where_the_value_is_printed(name: str) -> None:
    text = drawn(name).text
    found = find_header(text)
    assert found.values.keys() == found.evidence.keys()
    for field, evidence in found.evidence.items():
        assert 0.3 <= evidence.confidence <= 0.95, field
        assert evidence.page == 1
        assert evidence.bbox is not None
        words = words_in(text, evidence.bbox)
        if field == "currency":  # cut from a word of letters that are not equally wide: HK$1,000.00
            assert squeezed(words)[:4].startswith(squeezed(evidence.text))
        else:
            assert squeezed(evidence.text) == squeezed(words), field
        if isinstance(found.values[field], str) and field != "currency":
            assert squeezed(found.values[field]) == squeezed(evidence.text), field


def words_in(text: DocumentText, box: BBox) -> str:
    """What stands in a box; of a word that it cuts, the part inside."""
    found = []
    for row in text.pages[0].rows:
        for word in row.words:
            middle = word.box.center[1]
            inside = min(word.box.x2, box.x2) - max(word.box.x1, box.x1)
            if box.y1 <= middle <= box.y2 and inside > 0.5:
                step = word.box.width / len(word.text)
                start = round((max(word.box.x1, box.x1) - word.box.x1) / step)
                found.append(word.text[start : start + round(inside / step)])
    return " ".join(found)


def squeezed(text: str) -> str:
    return "".join(c for c in text if c.isalnum()).lower()


# --------------------------------------------------------------------------------------- where values stand


def head(*items: list[tuple[float, float, str, float]]) -> Fields:
    return find_header(sheet([one for part in items for one in part]))


def test_label_and_value_in_one_string() -> None:
    assert head(line(50, 100, "Invoice No. 2024/118")).values["invoice_number"] == "2024/118"


def test_label_left_of_the_value() -> None:
    assert head(pairs(50, 200, 100, "Invoice no. | RX-5510")).values["invoice_number"] == "RX-5510"


def test_label_above_the_value() -> None:
    assert head(block(50, 100, "Invoice number\nRX-5510")).values["invoice_number"] == "RX-5510"


def test_labels_in_a_row_above_their_values() -> None:
    found = head(grid([50, 200, 350], 100, "Customer no. | Invoice no. | Invoice date\n70011 | 99123 | 05.03.2024"))
    assert found.values["invoice_number"] == "99123"
    assert found.values["issue_date"] == datetime.date(2024, 3, 5)


def test_a_label_after_its_value() -> None:
    assert head(grid([50, 150], 100, "RX-5510 | Invoice number")).values["invoice_number"] == "RX-5510"


def test_two_blocks_of_labels_beside_each_other() -> None:
    rows = "Customer no: | 1001 | Invoice no: | 2002\nYour order: | 3003 | Due date: | 2024-04-30"
    found = head(grid([50, 150, 300, 420], 100, rows))
    assert found.values["invoice_number"] == "2002"
    assert found.values["purchase_order"] == "3003"
    assert found.values["due_date"] == datetime.date(2024, 4, 30)


def test_an_empty_field_does_not_take_its_neighbours_value() -> None:
    found = head(
        grid([50, 150, 300, 420], 100, "Invoice no: | | Customer no: | 1001\nDue date: | | Paid on: | 2024-04-30")
    )
    assert "invoice_number" not in found.values
    assert "due_date" not in found.values


@pytest.mark.parametrize(
    "said",
    [
        "Customer number 40551",
        "Kundennummer: 40551",
        "Order no. 40551",
        "Lieferschein-Nr. 40551",
        "Tax number 40551/33120",
        "Page 1 of 40551",
        "N° client : 40551",
        "Original invoice no. 40551",
        "Telephone number 040 551 334",
        "Invoice date 05.03.2024",
    ],
)
def test_other_numbers_are_not_the_invoices(said: str) -> None:
    assert "invoice_number" not in head(line(50, 100, "Invoice", 16), line(50, 140, said)).values


def test_a_sentence_says_less_than_a_label() -> None:
    found = head(
        line(50, 100, "Invoice 2024-7", 16), line(50, 400, "Please quote document number 88123 when you write.")
    )
    assert found.values["invoice_number"] == "2024-7"


def test_a_page_without_any_field_gives_none() -> None:
    found = head(
        block(50, 100, "Dear Sir or Madam,\nthe meeting of our reading group has been moved\nto the small hall.")
    )
    assert found.values == {}


# --------------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2024-0815", "2024-0815"),
        (": RE 2024 0815", "RE 2024 0815"),
        ("2024 / 17", "2024 / 17"),
        ("# INV/2024/03/0008", "INV/2024/03/0008"),
        ("471102 vom 05.06.2018", "471102"),
        ("n° 2022089083 - Page 1/1", "2022089083"),
        ("(380) Nr. 4711 vom 1.2.2024", "4711"),
        ("ACME 12", "ACME 12"),
        ("K-77, dated 5 May", "K-77"),
        ("document_7", "document_7"),
    ],
)
def test_numbers(text: str, number: str) -> None:
    found = list(numbers_in(text))
    assert [value for value, *_ in found] == [number]
    value, start, end, _ = found[0]
    assert text[start:end] == value


@pytest.mark.parametrize(
    "text",
    ["", "none", "05.03.2024", "March 5, 2024", "12,50 EUR", "19 %", "see below", "info@example.org 5", "1.250,00"],
)
def test_no_numbers(text: str) -> None:
    assert not list(numbers_in(text))


# ----------------------------------------------------------------------------------------------- dates


def test_one_order_of_day_and_month_for_the_whole_document() -> None:
    american = head(pairs(50, 200, 100, "Invoice date: | 03/04/2024\nDue date: | 04/13/2024"))
    assert american.values["issue_date"] == datetime.date(2024, 3, 4)
    european = head(pairs(50, 200, 100, "Invoice date: | 03/04/2024\nDue date: | 13/04/2024"))
    assert european.values["issue_date"] == datetime.date(2024, 4, 3)


def test_two_readings_are_less_sure_than_one() -> None:
    two = head(pairs(50, 200, 100, "Invoice date: | 03/04/2024"))
    one = head(pairs(50, 200, 100, "Invoice date: | 13/04/2024"))
    assert two.evidence["issue_date"].confidence < one.evidence["issue_date"].confidence


def test_the_usual_term_decides_between_two_readings() -> None:
    found = head(pairs(50, 200, 100, "Invoice date: | 01/02/2024\nDue date: | 02/03/2024"))
    # Thirty days from 1 February; as months first it would be from 2 January to 3 February, 32 days.
    assert found.values["issue_date"] == datetime.date(2024, 2, 1)


def test_the_date_of_a_discount_is_not_the_due_date() -> None:
    found = head(
        block(50, 100, "Rechnung Nr. 77\nZahlbar mit 2% Skonto bis 10.03.2024\nZahlbar ohne Abzug bis 30.03.2024")
    )
    assert found.values["due_date"] == datetime.date(2024, 3, 30)


def test_a_period_is_no_delivery_date() -> None:
    found = head(pairs(50, 250, 100, "Leistungsdatum: | 01.02.2024 - 29.02.2024\nRechnungsdatum: | 05.03.2024"))
    assert "delivery_date" not in found.values


# ------------------------------------------------------------------------------- money and tax numbers


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ("Total | $ 10.00", "USD"),
        ("Total | 10.00 CAD\nSubtotal | $ 9.00", "CAD"),
        ("Total | RM 10.00", "MYR"),
        ("Summe | 10,00 EUR", "EUR"),
        ("Currency: | GBP\nTotal | 10.00", "GBP"),
    ],
)
def test_currency(rows: str, code: str) -> None:
    assert head(pairs(50, 200, 100, rows)).values["currency"] == code


def test_no_sign_no_currency() -> None:
    assert "currency" not in head(pairs(50, 200, 100, "Total | 10.00")).values


def test_a_wrong_iban_is_less_sure() -> None:
    right = head(line(50, 100, "IBAN: DE02 1203 0000 0000 2020 51"))
    wrong = head(line(50, 100, "IBAN: DE02 1203 0000 0000 2020 52"))
    assert right.evidence["iban"].confidence > 0.9
    assert wrong.evidence["iban"].confidence < 0.7


def test_tax_numbers_belong_to_whose_block_they_stand_in() -> None:
    names = "Seller | Buyer\nAlder Ltd | Birch Ltd\n1 Main Street | 2 Side Street"
    found = head(grid([50, 320], 100, f"{names}\nVAT no. GB555000153 | VAT no. GB555070144"))
    assert found.values["seller_vat_id"].endswith("555000153")
    assert found.values["buyer_vat_id"].endswith("555070144")


# ------------------------------------------------------------------------------------------ the choice


def found(value: str, score: float) -> Found:
    row: Row = sheet(line(50, 100, "anything")).pages[0].rows[0]
    return Found(value, row.span(0, 8), score)


def test_what_is_said_twice_is_surer_and_what_is_contradicted_less() -> None:
    alone = best([found("a", 0.6)])
    twice = best([found("a", 0.6), found("a", 0.5)])
    against = best([found("a", 0.6), found("b", 0.58)])
    assert alone is not None
    assert twice is not None
    assert against is not None
    assert against.score < alone.score < twice.score
    assert best([]) is None
