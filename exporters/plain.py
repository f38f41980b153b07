"""Plain text in reading order; tables as tab-separated values."""

from __future__ import annotations

from collections.abc import Iterator

from docparse.document import Block
from docparse.exporters.flow import Scroll, running
from docparse.exporters.registry import Job, Part, register


@register(
    "text",
    suffix=".txt",
    media_type="text/plain",
    description="plain text in reading order, tables as tab-separated values",
    aliases=("txt",),
)
def text(job: Job) -> Iterator[Part]:
    scroll = Scroll()
    in_list = False
    for page in job.document.pages:
        for block in running(page, furniture=job.options.furniture):
            said = block_text(block)
            if not said:
                continue
            is_item = block.kind == "list_item"
            if len(scroll):
                scroll.add("\n" if is_item and in_list else "\n\n")
            if is_item:
                scroll.add("  " * (block.level - 1) + sign(block) + " ")
            in_list = is_item
            scroll.add(said, page, block)
    scroll.add("\n" if len(scroll) else "")
    yield job.main(scroll.text, scroll.spans)


def block_text(block: Block) -> str:
    """The text of a block; its cells with a tab for every column, those a span covers included."""
    said = block.text if block.runs or not block.cells else ""
    grid = "\n".join("\t".join(row) for row in cell_grid(block))
    return f"{said}\n{grid}" if said and grid else said or grid


def cell_grid(block: Block) -> list[list[str]]:
    """The texts of the cells by row and column; a cell that spans places is said in its first."""
    grid = [[""] * block.num_cols for _ in range(block.num_rows)]
    for cell in block.cells:
        grid[cell.row][cell.col] = " ".join(cell.text.split("\n"))
    return grid


def sign(item: Block) -> str:
    return "-" if item.number is None else f"{item.number}."
