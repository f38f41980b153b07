"""Fields as a workbook: a sheet of values with the evidence of each, and a sheet of line items.

Numbers are numbers and dates are dates, so that one can reckon with them. Text is written as text whatever it
begins with: no cell becomes a formula or a link.
"""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import xlsxwriter

from docparse.extract.output.files import begins_formula
from docparse.extract.output.flat import Cell, Table, cell, documents, evidence_of, layout, line_items, value_at
from docparse.extract.result import Extraction, plain
from docparse.extract.schemas import Schema

LONGEST = 32_767
"""Characters of a cell, by Excel's specification."""
DIGITS = 15
"""Digits that a number of Excel holds; a longer one is text, or it would be another number."""
EARLIEST = datetime.date(1900, 3, 1)
"""Excel counts days from 1900, with a leap day in February that there was not: dates before are text."""
_WIDEST = 60
_COLUMNS = ("field", "value", "printed", "page", "confidence", "checks", "source", "note")


def workbook(found: Extraction[Any], schema: Schema) -> bytes:
    """The XLSX file: sheets ``fields`` and ``items``."""
    stream = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(stream, options) as book:
        writer = _Writer(book)
        writer.sheet("fields", _fields(found, schema))
        writer.sheet("items", line_items(found, schema))
    return stream.getvalue()


def _fields(found: Extraction[Any], schema: Schema) -> Table:
    """A row for each plain field and for each part of a list; line items have a sheet of their own."""
    several = documents(found)
    rows: list[tuple[Cell, ...]] = []
    for number, one in enumerate(several, 1):
        for name, value in _named(one, schema):
            rows.append((*((number,) if len(several) > 1 else ()), name, value, *_proof(one, name)))
    return Table((("document",) if len(several) > 1 else ()) + _COLUMNS, tuple(rows))


def _named(found: Extraction[Any], schema: Schema) -> Iterator[tuple[str, Cell]]:
    shape = layout(schema)
    for name in shape.scalars:
        yield name, cell(value_at(found.values, name))
    for path, names in shape.lists.items():
        for i, item in enumerate(value_at(found.values, path) or ()):
            for name in names:
                yield f"{path}[{i}].{name}", cell(value_at(item, name))


def _proof(found: Extraction[Any], name: str) -> tuple[Cell, ...]:
    """Printed text, page, confidence, checks, source and note; of a list, those of its first element."""
    evidence = evidence_of(found.evidence, name)
    if not evidence:
        return (None,) * 6
    first, sure = evidence[0], min(item.confidence for item in evidence)
    printed = "; ".join(item.text for item in evidence)
    return (printed, first.page, round(sure, 4), ", ".join(first.checks), first.source, first.note)


class _Writer:
    def __init__(self, book: Any) -> None:
        self._book = book
        self._head = book.add_format({"bold": True, "bottom": 1})
        self._day = book.add_format({"num_format": "yyyy-mm-dd", "align": "left"})
        self._moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"})
        self._time = book.add_format({"num_format": "hh:mm:ss", "align": "left"})
        self._share = book.add_format({"num_format": "0%"})
        # Marks text that looks like a formula as text for good: also when somebody edits the cell.
        self._quoted = book.add_format({"quote_prefix": True})
        self._decimals: dict[int, Any] = {0: None}

    def sheet(self, name: str, table: Table) -> None:
        sheet = self._book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for x, column in enumerate(table.columns):
            sheet.write_string(0, x, _short(column), self._head)
            values = [row[x] for row in table.rows]
            sheet.set_column(x, x, _width([column, *values]))
            for y, value in enumerate(values, 1):
                self._write(sheet, y, x, value, share=column == "confidence")

    def _write(self, sheet: Any, y: int, x: int, value: Cell, *, share: bool) -> None:
        if value is None:
            return
        if isinstance(value, bool):
            sheet.write_boolean(y, x, value)
        elif isinstance(value, int | float | Decimal) and _fits(value):
            sheet.write_number(y, x, value, self._share if share else self._as_printed(value))
        elif isinstance(value, datetime.datetime) and value.date() >= EARLIEST and value.tzinfo is None:
            sheet.write_datetime(y, x, value, self._moment)
        elif isinstance(value, datetime.date) and not isinstance(value, datetime.datetime) and value >= EARLIEST:
            sheet.write_datetime(y, x, value, self._day)
        elif isinstance(value, datetime.time) and value.tzinfo is None:
            sheet.write_datetime(y, x, value, self._time)
        else:
            text = _short(str(plain(value)))
            sheet.write_string(y, x, text, self._quoted if begins_formula(text) else None)

    def _as_printed(self, value: int | float | Decimal) -> Any:
        """As many decimals as the document has: 12.50 is not shown as 12.5."""
        decimals = max(-int(value.as_tuple().exponent), 0) if isinstance(value, Decimal) else 0
        if decimals not in self._decimals:
            self._decimals[decimals] = self._book.add_format({"num_format": f"0.{'0' * decimals}"})
        return self._decimals[decimals]


def _fits(value: int | float | Decimal) -> bool:
    if isinstance(value, float):
        return value - value == 0  # neither infinite nor no number
    number = Decimal(value)
    return number.is_finite() and len(number.as_tuple().digits) <= DIGITS


def _short(text: str) -> str:
    text = text.encode("utf-8", "replace").decode("utf-8")  # the name of a file need not be Unicode
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _width(values: Sequence[Cell]) -> int:
    """Characters that a column needs, within reason."""
    return min(max(len(str(plain(value))) for value in values if value is not None) + 2, _WIDEST)
