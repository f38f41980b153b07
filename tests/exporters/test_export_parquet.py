"""Parquet: read back by the programs that people read it with."""

from __future__ import annotations

import dataclasses
import io
import re
from pathlib import Path
from typing import Any

import duckdb
import pandas
import pyarrow.parquet as pq
import pytest
from golden_documents import DOCUMENTS, INVOICE, KINDS
from hypothesis import given
from strategies import documents, modest
from typer.testing import CliRunner

from docparse.api.asked import RESULTS
from docparse.cli import app
from docparse.document import Block, Cell, Document, EngineInfo, Issue, Page, Run, Source, Verdict
from docparse.errors import ExportError
from docparse.exporters import export, is_ready, parquet, registry, write_files
from docparse.geometry import BBox
from docparse.json_form import to_json
from docparse.qwenvl_html import write_block

README = Path(__file__).resolve().parents[2] / "README.md"


def rows(document: Document) -> list[dict[str, Any]]:
    table = pq.read_table(io.BytesIO(export(document, "parquet").data))
    assert table.schema.equals(parquet.table_schema())
    found: list[dict[str, Any]] = table.to_pylist()
    return found


def test_a_row_for_each_element_with_all_that_is_known() -> None:
    table, *_ = [row for row in rows(INVOICE) if row["kind"] == "table"]
    block = next(block for _, block in INVOICE.blocks() if block.kind == "table")
    page = INVOICE.pages[0]
    assert {name: value for name, value in table.items() if name != "cells"} == {
        "file": INVOICE.source.name,
        "sha256": INVOICE.source.sha256,
        "page": 1,
        "id": block.id,
        "parent": None,
        "kind": "table",
        "level": None,
        "reading_order": page.blocks.index(block) + 1,
        "x1": 40,
        "y1": 190,
        "x2": 560,
        "y2": 300,
        "page_width": 600,
        "page_height": 800,
        "dpi": 72.0,
        "text": block.text,
        "html": write_block(block),
        "confidence": 0.88,
        "agreement": None,
        "origin": None,
        "verdict": page.verdict.status,
        "engine": INVOICE.engine.name,
        "model": INVOICE.engine.model,
    }
    assert len(table["cells"]) == len(block.cells)
    assert table["cells"][3] == {
        "row": 1,
        "col": 0,
        "rowspan": 1,
        "colspan": 1,
        "header": False,
        "text": "Desk | oak",
        "x1": 40,
        "y1": 215,
        "x2": 300,
        "y2": 240,
        "confidence": 0.9,
    }


@pytest.mark.parametrize("name", DOCUMENTS)
def test_nothing_is_left_out_and_nothing_stands_twice(name: str) -> None:
    document = DOCUMENTS[name]
    found = rows(document)
    elements = [part for _, block in document.blocks() for part in (block, *block.items)]
    assert [row["id"] for row in found if row["kind"]] == [part.id for part in elements]
    assert [row["text"] for row in found if row["kind"]] == [
        None if part.kind == "list" else part.text for part in elements
    ]
    for page in document.pages:
        orders = [row["reading_order"] for row in found if row["page"] == page.number and row["kind"]]
        assert orders == list(range(1, len(orders) + 1))


def test_parts_of_a_list_know_their_list() -> None:
    items = tuple(Block("list_item", None, (Run(text),), level=1) for text in ("one", "two"))
    whole, one, two = rows(Document((Page(1, 10, 10, blocks=(Block("list", BBox(1, 2, 3, 4), items=items),)),)))
    assert whole["text"] is None
    assert "two" in whole["html"]
    assert [row["parent"] for row in (whole, one, two)] == [None, whole["id"], whole["id"]]
    assert [row["text"] for row in (one, two)] == ["one", "two"]
    assert (one["x1"], one["level"]) == (None, 1)


def test_a_page_with_nothing_on_it_is_not_missing() -> None:
    lost = Verdict("failed", (Issue("engine.timeout", "It took too long.", "error"),))
    document = Document((Page(1, 10, 10), Page(7, 20, 30, verdict=lost)), Source("a.pdf"))
    found = [
        (row["page"], row["verdict"], row["kind"], row["reading_order"], row["page_height"]) for row in rows(document)
    ]
    assert found == [(1, "ok", None, None, 10), (7, "failed", None, None, 30)]


def test_an_empty_document_has_the_columns_too() -> None:
    assert rows(Document()) == []


def test_a_long_document_is_written_in_portions_and_the_same_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROWS", 10)
    page = KINDS.pages[0]
    many = Document(tuple(dataclasses.replace(page, number=number) for number in range(1, 9)))
    data = export(many, "parquet").data
    assert data == export(many, "parquet").data
    file = pq.ParquetFile(io.BytesIO(data))
    assert file.num_row_groups > 2
    monkeypatch.undo()
    assert file.read().to_pylist() == rows(many)


def test_what_no_column_holds() -> None:
    far = Block("table", BBox(-1e30, 0, 1e30, 5), cells=(Cell(0, 0, runs=(Run("x"),), bbox=BBox(0, 0, 1e12, 5)),))
    name = "caf\udce9.pdf"  # bytes that are no UTF-8
    document = Document((Page(1, 9, 9, blocks=(far,)),), Source(name), EngineInfo("qwen", model=name))
    (row,) = rows(document)
    assert (row["x1"], row["x2"], row["cells"][0]["x2"]) == (-(2**31) + 1, 2**31 - 1, 2**31 - 1)
    assert row["file"] == row["model"] == "caf?.pdf"


