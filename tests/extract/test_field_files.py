"""Fields as files: what stands in CSV and XLSX, and that nothing in them becomes a formula."""

from __future__ import annotations

import csv
import datetime
import importlib.util
import io
import json
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from docparse.document import Document, Issue, Source
from docparse.errors import OutputError, SettingsError
from docparse.extract.output.files import FORMATS, FORMULA, begins_formula, csv_bytes, csv_of_run, find, write_fields
from docparse.extract.output.flat import Table, layout, line_items
from docparse.extract.output.schema import SOURCES
from docparse.extract.output.summary import summaries
from docparse.extract.output.workbook import DIGITS, workbook
from docparse.extract.result import Evidence, Extraction, FieldsVerdict
from docparse.extract.schemas import Schema, load_schema
from docparse.geometry import BBox

INVOICE, RECEIPT = load_schema("invoice"), load_schema("receipt")
HOSTILE = ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "\n@x"]
NS = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def found(schema: Schema = INVOICE, **values: Any) -> Extraction[Any]:
    names = schema.definition["properties"]
    empty = {name: [] if names[name].get("type") == "array" else None for name in names}
    return Extraction(schema.name, None, {**empty, **values}, {}, document=Document((), Source("a.pdf")))


def no_images(number: int) -> Any:
    raise AssertionError("nobody needs a picture")


