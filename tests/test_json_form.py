"""The JSON of a document: there and back, written by hand, damaged, and by its schema."""

from __future__ import annotations

import contextlib
import json

import pytest
from golden_documents import DOCUMENTS, KINDS
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from strategies import documents

from docparse.document import Block, Cell, Document, Page, Run
from docparse.errors import SchemaError
from docparse.geometry import BBox
from docparse.json_form import from_dict, from_json, to_dict, to_json
from docparse.qwenvl_html import write_block
from docparse.schema import document_schema

VALIDATOR = Draft202012Validator(document_schema())


@given(documents())
@settings(max_examples=120, deadline=None)
def test_there_and_back(document: Document) -> None:
    text = to_json(document)
    assert from_json(text) == document
    assert from_json(text.encode("utf-8")) == document
    assert from_dict(to_dict(document)) == document


@given(documents())
@settings(max_examples=60, deadline=None)
def test_follows_the_schema(document: Document) -> None:
    VALIDATOR.validate(json.loads(to_json(document, html=write_block)))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_golden_documents(name: str) -> None:
    text = to_json(DOCUMENTS[name], html=write_block)
    assert from_json(text) == DOCUMENTS[name]
    data = json.loads(text)
    assert data == to_dict(DOCUMENTS[name], html=write_block)
    VALIDATOR.validate(data)


def test_schema_is_a_schema_and_describes_every_field() -> None:
    Draft202012Validator.check_schema(document_schema())

    def undescribed(schema: object, at: str) -> list[str]:
        if not isinstance(schema, dict):
            return []
        found = []
        for key, value in schema.get("properties", {}).items():
            if at.startswith("dependent"):
                continue
            if "$ref" not in value and "description" not in value:
                found.append(f"{at}.{key}")
            found += undescribed(value, f"{at}.{key}")
        for key, value in schema.get("$defs", {}).items():
            found += ([] if "description" in value else [key]) + undescribed(value, key)
        return found

    assert undescribed(document_schema(), "document") == []


def test_schema_refuses() -> None:
    good = json.loads(to_json(KINDS, html=write_block))
    for path, value in (
        (("status",), "fine"),
        (("pages", 0, "rotation"), 45),
        (("pages", 0, "blocks", 0, "type"), "title"),
        (("pages", 0, "blocks", 0, "bbox"), [1, 2, 3]),
        (("pages", 0, "blocks", 0, "bbox"), [1.5, 2, 3, 4]),
        (("pages", 0, "blocks", 0, "confidence"), 2),
        (("pages", 0, "blocks", 0, "cells"), []),
    ):
        bad = json.loads(json.dumps(good))
        at = bad
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value
        assert not VALIDATOR.is_valid(bad), path


def test_one_line_for_each_block() -> None:
    text = to_json(KINDS)
    lines = [line.strip().rstrip(",") for line in text.splitlines()]
    assert sum(line.startswith('{"id"') for line in lines) == sum(len(page.blocks) for page in KINDS.pages)


def test_what_has_its_default_is_not_written() -> None:
    page = Page(1, 10, 10, blocks=(Block("paragraph", BBox(1, 2, 3, 4), (Run("x"),)),))
    (block,) = to_dict(Document((page,)))["pages"][0]["blocks"]
    assert block == {"id": "p1b1", "type": "paragraph", "bbox": [1, 2, 3, 4], "text": "x", "confidence": None}


# --------------------------------------------------------------------------------- by hand


def read_block(**parts: object) -> Block:
    return from_dict({"pages": [{"page": 1, "width": 100, "height": 100, "blocks": [parts]}]}).pages[0].blocks[0]


def test_text_alone_is_enough() -> None:
    assert read_block(type="heading", text="Title", level=2) == Block(
        "heading", runs=(Run("Title"),), level=2, id="p1b1"
    )


def test_runs_come_before_text() -> None:
    block = read_block(type="paragraph", text="other", html="<p>third</p>", runs=[{"text": "one", "marks": ["b"]}])
    assert block.runs == (Run("one", ("b",)),)


