"""Fields that come back from a person are written as a spreadsheet: the values as changed, and nothing that is run."""

from __future__ import annotations

import copy
import csv
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

import docparse
from docparse.api.config import ApiConfig
from tests.api.fake_service import FakeService
from tests.api.loopback import Running, running

SAMPLES = Path(__file__).parents[2] / "samples"
OWN = {
    "type": "object",
    "properties": {
        "order": {"type": "string"},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"what": {"type": "string"}}}},
    },
}
_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(FakeService, ApiConfig(schemas={"slip": {"title": "Slip", **OWN}})) as it:
        yield it


@pytest.fixture(scope="module")
def invoice() -> dict[str, Any]:
    """As the service answers with it."""
    found: dict[str, Any] = json.loads(
        json.dumps(docparse.extract(SAMPLES / "invoice.pdf", schema="invoice").to_dict())
    )
    return found


def export(server: Running, to: str, fields: Any, **more: Any) -> httpx.Response:
    return server.client.post("/v1/fields/export", json={"to": to, "fields": fields, **more})


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def cells(answer: httpx.Response, number: int) -> dict[str, str]:
    """Texts and numbers of a sheet by the name of their cell; formulas are told from both."""
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        shared = ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
        texts = ["".join(part.itertext()) for part in shared.iter(f"{_SHEET}si")]
        sheet = ElementTree.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))
    found = {}
    for cell in sheet.iter(f"{_SHEET}c"):
        assert cell.find(f"{_SHEET}f") is None, "a formula"
        value = cell.findtext(f"{_SHEET}v", "")
        found[cell.attrib["r"]] = texts[int(value)] if cell.get("t") == "s" else value
    return found


def test_values_that_were_changed_are_in_the_table(server: Running, invoice: dict[str, Any]) -> None:
    changed = copy.deepcopy(invoice)
    changed["fields"]["invoice_number"] = "RE-1"
    changed["fields"]["line_items"][1]["amount"] = "317.50"
    answer = export(server, "csv", changed)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="invoice.fields.csv"' in answer.headers["content-disposition"]
    found = rows(answer)
    assert [row["invoice_number"] for row in found] == ["RE-1"] * 3
    assert [row["amount"] for row in found] == ["160.00", "317.50", "20.00"]


def test_a_workbook_has_numbers_as_numbers(server: Running, invoice: dict[str, Any]) -> None:
    changed = copy.deepcopy(invoice)
    changed["fields"]["grand_total"] = "1234.50"
    answer = export(server, "xlsx", changed)
    assert 'filename="invoice.fields.xlsx"' in answer.headers["content-disposition"]
    sheet = cells(answer, 1)
    row = next(name[1:] for name, value in sheet.items() if name[0] == "A" and value == "grand_total")
    assert float(sheet[f"B{row}"]) == 1234.5


@pytest.mark.parametrize("to", ["csv", "xlsx"])
def test_no_text_becomes_a_formula(server: Running, invoice: dict[str, Any], to: str) -> None:
    changed = copy.deepcopy(invoice)
    changed["fields"]["line_items"][0]["description"] = "=HYPERLINK(0)"
    answer = export(server, to, changed)
    if to == "csv":
        assert rows(answer)[0]["description"] == "'=HYPERLINK(0)"
    else:
        assert "=HYPERLINK(0)" in cells(answer, 2).values()  # as text: `cells` has seen no formula


def test_a_schema_of_ones_own(server: Running) -> None:
    fields = {
        "schema": "schema",
        "source": {"name": "order.pdf", "sha256": ""},
        "pages": [1, 1],
        "fields": {"order": "17", "lines": [{"what": "cup"}, {"what": "plate"}]},
        "evidence": {},
        "checks": [],
        "verdict": {"status": "ok", "issues": []},
    }
    assert [row["lines.what"] for row in rows(export(server, "csv", fields, schema=OWN))] == ["", "cup", "plate"]
    assert rows(export(server, "csv", fields, schema="slip"))[0]["order"] == "17"
    answer = export(server, "csv", {**fields, "schema": "nobody's"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "schema.invalid")


def _at(name: str, value: Any) -> Any:
    def change(fields: dict[str, Any]) -> None:
        *outer, last = name.split(".")
        at = fields
        for part in outer:
            at = at[part]
        at[last] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_at("fields.grand_total", "a lot"), id="no amount"),
        pytest.param(_at("fields.grand_total", "1E+999999999"), id="an amount of a gigabyte"),
        pytest.param(_at("fields.line_items", 7), id="a number for a list"),
        pytest.param(_at("fields", []), id="a list for fields"),
        pytest.param(_at("evidence", {"grand_total": 3}), id="evidence that is none"),
        pytest.param(_at("evidence.grand_total.bbox", "here"), id="a box that is none"),
        pytest.param(_at("checks", [{"name": []}]), id="a check that is none"),
        pytest.param(_at("verdict", None), id="no verdict"),
        pytest.param(_at("pages", [1]), id="half a range"),
        pytest.param(_at("others", [1]), id="others that are none"),
    ],
)
def test_what_is_no_fields_is_refused(server: Running, invoice: dict[str, Any], change: Any) -> None:
    changed = copy.deepcopy(invoice)
    change(changed)
    answer = export(server, "xlsx", changed)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["code"].startswith("schema.")


@pytest.mark.parametrize("lines", [7, True, "text", {"a": 1}])
def test_a_list_of_ones_own_schema_that_is_none_is_refused(server: Running, lines: Any) -> None:
    fields = {"fields": {"lines": lines}, "verdict": {"status": "ok"}}
    answer = export(server, "csv", fields, schema=OWN)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "schema.invalid")


def test_infinity_is_refused(server: Running) -> None:
    fields = '{"fields": {}, "pages": [Infinity, 1], "verdict": {"status": "ok"}}'
    body = f'{{"to": "csv", "schema": "invoice", "fields": {fields}}}'
    answer = server.client.post("/v1/fields/export", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text


def test_another_format_is_refused(server: Running, invoice: dict[str, Any]) -> None:
    assert export(server, "docx", invoice).status_code == 422
