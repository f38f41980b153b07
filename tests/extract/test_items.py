"""The line items of drawn invoices: layouts with and without lines, headings and quantities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from drawn_invoices import Line, page, table, text_of

from docparse.extract.items.find import find_items
from docparse.extract.page_text import DocumentText
from docparse.extract.result import Fields, plain

HEAD: Line = (60, [(50, "Acme Ltd"), (400, "Invoice 4711")])
FOUR = (50, -350, -430, -540)
TITLES = ("Description", "Qty", "Unit price", "Amount")
MUG, PLATE = ("Mug", "2", "8.00", "16.00"), ("Plate", "4", "6.00", "24.00")
NET = table(500, (350, -540), [("Subtotal", "40.00"), ("VAT 20%", "8.00"), ("Total", "48.00")])


def items(text: DocumentText) -> list[tuple[str | None, ...]]:
    found = find_items(text).values.get("line_items", [])
    return [tuple(plain(item[name]) for name in ("description", "quantity", "unit_price", "amount")) for item in found]


def read(folder: Path, rows: Any, places: tuple[float, ...] = FOUR, *, rest: list[Line] = NET, **how: Any) -> Any:
    return text_of(folder, page(HEAD, *table(150, places, rows), *rest, **how))


def test_a_table_without_lines(tmp_path: Path) -> None:
    assert items(read(tmp_path, [TITLES, MUG, PLATE])) == [MUG, PLATE]


def test_a_table_with_lines(tmp_path: Path) -> None:
    across = [(45, y, 545, y) for y in (140, 154, 168, 182)]
    down = [(x, 140, x, 182) for x in (45, 300, 370, 440, 545)]
    assert items(read(tmp_path, [TITLES, MUG, PLATE], rules=[*across, *down])) == [MUG, PLATE]


@pytest.mark.parametrize(
    "titles",
    [
        ("Bezeichnung", "Menge", "Einzelpreis", "Gesamtpreis"),
        ("Désignation", "Quantité", "P.U. HT", "Montant HT"),
        ("Omschrijving", "Aantal", "Prijs", "Bedrag"),
        ("Descripción", "Cantidad", "Precio", "Importe"),
        ("Descrizione", "Quantità", "Prezzo", "Importo"),
    ],
)
def test_headings_in_many_languages(tmp_path: Path, titles: tuple[str, ...]) -> None:
    assert items(read(tmp_path, [titles, MUG, PLATE])) == [MUG, PLATE]


def test_headings_set_left_over_numbers_set_right(tmp_path: Path) -> None:
    lines = [
        (150.0, [(50.0, "Description"), (290.0, "Qty"), (360.0, "Unit price"), (450.0, "Amount")]),
        *table(164, FOUR, [MUG, PLATE]),
    ]
    assert items(text_of(tmp_path, page(HEAD, *lines, *NET))) == [MUG, PLATE]


def test_a_heading_of_two_rows(tmp_path: Path) -> None:
    rows = [("", "", "Unit", ""), ("Description", "Qty", "price", "Amount"), MUG, PLATE]
    assert items(read(tmp_path, rows)) == [MUG, PLATE]


def test_descriptions_over_several_rows(tmp_path: Path) -> None:
    rows = [TITLES, MUG, ("hand painted, blue",), ("Serial no. 12345",), PLATE]
    found = items(read(tmp_path, rows))
    assert found[0][0] == "Mug hand painted, blue Serial no. 12345"
    assert found[1] == PLATE


def test_words_above_their_numbers(tmp_path: Path) -> None:
    rows = [TITLES, ("Mug",), ("", *MUG[1:]), ("Plate",), ("", *PLATE[1:])]
    assert items(read(tmp_path, rows)) == [MUG, PLATE]


def test_quantity_and_unit_in_one_cell(tmp_path: Path) -> None:
    text = read(tmp_path, [TITLES, ("Mug", "2 pcs", *MUG[2:]), ("Carpet", "4 m²", *PLATE[2:])])
    assert items(text) == [MUG, ("Carpet", *PLATE[1:])]
    assert [item["unit"] for item in find_items(text).values["line_items"]] == ["pcs", "m²"]


def test_a_unit_in_a_column_of_its_own(tmp_path: Path) -> None:
    places = (50, -300, 310, -430, -540)
    rows = [
        ("Description", "Qty", "Unit", "Price", "Amount"),
        ("Mug", "2", "pcs", "8.00", "16.00"),
        ("Plate", "4", "h", "6.00", "24.00"),
    ]
    text = read(tmp_path, rows, places)
    assert items(text) == [MUG, PLATE]
    assert [item["unit"] for item in find_items(text).values["line_items"]] == ["pcs", "h"]


def test_discounts_and_rates_of_tax(tmp_path: Path) -> None:
    places = (50, -250, -320, -390, -460, -540)
    rows = [
        ("Description", "Qty", "Unit price", "Discount", "VAT", "Amount"),
        ("Chair", "4", "50.00", "10%", "20%", "180.00"),
        ("Table", "1", "200.00", "", "5%", "200.00"),
    ]
    text = read(tmp_path, rows, places, rest=[])
    assert items(text) == [("Chair", "4", "50.00", "180.00"), ("Table", "1", "200.00", "200.00")]
    fields = find_items(text)
    assert [plain(item["tax_rate"]) for item in fields.values["line_items"]] == ["20", "5"]
    assert fields.evidence["line_items[0].amount"].confidence >= 0.95


def test_prices_with_four_decimals(tmp_path: Path) -> None:
    rows = [TITLES, ("Power", "10000", "0.0520", "520.00"), ("Tax on power", "10000", "0.0205", "205.00")]
    assert items(read(tmp_path, rows, rest=[])) == rows[1:]


def test_a_credit_note(tmp_path: Path) -> None:
    rows = [TITLES, ("Mug", "-2", "8.00", "-16.00"), ("Plate", "-4", "6.00", "-24.00")]
    assert items(read(tmp_path, rows, rest=[])) == rows[1:]


def test_positions_and_numbers_of_articles_are_no_quantities(tmp_path: Path) -> None:
    places = (50, 80, 140, -350, -430, -540)
    rows = [
        ("Pos.", "Art. no.", "Description", "Qty", "Price", "Amount"),
        ("1", "88123", "Mug", "2", "8.00", "16.00"),
        ("2", "88124", "Plate", "4", "6.00", "24.00"),
    ]
    assert items(read(tmp_path, rows, places)) == [MUG, PLATE]


def test_a_quantity_under_a_heading_that_means_something_else(tmp_path: Path) -> None:
    places = (-80, 120, -430, -540)
    rows = [("#", "Product", "Price", "Amount"), ("2", "Mug", "8.00", "16.00"), ("4", "Plate", "6.00", "24.00")]
    assert items(read(tmp_path, rows, places)) == [MUG, PLATE]


def test_subtotals_and_titles_of_sections_are_left_out(tmp_path: Path) -> None:
    rows = [TITLES, ("--- Kitchen ---",), MUG, ("Subtotal", "", "", "16.00"), ("--- Table ---",), PLATE]
    assert items(read(tmp_path, rows)) == [MUG, PLATE]


def test_items_go_on_on_the_next_page(tmp_path: Path) -> None:
    first = page(HEAD, *table(150, FOUR, [TITLES, MUG, ("", "", "Carried forward", "16.00")]))
    second = page(*table(60, FOUR, [TITLES, ("", "", "Brought forward", "16.00"), PLATE]), *NET)
    assert items(text_of(tmp_path, first, second)) == [MUG, PLATE]


def test_items_go_on_without_a_heading(tmp_path: Path) -> None:
    first = page(HEAD, *table(150, FOUR, [TITLES, MUG]))
    second = page(*table(60, FOUR, [PLATE]), *NET)
    text = text_of(tmp_path, first, second)
    assert items(text) == [MUG, PLATE]
    assert find_items(text).evidence["line_items[1].amount"].page == 2


def test_items_that_are_called_like_a_sum_are_items(tmp_path: Path) -> None:
    rows = [TITLES, ("Report", *MUG[1:]), ("Transport", *PLATE[1:])]
    assert items(read(tmp_path, rows)) == [("Report", *MUG[1:]), ("Transport", *PLATE[1:])]


def test_a_number_of_an_article_before_the_words_is_no_quantity(tmp_path: Path) -> None:
    rows = [TITLES, ("[4711] Mug XL", *MUG[1:]), ("[FURN_88] Plate", *PLATE[1:])]
    assert items(read(tmp_path, rows)) == [("[4711] Mug XL", *MUG[1:]), ("[FURN_88] Plate", *PLATE[1:])]


def test_headings_that_were_read_as_one(tmp_path: Path) -> None:
    rows = [("Description", "", "Qx Unlt prjce", "Amount"), MUG, PLATE]
    assert items(read(tmp_path, rows)) == [MUG, PLATE]


def test_a_table_of_rates_is_none_of_items(tmp_path: Path) -> None:
    rates = table(
        300,
        (-250, -340, -440, -540),
        [("VAT %", "Net amount", "VAT amount", "Gross amount"), ("20 %", "40.00", "8.00", "48.00")],
    )
    assert items(read(tmp_path, [TITLES, MUG, PLATE], rest=rates)) == [MUG, PLATE]


def test_rows_without_a_heading_that_add_up(tmp_path: Path) -> None:
    rows = [("House insurance", "812.00"), ("Glass insurance", "45.50")]
    sums = table(300, (50, -400), [("Net total", "857.50"), ("Tax 19%", "162.93"), ("Total", "1,020.43")])
    text = read(tmp_path, rows, (50, -400), rest=sums)
    assert items(text) == [
        ("House insurance", None, None, "812.00"),
        ("Glass insurance", None, None, "45.50"),
    ]
    assert find_items(text).evidence["line_items[0].amount"].confidence >= 0.9


def test_rows_without_a_heading_that_do_not_add_up_are_none(tmp_path: Path) -> None:
    rows = [("House insurance", "812.00"), ("Glass insurance", "45.60")]
    sums = table(300, (50, -400), [("Net total", "857.50"), ("Tax 19%", "162.93"), ("Total", "1,020.43")])
    assert items(read(tmp_path, rows, (50, -400), rest=sums)) == []


def test_columns_without_a_heading_by_what_multiplies(tmp_path: Path) -> None:
    assert items(read(tmp_path, [MUG, PLATE])) == [MUG, PLATE]


def test_amounts_with_a_currency_before_them(tmp_path: Path) -> None:
    rows = [TITLES, ("Cable", "3", "JPY 1,200", "JPY 3,600"), ("Adapter", "2", "JPY 800", "JPY 1,600")]
    assert items(read(tmp_path, rows, rest=[])) == [("Cable", "3", "1200", "3600"), ("Adapter", "2", "800", "1600")]


def test_confidence_tells_rows_that_multiply_from_others(tmp_path: Path) -> None:
    rows = [TITLES, MUG, ("Plate", "4", "6.00", "30.00")]
    fields = find_items(read(tmp_path, rows, rest=[]))
    good, bad = (fields.evidence[f"line_items[{at}].amount"].confidence for at in (0, 1))
    assert bad < 0.7 < 0.9 < good


def test_evidence_is_around_each_cell(tmp_path: Path) -> None:
    text = read(tmp_path, [TITLES, MUG, PLATE])
    fields: Fields = find_items(text)
    for name, printed in (("description", "Plate"), ("quantity", "4"), ("unit_price", "6.00"), ("amount", "24.00")):
        evidence = fields.evidence[f"line_items[1].{name}"]
        word = next(w for row in text.rows for w in row.words if w.text == printed)
        assert evidence.text == printed
        assert evidence.bbox is not None
        assert evidence.bbox.iou(word.box) > 0.95


def test_a_letter_has_no_items(tmp_path: Path) -> None:
    lines = table(150, (50,), [("We thank you for your order of 3 mugs at 8.00 each.",), ("The price is 24.00.",)])
    assert find_items(text_of(tmp_path, page(HEAD, *lines))).values == {}