def test_table_from_its_text() -> None:
    block = read_block(type="table", text="a\tb\nc\td")
    assert [[cell.text for cell in row] for row in block.rows()] == [["a", "b"], ["c", "d"]]


def test_list_from_its_text() -> None:
    assert [item.text for item in read_block(type="list", text="one\ntwo").items] == ["one", "two"]


def test_cells_with_holes_are_filled() -> None:
    block = read_block(type="table", cells=[{"row": 0, "col": 0, "text": "a"}, {"row": 1, "col": 1, "text": "d"}])
    assert block.cells == (Cell(0, 0, runs=(Run("a"),)), Cell(0, 1), Cell(1, 0), Cell(1, 1, runs=(Run("d"),)))


def test_text_of_a_chart_with_cells_is_theirs() -> None:
    assert read_block(type="chart", text="a", cells=[{"row": 0, "col": 0, "text": "a"}]).runs == ()
    assert read_block(type="chart", text="a").runs == (Run("a"),)


def test_unknown_keys_are_ignored() -> None:
    data = {"pages": [{"page": 1, "width": 5, "height": 5, "colour": "red"}], "later": {"x": 1}}
    assert from_dict(data) == Document((Page(1, 5, 5),))


def test_numbers_may_be_written_as_floats() -> None:
    assert from_dict({"pages": [{"page": 1.0, "width": 5e0, "height": 5}]}) == Document((Page(1, 5, 5),))


# --------------------------------------------------------------------------------- damaged

