"""Labels and names of fields: which mean the same, which do not."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest

from docparse.extract.user.names import ideas, likeness, name_words, phrases
from docparse.extract.user.schema import compile_schema

WORDS = tomllib.loads(
    resources.files("docparse.extract").joinpath("labels", "concepts", "words.toml").read_text("utf-8")
)["words"]


@pytest.mark.parametrize("idea", sorted(WORDS))
def test_every_word_of_the_list_is_read_as_its_idea(idea: str) -> None:
    assert {name: ideas(name) for name in [idea, *WORDS[idea]]} == {name: {idea} for name in [idea, *WORDS[idea]]}


def test_no_word_is_in_two_lists() -> None:
    seen: dict[str, str] = {}
    twice = []
    for idea, names in WORDS.items():
        for name in {idea, *names}:
            if name in seen:
                twice.append((name, seen[name], idea))
            seen[name] = idea
    assert twice == []


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("deliveryNoteNo", "Lieferschein-Nr.:"),
        ("delivery_note_number", "Delivery note no."),
        ("customer-number", "Kundennummer"),
        ("dateOfBirth", "Geburtsdatum"),
        ("date_of_birth", "Date of birth (DD/MM/YYYY)"),
        ("gross_pay", "Bruttolohn"),
        ("postal_code", "PLZ"),
        ("total_weight", "Gesamtgewicht"),
        ("e_mail", "E-Mail:"),
        ("first_name", "Vornamen"),
        ("net_pay", "Net pay (EUR)"),
    ],
)
def test_a_label_is_called_as_the_field(name: str, label: str) -> None:
    assert likeness(ideas(label), ideas(name_words(name))) == 1.0


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("date", "Delivery date"),
        ("delivery_date", "Date"),
        ("customer", "Customer number"),
        ("net_pay", "Gross pay"),
        ("employee", "Employer"),
        ("seller_name", "Buyer name"),
        ("number", "Telephone number"),
        ("start_date", "End date"),
        ("vat_number", "Steuernummer"),
        ("tax_number", "USt-IdNr."),
    ],
)
def test_a_label_is_not_called_as_the_field(name: str, label: str) -> None:
    assert likeness(ideas(label), ideas(name_words(name))) < 0.6


def test_a_word_misread_by_ocr_is_still_the_word() -> None:
    assert likeness(ideas("Speclmen nurnber"), ideas("specimen number"), ocr=True) < 1
    assert likeness(ideas("Haernoglobin"), ideas("haemoglobin"), ocr=True) > 0.9
    assert likeness(ideas("Haernoglobin"), ideas("haemoglobin")) < 0.6


def test_words_quoted_in_a_description_are_names_of_the_field() -> None:
    schema = {"type": "object", "properties": {"x1": {"type": "string", "description": 'Printed as "Docket no."'}}}
    (field,) = compile_schema(schema)
    assert ideas("Docket No") in [phrase.ideas for phrase in phrases(field)]


def test_a_plain_word_inside_an_object_is_no_name_by_itself() -> None:
    person = {"type": "object", "properties": {"name": {"type": "string"}}}
    schema = {"type": "object", "properties": {"patient": person}}
    field = compile_schema(schema)[0].members[0]
    assert [p.text for p in phrases(field) if p.alone] == ["patient name"]
