"""Parquet: all elements as one table, for DuckDB, pandas, Spark and whoever else counts and joins.

One row an element, in reading order; the schema is the same in every file, also in that of an empty document, so that
a folder of them is one table (``from 'results/*.parquet'``). The cells of a table are a nested column of its row and
not a second file: that would match the same pattern with another schema, and would have to be joined.

Every text stands in one row only. The parts of a list are rows of their own, with the list's ``id`` as ``parent``, and
the list's own text is null: sums over the table count nothing twice. A page on which there is nothing (it is blank,
or could not be read) has one row, whose ``kind`` is null: no page is missing, and each has its verdict.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from docparse.document import Block, Cell, Document, Page
from docparse.exporters.registry import Job, Part, register
from docparse.geometry import BBox
from docparse.qwenvl_html import write_block

if TYPE_CHECKING:
    import pyarrow

ROWS = 5000
"""Rows that are made and written at a time: a document of thousands of pages is never a table in memory."""
_MOST = 2**31 - 1
Row = dict[str, Any]


@register(
    "parquet",
    suffix=".parquet",
    media_type="application/vnd.apache.parquet",
    description="a table with a row for each element, for DuckDB and pandas",
    needs=("pyarrow", "parquet"),
)
def parquet(job: Job) -> Iterator[Part]:
    def write(stream: BinaryIO) -> None:
        import pyarrow
        from pyarrow.parquet import ParquetWriter

        schema = table_schema()
        with ParquetWriter(stream, schema, compression="zstd") as writer:
            for rows in _portions(job.document):
                writer.write_table(pyarrow.Table.from_pylist(rows, schema))

    yield job.main(write)


def table_schema() -> pyarrow.Schema:
    """The columns. Boxes are whole pixels of the page image, origin top left; confidence and agreement are 0 to 1, null
    where nobody knows them. ``reading_order`` counts the rows of a page from 1 (``order`` is a word of SQL)."""
    import pyarrow as pa

    whole, number, text = pa.int32(), pa.float64(), pa.string()
    box = [(side, whole) for side in ("x1", "y1", "x2", "y2")]
    cell = [("row", whole), ("col", whole), ("rowspan", whole), ("colspan", whole), ("header", pa.bool_())]
    cell += [("text", text), *box, ("confidence", number)]
    return pa.schema(
        [
            ("file", text),
            ("sha256", text),
            ("page", whole),
            ("id", text),
            ("parent", text),
            ("kind", text),
            ("level", whole),
            ("reading_order", whole),
            *box,
            ("page_width", whole),
            ("page_height", whole),
            ("dpi", number),
            ("text", text),
            ("html", text),
            ("confidence", number),
            ("agreement", number),
            ("origin", text),
            ("verdict", text),
            ("engine", text),
            ("model", text),
            ("cells", pa.list_(pa.struct(cell))),
        ]
    )


def _portions(document: Document) -> Iterator[list[Row]]:
    rows: list[Row] = []
    for row in _rows(document):
        rows.append(row)
        if len(rows) == ROWS:
            yield rows
            rows = []
    if rows:
        yield rows


def _rows(document: Document) -> Iterator[Row]:
    said = {
        "file": document.source.name,
        "sha256": document.source.sha256,
        "engine": document.engine.name,
        "model": document.engine.model,
    }
    for page in document.pages:
        about = said | {
            "page": page.number,
            "page_width": _bounded(page.width),
            "page_height": _bounded(page.height),
            "dpi": page.dpi,
            "verdict": page.verdict.status,
        }
        if not page.blocks:
            yield _unicode(about)
        for order, (block, parent) in enumerate(_elements(page), 1):
            yield _unicode(about | _element(block, parent) | {"reading_order": order})


def _elements(page: Page) -> Iterator[tuple[Block, str | None]]:
    """The elements of a page, a list before its parts; each with the id of the list that it is a part of."""
    for block in page.blocks:
        yield block, None
        for item in block.items:
            yield item, block.id


def _element(block: Block, parent: str | None) -> Row:
    return {
        "id": block.id,
        "parent": parent,
        "kind": block.kind,
        "level": block.level or None,
        **_box(block.bbox),
        "text": None if block.kind == "list" else block.text,
        "html": write_block(block),
        "confidence": block.confidence,
        "agreement": block.agreement,
        "origin": block.origin or None,
        "cells": [_cell(cell) for cell in block.cells] if block.cells else None,
    }


def _cell(cell: Cell) -> Row:
    return {
        "row": cell.row,
        "col": cell.col,
        "rowspan": cell.rowspan,
        "colspan": cell.colspan,
        "header": cell.header,
        "text": cell.text,
        **_box(cell.bbox),
        "confidence": cell.confidence,
    }


def _box(box: BBox | None) -> Row:
    sides = (None,) * 4 if box is None else tuple(_bounded(side) for side in box.as_tuple())
    return dict(zip(("x1", "y1", "x2", "y2"), sides, strict=True))


def _bounded(pixels: float) -> int:
    """What a model writes may be farther away than a column of numbers goes."""
    return int(max(-_MOST, min(pixels, _MOST)))


def _unicode(row: Row) -> Row:
    """The name of a file need not be Unicode, nor what somebody has put into a document's text; what we write is."""
    return {name: _sound(value) for name, value in row.items()}


def _sound(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    return [_unicode(cell) for cell in value] if isinstance(value, list) else value
