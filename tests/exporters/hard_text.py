"""Blocks whose text is made of what breaks Markdown, for property tests."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from strategies import blocks, tables

from docparse.document import FURNITURE, KINDS, MARKS, Block, Run

SNIPPETS = (
    *"abz019 .,-–+*_~`#>|!?:;=&<()[]{}\\$%/'\"@^",
    *("\n", "  ", "\t", "é", "ß", "中", "。", "《", "あ", "א", "م", "😀", "\u200b", "\u00a0", "\u2028", "\ud800"),
    *("**", "__", "***", "---", "```", "~~", "](", "![", "1. ", "2) ", "- ", "# ", "&amp;", "&#35;", "<b>", "</p>"),
    *("<!--", "-->", "<script>", "http://x.y/a_b_c", "word", "another word", "| a |", "\\(x\\)", "$x_1$", "$5", "\n\n"),
    *("\x00", "\x0c", "\r\n", "===", "[x]: y", "<br>", "\\|", "\\\n"),
)
FLOWING = tuple(kind for kind in KINDS if kind not in FURNITURE)

texts = st.lists(st.sampled_from(SNIPPETS), max_size=12).map("".join)
runs = st.lists(st.builds(Run, texts, st.sets(st.sampled_from(MARKS), max_size=3).map(tuple)), max_size=4).map(tuple)
inlines = runs | texts.map(lambda text: (Run(text),))


@st.composite
def hard_blocks(draw: st.DrawFn, *kinds: str) -> Block:
    """A block of one of ``kinds`` (default: all that are no furniture) that says something hard."""
    block = draw(blocks(draw(st.sampled_from(kinds or FLOWING))))  # type: ignore[arg-type]
    if block.kind in ("table", "chart"):
        cells = draw(tables())
        if draw(st.booleans()):  # so that pipe tables come often
            cells = tuple(replace(cell, rowspan=1, colspan=1, header=cell.row == 0) for cell in cells)
        block = replace(block, cells=tuple(replace(cell, runs=draw(inlines)) for cell in cells))
    if block.kind == "list":
        return replace(block, items=tuple(replace(item, runs=draw(inlines)) for item in block.items))
    return block if block.kind == "table" else replace(block, runs=draw(inlines))