def test_no_text_of_a_document_need_be_unicode() -> None:
    # Blocks leave such characters away by themselves; what is said of a file is as it was told.
    odd = Block("paragraph", BBox(0, 0, 5, 5), runs=(Run("a\ud800"),), origin="b\ud800")
    (row,) = rows(Document((Page(1, 9, 9, blocks=(odd,)),), Source("d", sha256="\ud800"), EngineInfo("qwen")))
    assert (row["text"], row["origin"], row["sha256"]) == ("a", "b", "?")


@given(documents())
@modest
def test_any_document(document: Document) -> None:
    elements = [part for _, block in document.blocks() for part in (block, *block.items)]
    blank = sum(not page.blocks for page in document.pages)
    found = rows(document)
    assert len(found) == len(elements) + blank
    assert [row["html"] for row in found if row["kind"]] == [write_block(part) for part in elements]


# ------------------------------------------------------------------------------------ as people use it


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in DOCUMENTS:
        write_files(DOCUMENTS[name], "parquet", tmp_path, name)
    write_files(Document(), "parquet", tmp_path, "empty")
    return tmp_path


def test_duckdb_reads_a_folder_as_one_table(folder: Path) -> None:
    database = duckdb.connect()
    every = f"read_parquet('{folder}/*.parquet')"
    (number,) = database.execute(f"select count(*) from {every} where kind is not null").fetchall()[0]
    assert number == sum(1 + len(block.items) for one in DOCUMENTS.values() for _, block in one.blocks())
    cells = database.execute(
        f"select c.text, c.confidence from (select unnest(cells) as c from {every} where file = ?)"
        " where c.confidence < 0.5",
        [INVOICE.source.name],
    ).fetchall()
    assert cells == [("2", 0.4)]
    verdicts = dict(
        database.execute(f"select verdict, count(distinct (sha256, file, page)) from {every} group by 1").fetchall()
    )
    statuses = [page.verdict.status for one in DOCUMENTS.values() for page in one.pages]
    assert verdicts == {status: statuses.count(status) for status in statuses}


def test_the_questions_of_the_readme_are_answered_as_they_stand_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = re.findall(r'^duckdb -c "(.+)"$', README.read_text("utf-8"), re.M)
    assert len(asked) == 2
    folder.joinpath("results").mkdir()
    for path in folder.glob("*.parquet"):
        path.rename(folder / "results" / path.name)
    monkeypatch.chdir(folder)
    headings, cells = (duckdb.connect().execute(question).fetchall() for question in asked)
    known = [(one.source.name, page.number, page) for one in DOCUMENTS.values() for page in one.pages]
    assert sorted(headings) == sorted(
        (file, number, block.text)
        for file, number, page in known
        for block in page.blocks
        if block.kind == "heading" and page.verdict.status == "ok"
    )
    assert sorted(cells) == sorted(
        (file, number, cell.row, cell.col, cell.text)
        for file, number, page in known
        for block in page.blocks
        for cell in block.cells
    )
    assert headings
    assert cells


def test_pandas_knows_the_cells_of_a_table(folder: Path) -> None:
    frame = pandas.read_parquet(folder)
    table = frame[(frame["kind"] == "table") & (frame["file"] == INVOICE.source.name)].iloc[0]
    block = next(block for _, block in INVOICE.blocks() if block.kind == "table")
    assert [(cell["row"], cell["col"], cell["text"]) for cell in table["cells"]] == [
        (cell.row, cell.col, cell.text) for cell in block.cells
    ]
    every = pandas.json_normalize(frame["cells"].dropna().explode().tolist())
    assert (every["row"] >= 0).all()
    assert len(every) == sum(len(block.cells) for one in DOCUMENTS.values() for _, block in one.blocks())


def test_pandas_reads_a_folder_as_one_table(folder: Path) -> None:
    frame = pandas.read_parquet(folder)
    headings = frame[(frame["kind"] == "heading") & (frame["file"] == INVOICE.source.name)]
    assert headings["text"].iloc[0] == "Invoice 2024-017"
    assert set(frame["page"]) == {page.number for one in DOCUMENTS.values() for page in one.pages}
    assert frame["kind"].notna().sum() == sum(1 + len(b.items) for one in DOCUMENTS.values() for _, b in one.blocks())


def test_the_command_line_writes_it(tmp_path: Path) -> None:
    (tmp_path / "bill.json").write_text(to_json(INVOICE))
    made = CliRunner().invoke(app, ["export", str(tmp_path / "bill.json"), "--to", "parquet", "-o", str(tmp_path)])
    assert made.exit_code == 0, made.output
    assert pq.read_table(tmp_path / "bill.parquet").to_pylist() == rows(INVOICE)


def test_without_pyarrow_there_is_a_sentence_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_is_installed", lambda package: False)
    with pytest.raises(ExportError, match=r"needs the package pyarrow.* pip install 'docparse\[parquet\]'"):
        export(INVOICE, "parquet")
    asked = ["convert", str(tmp_path / "none.pdf"), "-o", str(tmp_path / "out"), "--to", "json,parquet"]
    made = CliRunner().invoke(app, asked)
    assert made.exit_code == 2
    assert "pip install 'docparse[parquet]'" in made.output
    assert "none.pdf" not in made.output


def test_a_service_offers_it_where_it_can_write_it() -> None:
    assert "parquet" in RESULTS
    assert is_ready(registry.FORMATS["parquet"])
