"""Seller and buyer by layout, by label, and by what stands beside their names."""

from __future__ import annotations

import pytest

from docparse.extract.invoice import address
from docparse.extract.invoice.parties import find_parties, role_boxes
from docparse.extract.result import Fields
from tests.extract.invoices_drawn import NAMES, PARTIES, drawn
from tests.extract.sheets import block, line, pairs, sheet


@pytest.mark.parametrize("name", NAMES)
def test_parties_of_a_drawn_invoice(name: str) -> None:
    invoice = drawn(name)
    found = find_parties(invoice.text)
    wanted = {field: value for field, value in invoice.fields.items() if field in PARTIES}
    assert {field: found.values.get(field) for field in wanted} == wanted


def parties(*items: list[tuple[float, float, str, float]]) -> Fields:
    return find_parties(sheet([one for part in items for one in part]))


def test_the_name_may_stand_in_the_footer_only() -> None:
    found = parties(
        block(56, 150, "Frau Ina Gruber\nAm Hang 3\n99423 Weimar"),
        line(56, 300, "Rechnung 77", 14),
        line(56, 800, "Buchladen Kiefer GmbH · Marktplatz 2 · 99425 Weimar · HRB 5551 · USt-IdNr. DE555000119", 7),
    )
    assert found.values["seller_name"] == "Buchladen Kiefer GmbH"
    assert found.values["seller_address"] == "Marktplatz 2, 99425 Weimar"
    assert found.values["buyer_name"] == "Frau Ina Gruber"


def test_a_sender_line_tells_who_writes_to_whom() -> None:
    found = parties(
        line(56, 130, "Tischlerei Ahorn · Sägeweg 4 · 07743 Jena", 7),
        block(56, 150, "Hans Eberle\nLindenweg 9\n07745 Jena"),
    )
    assert found.values["seller_name"] == "Tischlerei Ahorn"
    assert found.values["buyer_name"] == "Hans Eberle"
    assert found.values["buyer_address"] == "Lindenweg 9, 07745 Jena"


def test_a_form_with_names_beside_labels() -> None:
    found = parties(
        line(50, 100, "Seller"),
        pairs(50, 250, 120, "Number: | 4455\nName: | Elm Trading Ltd\nAddress: | 5 Quay Street\n | Hull HU1 2AB"),
        line(50, 250, "Buyer"),
        pairs(50, 250, 270, "Number: | 9911\nName: | Ash Services Ltd\nAddress: | 8 Moor Road\n | York YO1 7HH"),
    )
    assert found.values["seller_name"] == "Elm Trading Ltd"
    assert found.values["seller_address"] == "5 Quay Street, Hull HU1 2AB"
    assert found.values["buyer_name"] == "Ash Services Ltd"


def test_the_address_of_delivery_is_nobodys_name() -> None:
    found = parties(
        block(50, 100, "Ship to\nOak Warehouse Ltd\n3 Dock Road\nHull HU1 2AB"),
    )
    assert "Oak Warehouse Ltd" not in found.values.values()


def test_one_name_is_never_both() -> None:
    found = parties(
        block(50, 60, "Pine Ltd\n1 High Street\nBath BA1 1AA"),
        block(50, 160, "Bill to:\nPine Ltd\n1 High Street\nBath BA1 1AA"),
    )
    assert found.values.get("seller_name") != found.values.get("buyer_name")


def test_a_contact_person_is_not_the_buyer() -> None:
    found = parties(block(50, 160, "Bill to:\nFir Systems Ltd\nAttn: Mary Stone\n1 High Street\nBath BA1 1AA"))
    assert found.values["buyer_name"] == "Fir Systems Ltd"
    assert found.values["buyer_address"] == "1 High Street, Bath BA1 1AA"


def test_a_page_of_prose_has_no_parties() -> None:
    assert parties(block(50, 100, "The harbour was built in 1790.\nIt has two piers and a lighthouse.")).values == {}


def test_evidence_holds_the_words_of_the_name() -> None:
    text = drawn("din").text
    found = find_parties(text)
    evidence = found.evidence["buyer_name"]
    assert evidence.text == "Stadtwerke Ilmenau AG"
    inside = [w.text for row in text.rows for w in row.words if evidence.bbox and evidence.bbox.contains(*w.box.center)]
    assert inside == ["Stadtwerke", "Ilmenau", "AG"]


def test_roles_of_boxes() -> None:
    roles = {role for role, _, _ in role_boxes(drawn("us-letter").text)}
    assert roles == {"seller", "buyer", "ship_to"}


@pytest.mark.parametrize(
    "text",
    [
        "12345 Musterstadt",
        "D-99084 Erfurt",
        "1234 AB Hoogveen",
        "Portland, OR 97209",
        "York YO1 7HH",
        "H3A 1A1 Montréal",
    ],
)
def test_towns(text: str) -> None:
    assert address.is_place(text)


@pytest.mark.parametrize("text", ["1208 Harbor Street", "Invoice 2024", "100,00 EUR", "4711", "Main Road 5"])
def test_no_towns(text: str) -> None:
    assert not address.is_place(text)


@pytest.mark.parametrize(
    "text",
    [
        "Marktstr. 4",
        "Am Weg 12",
        "14 rue des Lilas",
        "77 Cedar Avenue",
        "Via Garibaldi 21",
        "C/ Mayor 18",
        "Kanaalstraat 12",
    ],
)
def test_streets(text: str) -> None:
    assert address.is_street(text) or address.is_house(text)


@pytest.mark.parametrize(
    "text",
    [
        "Rohrbau AG",
        "Elm Trading Ltd",
        "Perabot Setia Sdn. Bhd.",
        "Ruiz, S.L.",
        "Bianchi S.r.l.",
        "上海晨光文具有限公司",
        "Ost GmbH & Co. KG",
    ],
)
def test_legal_forms(text: str) -> None:
    assert address.has_legal_form(text)


@pytest.mark.parametrize("text", ["AG", "Sarl au capital", "We sell as much as you want", "Tagung"])
def test_no_legal_forms(text: str) -> None:
    assert not address.has_legal_form(text)


@pytest.mark.parametrize("text", ["12345 Musterstadt", "www.example.org", "4711", "Tel: 030 1234567", "France", ""])
def test_what_is_no_name(text: str) -> None:
    assert not address.is_name(text)