PAGE = '{"pages": [{"page": 1, "width": 9, "height": 9, %s}]}'
BLOCK = PAGE % '"blocks": [{"type": "paragraph"}, {%s}]'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        ("{", "not JSON: Expecting property name enclosed in double quotes at line 1, column 2"),
        ("[" * 100_000, "too large or too deep"),
        ("[]", "the document: expected an object, found []"),
        ("{}", "pages: expected an array, found nothing"),
        ('{"pages": {}}', "pages: expected an array, found {}"),
        ('{"pages": [1]}', "pages[0]: expected an object, found 1"),
        ('{"pages": [{"width": 1, "height": 1}]}', "pages[0].page: expected a whole number, found nothing"),
        ('{"pages": [{"page": true, "width": 1, "height": 1}]}', "pages[0].page: expected a whole number, found True"),
        ('{"pages": [{"page": 0, "width": 1, "height": 1}]}', "pages[0]: no such page"),
        ('{"pages": [], "source": "x"}', "source: expected an object, found 'x'"),
        (PAGE % '"dpi": "high"', "pages[0].dpi: expected a number, found 'high'"),
        (PAGE % '"dpi": 0', "pages[0]: "),
        (PAGE % '"dpi": NaN', "pages[0].dpi: expected a number, found nan"),
        (PAGE % '"rotation": 45', "pages[0]: rotation must be"),
        (PAGE % '"size_pt": [1]', "pages[0].size_pt: expected 2 numbers, found [1]"),
        (PAGE % '"verdict": {"status": "fine"}', "pages[0].verdict: unknown status: fine"),
        (PAGE % '"verdict": {"issues": [{}]}', "pages[0].verdict.issues[0].code: expected a string, found nothing"),
        (PAGE % '"blocks": {"a": 1}', "pages[0].blocks: expected an array"),
        (BLOCK % "", "pages[0].blocks[1].type: expected a string, found nothing"),
        (BLOCK % '"type": "title"', "pages[0].blocks[1]: unknown kind of block: title"),
        (BLOCK % '"type": "code", "bbox": [1, 2, 3]', "pages[0].blocks[1].bbox: expected 4 numbers, found [1, 2, 3]"),
        (BLOCK % '"type": "code", "bbox": [1, 2, "3", 4]', "blocks[1].bbox[2]: expected a number, found '3'"),
        (BLOCK % '"type": "code", "bbox": [5, 2, 3, 4]', "pages[0].blocks[1].bbox: not a box: 5 2 3 4"),
        (BLOCK % '"type": "code", "bbox": [1e999, 2, 3, 4]', "blocks[1].bbox[0]: expected a number, found inf"),
        (BLOCK % '"type": "code", "confidence": 7', "pages[0].blocks[1]: a confidence is between 0 and 1"),
        (BLOCK % '"type": "code", "text": 5', "pages[0].blocks[1].text: expected a string, found 5"),
        (BLOCK % '"type": "code", "level": 1.5', "pages[0].blocks[1].level: expected a whole number, found 1.5"),
        (BLOCK % '"type": "code", "runs": ["x"]', "pages[0].blocks[1].runs[0]: expected an object, found 'x'"),
        (BLOCK % '"type": "code", "runs": [{}]', "pages[0].blocks[1].runs[0].text: expected a string, found nothing"),
        (BLOCK % '"type": "header", "runs": [{"text": "x", "marks": ["q"]}]', "blocks[1].runs[0]: unknown marks"),
        (BLOCK % '"type": "header", "runs": [{"text": "x", "marks": [[]]}]', "runs[0].marks[0]: expected a string"),
        (BLOCK % '"type": "code", "cells": [{"row": 0, "col": 0}]', "pages[0].blocks[1]: a code has no cells"),
        (BLOCK % '"type": "table", "cells": [{"row": 0}]', "blocks[1].cells[0].col: expected a whole number"),
        (BLOCK % '"type": "table", "cells": [{"row": -1, "col": 0}]', "blocks[1].cells[0]: no such cell"),
        (
            BLOCK % '"type": "table", "cells": [{"row": 0, "col": 0, "header": 1}]',
            "cells[0].header: expected true or false",
        ),
        (BLOCK % '"type": "table", "cells": [{"row": 9e9, "col": 0}]', "pages[0].blocks[1]: a table of"),
        (BLOCK % '"type": "code", "items": [{}]', "pages[0].blocks[1].items: expected no items in a code"),
        (BLOCK % '"type": "list", "items": [{"type": "list"}]', "items[0].type: expected list_item, found 'list'"),
        (BLOCK % '"type": "code", "notation": "latex"', "pages[0].blocks[1]: a code is not written in"),
        (BLOCK % '"type": "code", "id": "a b"', "pages[0].blocks[1]: not an id"),
        (
            PAGE % '"blocks": [{"type": "code", "id": "a"}, {"type": "code", "id": "a"}]',
            "pages[0]: two blocks of page 1",
        ),
        (
            '{"pages": [{"page": 2, "width": 1, "height": 1}, {"page": 1, "width": 1, "height": 1}]}',
            "pages must be in order",
        ),
    ],
)
def test_damaged(text: str, said: str) -> None:
    with pytest.raises(SchemaError) as caught:
        from_json(text)
    assert said in str(caught.value)


def test_bytes_that_are_not_utf8() -> None:
    with pytest.raises(SchemaError, match="not UTF-8"):
        from_json(b'{"pages": [], "docparse": "\xff"}')


@given(documents())
@settings(max_examples=20, deadline=None)
def test_any_value_out_of_place_is_a_schema_error(document: Document) -> None:
    """Every value of a document replaced by one of another type: read or refused, never a crash."""
    data = to_dict(document)

    def spots(value: object) -> list[tuple[object, object]]:
        pairs = (
            list(value.items())
            if isinstance(value, dict)
            else list(enumerate(value))
            if isinstance(value, list)
            else []
        )
        return [(value, key) for key, _ in pairs] + [spot for _, inner in pairs for spot in spots(inner)]

    for holder, key in spots(data):
        kept = holder[key]  # type: ignore[index]
        for odd in (None, True, -1, 1e300, "x", [], [[]], {}, {"a": 1}):
            holder[key] = odd  # type: ignore[index]
            with contextlib.suppress(SchemaError):
                from_dict(data)
        holder[key] = kept  # type: ignore[index]
