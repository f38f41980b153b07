"""The user's JSON Schema: what is understood, what is refused and with which path."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel

from docparse.errors import SchemaError
from docparse.extract.user.schema import MAX_CHOICES, MAX_DEPTH, MAX_FIELDS, Wanted, compile_schema


def one(**given: Any) -> Wanted:
    """The compiled form of one property."""
    return compile_schema({"type": "object", "properties": {"it": given}})[0]


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "format": "date"}, "date"),
        ({"type": "string", "format": "date-time"}, "date-time"),
        ({"type": "string", "format": "time"}, "time"),
        ({"type": "string", "format": "email"}, "email"),
        ({"type": "string", "format": "uri"}, "uri"),
        ({"type": "string", "format": "hostname"}, "text"),
        ({"type": "number"}, "number"),
        ({"type": ["integer", "null"]}, "integer"),
        ({"type": "boolean"}, "boolean"),
        ({"type": "array", "items": {"type": "string"}}, "array"),
        ({"type": "array"}, "array"),
        ({"properties": {"a": {}}}, "object"),
        ({"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}, "date"),
        ({"oneOf": [{"type": "null"}, {"type": "number"}]}, "number"),
        ({"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "null"}]}, "decimal"),
        ({"allOf": [{"type": "integer"}]}, "integer"),
        ({"enum": ["a", "b"]}, "text"),
        ({}, "text"),
    ],
)
def test_the_kind_of_a_field(given: dict[str, Any], kind: str) -> None:
    assert one(**given).kind == kind


def test_a_reference_is_followed_and_keeps_the_words_beside_it() -> None:
    schema = {
        "$defs": {"Money": {"type": "number", "description": "An amount"}},
        "type": "object",
        "properties": {"fee": {"$ref": "#/$defs/Money", "description": "The monthly fee", "default": 3}},
    }
    (fee,) = compile_schema(schema)
    assert (fee.kind, fee.description) == ("number", "The monthly fee")


def test_fields_of_objects_have_dotted_paths_and_rows_of_lists_begin_anew() -> None:
    person = {"type": "object", "properties": {"name": {"type": "string"}}}
    schema = {"type": "object", "properties": {"boss": person, "staff": {"type": "array", "items": person}}}
    boss, staff = compile_schema(schema)
    assert boss.members[0].path == "boss.name"
    assert staff.members[0].members[0].path == "name"


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"oneOf": [{"type": "string"}, {"type": "boolean"}]}, "$.properties.it.oneOf"),
        ({"anyOf": [{"type": "string"}, {"type": "object", "properties": {}}]}, "$.properties.it.anyOf"),
        ({"allOf": [{"type": "string"}, {"maxLength": 3}]}, "$.properties.it.allOf"),
        ({"not": {"type": "string"}}, "$.properties.it.not"),
        ({"type": "string", "if": {}, "then": {}}, "$.properties.it.if"),
        ({"type": "object", "patternProperties": {"^x": {}}}, "$.properties.it.patternProperties"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "$.properties.it.additionalProperties"),
        ({"type": "object"}, "$.properties.it"),
        ({"type": "array", "prefixItems": [{}]}, "$.properties.it.prefixItems"),
        ({"type": "array", "items": {"type": "array", "items": {}}}, "$.properties.it.items"),
        ({"type": ["string", "boolean"]}, "$.properties.it.type"),
        ({"type": "null"}, "$.properties.it.type"),
        ({"type": "text"}, "$.properties.it.type"),
        ({"$ref": "https://example.org/s.json"}, "$.properties.it.$ref"),
        ({"$ref": "#/$defs/Nowhere"}, "$.properties.it.$ref"),
        ({"enum": []}, "$.properties.it.enum"),
        ({"enum": [{"a": 1}]}, "$.properties.it.enum"),
        ({"enum": list(range(MAX_CHOICES + 1))}, "$.properties.it.enum"),
        ({"type": "string", "pattern": "("}, "$.properties.it.pattern"),
        ({"type": "string", "pattern": r"(a)\1"}, "$.properties.it.pattern"),
        ({"type": "string", "pattern": "((a{1000}){1000}){1000}"}, "$.properties.it.pattern"),
        ({"type": "string", "pattern": "x" * 501}, "$.properties.it.pattern"),
        ({"type": "string", "maxLength": "three"}, "$.properties.it.maxLength"),
        ({"type": "number", "minimum": "low"}, "$.properties.it.minimum"),
        ({"title": 5}, "$.properties.it.title"),
        ("text", "$.properties.it"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_its_path(given: Any, path: str) -> None:
    with pytest.raises(SchemaError) as caught:
        compile_schema({"type": "object", "properties": {"it": given}})
    assert str(caught.value).startswith(f"{path}: ")


def test_a_schema_that_leads_back_to_itself_is_refused() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}
    with pytest.raises(SchemaError, match="leads back to itself"):
        compile_schema({"$defs": {"Node": node}, "type": "object", "properties": {"first": {"$ref": "#/$defs/Node"}}})


def test_references_in_a_circle_are_refused() -> None:
    defs = {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}}
    with pytest.raises(SchemaError, match="leads back to itself"):
        compile_schema({"$defs": defs, "type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}})


def test_depth_and_size_are_bounded() -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(MAX_DEPTH + 2):
        deep = {"type": "object", "properties": {"in": deep}}
    with pytest.raises(SchemaError, match="deeper"):
        compile_schema(deep)
    with pytest.raises(SchemaError, match="more than"):
        compile_schema({"type": "object", "properties": {f"f{n}": {} for n in range(MAX_FIELDS + 1)}})
    with pytest.raises(SchemaError, match="longer than"):
        compile_schema({"type": "object", "properties": {"x" * 201: {}}})


def test_references_that_double_at_every_step_do_not_explode() -> None:
    defs: dict[str, Any] = {"L0": {"type": "string"}}
    for n in range(1, 8):
        both = {"$ref": f"#/$defs/L{n - 1}"}
        defs[f"L{n}"] = {"type": "object", "properties": dict.fromkeys("abcdefgh", both)}
    with pytest.raises(SchemaError, match="more than"):
        compile_schema({"$defs": defs, "type": "object", "properties": {"top": {"$ref": "#/$defs/L7"}}})


def test_a_pattern_that_explodes_in_other_engines_is_matched_in_linear_time() -> None:
    fits = one(type="string", pattern="^(a+)+$").fits
    assert fits is not None
    assert not fits("a" * 5000 + "!")  # exponential, it would not end
    assert fits("a" * 5000)


def test_limits_of_numbers() -> None:
    field = one(type="number", minimum=0, exclusiveMaximum=100)
    assert [field.allows(Decimal(n)) for n in (-1, 0, 99, 100)] == [False, True, True, False]


def test_null_among_the_choices_is_no_choice_and_nothing_is_needed() -> None:
    schema = {"type": "object", "properties": {"it": {"enum": ["a", None]}}, "required": ["it"]}
    (field,) = compile_schema(schema)
    assert field.choices == ("a",)
    assert not field.needed


def test_a_pydantic_class_as_people_write_it() -> None:
    class Line(BaseModel):
        text: str
        price: Decimal | None = None

    class Order(BaseModel):
        number: str
        day: datetime.date | None = None
        paid: bool = False
        lines: list[Line] = []

    number, day, paid, lines = compile_schema(Order.model_json_schema())
    assert [number.kind, day.kind, paid.kind, lines.kind] == ["text", "date", "boolean", "array"]
    assert [member.kind for member in lines.members[0].members] == ["text", "decimal"]
    assert [field.needed for field in (number, day, paid, lines)] == [True, False, False, False]