def parsed(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def sheets(data: bytes) -> dict[str, dict[str, tuple[str, str]]]:
    """By sheet and cell, its type (``s`` text, ``n`` number, ``b`` truth, ``f`` formula) and what is in it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        # XML has no carriage return: the format writes it out.
        strings = [
            "".join(item.itertext()).replace("_x000D_", "\r")
            for item in etree.fromstring(archive.read("xl/sharedStrings.xml"))
        ]
        names = etree.fromstring(archive.read("xl/workbook.xml")).findall("m:sheets/m:sheet", NS)
        made: dict[str, dict[str, tuple[str, str]]] = {}
        for number, sheet in enumerate(names, 1):
            cells = made.setdefault(sheet.get("name"), {})
            for cell in etree.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml")).iter(f"{{{NS['m']}}}c"):
                kind = "f" if cell.find("m:f", NS) is not None else cell.get("t", "n")
                text = cell.findtext("m:v", "", NS)
                cells[cell.get("r")] = (kind, strings[int(text)] if kind == "s" else text)
    return made


def column(cells: dict[str, tuple[str, str]], name: str) -> list[tuple[str, str]]:
    """The cells below a heading."""
    (letter,) = [place[0] for place, (_, text) in cells.items() if text == name and place[1:] == "1"]
    return [cell for place, cell in cells.items() if place[0] == letter and place[1:] != "1"]


# ------------------------------------------------------------------------------------ CSV


def test_a_row_for_each_line_item_with_its_invoice_in_front() -> None:
    one = found(
        invoice_number="R-1",
        issue_date=datetime.date(2025, 3, 14),
        seller_name="Möller, Söhne",
        currency="EUR",
        line_items=[
            {"description": "Hinge", "quantity": Decimal("10"), "amount": Decimal("-12.50")},
            {"description": "Bolt", "quantity": None, "amount": Decimal("1200.00")},
        ],
    )
    head, first, second = parsed(csv_bytes(line_items(one, INVOICE)))
    assert head[:5] == ["invoice_number", "issue_date", "seller_name", "currency", "line"]
    named = [dict(zip(head, row, strict=True)) for row in (first, second)]
    assert [row["invoice_number"] for row in named] == ["R-1", "R-1"]
    assert named[0]["issue_date"] == "2025-03-14"
    assert named[0]["seller_name"] == "Möller, Söhne"
    # Numbers stay numbers, also those below nothing.
    assert [(row["line"], row["description"], row["amount"]) for row in named] == [
        ("1", "Hinge", "-12.50"),
        ("2", "Bolt", "1200.00"),
    ]
    assert named[1]["quantity"] == ""


def test_the_evidence_of_a_row_is_that_of_its_weakest_cell() -> None:
    one = found(RECEIPT, company="Shop", items=[{"description": "Tea", "amount": Decimal(2)}])
    proof = {
        "items[0].description": Evidence("Tea", 2, confidence=0.5),
        "items[0].amount": Evidence("2.00", 2, confidence=0.9),
        "items[1].amount": Evidence("3.00", 3, confidence=0.1),
    }
    table = line_items(Extraction("receipt", None, one.values, proof), RECEIPT)
    (row,) = table.rows
    assert dict(zip(table.columns, row, strict=True))["page"] == 2
    assert row[-1] == 0.5


def test_no_line_items_are_one_row_all_the_same() -> None:
    table = line_items(found(invoice_number="R-1"), INVOICE)
    assert len(table.rows) == 1
    assert table.rows[0][:2] == ("R-1", None)


MINE: dict[str, Any] = {
    "title": "order",
    "type": "object",
    "properties": {
        "number": {"type": "string"},
        "buyer": {"type": "object", "properties": {"name": {"type": "string"}, "city": {"type": "string"}}},
        "tags": {"type": "array", "items": {"type": "string"}},
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "article": {"type": "object", "properties": {"code": {"type": "string"}}},
                    "amount": {"type": "number"},
                },
            },
        },
        "paid": {"type": "boolean"},
    },
}


def test_a_users_schema_has_dotted_names_and_rows_for_its_lists() -> None:
    schema = load_schema(MINE)
    assert layout(schema).scalars == ("number", "buyer.name", "buyer.city", "tags", "paid")
    values = {
        "number": "7",
        "buyer": {"name": "Ada", "city": None},
        "tags": ["new", "blue"],
        "lines": [{"article": {"code": "X"}, "amount": 1.5}, {"article": None, "amount": 2}],
        "paid": True,
    }
    one = Extraction("order", None, values, {})
    assert parsed(csv_bytes(line_items(one, schema))) == [
        ["number", "buyer.name", "buyer.city", "tags", "paid", "lines.article.code", "lines.amount"],
        ["7", "Ada", "", "new; blue", "true", "", ""],
        ["", "", "", "", "", "X", "1.5"],
        ["", "", "", "", "", "", "2"],
    ]


def test_the_table_of_a_run() -> None:
    one = found(invoice_number="R-1", grand_total=Decimal("5.00"))
    bad = Extraction(
        "invoice",
        None,
        found().values,
        {},
        verdict=FieldsVerdict("empty", (Issue("a", "slight", "info"), Issue("b", "bad", "error"))),
        pages=(2, 4),
    )
    told = [summaries(Extraction("invoice", None, one.values, {}, others=(bad,)), INVOICE)]
    head, *table = parsed(csv_of_run_bytes(told))
    rows = [dict(zip(head, row, strict=True)) for row in table]
    assert [(row["file"], row["pages"], row["invoice_number"], row["verdict"], row["reason"]) for row in rows] == [
        ("'=a.pdf", "1", "R-1", "ok", ""),
        ("'=a.pdf", "2 to 4", "", "empty", "bad"),
    ]
    assert rows[0]["grand_total"] == "5.00"
    assert "line_items" not in head


def csv_of_run_bytes(told: Any) -> bytes:
    return csv_of_run(["=a.pdf"], told, layout(INVOICE).scalars)


@pytest.mark.parametrize("text", HOSTILE)
def test_text_never_begins_a_formula(text: str) -> None:
    table = Table(("number", text), ((text, Decimal("-5")),))
    head, row = parsed(csv_bytes(table))
    assert (head[1], row) == (f"'{text}", [f"'{text}", "-5"])
    one = found(invoice_number=text, line_items=[{"description": text, "amount": Decimal("-5")}])
    for cells in sheets(workbook(one, INVOICE)).values():
        assert "f" not in {kind for kind, _ in cells.values()}
        written = [value for kind, value in cells.values() if kind == "s" and value.split() == text.split()]
        assert written


@given(st.text())
def test_no_cell_of_any_text_begins_a_formula(text: str) -> None:
    (cells,) = parsed(csv_bytes(Table((text, "b"), ()))) or [[]]
    first = cells[0].lstrip("\t\r\n ")
    assert not first[:1] or first[0] not in FORMULA
    assert cells[0] in (text, f"'{text}") or "\ud800" <= max(text) <= "\udfff" or "\0" in text


@pytest.mark.parametrize("text", ["", "a=b", "R-1", "3 - 4", "'=x", " ", "Ltd. @home"])
def test_other_text_is_left_alone(text: str) -> None:
    assert not begins_formula(text)


# ------------------------------------------------------------------------------------ XLSX


def test_a_workbook_has_numbers_dates_and_evidence() -> None:
    one = found(
        invoice_number="007",
        issue_date=datetime.date(2025, 3, 14),
        delivery_date=datetime.date(1815, 12, 10),
        grand_total=Decimal("12.50"),
        tax_lines=[{"rate": Decimal(19), "net": None, "tax": Decimal("2.00")}],
        line_items=[{"description": "Hinge", "quantity": Decimal(10), "amount": Decimal("12.50")}],
        payment_terms="https://example.org",
    )
    proof = {
        "grand_total": Evidence("12,50", 3, BBox(1, 2, 3, 4), "b1", 0.75, ("totals-add-up", "!due-consistent")),
        "issue_date": Evidence("", confidence=0.9, source="xml"),
    }
    made = sheets(workbook(Extraction("invoice", None, one.values, proof), INVOICE))
    assert list(made) == ["fields", "items"]
    fields = made["fields"]
    names = [text for _, text in column(fields, "field")]
    assert names[:2] == ["invoice_number", "issue_date"]
    place = {name: number for number, name in enumerate(names, 2)}
    assert fields[f"B{place['invoice_number']}"] == ("s", "007")
    # Days since 1899-12-30, as Excel counts; what it cannot count is text.
    assert fields[f"B{place['issue_date']}"] == (
        "n",
        str((datetime.date(2025, 3, 14) - datetime.date(1899, 12, 30)).days),
    )
    assert fields[f"B{place['delivery_date']}"] == ("s", "1815-12-10")
    assert fields[f"B{place['grand_total']}"] == ("n", "12.50")
    assert fields[f"B{place['tax_lines[0].tax']}"] == ("n", "2.00")
    assert fields[f"B{place['payment_terms']}"] == ("s", "https://example.org")
    row = [fields.get(f"{letter}{place['grand_total']}", ("", ""))[1] for letter in "CDEFGH"]
    assert row == ["12,50", "3", "0.75", "totals-add-up, !due-consistent", "print", ""]
    assert fields[f"G{place['issue_date']}"] == ("s", "xml")
    # A field that the document does not say is there, and empty.
    assert f"B{place['buyer_name']}" not in fields
    assert column(made["items"], "description") == [("s", "Hinge")]
    assert column(made["items"], "amount") == [("n", "12.50")]
    # No link, nothing that a spreadsheet would load.
    assert b"hyperlink" not in zipfile.ZipFile(io.BytesIO(workbook(one, INVOICE))).read("xl/worksheets/sheet1.xml")


def test_several_documents_are_told_apart() -> None:
    several = Extraction("invoice", None, found(invoice_number="1").values, {}, others=(found(invoice_number="2"),))
    made = sheets(workbook(several, INVOICE))
    numbers = column(made["fields"], "document")
    assert {value for _, value in numbers} == {"1", "2"}
    assert [text for _, text in column(made["items"], "invoice_number")] == ["1", "2"]


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (Decimal("1" * DIGITS), "n", "1" * DIGITS),
        (Decimal("1" * (DIGITS + 1)), "s", "1" * (DIGITS + 1)),
        (Decimal("NaN"), "s", "NaN"),
        (float("inf"), "s", "inf"),
        (True, "b", "1"),
        (datetime.time(17, 42), "n", "0.7375"),
        (datetime.datetime(2025, 3, 14, 12, 0), "n", "45730.5"),
        ("x" * 40_000, "s", "x" * 32_766 + "…"),
        ("a\x07b\udcff", "s", "a_x0007_b?"),
    ],
)
def test_values_that_a_spreadsheet_may_not_hold(value: Any, kind: str, text: str) -> None:
    schema = load_schema({"title": "s", "type": "object", "properties": {"v": {"type": "string"}}})
    made = sheets(workbook(Extraction("s", None, {"v": value}, {}), schema))
    assert made["fields"]["B2"] == (kind, text)


# ------------------------------------------------------------------------------------ files


def test_files_are_written_by_their_names(tmp_path: Path) -> None:
    one = found(invoice_number="R-1")
    paths = write_fields(one, INVOICE, ("json", "csv", "xlsx", "overlay"), tmp_path / "new", "a", images=no_images)
    assert [path.name for path in paths] == ["a.fields.json", "a.fields.csv", "a.fields.xlsx"]
    text = (tmp_path / "new/a.fields.json").read_text("utf-8")
    assert json.loads(text) == one.to_dict()
    assert text.startswith('{\n "schema": "invoice"')
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        write_fields(one, INVOICE, ("json",), tmp_path / "file", "a", images=no_images)


def test_a_file_name_that_is_no_unicode_can_be_written(tmp_path: Path) -> None:
    one = Extraction("invoice", None, found().values, {}, document=Document((), Source("a\udcff.pdf")))
    (path,) = write_fields(one, INVOICE, ("json",), tmp_path, "a", images=no_images)
    assert json.loads(path.read_text("utf-8"))["source"]["name"] == "a?.pdf"


def test_a_format_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="there is no format 'ods'"):
        find("ods")
    assert {find(name) for name in FORMATS} == set(FORMATS.values())
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"xlsxwriter, which is not installed. Run pip install 'docparse\[xlsx\]'"):
        find("xlsx")
    assert find("csv").needs is None


def test_the_schema_knows_every_source_of_evidence() -> None:
    assert set(SOURCES) == set(get_args(get_type_hints(Evidence)["source"]))
