"""The words of the label files: each is found, and none is taken for another field's."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from importlib import resources
from pathlib import Path

import pytest

from docparse.extract import vocabulary
from docparse.extract.vocabulary import (
    GROUPS,
    Group,
    Kind,
    codes,
    expand,
    file_of,
    find_in,
    find_labels,
    label_of,
    languages,
    squeeze,
)
from tests.extract.sheets import block, line, seen, sheet

ALL_GROUPS: tuple[Group, ...] = ("invoice", "column", "receipt")
HOME = Path(__file__).parents[2]


def labels(language: str, group: Group) -> list[tuple[str, str]]:
    return [(field, label) for field, found in file_of(language).get(group, {}).items() for label in found]


# ----------------------------------------------------------------------------------------- the files


def test_the_languages_there_are_files_for() -> None:
    assert set(codes()) >= {"en", "de", "fr", "nl", "es", "it", "zh", "ms"}


@pytest.mark.parametrize("language", codes())
def test_a_file_holds_nothing_but_labels(language: str) -> None:
    text = (resources.files("docparse.extract") / "labels" / f"{language}.toml").read_text("utf-8")
    held = tomllib.loads(text)
    assert held.pop("language")
    assert set(held) <= set(ALL_GROUPS)
    for fields in held.values():
        for entry in fields.values():
            assert set(entry) == {"labels"}
            assert entry["labels"]
            assert all(isinstance(label, str) and squeeze(label)[0] for label in expand(entry["labels"]))


def test_every_language_names_the_fields_that_matter() -> None:
    matter: dict[Group, set[str]] = {
        "invoice": {"invoice_number", "due_date", "net_total", "tax_total", "grand_total", "amount_due", "buyer"},
        "column": {"description", "quantity", "unit_price", "amount"},
        "receipt": {"total", "tax", "cash", "change", "date"},
    }
    for language in codes():
        for group, fields in matter.items():
            assert fields <= set(file_of(language)[group]), (language, group)


def test_the_files_are_packaged() -> None:
    settings = tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))
    assert "extract/labels/*.toml" in settings["tool"]["setuptools"]["package-data"]["docparse"]


# ------------------------------------------------------------------------------------- every label


@pytest.mark.parametrize("group", ALL_GROUPS)
def test_no_label_belongs_to_two_fields(group: Group) -> None:
    """In any two languages: "Total" is one thing in a group, wherever it is printed."""
    fields = defaultdict(set)
    for language in codes():
        for field, label in labels(language, group):
            fields[squeeze(label)[0]].add(field)
    assert {label: found for label, found in fields.items() if len(found) > 1} == {}


@pytest.mark.parametrize("group", ALL_GROUPS)
@pytest.mark.parametrize("language", codes())
def test_every_label_is_found_whole_and_as_its_field(language: str, group: Group) -> None:
    prefix = "column." if group == "column" else ""
    wrong = []
    for field, label in labels(language, group):
        for text in (f"{label}: 4711", label.upper(), f"{label}  "):
            found = find_in(text, group)
            whole = found and squeeze(text[found[0][1] : found[0][2]])[0] == squeeze(label)[0]
            if not whole or found[0][0] != prefix + field:
                wrong.append((text, found))
        if label_of(label, group) != prefix + field:
            wrong.append((label, label_of(label, group)))
    assert wrong == []


@pytest.mark.parametrize("kind", list(GROUPS))
@pytest.mark.parametrize("language", codes())
def test_every_label_is_found_on_a_page(language: str, kind: Kind) -> None:
    """Alone in its row, with its value far right of it."""
    missed = []
    for group in GROUPS[kind]:
        prefix = "column." if group == "column" else ""
        known = labels(language, group)
        for start in range(0, len(known), 40):
            part = known[start : start + 40]
            page = seen(
                [row for i, (_, label) in enumerate(part) for row in ((50, 30 * i, label), (900, 30 * i, "4711"))],
                confidence=None,
            )
            found = {(x.row.index, x.field) for x in find_labels(page, kind=kind) if x.start <= 2}
            missed += [label for i, (field, label) in enumerate(part) if (i, prefix + field) not in found]
    assert missed == []


# ------------------------------------------------------------------------------------ how it is read


def test_alternatives_are_written_out() -> None:
    assert list(expand(["Due (on|by|)", "A(b(c|)|d)"])) == ["Due on", "Due by", "Due", "Abc", "Ab", "Ad"]
    with pytest.raises(ValueError, match="not closed"):
        list(expand(["Due (on|by"]))


@pytest.mark.parametrize(
    "printed",
    [
        "Invoice Number",
        "INVOICE NUMBER:",
        "invoice-number",
        "Invoicenumber",
        "I N V O I C E  N U M B E R",
        "Invoice\u00a0number",
    ],
)
def test_case_spaces_and_punctuation_do_not_count(printed: str) -> None:
    assert label_of(printed, "invoice") == "invoice_number"


@pytest.mark.parametrize(
    ("printed", "field"),
    [
        ("N° de facture", "invoice_number"),
        ("No de facture", "invoice_number"),
        ("ÉCHÉANCE", "due_date"),
        ("Echeance", "due_date"),
        ("Fälligkeit", "due_date"),
        ("Straße", "address"),
        ("STRASSE", "address"),
        ("发票号码", "invoice_number"),
        ("USt.-Id.-Nr.", "vat_id"),
        ("USt-IdNr", "vat_id"),
    ],
)
def test_accents_and_signs_are_folded(printed: str, field: str) -> None:
    assert label_of(printed, "invoice") == field


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("Customer number: 17", "customer_number"),
        ("Order number 17", "order_number"),
        ("Tax number 17", "tax_id"),
        ("Page number 17", "page"),
        ("Number 17", "number"),
        ("Invoice number 17", "invoice_number"),
        ("Original invoice number 17", "original_invoice"),
        ("Due date 5 May", "due_date"),
        ("Order date 5 May", "order_date"),
        ("Sub Total 5.00", "net_total"),
        ("Total amount due 5.00", "amount_due"),
        ("Kundennummer 17", "customer_number"),
        ("Lieferschein-Nr. 17", "delivery_note"),
        ("Ihre USt-IdNr. DE1", "buyer_vat_id"),
        ("Total HT 5,00", "net_total"),
        ("Total TTC 5,00", "grand_total"),
        ("购买方名称：某公司", "buyer"),
    ],
)
def test_the_longest_label_wins(text: str, field: str) -> None:
    assert find_in(text, "invoice")[0][0] == field
    assert find_in(text, "invoice")[0][1] == 0


@pytest.mark.parametrize(
    "text", ["Subtotals", "Preinvoice", "MUSTER-KUNDE", "DE123456789", "PO-771", "total_sums", "Rechnungsnummern"]
)
def test_parts_of_words_are_no_labels(text: str) -> None:
    assert find_in(text, "invoice") == []


def standing(*items: tuple[float, float, str, float], field: str) -> list[float]:
    page = sheet(items).pages[0]
    return [label.standing for label in find_labels(page, kind="invoice") if label.field == field]


def test_a_label_in_a_sentence_is_weaker() -> None:
    alone = standing(*line(50, 100, "Due date"), field="due_date")
    colon = standing(*line(50, 100, "Due date: 5 May 2024"), field="due_date")
    first = standing(*line(50, 100, "Due date 5 May 2024"), field="due_date")
    last = standing(*line(50, 100, "Please note the due date"), field="due_date")
    within = standing(*line(50, 100, "Please note the due date of this letter"), field="due_date")
    assert alone == colon == [1.0]
    assert first == [0.8]
    assert last == [0.5]
    assert within == [0.2]


def test_everyday_words_need_a_colon_or_a_line_of_their_own() -> None:
    assert standing(*line(50, 100, "To:"), field="buyer") == [1.0]
    assert standing(*line(50, 100, "To"), field="buyer") == [1.0]
    assert standing(*line(50, 100, "To be or not"), field="buyer") == []


def test_a_label_does_not_reach_over_two_columns() -> None:
    near = sheet(line(50, 100, "Unit Price")).pages[0]
    apart = sheet([*line(50, 100, "Unit"), *line(150, 100, "Price")]).pages[0]
    fields = [[x.field for x in find_labels(page, kind="invoice")] for page in (near, apart)]
    assert fields == [["column.unit_price"], ["column.unit", "column.unit_price"]]


def test_the_place_of_a_label() -> None:
    page = sheet(line(50, 100, "Your Invoice Number: 4711")).pages[0]
    label = next(x for x in find_labels(page, kind="invoice") if x.field == "invoice_number")
    assert label.row.text[label.start : label.end] == label.span.text == "Invoice Number"
    assert [word.text for word in label.span.words][:1] == ["Invoice"]
    assert label.language == "en"


# ----------------------------------------------------------------------------------------------- OCR


@pytest.mark.parametrize(
    ("read", "field"),
    [("lnvoice Numbcr", "invoice_number"), ("Rechnungsdatun", "issue_date"), ("Payrnent terrns", "payment_terms")],
)
def test_misread_labels(read: str, field: str) -> None:
    page = seen([(50, 100, read), (700, 100, "4711")])
    found = [x for x in find_labels(page, kind="invoice") if x.field == field]
    assert len(found) == 1
    assert vocabulary.MISREAD <= found[0].likeness < 1


def test_a_text_layer_is_not_misread() -> None:
    page = seen([(50, 100, "lnvoice Numbcr")], confidence=None)
    assert find_labels(page, kind="invoice") == []


def test_misread_receipts() -> None:
    page = seen([(50, 100, "T0TAL AM0UNT"), (50, 140, "R0UNDlNG"), (50, 180, "CASHlER")])
    assert [x.field for x in find_labels(page, kind="receipt")] == ["total", "rounding", "cashier"]


def test_other_words_are_not_likened_to_labels() -> None:
    page = seen([(50, 100, "Chocolate cookies"), (50, 140, "Fresh orange juice"), (50, 180, "Basmati rice")])
    assert find_labels(page, kind="receipt") == []


# ----------------------------------------------------------------------------------------- languages


@pytest.mark.parametrize(
    ("lines", "language"),
    [
        ("Invoice number 5\nDue date 5 May\nAmount due 5.00", "en"),
        ("Rechnungsnummer 5\nFällig am 5. Mai\nGesamtbetrag 5,00", "de"),
        ("Facture n° 5\nDate d'échéance 5 mai\nMontant total TTC 5,00", "fr"),
        ("Factuurnummer 5\nVervaldatum 5 mei\nTe betalen 5,00", "nl"),
        ("Número de factura 5\nFecha de vencimiento 5 mayo\nImporte total 5,00", "es"),
        ("Numero fattura 5\nData scadenza 5 maggio\nTotale fattura 5,00", "it"),
        ("发票号码 5\n开票日期 5\n价税合计 5", "zh"),
        ("No. invois 5\nJumlah besar 5.00\nTunai 10.00\nBaki 5.00", "ms"),
    ],
)
def test_the_language_of_a_document(lines: str, language: str) -> None:
    assert languages(sheet(block(50, 100, lines)))[0] == language


def test_no_labels_no_language() -> None:
    assert languages(sheet(line(50, 100, "4711 0815"))) == ()


def test_labels_of_two_columns_do_not_hide_one_another() -> None:
    page = sheet([*line(50, 100, "Tipo documento"), *line(180, 100, "Numero documento")]).pages[0]
    assert "invoice_number" in [label.field for label in find_labels(page, kind="invoice")]
