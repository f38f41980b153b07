r"""Markdown: CommonMark with GFM tables, figures as PNG files beside it.

What it writes, kind by kind:

    heading            #, by its level
    list_item          "- " or its own number, nested; a number out of turn starts a new list
    table              a pipe table if that says all of it: one header row on top, no spans, no line
                       breaks in cells; else HTML, which says all of it and parses to the same grid
    image, chart       ![caption — text in the image](STEM_files/ID.png), a chart's data as a table;
                       without pixels the same with no address, so that the place is still marked
    formula            $$ ... $$; printed characters whose LaTeX nobody knows as \text{...}
    code, music_sheet, chemical_formula   a fence
    footnote           at the end of its page
    header, footer, page_number           left out, unless asked for

Blocks and pages are apart by one empty line. Hard line breaks are two spaces at the line's end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from docparse.document import Block, Page, Run
from docparse.exporters import inline_html
from docparse.exporters.crops import PICTURED, CropNames, Crops, encoded
from docparse.exporters.flow import Scroll, captions, running
from docparse.exporters.inline_markdown import escape, inline
from docparse.exporters.registry import Job, Part, register

FENCES = {"code": "", "music_sheet": "abc", "chemical_formula": "smiles"}
"""Kinds that go into a fence, and the language after it."""

_WRAPPED_FORMULA = re.compile(r"(?s)\$\$(.*)\$\$|\\\[(.*)\\\]|\\\((.*)\\\)|\$(.*)\$")
_LATEX_TEXT = str.maketrans(
    {**{c: f"\\{c}" for c in "{}$&#%_"}, "\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}"},
)
_ROW_OF_DASHES = re.compile(r"(?m)^(\|[\s:|]*)(?=-[\s:|-]*$)")


@register(
    "markdown",
    suffix=".md",
    media_type="text/markdown",
    description="CommonMark with GFM tables, and the figures as PNG files beside it",
    images="optional",
    aliases=("md",),
)
def markdown(job: Job) -> Iterator[Part]:
    scroll, lists, names = Scroll(), Lists(), CropNames(f"{job.stem}_files")
    for page in job.document.pages:
        blocks = running(page, furniture=job.options.furniture)
        titles = captions(blocks)
        crops = Crops(page, job.images)
        for block in blocks:
            if block.kind in PICTURED:
                name = ""
                if image := crops.crop(block):
                    name = names.next(page, block)
                    yield Part(name, encoded(image, "PNG"))
                text = _picture(block, titles.get(block.id), quote(name, errors="surrogateescape"))
            elif block.kind == "list_item":
                _item(scroll, page, block, lists)
                continue
            else:
                text = block_markdown(block)
            if text:
                lists.end()
                scroll.add("\n\n" if len(scroll) else "")
                scroll.add(text, page, block)
    scroll.add("\n" if len(scroll) else "")
    yield job.main(scroll.text, scroll.spans)


def block_markdown(block: Block) -> str:
    """One block by itself, but for list items and pictures; '' if there is nothing to say."""
    if block.kind == "heading":
        return f"{'#' * block.level} {inline(block.runs, heading=True)}" if block.runs else ""
    if block.kind == "table":
        return table(block) if block.cells else ""
    if block.kind == "formula":
        return _formula(block) if block.runs else ""
    if block.kind in FENCES:
        return fenced(block.text, FENCES[block.kind]) if block.runs else ""
    return inline(block.runs)


# -------------------------------------------------------------------------------------- lists


@dataclass(slots=True)
class _Open:
    """A list that is open: its level, where its signs stand, and its last number."""

    level: int
    indent: int
    number: int | None = None
    point: str = "."
    sign: str = ""


class Lists:
    """The lists that are open where the next item comes, from the outermost in."""

    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._empty = False  # the last item

    def end(self) -> None:
        self._open.clear()

    def next(self, level: int, number: int | None, *, empty: bool) -> tuple[str, str, str]:
        """What stands before an item: line breaks, indentation, and its sign."""
        first = not self._open
        while len(self._open) > 1 and self._open[-2].level >= level:
            self._open.pop()
        if self._open and self._open[-1].level >= level:
            here, breaks = self._open[-1], "\n"
            here.level = level  # less deep than the items before it, but not as little as those above
            # Numbers are counted by the reader's program. One out of turn needs a list of its own,
            # and another sign after the number is what begins one.
            if number is not None and here.number is not None and number != here.number + 1:
                here.point = ")" if here.point == "." else "."
        else:
            above = self._open[-1] if self._open else None
            here = _Open(level, above.indent + len(above.sign) + 1 if above else 0)
            self._open.append(here)
            # Right below a line of text, only "1." and items with text begin a list; and an item
            # without text ends at an empty line.
            breaks = "\n" if not first and (self._empty or (number in (None, 1) and not empty)) else "\n\n"
        here.number, self._empty = number, empty
        here.sign = "-" if number is None else f"{number}{here.point}"
        return breaks, " " * here.indent, here.sign


def _item(scroll: Scroll, page: Page, block: Block, lists: Lists) -> None:
    runs, number = block.runs, block.number
    if number is not None and not 0 <= number < 10**9:  # Markdown does not count so far
        runs, number = (Run(f"{number}. "), *runs), None
    text = inline(runs)
    breaks, indent, sign = lists.next(block.level, number, empty=not text)
    scroll.add((breaks if len(scroll) else "") + indent)
    text = text.replace("\n", "\n" + " " * (len(indent) + len(sign) + 1))
    scroll.add(f"{sign} {text}" if text else sign, page, block)


# ---------------------------------------------------------------------------- tables, pictures


def table(block: Block) -> str:
    """The cells as a pipe table if that loses nothing, else as HTML."""
    rows = block.rows()
    plain = inline_html.head_rows(block) == 1 and not any(
        cell.rowspan > 1 or cell.colspan > 1 or (cell.header and cell.row) or "\n" in cell.text for cell in block.cells
    )
    if not plain:
        return inline_html.table(block)
    lines = [f"| {' | '.join(inline(cell.runs, pipes=True) for cell in row)} |" for row in rows]
    body = _ROW_OF_DASHES.sub(r"\1\\", "\n".join(lines[1:]))
    return "\n".join((lines[0], "|" + " --- |" * len(rows[0]), *([body] if body else ())))


def _picture(block: Block, caption: Block | None, address: str) -> str:
    """The image with its caption and the text in it as the words for those who do not see it."""
    parts = [part.text for part in (caption, block if block.kind == "image" else None) if part is not None]
    alt = escape(" ".join(" — ".join(filter(None, parts)).split()))
    alt = alt.replace("[", "&#91;").replace("]", "&#93;")
    texts = [f"![{alt or block.kind}]({address})"]
    if block.kind == "chart":
        texts += [text for text in (inline(block.runs), table(block) if block.cells else "") if text]
    return "\n\n".join(texts)


# ----------------------------------------------------------------------------------- verbatim


def fenced(text: str, language: str = "") -> str:
    """``text`` in a fence that is longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _formula(block: Block) -> str:
    if block.notation == "text":
        lines: Iterable[str] = (f"\\text{{{line.translate(_LATEX_TEXT)}}}" for line in _filled(block.text))
        return "$$\n" + " \\\\\n".join(lines) + "\n$$"
    return "$$\n" + "\n".join(_filled(bare_formula(block.text).replace("$$", "$ $"))) + "\n$$"


def bare_formula(latex: str) -> str:
    """LaTeX without the signs around it that some models write: ``$$ $$``, ``\\[ \\]``, ``$ $``, ``\\( \\)``."""
    match = _WRAPPED_FORMULA.fullmatch(latex)
    return next(part for part in match.groups() if part is not None).strip() if match else latex


def _filled(text: str) -> list[str]:
    """The lines with something on them: an empty one would end the formula."""
    return [line.rstrip() for line in text.split("\n") if line.strip()]
