"""Fields in the browser: each value with its place, what contradicts itself in red, and files with what was changed."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, get_args

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect
from pydantic import BaseModel

from docparse.extract.schemas import Invoice, Receipt
from tests.api.serving import Served
from tests.making import pdf, text, together
from tests.ui.opening import SAMPLES
from tests.ui.workbench import read, show, tab

STATIC = Path(__file__).parents[2] / "ui" / "static"
HEAD = ("INVOICE", "Invoice number: 2026-17", "Invoice date: 2026-05-04", "Subtotal: 100.00 EUR", "VAT 19 %: 19.00 EUR")
RIGHT = (*HEAD, "Total amount: 119.00 EUR")
WRONG = (*HEAD, "Total amount: 131.00 EUR")


@pytest.fixture(scope="module")
def invoice(server: Served) -> str:
    return read(server, SAMPLES / "invoice.pdf")


def lines(*said: str) -> Any:
    return together(*(text(line, (60, 80 + 40 * number), 14) for number, line in enumerate(said)))


def find(page: Page, server: Served, job: str, schema: str = "invoice", number: int = 1) -> Locator:
    show(page, server, job, number)
    panel = tab(page, "Fields")
    panel.get_by_label("Schema", exact=True).select_option(schema)
    panel.get_by_role("button", name="Find fields").click()
    expect(panel.locator(".dp-fields-table").first).to_be_visible()
    return panel


def place(page: Page) -> Locator:
    """The outline on the page that says where a value stands."""
    return page.locator(".dp-page .dp-place rect").first


def saved(page: Page, panel: Locator, to: str) -> tuple[str, bytes]:
    with page.expect_download() as waiting:
        panel.get_by_role("button", name=to, exact=True).click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def test_fields_are_those_of_the_service_and_light_up_their_place(page: Page, server: Served, invoice: str) -> None:
    panel = find(page, server, invoice)
    found = httpx.post(f"{server.url}/v1/jobs/{invoice}/fields", json={"schema": "invoice"}).json()
    expect(panel.get_by_label("Invoice number", exact=True)).to_have_value("RE-20140522/501")
    expect(panel.get_by_label("Seller VAT ID", exact=True)).to_have_value("DE136695976")
    expect(panel.get_by_label("Purchase order", exact=True)).to_have_value("")
    expect(panel.locator('[data-field="grand_total"]')).to_contain_text(
        f"{round(found['evidence']['grand_total']['confidence'] * 100)} %"
    )
    panel.get_by_label("Grand total", exact=True).click()
    expect(page.locator(".dp-page")).to_contain_text("Grand total")
    x1, y1, x2, y2 = found["evidence"]["grand_total"]["bbox"]
    drawn = {name: float(place(page).get_attribute(name) or "nan") for name in ("x", "y", "width", "height")}
    assert drawn["x"] == pytest.approx(x1, abs=12)
    assert drawn["y"] == pytest.approx(y1, abs=12)
    assert drawn["x"] + drawn["width"] == pytest.approx(x2, abs=12)
    assert drawn["y"] + drawn["height"] == pytest.approx(y2, abs=12)


def test_line_items_are_a_table(page: Page, server: Served, invoice: str) -> None:
    panel = find(page, server, invoice)
    items = panel.get_by_role("table", name="Line items")
    expect(items.get_by_role("columnheader", name="Unit price")).to_be_visible()
    expect(items.locator("tbody tr")).to_have_count(3)
    expect(items.get_by_label("Line items 2: Amount", exact=True)).to_have_value("316.00")


def test_a_field_on_another_page_turns_to_it(page: Page, server: Served, tmp_path: Path) -> None:
    file = tmp_path / "letter.pdf"
    file.write_bytes(pdf(lines("Dear Ms East,", "our invoice is on the next page.", "Yours"), lines(*RIGHT)))
    job = read(server, file, schema="invoice")
    show(page, server, job)
    panel = tab(page, "Fields")
    # They were asked for with the job: nobody has to ask again.
    total = panel.get_by_label("Grand total", exact=True)
    expect(total).to_have_value("119.00")
    total.hover()
    expect(page.locator(".dp-number")).to_have_value("1")  # nobody asked to turn the page
    total.click()
    expect(page.locator(".dp-number")).to_have_value("2")
    expect(place(page)).to_be_visible()
    expect(total).to_be_focused()


def test_a_failed_check_is_red_and_says_why(page: Page, server: Served, tmp_path: Path) -> None:
    file = tmp_path / "wrong.pdf"
    file.write_bytes(pdf(lines(*WRONG)))
    job = read(server, file)
    found = httpx.post(f"{server.url}/v1/jobs/{job}/fields", json={"schema": "invoice"}).json()
    failed = [check for check in found["checks"] if check["passed"] is False]
    assert failed, found  # 100 + 19 is not 131
    panel = find(page, server, job)
    expect(panel.locator(".dp-failed li")).to_have_count(len(failed))
    expect(panel.locator(".dp-failed li").first).to_have_text(failed[0]["message"])
    name = failed[0]["fields"][0]
    row = panel.locator(f'[data-field="{name}"]')
    expect(row).to_have_class(re.compile("dp-field-failed"))
    expect(row).to_contain_text(failed[0]["message"])
    expect(row.locator(".dp-field-value")).to_have_attribute("aria-invalid", "true")
    red = row.locator(".dp-why").evaluate("element => getComputedStyle(element).color")
    assert red == "rgb(179, 38, 30)"


def test_values_that_are_changed_go_out(page: Page, server: Served, invoice: str) -> None:
    panel = find(page, server, invoice)
    number = panel.get_by_label("Invoice number", exact=True)
    number.fill("RE-7")
    number.press("Tab")
    expect(panel.locator('[data-field="invoice_number"]')).to_contain_text("edited")
    total = panel.get_by_label("Grand total", exact=True)
    total.fill("1234,50")  # as it is written where the invoice is from
    panel.get_by_label("Line items 2: Amount", exact=True).fill("317.50")
    panel.get_by_label("Line items 2: Amount", exact=True).press("Tab")

    name, data = saved(page, panel, "JSON")
    assert name == "invoice.fields.json"
    fields: dict[str, Any] = json.loads(data)
    assert fields["fields"]["invoice_number"] == "RE-7"
    assert fields["fields"]["grand_total"] == "1234.50"
    assert fields["fields"]["line_items"][1]["amount"] == "317.50"
    assert fields["fields"]["net_total"] == "496.00"
    assert fields["evidence"]["invoice_number"]["note"] == "edited"
    assert fields["evidence"]["invoice_number"]["confidence"] == 1
    assert "note" not in fields["evidence"]["net_total"]

    name, data = saved(page, panel, "CSV")
    assert name == "invoice.fields.csv"
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert [row["invoice_number"] for row in rows] == ["RE-7"] * 3
    assert rows[1]["amount"] == "317.50"

    name, data = saved(page, panel, "XLSX")
    assert name == "invoice.fields.xlsx"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert "RE-7" in archive.read("xl/sharedStrings.xml").decode()
        assert "1234.5" in archive.read("xl/worksheets/sheet1.xml").decode()

    panel.get_by_role("button", name="What was found for Invoice number").click()
    expect(number).to_have_value("RE-20140522/501")
    assert json.loads(saved(page, panel, "JSON")[1])["fields"]["invoice_number"] == "RE-20140522/501"


def test_what_is_no_value_is_not_exported(page: Page, server: Served, invoice: str) -> None:
    panel = find(page, server, invoice)
    date = panel.get_by_label("Due date", exact=True)
    for said in ("soon", "2014-02-30"):
        date.fill(said)
        date.press("Tab")
        expect(panel.locator('[data-field="due_date"]')).to_contain_text("YYYY-MM-DD")
    panel.get_by_role("button", name="JSON", exact=True).click()
    expect(panel.locator(".dp-fields-export")).to_contain_text("cannot be exported")
    date.fill("")
    date.press("Tab")
    assert json.loads(saved(page, panel, "JSON")[1])["fields"]["due_date"] is None


def test_a_schema_of_ones_own(page: Page, server: Served, invoice: str) -> None:
    show(page, server, invoice)
    panel = tab(page, "Fields")
    panel.get_by_label("Schema", exact=True).select_option(label="Own JSON Schema")
    own = panel.get_by_label("Own JSON Schema", exact=True)
    own.fill("{ not JSON")
    panel.get_by_role("button", name="Find fields").click()
    expect(panel.locator(".dp-fields-status")).to_contain_text("This is no JSON Schema")
    own.fill('{"type": "object", "properties": {"summe_netto": {"type": "number"}, "paid": {"type": "boolean"}}}')
    panel.get_by_role("button", name="Find fields").click()
    net = panel.get_by_label("Summe netto", exact=True)
    expect(net).to_have_value("496")
    net.fill("497.5")
    paid = panel.get_by_label("Paid", exact=True)
    paid.fill("yes")
    paid.press("Tab")
    expect(panel.locator('[data-field="paid"]')).to_contain_text("true or false")
    paid.fill("true")
    paid.press("Tab")
    assert json.loads(saved(page, panel, "JSON")[1])["fields"] == {"summe_netto": 497.5, "paid": True}
    name, data = saved(page, panel, "CSV")
    assert name == "invoice.fields.csv"
    assert list(csv.DictReader(io.StringIO(data.decode("utf-8-sig")))) == [{"summe_netto": "497.5", "paid": "true"}]


def test_fields_are_those_of_the_corrected_page(page: Page, server: Served) -> None:
    job = read(server, SAMPLES / "invoice.pdf")
    address = f"{server.url}/v1/jobs/{job}/pages/1/corrections"
    operation = {"op": "edit", "block": "p1b3", "text": "Theodora East"}
    assert httpx.put(address, json={"revision": 0, "corrections": [operation]}).status_code == 200
    panel = find(page, server, job)
    expect(panel.get_by_label("Buyer name", exact=True)).to_have_value("Theodora East")


def test_amounts_of_the_schemas_are_known_as_such() -> None:
    def amounts(model: type[BaseModel]) -> Iterator[str]:
        for name, field in model.model_fields.items():
            parts = [field.annotation, *get_args(field.annotation)]
            if Decimal in parts:
                yield name
            for part in parts:
                if isinstance(part, type) and issubclass(part, BaseModel):
                    yield from amounts(part)

    said = (STATIC / "field-values.js").read_text("utf-8").partition("AMOUNTS = new Set([")[2].partition("]")[0]
    assert set(re.findall(r'"(\w+)"', said)) == {*amounts(Invoice), *amounts(Receipt)}
    assert (Invoice.__name__, Receipt.__name__) == ("Invoice", "Receipt")


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (1440, True), (390, False)])
def test_accessible(browser: Browser, server: Served, invoice: str, width: int, dark: bool) -> None:
    scheme: Literal["dark", "light"] = "dark" if dark else "light"
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    try:
        show(page, server, invoice)
        if width < 760:
            page.get_by_role("button", name="Text", exact=True).click()
        panel = tab(page, "Fields")
        panel.get_by_role("button", name="Find fields").click()
        expect(panel.locator(".dp-fields-table")).to_be_visible()
        found = Axe().run(page, context=".dp-side")
        assert not found.response["violations"], found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    finally:
        context.close()


def test_somebody_faster_than_the_list_of_schemas(page: Page, server: Served, invoice: str) -> None:
    page.route("**/v1/schemas", lambda route: (page.wait_for_timeout(700), route.continue_()))
    show(page, server, invoice)
    panel = tab(page, "Fields")
    panel.get_by_role("button", name="Find fields").click()
    expect(panel.locator(".dp-fields-table")).to_be_visible()
