"""The XML inside an invoice against what is printed on it."""

from __future__ import annotations

import datetime
from decimal import Decimal

from docparse.document import Document, Page
from docparse.extract.einvoice.find import EInvoice
from docparse.extract.einvoice.witness import AGREED, CONTRADICTED, SEEN, UNSEEN, heard
from docparse.extract.page_text import DocumentText, document_text
from docparse.extract.result import Evidence, Fields
from docparse.geometry import BBox
from docparse.textlayer import Style, Word


def text(*lines: str) -> DocumentText:
    """A page of these lines, 40 pixels apart, letters 10 wide."""
    words = []
    for number, line in enumerate(lines):
        at = 0
        for part in line.split(" "):
            box = BBox(100 + 10 * at, 100 + 40 * number, 100 + 10 * (at + len(part)), 120 + 40 * number)
            words.append(Word(part, box, ((part, Style(20)),)))
            at += len(part) + 1
    return document_text(Document((Page(1, 1000, 1400),)), {1: words})


PAGE = text("Invoice 2024-17", "Date 1 March 2024", "2 x Tea 3.10 6.20", "Total EUR 1,234.50", "Paid 34.50 EUR")


def read(**values: object) -> Fields:
    return Fields(dict(values), {name: Evidence("seen", 1, BBox(1, 1, 2, 2), "p1b1", 0.8) for name in values})


def test_what_both_say_is_surer_than_what_one_says() -> None:
    found = heard(read(grand_total=Decimal("1234.50")), EInvoice("CII", "", {"grand_total": Decimal("1234.5")}), PAGE)
    assert found.values["grand_total"] == Decimal("1234.50")
    assert found.evidence["grand_total"].confidence == AGREED
    assert found.evidence["grand_total"].bbox == BBox(1, 1, 2, 2)  # the place where it was read
    assert [(c.name, c.passed) for c in found.checks] == [("same-as-xml", True)]


def test_what_was_not_read_is_found_on_the_page() -> None:
    found = heard(Fields(), EInvoice("CII", "", {"issue_date": datetime.date(2024, 3, 1)}), PAGE)
    item = found.evidence["issue_date"]
    assert (item.text, item.page, item.confidence, item.source) == ("1 March 2024", 1, SEEN, "print")
    assert item.bbox == BBox(150, 140, 270, 160)


def test_what_was_misread_is_put_right_where_the_page_has_it_after_all() -> None:
    found = heard(read(grand_total=Decimal("34.50")), EInvoice("CII", "", {"grand_total": Decimal("1234.50")}), PAGE)
    assert (found.values["grand_total"], found.evidence["grand_total"].text) == (Decimal("1234.50"), "1,234.50")
    assert [c.passed for c in found.checks] == [True]


def test_what_the_page_contradicts_fails_a_check_that_names_both() -> None:
    found = heard(read(grand_total=Decimal("1234.50")), EInvoice("CII", "", {"grand_total": Decimal("9999.00")}), PAGE)
    item = found.evidence["grand_total"]
    assert (item.source, item.confidence, item.bbox) == ("xml", CONTRADICTED, None)
    assert "1234.50" in item.note
    check = found.checks[0]
    assert check.passed is False
    assert "1234.50" in check.message
    assert "9999.00" in check.message


def test_what_is_not_printed_has_no_place() -> None:
    found = heard(Fields(), EInvoice("CII", "", {"iban": "DE75512108001245126199"}), PAGE)
    item = found.evidence["iban"]
    assert (item.text, item.page, item.bbox, item.source, item.confidence) == ("", None, None, "xml", UNSEEN)
    assert found.values["iban"] == "DE75512108001245126199"


def test_rows_are_placed_part_by_part_near_each_other() -> None:
    row = {"description": "Tea", "quantity": Decimal(2), "unit": "C62", "unit_price": Decimal("3.10")}
    row |= {"tax_rate": None, "amount": Decimal("6.20")}
    ours = {**row, "unit": "x", "description": "Te"}
    found = heard(Fields({"line_items": [ours]}), EInvoice("CII", "", {"line_items": [row]}), PAGE)
    places = {name: (item.text, item.bbox.y1 if item.bbox else None) for name, item in found.evidence.items()}
    assert places["line_items[0].description"] == ("Tea", 180)
    assert places["line_items[0].amount"] == ("6.20", 180)
    assert places["line_items[0].unit_price"] == ("3.10", 180)
    assert found.values["line_items"] == [{**row, "unit": "x"}]  # as printed: C62 is for programs
    assert found.checks[0].passed


def test_rows_that_do_not_match_are_said_and_the_xml_is_taken() -> None:
    rows = [{"description": "Tea", "amount": Decimal("6.20")}, {"description": "Milk", "amount": Decimal("1.00")}]
    found = heard(Fields({"line_items": rows[:1]}), EInvoice("UBL", "", {"line_items": rows}), PAGE)
    assert found.values["line_items"] == rows
    assert found.evidence["line_items[1].description"].source == "xml"
    assert found.checks[0].passed is None
    assert "1 line_items were read" in found.checks[0].message


def test_what_only_the_page_says_stays() -> None:
    found = heard(read(payment_terms="net"), EInvoice("CII", "", {}), PAGE)
    assert found == read(payment_terms="net")


def test_equal_rows_stand_in_as_many_places() -> None:
    row = {"description": "Tea", "amount": Decimal("6.20")}
    pages = text("Tea 6.20", "Tea 6.20")
    found = heard(Fields(), EInvoice("CII", "", {"line_items": [row, dict(row)]}), pages)
    tops = [found.evidence[f"line_items[{i}].{part}"].bbox for i in (0, 1) for part in row]
    assert [box.y1 for box in tops if box is not None] == [100, 100, 140, 140]


def test_titles_written_as_lines_of_nothing_are_no_rows() -> None:
    title = {
        "description": "--- Drinks ---",
        "quantity": Decimal(0),
        "unit_price": Decimal(0),
        "amount": Decimal("0.00"),
    }
    row = {"description": "Tea", "quantity": Decimal(2), "unit_price": Decimal("3.10"), "amount": Decimal("6.20")}
    found = heard(Fields(), EInvoice("CII", "", {"line_items": [title, row]}), PAGE)
    assert found.values["line_items"] == [row]
    assert "line_items[1].amount" not in found.evidence


def test_of_a_row_whose_numbers_do_not_multiply_in_the_xml_the_print_is_taken() -> None:
    ours = {"description": "Tea", "quantity": Decimal(2), "unit_price": Decimal("3.10"), "amount": Decimal("6.20")}
    theirs = {**ours, "unit_price": Decimal("0.31")}
    known = Evidence("3.10", 1, BBox(1, 1, 2, 2), "p1b1", 0.9)
    read = Fields({"line_items": [ours]}, {"line_items[0].unit_price": known})
    found = heard(read, EInvoice("CII", "", {"line_items": [theirs]}), PAGE)
    assert found.values["line_items"] == [ours]
    assert found.evidence["line_items[0].unit_price"] == known
