"""Chunks: nothing lost, nothing doubled, cut where a reader would cut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import documents

from docparse.document import Block, Cell, Document, Page, Run
from docparse.errors import ExportError
from docparse.exporters import ExportOptions, export
from docparse.exporters.chunks import tokens_estimate
from docparse.exporters.flow import running
from docparse.exporters.inline_html import head_rows
from docparse.exporters.plain import cell_grid, sign
from docparse.geometry import BBox


def chunks(document: Document, size: int = 2000) -> list[dict[str, Any]]:
    text = export(document, "chunks", options=ExportOptions(chunk_size=size), stem="d").text
    return [json.loads(line) for line in text.split("\n") if line]


def one_page(*blocks: Block) -> Document:
    return Document((Page(1, 100, 100, blocks=blocks),))


def paragraph(text: str) -> Block:
    return Block("paragraph", BBox(1, 2, 3, 4), (Run(text),))


def heading(text: str, level: int) -> Block:
    return Block("heading", runs=(Run(text),), level=level)


def table(rows: int, cell: str = "cell", head: int = 1) -> Block:
    return Block(
        "table",
        BBox(0, 0, 50, 10 * rows),
        cells=tuple(
            Cell(r, c, runs=(Run(f"{cell} {r}.{c}"),), header=r < head, bbox=BBox(c, 10 * r, c + 1, 10 * r + 9))
            for r in range(rows)
            for c in range(2)
        ),
    )


def bare(text: str) -> str:
    return "".join(text.split())


def expected(document: Document) -> str:
    out = ""
    for page in document.pages:
        for block in running(page, furniture=False):
            if block.kind == "list_item":
                out += sign(block)
            if block.runs:
                out += block.text
            for index, row in enumerate(cell_grid(block)):
                out += "|" + "".join(f"{cell}|".replace(f"{cell}|", cell.replace("|", "\\|") + "|") for cell in row)
                if index == head_rows(block) - 1:
                    out += "|" + "---|" * block.num_cols
    return bare(out)


@given(documents(), st.integers(100, 400))
@settings(max_examples=80, deadline=None)
def test_nothing_is_lost_or_doubled(document: Document, size: int) -> None:
    """The chunks one after the other are the text, once the repeated header rows are taken off."""
    found = ""
    seen: set[tuple[int, str]] = set()
    heads = {
        (page.number, block.id): head_rows(block) + 1 if head_rows(block) else 0
        for page in document.pages
        for block in running(page, furniture=False)
    }
    for chunk in chunks(document, size):
        text = chunk["text"]
        first = (chunk["boxes"][0]["page"], chunk["boxes"][0]["block"])
        lines = text.split("\n")
        if (
            first in seen
            and heads[first]
            and bare(text).find("|---|") > 0
            and lines[heads[first] - 1].startswith("| ---")
        ):
            text = "\n".join(lines[heads[first] :])
        seen |= {(box["page"], box["block"]) for box in chunk["boxes"]}
        found += bare(text)
    assert found == expected(document)


@given(documents(), st.integers(100, 400))
@settings(max_examples=40, deadline=None)
def test_size(document: Document, size: int) -> None:
    """Only headings and single rows of tables go over the limit."""
    for chunk in chunks(document, size):
        assert len(chunk["text"]) <= size or {"heading", "table", "chart"} & set(chunk["kinds"])
        assert chunk["pages"] == sorted({box["page"] for box in chunk["boxes"]})


def test_headings_cut_and_give_the_path() -> None:
    document = one_page(
        paragraph("before"),
        heading("A", 1),
        heading("B", 2),
        paragraph("b"),
        heading("C", 2),
        paragraph("c"),
        heading("D", 1),
    )
    assert [(c["text"], c["heading_path"]) for c in chunks(document)] == [
        ("before", []),
        ("A\n\nB\n\nb", ["A", "B"]),
        ("C\n\nc", ["A", "C"]),
        ("D", ["D"]),
    ]
    assert [c["id"] for c in chunks(document)] == ["d-0001", "d-0002", "d-0003", "d-0004"]


def test_paragraphs_are_kept_whole_where_they_fit() -> None:
    document = one_page(paragraph("a" * 70), paragraph("b" * 70), paragraph("c" * 20))
    assert [c["text"] for c in chunks(document, 100)] == ["a" * 70, "b" * 70 + "\n\n" + "c" * 20]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    text = "The first sentence is here. " * 6
    found = chunks(one_page(paragraph(text)), 100)
    assert [c["text"] for c in found] == [
        "The first sentence is here. The first sentence is here. The first sentence is here."
    ] * 2
    assert all(c["boxes"] == [{"page": 1, "bbox": [1, 2, 3, 4], "block": "p1b1"}] for c in found)


def test_chinese_is_cut_between_sentences() -> None:
    found = chunks(one_page(paragraph("这是第一个句子，有一些字。" * 20)), 100)
    assert all(c["text"].endswith("。") and len(c["text"]) <= 100 for c in found)


def test_a_long_table_repeats_its_header_and_keeps_rows_whole() -> None:
    found = chunks(one_page(table(12)), 150)
    head = "| cell 0.0 | cell 0.1 |\n| --- | --- |\n"
    assert len(found) > 1
    assert all(c["text"].startswith(head) for c in found)
    rows = [line for c in found for line in c["text"].removeprefix(head).split("\n")]
    assert rows == [f"| cell {r}.0 | cell {r}.1 |" for r in range(1, 12)]
    assert found[1]["boxes"][0]["bbox"][1] > found[0]["boxes"][0]["bbox"][3]


def test_a_caption_stays_with_its_table() -> None:
    caption = Block("caption", BBox(0, 41, 50, 50), (Run("Table 1: " + "words " * 3),))
    document = one_page(paragraph("x" * 60), table(3), caption)
    first, second = chunks(document, 120)
    assert first["text"] == "x" * 60
    assert second["kinds"] == ["table", "caption"]


def test_a_picture_is_a_place_in_the_chunk_of_its_caption() -> None:
    document = one_page(Block("image", BBox(0, 0, 9, 9)), Block("caption", BBox(0, 10, 9, 12), (Run("Figure 1"),)))
    (chunk,) = chunks(document)
    assert chunk["text"] == "Figure 1"
    assert [box["block"] for box in chunk["boxes"]] == ["p1b1", "p1b2"]


def test_tokens_estimate() -> None:
    assert tokens_estimate("") == 0
    assert tokens_estimate("word word") == 3
    assert tokens_estimate("中文字") == 3


def test_too_small() -> None:
    with pytest.raises(ExportError, match="too small"):
        ExportOptions(chunk_size=10)
