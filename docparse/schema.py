"""The published JSON schema (2020-12) of a document as ``json_form`` writes it.

What it is: the description for programs that read our JSON, built from the same tables as
``document.py``. What it is not: the check on the way in; ``json_form.from_dict`` makes that one,
asks for less, and says what is wrong in plainer words.
"""

from __future__ import annotations

from typing import Any

from docparse.correction import OPS
from docparse.document import (
    KINDS,
    MARKS,
    MAX_SPAN,
    NOTATIONS,
    SEVERITIES,
    STATUSES,
    TABULAR,
)

Json = dict[str, Any]

_PROBABILITY = {"minimum": 0, "maximum": 1}
_STATUS_MEANING = (
    "ok: nothing is wrong that docparse can see; repaired: faults in the markup were mended without loss; "
    "partial: something is missing or in doubt; fallback: another engine had to read it; failed: it could not be read"
)


def document_schema() -> Json:
    """The schema as plain dicts, fresh on every call."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "docparse document",
        "description": "A document as docparse read it. All boxes are in pixels of the page image, origin top left.",
        **_object(
            {
                "docparse": _text("Version of docparse that made this; empty if unknown."),
                "source": _source(),
                "engine": _engine(),
                "status": _one_of(
                    STATUSES, f"The worst verdict of the pages, failed if there are none. {_STATUS_MEANING}."
                ),
                "corrections": _list(
                    {"$ref": "#/$defs/correction"},
                    "What people changed after it was read, in the order in which it was done; the pages have it.",
                ),
                "pages": _list({"$ref": "#/$defs/page"}, "The pages that were read, in order, each once."),
            },
            optional=("corrections",),
        ),
        "$defs": {
            "page": _page(),
            "verdict": _verdict(),
            "issue": _issue(),
            "block": _block(),
            "cell": _cell(),
            "run": _run(),
            "bbox": _bbox(),
            **correction_definitions(),
        },
    }


def correction_definitions() -> Json:
    """What a correction is, and what it is made of but has no definition in the document otherwise."""
    return {"correction": _correction(), "correction_was": _was(), "plain_block": _plain_block()}


def _source() -> Json:
    return _object(
        {
            "name": _text("File name, without its folder."),
            "sha256": _text("SHA-256 of the file's bytes in hexadecimal; empty if unknown."),
            "bytes": _integer("Size of the file in bytes; 0 if unknown.", minimum=0),
            "media_type": _text("Media type that its first bytes show, such as application/pdf."),
            "pages": _integer("Pages of the file, read or not; 0 if unknown.", minimum=0),
        },
        description="Where the document comes from.",
    )


def _engine() -> Json:
    return _object(
        {
            "name": _text("Engine that read the pages, such as embedded or qwen."),
            "version": _text("Its version."),
            "model": _text("Its model; empty if it has none."),
            "reason": _text("Why this engine was chosen."),
            "calibration": _text(
                "What makes its confidences probabilities; uncalibrated where they are as the engine says them."
            ),
        },
        description="Who read the document, and why that one.",
    )


def _page() -> Json:
    return _object(
        {
            "page": _integer("Place of the page in the source, from 1.", minimum=1),
            "width": _integer("Width of the page image in pixels, after rotation.", minimum=1),
            "height": _integer("Height of the page image in pixels, after rotation.", minimum=1),
            "dpi": {
                "type": "number",
                "exclusiveMinimum": 0,
                "description": "Resolution of the page image, pixels per inch.",
            },
            "size_pt": {
                "type": "array",
                "items": {"type": "number"},
                "minItems": 2,
                "maxItems": 2,
                "description": "Width and height of the unrotated page in points (1/72 inch).",
            },
            "rotation": {
                "enum": [0, 90, 180, 270],
                "description": "Clockwise degrees by which the page image shows the page turned.",
            },
            "renderer": _text("What drew the page image; empty if unknown."),
            "verdict": {"$ref": "#/$defs/verdict"},
            "blocks": _list({"$ref": "#/$defs/block"}, "The elements of the page in reading order."),
        },
        description="One page.",
    )


def _verdict() -> Json:
    return _object(
        {
            "status": _one_of(STATUSES, _STATUS_MEANING + "."),
            "issues": _list({"$ref": "#/$defs/issue"}, "What was noticed, in no particular order."),
        },
        description="How far the page can be trusted, and why.",
    )


def _issue() -> Json:
    return _object(
        {
            "code": _text("Stable name of the kind of issue."),
            "message": _text("One sentence for a person."),
            "severity": _one_of(SEVERITIES, "How much it matters."),
            "block": _text("Id of the block that it is about."),
            "line": {"type": "integer", "description": "Line of the engine's markup, from 1."},
            "column": {"type": "integer", "description": "Column of the engine's markup, from 1."},
        },
        optional=("block", "line", "column"),
        description="Something noticed about the page, its markup or its source.",
    )


def _block() -> Json:
    notations = [notation for allowed in NOTATIONS.values() for notation in allowed[1:]]
    schema = _object(
        {
            "id": _text("Unique on its page, and the id of the element in the markup."),
            "type": _one_of(KINDS, "What the element is."),
            "bbox": _or_null({"$ref": "#/$defs/bbox"}, "Its place; null if the engine gave none."),
            "text": _text("Its plain text; cells of a row joined by tabs, rows and list items by line breaks."),
            "html": _text("Its QwenVL HTML, the canonical markup, with data-bbox on every element that has a place."),
            "confidence": _or_null(
                {"type": "number", **_PROBABILITY},
                "How sure it is that the text is right, 0 to 1; null if nobody knows.",
            ),
            "level": _integer("heading: 1 to 6; list_item: depth, 1 to 9.", minimum=1, maximum=9),
            "number": {"type": "integer", "description": "list_item of an ordered list: its number."},
            "runs": _list(
                {"$ref": "#/$defs/run"}, "Its text in pieces of one style, where there is more than plain text."
            ),
            "rows": _integer("table, chart: rows.", minimum=1, maximum=MAX_SPAN),
            "cols": _integer("table, chart: columns.", minimum=1, maximum=MAX_SPAN),
            "cells": _list({"$ref": "#/$defs/cell"}, "table, chart: a full rectangle of cells in row order."),
            "style": _text("table: its style sheet, as the engine wrote it. Not to be trusted."),
            "items": _list({"$ref": "#/$defs/block"}, "list: its list_items."),
            "notation": _one_of(notations, "What the text is written in, where not in LaTeX, abc notation or SMILES."),
            "agreement": {
                "type": "number",
                **_PROBABILITY,
                "description": "How far the page's own text layer or OCR says the same, 0 to 1.",
            },
            "origin": _text("Where the text comes from: text-layer, ocr, model or user."),
        },
        optional=(
            *("level", "number", "runs", "rows", "cols", "cells", "style", "items", "notation", "agreement", "origin"),
        ),
        description="One element of the page.",
    )
    tabular = {"properties": {"type": {"enum": sorted(TABULAR)}}}
    schema["dependentSchemas"] = {"cells": tabular, "rows": tabular, "cols": tabular}
    return schema


def _plain_block() -> Json:
    schema = _block()
    schema["description"] = "An element that a correction brings or replaced: as one of a page, without its html."
    del schema["properties"]["html"]
    schema["required"].remove("html")
    schema["properties"]["items"]["items"] = {"$ref": "#/$defs/plain_block"}
    return schema


def _correction() -> Json:
    place = {"minimum": 0, "maximum": MAX_SPAN - 1}
    cell = _object(
        {"row": _integer("Where it begins, from 0.", **place), "col": _integer("Where it begins, from 0.", **place)}
        | {"text": _text("Its plain text.")},
        description="A cell that is to have another text.",
    )
    return _object(
        {
            "page": _integer("Number of the page.", minimum=1),
            "op": _one_of(OPS, "What is done; confirm: the page is right as it stands."),
            "block": {
                "anyOf": [{"type": "string"}, {"$ref": "#/$defs/plain_block"}],
                "description": "edit, delete, move: the id of a block or list item. add: the block.",
            },
            "at": _integer("add: its index on the page, from 0.", minimum=0),
            "to": _integer("move: its index when it is done, on the page or in its list, from 0.", minimum=0),
            "text": _text("edit: plain text, in the form in which blocks have it."),
            "type": _one_of(KINDS, "edit: what it is."),
            "level": {"type": "integer", "description": "edit: of a heading or list_item."},
            "bbox": {"$ref": "#/$defs/bbox"},
            "cells": _list(cell, "edit: cells that are to have another text."),
            "by": _text("Who says so."),
            "time": _text("When, ISO 8601."),
            "applied": {"type": "boolean", "description": "false: the page does not have it; true where left out."},
            "reason": _text("Why it is not applied."),
            "was": {"$ref": "#/$defs/correction_was"},
        },
        optional=(
            *("block", "at", "to", "text", "type", "level", "bbox", "cells"),
            *("by", "time", "applied", "reason", "was"),
        ),
        description="One change that a person made of a page after it was read.",
    )


def _was() -> Json:
    return _object(
        {
            "at": _integer("Index of the block, on its page or in its list.", minimum=0),
            "block": {"$ref": "#/$defs/plain_block"},
            "cells": _list({"$ref": "#/$defs/cell"}, "Cells that were edited one by one."),
            "inside": {"$ref": "#/$defs/plain_block"},
            "digest": _text("confirm: names what the page said."),
        },
        optional=("at", "block", "cells", "inside", "digest"),
        description="What a correction replaced; of a table without the cells that it did not touch.",
    )


def _cell() -> Json:
    place = {"minimum": 0, "maximum": MAX_SPAN - 1}
    span = {"minimum": 1, "maximum": MAX_SPAN}
    return _object(
        {
            "row": _integer("Its first row, from 0.", **place),
            "col": _integer("Its first column, from 0.", **place),
            "rowspan": _integer("Rows that it covers.", **span),
            "colspan": _integer("Columns that it covers.", **span),
            "text": _text("Its plain text."),
            "header": {"type": "boolean", "description": "Whether it is a header cell."},
            "runs": _list(
                {"$ref": "#/$defs/run"}, "Its text in pieces of one style, where there is more than plain text."
            ),
            "bbox": {"$ref": "#/$defs/bbox"},
            "confidence": {"type": "number", **_PROBABILITY, "description": "How sure it is that the text is right."},
        },
        optional=("runs", "bbox", "confidence"),
        description="One cell of a table.",
    )


def _run() -> Json:
    return _object(
        {
            "text": _text("The text; a line feed is a hard line break."),
            "marks": {
                "type": "array",
                "items": {"enum": list(MARKS)},
                "uniqueItems": True,
                "description": "Its styles, by their names in HTML.",
            },
        },
        optional=("marks",),
        description="A stretch of text in one style.",
    )


def _bbox() -> Json:
    return {
        "type": "array",
        "items": {"type": "integer"},
        "minItems": 4,
        "maxItems": 4,
        "description": "x1, y1, x2, y2 in whole pixels of the page image, origin top left; x1 <= x2, y1 <= y2.",
    }


# ------------------------------------------------------------------------------------ building


def _object(properties: Json, *, optional: tuple[str, ...] = (), description: str | None = None) -> Json:
    schema: Json = {"type": "object", "description": description} if description else {"type": "object"}
    schema["properties"] = properties
    schema["required"] = [name for name in properties if name not in optional]
    return schema


def _text(description: str) -> Json:
    return {"type": "string", "description": description}


def _integer(description: str, **limits: int) -> Json:
    return {"type": "integer", **limits, "description": description}


def _list(items: Json, description: str) -> Json:
    return {"type": "array", "items": items, "description": description}


def _one_of(values: tuple[str, ...] | list[str], description: str) -> Json:
    return {"enum": list(values), "description": description}


def _or_null(schema: Json, description: str) -> Json:
    return {"anyOf": [schema, {"type": "null"}], "description": description}
