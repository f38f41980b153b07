"""Fields as files: JSON for programs, CSV and XLSX for people who reckon, and the pages with the evidence on them.

    write_fields(found, schema, ("json", "csv"), Path("out"), "invoice", images=...)

A CSV or XLSX file is opened by spreadsheets, and what is in it comes from strangers: no text of theirs becomes a
formula there.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docparse.errors import SettingsError
from docparse.exporters import Images, write_file
from docparse.extract.output.flat import Cell, Table, line_items
from docparse.extract.output.summary import Summary
from docparse.extract.result import Extraction, plain
from docparse.extract.schemas import Schema

Write = Callable[[Extraction[Any], Schema, Images], Iterable[tuple[str, bytes]]]
"""Gives the ending of each file, and what is in it."""

FORMULA = "=+-@＝＋－＠"
"""What begins a formula in a spreadsheet, also as the wide characters of East Asia."""
_TRIMMED = "\t\r\n "
"""What a spreadsheet may drop before it looks whether a cell is a formula."""
BOM = "\ufeff"
"""Excel takes a CSV file without it for one of the last century's encodings."""


@dataclass(frozen=True, slots=True)
class FieldFormat:
    """A format that fields are written in; ``needs`` is the package of an extra that it takes, with that extra."""

    suffix: str
    description: str
    write: Write
    needs: tuple[str, str] | None = None


def _json(found: Extraction[Any], _: Schema, __: Images) -> Iterator[tuple[str, bytes]]:
    # The name of a file need not be Unicode; what we write is.
    yield ".fields.json", (json.dumps(found.to_dict(), indent=1, ensure_ascii=False) + "\n").encode("utf-8", "replace")


def _csv(found: Extraction[Any], schema: Schema, _: Images) -> Iterator[tuple[str, bytes]]:
    yield ".fields.csv", csv_bytes(line_items(found, schema))


def _xlsx(found: Extraction[Any], schema: Schema, _: Images) -> Iterator[tuple[str, bytes]]:
    from docparse.extract.output.workbook import workbook

    yield ".fields.xlsx", workbook(found, schema)


def _overlay(found: Extraction[Any], _: Schema, images: Images) -> Iterator[tuple[str, bytes]]:
    from docparse.extract.output.overlay import pictures

    for page, data in pictures(found, images):
        yield FORMATS["overlay"].suffix.format(page=page), data


FORMATS: Mapping[str, FieldFormat] = {
    "json": FieldFormat(".fields.json", "values, evidence, checks and verdict", _json),
    "csv": FieldFormat(".fields.csv", "a row for each line item; of several files also fields.csv", _csv),
    "xlsx": FieldFormat(".fields.xlsx", "fields and line items as a workbook", _xlsx, ("xlsxwriter", "xlsx")),
    "overlay": FieldFormat(".fields-{page:03d}.png", "the pages with each value's place on them", _overlay),
}


def write_fields(
    found: Extraction[Any], schema: Schema, formats: Sequence[str], folder: Path, stem: str, *, images: Images
) -> list[Path]:
    """Write the fields of a file, each of the files whole or not at all; returns their paths.

    Raises ``OutputError`` if the operating system does not let us write, ``SettingsError`` for an unknown format.
    """
    written = []
    for name in formats:
        for suffix, data in find(name).write(found, schema, images):
            path = folder / f"{stem}{suffix}"
            write_file(path, data)
            written.append(path)
    return written


def find(name: str) -> FieldFormat:
    """Raises ``SettingsError`` for a format that does not exist, or whose package is not installed."""
    chosen = FORMATS.get(name)
    if chosen is None:
        raise SettingsError(f"there is no format {name!r}.", hint=f"Choose one of: {', '.join(FORMATS)}.")
    if chosen.needs is not None:
        from importlib.util import find_spec

        package, extra = chosen.needs
        if find_spec(package) is None:
            raise SettingsError(
                f"{name} needs the package {package}, which is not installed.",
                hint=f"Run pip install 'docparse[{extra}]'.",
            )
    return chosen


def csv_of_run(paths: Sequence[str], told: Sequence[Sequence[Summary]], scalars: Sequence[str]) -> bytes:
    """A whole run as one table: a row for each document. ``told``: the documents of each path."""
    columns = ("file", "pages", *scalars, "confidence", "verdict", "reason")
    rows: list[tuple[Cell, ...]] = []
    for path, several in zip(paths, told, strict=True):
        for one in several:
            sure = None if one.confidence is None else round(one.confidence, 4)
            rows.append((path, span(one.pages), *one.row, sure, one.status, one.reason))
    return csv_bytes(Table(columns, tuple(rows)))


def span(pages: tuple[int, int]) -> str:
    """Pages as people write them: ``3``, ``3 to 5``; ``3-5`` would become a date in a spreadsheet."""
    return str(pages[0]) if pages[0] == pages[1] else f"{pages[0]} to {pages[1]}"


def csv_bytes(table: Table) -> bytes:
    """A table as RFC 4180 has it, in UTF-8 with a mark that says so."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([_csv_cell(name) for name in table.columns])
    writer.writerows([_csv_cell(value) for value in row] for row in table.rows)
    return (BOM + text.getvalue()).encode("utf-8", "replace")


def _csv_cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    said = str(plain(value))
    if isinstance(value, str) and begins_formula(said):
        return f"'{said}"
    return said


def begins_formula(text: str) -> bool:
    """Whether a spreadsheet might take ``text`` for a formula."""
    inside = text.lstrip(_TRIMMED)
    return inside[:1] in tuple(FORMULA) or text[:1] in ("\t", "\r", "\n")
